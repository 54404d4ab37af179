"""RealMLP for classes and for numbers."""

from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from .._tabular.networks import NETWORKS
from .._tabular.preset import Preset
from ._docs import documented
from ._tabular_classifier import TabularClassifier
from ._tabular_regressor import TabularRegressor

NETWORK = NETWORKS["realmlp"]

NAMES = [StrOptions({name for name, _ in NETWORK.presets})]


@documented
class RealMLPClassifier(TabularClassifier):
    """RealMLP for classes: tuned defaults with which a dense network is at its best on tables.

    Parameters
    ----------
    {realmlp}
    label_smoothing : float, optional
        How much of each class is divided among all; by default 0.1, and 0 where `metric` looks at
        probabilities.
    {tabular_classes}
    {tabular_rest}

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    {tabular_learned}

    See Also
    --------
    RealMLPRegressor : The same for numbers.
    MLPClassifier : A network as scikit-learn has it.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees
    on tabular data, NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> colour = rng.choice(["red", "green"], 300)
    >>> size = rng.normal(size=300)
    >>> X = {"colour": colour, "size": size}
    >>> y = np.where((colour == "red") & (size > 0), "take", "leave")
    >>> clf = RealMLPClassifier(n_epochs=32, random_state=0).fit(X, y)
    >>> clf.predict({"colour": ["red", "green"], "size": [1.5, 1.5]})
    array(['take', 'leave'], dtype='<U5')
    """

    _network, _chosen_by = NETWORK, "preset"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TabularClassifier._parameter_constraints,
        "preset": NAMES,
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), None],
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
        label_smoothing: float | None = None,
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

    def _chosen_preset(self) -> Preset:
        preset = super()._chosen_preset()
        if self.label_smoothing is None and self.metric in ("log_loss", "auc"):
            return replace(preset, label_smoothing=0.0)
        return preset


@documented
class RealMLPRegressor(TabularRegressor):
    """RealMLP for numbers: tuned defaults with which a dense network is at its best on tables.

    Parameters
    ----------
    {realmlp}
    {tabular_numbers}
    {tabular_rest}

    Attributes
    ----------
    {tabular_scale}
    {tabular_learned}

    See Also
    --------
    RealMLPClassifier : The same for classes, where the source is named.
    MLPRegressor : A network as scikit-learn has it.

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
    >>> reg = RealMLPRegressor(n_epochs=64, random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.95
    True
    >>> y += rng.normal(size=400)
    >>> reg = RealMLPRegressor(loss="quantile", n_epochs=64, random_state=0).fit(X, y)
    >>> low, high = reg.predict_interval(X, coverage=0.9).T
    >>> 0.8 < np.mean((low <= y) & (y <= high)) < 1
    np.True_
    """

    _network, _chosen_by = NETWORK, "preset"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TabularRegressor._parameter_constraints,
        "preset": NAMES,
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
