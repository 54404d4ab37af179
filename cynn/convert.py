"""Weights of other libraries: PyTorch's ``state_dict`` and scikit-learn's ``coefs_``.

Neither library is needed: arrays are enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import layers
from ._specs.activation_table import FROM_SKLEARN
from ._specs.validation import array
from .model import Model


def set_state_dict(model: Model, state_dict: Mapping[str, Any]) -> None:
    """Copy into a model the weights of a PyTorch module of the same dense layers.

    Parameters
    ----------
    model : Model
        Its dense layers take the module's linear ones in order, whatever their names. Where it has
        no weights yet, it is built for rows of as many numbers as the first one takes.
    state_dict : mapping of str to tensor or array
        ``module.state_dict()``: for each linear layer ``NAME.weight`` of shape (out, in), and
        ``NAME.bias`` of shape (out,) or none, which is a bias of 0. Tensors may be on any device.

    Raises
    ------
    TypeError, ValueError
        If it holds anything else, or other shapes; the model keeps its weights then.

    See Also
    --------
    set_coefs : Copy the weights of a scikit-learn MLP.

    Examples
    --------
    >>> model = Model([layers.Dense(2, "relu"), layers.Dense(1)])
    >>> state = {"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2), "2.weight": np.ones((1, 2))}
    >>> set_state_dict(model, state)
    >>> model.predict([[1.0, 2.0, 3.0]]).tolist()
    [[12.0]]
    """
    _set(model, "state_dict", list(_linear(state_dict)))


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
    for name, value in (("coefs", coefs), ("intercepts", intercepts)):
        if not isinstance(value, tuple | list):
            raise TypeError(f"{name} must be a list of arrays, got {type(value).__name__}")
    if len(coefs) != len(intercepts):
        raise ValueError(
            f"coefs and intercepts must have one length, got {len(coefs)} and {len(intercepts)}"
        )
    pairs = [
        (f"coefs[{i}]", array(f"coefs[{i}]", w), f"intercepts[{i}]", array(f"intercepts[{i}]", b))
        for i, (w, b) in enumerate(zip(coefs, intercepts, strict=True))
    ]
    _set(model, "coefs", pairs)


def from_sklearn(estimator: Any) -> Model:
    """Return a model with the weights of a trained ``MLPClassifier`` or ``MLPRegressor``.

    Parameters
    ----------
    estimator : object
        With ``coefs_``, ``intercepts_``, ``activation`` and ``out_activation_``.

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
    if missing:
        raise TypeError(
            "estimator must be a trained MLPClassifier or MLPRegressor, "
            f"got {type(estimator).__name__} without {', '.join(missing)}"
        )
    names = [estimator.activation] * (len(estimator.coefs_) - 1) + [estimator.out_activation_]
    for name in names:
        if name not in FROM_SKLEARN:
            raise ValueError(f"estimator must have activations that cynn knows, got {name!r}")
    coefs = [array("coefs_", w) for w in estimator.coefs_]
    model = Model(
        [
            layers.Dense(w.shape[1], FROM_SKLEARN[name])
            for w, name in zip(coefs, names, strict=True)
        ],
        dtype=coefs[0].dtype,
    )
    set_coefs(model, coefs, list(estimator.intercepts_))
    return model


Pair = tuple[str, NDArray[Any], str, NDArray[Any] | None]


def _linear(state_dict: Any) -> Iterator[Pair]:
    """Return the linear layers of a state dict: W as (in, out), and b, each after its name."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict must be a mapping, got {type(state_dict).__name__}")
    used = set()
    for key in state_dict:
        if not isinstance(key, str):
            raise TypeError(f"state_dict must have strings as keys, got {key!r}")
        module, _, part = key.rpartition(".")
        if part == "weight":
            bias = f"{module}.bias" if module else "bias"
            b = _array(bias, state_dict[bias]) if bias in state_dict else None
            yield key, _array(key, state_dict[key]).T, bias, b
            used |= {key, bias}
    unused = [key for key in state_dict if key not in used]
    if unused:
        raise ValueError(
            f"state_dict must hold weights and biases of linear layers, got {unused[0]!r}"
        )


def _array(key: str, value: Any) -> NDArray[Any]:
    """Return a tensor as an array; PyTorch's may want gradients, lie elsewhere or be bfloat16."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":  # NumPy has none
            value = value.float()
        value = value.numpy()
    return array(f"state_dict[{key!r}]", value)


def _set(model: Any, name: str, pairs: Sequence[Pair]) -> None:
    """Return a model's dense layers their weights, all or none."""
    if not isinstance(model, Model):
        raise TypeError(f"model must be a cynn Model, got {type(model).__name__}")
    dense = [i for i, layer in enumerate(model.layers) if layer.weight_shapes(1)]
    for i in dense:
        if not isinstance(model.layers[i], layers.Dense):
            raise ValueError(
                f"model must have weights in Dense layers only, got {model.layers[i]!r} as "
                f"layers[{i}]"
            )
    if len(pairs) != len(dense):
        raise ValueError(
            f"{name} must hold weights of {len(dense)} layers, as the model does, got {len(pairs)}"
        )
    if not pairs:
        return
    first = pairs[0][1]
    if first.ndim != 2 or not first.size:
        raise ValueError(f"{pairs[0][0]} must have two axes, got shape {first.shape}")
    row = model.input_shape or (first.shape[0],)
    sizes = layers.input_sizes(model.layers, row)
    weights: list[NDArray[Any]] = []
    for i, (w_name, w, b_name, b) in zip(dense, pairs, strict=True):
        layer = model.layers[i]
        shapes = layer.weight_shapes(sizes[i])
        if b is None:
            b = np.zeros(shapes[1] if len(shapes) > 1 else (0,), w.dtype)
        elif len(shapes) < 2:
            raise ValueError(f"layers[{i}] must have a bias for {b_name}, got {layer!r}")
        for part_name, part, shape in zip((w_name, b_name), (w, b), shapes, strict=False):
            if part.shape != shape:
                # a state dict stores W the other way: shapes are told as they came
                transposed = name == "state_dict" and len(shape) == 2
                actual, shape = (
                    (part.shape[::-1], shape[::-1]) if transposed else (part.shape, shape)
                )
                raise ValueError(
                    f"{part_name} must have shape {shape} for layers[{i}], {layer!r}, got {actual}"
                )
            weights.append(part)
    model.build(row)
    model.set_weights(weights)
