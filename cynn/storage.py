"""Model files: safetensors with a description of the model in their metadata, and no pickle.

The metadata holds ``format`` ("cynn"), ``version`` ("1") and ``model``, a JSON object: the layers
and what the model was compiled with; under ``table``, where there is one, how the rows of a table
become its inputs. The arrays are ``layer0.weight``, ``layer0.bias`` and so on, the optimizer's
state ``state.velocity.layer0.weight``, by slot; the optimizer's scalars, where it has any, stand in
the object under ``scalars``. A file is written beside its name and renamed when
it is whole, so that a full disk or a killed process leaves what was there before.
"""

import contextlib
import itertools
import json
import math
import os
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import layers, losses, optimizers
from ._model.description import CALLBACK, Contents, Description, description_of, read_description
from ._runtime import safetensors_files
from ._runtime.access import shared
from ._runtime.caller import warn
from ._runtime.safetensors_files import ArrayFile, parsed_json
from ._specs.spec import Spec

FORMAT = "cynn"
VERSION = "1"
PIECE = 1 << 20  # numbers that are read at a time
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
    shapes = {name: array.shape for name, array in tensors.items()}
    dtypes = {name: array.dtype for name, array in tensors.items()}
    safetensors_files.write(path, _beginning(_text_of(model), shapes, dtypes), tensors.values())


def _text_of(description: Mapping[str, Any]) -> str:
    """Return a description as JSON, the same for equal ones; a ValueError says that it is long."""
    text = json.dumps(description, allow_nan=False, sort_keys=True)
    if len(text) > LARGEST_DESCRIPTION:
        raise ValueError(
            f"layers must have a description of at most {LARGEST_DESCRIPTION} characters, got "
            f"{len(text)}"
        )
    return text


def _beginning(
    text: str, shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, np.dtype[Any]]
) -> bytes:
    metadata = {"format": FORMAT, "version": VERSION, "model": text}
    return safetensors_files.header(metadata, shapes, dtypes)


class ModelFile(Contents):
    """An open model file: its description, and its arrays one by one.

    Parameters
    ----------
    path : str
        Its name, for messages.
    file : ArrayFile
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

    def __init__(self, path: str, file: ArrayFile) -> None:
        super().__init__({}, file.shapes)
        self._path, self._file = path, file
        metadata = file.metadata
        if metadata.get("format") != FORMAT:
            self.refuse("it was not written by cynn")
        if metadata.get("version") != VERSION:
            self.refuse(
                f"its version must be {VERSION!r} for this cynn, got "
                f"{reprlib.repr(metadata.get('version'))}: upgrade cynn"
            )
        self.expect_known("metadata", metadata, {"format", "version", "model"})
        text = metadata.get("model", "")
        if len(text) > LARGEST_DESCRIPTION:
            self.refuse(
                f"its description must have at most {LARGEST_DESCRIPTION} characters, got "
                f"{len(text)}"
            )
        try:
            self.model = parsed_json("its description", text)
        except ValueError as error:
            self.refuse(str(error))

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

    def read_into(self, name: str, out: NDArray[Any], first: int = 0) -> None:
        """Read numbers of an array, as many as `out` has.

        Parameters
        ----------
        name : str
            The name of the array, a key of `shapes`.
        out : ndarray, shape (n,)
            Written; contiguous, of the array's type.
        first : int, default 0
            The number in the array, in C order, to begin with.

        Raises
        ------
        ModelFileError
            If the file has been cut short since it was opened.
        """
        try:
            self._file.read_into(name, out, first)
        except ValueError as error:
            self.refuse(str(error))

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

        Raises
        ------
        ModelFileError
            If the file has been cut short since it was opened.
        """
        size, kind = self.shapes[name]
        array: NDArray[Any] = np.empty(size, safetensors_files.TYPES[kind])
        self.read_into(name, array.reshape(-1))
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
    name = os.fsdecode(path)
    with contextlib.ExitStack() as stack:
        try:
            arrays = ArrayFile(stack.enter_context(safetensors_files.reading(name)))
        except ValueError as error:
            raise ModelFileError(f"{name} is not a cynn model: {error}") from error
        yield ModelFile(name, arrays)


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
    safetensors_files.expect_name(path)
    _save(model, path)


