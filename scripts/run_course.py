"""Run the pages of docs/course as notebooks; see scripts/test-course."""

import argparse
import sys
import time
from pathlib import Path

import jupytext
import nbclient

COURSE = Path(__file__).resolve().parent.parent / "docs" / "course"


def main() -> int:
    """Run the pages that the command line names, in order."""
    parser = argparse.ArgumentParser(prog="scripts/test-course", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="how its name begins, such as 06")
    parser.add_argument("--save", type=Path, metavar="DIR", help="a folder for the notebooks")
    options = parser.parse_args()
    pages = sorted(COURSE.glob("[0-9]*.py"))
    chosen = [p for p in pages if p.name.startswith(tuple(options.pages) or "")]
    if not chosen:
        parser.error(f"PAGE must begin one of {[page.stem for page in pages]}, got {options.pages}")
    for page in chosen:
        notebook = jupytext.read(page)
        kinds = {cell.cell_type for cell in notebook.cells}
        if kinds != {"markdown", "code"}:
            print(f"{page.name}: must have cells of markdown and of code, got {sorted(kinds)}")
            return 1
        started = time.perf_counter()
        try:
            nbclient.NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
        except nbclient.exceptions.CellExecutionError as error:
            print(f"{page.name}: FAILED\n{error}")
            return 1
        if options.save is not None:
            options.save.mkdir(parents=True, exist_ok=True)
            jupytext.write(notebook, options.save / f"{page.stem}.ipynb")
        print(f"{page.name}: good, {time.perf_counter() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
