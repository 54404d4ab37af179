"""Seeing: a network, its training and its mistakes as pictures, drawn by matplotlib.

``pip install 'cynn-learn[plots]'`` brings matplotlib. Every function draws into one Axes, the one
given as ``ax`` or that of a new pyplot figure, and returns it; ``ax.figure.savefig(path)`` writes
the picture. Blue stands for what is positive and orange for what is negative: those two are
told apart with every common kind of colour blindness (Okabe and Ito, Color universal design, 2008).
"""

# A way out: imports `ensemble` and below; imported by `cli`.

from ._agreement import agreement
from ._classes import confusion
from ._curves import curve
from ._images import mistakes, weights
from ._net import network

__all__ = ["agreement", "confusion", "curve", "mistakes", "network", "weights"]
