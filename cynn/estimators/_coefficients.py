"""The weights of an estimator: arrays for people, packed in a network for the kernels.

A prediction of one row takes a few microseconds, less than it takes to look whether arrays have
changed. So the arrays are made when they are asked for; from then on they count, and every call
compares them with what the network has.
"""

import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _backend
from .._data.inputs import DIRECT
from .._data.sparse import SparseInput, is_sparse
from .._model.loops import predict
from .._model.weights import flat, shaped
from .._specs.activation_table import ACTIVATIONS, FROM_SKLEARN

Arrays = list[NDArray[Any]]
Activation = str | tuple[str, ...]


class Form(NamedTuple):
    """What a network does with its weights.

    Attributes
    ----------
    hidden : tuple of str
        The activation of each hidden layer, by the kernels' names.
    output : str
        The last activation, by scikit-learn's name.
    """

    hidden: tuple[str, ...]
    output: str


KNOWN = {
    name for name in (*FROM_SKLEARN, *ACTIVATIONS) if FROM_SKLEARN.get(name, name) != "softmax"
}
"""The activations of hidden layers."""

LAST = {"softmax": "softmax", "logistic": "sigmoid", "identity": "identity", "exp": "identity"}
"""The kernels' last activation; ``exp`` of what it gives is taken afterwards."""

LOSSES = {
    "softmax": "log_loss",
    "logistic": "binary_log_loss",
    "identity": "half_squared_error",
    "exp": "half_poisson_deviance",
}
"""The kernels' loss for each last activation."""


class Weights:
    """Coefficients and intercepts, a matrix and a vector a layer.

    Parameters
    ----------
    coefs, intercepts : list of ndarray
        As scikit-learn has them: shapes (fan_in, fan_out) and (fan_out,).
    """

    def __init__(self, coefs: Arrays | None = None, intercepts: Arrays | None = None) -> None:
        self.coefs, self.intercepts = coefs, intercepts
        self._shown = False  # a caller may hold the arrays, and change them
        self._trained: tuple[Any, np.dtype[Any]] | None = None  # a network ahead of the arrays
        # by form and type: a network, the numbers it was given, the shapes it was made for
        self._networks: dict[Any, tuple[Any, NDArray[Any] | None, list[tuple[int, ...]]]] = {}
        self._dropout: tuple[float, ...] = ()  # of those networks; of no meaning in predictions
        self._ready: dict[Any, tuple[Any, np.dtype[Any]]] = {}  # for predictions, by what is asked
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Return the arrays: a copy packs them anew."""
        with self._lock:
            self._catch_up()
            return {"coefs": self.coefs, "intercepts": self.intercepts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a copy."""
        self.__init__(**state)  # type: ignore[misc]

    # -- for people

    def show(self) -> tuple[Arrays | None, Arrays | None]:
        """Return the lists of arrays; whoever has them may change them."""
        with self._lock:
            self._catch_up()
            self._shown = True
            return self.coefs, self.intercepts

    def put(self, coefs: Arrays | None, intercepts: Arrays | None) -> None:
        """Take lists that the caller holds."""
        self.show()
        self.coefs, self.intercepts = coefs, intercepts

    def _catch_up(self) -> None:
        """Write what was trained into the arrays, in place where a caller may hold them."""
        if self._trained is None:
            return
        network, dtype = self._trained
        params = np.empty(network.n_params, dtype)
        network.get_params(params)
        arrays = shaped(params, self.shapes)
        if self._shown and self.coefs is not None and self.intercepts is not None:
            for lists, offset in ((self.coefs, 0), (self.intercepts, 1)):
                for i, value in enumerate(arrays[offset::2]):
                    if isinstance(lists[i], np.ndarray) and lists[i].flags.writeable:
                        lists[i][...] = value
                    else:
                        lists[i] = value
        else:
            self.coefs, self.intercepts = arrays[::2], arrays[1::2]
        self._trained = None

    # -- for the kernels

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The arrays' shapes, W and b of each layer in turn."""
        return self._shapes if self._trained is not None else [w.shape for w in self._in_order()]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What they are computed in: float32 where all are, else float64."""
        if self._trained is not None:
            return self._trained[1]
        single = all(w.dtype == np.float32 for w in self._in_order())
        return np.dtype(np.float32 if single else np.float64)

    def _in_order(self) -> Arrays:
        coefs, intercepts = (() if w is None else w for w in (self.coefs, self.intercepts))
        if not 0 < len(coefs) == len(intercepts):
            raise ValueError(
                "coefs_ and intercepts_ must have an array for each layer, got "
                f"{len(coefs)} and {len(intercepts)}"
            )
        pairs = zip(coefs, intercepts, strict=True)
        return [np.asarray(w) for pair in pairs for w in pair]

    def network_to_train(
        self, form: Form, dtype: np.dtype[Any], dropout: tuple[float, ...] = ()
    ) -> Any:
        """Return a network that has these weights, and so much dropout after each hidden layer."""
        with self._lock:
            if dropout != self._dropout:
                self._catch_up()
                self._networks, self._ready, self._dropout = {}, {}, dropout
            return self.network(form, dtype)

    def network(self, form: Form, dtype: np.dtype[Any]) -> Any:
        """Return a network that has these weights.

        Parameters
        ----------
        form : Form
            Its activations.
        dtype : dtype
            What it computes in, whatever the arrays are.

        Returns
        -------
        Network
            Of the target in use, compiled with the loss that goes with the form.
        """
        if not self._shown:
            entry = self._networks.get((form, dtype))
            if entry is not None:
                return entry[0]
        with self._lock:
            self._catch_up()
            arrays = self._in_order()
            params = flat(arrays, dtype)
            shapes = [w.shape for w in arrays]
            network, loaded, network_shapes = self._networks.get((form, dtype), (None, None, []))
            if network is None or network_shapes != shapes:
                network, loaded = new_network(form, shapes, dtype, self._dropout), None
            if loaded is None or not np.array_equal(loaded, params):
                network.set_params(params)
            self._networks[form, dtype] = network, params, shapes
            return network

    def trained(self, form: Form, dtype: np.dtype[Any], network: Any) -> None:
        """Say that the network has learned: its weights are those that count."""
        with self._lock:
            self._shapes = self.shapes
            self._networks = {(form, dtype): (network, None, self._shapes)}
            self._trained = network, dtype
            self._ready = {}
            if self._shown:  # who holds the arrays sees it
                self._catch_up()

    def are_finite(self) -> bool:
        """Return whether no weight is infinite or NaN."""
        if self._trained is not None:
            network, dtype = self._trained
            params = np.empty(network.n_params, dtype)
            network.get_params(params)
            return bool(np.isfinite(params).all())
        return all(np.isfinite(w).all() for w in self._in_order())

    def form(self, activation: Activation, output: str) -> Form:
        """Return the form of a network with that activation in each hidden layer, or those."""
        return Form(activations_of(activation, len(self.shapes) // 2 - 1), output)

    def predict(self, x: Any, activation: Activation, output: str, threads: Any) -> NDArray[Any]:
        """Return the network's outputs for rows that are checked.

        Parameters
        ----------
        x : ndarray or scipy.sparse, shape (n, n_features)
            Numbers of any real type.
        activation : str or tuple of str
            The activation of the hidden layers, or of each: scikit-learn's names or ours.
        output : str
            The last activation, by scikit-learn's name.
        threads : callable
            Gives how many threads may be used; called where it matters.

        Returns
        -------
        ndarray, shape (n, n_outputs)
            float32 where both rows and weights are, longdouble where one is, else float64.
        """
        key = activation, output, x.dtype
        entry = None if self._shown else self._ready.get(key)
        if entry is None:
            real = np.result_type(x.dtype, self.dtype)
            if real == np.longdouble:  # which it is at the end, as scikit-learn's
                return self.predict(x.astype(float), activation, output, threads).astype(real)
            dtype = np.dtype(np.float32 if real == np.float32 else np.float64)
            entry = self.network(self.form(activation, output), dtype), dtype
            self._ready[key] = entry
        network, dtype = entry
        out = predict(network, readable(x, dtype), threads, dtype)
        return np.exp(out, out=out) if output == "exp" else out


def of_layers(name: str, value: Any, count: int) -> tuple[Any, ...]:
    """Return an argument's value for each of so many hidden layers.

    Raises
    ------
    ValueError
        If it has values for another number of layers.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (value,) * count
    if len(value) != count:
        raise ValueError(f"{name} must have a value for each of {count} hidden layers, got {value}")
    return tuple(value)


