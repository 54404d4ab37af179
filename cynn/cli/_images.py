"""Images of digits: where they come from, and the confusion matrix."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import datasets
from ..datasets._idx import read_idx
from ..metrics import confusion_matrix

DIGITS = (60_000, 10_000)
"""Images drawn for training and for the test where there is no MNIST."""

NAMES = "'mnist', 'fashion-mnist', 'digits' (synthetic), or a folder with the IDX files"

Data = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]


def load(name: str | None) -> tuple[str, Data]:
    """Return what the data are called, and the training and the test images."""
    if name in (None, "mnist"):
        try:
            return "MNIST", datasets.load_mnist()
        except datasets.DatasetUnavailable as error:
            if name is not None:
                raise
            print(f"no MNIST here ({error}); training on synthetic digits instead", file=sys.stderr)
            name = "digits"
    if name == "fashion-mnist":
        return "Fashion-MNIST", datasets.load_fashion_mnist()
    if name == "digits":
        train, test = (datasets.make_digits(n, seed) for seed, n in enumerate(DIGITS))
        return "synthetic digits", (train, test)
    if name is not None and Path(name).is_dir():
        return f"MNIST in {name}", datasets.load_mnist(name)
    raise ValueError(f"--data must be 'mnist', 'fashion-mnist', 'digits' or a folder, got {name!r}")


def print_confusion(y: NDArray[Any], predicted: NDArray[Any]) -> None:
    """Print the confusion matrix, the most frequent errors last."""
    if np.isnan(predicted).any():
        print("outputs are NaN: the training has diverged; try a lower --learning-rate")
        return
    matrix = confusion_matrix(y, predicted, predicted.shape[1])
    width = max(5, len(str(matrix.max())) + 1)
    print("\nconfusion matrix (rows: true, columns: predicted)")
    print("     " + "".join(f"{j:{width}}" for j in range(len(matrix))))
    for i, line in enumerate(matrix):
        print(f"{i:4} " + "".join(f"{n if n else '.':>{width}}" for n in line))
    mistakes = matrix - np.diag(np.diag(matrix))
    worst = [divmod(int(k), len(matrix)) for k in np.argsort(-mistakes, axis=None)[:3]]
    worst_pairs = [f"{i} as {j}: {mistakes[i, j]}" for i, j in worst if mistakes[i, j]]
    print("most frequent errors: " + (", ".join(worst_pairs) if worst_pairs else "none"))


def read_images(path: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read one image, or several, of the model's shape."""
    if path.endswith(".npy"):
        with open(path, "rb") as file:
            images = np.lib.format.read_array(file, allow_pickle=False)
    elif path.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")):
        images = _read_picture(path, shape)
    else:
        images = read_idx(path)
    return images[np.newaxis] if images.shape == shape else images


def _read_picture(path: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read a picture as grey pixels of the model's size, bright strokes on black as in MNIST."""
    if len(shape) != 2:
        raise ValueError(
            f"{path} must be an array (.npy): the model takes rows of shape {shape}, got a picture"
        )
    try:
        from PIL import Image
    except ImportError as error:
        wanted = "pip install 'cynn-learn[data]'"
        raise ImportError(f"reading pictures needs Pillow: {wanted}") from error
    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L").resize((shape[1], shape[0])))
    except OSError:
        raise
    except Exception as error:  # of a damaged picture Pillow raises what its decoders raise
        raise ValueError(f"{path}: {error}") from error
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return 255 - pixels if edge.mean() > 127 else pixels
