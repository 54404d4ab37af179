"""Networks and weights of other libraries: PyTorch's modules, and scikit-learn's estimators.

Neither library is needed: arrays, and objects with the same attributes, are enough.
"""

from ._sklearn import from_sklearn, set_coefs
from ._torch import from_torch
from ._weights import set_state_dict

__all__ = ["from_sklearn", "from_torch", "set_coefs", "set_state_dict"]
