"""Model files: safetensors with a description of the model in their metadata, and no pickle.

The metadata holds ``format`` ("cynn"), ``version`` ("1") and ``model``, a JSON object: the layers
and what the model was compiled with; under ``table``, where there is one, how the rows of a table
become its inputs. The arrays are ``layer0.weight``, ``layer0.bias`` and so on, the optimizer's
state ``state.velocity.layer0.weight``, by slot. A file is written beside its name and renamed when
it is whole, so that a full disk or a killed process leaves what was there before.
"""

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import layers, losses, metrics, optimizers, tables
from ._model.weights import flat, named_state
from ._runtime.atomic_files import replace as replace
from ._runtime.atomic_files import try_to_write as try_to_write
from ._runtime.caller import warn
from ._specs.spec import Spec
from ._specs.validation import integer, number, shape

FORMAT = "cynn"
VERSION = "1"
LARGEST_HEADER = 32 << 20  # bytes: the description, its quotes escaped, and where the arrays lie
LARGEST_DESCRIPTION = 1 << 24  # characters; a layer takes about a hundred, or forty a column


class ModelFileError(ValueError):
    """A file that is not a whole cynn model."""


def write(
    path: str | os.PathLike[str], model: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Write a model file, or leave what was there.

    Parameters
    ----------
    path : path
        Where to; its folder must exist.
    model : mapping
        The description, plain JSON.
    tensors : mapping of str to ndarray
        The arrays, float32 or float64.

    Raises
    ------
    OSError
        If the file cannot be written; nothing is left behind.
    """
    from safetensors.numpy import save

    text = json.dumps(model, allow_nan=False)
    if len(text) > LARGEST_DESCRIPTION:
        raise ValueError(f"{path}: the layers' description has {len(text)} characters, too many")
    metadata = {"format": FORMAT, "version": VERSION, "model": text}
    # safetensors takes the bytes as they lie, whatever the strides say
    replace(path, save({name: np.ascontiguousarray(a) for name, a in tensors.items()}, metadata))


class ModelFile:
    """An open model file: its description, and its arrays one by one.

    Attributes
    ----------
    model : dict
        The description.
    shapes : dict of str to (tuple of int, str)
        Each array's shape and its type, ``"F32"`` or ``"F64"``, known before any is read.
    """

    def __init__(self, path: str, file: Any) -> None:
        self._path, self._file = path, file
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            self.refuse("it was not written by cynn")
        if metadata.get("version") != VERSION:
            self.refuse(
                f"its version is {metadata.get('version')!r}, this cynn reads {VERSION!r}: "
                "a newer cynn may"
            )
        text = metadata.get("model", "")
        if len(text) > LARGEST_DESCRIPTION:
            self.refuse(f"its description has {len(text)} characters")
        try:
            self.model = json.loads(
                text, object_pairs_hook=_without_doubles, parse_constant=_no_number
            )
        except (ValueError, RecursionError) as error:
            self.refuse(f"its description is no JSON: {error}")
        if not isinstance(self.model, dict):
            self.refuse("its description is no JSON object")
        self.shapes: dict[str, tuple[tuple[int, ...], str]] = {}
        for name in file.keys():  # noqa: SIM118 (a safetensors file is no mapping)
            part = file.get_slice(name)
            self.shapes[name] = (tuple(part.get_shape()), part.get_dtype())

    def refuse(self, why: str) -> NoReturn:
        """Raise the one error of this module."""
        raise ModelFileError(f"{self._path} is not a cynn model: {why}")

    def expect(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Refuse the file unless it has such an array."""
        wanted = (shape, {"float32": "F32", "float64": "F64"}[dtype.name])
        if self.shapes.get(name) != wanted:
            came = self.shapes.get(name, "nothing")
            self.refuse(f"its array {name!r} should be {wanted}, got {came}")

    def read(self, name: str) -> NDArray[Any]:
        """Read an array."""
        found: NDArray[Any] = self._file.get_tensor(name)
        return found


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[ModelFile]:
    """Open a model file.

    Raises
    ------
    ModelFileError
        If it is not a whole cynn model.
    OSError
        If it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    name = os.fsdecode(path)
    if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
        raise ModelFileError(f"{name} is not a cynn model: it is no regular file")
    with open(name, "rb") as raw:  # the plain reason first: missing, a folder, forbidden
        header = int.from_bytes(raw.read(8), "little")
    if header > LARGEST_HEADER:  # before the library takes memory to read it
        raise ModelFileError(
            f"{name} is not a cynn model: it would have a header of {header} bytes"
        )
    try:
        with safe_open(name, framework="np") as file:
            yield ModelFile(name, file)
    except SafetensorError as error:
        raise ModelFileError(f"{name} is not a cynn model: {error}") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary; keys that come twice mean one thing here, another there."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model with all that it needs to predict and to go on training; see `Model.save`."""
    weights = model.get_weights()  # refuses a model that is not built
    for i, layer in enumerate(model.layers):
        if not _carried(layer, layers.from_dict):
            raise ValueError(
                f"layers[{i}] is {layer!r}: a file carries cynn's own layers only, no functions; "
                "keep get_weights(), and set them in a model made again"
            )
    optimizer, loss = model.optimizer, model.loss
    if not (_carried(optimizer, optimizers.from_dict) and _carried(loss, losses.from_dict)):
        warn(
            f"{path}: a model file carries cynn's own losses, optimizers and schedules only: "
            f"{optimizer!r} and {loss!r} are left out, call compile after load"
        )
        optimizer = loss = None
    names = layers.weight_shapes(model.layers, model.input_shape)
    tensors = dict(zip(names, weights, strict=True))
    kept = layers.state_shapes(model.layers, model.input_shape)
    tensors |= zip(kept, model.get_state(), strict=True)
    state = {} if optimizer is None else named_state(model._network, names, model.dtype)
    updates = int(state.pop("state.updates", 0))
    used = {name.split(".")[1] for name, part in state.items() if part.any()}
    tensors |= {name: part for name, part in state.items() if name.split(".")[1] in used}
    description = {
        "layers": [layer.to_dict() for layer in model.layers],
        "dtype": model.dtype.name,
        "seed": model.seed,
        "epochs": model.epochs,
        "updates": updates,
        "input_shape": model.input_shape,
        "optimizer": None if optimizer is None else optimizer.to_dict(),
        "loss": None if loss is None else loss.to_dict(),
        "metrics": [metric.name for metric in model.metrics if metrics.named(metric)],
    }
    if model.table is not None:
        _expect_table_fits(model)
        description["table"] = model.table.to_dict()
    if model.rate_factor != 1:
        description["rate_factor"] = model.rate_factor
    if model.callback_state:
        description["callbacks"] = model.callback_state
    for name, numbers in model.callback_weights.items():
        tensors[_CALLBACK + name] = numbers
    write(path, description, tensors)


def _expect_table_fits(model: Any) -> None:
    """Refuse a table whose rows are not those of the model."""
    n_inputs = math.prod(model.input_shape)
    n_outputs = layers.output_shapes(model.layers, model.input_shape)[-1][0]
    if (model.table.width, model.table.target.n_outputs) != (n_inputs, n_outputs):
        raise ValueError(
            f"the model takes {n_inputs} numbers and gives {n_outputs}, its table gives "
            f"{model.table.width} and wants {model.table.target.n_outputs}"
        )


def _carried(spec: Spec | None, from_dict: Callable[[dict[str, Any]], Spec]) -> bool:
    """Return whether a file can bring a spec back: one of a person's own class is code."""
    try:
        return spec is None or from_dict(spec.to_dict()) == spec
    except (AttributeError, TypeError, ValueError):
        return False


def load(make: Callable[..., Any], path: str | os.PathLike[str]) -> Any:
    """Read a model back, which `make` makes of its layers; see `Model.load`."""
    with reading(path) as file:
        try:
            return _model_in(file, make)
        except ModelFileError:
            raise
        except MemoryError:
            file.refuse("its weights need more memory than there is")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            file.refuse(f"{type(error).__name__} in its description: {error}")


_CALLBACK = "callback."  # before the names of callbacks, where they are those of arrays


def _model_in(file: ModelFile, make: Callable[..., Any]) -> Any:
    said = file.model
    parts = [layers.from_dict(layer) for layer in said["layers"]]
    model = make(parts, dtype=said["dtype"], seed=said["seed"])
    model.epochs = integer("epochs", said["epochs"], 0)
    wanted_factor = "a finite number of at least 0"
    factor = said.get("rate_factor", 1.0)
    model.rate_factor = number("rate_factor", factor, wanted_factor, lambda f: f >= 0)
    model.callback_state = {
        str(name): {str(key): number(str(key), value) for key, value in kept.items()}
        for name, kept in said.get("callbacks", {}).items()
    }
    # The file's arrays are held against its description before memory is taken for either.
    input_shape = shape("input_shape", said["input_shape"])
    wanted = layers.weight_shapes(model.layers, input_shape)
    kept = layers.state_shapes(model.layers, input_shape)
    for name, size in (wanted | kept).items():
        file.expect(name, size, model.dtype)
    learned = (sum(map(math.prod, (wanted | kept).values())),)
    callbacks = [name for name in model.callback_state if _CALLBACK + name in file.shapes]
    for name in callbacks:
        file.expect(_CALLBACK + name, learned, model.dtype)
    if said["loss"] is not None:
        model._compile(
            optimizers.from_dict(said["optimizer"]),
            losses.from_dict(said["loss"]),
            said["metrics"],
            silent=True,  # a caution was said when the model was compiled first
        )
    state = _state_in(file, model, wanted)
    model._take_network(input_shape)
    model.set_weights([file.read(name) for name in wanted])
    model.set_state([file.read(name) for name in kept])
    model.callback_weights = {name: file.read(_CALLBACK + name) for name in callbacks}
    for slot, names in state.items():
        arrays = [file.read(name) for name in names]
        model._network.set_slot(slot, flat(arrays, model.dtype))
    model._network.updates = integer("updates", said.get("updates", 0), 0)
    if said.get("table") is not None:
        model.table = tables.from_dict(said["table"])
        _expect_table_fits(model)
    return model


def _state_in(
    file: ModelFile, model: Any, wanted: dict[str, tuple[int, ...]]
) -> dict[str, list[str]]:
    """Return the arrays that the file has of each slot, all of the right shapes."""
    found = {}
    for slot in model._slot_names():
        # The first files had SGD's velocity under a shorter name.
        for prefix in (f"state.{slot}.", f"{slot}."):
            if any(name.startswith(prefix) for name in file.shapes):
                found[slot] = [prefix + name for name in wanted]
                for name, size in zip(found[slot], wanted.values(), strict=True):
                    file.expect(name, size, model.dtype)
    return found
