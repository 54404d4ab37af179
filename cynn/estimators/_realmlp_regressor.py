"""RealMLP for numbers."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions

from .._realmlp import members, scales
from ..model import Model
from ..tables import Quantity, Target
from ..tables._numbers import first_non_number
from ..tables._values import numbers
from ._docs import documented
from ._realmlp import BaseRealMLP

FAR = 1e18
"""Standard deviations from the mean whose squares float32 still holds."""


@documented
class RealMLPRegressor(RegressorMixin, BaseRealMLP):
    """RealMLP for numbers: tuned defaults with which a dense network is at its best on tables.

    Parameters
    ----------
    {realmlp}
    metric : {"rmse", "mae"}, default "rmse"
        What decides the best epoch.
    target_scale : {"auto", "linear", "log"}, default "auto"
        Whether the network learns the logarithm of the targets, which must be above 0, or above -1
        where some are 0: of those plus 1. "auto": where they are skewed and a short training says,
        by the rows held out, that it helps; `target_scale_` tells what was chosen.
    {realmlp_rest}

    Attributes
    ----------
    target_scale_ : {"linear", "log", "log1p"}
        On what scale the targets were learned.
    {realmlp_learned}

    See Also
    --------
    RealMLPClassifier : The same for classes, where the source is named.
    MLPRegressor : A network as scikit-learn has it.

    Notes
    -----
    No prediction lies outside of the range of the targets that were trained on.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 2))
    >>> y = 10 * X[:, 0] ** 2 + X[:, 1]
    >>> reg = RealMLPRegressor(n_epochs=64, random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.95
    True
    """

    _task = "regression"
    _metrics: ClassVar[dict[str, tuple[str, str | None]]] = {
        "rmse": ("val_loss", None),
        "mae": ("val_mae", "mae"),
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseRealMLP._parameter_constraints,
        "metric": [StrOptions(set(_metrics)), None],
        "target_scale": [StrOptions({"auto", "linear", "log"})],
    }

    def __init__(
        self,
        preset: str = "td",
        *,
        n_members: int = 1,
        n_epochs: int = 256,
        batch_size: int = 256,
        hidden_layer_sizes: Any = (256, 256, 256),
        learning_rate: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        metric: str | None = None,
        target_scale: str = "auto",
        validation_fraction: float = 0.2,
        categorical_features: Any = "from_dtype",
        time_limit: float | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self._keep(locals())

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
        scale = "linear"
        if self.target_scale == "log":
            scale = scales.log_scale(y)
            if scale == "linear":
                raise ValueError(
                    "y must hold numbers of at least 0 for target_scale='log', got "
                    f"{y.min()}: leave it at 'auto'"
                )
        return scales.within(Quantity(name, 0.0, 1.0), y, scale)

    def _encoded(self, y: NDArray[Any]) -> NDArray[Any]:
        encoded = self._encoder.target.encode(y)
        far = np.abs(encoded) > FAR
        if far.any():
            row = int(far.argmax())
            raise ValueError(
                f"y_val must hold numbers near those of y, got {y[row]} in row {row + 1}"
            )
        return encoded.astype(np.float32)

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
        """Return the number of each row: the mean of the members'.

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
        outputs = self._outputs(X)
        return np.asarray(self._encoder.target.decode(outputs), np.float64).reshape(len(outputs))
