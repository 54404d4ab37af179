"""The whole network: parameters, predictions, and training by small steps against the gradient."""

import math
import time
from typing import Any

from .arrays import Flat, MutableVector, Rows, Vector, numbers, rows, write_rows
from .augment import checked_augmentation
from .batches import weights, whole_numbers
from .by_step import StepNumbers, read_steps
from .call import Call, DrawKey, batch_key
from .checks import require_shape
from .optimizers import (
    OPTIMIZERS,
    UpdateStep,
    change_weights,
    clip_gradient,
    decaying,
    follow_weights,
    read_optimizer,
)
from .plan import Plan
from .sparse import SparseRows as SparseRows  # what this network reads beside lists and arrays


class Network:
    """Steps in a row, their parameters, and the optimizer's memory.

    Parameters
    ----------
    n_inputs : int
        Numbers in a row of x.
    steps : list of tuple
        In order, each as its kind in `cynn.reference.steps.STEPS` describes it, such as
        ``("dense", n_out, activation)``.
    scale, offset : float
        What x goes through on its way in: ``scale * (x - shift) + offset``.
    shift : tuple of float, optional
        One number, or one for each column; none by default. It is taken off in float64, so that
        numbers that are large and lie close to each other keep what tells them apart.

    Attributes
    ----------
    n_inputs, n_outputs, n_params, n_state : int
        Numbers in a row of x, in a row of predictions, in the flat parameters, and in the flat
        running statistics.
    seek_zeros : bool
        A compiled network then skips the zeros of dense rows; here it changes nothing.
    keeps_threads : bool
        A compiled network's threads then stay from one training to the next; here there are none.
    slot_names : tuple of str
        What the optimizer keeps for each parameter. Where the parameters are an average over the
        steps, ``"unaveraged"`` is one of them: the parameters that the optimizer moves.
    updates : int
        Steps that the optimizer has done.
    penalty_of_sum : bool
        Whether penalties are part of a batch's summed loss, and not of its mean.

    Examples
    --------
    Exclusive or, the task that one layer cannot do:

    >>> from cynn.reference import initial_weights
    >>> network = Network(2, [("dense", 4, "tanh"), ("dense", 2, "softmax")])
    >>> flat = []
    >>> for n_in, n_out, activation in ((2, 4, "tanh"), (4, 2, "softmax")):
    ...     w = initial_weights(n_in, n_out, seed=1, activation=activation)
    ...     flat += [value for row in w for value in row] + [0.0] * n_out
    >>> network.set_params(flat)
    >>> network.compile("softmax_cross_entropy")
    >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> for epoch in range(200):
    ...     _ = network.train_epoch(
    ...         x, y, None, [0, 1, 2, 3], ([0.5], [0.9]), 4, 0, float("inf"), None, 1)
    >>> out = [[0.0, 0.0] for _ in x]
    >>> network.predict(x, out, 1)
    >>> [row.index(max(row)) for row in out]
    [0, 1, 1, 0]
    """

    def __init__(
        self,
        n_inputs: int,
        steps: list[tuple[Any, ...]],
        scale: float = 1.0,
        offset: float = 0.0,
        shift: tuple[float, ...] | None = None,
    ) -> None:
        self._plan = Plan(n_inputs, steps, scale, offset, shift)
        self.n_inputs, self.n_outputs = n_inputs, self._plan.n_outputs
        self.n_params = self._plan.n_params
        self._params = [0.0] * self.n_params
        self.n_state, self._state = self._plan.n_state, self._plan.initial_state()
        self.slot_names: tuple[str, ...] = ()
        self._slots: list[Flat] = []
        self._average: float | None = None
        self._unaveraged: Flat | None = None  # None: the same as the parameters
        self._scalars: dict[str, float] = {}
        self.updates = 0
        self.penalty_of_sum = False
        self._factors: list[tuple[float, float]] | None = None
        self._compiled = False
        self._sums = (0.0, 0.0)
        self.seek_zeros = self.keeps_threads = False

    @property
    def augmentation(self) -> tuple[int, int, int, float, float] | None:
        """How images change in training: height, width, shift, angle and noise, or None."""
        return self._plan.augmentation

    @augmentation.setter
    def augmentation(self, settings: tuple[int, int, int, float, float] | None) -> None:
        augmentation = None if settings is None else checked_augmentation(settings, self.n_inputs)
        self._plan.augmentation = augmentation

    def get_params(self, out: MutableVector) -> None:
        """Write the parameters: for each dense step W row by row, then b.

        Parameters
        ----------
        out : vector (n_params,)
            Written.

        Raises
        ------
        ValueError
            If it is of another length.
        """
        self._copy("get_params", "out", out, self._params, out)

    def set_params(self, flat: Vector) -> None:
        """Set the parameters, in the order of `get_params`; an average of them goes on from there.

        Parameters
        ----------
        flat : vector (n_params,)
            The numbers, which are copied.

        Raises
        ------
        ValueError
            If it is of another length.
        """
        self._copy("set_params", "flat", flat, numbers(flat), self._params)
        self._unaveraged = None

    def is_finite(self) -> bool:
        """Return whether no parameter is NaN or infinite.

        Returns
        -------
        bool
            False after a training that has diverged.
        """
        return all(map(math.isfinite, self._params))

    def set_part(self, slot: str | None, start: int, flat: Vector) -> None:
        """Set some of the parameters, or of a slot, in the order of `get_params`.

        Parameters
        ----------
        slot : str or None
            One of `slot_names`; None: the parameters.
        start : int
            The number of the first of them, from 0.
        flat : vector
            The numbers from there on, which are copied; not more than there are.

        Raises
        ------
        ValueError
            If there is no such slot, or not so many numbers.

        Examples
        --------
        >>> network = Network(1, [("dense", 2, "identity")])
        >>> network.set_part(None, 1, [5, 6])
        >>> out = [None] * 4
        >>> network.get_params(out)
        >>> out
        [0.0, 5.0, 6.0, 0.0]
        """
        end = start + len(flat)
        if not 0 <= start <= end <= self.n_params:
            raise ValueError(f"network: flat must end within {self.n_params} numbers, got {end}")
        to = self._params if slot is None else self._slot(slot)
        if slot is None:
            self._unaveraged = None
        elif slot == "unaveraged":
            self._unaveraged = to
        to[start:end] = numbers(flat)

    def get_state(self, out: MutableVector) -> None:
        """Write the running statistics: for each batch_norm step the means, then the variances.

        Parameters
        ----------
        out : vector (n_state,)
            Written.

        Raises
        ------
        ValueError
            If it is of another length.
        """
        require_shape("get_state", "out", out, (self.n_state,))
        for i, value in enumerate(self._state):
            out[i] = value

    def set_state(self, flat: Vector) -> None:
        """Set the running statistics, in the order of `get_state`.

        Parameters
        ----------
        flat : vector (n_state,)
            The numbers, which are copied.

        Raises
        ------
        ValueError
            If it is of another length.
        """
        require_shape("set_state", "flat", flat, (self.n_state,))
        self._state = numbers(flat)

    def get_slot(self, name: str, out: MutableVector) -> None:
        """Write a slot of the optimizer, in the order of `get_params`.

        Parameters
        ----------
        name : str
            One of `slot_names`.
        out : vector (n_params,)
            Written.

        Raises
        ------
        ValueError
            If there is no such slot, or the vector is of another length.
        """
        self._copy("get_slot", "out", out, self._slot(name), out)

    def set_slot(self, name: str, flat: Vector) -> None:
        """Set a slot of the optimizer, in the order of `get_params`.

        Parameters
        ----------
        name : str
            One of `slot_names`.
        flat : vector (n_params,)
            The numbers, which are copied.

        Raises
        ------
        ValueError
            If there is no such slot, or the vector is of another length.
        """
        to = self._slot(name)
        self._copy("set_slot", "flat", flat, numbers(flat), to)
        if name == "unaveraged":
            self._unaveraged = to if any(to) else None

    @property
    def scalars(self) -> dict[str, float]:
        """What the optimizer keeps, one number for all parameters, by name."""
        return dict(self._scalars)

    @scalars.setter
    def scalars(self, values: dict[str, float]) -> None:
        if values.keys() != self._scalars.keys():
            raise ValueError(f"network: scalars must be {list(self._scalars)}, got {list(values)}")
        self._scalars = {name: float(values[name]) for name in self._scalars}

    def _slot(self, name: str) -> Flat:
        if name not in self.slot_names:
            raise ValueError(f"network: slot must be one of {self.slot_names}, got {name!r}")
        if name == "unaveraged":
            return [0.0] * self.n_params if self._unaveraged is None else self._unaveraged
        return self._slots[self.slot_names.index(name)]

    def compile(
        self,
        loss: str | tuple[Any, ...],
        optimizer: tuple[Any, ...] = ("sgd", 0.0, 0.0),
        clip_value: float = math.inf,
        clip_norm: float = math.inf,
        penalties: list[tuple[float, float]] | None = None,
        factors: list[tuple[float, float]] | None = None,
        average: float | None = None,
    ) -> None:
        """Choose the loss, and the optimizer, whose state starts anew.

        Parameters
        ----------
        loss : str or tuple
            One of `LOSSES`, ``(name, number)`` of one that has a number of its own, of "quantile"
            also a tuple with one for each output, or ``("function", what is asked)``. One that is
            fused with an activation goes with a last step of that activation, or of none.
        optimizer : tuple
            A name in `OPTIMIZERS`, then its numbers.
        clip_value, clip_norm : float
            The largest number in a gradient, and then the largest norm of the whole of it.
        penalties : list of (float, float), optional
            For each dense step l1 and l2: the loss has ``l1 * sum(abs(W)) + l2 * sum(W**2)`` more.
        factors : list of (float, float), optional
            For each array of weights what its learning rate and its weight decay are multiplied by;
            by 0 and its weights stay as they are.
        average : float, optional
            If given, at least 0 and less than 1, the parameters are an average over the steps, of
            which each step keeps so much. It is divided by what is missing at first, as the moments
            of Adam: nothing is in it of the parameters before the first step.

        Raises
        ------
        ValueError
            If one is not as described.
        """
        optimizer_numbers = read_optimizer(optimizer)
        if not (clip_value > 0 and clip_norm > 0):
            raise ValueError(
                f"compile: clip_value and clip_norm must be above 0, got {clip_value}, {clip_norm}"
            )
        if average is not None and not 0.0 <= average < 1.0:
            raise ValueError(f"compile: average must be at least 0 and less than 1, got {average}")
        spread = self._spread_factors(factors) if factors else None
        self._plan.compile(loss, penalties or [])
        self._factors = spread
        names, self.slot_names, self._scalars = OPTIMIZERS[optimizer[0]]
        self._optimizer, self._clips = optimizer, (clip_value, clip_norm)
        self._slots = [[0.0] * self.n_params for _ in self.slot_names]
        if "initial" in names:
            self._slots[0] = [optimizer_numbers[names.index("initial")]] * self.n_params
        self._average, self._unaveraged = average, None
        if average is not None:
            self.slot_names = (*self.slot_names, "unaveraged")
        self.updates = 0
        self._compiled = True

    def train_epoch(
        self,
        x: Any,
        y: Any,
        weight: Any,
        order: Any,
        values: Any,
        batch_size: int,
        start: int,
        seconds: float,
        outputs: Any,
        threads: int,
        draw_key: DrawKey = (0, 0, 0, 0),
    ) -> tuple[int, float, float]:
        """Train on the rows that `order` names, a batch at a time: one step for each batch.

        A step's gradient is the weighted mean of its rows' gradients. A batch whose weights sum
        to 0 changes nothing. A batch whose loss is not finite is the last and changes no parameter.

        Parameters
        ----------
        x : matrix (n, n_inputs)
            Inputs.
        y : vector (n,) of int or matrix (n, n_outputs)
            Labels, or the outputs that are wanted.
        weight : vector (n,) or None
            How much each row counts; None for 1 each.
        order : vector of int
            Row numbers, in the order of training.
        values : sequence
            What changes by step, as `cynn.reference.by_step.read_steps` has it: vectors of learning
            rates and momenta, and, each if it changes, weight decays, rates of dropout and the
            loss's numbers.
        batch_size : int
            Rows in a batch; the last one takes what is left.
        start : int
            The step to begin with.
        seconds : float
            Stop after the step at whose end so much time has passed; inf for never.
        outputs : matrix (len(order), n_outputs) or None
            If given, row i receives the prediction for row ``order[i]``, made before its step.
        threads : int
            Ignored here.
        draw_key : tuple of int
            When in a training that is, for what is drawn by chance: the seed, the epoch, the number
            of the first batch in it, and 0.

        Returns
        -------
        next_step : int
            The step to go on with; the number of steps when the epoch is over.
        loss_sum, weight_sum : float
            Sums of weight times loss, and of weight, over the rows done since step 0: where time
            cuts an epoch changes no bit of them. Where the first is not finite, the training ended
            with the step before `next_step`.

        Raises
        ------
        ValueError
            If an argument does not fit the others.
        """
        start_time = time.monotonic()
        self._require_compiled("train_epoch")
        require_shape("train_epoch", "x", x, (None, self.n_inputs))
        n_rows, weight = len(x), weights("train_epoch", weight, len(x))
        if start == 0:  # all of them: what is wrong with one is an error before the first step
            self._plan.targets("train_epoch", y, n_rows)
        if not self._plan.asks_for_loss and hasattr(y, "tolist"):
            y = y.tolist()
        order = whole_numbers("train_epoch", "order", order, n_rows)
        if batch_size < 1:
            raise ValueError(f"train_epoch: batch_size must be at least 1, got {batch_size}")
        n_steps = -(-len(order) // batch_size)
        if not 0 <= start <= n_steps:
            raise ValueError(f"train_epoch: start must be from 0 to {n_steps}, got {start}")
        steps = self._read_steps("train_epoch", values, n_steps)
        if outputs is not None:
            require_shape("train_epoch", "outputs", outputs, (len(order), self.n_outputs))
        if start == 0:
            self._sums = (0.0, 0.0)
        loss_sum, weight_sum = self._sums
        seed, epoch, first_step, place = draw_key
        step = start
        while step < n_steps:
            first = step * batch_size
            batch_rows = order[first : first + batch_size]
            batch_x = rows([x[r] for r in batch_rows])  # not all rows in each slice of an epoch
            batch_y = self._plan.targets("train_epoch", [y[r] for r in batch_rows], len(batch_rows))
            batch_weight = [weight[r] for r in batch_rows]
            total = sum(batch_weight)
            key = batch_key((seed, epoch, first_step + step, place))
            of_step = steps[step]
            call = Call(
                list(self._state), key, place, total != 0.0, of_step.dropouts, of_step.loss_number
            )
            gradient, loss, predictions = self._plan.gradient(
                self._moved, batch_x, batch_y, batch_weight, call
            )
            self._state = call.state  # nothing has failed
            if outputs is not None:
                write_rows(predictions, outputs, first)
            if total != 0.0:
                scale = 1.0 if self.penalty_of_sum else total
                loss += self._plan.add_penalties(self._moved, scale, gradient)
                if math.isfinite(loss):
                    self.update([g / total for g in gradient], *of_step[:3])
            loss_sum += loss
            weight_sum += total
            step += 1
            if not math.isfinite(loss_sum) or time.monotonic() - start_time >= seconds:
                break
        self._sums = (loss_sum, weight_sum)
        return step, loss_sum, weight_sum

    def evaluate(
        self, x: Any, y: Any, weight: Any, outputs: Any, threads: int
    ) -> tuple[float, float]:
        """Return the sums of weight times loss and of weight.

        Parameters
        ----------
        x : matrix (n, n_inputs)
            The inputs.
        y : vector (n,) of int or matrix (n, n_outputs)
            Labels, or the outputs that are wanted.
        weight : vector (n,) or None
            The weight of each row; None for 1 each.
        outputs : matrix (n, n_outputs) or None
            Written, if given: the predictions.
        threads : int
            Ignored here.

        Returns
        -------
        loss_sum : float
            The sum of weight times loss, penalties included.
        weight_sum : float
            The sum of the weights.

        Raises
        ------
        ValueError
            If an argument does not fit the others, or no loss was chosen.
        """
        data = self._data("evaluate", x, y, weight)
        if outputs is not None:
            require_shape("evaluate", "outputs", outputs, (len(data[0]), self.n_outputs))
        loss, predictions, _, _ = self._plan.evaluate(self._params, *data, Call(self._state))
        if outputs is not None:
            write_rows(predictions, outputs, 0)
        if data[0]:
            loss += self._plan.add_penalties(self._params, self._scale(data[2]))
        return loss, sum(data[2])

    def predict(self, x: Any, out: Any, threads: int) -> None:
        """Write the output of the last step for every row of `x`.

        Parameters
        ----------
        x : matrix (n, n_inputs)
            The inputs.
        out : matrix (n, n_outputs)
            Written.
        threads : int
            Ignored here.

        Raises
        ------
        ValueError
            If the shapes do not agree.
        """
        require_shape("predict", "x", x, (None, self.n_inputs))
        require_shape("predict", "out", out, (len(x), self.n_outputs))
        write_rows(self._plan.predict(self._params, rows(x), Call(self._state)), out, 0)

    def gradients(
        self,
        x: Any,
        y: Any,
        weight: Any,
        out: MutableVector,
        threads: int,
        draw_key: DrawKey | None = None,
        outputs: Any = None,
        values: Any = None,
    ) -> tuple[float, float]:
        """Write the gradient of the sum of weight times loss, and return that sum.

        Parameters
        ----------
        x : matrix (n, n_inputs)
            The inputs.
        y : vector (n,) of int or matrix (n, n_outputs)
            Labels, or the outputs that are wanted.
        weight : vector (n,) or None
            The weight of each row; None for 1 each.
        out : vector (n_params,)
            Written: the gradient, in the order of `get_params`.
        threads : int
            Ignored here.
        draw_key : tuple of int, optional
            As for `train_epoch`, but that it ends with the place of the first row in its batch: the
            steps are then as in training. By default they are as in `evaluate`.
        outputs : matrix (n, n_outputs), optional
            Written, if given: the predictions.
        values : sequence, optional
            As for `train_epoch`, of one step.

        Returns
        -------
        loss_sum : float
            The sum of weight times loss, penalties included.
        weight_sum : float
            The sum of the weights.

        Raises
        ------
        ValueError
            If an argument does not fit the others, or no loss was chosen.
        """
        data = self._data("gradients", x, y, weight)
        call, params = Call(self._state), self._params
        if draw_key is not None:
            params = self._moved
            call = Call(list(self._state), batch_key(draw_key), draw_key[3])
        if values is not None:
            (of_step,) = self._read_steps("gradients", values, 1)
            call.dropouts, call.loss_number = of_step.dropouts, of_step.loss_number
        if outputs is not None:
            require_shape("gradients", "outputs", outputs, (len(data[0]), self.n_outputs))
        gradient, loss, predictions = self._plan.gradient(params, *data, call)
        self._state = call.state
        if outputs is not None:
            write_rows(predictions, outputs, 0)
        if data[0]:
            loss += self._plan.add_penalties(params, self._scale(data[2]), gradient)
        self._copy("gradients", "out", out, gradient, out)
        return loss, sum(data[2])

    def input_gradient(self, x: Any, y: Any, along: Any, out: Any, threads: int) -> None:
        """Write the gradient of the loss of each row with respect to `x`.

        Parameters
        ----------
        x : matrix (n, n_inputs)
            Inputs.
        y : vector (n,) of int or matrix (n, n_outputs), or None
            The targets of the loss.
        along : matrix (n, n_outputs) or None
            In the place of `y`: the gradient is that of the outputs, each times its number here,
            and added up.
        out : matrix (n, n_inputs)
            Written.
        threads : int
            Ignored here.

        Raises
        ------
        ValueError
            If an argument does not fit the others, or both of `y` and `along` come, or neither.
        """
        if (y is None) == (along is None):
            raise ValueError("input_gradient: exactly one of y and along must be given")
        require_shape("input_gradient", "out", out, (len(x), self.n_inputs))
        if y is not None:
            data = self._data("input_gradient", x, y, None)
            gradient = self._plan.input_gradient(self._params, *data[:2], None, Call(self._state))
        else:
            require_shape("input_gradient", "x", x, (None, self.n_inputs))
            require_shape("input_gradient", "along", along, (len(x), self.n_outputs))
            call = Call(self._state)
            gradient = self._plan.input_gradient(self._params, rows(x), None, rows(along), call)
        write_rows(gradient, out, 0)

    def update(
        self,
        gradient: Vector,
        learning_rate: float,
        momentum: float,
        weight_decay: float | None = None,
    ) -> None:
        """Take one step of the optimizer from a gradient in the order of `get_params`.

        The gradient is clipped first; the penalties are in it already.

        Parameters
        ----------
        gradient : vector (n_params,)
            The gradient of the loss.
        learning_rate : float
            The length of the step.
        momentum : float
            How much of the previous steps is kept, by an optimizer that has a momentum.
        weight_decay : float, optional
            That of the step, if it is another than the optimizer's.

        Raises
        ------
        ValueError
            If `gradient` is of another length, or no optimizer was chosen.
        """
        self._require_compiled("update")
        require_shape("update", "gradient", gradient, (self.n_params,))
        clipped = clip_gradient(numbers(gradient), *self._clips)
        self.updates += 1
        scalars = list(self._scalars.values())
        if self._average is not None and self._unaveraged is None:
            self._unaveraged = list(self._params)
        change_weights(
            self._moved, clipped, self._slots, decaying(self._optimizer, weight_decay),
            UpdateStep(learning_rate, momentum, self.updates, scalars), self._factors,
        )  # fmt: skip
        self.scalars = dict(zip(self._scalars, scalars, strict=True))
        if self._average is not None:
            follow_weights(self._params, self._moved, self._average, self.updates)

    @property
    def _moved(self) -> Flat:
        """The parameters that the optimizer moves, beside an average of them or not."""
        return self._params if self._unaveraged is None else self._unaveraged

    def _scale(self, weight: Flat) -> float:
        """Return what penalties count beside the summed loss of such rows."""
        return 1.0 if self.penalty_of_sum else sum(weight)

    def _read_steps(self, function: str, values: Any, n_steps: int) -> list[StepNumbers]:
        steps = read_steps(function, values, n_steps, self._plan.n_draws)
        if not self._plan.takes_number and any(step.loss_number is not None for step in steps):
            raise ValueError(
                f"{function}: the loss's numbers must be None for a loss without one, got some"
            )
        return steps

    def _spread_factors(self, factors: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Return the factors of each parameter, from those of each array."""
        sizes = self._plan.arrays()
        if len(factors) != len(sizes):
            raise ValueError(f"compile: factors must be {len(sizes)} pairs, got {len(factors)}")
        for pair in factors:
            if not all(0.0 <= number < math.inf for number in pair):
                raise ValueError(f"compile: factors must be finite and not negative, got {pair}")
        return [pair for pair, n in zip(factors, sizes, strict=True) for _ in range(n)]

    def _data(self, function: str, x: Any, y: Any, weight: Any) -> tuple[Rows, Rows, Flat]:
        self._require_compiled(function)
        require_shape(function, "x", x, (None, self.n_inputs))
        targets = self._plan.targets(function, y, len(x))
        return rows(x), targets, weights(function, weight, len(x))

    def _require_compiled(self, function: str) -> None:
        if not self._compiled:
            raise ValueError(
                f"{function}: network must be compiled with a loss first: call compile"
            )

    def _copy(
        self, function: str, name: str, argument: Vector, source: Flat, to: MutableVector
    ) -> None:
        require_shape(function, name, argument, (self.n_params,))
        for i, value in enumerate(source):
            to[i] = value
