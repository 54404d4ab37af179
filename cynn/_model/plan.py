"""What a network is told of the layers: its steps, and what its loss finds at their end."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import initializers, layers, losses, optimizers
from .._specs.digits import FAR, middle_of_rescaling
from .._specs.spec import expect_few
from .._specs.validation import shown
from ..schedules import Schedule


def checked_layers(value: Any) -> tuple[layers.Layer, ...]:
    """Return the layers of a model.

    Raises
    ------
    TypeError, ValueError
        If it is no list of them, an empty one, or one of more than may be.
    """
    if isinstance(value, layers.Layer) or not isinstance(value, Iterable):
        raise TypeError(f"layers must be a list of layers, got {shown(value)}")
    checked = tuple(itertools.islice(value, layers.MOST_LAYERS + 1))
    if not checked:
        raise ValueError("layers must hold at least one layer, got none")
    for i, layer in enumerate(checked):
        if not isinstance(layer, layers.Layer):
            raise TypeError(f"layers[{i}] must be a layer such as Dense(10), got {shown(layer)}")
    expect_few("layers", checked, layers.MOST_LAYERS)
    return checked


class Plan(NamedTuple):
    """What a network is told of the layers, whatever its rows are.

    A network takes the size of a row and the first four.

    Attributes
    ----------
    steps : list of tuple
        The network's steps.
    scale, offset : float
        What its input is multiplied by, and what is added to it then, on the way in.
    shift : tuple of float or None
        What is taken off its input before, in float64: one number, or one for each column.
    last_activation : str
        The activation in front of the loss; identity for a user-defined one.
    ends_in_function : bool
        Whether it is unknown what kind of numbers the last layer gives.
    takes_any_shape : bool
        Whether a row may have any shape with as many numbers.
    skips_zeros : bool
        Whether a zero in x is a zero in front of a dense layer, so that sparse rows can be read.
    begins_from_rows : bool
        Whether first weights are finished by the training rows.
    """

    steps: list[tuple[Any, ...]]
    scale: float
    offset: float
    shift: tuple[float, ...] | None
    last_activation: str
    ends_in_function: bool
    takes_any_shape: bool
    skips_zeros: bool
    begins_from_rows: bool


def plan_of(parts: Sequence[layers.Layer], dtype: np.dtype[Any]) -> Plan:
    """Return what a network that computes in `dtype` is told of the layers.

    Raises
    ------
    ValueError
        If a layer has a number that `dtype` cannot hold.
    """
    for i, layer in enumerate(parts):
        expect_held(f"layers[{i}]", layer, layer.step() or (), dtype)
    steps = [step for layer in parts if (step := layer.step()) is not None]
    scale, offset = 1.0, 0.0
    # A rescaling at the head costs nothing: the rows are converted on the way in anyhow.
    while steps and steps[0][0] == "rescale":
        _, factor, shift = steps.pop(0)
        scale, offset = scale * factor, offset * factor + shift
    expect_held("the layers of Rescale together", list(parts), ("rescale", scale, offset), dtype)
    steps = steps or [("activation", "identity")]
    taken_off = None
    if dtype == np.float32:
        offset, taken_off = _shift(scale, offset, steps)
    return Plan(
        steps,
        scale,
        offset,
        taken_off,
        last_activation=_last_activation(parts),
        ends_in_function=not isinstance(getattr(parts[-1], "activation", ""), str),
        takes_any_shape=isinstance(parts[0], layers.Flatten),
        skips_zeros=offset == 0 and taken_off is None and steps[0][0] == "dense",
        begins_from_rows=any(map(begins_from_rows, parts)),
    )


def dense_layers(parts: Iterable[layers.Layer]) -> Iterator[layers.Dense]:
    """Yield the dense layers, those inside of others too."""
    for layer in parts:
        if isinstance(layer, layers.Dense):
            yield layer
        elif isinstance(layer, layers.Residual):
            yield from dense_layers(layer.layers)


def begins_from_rows(layer: layers.Layer) -> bool:
    """Return whether first weights of a layer, or of one in it, are finished by the rows."""
    return any(
        dense.kernel_initializer in initializers.FROM_ROWS
        or dense.bias_initializer in initializers.FROM_ROWS
        for dense in dense_layers([layer])
    )


def _shift(
    scale: float, offset: float, steps: list[tuple[Any, ...]]
) -> tuple[float, tuple[float, ...] | None]:
    """Return the offset that is left, and what is taken off the input of a float32 network before.

    That is None where no column lies far from 0. What is left of the means of a first step of
    `normalize` is written there. A rescaling without one shows too where the input lies.
    """
    if steps[0][0] != "normalize":
        middle = middle_of_rescaling(scale, offset)
        return offset + scale * middle, (middle,) if middle else None
    if scale == 0:
        return offset, None
    mean, std = np.array(steps[0][1]), np.array(steps[0][2])
    with np.errstate(over="ignore"):
        middles = (mean - offset) / scale
    far = (np.maximum(abs(mean), abs(mean - offset)) > FAR * std) & np.isfinite(middles)
    if not far.any():
        return offset, None
    taken_off = np.where(far, middles, 0.0)
    left = mean - (scale * taken_off + offset)
    steps[0] = ("normalize", tuple(left.tolist()), steps[0][2])
    return 0.0, tuple(taken_off.tolist())


def expect_held(name: str, owner: Any, step: Any, dtype: np.dtype[Any]) -> None:
    """Refuse what has a number that would become infinite in `dtype`, or a factor that would be 0.

    Parameters
    ----------
    name : str
        What it is called.
    owner : Layer, Optimizer or Loss
        What is shown in the error.
    step : tuple or list
        The numbers, in lists as the kernels are given them.
    dtype : dtype
        float32 or float64.

    Raises
    ------
    ValueError
        If it has one.
    """
    limits = np.finfo(dtype)
    largest, least = float(limits.max), float(limits.tiny)
    for part in step:
        if isinstance(part, tuple | list):
            expect_held(name, owner, part, dtype)
    numbers = [abs(part) for part in step if isinstance(part, float)]
    invalid = [number for number in numbers if not number <= largest]
    if step[:1] == ("rescale",) and 0 < numbers[0] < least:
        invalid.append(numbers[0])
    if step[:1] == ("normalize",):
        invalid += [number for number in step[2] if number * least > 1]
    if invalid:
        advice = ": give the model dtype='float64'" if dtype == np.float32 else ""
        raise ValueError(
            f"{name} must have numbers that {dtype} holds, got {invalid[0]!r} in "
            f"{owner!r:.100}{advice}"
        )


def _last_activation(parts: Sequence[layers.Layer]) -> str:
    for layer in reversed(parts):
        if isinstance(layer, layers.Dense | layers.Activation | layers.MemberAffine):
            return layer.activation if isinstance(layer.activation, str) else "identity"
        if layer.step() is not None:
            break
    return "identity"


def scheduled_dropouts(parts: Sequence[layers.Layer]) -> list[float | Schedule]:
    """Return the rates of all steps that drop numbers, if any of them changes from step to step."""
    rates = [rate for layer in parts for rate in layer.dropouts()]
    return rates if any(isinstance(rate, Schedule) for rate in rates) else []


class Penalty(NamedTuple):
    """What the size of one dense layer's weights costs.

    Attributes
    ----------
    l1, l2 : float
        ``l1 * sum(abs(W)) + l2 * sum(W**2)`` is added to the loss.
    """

    l1: float = 0.0
    l2: float = 0.0


class Factors(NamedTuple):
    """What the optimizer's numbers are multiplied by for one array of weights."""

    learning_rate: float = 1.0
    weight_decay: float = 1.0


