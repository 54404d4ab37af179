"""The solvers "sgd" and "adam": epochs of batches, in scikit-learn's order."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .._model.loops import naming
from .._runtime.caller import warn
from .._runtime.progress import Progress
from .._training.fitting import Fit
from .._training.settings import FitSettings, Span
from ..callbacks import get_all
from ..optimizers import Optimizer
from ..schedules import Schedule
from ._learner import Jobs, Learner
from ._objective import EpochLoss, Objective, expect_mean, loss_type
from ._rules import AdamRule, Rule, SGDRule, ToolkitRule

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)
"""scikit-learn's words for a training that has diverged."""


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
    if incremental:
        expect_no_schedule(estimator)
    if estimator.early_stopping and held_out is None:
        X, y, weight, held_out = split(estimator, X, y, weight)
        expect_mean(weight, " over the rows that are trained on")
        expect_mean(held_out.weight, " over the rows that early_stopping sets aside")
    prepare(estimator)
    training = Training(estimator, X, y, weight, held_out, incremental)
    try:
        training.run()
    except KeyboardInterrupt:
        warn("Training interrupted by user.")
    except FloatingPointError as error:
        training.diverged(error)
    finally:
        training.end()
    if estimator.early_stopping:
        training.restore_best()


def expect_no_schedule(estimator: Any) -> None:
    """Refuse settings that are schedules."""
    rule = estimator._optimizer
    settings = {
        "learning_rate": getattr(rule, "schedule", None),
        "weight_decay": getattr(getattr(rule, "optimizer", None), "weight_decay", None),
        "label_smoothing": getattr(estimator.loss, "label_smoothing", None),
    }
    for name, value in settings.items():
        if isinstance(value, Schedule):
            raise ValueError(
                f"{name} must not be a schedule in partial_fit, which has no last epoch, got "
                f"{value!r}"
            )


