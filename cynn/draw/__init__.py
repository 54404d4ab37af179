"""Drawing: a page on which a person draws a digit and sees what a network makes of it.

``cynn draw`` serves it on this machine; `page` returns it as one file that needs no server.
"""

# A way out: imports `model` and below; imported by `cli`. The server, which loads Python's own, is
# imported where it is started.

from ._page import page

__all__ = ["page"]
