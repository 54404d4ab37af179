"""A report: a trained network, its data, training, measures and mistakes on one page of HTML.

The page is one file that needs no other: pictures are drawn into it, by matplotlib, which
``pip install 'cynn-learn[plots]'`` brings. It holds no script and refers to nothing outside.
"""

# A way out: imports `plots`, `convert`, `ensemble` and below; imported by `cli`.

from ._write import write

__all__ = ["write"]
