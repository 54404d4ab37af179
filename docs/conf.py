"""Configure Sphinx; ``scripts/docs`` builds the pages.

CYNN_DOCS_EXECUTE is 1 where the examples and the course are to be executed, which takes minutes;
otherwise they are shown without output.
"""

import importlib.metadata
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import check_numpydoc  # noqa: E402 (which objects are public is said there)

EXECUTE = os.environ.get("CYNN_DOCS_EXECUTE") == "1"

project = "cynn"
author = "the cynn developers"
project_copyright = author
release = version = importlib.metadata.version("cynn-learn")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["conf.py", "gallery/*.py", "gallery/*.ipynb"]

# -- pages in Markdown, and those of the course, which are notebooks as programs

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache" if EXECUTE else "off"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# -- the public objects

default_role = "py:obj"
add_module_names = False
autodoc_typehints = "none"  # the docstrings have the types, and more exactly
autodoc_member_order = "bysource"
autosummary_generate = False  # a page for a module, written below
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

# -- the examples

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "plot_gallery": EXECUTE,
    "abort_on_example_error": True,
    "write_computation_times": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
}

# -- how it looks

html_theme = "pydata_sphinx_theme"
html_title = "cynn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": []}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def members_to_show(kind: type) -> Iterator[str]:
    """Yield the methods and properties to show at a class: those that no public base shows."""
    bases = [base for base in kind.__mro__[1:] if base in PUBLIC_CLASSES]
    for name, owner, _ in check_numpydoc.members(kind):
        if owner is kind or not any(hasattr(base, name) for base in bases):
            yield name


def module_page(name: str, objects: dict[str, Any]) -> str:
    """Return the page of a module: its docstring, a table of its objects, and each of them."""
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", "   :no-members:", ""]
    lines += [f".. currentmodule:: {name}", "", ".. autosummary::", "   :nosignatures:", ""]
    lines += [f"   {each}" for each in objects] + [""]
    for each, found in objects.items():
        if not isinstance(found, type):
            lines += [f".. autofunction:: {each}", ""]
            continue
        directive = "autoexception" if issubclass(found, BaseException) else "autoclass"
        lines += [f".. {directive}:: {each}", "   :show-inheritance:"]
        shown = list(members_to_show(found))
        lines += ["   :inherited-members:"] if set(shown) - set(vars(found)) else []
        lines += [f"   :members: {', '.join(shown)}", ""] if shown else [""]
    return "\n".join(lines)


PUBLIC_CLASSES = {
    found
    for module in check_numpydoc.modules()
    for _, found in check_numpydoc.public(module)
    if isinstance(found, type)
}


def write_if_changed(path: Path, text: str) -> None:
    """Write a page, unless it is there already: Sphinx reads again what is newer."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def write_api(app: Any) -> None:
    """Write a page for each public module into docs/api, where an object stands once."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    seen: set[int] = set()
    pages = []
    for module in check_numpydoc.modules():
        objects = {
            name.rpartition(".")[2]: found
            for name, found in check_numpydoc.public(module)
            if id(found) not in seen
        }
        seen.update(map(id, objects.values()))
        if objects:
            pages.append(module.__name__)
            write_if_changed(folder / f"{pages[-1]}.rst", module_page(pages[-1], objects))
    entries = "\n".join(pages)
    index = f"""\
Python
======

Every public function and class, by module.

.. toctree::
   :maxdepth: 1

{textwrap.indent(entries, "   ")}
"""
    write_if_changed(folder / "index.rst", index)


def prepare_source(app: Any, docname: str, source: list[str]) -> None:
    """Take out of a page what is not to be shown.

    That is the empty line with which an example ends, as doctest wants it, and the list of the
    course's pages where there are none.
    """
    source[0] = re.sub(r"(?sm)^(```python\n>>>.*?)\n+```$", r"\1\n```", source[0])
    if docname == "tutorials" and not (Path(app.srcdir) / "course").is_dir():
        source[0] = source[0].partition("```{toctree}\n:caption: The course")[0]


def leave_out_others(
    app: Any, what: str, name: str, member: Any, skip: bool, options: Any
) -> bool | None:
    """Return True for what scikit-learn has documented, None for the rest: as autodoc decides."""
    return (getattr(member, "__module__", None) or "").startswith("sklearn.") or None


def setup(app: Any) -> None:
    """Write the pages of the modules before Sphinx looks for pages."""
    app.connect("builder-inited", write_api)
    app.connect("source-read", prepare_source)
    app.connect("autodoc-skip-member", leave_out_others)
