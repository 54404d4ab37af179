"""Trained networks as C99: one source file and its header, for where Python does not run.

They need a C compiler and, where an activation asks for it, ``math.h``: no memory is allocated, and
nothing is called but what they contain.
"""

from ._writing import export

__all__ = ["export"]
