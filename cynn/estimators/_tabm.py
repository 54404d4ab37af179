"""TabM for classes and for numbers."""

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from .._tabular.networks import NETWORKS
from .._tabular.preset import Preset
from .._tabular.tabm import AUTO, PIECEWISE, TabM
from ._docs import documented
from ._tabular import Tabular
from ._tabular_classifier import TabularClassifier
from ._tabular_regressor import TabularRegressor

NETWORK = NETWORKS["tabm"]

CONSTRAINTS: dict[str, list[Any]] = {
    "variant": [StrOptions({name for name, _ in NETWORK.presets})],
    "k": [Interval(Integral, 1, 1000, closed="both")],
    "num_embeddings": [StrOptions({PIECEWISE}), None],
    "batch_size": [StrOptions({AUTO}), *Tabular._parameter_constraints["batch_size"]],
    "patience": [Interval(Integral, 0, None, closed="left")],
    "hidden_layer_sizes": [*Tabular._parameter_constraints["hidden_layer_sizes"], None],
}


class _TabM(Tabular):
    """What the two share beside `Tabular`."""

    num_embeddings: str | None

    _network, _chosen_by = NETWORK, "variant"

    def _default_preset(self) -> Preset:
        preset = super()._default_preset()
        assert isinstance(preset, TabM)
        return preset if self.num_embeddings is not None else preset.without_embeddings()


@documented
class TabMClassifier(_TabM, TabularClassifier):
    """TabM for classes: many networks in one, whose mean is better than one at tables.

    Parameters
    ----------
    {tabm}
    {tabular_classes}
    {tabular_rest}

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    {tabular_learned}

    See Also
    --------
    TabMRegressor : The same for numbers.
    RealMLPClassifier : One network, many times as fast.

    References
    ----------
    Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with
    parameter-efficient ensembling, ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> colour = rng.choice(["red", "green"], 300)
    >>> size = rng.normal(size=300)
    >>> X = {"colour": colour, "size": size}
    >>> y = np.where((colour == "red") & (size > 0), "take", "leave")
    >>> small = {"k": 8, "hidden_layer_sizes": (32, 32), "learning_rate": 0.01}
    >>> clf = TabMClassifier(n_epochs=64, random_state=0, **small).fit(X, y)
    >>> clf.predict({"colour": ["red", "green"], "size": [1.5, 1.5]})
    array(['take', 'leave'], dtype='<U5')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TabularClassifier._parameter_constraints,
        **CONSTRAINTS,
    }

    def __init__(
        self,
        variant: str = "tabm",
        *,
        n_members: int = 1,
        k: int = 32,
        num_embeddings: str | None = PIECEWISE,
        n_epochs: int = 256,
        patience: int = 16,
        batch_size: int | str = AUTO,
        hidden_layer_sizes: Any = None,
        learning_rate: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        metric: str | None = None,
        class_weight: Any = None,
        validation_fraction: float = 0.2,
        categorical_features: Any = "from_dtype",
        time_limit: float | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self._keep(locals())


@documented
class TabMRegressor(_TabM, TabularRegressor):
    """TabM for numbers: many networks in one, whose mean is better than one at tables.

    Parameters
    ----------
    {tabm}
    {tabular_numbers}
    {tabular_rest}

    Attributes
    ----------
    {tabular_scale}
    {tabular_learned}

    See Also
    --------
    TabMClassifier : The same for classes, where the source is named.
    RealMLPRegressor : One network, many times as fast.

    Notes
    -----
    No prediction lies outside of the range of the targets that were trained on. Of several members
    each quantile is the mean of theirs. The intervals between quantiles are not calibrated: of new
    rows, somewhat fewer may lie between them than of those that were trained on.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(400, 2))
    >>> y = 10 * X[:, 0] ** 2 + X[:, 1]
    >>> small = {"k": 8, "hidden_layer_sizes": (32, 32), "learning_rate": 0.01}
    >>> reg = TabMRegressor(n_epochs=64, random_state=0, **small).fit(X, y)
    >>> reg.score(X, y) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TabularRegressor._parameter_constraints,
        **CONSTRAINTS,
    }

    def __init__(
        self,
        variant: str = "tabm",
        *,
        n_members: int = 1,
        k: int = 32,
        num_embeddings: str | None = PIECEWISE,
        n_epochs: int = 256,
        patience: int = 16,
        batch_size: int | str = AUTO,
        hidden_layer_sizes: Any = None,
        learning_rate: float | None = None,
        dropout: float | None = None,
        weight_decay: float | None = None,
        loss: str = "squared_error",
        quantiles: Any = (0.05, 0.5, 0.95),
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
