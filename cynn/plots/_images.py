"""Rows and weights as images: what the first layer looks for, and the worst mistakes."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.validation import array, integer, labels
from .._specs.validation import shape as checked_shape
from ._net import dense_weights, one_model
from ._style import axes, blank, names_of, plain, remark, signed_colors, spread

LOUDEST = 99.5
"""The percentile of the sizes of the weights that gets the full colour."""


def weights(model: Any, *, count: int = 64, shape: Any = None, ax: Any = None) -> Any:
    """Plot the weights of the first dense layer as images, one for each neuron.

    A neuron answers to what is bright where its image is blue and dark where it is orange. All have
    one scale of colours. Of more than `count` neurons that many are drawn, evenly out of all, and
    it says so.

    Parameters
    ----------
    model : Model
        Built or trained; or an ensemble or an estimator of one.
    count : int, default 64
        The most images.
    shape : tuple of int, optional
        The height and the width of an image. By default the model's input shape if that has two
        sizes, else the square of as many inputs, if there is one.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described, or the inputs are no image.
    RuntimeError
        If the model has no weights yet.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense, Flatten
    >>> model = Model([Flatten(), Dense(16, "relu"), Dense(10, "softmax")], seed=0)
    >>> model.build((28, 28))
    >>> ax = weights(model)  # doctest: +SKIP
    """
    most = integer("count", count)
    model = one_model(model)
    table = dense_weights(model)[0][1]
    size = model.input_shape if shape is None and len(model.input_shape) == 2 else shape
    height, width = _size_of(size, len(table))
    neurons = spread(table.shape[1], most)
    columns = math.ceil(math.sqrt(len(neurons) * height / width))
    lines = math.ceil(len(neurons) / columns)
    dots = math.ceil(20 / max(height, width))  # of small images a pixel is several: a thin gap
    high, wide = height * dots, width * dots
    sheet = np.full((lines * (high + 1) - 1, columns * (wide + 1) - 1), np.nan)
    for place, neuron in enumerate(neurons):
        top, left = (place // columns) * (high + 1), (place % columns) * (wide + 1)
        image = table[:, neuron].reshape(height, width)
        sheet[top : top + high, left : left + wide] = image.repeat(dots, 0).repeat(dots, 1)
    limit = float(np.percentile(np.abs(table[:, neurons]), LOUDEST)) or 1.0
    across = float(np.clip(sheet.shape[1] / 45, 5.4, 12.0))
    ax = axes(ax, 1.0 + across, 0.6 + across * sheet.shape[0] / sheet.shape[1])
    colors = signed_colors().with_extremes(bad="0.6")  # between the images
    drawn = ax.imshow(sheet, cmap=colors, vmin=-limit, vmax=limit, interpolation="auto")
    blank(ax)
    ax.figure.colorbar(drawn, ax=ax, shrink=0.8, extend="both", label="weight")
    title = f"{len(neurons)} of the first layer's {table.shape[1]:,} neurons"
    every = f"the first layer's {len(neurons)} neurons"
    remark(ax, title if len(neurons) < table.shape[1] else every)
    return ax


def mistakes(
    x: Any,
    y_true: Any,
    y_pred: Any,
    *,
    count: int = 20,
    shape: Any = None,
    classes: Any = None,
    ax: Any = None,
) -> Any:
    """Plot the worst mistakes, each with the predicted and the true class.

    A mistake is the worse the less probable the model held what is true; of those that it held as
    improbable, the one it was surer of comes first. All pictures are in one Axes.

    Parameters
    ----------
    x : array_like, shape (n, height, width), (n, height, width, 3) or (n, m)
        The images.
    y_true : array_like, shape (n,), (n, 1) or (n, k)
        Labels, or one-hot rows.
    y_pred : array_like, shape (n, k)
        The probabilities that ``model.predict(x)`` gave.
    count : int, default 20
        The most pictures.
    shape : tuple of int, optional
        The height and the width of an image where the rows of x are flat; by default they are
        square.
    classes : list of str, optional
        The names of the classes; by default their numbers.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes
        That was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described, or the rows are no images.

    Examples
    --------
    >>> import numpy as np
    >>> x, y_pred = np.zeros((2, 28, 28)), [[0.9, 0.1], [0.2, 0.8]]
    >>> ax = mistakes(x, [0, 0], y_pred)  # doctest: +SKIP
    """
    n_most = integer("count", count)
    images, predicted = array("x", x), array("y_pred", y_pred)
    if images.ndim == 0:
        raise ValueError("x must hold images or flat rows, got a single number")
    if predicted.ndim != 2 or predicted.shape[1] < 2:
        raise ValueError(f"y_pred must have shape (n, k) with k from 2, got {predicted.shape}")
    n, k = predicted.shape
    true = array("y_true", y_true)
    true = labels("y_true", true.argmax(axis=1) if true.shape == (n, k) else true, k)
    if not len(images) == len(true) == n:
        raise ValueError(
            f"x, y_true and y_pred must be of one length, got {len(images)}, {len(true)}, {n}"
        )
    if np.isnan(predicted).any():
        raise ValueError("y_pred must not hold NaN, got some: the training has diverged")
    names = [plain(name, 12) for name in names_of("classes", classes, k)]
    images = as_images(images, shape)
    guess = predicted.argmax(axis=1)
    p_guess, p_true = predicted[np.arange(n), guess], predicted[np.arange(n), true]
    wrong = wrong_rows(true, predicted)
    worst = wrong[:n_most]
    columns = max(1, min(5, len(worst)))
    lines = max(1, math.ceil(len(worst) / columns))
    ax = axes(ax, 1.5 * max(columns, 3), 0.5 + 1.75 * lines)
    blank(ax)
    ax.set_xlim(0, columns)
    ax.set_ylim(1.32 * lines, 0)
    guess_lines = [f"predicted {names[guess[row]]} ({percent(p_guess[row])})" for row in worst]
    true_lines = [f"true {names[true[row]]} ({percent(p_true[row])})" for row in worst]
    longest = max(map(len, guess_lines + true_lines), default=1)
    area = ax.get_window_extent()
    cell = min(area.width / columns, area.height / (1.32 * lines)) * 72 / ax.figure.dpi
    font = min(8.5, max(3.0, 1.55 * cell / longest))
    for place, row in enumerate(worst):
        i, j = divmod(place, columns)
        _picture(ax, images[row], j + 0.05, 1.32 * i)
        for text, line, bold in ((guess_lines, 1.0, "bold"), (true_lines, 1.15, "normal")):
            ax.text(
                j + 0.5, 1.32 * i + line, text[place], ha="center", va="center",
                fontsize=font, fontweight=bold,
            )  # fmt: skip
    ax.set_aspect("equal")
    remark(ax, _title(len(worst), len(wrong), n))
    return ax


def _title(shown: int, wrong: int, n: int) -> str:
    if not wrong:
        return f"no mistakes in {n:,} rows"
    mistakes = "mistake" if wrong == 1 else "mistakes"
    which = f"the {shown} worst of " if shown < wrong else ""
    return f"{which}{wrong:,} {mistakes} in {n:,} rows"


def percent(share: float) -> str:
    """Return a probability with no false certainty.

    Examples
    --------
    >>> percent(0.5), percent(0.99999), percent(0.0004), percent(1.0)
    ('50%', '>99%', '<1%', '>99%')
    """
    if share > 0.99:
        return ">99%"
    return "<1%" if share < 0.01 else f"{share:.0%}"


def wrong_rows(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.intp]:
    """Return the rows whose most probable class is not the true one, the worst first.

    A row is the worse the less probable the true class was held; of equals, the one whose
    predicted class was held more probable comes first.

    Examples
    --------
    >>> wrong_rows(np.array([0, 0, 1]), np.array([[0.4, 0.6], [0.1, 0.9], [0.2, 0.8]]))
    array([1, 0])
    """
    guess, places = predicted.argmax(axis=1), np.arange(len(predicted))
    wrong = np.flatnonzero(guess != true)
    p_guess, p_true = predicted[places, guess][wrong], predicted[places, true][wrong]
    worst_first: NDArray[np.intp] = wrong[np.lexsort((-p_guess, p_true))]
    return worst_first


def full_range(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return an image with its minimum at 0 and its maximum at 1."""
    values = image.astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    scaled: NDArray[np.float64] = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    return scaled


