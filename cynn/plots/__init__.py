"""Seeing: a network, its training and its mistakes as pictures, drawn by matplotlib.

``pip install 'cynn-learn[plots]'`` brings matplotlib. Every function draws into one Axes, the one
given as ``ax`` or that of a new pyplot figure, and returns it; ``ax.figure.savefig(path)`` writes
the picture. Blue stands for what is positive and orange for what is negative: those two are
told apart with every common kind of colour blindness (Okabe and Ito, Color universal design, 2008).
A picture follows matplotlib's style, light or dark.
"""

# A way out: imports `inspection`, `tuning` and below; imported by `cli`.

from ._activations import activations
from ._agreement import agreement
from ._classes import confusion
from ._columns import dependence, importance
from ._curves import curve
from ._images import mistakes, weights
from ._layers import weight_distribution
from ._net import network
from ._probabilities import calibration, precision_recall, roc
from ._rates import learning_rates
from ._regions import regions

__all__ = [
    "activations",
    "agreement",
    "calibration",
    "confusion",
    "curve",
    "dependence",
    "importance",
    "learning_rates",
    "mistakes",
    "network",
    "precision_recall",
    "regions",
    "roc",
    "weight_distribution",
    "weights",
]
