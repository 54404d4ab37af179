"""Steps in a row: forward through all of them, a loss, and backward through all of them.

A plan holds no weights; it is given the flat parameters each time.
"""

import math
from typing import Any

from .arrays import Flat, Rows, zeros
from .augment import Augmentation, augmented
from .batches import targets
from .call import Call, Place
from .losses import LOSS, LOSSES, WITH_ARGUMENT
from .members import mean_of_members, repeated
from .regression import expect_number
from .step import Step
from .steps import make_step, separated
from .user_functions import loss_of

FUSED = {
    "softmax_cross_entropy": "softmax",
    "log_loss": "softmax",
    "sigmoid_binary_cross_entropy": "sigmoid",
    "binary_log_loss": "sigmoid",
}
"""The activation that a loss brings with it."""


class Plan:
    """The steps of a network, made from their descriptions.

    Parameters
    ----------
    n_inputs : int
        Numbers in a row of x.
    steps : list of tuple
        Descriptions, as `cynn.reference.network.Network` takes them.
    scale, offset : float
        What x goes through on its way in.
    shift : tuple of float or None
        What is taken off x before that: one number, or one for each column.

    Attributes
    ----------
    n_outputs, n_params, n_state, n_draws : int
        Numbers in a row that the last step gives, in the flat parameters, and in the flat running
        statistics; and how many steps draw.
    members : int
        How many rows the last step gives for each row of x; a prediction is their mean.
    """

    def __init__(
        self,
        n_inputs: int,
        steps: list[tuple[Any, ...]],
        scale: float,
        offset: float,
        shift: tuple[float, ...] | None,
    ) -> None:
        if n_inputs < 1 or not steps:
            raise ValueError(f"Network must have inputs and steps, got {n_inputs} and {len(steps)}")
        self.n_outputs, place = n_inputs, Place()
        self.scale, self.offset = float(scale), float(offset)
        self.shift = [0.0] if shift is None else list(shift)
        if len(self.shift) not in (1, n_inputs):
            raise ValueError(
                f"network: shift must be 1 or {n_inputs} numbers, got {len(self.shift)}"
            )
        if len(self.shift) == 1:
            self.shift *= n_inputs
        self.augmentation: Augmentation | None = None
        self.steps: list[Step] = []
        self.penalties: list[tuple[float, float]] = []
        for description in separated(steps):
            step = make_step(description, self.n_outputs, place)
            self.steps.append(step)
            self.n_outputs, place = step.n_out, place.past(step)
        self.n_params, self.n_state, self.n_draws, self.members = place

    def initial_state(self) -> Flat:
        """Return running statistics to begin with: means of 0 and variances of 1."""
        return [value for step in self.steps for value in step.initial_state()]

    def compile(self, loss: str | tuple[Any, ...], penalties: list[tuple[float, float]]) -> None:
        """Choose the loss, by its name or by its name and its own argument, and the penalties.

        Parameters
        ----------
        loss : str or tuple
            One of `LOSSES`, ``(name, number)``, for "quantile" with a tuple of one for each output
            too, or ``("function", what is asked)``.
        penalties : list of (float, float)
            l1 and l2 of each dense step, or nothing.

        Raises
        ------
        ValueError
            If there is no such loss, or the last step's activation does not go with it: a fused
            loss wants its own activation there, or none. If there is not a pair for each dense
            step, or a number is negative or not finite. The plan is then as it was.
        """
        self._expect_penalties(penalties)
        loss, *arguments = (loss,) if isinstance(loss, str) else loss or ("",)
        if loss == "function" and len(arguments) == 1:
            if self.members > 1:
                raise ValueError(
                    "loss must be built in for a network with members, got a user-defined one"
                )
            self.loss, self.loss_arguments, self.asks_for_loss = loss_of(*arguments), [], True
            self.takes_number = False
            self.training_steps, self.penalties = list(self.steps), penalties
            return
        if loss not in LOSSES:
            raise ValueError(f"compile: loss must be one of {LOSSES}, got {loss!r}")
        last = self.steps[-1]
        steps = list(self.steps)
        if loss in FUSED:
            if last.activation not in ("identity", FUSED[loss]):
                raise ValueError(
                    f"loss: the last activation must be identity or {FUSED[loss]} for {loss}, "
                    f"got {last.activation}"
                )
            steps[-1] = last.without_activation()
        if len(arguments) > (1 if loss in WITH_ARGUMENT else 0):
            raise ValueError(f"loss: {loss} must have fewer numbers, got {len(arguments)}")
        for number in arguments:
            expect_number(loss, number, self.n_outputs)
        self.loss, self.loss_arguments, self.asks_for_loss = LOSS[loss], arguments, False
        by_column = any(isinstance(number, tuple) for number in arguments)
        self.takes_number = loss in WITH_ARGUMENT and not by_column
        self.training_steps, self.penalties = steps, penalties

    def targets(self, function: str, y: Any, n_rows: int) -> Any:
        """Return what is wanted of each row, as the loss reads it; a function does in its own way.

        Raises
        ------
        ValueError
            If `y` is not that.
        """
        if not self.asks_for_loss:
            return targets(function, y, n_rows, self.n_outputs)
        if len(y) != n_rows:
            raise ValueError(f"{function}: y must have {n_rows} rows, got {len(y)}")
        return list(y)

    def _expect_penalties(self, penalties: list[tuple[float, float]]) -> None:
        if penalties and len(penalties) != len(self._matrices()):
            raise ValueError(
                f"compile: penalties must be {len(self._matrices())} pairs, got {len(penalties)}"
            )
        for pair in penalties:
            if not all(0.0 <= number < math.inf for number in pair):
                raise ValueError(f"compile: penalties must be finite and not negative, got {pair}")

    def _matrices(self) -> list[range]:
        return [place for step in self.steps for place in step.matrices()]

    def arrays(self) -> list[int]:
        """Return how many numbers each array of weights has."""
        return [size for step in self.steps for size in step.arrays()]

    def add_penalties(self, params: Flat, scale: float, gradient: Flat | None = None) -> float:
        """Return the penalties of the weights, and add their gradient, times `scale`."""
        total = 0.0
        for place, (l1, l2) in zip(self._matrices(), self.penalties, strict=False):
            for i in place:
                w = params[i]
                total += l1 * abs(w) + l2 * w * w
                if gradient is not None:
                    sign = int(w > 0) - int(w < 0)
                    gradient[i] += scale * (l1 * sign + 2.0 * l2 * w)
        return scale * total

    def predict(self, params: Flat, x: Rows, call: Call) -> Rows:
        """Return what the last step gives."""
        return mean_of_members(self._forward(self.steps, params, x, call)[-1], self.members)

    def evaluate(
        self, params: Flat, x: Rows, y: Rows, weight: Flat, call: Call
    ) -> tuple[float, Rows, list[Rows], Rows]:
        """Return the loss, the predictions, the activations and the loss's gradient."""
        activations = self._forward(self.training_steps, params, x, call)
        n = self.members * len(x)
        out, delta = zeros(n, self.n_outputs), zeros(n, self.n_outputs)
        if self.members > 1:
            y = repeated(y, self.members)
            weight = [w / self.members for w in weight for _ in range(self.members)]
        own = self.loss_arguments if call.loss_number is None else [call.loss_number]
        loss = self.loss(activations[-1], y, weight, out, delta, *own)
        # A fused loss ran on logits. They are the prediction where the network ends in logits.
        ends_linear = self.steps[-1].activation == "identity"
        predictions = mean_of_members(activations[-1] if ends_linear else out, self.members)
        return loss, predictions, activations, delta

    def gradient(
        self, params: Flat, x: Rows, y: Rows, weight: Flat, call: Call
    ) -> tuple[Flat, float, Rows]:
        """Return the gradient of the parameters, the loss and the predictions.

        The loss is the sum over the rows of weight times loss, and so is its gradient.
        """
        loss, predictions, activations, delta = self.evaluate(params, x, y, weight, call)
        gradient = [0.0] * self.n_params
        for i in reversed(range(len(self.training_steps))):
            step = self.training_steps[i]
            delta = step.backward(activations[i], activations[i + 1], delta, params, gradient, call)
        return gradient, loss, predictions

    def input_gradient(
        self, params: Flat, x: Rows, y: Rows | None, along: Rows | None, call: Call
    ) -> Rows:
        """Return the gradient for x of each row's loss, or of its outputs along `along`."""
        if y is None:
            steps = self.steps
            activations = self._forward(steps, params, x, call)
            delta = [[v / self.members for v in row] for row in repeated(along or [], self.members)]
        else:
            steps = self.training_steps
            _, _, activations, delta = self.evaluate(params, x, y, [1.0] * len(x), call)
        unused = [0.0] * self.n_params
        for i in reversed(range(len(steps))):
            delta = steps[i].backward(
                activations[i], activations[i + 1], delta, params, unused, call
            )
        return [[self.scale * value for value in row] for row in delta]

    def _forward(self, steps: list[Step], params: Flat, x: Rows, call: Call) -> list[Rows]:
        """Return what goes into the first step, then what comes out of each."""
        scaled = [
            [self.scale * (v - s) + self.offset for v, s in zip(row, self.shift, strict=True)]
            for row in x
        ]
        if self.augmentation is not None and call.key is not None:
            scaled = self._augmented(scaled, self.augmentation, call)
        activations = [scaled]
        for step in steps:
            activations.append(step.forward(activations[-1], params, call))
        return activations

    def _augmented(self, x: Rows, augmentation: Augmentation, call: Call) -> Rows:
        """Return images as they are seen in training; pixels are like each other unshifted."""
        shift = [self.scale * s for s in self.shift]
        images = [[v + s for v, s in zip(row, shift, strict=True)] for row in x]
        images = augmented(images, augmentation, self.offset, call)
        return [[v - s for v, s in zip(row, shift, strict=True)] for row in images]