def activations_of(activation: Activation, count: int) -> tuple[str, ...]:
    """Return the kernels' name of the activation of each of so many hidden layers.

    Raises
    ------
    ValueError
        If one is unknown, or there are those of another number of layers.
    """
    names = of_layers("activation", activation, count)
    if not all(isinstance(name, str) and name in KNOWN for name in names):
        known = ", ".join(sorted(name for name in KNOWN if FROM_SKLEARN.get(name, name) == name))
        raise ValueError(f"activation must be of {known}, got {activation!r}")
    return tuple(FROM_SKLEARN.get(name, name) for name in names)


def new_network(
    form: Form,
    shapes: list[tuple[int, ...]],
    dtype: np.dtype[Any],
    dropout: tuple[float, ...] = (),
) -> Any:
    """Make a network for weights of these shapes.

    Raises
    ------
    ValueError
        If they do not fit one another.
    """
    activations = (*form.hidden, LAST[form.output])
    widths = [size[-1] for size in shapes[::2]]
    fan_in = (shapes[0][0], *widths)
    if shapes != [size for pair in pairwise(fan_in) for size in (pair, pair[1:])]:
        raise ValueError(f"coefs_ and intercepts_ must fit one another, got the shapes {shapes}")
    steps: list[tuple[str | float, ...]] = [
        ("dense", n, activation) for n, activation in zip(widths, activations, strict=True)
    ]
    for i, rate in reversed(list(enumerate(dropout))):
        if rate:
            steps.insert(i + 1, ("dropout", float(rate)))
    network: Any = _backend.kernels(dtype.name).Network(shapes[0][0], steps)
    network.compile(LOSSES[form.output])
    return network


def readable(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return rows as the loops take them."""
    if is_sparse(x):
        return SparseInput("X", x, dtype)
    if x.dtype in DIRECT and x.flags.aligned and x.dtype.isnative:
        return x
    return x.astype(dtype)
