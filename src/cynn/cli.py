"""The command ``cynn``: train, evaluate and use a network on images of digits, from a terminal."""

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import backend, datasets, storage
from .datasets.idx import read_idx
from .layers import Dense, Flatten, Rescale
from .metrics import confusion_matrix
from .model import Model
from .optimizers import SGD
from .plots import folder
from .schedules import Cosine
from .specs import ACTIVATIONS
from .threads import get_num_threads, set_num_threads
from .version import VERSION

DIGITS = (60_000, 10_000)
"""Images drawn for training and for the test where there is no MNIST."""

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the signal's number."""

Data = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0, 1 after an error, 2 after wrong arguments, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold any character
    try:
        if getattr(options, "threads", None) is not None:
            set_num_threads(options.threads)
        status: int = options.run(options) or 0
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader that is gone is no surprise
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to write to
        return 1
    except (OSError, ValueError, TypeError, ImportError, RuntimeError, MemoryError) as error:
        print(f"cynn: error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cynn", description="Dense neural networks at hardware speed."
    )
    parser.add_argument("--version", action="version", version=f"cynn {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a network on images of digits",
        description="Train a network on MNIST, or on digits drawn here where there is none.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    data_help = "'mnist', 'fashion-mnist', 'digits' (drawn here), or a folder with the IDX files"
    train.add_argument("--data", metavar="NAME|DIR", help=data_help + "; mnist if it can be had")
    train.add_argument(
        "--hidden", type=_sizes, default="256", metavar="N[,N...]", help="units of hidden layers"
    )
    train.add_argument(
        "--activation", choices=ACTIVATIONS, default="relu", help="of the hidden layers"
    )
    train.add_argument("--epochs", type=_whole, default=8, help="times through the data")
    train.add_argument("--batch-size", type=_whole, default=64, help="rows of a step")
    train.add_argument(
        "--learning-rate",
        type=_number(SGD),
        default=0.1,
        help="at first; it falls to 0 along a cosine",
    )
    momentum, decay = _number(lambda m: SGD(momentum=m)), _number(lambda d: SGD(weight_decay=d))
    train.add_argument("--momentum", type=momentum, default=0.9, help="of the steps")
    train.add_argument("--weight-decay", type=decay, default=0.0, help="pull of weights to 0")
    train.add_argument("--seed", type=_whole_or_zero, default=0, help="of weights and order")
    train.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="real")
    train.add_argument("--threads", type=_whole, help="the most to use; by default all cores")
    train.add_argument("--save", metavar="FILE", help="write the model there (safetensors)")
    train.add_argument("--plots", metavar="DIR", help="write pictures there (needs matplotlib)")
    train.add_argument("--quiet", action="store_true", help="no line for each epoch")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure a saved model on the test images")
    evaluate.add_argument("model", metavar="MODEL", help="a file that 'train --save' wrote")
    evaluate.add_argument("--data", metavar="NAME|DIR", help=data_help)
    evaluate.add_argument("--threads", type=_whole, help="the most to use")
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="say what images show")
    predict.add_argument("model", metavar="MODEL", help="a file that 'train --save' wrote")
    predict.add_argument(
        "images", nargs="+", metavar="IMAGE", help=".npy, IDX or picture files (PNG, JPEG, ...)"
    )
    predict.set_defaults(run=_predict)

    info = commands.add_parser("info", help="version, targets, threads and folders")
    info.set_defaults(run=_info)
    return parser


def _whole(text: str) -> int:
    return _at_least(text, 1)


def _whole_or_zero(text: str) -> int:
    return _at_least(text, 0)


def _at_least(text: str, low: int) -> int:
    if not text.isdecimal() or int(text) < low:
        raise argparse.ArgumentTypeError(f"wanted a whole number from {low}, got {text!r}")
    return int(text)