def _picture(ax: Any, image: NDArray[Any], left: float, top: float) -> None:
    values = full_range(image)
    height, width = image.shape[:2]
    across, down = (0.9, 0.9 * height / width) if width >= height else (0.9 * width / height, 0.9)
    left, top = left + (0.9 - across) / 2, top + (0.9 - down) / 2
    ax.imshow(
        values, cmap="gray", vmin=0, vmax=1, extent=(left, left + across, top + down, top),
        interpolation="nearest",
    )  # fmt: skip


def as_images(x: NDArray[Any], shape: Any) -> NDArray[Any]:
    """Return rows as images, (n, height, width) or (n, height, width, 3)."""
    if x.ndim == 3 or (x.ndim == 4 and x.shape[3] == 3):
        return x
    if x.ndim == 4 and x.shape[3] == 1:
        return x[..., 0]
    if x.ndim != 2:
        raise ValueError(f"x must hold images or flat rows, got shape {x.shape}")
    return x.reshape(len(x), *_size_of(shape, x.shape[1]))


def _size_of(shape: Any, n: int) -> tuple[int, int]:
    """Return the height and the width of an image of `n` pixels."""
    if shape is None:
        side = math.isqrt(n)
        if side * side != n:
            raise ValueError(f"shape must be given where images are not square, got {n} pixels")
        return side, side
    size = checked_shape("shape", shape)
    if len(size) != 2 or size[0] * size[1] != n:
        raise ValueError(f"shape must be a height and a width of {n} pixels in all, got {size}")
    return size[0], size[1]
