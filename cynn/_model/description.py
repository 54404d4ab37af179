"""What a model file says of its model, in JSON: written from a model, and read as one.

The description comes from anybody. It is checked as a whole before memory is taken for an array.
"""

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .. import _backend, layers, losses, metrics, optimizers, tables
from .._specs.spec import expect_few
from .._specs.validation import choice, integer, number, shape

CALLBACK = "callback."  # before the names of callbacks, where they are those of arrays
LARGEST_COUNT = 1 << 53  # of epochs and of steps: what any reader of JSON keeps exactly
MOST_COUNTS = 10_000  # that callbacks keep, all together
MOST_ENTRIES = 100  # of what a training says of itself
LONGEST_TEXT = 10_000  # characters of such an entry
ENTRIES = frozenset(
    "layers dtype seed epochs updates scalars input_shape loss optimizer metrics rate_factor "
    "callbacks table training".split()
)


class Contents:
    """What a model file says before its arrays: the description, and which arrays there are.

    Parameters
    ----------
    model : dict
        The description.
    shapes : dict of str to (tuple of int, str)
        Each array's shape and its type, ``"F32"`` or ``"F64"``.

    Examples
    --------
    >>> Contents({}, {}).expect("layer0.bias", (2,), np.dtype("float32"))
    Traceback (most recent call last):
    ValueError: model must be one that a file can hold, got another: its array 'layer0.bias' must \
be ((2,), 'F32'), got nothing
    """

    def __init__(
        self, model: dict[str, Any], shapes: dict[str, tuple[tuple[int, ...], str]]
    ) -> None:
        self.model, self.shapes = model, shapes

    def refuse(self, why: str) -> NoReturn:
        """Raise a ValueError.

        Parameters
        ----------
        why : str
            What is wrong with the contents.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(f"model must be one that a file can hold, got another: {why}")

    def expect(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Raise an error unless the file has such an array.

        Parameters
        ----------
        name : str
            The name of the array.
        shape : tuple of int
            Its shape.
        dtype : dtype
            Its type: float32 or float64.

        Raises
        ------
        ValueError
            If there is none of that name, or it is of another shape or type.
        """
        wanted = (shape, {"float32": "F32", "float64": "F64"}[dtype.name])
        if self.shapes.get(name) != wanted:
            actual = self.shapes.get(name, "nothing")
            self.refuse(f"its array {name!r:.200} must be {wanted!s:.200}, got {actual!s:.200}")

    def expect_known(self, what: str, names: Iterable[str], known: Iterable[str]) -> None:
        """Raise an error where there is a name that says nothing here.

        Parameters
        ----------
        what : str
            What is named, for the message.
        names : iterable of str
            The names.
        known : iterable of str
            Those that may be.

        Raises
        ------
        ValueError
            If there is another.
        """
        unknown = set(names) - set(known)
        if unknown:
            self.refuse(f"its {what} must be those that cynn knows, got {min(unknown)!r:.200} too")


def description_of(
    model: Any, optimizer: optimizers.Optimizer | None, loss: losses.Loss | None
) -> dict[str, Any]:
    """Return the description of a model, plain JSON; `read_description` makes the model again.

    Parameters
    ----------
    model : Model
        With weights.
    optimizer, loss
        Those of the model, or None where a file cannot carry them.

    Raises
    ------
    TypeError, ValueError
        If something that the user has set is not as `Model` describes it.
    """
    input_shape = model._built_shape()
    description: dict[str, Any] = {
        "layers": [layer.to_dict() for layer in model.layers],
        "dtype": model.dtype.name,
        "seed": model.seed,
        "epochs": integer("epochs", model.epochs, 0),
        "updates": 0 if optimizer is None else int(model._network.updates),
        "input_shape": input_shape,
        "optimizer": None if optimizer is None else optimizer.to_dict(),
        "loss": None if loss is None else loss.to_dict(),
        "metrics": [metric.name for metric in model.metrics if metrics.named(metric)],
    }
    if model.table is not None:
        _expect_table_fits(model, input_shape)
        description["table"] = model.table.to_dict()
    if optimizer is not None and model._network.scalars:
        description["scalars"] = model._network.scalars
    if model.rate_factor != 1:
        description["rate_factor"] = _rate_factor(model.rate_factor)
    if model.callback_state:
        description["callbacks"] = _callback_state(model.callback_state)
    if model.training:
        description["training"] = _record(model.training)
    return description


class Description(NamedTuple):
    """What a description says: the model without its arrays, and where those are.

    Attributes
    ----------
    model : Model
        All but the weights, the running statistics and the optimizer's state.
    input_shape : tuple of int
        The shape of a row.
    weights, state : list of str
        The names of the arrays.
    slots : dict of str to list of str
        The names of those that the optimizer keeps, by slot.
    callbacks : list of str
        The callbacks that keep weights.
    updates : int
        The steps that the optimizer has done.
    scalars : dict of str to float
        What it keeps for all weights together.
    """

    model: Any
    input_shape: tuple[int, ...]
    weights: list[str]
    state: list[str]
    slots: dict[str, list[str]]
    callbacks: list[str]
    updates: int
    scalars: dict[str, float]


