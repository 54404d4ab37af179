"""What the estimators of tables share: arguments, the way through a fit, files."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._specs.names import Explained
from .._tabular import members
from .._tabular.networks import Network
from .._tabular.preset import Preset
from ..ensemble import Ensemble
from ..tables import TableEncoder, Target
from . import _tables, _tabular_file
from ._n_jobs import threads_of


class Tabular(Explained, BaseEstimator):
    """Base of the estimators of tables.

    Below it are those of classes and of numbers, and below these each network's own, which say what
    learns and name its arguments.
    """

    n_members: int
    n_epochs: int
    batch_size: int | str
    hidden_layer_sizes: Any
    learning_rate: float | None
    dropout: float | None
    weight_decay: float | None
    metric: str | None
    validation_fraction: float
    categorical_features: Any
    time_limit: float | None
    random_state: Any
    n_jobs: int | None
    verbose: int

    _network: ClassVar[Network]
    """What learns."""

    _chosen_by: ClassVar[str]
    """The argument that names its preset."""

    _task: ClassVar[str]
    _metrics: ClassVar[dict[str, tuple[str, str | None]]]
    """By the names for people, what is watched, and the metric of `cynn.metrics` that it needs."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_members": [Interval(Integral, 1, 1000, closed="both")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    ensemble_: Ensemble

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Keep the arguments of a constructor as attributes of their names."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    # -- what the networks and the kinds of targets differ in

    def _default_preset(self) -> Preset:
        """Return the preset that was asked for."""
        return self._network.presets[getattr(self, self._chosen_by), self._task]

    def _chosen_preset(self) -> Preset:
        """Return the preset with what the user says otherwise."""
        chosen = self._default_preset()
        own = {
            field.name: getattr(self, field.name)
            for field in fields(chosen)
            if getattr(self, field.name, None) is not None
        }
        if self.hidden_layer_sizes is not None:
            own["hidden"] = tuple(int(units) for units in np.atleast_1d(self.hidden_layer_sizes))
        return replace(chosen, **own)

    def _read_targets(self, y: Any, reset: bool) -> NDArray[Any]:
        """Check targets; return them as the network's loss takes them."""
        raise NotImplementedError

    def _target(self, y: NDArray[Any], name: str) -> Target:
        """Return what the network says, of targets that were checked."""
        raise NotImplementedError

    def _weights(self, y: NDArray[Any], sample_weight: Any) -> NDArray[Any] | None:
        """Return what each row counts."""
        return None if sample_weight is None else np.asarray(sample_weight, np.float64)

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """Return the class of each row, which all parts get their share of."""
        return None

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return checked targets in the units of the network."""
        return y

    def _notes(self) -> dict[str, Any]:
        """Return what a file says of the targets, beside what the table says."""
        return {}

    def _restore(self, notes: Mapping[str, Any], target: Target) -> None:
        """Take from a file what a fit learns of the targets.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the notes are of something else.
        """

    # -- a fit

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Learn from the rows of a table.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            Numbers, strings, bools, dates and missing values. Infinite numbers are an error.
        y : array_like, shape (n,)
            The targets.
        sample_weight : array_like, shape (n,), optional
            What each row counts; those that count 0 are not looked at.
        X_val, y_val : as X and y, optional
            Rows that are not trained on, by which the best epoch is chosen; by default some of X.
        sample_weight_val : array_like, optional
            What each of these counts.

        Returns
        -------
        estimator
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument, or a parameter of the estimator, is not as described.
        FloatingPointError
            If the training diverges. After any error the estimator is as it was before.
        """
        before = dict(self.__dict__)
        try:
            with _tables.told_to_estimators():
                return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        except BaseException:  # Ctrl-C too: what was learned before goes on as it was
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(self, X: Any, y: Any, sample_weight: Any, held_out_rows: tuple[Any, Any, Any]) -> Self:
        deadline = math.inf if self.time_limit is None else time.monotonic() + self.time_limit
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        columns = _tables.columns_to_fit(self, X)
        n = _tables.n_rows(columns)
        targets = self._read_targets(y, reset=True)
        if len(targets) != n:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has {n} rows, y "
                f"{len(targets)}"
            )
        if n < 2:
            raise ValueError(f"X must have at least 2 rows to learn from, got n_samples={n}")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, np.empty((n, 1)), ensure_non_negative=True
            )
        self._check_layers()
        self._preset = self._chosen_preset()
        rng = np.random.default_rng(check_random_state(self.random_state).randint(1 << 31))
        name = free_name("target", columns)
        weights = self._weights(targets, sample_weight)
        counted = np.arange(n) if weights is None else np.flatnonzero(weights)
        if len(counted) < 2:
            raise ValueError(
                "sample_weight must be above 0 in at least 2 rows, as others are not looked at, "
                f"got {len(counted)}"
            )
        self._encoder = TableEncoder.fit(
            columns | {name: targets},
            self._target(targets[counted], name),
            rows=counted,
            categorical=_tables.category_names(X, columns, self.categorical_features),
            recipe=self._preset.recipe,
        )
        _tables.expect_used(self._encoder, columns)
        x = self._encode(columns)
        rows = members.Rows(x, targets, weights)
        if len(counted) < n:
            rows = rows.take(counted)
        held_out = self._held_out(*held_out_rows)
        parts = list(self._parts(rows, held_out, rng))
        self._fit_members(rows, parts, deadline)
        return self

    def _check_layers(self) -> None:
        if self.hidden_layer_sizes is None:  # where a network allows it, its own
            return
        sizes = np.asarray(self.hidden_layer_sizes)
        if sizes.size and (sizes.ndim > 1 or sizes.dtype.kind not in "iu" or (sizes < 1).any()):
            raise ValueError(
                "hidden_layer_sizes must be whole numbers of at least 1, got "
                f"{self.hidden_layer_sizes!r:.100}"
            )

    def _encode(self, columns: _tables.Columns) -> NDArray[np.float32]:
        return self._encoder.encode(columns)

    def _held_out(self, X: Any, y: Any, weight: Any) -> members.Rows | None:
        if X is None and y is None and weight is None:
            return None
        if X is None or y is None:
            raise ValueError("X_val and y_val must be given together, got one without the other")
        names = tuple(column.name for column in self._encoder.columns)
        columns = _tables.columns_to_predict(self, X, names)
        targets = self._read_targets(y, reset=False)
        if weight is not None:
            weight = _check_sample_weight(
                weight, np.empty((len(targets), 1)), ensure_non_negative=True
            )
        rows = members.Rows(self._encode(columns), targets, self._weights(targets, weight))
        if len(rows.x) != len(targets):
            raise ValueError(
                f"X_val and y_val must have the same rows, got {len(rows.x)} and {len(targets)}"
            )
        if not len(targets):
            raise ValueError("X_val must have at least one row, got none")
        return rows

    def _parts(
        self, rows: members.Rows, held_out: members.Rows | None, rng: np.random.Generator
    ) -> Any:
        """Return what each member learns from: folds of the rows, or all where some are given."""
        n, seeds = len(rows.x), members.seeds(self.n_members, rng)
        n_held_out = int(self.validation_fraction * n + 0.5)
        if held_out is not None or self.validation_fraction == 0 or n_held_out == 0:
            return (members.Part(rows, held_out, seed) for seed in seeds)
        strata = self._strata(rows.y)
        if self.n_members > n:
            raise ValueError(
                f"n_members must be at most the number of rows, {n}, got {self.n_members}"
            )
        if n_held_out == n:
            raise ValueError(
                f"validation_fraction must leave a row to train on, got {self.validation_fraction} "
                f"of {n} rows"
            )
        if self.n_members == 1:
            cuts = [members.cut(n, n_held_out, strata, rng)]
        else:
            cuts = list(members.folds(n, self.n_members, strata, rng))
        return (
            members.Part(rows.take(training), rows.take(validation), seed)
            for (training, validation), seed in zip(cuts, seeds, strict=True)
        )

    def _fit_members(self, rows: members.Rows, parts: list[members.Part], deadline: float) -> None:
        watched, metric = self._metrics[self.metric or next(iter(self._metrics))]
        plan = members.Plan(
            epochs=self._preset.n_epochs,
            batch_size=self._preset.batch_of(len(parts[0].training.x)),
            monitor=watched,
            threads=threads_of(self.n_jobs),
            patience=self._preset.patience,
            deadline=deadline,
            verbose=int(self.verbose),
        )
        metrics = [] if metric is None else [metric]
        self._choose_scale(rows, parts, plan, metrics)
        parts = [self._part_in_units(part) for part in parts]
        make = self._maker(rows.x, metrics)
        if deadline < math.inf:
            left = deadline - time.monotonic()
            plan = plan._replace(epochs=members.epochs_within(make, parts, plan, left))
        trained = members.train(make, parts, plan)
        self.best_epochs_ = [each.best_epoch for each in trained]
        self.histories_ = [each.history for each in trained]
        self.n_epochs_ = plan.epochs
        self.ensemble_ = Ensemble(each.model for each in trained)

    def _choose_scale(
        self,
        rows: members.Rows,
        parts: list[members.Part],
        plan: members.Plan,
        metrics: list[str],
    ) -> None:
        """Decide on what scale the target is learned; of classes there is none."""

    def _part_in_units(self, part: members.Part) -> members.Part:
        """Return what a member learns from with its targets in the units of the network."""
        training, validation = part.training, part.validation
        if validation is not None:
            validation = validation._replace(y=self._encoded(validation.y))
        training = training._replace(y=self._encoded(training.y))
        return part._replace(training=training, validation=validation)

    def _maker(self, x: NDArray[Any], metrics: list[str]) -> Any:
        """Return what makes a member of a seed."""
        return self._preset.maker(self._encoder, x, metrics)

    # -- use

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return the mean of what the members say of each row."""
        check_is_fitted(self)
        names = tuple(column.name for column in self._encoder.columns)
        columns = _tables.columns_to_predict(self, X, names)
        _tables.n_rows(columns)
        with _tables.told_to_estimators():
            x = self._encode(columns)
        return self.ensemble_.predict(x)

    # -- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the estimator to a safetensors file: members, columns, labels; without pickle.

        Parameters
        ----------
        path : path-like
            Where to. What was there is replaced when the new file is whole.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If the labels are such as a file cannot carry.
        OSError
            If the file cannot be written; what was there before is still there.
        """
        check_is_fitted(self)
        Ensemble(self.ensemble_.members, _tabular_file.notes_of(self)).save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read an estimator that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        estimator
            It predicts as the saved one does. A `random_state` that was a generator is None, and
            there is no `histories_`.

        Raises
        ------
        cynn.storage.ModelFileError
            A ValueError: the file is not a whole one of this class.
        OSError
            If it cannot be read.
        """
        estimator = cls()
        _tabular_file.restore(estimator, Ensemble.load(path), path)
        return estimator

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there are members: a first fit that was refused leaves none."""
        return "ensemble_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        """Say that values may be missing, and columns strings or categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def free_name(name: str, taken: Any, more: str = "_") -> str:
    """Return a name that is not taken: with so much more behind it as that needs."""
    while name in taken:
        name += more
    return name
