"""What the page is told of a network, and what a network says of a drawing."""

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._specs.validation import array, labels, number, shown
from ..layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Members,
    Normalize,
    Rescale,
    output_shapes,
)
from ..model import Model

SIDE, N_PIXELS, N_CLASSES = 28, 784, 10
OF_EACH_CLASS = 10  # images in the page
SAME = (Flatten, Dropout)
"""Layers that change no number in use."""

NOT_SHOWN = (*SAME, Rescale, Normalize, Members)
"""Those whose numbers are the pixels once more."""

ACTIVATIONS = ("identity", "relu", "sigmoid", "softmax", "tanh")
"""Those that network.js computes."""


def checked(model: Any) -> Model:
    """Return the model if it can be drawn for.

    Raises
    ------
    TypeError, ValueError
        If it is no model that takes 28x28 pixels and gives the probabilities of ten classes.
    RuntimeError
        If it has no weights yet.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Model, got {shown(model)}")
    if model.input_shape is None:
        raise RuntimeError("the model has no weights yet: call build(input_shape) or fit first")
    if model.table is not None:
        raise ValueError("model must be of images of 28x28 pixels, got one of a table")
    if math.prod(model.input_shape) != N_PIXELS:
        raise ValueError(
            "model must take images of 28x28 pixels, or rows of 784 numbers, got rows of shape "
            f"{model.input_shape}"
        )
    n_outputs = output_shapes(model.layers, model.input_shape)[-1][0]
    if n_outputs != N_CLASSES:
        raise ValueError(
            f"model must give the probabilities of 10 classes, got {n_outputs} outputs"
        )
    last = model._plan.last_activation
    if last not in ("softmax", "sigmoid"):
        raise ValueError(
            f"model must end in softmax or sigmoid, which give probabilities, got {last}: append "
            'Activation("softmax")'
        )
    if not np.isfinite(model.predict(np.zeros((1, *model.input_shape), np.float32))).all():
        raise ValueError("model must give numbers, got NaN: its training has diverged")
    return model


def checked_white(white: Any) -> float:
    """Return what a white pixel is to the model: a number above 0."""
    return number("white", white, "a finite number above 0", lambda value: value > 0)


def described(model: Model, white: float) -> dict[str, Any]:
    """Return what the page shows of a network, plain JSON."""
    assert model.input_shape is not None
    shapes = output_shapes(model.layers, model.input_shape)
    is_shown = [not isinstance(layer, NOT_SHOWN) for layer in model.layers]
    sizes = [math.prod(shape) for shape in shapes]
    parts = [
        {"title": _title(layer), "size": size, "shown": seen}
        for layer, size, seen in zip(model.layers, sizes, is_shown, strict=True)
    ]
    widths = [N_PIXELS, *(size for size, seen in zip(sizes, is_shown, strict=True) if seen)]
    return {"title": "-".join(map(str, widths)), "white": white, "layers": parts}


def _title(layer: Layer) -> str:
    text = repr(layer)
    return text if len(text) <= 60 else f"{text[:57]}..."


def with_weights(model: Model, network: dict[str, Any]) -> dict[str, Any]:
    """Add what network.js computes with to the description.

    Raises
    ------
    ValueError
        If there is a layer that it does not know.
    """
    weights = iter(model.get_weights())
    for i, (layer, part) in enumerate(zip(model.layers, network["layers"], strict=True)):
        activation = getattr(layer, "activation", "identity")
        known = type(layer) in (Dense, Activation, Rescale, *SAME)
        if not known or activation not in ACTIVATIONS:
            raise ValueError(
                f"layers[{i}] must be Dense, Activation, Rescale, Flatten or Dropout, with one of "
                f"the activations {', '.join(ACTIVATIONS)}, got {shown(layer)}: 'cynn draw' serves "
                "models of any layers"
            )
        part["kind"] = type(layer).__name__.lower()
        if isinstance(layer, Dense | Activation):
            part["activation"] = activation
        if isinstance(layer, Rescale):
            part |= {"scale": layer.scale, "offset": layer.offset}
        if isinstance(layer, Dense):
            part |= {"units": layer.units, "weight": _text(next(weights))}
            if layer.use_bias:
                part["bias"] = _text(next(weights))
    return network


def _text(numbers: NDArray[Any]) -> str:
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


def labelled_digits(digits: Any) -> dict[str, Any]:
    """Return the first few images of each class as the page holds them.

    Raises
    ------
    TypeError, ValueError
        If `digits` is no pair of images of 28x28 pixels from 0 to 255 and their classes.
    """
    if not isinstance(digits, tuple | list) or len(digits) != 2:
        raise TypeError(f"digits must be a pair (x, y), got {shown(digits)}")
    x, y = array("digits[0]", digits[0]), labels("digits[1]", digits[1], N_CLASSES)
    if x.shape[1:] not in ((SIDE, SIDE), (N_PIXELS,)) or len(x) != len(y):
        raise ValueError(
            f"digits[0] must be {len(y)} images of 28x28 pixels, as many as digits[1] has labels, "
            f"got shape {x.shape}"
        )
    chosen = np.sort(
        np.concatenate([np.flatnonzero(y == label)[:OF_EACH_CLASS] for label in range(N_CLASSES)])
    )
    images = x[chosen].reshape(-1, N_PIXELS)
    if not ((images >= 0) & (images <= 255)).all():  # NaN is neither
        raise ValueError("digits[0] must hold pixels from 0 to 255, got others")
    pixels = np.rint(images).astype(np.uint8).tobytes()
    return {"labels": y[chosen].tolist(), "pixels": base64.b64encode(pixels).decode()}


class Reader:
    """A network that reads drawings.

    Parameters
    ----------
    model : Model
        As `checked` returns it.
    white : float
        What a white pixel is to it.
    """

    def __init__(self, model: Model, white: float) -> None:
        self.model, self.white = model, white
        # In float32 the gradient of an answer that is nearly certain would be rounded to 0.
        self._precise = Model(model.layers, dtype="float64", seed=0)
        assert model.input_shape is not None  # it has weights
        self._precise.build(model.input_shape)
        self._precise.set_learned(model.get_learned().astype(np.float64))
        self._row = (1, *model.input_shape)
        self._sizes = [
            part["size"] if part["shown"] else None for part in described(model, white)["layers"]
        ]

    def answer(self, pixels: ArrayLike) -> dict[str, Any]:
        """Return what network.js does: the outputs of the layers that are shown, and the gradient.

        Parameters
        ----------
        pixels : array_like of uint8, shape (784,)
            The drawing, 0 to 255.

        Returns
        -------
        dict
            ``outputs``, ``saliency``, and ``layers``, None for one that is not shown.
        """
        row = np.asarray(pixels, np.float64).reshape(self._row) * (self.white / 255)
        outputs = self.model.predict(row)[0]
        gradient = self._precise.input_gradient(row, output=int(outputs.argmax()))
        layers = [
            None if size is None else made.reshape(-1, size).mean(axis=0).tolist()  # of members
            for made, size in zip(self.model.layer_outputs(row), self._sizes, strict=True)
        ]
        return {
            "outputs": outputs.tolist(),
            "layers": layers,
            "saliency": gradient.ravel().tolist(),
        }
