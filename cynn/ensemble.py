"""Several models whose predictions are averaged, as one, in one file."""

from __future__ import annotations  # as in `cynn.model`

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import layers, storage
from ._model import summary
from ._model.description import Contents, description_of, read_description
from ._runtime import safetensors_files
from ._specs.validation import shown
from .model import Model
from .tables import TableEncoder

MOST_MEMBERS = 1000
"""The most models of an ensemble."""


class Ensemble:
    """Models that take the same rows and whose predictions are averaged.

    Parameters
    ----------
    members : iterable of Model
        Built models of one dtype that take rows of the same shape, give as many numbers, and have
        the same table or none.
    notes : mapping, optional
        What else the file is to say, plain JSON: of what the ensemble is part, say.

    Attributes
    ----------
    members : tuple of Model
        The models.
    notes : dict
        The notes.
    table : TableEncoder or None
        That of the models.
    dtype : dtype
        What they compute in.
    input_shape : tuple of int
        The shape of a row.

    Raises
    ------
    TypeError, ValueError
        If there is no model, or they do not go together.
    RuntimeError
        If one has no weights yet.

    See Also
    --------
    cynn.estimators.RealMLPClassifier : Trains its members on different folds.

    References
    ----------
    Hansen and Salamon, Neural network ensembles, IEEE Transactions on Pattern Analysis and Machine
    Intelligence 12, 1990.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> models = [Model([Dense(2, "softmax")], seed=seed) for seed in range(3)]
    >>> for model in models:
    ...     model.build(4)
    >>> x = np.ones((5, 4), np.float32)
    >>> mean = np.mean([model.predict(x) for model in models], axis=0)
    >>> np.allclose(Ensemble(models).predict(x), mean)
    True
    """

    def __init__(self, members: Iterable[Model], notes: Mapping[str, Any] | None = None) -> None:
        models = list(members)
        if not models:
            raise ValueError("members must be one model at least, got none")
        if len(models) > MOST_MEMBERS:
            raise ValueError(f"members must be at most {MOST_MEMBERS} models, got {len(models)}")
        for i, model in enumerate(models):
            if not isinstance(model, Model):
                raise TypeError(f"members[{i}] must be a Model, got {shown(model)}")
        first = _form_of(models[0])
        for i, model in enumerate(models):
            for name, form in _form_of(model).items():
                if form != first[name]:
                    raise ValueError(
                        f"members[{i}] must have the {name} {first[name]!r:.100} of the first, got "
                        f"{form!r:.100}"
                    )
        if not isinstance(notes, Mapping | None):
            raise TypeError(f"notes must be a mapping, got {shown(notes)}")
        self.members = tuple(models)
        self.notes = {} if notes is None else dict(notes)
        self.input_shape: tuple[int, ...] = first["input shape"]

    @property
    def table(self) -> TableEncoder | None:
        """How the rows of a table become those of the models; None if they are of none."""
        return self.members[0].table

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the models compute in."""
        return self.members[0].dtype

    def predict(self, x: ArrayLike, batch_size: int | None = None) -> NDArray[Any]:
        """Return the mean of what the models predict.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            The rows.
        batch_size : int, optional
            See `cynn.Model.predict`.

        Returns
        -------
        ndarray, shape (n, n_outputs)
            Of the models' dtype; the same bits in any order of the models, at any number of
            threads.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold rows of numbers of the right shape.
        """
        outputs = [model.predict(x, batch_size) for model in self.members]
        if len(outputs) == 1:
            return outputs[0]
        # Sorted, a sum does not depend on the order of the members.
        stacked = np.sort(np.stack(outputs).astype(np.float64), axis=0)
        mean: NDArray[Any] = stacked.mean(axis=0).astype(self.dtype)
        return mean

    def summary(self) -> None:
        """Print a table of the layers, those of the first model, and how many models there are.

        Examples
        --------
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(2, "softmax")], seed=0)
        >>> model.build(4)
        >>> Ensemble([model, model]).summary()
        layer                output  parameters
        -------------------  ------  ----------
        Dense(2, 'softmax')  (2,)            10
        -------------------  ------  ----------
        total                                10
        2 such models, whose mean is the prediction
        """
        print(self._summary())

    def _summary(self) -> str:
        first = self.members[0]
        table = summary.table(first.layers, first.input_shape)
        if len(self.members) == 1:
            return table
        such = all(model.layers == first.layers for model in self.members)
        which = "such models" if such else "models, of which that is the first"
        return f"{table}\n{len(self.members)} {which}, whose mean is the prediction"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all models into one safetensors file, without what training needs.

        Parameters
        ----------
        path : path-like
            Where to. What was there is replaced when the new file is whole.

        Raises
        ------
        TypeError, ValueError
            If a model has a layer that a file cannot carry, or the notes are no JSON.
        OSError
            If the file cannot be written; what was there before is still there.

        Examples
        --------
        >>> import tempfile
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(2, "softmax")], seed=0)
        >>> model.build(4)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "both.safetensors")
        ...     Ensemble([model, model]).save(path)
        ...     len(Ensemble.load(path).members)
        2
        """
        safetensors_files.expect_name(path)
        descriptions = []
        tensors: dict[str, NDArray[Any]] = {}
        for i, model in enumerate(self.members):
            storage.expect_carried(model)
            descriptions.append(description_of(model, None, None))
            names = layers.weight_shapes(model.layers, self.input_shape)
            arrays = dict(zip(names, model.get_weights(), strict=True))
            states = layers.state_shapes(model.layers, self.input_shape)
            arrays |= dict(zip(states, model.get_state(), strict=True))
            tensors |= {f"{_prefix(i)}{name}": array for name, array in arrays.items()}
        for description in descriptions[1:]:  # said once
            description.pop("table", None)
        notes = {"notes": self.notes} if self.notes else {}
        storage.write(path, {"members": descriptions, **notes}, tensors)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ensemble:
        """Read an ensemble from a file that `save` wrote; a model's file gives one of one member.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        Ensemble
            It predicts as the saved one would.

        Raises
        ------
        cynn.storage.ModelFileError
            A ValueError: the file is not a whole cynn model.
        OSError
            If it cannot be read.
        """
        with storage.reading(path) as file:
            if "members" in file.model:
                return cls(_members_of(file), file.model.get("notes"))
        return cls([Model.load(path)])

    def __repr__(self) -> str:
        """Say how many models there are, and what the first is."""
        return f"<Ensemble of {len(self.members)}, the first {self.members[0]!r:.200}>"


