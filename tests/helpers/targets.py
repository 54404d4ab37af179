"""The targets to test, and what several test files share.

A target is a module of kernels: one compiled for some processors and one precision,
or `cynn.reference`, in plain Python, which the compiled ones are compared with.
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from cynn import _backend


@dataclass(frozen=True)
class Target:
    name: str
    dtype: str

    @property
    def module(self) -> ModuleType:
        return _backend.load(self.name, self.dtype)

    @property
    def real(self) -> np.dtype:
        return np.dtype(self.dtype)

    @property
    def u(self) -> float:
        """Return the unit roundoff: the largest relative error of one rounded operation."""
        return float(np.finfo(self.dtype).eps) / 2

    @property
    def tiny(self) -> float:
        return float(np.finfo(self.dtype).tiny)

    @property
    def is_reference(self) -> bool:
        return self.name == "reference"

    def __str__(self) -> str:
        return f"{self.name}_{self.dtype}"


TARGETS = [
    Target(name, dtype) for name in _backend.available_targets() for dtype in ("float32", "float64")
]

GUARD = 67  # numbers before and after a guarded array; odd, so that nothing is aligned by luck


def guarded(values, dtype) -> np.ndarray:
    """Copy `values` to the middle of a larger buffer of NaN.

    What is read beyond either end turns results into NaN, what is written there is seen by
    `assert_guards_intact`.
    """
    values = np.asarray(values)
    buffer = np.full(values.size + 2 * GUARD, np.nan, dtype)
    view = buffer[GUARD : GUARD + values.size].reshape(values.shape)
    view[...] = values
    return view


def assert_guards_intact(view: np.ndarray, case: object = "") -> None:
    buffer = view
    while buffer.base is not None:
        buffer = buffer.base
    assert np.isnan(buffer[:GUARD]).all(), f"{case}: wrote before the output"
    assert np.isnan(buffer[-GUARD:]).all(), f"{case}: wrote past the output"


def assert_close(got, want, bound, case: object = "") -> None:
    """Compare elementwise: NaN where NaN is expected, infinities equal, others within `bound`.

    Parameters
    ----------
    got, want : array_like
        The actual and the expected values.
    bound : float or array_like
        The largest absolute error allowed, for each element.
    case : object
        Shown when the comparison fails.
    """
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, f"{case}: shape {got.shape}, wanted {want.shape}"
    with np.errstate(invalid="ignore"):
        near = np.isfinite(want) & (np.abs(got - want) <= bound)
    right = near | (got == want) | (np.isnan(got) & np.isnan(want))
    if not right.all():
        at = tuple(int(i) for i in np.argwhere(~right)[0])
        limit = np.broadcast_to(np.asarray(bound, np.float64), want.shape)[at]
        raise AssertionError(
            f"{case}: {np.count_nonzero(~right)} of {right.size} numbers differ; at {at}"
            f" {got[at]!r} came, {want[at]!r} is wanted, {limit:.3g} is allowed"
        )
