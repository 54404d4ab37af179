"""``cynn draw``: a page on which to draw a digit, and to see what a network makes of it."""

import argparse
import threading
import time
from typing import Any

from .. import _backend
from .._runtime import atomic_files
from ..augmentation import Augment
from ..draw import page
from ..draw._network import checked, checked_white
from ..ensemble import Ensemble
from ..layers import Dense, Flatten, Rescale
from ..model import Model
from ..optimizers import SGD
from ..schedules import Cosine
from . import _images
from ._arguments import number, port, whole
from ._reading import expect_not_read

PORT = 8028
HIDDEN = (128, 64)
EPOCHS = 3
BATCH_SIZE = 128
AUGMENT = Augment(shift=1, rotate=10.0)  # people write less alike than MNIST's do
OFFERED = 1000  # of the images of each part, where none are to be learned


def add(commands: Any) -> None:
    """Declare the command."""
    draw = commands.add_parser(
        "draw",
        help="draw a digit in the browser, and see what a network makes of it",
        description="Serve a page, to this machine alone, on which a digit is drawn and a network "
        "reads it at once: the probabilities, what each layer gives, and the saliency. Without "
        "MODEL a network is trained first, in a second or two. Ctrl-C ends it.",
    )
    draw.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a model file, written by 'train --save', that takes 28x28 pixels and gives the "
        "probabilities of ten classes",
    )
    draw.add_argument("--port", type=port, help=f"0: any that is free (default: {PORT})")
    draw.add_argument("--open", action="store_true", help="open the page in the browser")
    draw.add_argument(
        "--write",
        metavar="FILE",
        help="write the page as one file of HTML that needs no server, the weights in it, and "
        "serve nothing",
    )
    draw.add_argument(
        "--data",
        metavar="NAME|DIR",
        help=f"digits to train on where there is no MODEL, and to offer: {_images.NAMES}; by "
        "default mnist if available",
    )
    draw.add_argument(
        "--white",
        type=number(checked_white),
        default=255.0,
        metavar="NUMBER",
        help="what a white pixel is to MODEL: 1 where it was trained on pixels divided by 255 "
        "(default: 255)",
    )
    draw.add_argument("--threads", type=whole, help="maximum number of threads")
    draw.set_defaults(run=_draw)


def _draw(options: argparse.Namespace) -> None:
    if options.write is not None:
        for flag, given in (("--port", options.port is not None), ("--open", options.open)):
            if given:
                raise ValueError(f"{flag} must go without --write, got both: leave one of them out")
        expect_not_read("--write", options.write, [options.model] if options.model else [])
        atomic_files.try_to_write(options.write)
    if options.model is None and options.white != 255:
        raise ValueError(f"--white must go with MODEL, got {options.white:g} without one")
    model = None if options.model is None else _load(options.model)
    model, digits = _with_data(model, options)
    if options.write is None:
        _serve(model, digits, options)
    else:
        text = page(model, digits, white=options.white)
        atomic_files.replace(options.write, text.encode())
        print(f"wrote {options.write}: {len(text):,} bytes")


def _load(path: str) -> Model:
    """Return the model of a file, if it can be drawn for."""
    models = Ensemble.load(path)
    if len(models.members) > 1:
        raise ValueError(f"MODEL must be of one model, got an ensemble of {len(models.members)}")
    try:
        return checked(models.members[0])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _with_data(model: Model | None, options: argparse.Namespace) -> tuple[Model, Any]:
    """Return the model, trained where there is none, and labelled digits that it never saw."""
    if model is None and _backend.target() == "reference":
        print("target reference is plain Python: training takes it hours; name a MODEL")
    name, (train, test) = _images.load(options.data, None if model is None else OFFERED)
    return _train(name, train, test) if model is None else model, test


def _train(name: str, train: Any, test: Any) -> Model:
    """Train a network, and say how good it is."""
    hidden = [Dense(units, "relu") for units in HIDDEN]
    model = Model([Flatten(), Rescale(1 / 255), *hidden, Dense(10, "softmax")], seed=0)
    model.compile(SGD(Cosine(0.1), momentum=0.9, nesterov=True), "cross_entropy", ["accuracy"])
    widths = "-".join(map(str, (784, *HIDDEN, 10)))
    print(f"training a network {widths} on {len(train[0]):,} images of {name} first")
    started = time.perf_counter()
    model.fit(*train, batch_size=BATCH_SIZE, epochs=EPOCHS, augment=AUGMENT, verbose=0)
    seconds = time.perf_counter() - started
    accuracy = model.evaluate(*test)["accuracy"]
    print(f"{EPOCHS} epochs in {seconds:.2f} s: {accuracy:.2%} of {len(test[0]):,} test images")
    return model


def _serve(model: Model, digits: Any, options: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    import webbrowser

    from ..draw._server import Server  # no other command waits for http.server to load

    chosen = PORT if options.port is None else options.port
    with Server(model, digits, options.white, chosen) as server:
        print(f"draw at {server.address} (Ctrl-C ends it)")
        if options.open:  # beside the server: one in the terminal returns when it is left
            threading.Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
        server.serve_forever()
