"""Model files: safetensors with a description of the model in their metadata, and no pickle.

The metadata holds ``format`` ("cynn"), ``version`` ("1") and ``model``, a JSON object: the layers
and what the model was compiled with; under ``table``, where there is one, how the rows of a table
become its inputs. The arrays are ``layer0.weight``, ``layer0.bias`` and so on, the optimizer's
state ``state.velocity.layer0.weight``, by slot; the optimizer's scalars, where it has any, stand in
the object under ``scalars``. A file is written beside its name and renamed when
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
from ._runtime import atomic_files
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
    path : path-like
        Where to; its folder must exist.
    model : mapping
        The description, plain JSON.
    tensors : mapping of str to ndarray
        The arrays, float32 or float64, of any strides.

    Raises
    ------
    ValueError
        If the description is too long.
    OSError
        If the file cannot be written; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "arrays.safetensors")
    ...     write(path, {"layers": []}, {"layer0.bias": np.ones(2)})
    ...     with reading(path) as file:
    ...         file.model, file.shapes, file.read("layer0.bias")
    ({'layers': []}, {'layer0.bias': ((2,), 'F64')}, array([1., 1.]))
    """
    from safetensors.numpy import save

    text = json.dumps(model, allow_nan=False)
    if len(text) > LARGEST_DESCRIPTION:
        raise ValueError(
            f"layers must have a description of at most {LARGEST_DESCRIPTION} characters, got "
            f"{len(text)}"
        )
    metadata = {"format": FORMAT, "version": VERSION, "model": text}
    # safetensors takes the bytes as they lie, whatever the strides say
    atomic_files.replace(
        path, save({name: np.ascontiguousarray(a) for name, a in tensors.items()}, metadata)
    )


