"""Factors of a layer's weights: one for all of them, or each by its name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .names import near
from .validation import number, shown

WANTED = "a finite number of at least 0"


class ByName(Mapping[str, float]):
    """Factors by the names of weights; as other arguments of a spec it does not change.

    Examples
    --------
    >>> factors = ByName({"bias": 0.1})
    >>> factors, factors == {"bias": 0.1}, hash(factors) == hash(ByName({"bias": 0.1}))
    ({'bias': 0.1}, True, True)
    """

    def __init__(self, factors: Mapping[str, float]) -> None:
        self._factors = dict(factors)

    def __getitem__(self, name: str) -> float:
        """Return the factor of a name."""
        return self._factors[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._factors)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._factors)

    def __repr__(self) -> str:
        """Write them as a dictionary."""
        return repr(self._factors)

    def __hash__(self) -> int:
        """Hash by what they are."""
        return hash(frozenset(self._factors.items()))


def checked_factor(name: str, value: Any, names: Sequence[str]) -> float | ByName:
    """Return a factor, or factors by the names of weights.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came for it.
    names : sequence of str
        The names that there are; none where one factor has to serve for all.

    Returns
    -------
    float or ByName
        The factor of all weights, or those of some by name.

    Raises
    ------
    TypeError, ValueError
        If one is not a finite number of at least 0, or a name is unknown.

    Examples
    --------
    >>> checked_factor("learning_rate_factor", {"bias": 0.1}, ["weight", "bias"])
    {'bias': 0.1}
    >>> checked_factor("learning_rate_factor", {"kernel": 0.1}, ["weight", "bias"])
    Traceback (most recent call last):
    ValueError: learning_rate_factor must have names among 'weight', 'bias', got 'kernel'
    """
    if not (names and isinstance(value, Mapping)):
        wanted = WANTED + (", or such numbers by the names of weights" if names else "")
        return number(name, value, wanted, lambda factor: factor >= 0)
    for key in value:
        if key not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(
                f"{name} must have names among {known}, got {shown(key)}{near(key, names)}"
            )
    return ByName(
        {
            key: number(f"{name}[{key!r}]", each, WANTED, lambda factor: factor >= 0)
            for key, each in value.items()
        }
    )


def factor_of(factors: float | Mapping[str, float], name: str) -> float:
    """Return the factor of the weights of that name: 1 where it is not named.

    Examples
    --------
    >>> factor_of({"bias": 0.1}, "bias"), factor_of({"bias": 0.1}, "weight"), factor_of(2.0, "bias")
    (0.1, 1.0, 2.0)
    """
    return factors.get(name, 1.0) if isinstance(factors, Mapping) else factors