def _number(make: Callable[[float], object]) -> Callable[[str], float]:
    """Read a number that `make` accepts."""

    def read(text: str) -> float:
        try:
            make(float(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return float(text)

    return read


def _sizes(text: str) -> list[int]:
    return [_whole(part) for part in text.split(",")] if text not in ("", "0") else []


def _load(name: str | None) -> tuple[str, Data]:
    """Give what the data are called, and the training and the test images."""
    if name in (None, "mnist"):
        try:
            return "MNIST", datasets.load_mnist()
        except datasets.DatasetUnavailable as error:
            if name is not None:
                raise
            print(f"no MNIST here ({error}); training on drawn digits instead", file=sys.stderr)
            name = "digits"
    if name == "fashion-mnist":
        return "Fashion-MNIST", datasets.load_fashion_mnist()
    if name == "digits":
        train, test = (datasets.make_digits(n, seed) for seed, n in enumerate(DIGITS))
        return "drawn digits", (train, test)
    if name is not None and Path(name).is_dir():
        return f"MNIST in {name}", datasets.load_mnist(name)
    raise ValueError(f"--data must be 'mnist', 'fashion-mnist', 'digits' or a folder, got {name!r}")


def _train(options: argparse.Namespace) -> int:
    if options.save is not None:  # said now rather than after the training
        storage.try_to_write(options.save)
    pictures = None if options.plots is None else folder.prepare(options.plots)
    hidden = [Dense(units, options.activation) for units in options.hidden]
    optimizer = SGD(
        Cosine(options.learning_rate),
        options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
    )
    name, ((x_train, y_train), (x_test, y_test)) = _load(options.data)
    classes = max(10, int(y_train.max()) + 1)
    model = Model(
        [Flatten(), Rescale(1 / 255), *hidden, Dense(classes, "softmax")],
        dtype=options.dtype,
        seed=options.seed,
    )
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    model.build(x_train.shape[1:])
    widths = [int(np.prod(x_train.shape[1:])), *options.hidden, classes]
    print(
        f"{name}: {len(x_train):,} images to train on, {len(x_test):,} to test; "
        f"network {'-'.join(map(str, widths))}, {options.dtype}, "
        f"target {backend.target()}, threads {get_num_threads()}"
    )
    started, status = time.perf_counter(), 0
    try:
        model.fit(
            x_train,
            y_train,
            batch_size=options.batch_size,
            epochs=options.epochs,
            verbose=0 if options.quiet else "auto",
        )
    except KeyboardInterrupt:
        print(f"\ninterrupted in epoch {model.epochs + 1}; the network as it is:", file=sys.stderr)
        status = INTERRUPTED
    seconds = time.perf_counter() - started
    if model.epochs:
        rate = model.epochs * len(x_train) / seconds
        print(f"{model.epochs} epochs in {seconds:.2f} s: {rate:,.0f} images a second")
    for part, x, y in (("training", x_train, y_train), ("test", x_test, y_test)):
        measured = model.evaluate(x, y)
        print(f"{part + ':':9} loss {measured['loss']:.4f}  accuracy {measured['accuracy']:.2%}")
    _print_confusion(y_test, model.predict(x_test))
    if options.save is not None:
        model.save(options.save)
        print(f"saved to {options.save}")
    if pictures is not None:
        written = folder.write(pictures, model, model.history, x_test, y_test)
        print(f"drawn in {pictures}: {', '.join(written)}")
    return status


def _print_confusion(y: NDArray[Any], predicted: NDArray[Any]) -> None:
    """Print what was taken for what, the most frequent mistakes last."""
    if np.isnan(predicted).any():
        print("the network gives NaN: the training has diverged; try a lower --learning-rate")
        return
    matrix = confusion_matrix(y, predicted, predicted.shape[1])
    width = max(5, len(str(matrix.max())) + 1)
    print("\nwhat was taken for what (rows: what it is, columns: what was said)")
    print("     " + "".join(f"{j:{width}}" for j in range(len(matrix))))
    for i, line in enumerate(matrix):
        print(f"{i:4} " + "".join(f"{n if n else '.':>{width}}" for n in line))
    mistakes = matrix - np.diag(np.diag(matrix))
    worst = [divmod(int(k), len(matrix)) for k in np.argsort(-mistakes, axis=None)[:3]]
    said = [f"{i} taken for {j}: {mistakes[i, j]}" for i, j in worst if mistakes[i, j]]
    print("most often: " + (", ".join(said) if said else "no mistake"))


def _evaluate(options: argparse.Namespace) -> None:
    model = Model.load(options.model)
    name, (_, (x_test, y_test)) = _load(options.data)
    if model.loss is None:
        model.compile("sgd", "cross_entropy", ["accuracy"])
    measured = model.evaluate(x_test, y_test)
    shown = "  ".join(f"{key} {value:.4f}" for key, value in measured.items())
    print(f"{name}: {len(x_test):,} test images: {shown}")
    _print_confusion(y_test, model.predict(x_test))


def _predict(options: argparse.Namespace) -> None:
    model = Model.load(options.model)
    for path in options.images:
        try:
            predicted = model.predict(_read_images(path, model.input_shape or ()))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
        for i, row in enumerate(predicted):
            which = path if len(predicted) == 1 else f"{path}[{i}]"
            print(f"{which}: {int(row.argmax())} ({float(row.max()):.1%})")


def _read_images(path: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read one image, or several, of the model's shape."""
    if path.endswith(".npy"):
        with open(path, "rb") as file:
            found = np.lib.format.read_array(file, allow_pickle=False)
    elif path.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")):
        found = _read_picture(path, shape)
    else:
        found = read_idx(path)
    return found[np.newaxis] if found.shape == shape else found


def _read_picture(path: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Read a picture as grey pixels of the model's size, bright strokes on black as in MNIST."""
    if len(shape) != 2:
        raise ValueError(f"{path}: this model takes rows of shape {shape}, not grey pictures")
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


def _info(options: argparse.Namespace) -> None:
    print(f"cynn {VERSION}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    print(f"target in use:     {backend.target()}")
    print(f"targets available: {', '.join(backend.available_targets())}")
    print(f"threads:           {get_num_threads()}")
    print(f"cache folder:      {datasets.cache_folder()}")