class ModelFile:
    """An open model file: its description, and its arrays one by one.

    Parameters
    ----------
    path : str
        Its name, for messages.
    file : safetensors.safe_open
        The open file.

    Attributes
    ----------
    model : dict
        The description.
    shapes : dict of str to (tuple of int, str)
        Each array's shape and its type, ``"F32"`` or ``"F64"``, known before any is read.

    Raises
    ------
    ModelFileError
        If the metadata are not those of a cynn model.

    See Also
    --------
    reading : Open a file by its path.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "empty.safetensors")
    ...     write(path, {"layers": []}, {})
    ...     with reading(path) as file:
    ...         isinstance(file, ModelFile), file.model
    (True, {'layers': []})
    """

    def __init__(self, path: str, file: Any) -> None:
        self._path, self._file = path, file
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            self.refuse("it was not written by cynn")
        if metadata.get("version") != VERSION:
            self.refuse(
                f"its version must be {VERSION!r} for this cynn, got {metadata.get('version')!r}: "
                "upgrade cynn"
            )
        text = metadata.get("model", "")
        if len(text) > LARGEST_DESCRIPTION:
            self.refuse(
                f"its description must have at most {LARGEST_DESCRIPTION} characters, got "
                f"{len(text)}"
            )
        try:
            self.model = json.loads(
                text, object_pairs_hook=_without_doubles, parse_constant=_no_number
            )
        except (ValueError, RecursionError) as error:
            self.refuse(f"its description must be JSON, got another text: {error}")
        if not isinstance(self.model, dict):
            self.refuse("its description must be a JSON object, got another value")
        self.shapes: dict[str, tuple[tuple[int, ...], str]] = {}
        for name in file.keys():  # noqa: SIM118 (a safetensors file is no mapping)
            part = file.get_slice(name)
            self.shapes[name] = (tuple(part.get_shape()), part.get_dtype())

    def refuse(self, why: str) -> NoReturn:
        """Raise a `ModelFileError` that names the file.

        Parameters
        ----------
        why : str
            What is wrong with the file.

        Raises
        ------
        ModelFileError
            Always.
        """
        raise ModelFileError(f"{self._path} is not a cynn model: {why}")

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
        ModelFileError
            If there is none of that name, or it is of another shape or type.
        """
        wanted = (shape, {"float32": "F32", "float64": "F64"}[dtype.name])
        if self.shapes.get(name) != wanted:
            actual = self.shapes.get(name, "nothing")
            self.refuse(f"its array {name!r} must be {wanted}, got {actual}")

    def read(self, name: str) -> NDArray[Any]:
        """Read an array into memory.

        Parameters
        ----------
        name : str
            The name of the array, a key of `shapes`.

        Returns
        -------
        ndarray
            Float32 or float64, C-contiguous.
        """
        array: NDArray[Any] = self._file.get_tensor(name)
        return array


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[ModelFile]:
    """Open a model file for the length of a ``with`` statement.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    ModelFile
        Its description is read, its arrays are not.

    Raises
    ------
    ModelFileError
        If it is not a whole cynn model.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> with reading(os.devnull) as file:
    ...     file.model
    Traceback (most recent call last):
    cynn.storage.ModelFileError: ... is not a cynn model: it must be a regular file...
    """
    from safetensors import SafetensorError, safe_open

    name = os.fsdecode(path)
    if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
        raise ModelFileError(
            f"{name} is not a cynn model: it must be a regular file, got something else"
        )
    with open(name, "rb") as raw:  # the plain reason first: missing, a folder, forbidden
        header = int.from_bytes(raw.read(8), "little")
    if header > LARGEST_HEADER:  # before the library takes memory to read it
        raise ModelFileError(
            f"{name} is not a cynn model: its header must have at most {LARGEST_HEADER} bytes, got "
            f"{header}"
        )
    try:
        with safe_open(name, framework="np") as file:
            yield ModelFile(name, file)
    except SafetensorError as error:
        raise ModelFileError(f"{name} is not a cynn model: {error}") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary; keys that come twice mean one thing here, another there."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("keys must be different, got one twice")
    return mapping


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"numbers must be those of JSON, got {text}")


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model with all that it needs to predict and to continue training; see `Model.save`.

    Parameters
    ----------
    model : Model
        With weights: built, trained or loaded.
    path : path-like
        The file; what was there is replaced when the new one is whole.

    Raises
    ------
    ValueError
        If a layer is not one of cynn's own, or holds a function, or the model's table does not fit
        it.
    RuntimeError
        If the model has no weights yet.
    OSError
        If the file cannot be written; what was there before is still there.

    Warns
    -----
    UserWarning
        If the loss or the optimizer is not one of cynn's own: they are left out.

    See Also
    --------
    cynn.Model.save : The usual way.

    Examples
    --------
    >>> import tempfile
    >>> from cynn import Model
    >>> model = Model([layers.Dense(2)], seed=0)
    >>> model.build(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save(model, path)
    ...     load(Model, path).layers
    (Dense(2),)
    """
    weights = model.get_weights()  # refuses a model that is not built
    for i, layer in enumerate(model.layers):
        if not _carried(layer, layers.from_dict):
            raise ValueError(
                f"layers[{i}] must be one of cynn's own layers, without user-defined functions, to "
                f"be saved, got {layer!r}: save get_weights(), and set them in a model made anew"
            )
    optimizer, loss = model.optimizer, model.loss
    if not (_carried(optimizer, optimizers.from_dict) and _carried(loss, losses.from_dict)):
        warn(
            f"{path}: loss, optimizer and schedule must be cynn's own to be saved, got "
            f"{optimizer!r} and {loss!r}: they are left out, call compile after load"
        )
        optimizer = loss = None
    names = layers.weight_shapes(model.layers, model.input_shape)
    tensors = dict(zip(names, weights, strict=True))
    state_names = layers.state_shapes(model.layers, model.input_shape)
    tensors |= zip(state_names, model.get_state(), strict=True)
    state = {} if optimizer is None else named_state(model._network, names, model.dtype)
    updates = int(state.pop("state.updates", 0))
    scalars = {} if optimizer is None else model._network.scalars
    for name in scalars:
        del state[f"state.{name}"]
    used = {name.split(".")[1] for name, array in state.items() if array.any()}
    tensors |= {name: array for name, array in state.items() if name.split(".")[1] in used}
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
    if scalars:
        description["scalars"] = scalars
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
            f"model must have {model.table.width} inputs and {model.table.target.n_outputs} "
            f"outputs for its table, got {n_inputs} and {n_outputs}"
        )


