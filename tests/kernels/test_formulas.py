"""Every activation matches the formula of its paper, written a second time over arrays.

Inputs are neither so large nor so small that the plain formula loses digits; what happens
there, the reference decides, which the other tests compare the targets with.
"""

import numpy as np
import pytest
from scipy.special import ndtr

from cynn import reference
from targets import assert_close

INF = np.inf


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def expm1(x):
    return np.exp(x) - 1


# Each formula, and its limits at minus infinity and at infinity.
FORMULAS = {
    "identity": (lambda x: x, -INF, INF),
    "relu": (lambda x: np.maximum(x, 0), 0, INF),
    "leaky_relu": (lambda x: np.maximum(x, 0.01 * x), -INF, INF),
    "sigmoid": (sigmoid, 0, 1),
    "tanh": (lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1), -1, 1),
    "softmax": (softmax, np.nan, np.nan),
    "elu": (lambda x: np.where(x > 0, x, expm1(x)), -1, INF),
    "selu": (
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * expm1(x)),
        -1.0507009873554805 * 1.6732632423543772,
        INF,
    ),
    "softplus": (lambda x: np.log(1 + np.exp(x)), 0, INF),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), 0, 1),
    "silu": (lambda x: x * sigmoid(x), 0, INF),
    "gelu": (lambda x: x * ndtr(x), 0, INF),
    "gelu_tanh": (
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        0,
        INF,
    ),
    "mish": (lambda x: x * np.tanh(np.log(1 + np.exp(x))), 0, INF),
    "exponential": (np.exp, 0, INF),
}


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_an_activation_matches_its_formula(target, name):
    assert name in FORMULAS, f"tests/kernels/test_formulas.py, FORMULAS: add {name!r}"
    formula, *limits = FORMULAS[name]
    x = np.linspace(-6, 6, 1203).astype(np.float32).reshape(3, -1)
    out = np.empty(x.shape, target.dtype)
    getattr(target.module, name)(x.astype(target.dtype), out)
    wanted = formula(x.astype(np.float64))
    # The plain formulas lose the digits of 1 + exp(-6), in float64; hard_sigmoid those of 1 / 2.
    assert_close(out, wanted, target.u * (2 + 16 * np.abs(wanted)) + 1e-13, name)
    at_infinity = np.empty((2, 1), target.dtype)
    getattr(target.module, name)(np.array([[-INF], [INF]], target.dtype), at_infinity)
    assert_close(at_infinity[:, 0], limits, 2 * target.u * 2, name)
