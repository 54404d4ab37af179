"""A folder of pictures of a training, as ``cynn train --plots`` writes it."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .classes import confusion
from .curves import curve
from .images import mistakes, weights
from .net import network
from .style import axes


def prepare(folder: str | os.PathLike[str]) -> Path:
    """Make the folder, and see that pictures can be drawn and written, before a long training.

    Parameters
    ----------
    folder : path
        It may be there already.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    OSError
        If the folder cannot be made, or nothing can be written into it.
    """
    figure = axes(None).figure  # says what to install where matplotlib is missing
    from matplotlib import pyplot

    pyplot.close(figure)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    trial = place / f".{os.urandom(8).hex()}.part"
    trial.touch()
    trial.unlink()
    return place


def write(folder: Path, model: Any, history: Any, x: Any, y: Any) -> list[str]:
    """Write the pictures of a network that tells images apart.

    Parameters
    ----------
    folder : Path
        Where to; pictures of these names are replaced.
    model : Model
        Trained.
    history : History
        Of the training.
    x, y : array_like
        Images and their labels, to test on.

    Returns
    -------
    list of str
        The names of the files. Of weights or predictions that are not finite there is no picture.
    """
    from matplotlib import pyplot

    said = model.predict(x)
    measured = [name for name in history.history if not name.startswith("val_")]
    pictures: dict[str, Callable[[], Any]] = {
        name: functools.partial(curve, history, name) for name in measured
    }
    if all(np.isfinite(part).all() for part in model.get_weights()) and not np.isnan(said).any():
        pictures |= {
            "network": lambda: network(model),
            "confusion": lambda: confusion(y, said),
            "weights": lambda: weights(model),
            "mistakes": lambda: mistakes(x, y, said),
        }
    written = []
    for name, draw in pictures.items():
        figure = draw().figure
        figure.savefig(folder / f"{name}.png")
        pyplot.close(figure)
        written.append(f"{name}.png")
    return written
