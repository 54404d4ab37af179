"""The classifier: labels in and out, probabilities in between."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from .. import losses
from .._specs.validation import shown
from ._docs import documented
from ._heads import HINGES, OF_CLASSES, is_sklearn_loss, names
from ._mlp import BaseMLP


@documented
class MLPClassifier(ClassifierMixin, BaseMLP):
    """A network of dense layers for classes: ``sklearn.neural_network.MLPClassifier``, faster.

    Its loss is the cross-entropy: of a softmax for more than two classes, of a logistic function
    for two, or for each label where a row may have several.

    Parameters
    ----------
    {network}
    loss : str or Loss, default "log_loss"
        "log_loss", or of `cynn.losses`, with its own numbers: CrossEntropy for more than two
        classes, BinaryCrossEntropy for two or several labels, CategoricalHinge or Hinge.
    class_weight : dict, "balanced" or list of dict, optional
        What the rows of each label count beside `sample_weight`, as
        ``sklearn.utils.class_weight.compute_sample_weight`` takes it.
    {training}

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    {learned}

    See Also
    --------
    MLPRegressor : The same for numbers.

    References
    ----------
    Kingma and Ba, Adam: A method for stochastic optimization, 2015. Glorot and Bengio,
    Understanding the difficulty of training deep feedforward neural networks, 2010. Byrd, Lu,
    Nocedal and Zhu, A limited memory algorithm for bound constrained optimization, 1995.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(solver="lbfgs", random_state=0, max_iter=500).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"log_loss"} | names(OF_CLASSES)), *OF_CLASSES],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: Any = 0.0,
        callbacks: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    def _probable(self) -> bool:
        """Return whether the outputs are probabilities."""
        return is_sklearn_loss(self.loss) or not isinstance(losses.get(self.loss), HINGES)

    def _out_activation(self) -> str:
        is_multiclass = self._label_binarizer.y_type_ == "multiclass"
        if not self._probable():
            if isinstance(losses.get(self.loss), losses.CategoricalHinge) and not is_multiclass:
                raise ValueError("loss must be Hinge for two classes, got CategoricalHinge")
            return "identity"
        return "softmax" if is_multiclass else "logistic"

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        """Check X and y; give y as booleans, a column an output."""
        X, y = self._checked(X, y, reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        # As numbers they would raise the precision of float32 rows that are set aside.
        return X, self._label_binarizer.transform(y).astype(bool)

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any, Any]:
        X, y = self._checked(X, y, reset=False)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_known(unique_labels(y))
        return X, y, self._label_binarizer.transform(y).astype(bool)

    def _weighted(self, y: NDArray[Any], weight: Any, dtype: Any, incremental: bool) -> Any:
        if self.class_weight is None:
            return weight
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight must be a dict or None in partial_fit, got 'balanced', which needs "
                "all rows: compute it with sklearn.utils.class_weight.compute_class_weight"
            )
        if isinstance(self.class_weight, list) and not all(
            isinstance(each, dict) for each in self.class_weight
        ):
            raise TypeError(
                "class_weight must be a dict from labels to weights, 'balanced' or, of several "
                f"labels a row, a list of dicts, got {shown(self.class_weight)}"
            )
        class_factors = compute_sample_weight(self.class_weight, self._user_targets(y))
        if not np.isfinite(class_factors).all():
            raise ValueError(f"class_weight must be finite numbers, got {self.class_weight!r}")
        return (class_factors if weight is None else class_factors * weight).astype(dtype)

    def _check_classes(self, classes: NDArray[Any]) -> None:
        """Refuse classes that a fit which goes on does not know."""
        if self.warm_start and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        self._check_known(classes)

    def _check_known(self, classes: NDArray[Any]) -> None:
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _user_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        labels: NDArray[Any] = self._label_binarizer.inverse_transform(y)
        return labels

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, from the weights as they are; not with "lbfgs".

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows; float32 and float64 are kept.
        y : array_like, shape (n,) or (n, n_outputs)
            Labels.
        sample_weight : array_like, shape (n,), optional
            What each row counts.
        classes : array_like, optional
            All labels that will come; needed in the first call.

        Returns
        -------
        MLPClassifier
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument, or a parameter of the estimator, is not as described.
        """
        if _check_partial_fit_first_call(self, classes):
            is_multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if is_multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable label of each row; of multi-label targets those above 0.5.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n,) or (n, n_labels)
            Labels.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` does not hold rows of `n_features_in_` finite numbers.
        """
        return self._predict(X)

    def _predict(self, X: Any, check_input: bool = True) -> NDArray[Any]:
        outputs = self._outputs(X, check_input)
        if self._label_binarizer.y_type_ == "multiclass":
            labels: NDArray[Any] = self.classes_.take(outputs.argmax(axis=1), mode="clip")
            return labels
        if self.out_activation_ == "identity":
            outputs = (outputs > 0).astype(outputs.dtype)
        return self._user_targets(outputs.ravel() if self.n_outputs_ == 1 else outputs)

    def _score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return self._scored(X, y, sample_weight, accuracy_score)

    @available_if(lambda estimator: estimator._check_probable(False))
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the numbers that the largest, or those above 0, decide by: of hinge losses only.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n,) or (n, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` does not hold rows of `n_features_in_` finite numbers.
        """
        outputs = self._outputs(X)
        return outputs.ravel() if self.n_outputs_ == 1 else outputs

    def _check_probable(self, wanted: bool) -> bool:
        if self._probable() != wanted:
            requirement = "give probabilities" if wanted else "be a hinge"
            raise AttributeError(f"loss must {requirement} for this method, got {self.loss!r}")
        return True

    @available_if(lambda estimator: estimator._check_probable(True))
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each label.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` does not hold rows of `n_features_in_` finite numbers.
        """
        probabilities = self._outputs(X)
        if self.n_outputs_ > 1:
            return probabilities
        positive = probabilities.ravel()
        return np.vstack([1 - positive, positive]).T

    @available_if(lambda estimator: estimator._check_probable(True))
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of `predict_proba`; parameters and shape are the same.

        Parameters
        ----------
        X : array_like or scipy.sparse, shape (n, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` does not hold rows of `n_features_in_` finite numbers.
        """
        log_probabilities: NDArray[Any] = self.predict_proba(X)
        np.log(log_probabilities, out=log_probabilities)
        return log_probabilities

    def __sklearn_tags__(self) -> Any:
        """Say that a row may have several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
