"""Trained networks of scikit-learn, and their weights."""

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import layers
from .._specs.activation_table import FROM_SKLEARN, TABLE
from .._specs.validation import array
from ..ensemble import models_of
from ..model import Model
from ._weights import set_weights


def set_coefs(model: Model, coefs: Sequence[ArrayLike], intercepts: Sequence[ArrayLike]) -> None:
    """Copy into a model the weights of a scikit-learn MLP of the same layers.

    Parameters
    ----------
    model : Model
        As for `set_state_dict`.
    coefs : sequence of array_like, shapes (in, out)
        ``estimator.coefs_``.
    intercepts : sequence of array_like, shapes (out,)
        ``estimator.intercepts_``.

    Raises
    ------
    TypeError, ValueError
        If they do not fit; the model keeps its weights then.

    See Also
    --------
    from_sklearn : Make the model too.

    Examples
    --------
    >>> model = Model([layers.Dense(2, "relu"), layers.Dense(1)])
    >>> set_coefs(model, [np.ones((3, 2)), np.ones((2, 1))], [np.zeros(2), np.zeros(1)])
    >>> model.predict([[1.0, 2.0, 3.0]]).tolist()
    [[12.0]]
    """
    weights, biases = _arrays("coefs", coefs), _arrays("intercepts", intercepts)
    if len(weights) != len(biases):
        raise ValueError(
            f"coefs and intercepts must have one length, got {len(weights)} and {len(biases)}"
        )
    pairs = [
        (f"coefs[{i}]", w, f"intercepts[{i}]", b)
        for i, (w, b) in enumerate(zip(weights, biases, strict=True))
    ]
    set_weights(model, "coefs", pairs)


def from_sklearn(estimator: Any) -> Model:
    """Return a model with the weights of a trained ``MLPClassifier`` or ``MLPRegressor``.

    It can be written as a model file or as ONNX, which an estimator cannot.

    Parameters
    ----------
    estimator : object
        One of scikit-learn's or of `cynn.estimators`, of any activation, loss and solver: with
        ``coefs_``, ``intercepts_``, ``activation`` and ``out_activation_``.

    Returns
    -------
    Model
        It gives what the estimator's output units do: the probabilities of the classes, in the
        order of ``classes_`` (of two classes that of the second alone), or the values. Of the
        estimator's precision.

    Raises
    ------
    TypeError, ValueError
        If the estimator is another or is not trained.

    See Also
    --------
    cynn.Model.save : Write the model to a file.
    cynn.onnx.export : Write it as ONNX.
    cynn.estimators : Estimators of scikit-learn's interface that train with cynn.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> estimator = SimpleNamespace(
    ...     coefs_=[np.ones((3, 1))], intercepts_=[np.zeros(1)], activation="relu",
    ...     out_activation_="identity")
    >>> from_sklearn(estimator).predict([[1.0, 2.0, 3.0]]).tolist()
    [[6.0]]
    """
    needed = ("coefs_", "intercepts_", "activation", "out_activation_")
    missing = [name for name in needed if not hasattr(estimator, name)]
    if models_of(estimator):
        raise TypeError(
            "estimator must be a trained MLPClassifier or MLPRegressor, got "
            f"{type(estimator).__name__}, which is made of cynn's models: take them from its "
            "ensemble_.members"
        )
    if missing:
        raise TypeError(
            "estimator must be a trained MLPClassifier or MLPRegressor, "
            f"got {type(estimator).__name__} without {', '.join(missing)}: call fit first"
        )
    coefs = _arrays("coefs_", estimator.coefs_)
    if not coefs or any(w.ndim != 2 for w in coefs):
        shapes = [w.shape for w in coefs]
        raise ValueError(f"coefs_ must be arrays of two axes, got shapes {reprlib.repr(shapes)}")
    names = [*_activations(estimator.activation, len(coefs) - 1), estimator.out_activation_]
    model = Model(
        [
            layers.Dense(w.shape[-1], _activation(name))
            for w, name in zip(coefs, names, strict=True)
        ],
        dtype=np.float32 if all(w.dtype == np.float32 for w in coefs) else np.float64,
    )
    set_coefs(model, coefs, estimator.intercepts_)
    return model


def _arrays(name: str, value: Any) -> list[NDArray[Any]]:
    """Return a list of arrays, of the dtypes that they have."""
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name} must be a list of arrays, got {type(value).__name__}")
    return [array(f"{name}[{i}]", each) for i, each in enumerate(value)]


def _activations(value: Any, count: int) -> list[Any]:
    """Return the activation of each of so many hidden layers: one for all, or a list of theirs."""
    if not isinstance(value, tuple | list):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"estimator must have an activation for each of {count} hidden layers, got {value!r}"
        )
    return list(value)


def _activation(name: Any) -> str:
    """Return our name of an activation that scikit-learn or an estimator of ours has."""
    if not isinstance(name, str) or name not in FROM_SKLEARN and name not in TABLE:
        raise ValueError(f"estimator must have activations that cynn knows, got {name!r}")
    return FROM_SKLEARN.get(name, name)
