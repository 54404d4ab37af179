"""Data sets: MNIST and Fashion-MNIST from disk or download, digits drawn here, IDX files."""

# One data set or format a file. Imports `_runtime` and `_specs`; imported by `cli`.

from typing import TYPE_CHECKING

from .._specs.names import missing_from
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

if not TYPE_CHECKING:
    __getattr__ = missing_from(__name__)