def models_of(value: object) -> tuple[Model, ...]:
    """Return the models of an ensemble, or of an estimator that has one; a model itself.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    tuple of Model
        None of what is something else, as of an estimator that was not fitted.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(2)])
    >>> models_of(model) == (model,), models_of("model")
    (True, ())
    """
    if isinstance(value, Model):
        return (value,)
    ensemble = getattr(value, "ensemble_", value)
    return ensemble.members if isinstance(ensemble, Ensemble) else ()


def _form_of(model: Model) -> dict[str, Any]:
    """Return what the models of an ensemble have in common."""
    return {
        "input shape": model._built_shape(),
        "number of outputs": model._network.n_outputs,
        "dtype": model.dtype.name,
        "table": model.table,
    }


def _prefix(i: int) -> str:
    return f"member{i}."


class _Part(Contents):
    """What a file says of one of its models."""

    def __init__(self, file: storage.ModelFile, i: int, model: dict[str, Any]) -> None:
        prefix = self._prefix = _prefix(i)
        self._file = file
        super().__init__(
            model,
            {
                name.removeprefix(prefix): shape
                for name, shape in file.shapes.items()
                if name.startswith(prefix)
            },
        )
        self.refuse = file.refuse  # type: ignore[method-assign]

    def read_into(self, name: str, out: NDArray[Any], first: int = 0) -> None:
        """Read numbers of an array; see `cynn.storage.ModelFile.read_into`."""
        self._file.read_into(self._prefix + name, out, first)

    def read(self, name: str) -> NDArray[Any]:
        """Read an array; see `cynn.storage.ModelFile.read`."""
        return self._file.read(self._prefix + name)


def _members_of(file: storage.ModelFile) -> list[Model]:
    """Read all models of a file; what all of them are is checked before memory is taken."""
    file.expect_known("description", file.model, {"members", "notes"})
    if not isinstance(file.model.get("notes", {}), dict):
        file.refuse("its notes must be an object")
    descriptions = file.model["members"]
    if not isinstance(descriptions, list) or not all(isinstance(d, dict) for d in descriptions):
        file.refuse("its members must be a list of descriptions")
    if not descriptions:
        file.refuse("its members must be one at least")
    with storage.described(file):
        if len(descriptions) > MOST_MEMBERS:
            file.refuse(f"it must have at most {MOST_MEMBERS} members, got {len(descriptions)}")
        table = {"table": descriptions[0]["table"]} if "table" in descriptions[0] else {}
        parts = [_Part(file, i, description | table) for i, description in enumerate(descriptions)]
        known = {name for i, part in enumerate(parts) for name in _names(i, part)}
        file.expect_known("arrays", file.shapes, known)
        read = [read_description(part, Model._bare) for part in parts]
        for each, part in zip(read, parts, strict=True):
            storage.fill(each, part)
    return [each.model for each in read]


def _names(i: int, part: _Part) -> list[str]:
    return [_prefix(i) + name for name in part.shapes]