def prepare(estimator: Any) -> None:
    """Make the attributes that a training writes, where the fits before it have left none.

    An estimator may go on with another solver, or with early_stopping switched on or off.
    """
    attributes = vars(estimator)
    attributes.setdefault("loss_curve_", [])
    attributes.setdefault("_no_improvement_count", 0)
    if estimator.early_stopping:
        estimator.best_loss_ = None
        if attributes.get("validation_scores_") is None:
            estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
    else:
        if attributes.get("best_loss_") is None:
            estimator.best_loss_ = np.inf
        attributes.setdefault("validation_scores_", None)
        attributes.setdefault("best_validation_score_", None)


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
    arrays = [X, y] if weight is None else [X, y, weight]
    with naming("validation_fraction"):
        parts = train_test_split(
            *arrays,
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
    return X, y, weight, HeldOut(X_val, estimator._user_targets(y_val), weight_val)


class Training:
    """scikit-learn's rules of a training, around the loop of `cynn._training.fitting`.

    A `partial_fit` is a part of a training: one epoch, of which no callback hears.
    """

    def __init__(
        self, estimator: Any, X: Any, y: NDArray[Any], weight: Any, held_out: HeldOut | None,
        incremental: bool,
    ) -> None:  # fmt: skip
        self.estimator, self.held_out, self.incremental = estimator, held_out, incremental
        self.rule: Rule = estimator._optimizer
        self.loss_type = loss_type(estimator._weights, X, y, weight)
        form = estimator._form()
        self.learner = Learner(estimator, form, estimator._dropout(len(form.hidden)))
        network = self.learner._network
        self.objective = Objective(
            network, self.learner._shapes, estimator.alpha, estimator._head(), self.rule.kernel(),
            self.rule.clips(), self.rule.average,
        )  # fmt: skip
        self.rows = self.objective.rows(X, y, weight, self.learner.dtype)
        for name, state in zip(network.slot_names, self.rule.state, strict=False):
            network.set_slot(name, state.astype(self.learner.dtype, copy=False))
        network.updates = self.rule.t
        self.measured = None
        if held_out is not None and held_out.targets is not None:
            self.measured = self.objective.batches(held_out.X, held_out.targets, held_out.weight)
            if estimator.validation_scores_ is None:
                estimator.validation_scores_, estimator.best_validation_score_ = [], -np.inf
            if not hasattr(estimator, "validation_loss_curve_"):
                estimator.validation_loss_curve_ = []
        if estimator.early_stopping and not estimator.validation_scores_:
            estimator._best_weights = self.learner.get_learned()
        n = X.shape[0]
        size = batch_size(estimator, n)
        self.by_step = weight is not None or self.objective.divisor != 1
        self.prints = estimator.verbose and not is_bar(estimator.verbose)
        self.order, self.epoch_steps = np.arange(n), -(-n // size)
        self.stops = False  # for want of progress
        settings = FitSettings(
            epochs=1 if incremental else estimator.max_iter,
            batch_size=size,
        )
        self.fit = Fit(
            self.learner,
            settings,
            [] if incremental else get_all(estimator.callbacks),
            Progress(1 if is_bar(estimator.verbose) and not incremental else 0),
            Jobs(estimator.n_jobs),
        )
        self.fit.expect_callbacks(self.measures())

    def measures(self) -> dict[str, bool]:
        """Return what the logs will hold, and whether more of it is better; see `logs`."""
        measures = {"loss": False}
        if self.measured is not None:
            measures["val_loss"] = False
        if self.held_out is not None:
            measures["val_score"] = True
        return measures

    def run(self) -> None:
        """Train until there is no progress, or for so many epochs."""
        self.estimator.n_iter_ = 0
        self.fit.run(self.train, len(self.order), is_done=self.is_done)
        if not (self.stops or self.learner.stop_training or self.incremental):
            warn(
                f"Stochastic Optimizer: Maximum iterations ({self.estimator.max_iter:d}) reached "
                "and the optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def diverged(self, error: FloatingPointError) -> None:
        """Raise what scikit-learn does of weights that are not finite; here they may be still.

        With `early_stopping` there are those of the best epoch to go back to.
        """
        estimator = self.estimator
        if not estimator.early_stopping or estimator._best_weights is None:
            raise ValueError(f"{NOT_FINITE} {error}") from error
        estimator.validation_scores_.append(np.nan)
        warn(f"{error}; the weights of the best epoch are kept", ConvergenceWarning)

    def train(self, epoch: int) -> dict[str, float]:
        """Train for an epoch and look at what came of it; return its logs."""
        estimator, steps = self.estimator, self.epoch_steps
        if estimator.shuffle:
            estimator._random_state.shuffle(self.order)  # as the last epoch left it
        measures = EpochLoss(self.objective, self.by_step)
        span = Span(epoch * steps, (epoch + 1) * steps, self.fit.settings.epochs * steps)
        self.fit.train(self.rows, self.order, self.fit.settings.batch_size, span, measures)
        self.rule.t = self.learner._network.updates
        estimator.loss_ = self.loss_type(measures.result()["loss"])
        estimator.n_iter_ += 1
        estimator.t_ += measures.n_rows
        estimator.loss_curve_.append(estimator.loss_)
        if self.prints:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        self.look()
        self.rule.iteration_ends(estimator.t_)
        if self.fit.callbacks:
            self.learner.hand_over()
        return self.logs()

    def is_done(self) -> bool:
        """Return whether there has been no progress for too long, and the rate cannot fall."""
        estimator = self.estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        self.stops = self.rule.trigger_stopping(self.message(), self.prints)
        if not self.stops:
            estimator._no_improvement_count = 0
        return self.stops

    def logs(self) -> dict[str, float]:
        """Return what the last epoch was measured to be."""
        logs = {"loss": float(self.estimator.loss_)}
        if self.measured is not None:
            logs["val_loss"] = self.estimator.validation_loss_curve_[-1]
        if self.held_out is not None:
            logs["val_score"] = self.estimator.validation_scores_[-1]
        return logs

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
        self.learner.hand_over()
        score = estimator._score(held_out.X, held_out.y, sample_weight=held_out.weight)
        estimator.validation_scores_.append(score)
        if self.measured is not None:
            loss = self.objective.loss(self.measured, self.fit.ranks.threads())
            estimator.validation_loss_curve_.append(loss)
        if self.prints:
            print(f"Validation score: {score:f}")
        worse = bool(score < estimator.best_validation_score_ + estimator.tol)
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            if estimator.early_stopping:
                estimator._best_weights = self.learner.get_learned()
        return worse

    def message(self) -> str:
        """Say why the training would stop."""
        quantity = "Validation score" if self.estimator.early_stopping else "Training loss"
        return (
            f"{quantity} did not improve more than tol={self.estimator.tol:f} for "
            f"{self.estimator.n_iter_no_change:d} consecutive epochs."
        )

    def end(self) -> None:
        """Leave weights and network to the estimator, and keep what the rule remembers.

        A later `partial_fit` goes on with it.
        """
        network = self.learner._network
        self.objective.end()
        self.learner.hand_over()
        self.rule.t = network.updates
        self.rule.state = [
            np.empty(network.n_params, self.learner.dtype) for _ in network.slot_names
        ]
        for name, state in zip(network.slot_names, self.rule.state, strict=True):
            network.get_slot(name, state)
        for callback in self.fit.callbacks:
            callback.model = None  # networks are not copied with an estimator

    def restore_best(self) -> None:
        """Go back to the weights that had the best score.

        A fit that goes on and never beats that score keeps its last weights: as scikit-learn's.
        """
        if self.estimator._best_weights is not None:
            self.learner.set_learned(self.estimator._best_weights)
        self.estimator._best_weights = None


def is_bar(verbose: Any) -> bool:
    """Return whether a bar is wanted, in place of lines."""
    return isinstance(verbose, str)


def batch_size(estimator: Any, n: int) -> int:
    """Return the rows of a batch."""
    if isinstance(estimator.batch_size, str):
        return min(200, n)
    if estimator.batch_size > n:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    return min(int(estimator.batch_size), n)
