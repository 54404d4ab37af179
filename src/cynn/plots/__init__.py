"""Seeing: a network, its training and its mistakes as pictures, drawn by matplotlib.

``pip install 'cynn-learn[plots]'`` brings matplotlib. Every function draws into one Axes, the one
given as ``ax`` or that of a new pyplot figure, and returns it; ``ax.figure.savefig(path)`` writes
the picture. Blue stands for what is positive and orange for what is negative: those two are
told apart with every common kind of colour blindness (Okabe and Ito, Color universal design, 2008).
"""

from .classes import confusion
from .curves import curve
from .images import mistakes, weights
from .net import network
from .values import agreement

__all__ = ["agreement", "confusion", "curve", "mistakes", "network", "weights"]
