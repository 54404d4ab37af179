"""A folder of pictures of a training, as ``cynn train --plots`` writes it."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..tables import Classes, Quantity, Target
from ._agreement import agreement
from ._classes import confusion
from ._curves import curve
from ._images import mistakes, weights
from ._net import network
from ._style import axes


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
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    trial = path / f".{os.urandom(8).hex()}.part"
    trial.touch()
    trial.unlink()
    return path


Pictures = dict[str, Callable[[], Any]]


def of_images(model: Any, x: Any, y: Any) -> Pictures:
    """Return the pictures of a network that tells images apart.

    Parameters
    ----------
    model : Model
        Trained.
    x, y : array_like
        Images and their labels, to test on.

    Returns
    -------
    dict of str to function
        What draws each, by name; of predictions that are NaN none.
    """
    predicted = model.predict(x)
    if np.isnan(predicted).any():
        return {}
    return {
        "confusion": lambda: confusion(y, predicted),
        "weights": lambda: weights(model),
        "mistakes": lambda: mistakes(x, y, predicted),
    }


def of_table(target: Target, y: Any, outputs: Any) -> Pictures:
    """Return the picture of what a network said of a table's rows, in the table's words and units.

    Parameters
    ----------
    target : Target
        What the network was to say.
    y, outputs : array_like
        Encoded targets, and what the network gave.

    Returns
    -------
    dict of str to function
        As of `of_images`.
    """
    if not np.isfinite(outputs).all():
        return {}
    if isinstance(target, Classes):
        return {"confusion": lambda: confusion(y, outputs, classes=target.labels)}
    quantity = cast(Quantity, target)
    true, predicted = quantity.decode(y), quantity.middle(outputs)
    return {"agreement": lambda: agreement(true, predicted)}


def write(folder: Path, model: Any, pictures: Pictures) -> list[str]:
    """Write the pictures of a trained network.

    Parameters
    ----------
    folder : Path
        Where to; pictures of these names are replaced.
    model : Model
        Its training gives a curve for each measure.
    pictures : dict of str to function
        What else to draw, by name.

    Returns
    -------
    list of str
        The names of the files. Of weights that are not finite there is only the training.
    """
    from matplotlib import pyplot

    measured = [name for name in model.history.history if not name.startswith("val_")]
    drawn: Pictures = {name: functools.partial(curve, model.history, name) for name in measured}
    if pictures and all(np.isfinite(array).all() for array in model.get_weights()):
        drawn |= {"network": lambda: network(model)} | pictures
    written = []
    for name, draw in drawn.items():
        figure = draw().figure
        figure.savefig(folder / f"{name}.png")
        pyplot.close(figure)
        written.append(f"{name}.png")
    return written
