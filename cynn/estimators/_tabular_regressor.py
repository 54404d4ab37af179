"""What the estimators of tables for numbers share."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .._specs.validation import number
from .._tabular import members, scales
from ..model import Model
from ..tables import Quantity, Target
from ..tables._numbers import first_non_number
from ..tables._values import numbers
from ._tabular import Tabular

FAR = 1e18
"""Standard deviations from the mean whose squares float32 still holds."""


class TabularRegressor(RegressorMixin, Tabular):
    """Base of the estimators of tables for numbers."""

    loss: str
    quantiles: Any
    target_scale: str

    target_scale_: str

    _task = "regression"
    _metrics: ClassVar[dict[str, tuple[str, str | None]]] = {
        "rmse": ("val_loss", None),
        "mae": ("val_mae", "mae"),
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Tabular._parameter_constraints,
        "loss": [StrOptions({"squared_error", "quantile"})],
        "quantiles": ["array-like"],
        "metric": [StrOptions(set(_metrics)), None],
        "target_scale": [StrOptions({"auto", "linear", "log"})],
    }

    def _read_targets(self, y: Any, reset: bool) -> NDArray[Any]:
        given = column_or_1d(y, warn=True)
        values = numbers(given)
        if values is None:
            raise ValueError(f"y must hold numbers, got {first_non_number(given, remedied=False)}")
        if not np.isfinite(values).all():
            row = int(np.isfinite(values).argmin())
            raise ValueError(
                "Input y contains NaN or infinity: y must hold finite numbers, got "
                f"{values[row]} in row {row + 1}"
            )
        return values

    def _target(self, y: NDArray[Any], name: str) -> Target:
        quantiles = self.quantiles if self.loss == "quantile" else None
        if quantiles is not None and self.metric is not None:
            raise ValueError(
                "metric must be None for loss='quantile', whose own loss decides the best epoch, "
                f"got {self.metric!r}"
            )
        scale = "linear"
        if self.target_scale == "log":
            scale = scales.log_scale(y)
            if scale == "linear":
                raise ValueError(
                    "y must hold numbers of at least 0 for target_scale='log', got "
                    f"{y.min()}: leave it at 'auto'"
                )
        return scales.within(Quantity(name, 0.0, 1.0, quantiles=quantiles), y, scale)

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        encoded = self._encoder.target.encode(y)
        far = np.abs(encoded) > FAR
        if far.any():
            row = int(far.argmax())
            raise ValueError(
                f"y_val must hold numbers near those of y, got {y[row]} in row {row + 1}"
            )
        return encoded.astype(np.float32)

    def _restore(self, notes: Mapping[str, Any], target: Target) -> None:
        if not isinstance(target, Quantity):
            raise ValueError("its target is no quantity")
        self.target_scale_ = target.scale

    def _choose_scale(
        self,
        rows: members.Rows,
        parts: list[members.Part],
        plan: members.Plan,
        metrics: list[str],
    ) -> None:
        trial = plan._replace(epochs=max(1, plan.epochs // scales.TRIAL), verbose=0)

        def train(target: Quantity) -> Model:
            self._retarget(target)
            part = self._part_in_units(parts[0])
            return members.train(self._maker(rows.x, metrics), [part], trial)[0].model

        target = self._encoder.target
        assert isinstance(target, Quantity)
        if self.target_scale == "auto":
            of_squares = self.metric != "mae"
            target = scales.chosen(target, rows.y, parts[0], train, of_squares)
        self._retarget(target)
        self.target_scale_ = target.scale
        if self.verbose:
            print(f"target: learned on a {self.target_scale_} scale")

    def _retarget(self, target: Target) -> None:
        self._encoder = scales.retargeted(self._encoder, target)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the number of each row: of quantiles the one nearest to 0.5.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            The rows; the columns of a frame are found by name, in any order. A category that was
            not in the training set counts as a missing one.

        Returns
        -------
        ndarray of float64, shape (n,)
            Within the range of the targets that were trained on.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If `X` lacks a column, or one holds what it cannot.
        """
        return self._quantity().middle(self._outputs(X))

    def predict_quantiles(self, X: Any) -> NDArray[np.float64]:
        """Return the quantiles of each row.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            The rows; see `predict`.

        Returns
        -------
        ndarray of float64, shape (n, n_quantiles)
            In the order of `quantiles`, none above the next; within the range of the targets that
            were trained on.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If `X` lacks a column, or one holds what it cannot; or if the estimator was not fitted
            with ``loss="quantile"``.
        """
        known = self._known_quantiles("predict_quantiles")
        outputs = self._outputs(X)
        return self._quantity().decode(outputs).reshape(len(outputs), len(known))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> NDArray[np.float64]:
        """Return between which numbers the target of each row lies, with some probability.

        Parameters
        ----------
        X : data frame, mapping of str to array_like, or array_like, shape (n, n_features)
            The rows; see `predict`.
        coverage : float, default 0.9
            The probability: as much is left out below as above. The two quantiles,
            ``(1 - coverage) / 2`` and ``(1 + coverage) / 2``, must be among `quantiles`.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            The lower and the upper end.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If `X` is not as described, or there are no such quantiles.
        """
        known = self._known_quantiles("predict_interval")
        coverage = number("coverage", coverage, "a number between 0 and 1", lambda c: 0 < c < 1)
        ends = np.array([(1 - coverage) / 2, (1 + coverage) / 2])
        apart = np.abs(np.subtract.outer(ends, known))
        if apart.min(axis=1).max() > 1e-9:
            raise ValueError(
                f"coverage must have both ends, {ends[0]:.6g} and {ends[1]:.6g}, among the "
                f"quantiles {known}, got {coverage}: fit with them in quantiles"
            )
        return self.predict_quantiles(X)[:, apart.argmin(axis=1)]

    def _quantity(self) -> Quantity:
        check_is_fitted(self)
        target = self._encoder.target
        assert isinstance(target, Quantity)
        return target

    def _known_quantiles(self, method: str) -> tuple[float, ...]:
        known = self._quantity().quantiles
        if known is None:
            raise ValueError(
                f"{method} must follow a fit with loss='quantile', got loss={self.loss!r}"
            )
        return known