def read_description(file: Contents, make: Callable[..., Any]) -> Description:
    """Make the model of a description; its arrays are known to fit, and none is read yet.

    Parameters
    ----------
    file : Contents
        The description, and which arrays there are.
    make : callable
        ``make(layers, dtype=..., seed=...)`` returns a model that is not built.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError, OverflowError
        If anything in it is wrong: it may come from a file, so that all of it is checked.
    """
    description = file.model
    file.expect_known("entries", description, ENTRIES)
    if not isinstance(description["layers"], list):
        raise TypeError(f"layers must be a list, got {reprlib.repr(description['layers'])}")
    expect_few("layers", description["layers"], layers.MOST_LAYERS)
    model_layers = [layers.from_dict(layer) for layer in description["layers"]]
    dtype = choice("dtype", description["dtype"], ("float32", "float64"))
    model = make(model_layers, dtype=dtype, seed=description["seed"])
    model.epochs = _count("epochs", description["epochs"])
    model.rate_factor = _rate_factor(description.get("rate_factor", 1.0))
    model.callback_state = _callback_state(description.get("callbacks", {}))
    model.training = _record(description.get("training", {}))
    input_shape = shape("input_shape", description["input_shape"])
    weight_shapes = layers.weight_shapes(model.layers, input_shape)
    state_shapes = layers.state_shapes(model.layers, input_shape)
    for name, size in (weight_shapes | state_shapes).items():
        file.expect(name, size, model.dtype)
    learned = (sum(map(math.prod, (weight_shapes | state_shapes).values())),)
    callbacks = [name.removeprefix(CALLBACK) for name in file.shapes if name.startswith(CALLBACK)]
    for name in callbacks:
        file.expect(CALLBACK + name, learned, model.dtype)
    if (description["loss"] is None) != (description["optimizer"] is None):
        raise ValueError("loss and optimizer must both be null or neither, got one of them")
    first: dict[str, float] = {}
    if description["loss"] is not None:
        model._compile(
            optimizers.from_dict(description["optimizer"]),
            losses.from_dict(description["loss"]),
            description["metrics"],
            silent=True,  # the warning came when the model was first compiled
        )
        rule = str(model.optimizer.kernel()[0])
        first = _backend.kernels(model.dtype.name).OPTIMIZERS[rule][2]
    slots = _slots_in(file, model, weight_shapes)
    scalars = description.get("scalars", {})
    file.expect_known("scalars", scalars, first)
    read = Description(
        model,
        input_shape,
        list(weight_shapes),
        list(state_shapes),
        slots,
        callbacks,
        _count("updates", description.get("updates", 0)),
        {name: number(name, scalars.get(name, value)) for name, value in first.items()},
    )
    known = {*weight_shapes, *state_shapes, *(CALLBACK + name for name in callbacks)}
    file.expect_known("arrays", file.shapes, known.union(*slots.values()))
    if description.get("table") is not None:
        model.table = tables.from_dict(description["table"])
        _expect_table_fits(model, input_shape)
    return read


def _slots_in(
    file: Contents, model: Any, weight_shapes: dict[str, tuple[int, ...]]
) -> dict[str, list[str]]:
    """Return the names of the arrays that the file has of each slot, all of the right shapes."""
    arrays = {}
    prefixes = {name.rpartition(".layer")[0] for name in file.shapes}
    for slot in model._slot_names():
        # The first files had SGD's velocity under a shorter name.
        for prefix in (f"state.{slot}", slot):
            if prefix in prefixes:
                arrays[slot] = [f"{prefix}.{name}" for name in weight_shapes]
                for name, size in zip(arrays[slot], weight_shapes.values(), strict=True):
                    file.expect(name, size, model.dtype)
    return arrays


def _count(name: str, value: Any) -> int:
    count = integer(name, value, 0)
    if count >= LARGEST_COUNT:
        raise ValueError(f"{name} must be less than {LARGEST_COUNT}, got {reprlib.repr(count)}")
    return count


def _rate_factor(value: Any) -> float:
    wanted = "a finite number of at least 0"
    return number("rate_factor", value, wanted, lambda factor: factor >= 0)


def _callback_state(value: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping) or not all(isinstance(s, Mapping) for s in value.values()):
        raise TypeError(f"callbacks must be dicts of numbers by name, got {reprlib.repr(value)}")
    if len(value) + sum(map(len, value.values())) > MOST_COUNTS:
        raise ValueError(f"callbacks must have at most {MOST_COUNTS} numbers, got more")
    return {
        str(name): {str(key): number(str(key), each) for key, each in state.items()}
        for name, state in value.items()
    }


def _expect_table_fits(model: Any, input_shape: tuple[int, ...]) -> None:
    """Refuse a table whose rows are not those of the model."""
    n_inputs = math.prod(input_shape)
    n_outputs = layers.output_shapes(model.layers, input_shape)[-1][0]
    if (model.table.width, model.table.target.n_outputs) != (n_inputs, n_outputs):
        raise ValueError(
            f"model must have {model.table.width} inputs and {model.table.target.n_outputs} "
            f"outputs for its table, got {n_inputs} and {n_outputs}"
        )


def _record(value: Any) -> dict[str, str | int | float]:
    """Return what a training says of itself, or refuse what is no short record."""
    if not isinstance(value, Mapping):
        raise TypeError(f"training must be a dict, got {reprlib.repr(value)}")
    if len(value) > MOST_ENTRIES:
        raise ValueError(f"training must have at most {MOST_ENTRIES} entries, got {len(value)}")
    record: dict[str, str | int | float] = {}
    for name, each in value.items():
        if not isinstance(name, str) or len(name) > LONGEST_TEXT:
            raise ValueError(
                f"names in training must be strings of at most {LONGEST_TEXT} characters, got "
                f"{reprlib.repr(name)}"
            )
        if isinstance(each, str):
            if len(each) > LONGEST_TEXT:
                raise ValueError(
                    f"training[{name!r:.100}] must have at most {LONGEST_TEXT} characters, got "
                    f"{len(each)}"
                )
            record[name] = each
        else:
            real = number(f"training[{name!r:.100}]", each, "a string or a finite number")
            record[name] = int(each) if isinstance(each, Integral) else real
    return record
