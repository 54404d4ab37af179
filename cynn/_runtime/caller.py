"""Warnings that name the line of the user's program, however deep in cynn they arise."""

import sys
import warnings

INSIDE = ("cynn", "sklearn.base")
"""Modules that no warning points to: cynn's own, and what scikit-learn wraps around a method."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as from the nearest line outside cynn that led here.

    ``warnings.warn(..., skip_file_prefixes=...)`` does the same from Python 3.12 on.

    Parameters
    ----------
    message : str
        What to say.
    category : type, default UserWarning
        The kind of the warning.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_inside(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inside(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in INSIDE)
