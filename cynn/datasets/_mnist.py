"""MNIST and its relatives: from a folder, the user's cache, or a download."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._download import Refused, download, is_published
from ._idx import IDXError, read_idx

__all__ = ["DatasetUnavailable", "cache_folder", "load_fashion_mnist", "load_mnist"]

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]

SIZE = 28
FILES = tuple(
    f"{s}-{part}-ubyte" for s in ("train", "t10k") for part in ("images-idx3", "labels-idx1")
)


class Dataset(NamedTuple):
    """What distinguishes one data set in MNIST's format from another."""

    title: str
    folder: str  # its own, inside the cache and inside a folder of data sets
    mirrors: tuple[str, ...]  # addresses of folders, tried in this order
    sha256: tuple[str, ...]  # of the published gz files, in the order of FILES
    first_labels: tuple[int, ...]  # of the training set: these tell which set a folder holds


DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        "MNIST",
        "mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    ),
    "fashion_mnist": Dataset(
        "Fashion-MNIST",
        "fashion-mnist",
        ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        (9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
    ),
}


class DatasetUnavailable(OSError):
    """A data set is neither on this machine nor can it be downloaded. The message is one line."""


def load_mnist(data_dir: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Load MNIST: 60,000 training and 10,000 test images of handwritten digits.

    The first of these that applies is where the files come from:

    1. `data_dir`, if given;
    2. the folder that the environment variable ``CYNN_DATA`` names, if it is set;
    3. the user's cache (see `cache_folder`), if the files there have the published checksums;
    4. a download into that cache, which needs the extra ``cynn-learn[data]``.

    A folder that was named, by 1 or 2, must hold the four files: nothing is downloaded in their
    place. They may be plain or packed with gzip (plain wins), with or without ``.gz`` in the name,
    directly in the folder or in a folder ``mnist`` inside it (which is looked at first). They are
    judged by what they hold, so a repacked file is as good as the published one.

    Parameters
    ----------
    data_dir : path-like, optional
        A folder with the four IDX files.

    Returns
    -------
    tuple of tuple of ndarray of uint8
        ``(x_train, y_train), (x_test, y_test)``: images of shape (n, 28, 28), white (255) on black
        (0), and labels of shape (n,), 0 to 9.

    Raises
    ------
    DatasetUnavailable
        If no folder was named, the cache does not hold the files, and no mirror delivers them or
        pooch is not installed. It is an OSError, and its message is one line.
    FileNotFoundError
        If a folder was named and lacks some of the files.
    ValueError
        If a file in a named folder is damaged, or is no set of labelled 28 x 28 images.

    See Also
    --------
    load_fashion_mnist : Clothes in place of digits.
    make_digits : Digits without a file or a network.

    Notes
    -----
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> from cynn.datasets import load_mnist
    >>> (x_train, y_train), (x_test, y_test) = load_mnist()  # doctest: +SKIP
    >>> x_train.shape, y_train[:5].tolist()  # doctest: +SKIP
    ((60000, 28, 28), [5, 0, 4, 1, 9])
    """
    return _load(DATASETS["mnist"], data_dir)


def load_fashion_mnist(data_dir: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images of clothes.

    As `load_mnist`, but for the name of the folder, ``fashion-mnist``.

    Parameters
    ----------
    data_dir : path-like, optional
        A folder with the four IDX files.

    Returns
    -------
    tuple of tuple of ndarray of uint8
        ``(x_train, y_train), (x_test, y_test)``: images of shape (n, 28, 28) and labels of shape
        (n,): 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8
        bag, 9 ankle boot.

    Raises
    ------
    DatasetUnavailable, FileNotFoundError, ValueError
        As for `load_mnist`.

    See Also
    --------
    load_mnist : Digits in place of clothes.

    Notes
    -----
    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", arXiv:1708.07747, 2017.

    Examples
    --------
    >>> from cynn.datasets import load_fashion_mnist
    >>> (x_train, y_train), (x_test, y_test) = load_fashion_mnist()  # doctest: +SKIP
    """
    return _load(DATASETS["fashion_mnist"], data_dir)


def cache_folder() -> Path:
    """Return the folder that downloads are kept in; it need not exist yet.

    Returns
    -------
    Path
        ``CYNN_CACHE`` if that is set, else ``cynn`` in ``XDG_CACHE_HOME`` or ``~/.cache`` on Linux,
        ``~/Library/Caches`` on macOS, ``%LOCALAPPDATA%`` on Windows; with no home, in the
        temporary folder.

    Examples
    --------
    >>> from cynn.datasets import cache_folder
    >>> cache_folder()  # doctest: +SKIP
    """
    if named := os.environ.get("CYNN_CACHE"):
        return Path(named).expanduser()
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "cynn"
        if sys.platform == "darwin":
            return Path.home() / "Library/Caches/cynn"
        # The XDG specification says that a relative path is to be ignored.
        xdg = os.environ.get("XDG_CACHE_HOME", "")
        return (Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache") / "cynn"
    except RuntimeError:  # no home
        return Path(tempfile.gettempdir()) / "cynn"


def _load(dataset: Dataset, data_dir: str | os.PathLike[str] | None) -> tuple[Split, Split]:
    if data_dir is not None:
        paths = _find(dataset, Path(data_dir).expanduser(), "data_dir")
    elif named := os.environ.get("CYNN_DATA"):
        paths = _find(dataset, Path(named).expanduser(), "CYNN_DATA")
    else:
        paths = _fetch(dataset)
    train, test = _split(paths[0], paths[1]), _split(paths[2], paths[3])
    for other in DATASETS.values():
        if other is not dataset and tuple(train[1][:10].tolist()) == other.first_labels:
            raise IDXError(f"{paths[1]}: must hold {dataset.title}, got {other.title}")
    return train, test


def _split(images_path: Path, labels_path: Path) -> Split:
    """Read images and their labels, and check that they are such and fit together."""
    images, labels = read_idx(images_path), read_idx(labels_path)
    for path, array, shape in ((images_path, images, (SIZE, SIZE)), (labels_path, labels, ())):
        if array.dtype != np.uint8 or array.ndim < 1 or array.shape[1:] != shape:
            wanted_shape = ", ".join(map(str, ("n", *shape)))
            description = f"{array.dtype} of shape {array.shape}"
            raise IDXError(f"{path}: must hold uint8 of shape ({wanted_shape}), got {description}")
    if len(images) != len(labels) or not len(images):
        raise IDXError(
            f"{images_path}: must hold at least one image, and as many as {labels_path.name} has "
            f"labels, got {len(images):,} images and {len(labels):,} labels"
        )
    if labels.max() > 9:
        at = int(np.argmax(labels > 9))
        raise IDXError(
            f"{labels_path}: must hold labels from 0 to 9, got {labels[at]} as label {at}"
        )
    return images, labels


def _find(dataset: Dataset, folder: Path, setting: str) -> list[Path]:
    """Find the four files in the folder that `setting` names, or say which are missing."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{setting}: there is no folder {folder}")
    missing = FILES
    for directory in (folder / dataset.folder, folder):
        paths = [
            p if (p := directory / name).is_file() else directory / f"{name}.gz" for name in FILES
        ]
        if all(path.is_file() for path in paths):
            return paths
        absent = tuple(p.stem for p in paths if not p.is_file())
        missing = min(missing, absent, key=len)
    raise FileNotFoundError(
        f"{setting}: the folder {folder} does not hold {dataset.title}: {', '.join(missing)} "
        f"missing (plain or .gz, there or in {dataset.folder}/)"
    )


def _fetch(dataset: Dataset) -> list[Path]:
    """Paths of the four files in the cache, downloaded where they are absent or damaged."""
    folder = cache_folder() / dataset.folder
    files = [(folder / f"{name}.gz", sha) for name, sha in zip(FILES, dataset.sha256, strict=True)]
    missing = [(path, sha) for path, sha in files if not is_published(path, sha)]
    if missing:
        try:
            download(dataset.mirrors, folder, missing)
        except (OSError, Refused) as error:
            # Another process may have brought the files meanwhile, and may even hold one open,
            # which on Windows keeps us from putting ours in its place.
            if not all(is_published(path, sha) for path, sha in missing):
                raise DatasetUnavailable(
                    f"{dataset.title} is not in {folder} and cannot be downloaded: {error}"
                ) from error
    return [path for path, _ in files]