def _carried(spec: Spec | None, from_dict: Callable[[dict[str, Any]], Spec]) -> bool:
    """Return whether a file can bring a spec back: one of a user-defined class is code."""
    try:
        return spec is None or from_dict(spec.to_dict()) == spec
    except (AttributeError, TypeError, ValueError):
        return False


def load(make: Callable[..., Any], path: str | os.PathLike[str]) -> Any:
    """Read a model from a file; see `Model.load`.

    Parameters
    ----------
    make : callable
        ``make(layers, dtype=..., seed=...)`` returns a model that is not built: `Model`, or a
        subclass.
    path : path-like
        The file.

    Returns
    -------
    Model
        What `make` returned, with everything that the file has.

    Raises
    ------
    ModelFileError
        If the file is not a whole cynn model.
    OSError
        If it cannot be read.

    See Also
    --------
    cynn.Model.load : The usual way.

    Examples
    --------
    >>> from cynn import Model
    >>> load(Model, os.devnull)
    Traceback (most recent call last):
    cynn.storage.ModelFileError: ... is not a cynn model: it must be a regular file...
    """
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
    description = file.model
    model_layers = [layers.from_dict(layer) for layer in description["layers"]]
    model = make(model_layers, dtype=description["dtype"], seed=description["seed"])
    model.epochs = integer("epochs", description["epochs"], 0)
    wanted_factor = "a finite number of at least 0"
    factor = description.get("rate_factor", 1.0)
    model.rate_factor = number("rate_factor", factor, wanted_factor, lambda f: f >= 0)
    model.callback_state = {
        str(name): {str(key): number(str(key), value) for key, value in state.items()}
        for name, state in description.get("callbacks", {}).items()
    }
    # The file's arrays are checked against its description before memory is taken for either.
    input_shape = shape("input_shape", description["input_shape"])
    weight_shapes = layers.weight_shapes(model.layers, input_shape)
    state_shapes = layers.state_shapes(model.layers, input_shape)
    for name, size in (weight_shapes | state_shapes).items():
        file.expect(name, size, model.dtype)
    learned = (sum(map(math.prod, (weight_shapes | state_shapes).values())),)
    callbacks = [name for name in model.callback_state if _CALLBACK + name in file.shapes]
    for name in callbacks:
        file.expect(_CALLBACK + name, learned, model.dtype)
    if description["loss"] is not None:
        model._compile(
            optimizers.from_dict(description["optimizer"]),
            losses.from_dict(description["loss"]),
            description["metrics"],
            silent=True,  # the warning came when the model was first compiled
        )
    state = _state_in(file, model, weight_shapes)
    model._take_network(input_shape)
    model.set_weights([file.read(name) for name in weight_shapes])
    model.set_state([file.read(name) for name in state_shapes])
    model.callback_weights = {name: file.read(_CALLBACK + name) for name in callbacks}
    for slot, names in state.items():
        arrays = [file.read(name) for name in names]
        model._network.set_slot(slot, flat(arrays, model.dtype))
    model._network.updates = integer("updates", description.get("updates", 0), 0)
    scalars = description.get("scalars", {})
    model._network.scalars = {
        name: number(name, scalars.get(name, first))
        for name, first in model._network.scalars.items()
    }
    if description.get("table") is not None:
        model.table = tables.from_dict(description["table"])
        _expect_table_fits(model)
    return model


def _state_in(
    file: ModelFile, model: Any, weight_shapes: dict[str, tuple[int, ...]]
) -> dict[str, list[str]]:
    """Return the arrays that the file has of each slot, all of the right shapes."""
    arrays = {}
    for slot in model._slot_names():
        # The first files had SGD's velocity under a shorter name.
        for prefix in (f"state.{slot}.", f"{slot}."):
            if any(name.startswith(prefix) for name in file.shapes):
                arrays[slot] = [prefix + name for name in weight_shapes]
                for name, size in zip(arrays[slot], weight_shapes.values(), strict=True):
                    file.expect(name, size, model.dtype)
    return arrays
