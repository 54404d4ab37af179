"""What changes from step to step of a training: the numbers of each step."""

from typing import Any, NamedTuple

from .arrays import Flat, numbers, rows
from .checks import require_shape


class StepNumbers(NamedTuple):
    """The numbers of one step; None is what the optimizer, the steps and the loss have themselves.

    `dropouts` are the rates of the steps that draw, `loss_number` is the loss's own argument.
    """

    learning_rate: float
    momentum: float
    weight_decay: float | None = None
    dropouts: Flat | None = None
    loss_number: float | None = None


def read_steps(function: str, values: Any, n_steps: int, n_draws: int) -> list[StepNumbers]:
    """Return the numbers of each step.

    Parameters
    ----------
    function : str
        Who asks, for the message.
    values : sequence
        Vectors (n_steps,) of learning rates and of momenta; then, each of them None or left out
        where it does not change, weight decays, a matrix (n_steps, n_draws) of rates of dropout,
        and the loss's numbers.
    n_steps, n_draws : int
        How many steps, and how many steps of the network draw.

    Returns
    -------
    list of StepNumbers
        One for each step.

    Raises
    ------
    ValueError
        If an array has another shape, or a rate of dropout is not at least 0 and less than 1.

    Examples
    --------
    >>> read_steps("train_epoch", ([0.1, 0.2], [0.9, 0.9], [0.5, 0.0]), 2, 0)[0]
    StepNumbers(learning_rate=0.1, momentum=0.9, weight_decay=0.5, dropouts=None, loss_number=None)
    """
    rates, momenta, decays, dropouts, loss_numbers = (*values, None, None, None)[:5]
    columns: list[Any] = []
    for name, given in (
        ("rates", rates), ("momenta", momenta), ("weight decays", decays),
        ("the loss's numbers", loss_numbers),
    ):  # fmt: skip
        if given is None and name not in ("rates", "momenta"):
            columns.append([None] * n_steps)
            continue
        require_shape(function, name, given, (n_steps,))
        columns.append(numbers(given))
    lines: list[Any] = [None] * n_steps
    if dropouts is not None:
        require_shape(function, "dropouts", dropouts, (n_steps, n_draws))
        lines = rows(dropouts)
        for rate in (rate for line in lines for rate in line):
            if not 0 <= rate < 1:
                raise ValueError(
                    f"{function}: dropouts must be at least 0 and less than 1, got {rate}"
                )
    *first, last = columns
    return [StepNumbers(*each) for each in zip(*first, lines, last, strict=True)]
