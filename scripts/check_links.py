"""Check that every link within a folder of HTML pages leads to a file, and to a place in it.

    check_links.py FOLDER

Links to other hosts are not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, and the names of its places."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the link and the place of a tag."""
        found = dict(attrs)
        self.places.update(filter(None, [found.get("id"), found.get("name")]))
        link = found.get(LINKS.get(tag, ""))
        if link:
            self.links.append(link)


def broken(folder: Path) -> list[str]:
    """Return a line for each link of the pages in a folder that leads nowhere, in order."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.parts  # templates of the theme
    }
    lines = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            known = target not in pages or not place or place in pages[target].places
            if not target.exists() or not known:
                lines.append(f"{path.relative_to(folder.resolve())}: {link}")
    return lines


def main() -> int:
    """Check the folder of the command line; return the exit status."""
    folder = Path(sys.argv[1])
    lines = broken(folder)
    print(*(f"leads nowhere: {line}" for line in lines), sep="\n", end="\n" if lines else "")
    return min(len(lines), 1)


if __name__ == "__main__":
    sys.exit(main())
