"""Data sets: MNIST and Fashion-MNIST from disk or download, digits drawn here, IDX files."""

# One data set or format a file. Imports nothing else of cynn; imported by `cli`.

from ._digits import make_digits
from ._idx import IDXError, read_idx
from ._mnist import DatasetUnavailable, cache_folder, load_fashion_mnist, load_mnist

__all__ = [
    "DatasetUnavailable",
    "IDXError",
    "cache_folder",
    "load_fashion_mnist",
    "load_mnist",
    "make_digits",
    "read_idx",
]