class CompileSettings(NamedTuple):
    """What a network makes small, and how: what its `compile` is given.

    Attributes
    ----------
    loss, rule : str or tuple
        The kernels' loss and update rule, each with its numbers.
    clip_value, clip_norm : float
        The limits of a gradient's numbers and of its norm, infinite for none.
    penalties : list of Penalty
        A line for each dense layer.
    factors : list of Factors
        A line for each array of weights; none where all are 1.
    average : float or None
        How much a step keeps of an average of the weights.
    """

    loss: losses.Kernel
    rule: tuple[str | float, ...]
    clip_value: float
    clip_norm: float
    penalties: list[tuple[float, float]]
    factors: list[tuple[float, float]]
    average: float | None


def compile_settings(
    parts: Sequence[layers.Layer],
    plan: Plan,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    dtype: np.dtype[Any],
) -> CompileSettings:
    """Return what a network of these layers is to make small, and how.

    Raises
    ------
    ValueError
        If the loss cannot take what the last activation gives, or `dtype` cannot hold a number.
    """
    penalties: list[tuple[float, float]] = [
        Penalty(*pair) for layer in parts for pair in layer.penalties()
    ]
    factors: list[tuple[float, float]] = [
        Factors(*pair) for layer in parts for pair in layer.factors()
    ]
    if set(factors) <= {Factors()}:
        factors = []
    kernel, rule = loss.kernel(plan.last_activation), optimizer.kernel()
    expect_held("loss", loss, kernel, dtype)
    expect_held("optimizer", optimizer, (*rule, optimizer.learning_rate), dtype)
    for i, layer in enumerate(parts):
        expect_held(f"layers[{i}]", layer, layer.penalties() + layer.factors(), dtype)
    return CompileSettings(kernel, rule, *optimizer.clips(), penalties, factors, optimizer.average)
