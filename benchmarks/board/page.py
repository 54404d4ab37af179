"""The page of the docs: what stands between its marks is written, the rest is by hand."""

from ..data import ROOT
from .tables import TABLES

PAGE = ROOT / "docs" / "tables-board.md"
PICTURE = PAGE.with_suffix(".svg")


def between(text: str, name: str, inside: str) -> str:
    """Return a text with what stands between two marks replaced."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"the page must hold the marks {begin.strip()} and {end.strip()}")
    return f"{before}{begin}\n{inside.strip()}\n\n{end}{rest.partition(end)[2]}"


def sources() -> str:
    """Return the tables with their sources."""
    lines = [
        "| table | from | predicted | rows | columns | left out |",
        "|---|---|---|---:|---:|---|",
    ]
    for table in TABLES:
        package, _, name = table.source.partition(".")
        origin = f"scikit-learn, `load_{name}`" if package == "sklearn" else f"`{table.source}`"
        task = "class" if table.task == "classification" else "number"
        dropped = "; ".join(f"`{column}`: {why}" for column, why in table.dropped.items())
        rows = f"{table.shape[0]:,}"
        if table.most and table.shape[0] > table.most:
            rows = f"{table.most:,} of {rows}"
        goal = f"{task} `{table.target}`"
        lines.append(
            f"| {table.name} | {origin} | {goal} | {rows} | {table.shape[1]} | {dropped} |"
        )
    return "\n".join(lines)


def written(text: str, report: str | None = None) -> str:
    """Return the page with the tables as they are now, and with a report where there is one."""
    text = between(text, "tables", sources())
    return text if report is None else between(text, "figures", report)


def write(report: str | None, picture: str) -> None:
    """Write the tables, and the report and the picture where there are some, into the docs."""
    if report and picture:
        PICTURE.write_text(picture, encoding="utf-8")
        report = f"{report}\n![Scores over seconds of a fit]({PICTURE.name})"
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), report), encoding="utf-8")
