"""The solvers "sgd" and "adam": epochs of batches, in scikit-learn's order."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .objective import Objective
from .rules import AdamRule, Rule, SGDRule


class HeldOut(NamedTuple):
    """Rows set aside, with targets as people give them."""

    X: Any
    y: NDArray[Any]
    weight: Any


def fit(estimator: Any, X: Any, y: NDArray[Any], weight: Any, incremental: bool) -> None:
    """Train an estimator that has weights; where `incremental`, for one epoch."""
    if not incremental or not hasattr(estimator, "_optimizer"):
        estimator._optimizer = new_rule(estimator)
    if estimator.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    held_out = None
    if estimator.early_stopping:
        X, y, weight, held_out = split(estimator, X, y, weight)
    training = Training(estimator, X, y, weight, held_out)
    try:
        training.run(1 if incremental else estimator.max_iter, incremental)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    finally:
        training.hand_over()
        training.keep_state()
    if held_out is not None:
        training.restore_best()


def new_rule(estimator: Any) -> Rule:
    """Make the rule that an estimator's arguments name."""
    if estimator.solver == "adam":
        return AdamRule(
            estimator.learning_rate_init, estimator.beta_1, estimator.beta_2, estimator.epsilon
        )
    return SGDRule(
        estimator.learning_rate_init,
        estimator.learning_rate,
        estimator.momentum,
        estimator.nesterovs_momentum,
        estimator.power_t,
    )


def split(
    estimator: Any, X: Any, y: NDArray[Any], weight: Any
) -> tuple[Any, NDArray[Any], Any, HeldOut]:
    """Set rows aside, as scikit-learn draws them."""
    given = [X, y] if weight is None else [X, y, weight]
    parts = train_test_split(
        *given,
        random_state=estimator._random_state,
        test_size=estimator.validation_fraction,
        stratify=y if estimator._stratifies() else None,
    )
    if weight is None:
        parts += [None, None]
    X, X_val, y, y_val, weight, weight_val = parts
    if X_val.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return X, y, weight, HeldOut(X_val, estimator._given_targets(y_val), weight_val)


class Training:
    """The epochs of one fit."""

    def __init__(
        self, estimator: Any, X: Any, y: NDArray[Any], weight: Any, held_out: HeldOut | None
    ) -> None:
        self.estimator, self.held_out = estimator, held_out
        self.rule: Rule = estimator._optimizer
        weights, self.form = estimator._weights, estimator._form()
        self.dtype = weights.dtype
        self.network = weights.network(self.form, self.dtype)
        self.objective = Objective(
            self.network, weights.shapes, estimator.alpha, self.form.output, self.rule.kernel
        )
        self.rows = self.objective.rows(X, y, weight, self.dtype)
        for name, state in zip(self.network.slot_names, self.rule.state, strict=False):
            self.network.set_slot(name, state.astype(self.dtype, copy=False))
        self.network.updates = self.rule.t
        if held_out is not None and not estimator.validation_scores_:
            estimator._best_weights = self.flat()
        self.n = X.shape[0]
        self.batch_size = batch_size(estimator, self.n)

    def run(self, epochs: int, incremental: bool) -> None:
        """Train until there is no progress, or for so many epochs."""
        estimator, rule = self.estimator, self.rule
        order = np.arange(self.n)
        estimator.n_iter_ = 0
        for _ in range(epochs):
            if estimator.shuffle:  # each order is drawn from the last one
                drawn = np.arange(self.n)
                estimator._random_state.shuffle(drawn)
                order = order[drawn]
            estimator.loss_ = self.epoch(order)
            estimator.n_iter_ += 1
            estimator.t_ += self.n
            estimator.loss_curve_.append(estimator.loss_)
            if estimator.verbose:
                print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
            self.look()
            rule.iteration_ends(estimator.t_)
            if estimator._no_improvement_count > estimator.n_iter_no_change:
                if rule.trigger_stopping(self.message(), estimator.verbose):
                    return
                estimator._no_improvement_count = 0
        if not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )

    def epoch(self, order: NDArray[np.int64]) -> np.float64:
        """Go through all rows once; give the mean loss over the rows as the weights change."""
        total = self.objective.train(
            self.rows, order, self.batch_size, self.rule.rate, float(self.rule.momentum),
            self.estimator._threads(),
        )  # fmt: skip
        self.rule.t = self.network.updates
        return np.float64(total / self.n)

    def flat(self) -> NDArray[Any]:
        """Copy the weights out."""
        found = np.empty(self.network.n_params, self.dtype)
        self.network.get_params(found)
        return found

    def look(self) -> None:
        """Count the epochs without progress, by the loss or by the rows that were set aside."""
        estimator, held_out = self.estimator, self.held_out
        if held_out is None:
            loss = estimator.loss_curve_[-1]
            worse = loss > estimator.best_loss_ - estimator.tol
            if loss < estimator.best_loss_:  # which NaN is not
                estimator.best_loss_ = loss
        else:
            self.hand_over()
            score = estimator._score(held_out.X, held_out.y, sample_weight=held_out.weight)
            estimator.validation_scores_.append(score)
            if estimator.verbose:
                print(f"Validation score: {score:f}")
            worse = score < estimator.best_validation_score_ + estimator.tol
            if score > estimator.best_validation_score_:
                estimator.best_validation_score_ = score
                estimator._best_weights = self.flat()
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0

    def message(self) -> str:
        """Say why the training would stop."""
        what = "Training loss" if self.held_out is None else "Validation score"
        return (
            f"{what} did not improve more than tol={self.estimator.tol:f} for "
            f"{self.estimator.n_iter_no_change} consecutive epochs."
        )

    def hand_over(self) -> None:
        """Make the network's weights those of the estimator."""
        self.estimator._weights.trained(self.form, self.dtype, self.network)

    def keep_state(self) -> None:
        """Copy out what the rule remembers: a later `partial_fit` goes on with it."""
        self.rule.t = self.network.updates
        self.rule.state = [
            np.empty(self.network.n_params, self.dtype) for _ in self.network.slot_names
        ]
        for name, state in zip(self.network.slot_names, self.rule.state, strict=True):
            self.network.get_slot(name, state)

    def restore_best(self) -> None:
        """Go back to the weights that had the best score.

        A fit that goes on and never beats that score keeps its last weights, as scikit-learn's does.
        """
        if self.estimator._best_weights is not None:
            self.network.set_params(self.estimator._best_weights)
            self.hand_over()
        self.estimator._best_weights = None


def batch_size(estimator: Any, n: int) -> int:
    """Give the rows of a batch."""
    if isinstance(estimator.batch_size, str):
        return min(200, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return min(int(estimator.batch_size), n)
