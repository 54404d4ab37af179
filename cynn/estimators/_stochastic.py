"""The solvers "sgd" and "adam": epochs of batches, in scikit-learn's order."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from ..optimizers import Optimizer
from ..schedules import Schedule
from ._listeners import Trainee, is_bar, listeners
from ._objective import Objective, loss_type
from ._rules import AdamRule, Rule, SGDRule, ToolkitRule


class HeldOut(NamedTuple):
    """Rows that are not trained on.

    Attributes
    ----------
    y : ndarray
        Targets as people give them.
    targets : ndarray or None
        The same as the estimator trains on them, where the loss is asked for.
    """

    X: Any
    y: NDArray[Any]
    weight: Any
    targets: NDArray[Any] | None = None


def fit(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    weight: Any,
    incremental: bool,
    held_out: HeldOut | None = None,
) -> None:
    """Train an estimator that has weights; where `incremental`, for one epoch."""
    if not incremental or not hasattr(estimator, "_optimizer"):
        estimator._optimizer = new_rule(estimator)
    if estimator.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    if incremental and isinstance(getattr(estimator._optimizer, "schedule", None), Schedule):
        raise ValueError("partial_fit needs a learning rate without a schedule: no end is known")
    if estimator.early_stopping and held_out is None:
        X, y, weight, held_out = split(estimator, X, y, weight)
    training = Training(estimator, X, y, weight, held_out, incremental)
    try:
        training.network.keeps_threads = True
        training.run(1 if incremental else estimator.max_iter, incremental)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    finally:
        training.objective.end()
        training.hand_over()
        training.keep_state()
        for listener in training.listeners:
            listener.model = None  # networks are not copied with an estimator
    if estimator.early_stopping:
        training.restore_best()


def new_rule(estimator: Any) -> Rule:
    """Make the rule that an estimator's arguments name."""
    if isinstance(estimator.solver, Optimizer):
        return ToolkitRule(estimator.solver)
    if estimator.solver == "adam":
        return AdamRule(
            estimator.learning_rate_init,
            estimator.beta_1,
            estimator.beta_2,
            estimator.epsilon,
            estimator.learning_rate,
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
        self, estimator: Any, X: Any, y: NDArray[Any], weight: Any, held_out: HeldOut | None,
        incremental: bool,
    ) -> None:  # fmt: skip
        self.estimator, self.held_out = estimator, held_out
        self.rule: Rule = estimator._optimizer
        weights, self.form = estimator._weights, estimator._form()
        self.dtype = weights.dtype
        self.loss_type = loss_type(weights, X, y, weight)
        dropout = estimator._dropout(len(self.form.hidden))
        self.network = weights.network_to_train(self.form, self.dtype, dropout)
        self.seed = int(estimator._random_state.randint(1 << 31)) if any(dropout) else 0
        self.objective = Objective(
            self.network, weights.shapes, estimator.alpha, estimator._head(), self.rule.kernel,
            self.rule.clips,
        )  # fmt: skip
        self.rows = self.objective.rows(X, y, weight, self.dtype)
        for name, state in zip(self.network.slot_names, self.rule.state, strict=False):
            self.network.set_slot(name, state.astype(self.dtype, copy=False))
        self.network.updates = self.rule.t
        self.measured = None
        if held_out is not None and held_out.targets is not None:
            self.measured = self.objective.batches(held_out.X, held_out.targets, held_out.weight)
            if estimator.validation_scores_ is None:
                estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
            if not hasattr(estimator, "validation_loss_curve_"):
                estimator.validation_loss_curve_ = []
        if estimator.early_stopping and not estimator.validation_scores_:
            estimator._best_weights = self.flat()
        self.n = X.shape[0]
        self.batch_size = batch_size(estimator, self.n)
        self.prints = estimator.verbose and not is_bar(estimator.verbose)
        self.listeners = listeners(estimator, self.n, incremental)
        self.trainee = Trainee(self)
        self.steps = 0  # of this fit
        self.all_steps = -(-self.n // self.batch_size) * (1 if incremental else estimator.max_iter)

    def run(self, epochs: int, incremental: bool) -> None:
        """Train until there is no progress, or for so many epochs."""
        order = np.arange(self.n)
        self.estimator.n_iter_ = 0
        for listener in self.listeners:
            listener.set_model(self.trainee)
            listener.on_train_begin()
        for epoch in range(epochs):
            for listener in self.listeners:
                listener.on_epoch_begin(epoch)
            self.one_epoch(order)
            if self.ends() or self.tell(epoch):
                break
        else:
            if not incremental:
                self.warn()
        logs = self.logs() if self.listeners else {}
        for listener in self.listeners:
            listener.on_train_end(logs)

    def one_epoch(self, order: NDArray[np.int64]) -> None:
        """Train for an epoch and look at what came of it; `order` is that of the last one."""
        estimator = self.estimator
        if estimator.shuffle:
            estimator._random_state.shuffle(order)
        estimator.loss_ = self.epoch(order)
        estimator.n_iter_ += 1
        estimator.t_ += self.n
        estimator.loss_curve_.append(estimator.loss_)
        if self.prints:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        self.look()
        self.rule.iteration_ends(estimator.t_)

    def ends(self) -> bool:
        """Return whether there has been no progress for too long, and the rate cannot fall."""
        estimator = self.estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        if self.rule.trigger_stopping(self.message(), self.prints):
            return True
        estimator._no_improvement_count = 0
        return False

    def tell(self, epoch: int) -> bool:
        """Tell the listeners of an epoch; say whether one of them wants to stop."""
        if self.listeners:
            self.hand_over()
            logs = self.logs()
            for listener in self.listeners:
                listener.on_epoch_end(epoch, logs)
        return self.trainee.stop_training

    def logs(self) -> dict[str, float]:
        """Return what the last epoch was measured to be."""
        found = {"loss": float(self.estimator.loss_)}
        if self.measured is not None:
            found["val_loss"] = self.estimator.validation_loss_curve_[-1]
        if self.held_out is not None:
            found["val_score"] = self.estimator.validation_scores_[-1]
        return found

    def warn(self) -> None:
        """Say that the epochs were not enough."""
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.estimator.max_iter:d}) reached and "
            "the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=7,
        )

    def epoch(self, order: NDArray[np.int64]) -> np.floating[Any]:
        """Go through all rows once; give the mean loss over the rows as the weights change."""
        start, self.steps = self.steps, self.steps - (-self.n // self.batch_size)
        span = (start, self.steps, self.all_steps)
        rates = self.rule.rates(*span) * self.trainee.rate_factor
        total = self.objective.train(
            self.rows, order, self.batch_size, rates, self.rule.momenta(*span),
            self.estimator._threads(), self.seed,
        )  # fmt: skip
        self.trainee.learning_rate = float(rates[-1])
        self.rule.t = self.network.updates
        return self.loss_type(total / self.n)

    def flat(self) -> NDArray[Any]:
        """Copy the weights out."""
        found = np.empty(self.network.n_params, self.dtype)
        self.network.get_params(found)
        return found

    def look(self) -> None:
        """Count the epochs without progress, by the loss or by the rows that were set aside."""
        estimator = self.estimator
        worse = False if self.held_out is None else self.validate(self.held_out)
        if not estimator.early_stopping:
            loss = estimator.loss_curve_[-1]
            worse = loss > estimator.best_loss_ - estimator.tol
            if loss < estimator.best_loss_:  # which NaN is not
                estimator.best_loss_ = loss
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0

    def validate(self, held_out: HeldOut) -> bool:
        """Score the rows that are not trained on; say whether there was no progress."""
        estimator = self.estimator
        self.hand_over()
        score = estimator._score(held_out.X, held_out.y, sample_weight=held_out.weight)
        estimator.validation_scores_.append(score)
        if self.measured is not None:
            loss = self.objective.loss(self.measured, estimator._threads())
            estimator.validation_loss_curve_.append(loss)
        if self.prints:
            print(f"Validation score: {score:f}")
        worse = bool(score < estimator.best_validation_score_ + estimator.tol)
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            if estimator.early_stopping:
                estimator._best_weights = self.flat()
        return worse

    def message(self) -> str:
        """Say why the training would stop."""
        what = "Validation score" if self.estimator.early_stopping else "Training loss"
        return (
            f"{what} did not improve more than tol={self.estimator.tol:f} for "
            f"{self.estimator.n_iter_no_change:d} consecutive epochs."
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

        A fit that goes on and never beats that score keeps its last weights: as scikit-learn's.
        """
        if self.estimator._best_weights is not None:
            self.network.set_params(self.estimator._best_weights)
            self.hand_over()
        self.estimator._best_weights = None


def batch_size(estimator: Any, n: int) -> int:
    """Return the rows of a batch."""
    if isinstance(estimator.batch_size, str):
        return min(200, n)
    if estimator.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=6,
        )
    return min(int(estimator.batch_size), n)
