"""The reference's functions that return give what those of every target write."""

import numpy as np
import pytest

from cynn import reference
from differences import ALLOWED, differences
from targets import assert_close

RNG = np.random.default_rng(0)
# Away from the kinks, where a rounding error decides the slope.
X, W, B = np.sign(RNG.normal(size=(5, 7))), RNG.uniform(0.1, 0.3, (7, 3)), np.full(3, 0.05)
GRAD = RNG.normal(size=(5, 3))
TOLERANCE = 1e-12


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_a_layer_forward_and_backward(target64, name):
    z, y, delta = np.empty((3, 5, 3))
    target64.module.dense_forward(X, W, B, "identity", z)
    target64.module.dense_forward(X, W, B, name, y)
    assert_close(np.array(reference.forward(X, W, B, name)), y, TOLERANCE)
    assert_close(np.array(reference.activated(z, name)), y, TOLERANCE)

    kept = z if name in reference.FROM_INPUT else y
    getattr(target64.module, f"{name}_backward")(kept, GRAD, delta)
    wanted = np.empty_like(X), np.empty_like(W), np.empty_like(B)
    target64.module.dense_backward(X, W, delta, *wanted)
    found = reference.backward(X.tolist(), W.tolist(), B.tolist(), GRAD.tolist(), name)
    for array, expected in zip(found, wanted, strict=True):
        assert isinstance(array, list)
        assert_close(np.array(array), expected, TOLERANCE)


@pytest.mark.parametrize("name", reference.LOSSES)
def test_an_error_is_of_the_mean(target64, name):
    prediction, target = RNG.uniform(0.1, 0.9, (2, 5, 3))
    out, delta = np.empty((2, 5, 3))
    weight = np.full(5, 1 / 5)
    wanted = getattr(target64.module, name)(prediction, target, weight, out, delta)
    loss, gradient = reference.error(prediction, target, name)
    assert loss == pytest.approx(wanted, rel=1e-9)
    assert_close(np.array(gradient), delta, 1e-9)


def test_products_and_steps():
    assert np.allclose(reference.product(X, W), X @ W, rtol=0, atol=TOLERANCE)
    assert reference.transposed(W) == W.T.tolist()
    assert np.allclose(reference.updated(W, 2 * W, 0.25), W / 2, rtol=0, atol=TOLERANCE)
    assert np.allclose(reference.updated(B, B, 1.0), np.zeros(3), rtol=0, atol=TOLERANCE)
    kept = [[1.0]]
    assert reference.updated(kept, [[1.0]], 1.0) == [[0.0]] and kept == [[1.0]]


def test_two_layers_a_line_each():
    w2, b2 = RNG.normal(size=(3, 4)), RNG.normal(size=4)
    target = np.eye(4)[[0, 1, 2, 3, 0]]
    w1, b1 = W.copy(), B.copy()

    def predicted():
        return reference.forward(reference.forward(X, w1, b1, "tanh"), w2, b2)

    h = reference.forward(X, w1, b1, "tanh")
    _, grad_z = reference.error(predicted(), target)
    grad_h, *found2 = reference.backward(h, w2, b2, grad_z)
    _, *found1 = reference.backward(X, w1, b1, grad_h, "tanh")
    for array, found in zip((w1, b1, w2, b2), (*found1, *found2), strict=True):
        wanted = differences(lambda: reference.error(predicted(), target)[0], array)
        assert_close(np.array(found), wanted, ALLOWED)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("product", ([[1.0]], [[1.0], [2.0]]), r"b must have shape \(1, 1\), got \(2, 1\)"),
        ("transposed", ([1.0],), "x must have 2 dimensions, got 1"),
        ("activated", ([[1.0]], "rellu"), "activation must be one of .*, got 'rellu'"),
        ("forward", ([[1.0]], [[1.0]], [0.0], "rellu"), "activation must be one of"),
        ("forward", ([[1.0]], [[1.0, 2.0]], [0.0]), r"b must have shape \(2,\), got \(1,\)"),
        ("error", ([[1.0]], [[1.0]], "mse"), "loss must be one of .*, got 'mse'"),
        ("error", ([], []), "prediction must have at least one row, got 0"),
        ("error", ([[1.0]], [[1.0, 0.0]]), r"target must have shape \(1, 1\), got \(1, 2\)"),
        ("backward", ([[1.0]], [[1.0]], [0.0], [[1.0, 2.0]]), "grad_y must have shape"),
        ("updated", ([[1.0]], [1.0], 0.1), "gradient must have 2 dimensions, got 1"),
        ("updated", ([1.0], [1.0, 2.0], 0.1), r"gradient must have shape \(1,\), got \(2,\)"),
    ],
)
def test_what_they_refuse(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(reference, name)(*arguments)