@shared
def _save(model: Any, path: str | os.PathLike[str]) -> None:
    input_shape = model._built_shape()
    expect_carried(model)
    optimizer, loss = model.optimizer, model.loss
    if not (_carried(optimizer, optimizers.from_dict) and _carried(loss, losses.from_dict)):
        warn(
            f"{path}: loss, optimizer and schedule must be cynn's own to be saved, got "
            f"{optimizer!r} and {loss!r}: they are left out, call compile after load"
        )
        optimizer = loss = None
    network = model._network
    slots = [] if optimizer is None else _slots_in_use(network, model.dtype)
    weight_shapes = layers.weight_shapes(model.layers, input_shape)
    callbacks = sorted(model.callback_weights)
    shapes = weight_shapes | layers.state_shapes(model.layers, input_shape)
    shapes |= {
        f"state.{slot}.{name}": weight_shapes[name] for slot in slots for name in weight_shapes
    }
    shapes |= {CALLBACK + name: np.shape(model.callback_weights[name]) for name in callbacks}
    text = _text_of(description_of(model, optimizer, loss))
    dtypes = dict.fromkeys(shapes, model.dtype)
    beginning = _beginning(text, shapes, dtypes)
    # What `load` would refuse is not written: the half of it that takes no memory is asked first.
    kind = {"float32": "F32", "float64": "F64"}[model.dtype.name]
    contents = Contents(json.loads(text), {name: (size, kind) for name, size in shapes.items()})
    read_description(contents, model._bare)
    arrays = (np.asarray(model.callback_weights[name], model.dtype) for name in callbacks)
    numbers = _numbers_of(network, slots, model.dtype)
    safetensors_files.write(path, beginning, itertools.chain(numbers, arrays))


def expect_carried(model: Any) -> None:
    """Raise an error where a model has a layer that a file cannot carry.

    Parameters
    ----------
    model : Model
        The model.

    Raises
    ------
    ValueError
        If a layer is not one of cynn's own, or holds a function.

    Examples
    --------
    >>> from cynn import Model
    >>> expect_carried(Model([layers.Dense(2)]))
    """
    for i, layer in enumerate(model.layers):
        if not _carried(layer, layers.from_dict):
            raise ValueError(
                f"layers[{i}] must be one of cynn's own layers, without user-defined functions, to "
                f"be saved, got {layer!r}: save get_weights(), and set them in a model made anew"
            )


def _slots_in_use(network: Any, dtype: np.dtype[Any]) -> list[str]:
    """Return the names of the optimizer's slots that are not all zeros."""
    numbers = np.empty(network.n_params, dtype)
    slots = []
    for slot in network.slot_names:
        network.get_slot(slot, numbers)
        if numbers.any():
            slots.append(slot)
    return slots


def _numbers_of(network: Any, slots: Iterable[str], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """Yield the weights, the running statistics and the slots, in memory for the weights alone."""
    numbers = np.empty(network.n_params, dtype)
    network.get_params(numbers)
    yield numbers
    state = np.empty(network.n_state, dtype)
    network.get_state(state)
    yield state
    for slot in slots:
        network.get_slot(slot, numbers)
        yield numbers


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
        if "members" in file.model:
            file.refuse("it holds several: read it with cynn.ensemble.Ensemble.load")
        with described(file):
            read = read_description(file, make)
            fill(read, file)
    return read.model


@contextlib.contextmanager
def described(file: Contents) -> Iterator[None]:
    """Refuse the file where anything that its description says is wrong.

    Parameters
    ----------
    file : Contents
        The file that is read.

    Yields
    ------
    None

    Raises
    ------
    ModelFileError
        In place of the error inside.

    Examples
    --------
    >>> with reading(path) as file, described(file):  # doctest: +SKIP
    ...     read = read_description(file, Model._bare)
    """
    try:
        yield
    except ModelFileError:
        raise
    except MemoryError:
        file.refuse("its weights need more memory than there is")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        file.refuse(f"{type(error).__name__} in its description: {error}")


def fill(read: Description, file: Any) -> None:
    """Read the arrays of a file into the model of its description.

    Parameters
    ----------
    read : Description
        The model, which has no network yet.
    file : ModelFile
        The open file.

    Examples
    --------
    >>> fill(read, file)  # doctest: +SKIP
    """
    model = read.model
    model._take_network(read.input_shape)
    network = model._network
    # In pieces, so that a model that fills half of the memory can be loaded.
    piece = np.empty(min(network.n_params, PIECE), model.dtype)
    _read_parts(file, read.weights, piece, network, None)
    for slot, names in read.slots.items():
        _read_parts(file, names, piece, network, slot)
    model.set_state([file.read(name) for name in read.state])
    model.callback_weights = {name: file.read(CALLBACK + name) for name in read.callbacks}
    network.updates, network.scalars = read.updates, read.scalars


def _read_parts(
    file: Any, names: Iterable[str], piece: NDArray[Any], network: Any, slot: str | None
) -> None:
    """Read arrays one after the other into the network's parameters, or into a slot."""
    start = filled = 0
    for name in names:
        size, first = math.prod(file.shapes[name][0]), 0
        while first < size:
            count = min(size - first, len(piece) - filled)
            file.read_into(name, piece[filled : filled + count], first)
            first, filled = first + count, filled + count
            if filled == len(piece):
                network.set_part(slot, start, piece)
                start, filled = start + filled, 0
    network.set_part(slot, start, piece[:filled])
