"""Images of digits: where they come from."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import datasets
from .._data.npy import read_npy
from .._runtime.input_files import MAX_BYTES, expect_size, open_regular
from ..datasets._idx import read_idx

DIGITS = (60_000, 10_000)
"""Images drawn for training and for the test where there is no MNIST."""

LEARNING_RATE = 0.1

MANY = 10_000
"""Digits that take more than a second to draw."""

NAMES = "'mnist', 'fashion-mnist', 'digits' (synthetic), or a folder with the IDX files"

Data = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]


def load(name: str | None, most: int | None = None) -> tuple[str, Data]:
    """Return what the data are called, and the training and the test images.

    Of each at most `most`: the first ones.
    """
    title, (train, test) = _load(name, most)
    return title, ((train[0][:most], train[1][:most]), (test[0][:most], test[1][:most]))


def _load(name: str | None, most: int | None) -> tuple[str, Data]:
    if name in (None, "mnist"):
        try:
            return "MNIST", datasets.load_mnist()
        except datasets.DatasetUnavailable as error:
            if name is not None:
                raise
            print(f"no MNIST here ({error}); taking synthetic digits instead", file=sys.stderr)
            name = "digits"
    if name == "fashion-mnist":
        return "Fashion-MNIST", datasets.load_fashion_mnist()
    if name == "digits":
        sizes = [n if most is None else min(n, most) for n in DIGITS]
        if sum(sizes) > MANY:
            print(f"drawing {sum(sizes):,} synthetic digits")
        train, test = (datasets.make_digits(n, seed) for seed, n in enumerate(sizes))
        return "synthetic digits", (train, test)
    if name is not None and Path(name).is_dir():
        return f"MNIST in {name}", datasets.load_mnist(name)
    raise ValueError(f"--data must be 'mnist', 'fashion-mnist', 'digits' or a folder, got {name!r}")


def read_images(path: str, shape: tuple[int, ...], max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read one image, or several, of the model's shape."""
    if path.lower().endswith(".npy"):
        with open_regular(path) as file:
            images = read_npy(file, max_bytes)
    elif path.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")):
        images = _read_picture(path, shape, max_bytes)
    else:
        images = read_idx(path, max_bytes=max_bytes)
    _expect_finite(images)
    return images[np.newaxis] if images.shape == shape else images


def _expect_finite(images: NDArray[Any]) -> None:
    """Refuse images with a pixel that is no number: all that is said of them would be NaN."""
    if images.dtype.kind != "f":
        return
    finite = np.isfinite(images)
    if not finite.all():
        place = ", ".join(str(int(i)) for i in np.argwhere(~finite)[0])
        raise ValueError(f"pixels must be finite, got {images[~finite][0]} at [{place}]")


def _read_picture(path: str, shape: tuple[int, ...], max_bytes: int) -> NDArray[Any]:
    """Read a picture as grey pixels of the model's size, bright strokes on black as in MNIST."""
    if len(shape) != 2:
        raise ValueError(
            f"{path} must be an array (.npy): the model takes rows of shape {shape}, got a picture"
        )
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        wanted = "pip install 'cynn-learn[data]'"
        raise ImportError(f"reading pictures needs Pillow: {wanted}") from error
    try:
        with open_regular(path) as file, Image.open(file) as picture:
            expect_size("its pixels", 4 * picture.width * picture.height, max_bytes)
            pixels = np.asarray(picture.convert("L").resize((shape[1], shape[0])))
    except Exception as error:  # of a damaged picture Pillow raises what its decoders raise
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if isinstance(error, UnidentifiedImageError):
            raise ValueError(f"{path}: it must be a picture, got another file") from error
        raise ValueError(str(error) or type(error).__name__) from error
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return 255 - pixels if edge.mean() > 127 else pixels
