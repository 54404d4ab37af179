"""A page of HTML, read as a browser would: what tests ask of each."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}

# What fetches something, or runs.
FOREIGN = {"script", "link", "iframe", "object", "embed", "base", "form", "video", "audio", "use"}


class Page(HTMLParser):
    """What is on a page; a ValueError where its elements do not close as they opened."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.words, self.cells = [], [], []
        self._open = []
        self.feed(source)
        self.close()
        if self._open:
            raise ValueError(f"not closed: {self._open}")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.words.append(data)
            if {"td", "th"} & set(self._open):
                self.cells[-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, *first, below):
        """Return a line's cells behind the first ones, of the table whose head begins so."""
        heads = [i for i, line in enumerate(self.cells) if line[: len(below)] == list(below)]
        assert len(heads) == 1, f"{below} begins {len(heads)} lines"
        width = len(self.cells[heads[0]])
        for line in self.cells[heads[0] :]:
            if len(line) != width:
                break
            if line[: len(first)] == list(first):
                return line[len(first) :]
        raise LookupError(first)


def expect_alone(source):
    """Read a page that needs no other file, says what each picture shows, and names each once."""
    page = Page(source)
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(names)) == len(names)
    for tag, attributes in page.elements:
        assert tag not in FOREIGN - {"use"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            value = attributes.get(name)
            if value is not None and not value.startswith("data:image/png;base64,"):
                assert value.startswith("#") and value[1:] in names, (tag, value)
        for value in attributes.values():
            for name in re.findall(r"url\(([^)]*)\)", value or ""):
                assert name[0] == "#" and name[1:] in names
        if tag == "img":
            assert attributes["alt"].strip()
        if tag == "svg":
            assert attributes["role"] == "img" and attributes["aria-label"].strip()
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in names
    assert not re.search(r"@import|url\((?!#)", source)
    return page
