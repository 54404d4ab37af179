"""Gradients match finite differences, for every layer, activation and loss.

relu, leaky_relu and selu have a kink at zero and hard_sigmoid at 3 and -3, so inputs keep
away from there by far more than h.
"""

import numpy as np
import pytest

from cynn import reference
from differences import ALLOWED, differences
from networks import ROWS, Case
from targets import Target, assert_close


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activation(target64, name):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 3.0, (4, 7)) * rng.choice([-1.0, 1.0], (4, 7))
    grad_y = rng.standard_normal((4, 7))
    y, out = np.empty_like(x), np.empty_like(x)

    def f() -> float:
        getattr(target64.module, name)(x, y)
        return float((grad_y * y).sum())

    wanted = differences(f, x)
    f()
    kept = x if name in reference.FROM_INPUT else y
    getattr(target64.module, f"{name}_backward")(kept, grad_y, out)
    assert_close(out, wanted, ALLOWED, name)


@pytest.mark.parametrize("name", ["relu_backward", "leaky_relu_backward"])
def test_derivative_at_zero_is_the_left_one(target, name):
    y, grad_y = np.zeros((1, 20), target.dtype), np.ones((1, 20), target.dtype)
    y[0, ::2] = -0.0
    out = np.empty_like(y)
    getattr(target.module, name)(y, grad_y, out)
    wanted = 0.0 if name == "relu_backward" else reference.LEAKY_SLOPE
    assert_close(out, np.full((1, 20), wanted), 2 * target.u * wanted)


@pytest.mark.parametrize("name", reference.LOSSES)
def test_loss(target64, name):
    rng = np.random.default_rng(0)
    prediction, wanted = rng.uniform(0.1, 0.9, (2, 5, 7))
    if name.startswith(("softmax", "sigmoid", "log_loss", "binary_log")):
        prediction = 6.0 * prediction - 3.0
    weight = rng.uniform(0.0, 2.0, 5)
    out, delta, unused = np.empty((3, 5, 7))

    def f() -> float:
        return getattr(target64.module, name)(prediction, wanted, weight, out, unused)

    expected = differences(f, prediction)
    getattr(target64.module, name)(prediction, wanted, weight, out, delta)
    assert_close(delta, expected, ALLOWED, name)


def test_dense(target64):
    rng = np.random.default_rng(0)
    x, w, b, grad_y = (rng.standard_normal(s) for s in ((5, 7), (7, 3), 3, (5, 3)))
    y = np.empty((5, 3))

    def f() -> float:
        target64.module.dense_forward(x, w, b, "identity", y)
        return float((grad_y * y).sum())

    outs = np.empty_like(x), np.empty_like(w), np.empty_like(b)
    target64.module.dense_backward(x, w, grad_y, *outs)
    for out, moved in zip(outs, (x, w, b), strict=True):
        assert_close(out, differences(f, moved), ALLOWED)


ENDS = (
    ("softmax_cross_entropy", "softmax"),
    ("softmax_cross_entropy", "identity"),
    ("cross_entropy", "softmax"),
    ("cross_entropy", "sigmoid"),
    ("sigmoid_binary_cross_entropy", "sigmoid"),
    ("sigmoid_binary_cross_entropy", "identity"),
    ("binary_cross_entropy", "sigmoid"),
    ("binary_cross_entropy", "softmax"),
    *(("mean_squared_error", name) for name in reference.ACTIVATIONS),
)

CASES = [
    *(Case(f"{loss} after {f}", (("dense", 3, f),), loss) for loss, f in ENDS),
    *(
        Case(f"{loss} after a step of {f}", (("dense", 3, "identity"), ("activation", f)), loss)
        for loss, f in ENDS
    ),
    *(
        Case(f"two layers, {f}", (("dense", 5, f), ("dense", 3, "softmax")), ENDS[0][0])
        for f in reference.ACTIVATIONS
    ),
    *(
        Case(
            f"a step of {f} between",
            (("dense", 5, "identity"), ("activation", f), ("dense", 3, "identity")),
            "mean_squared_error",
        )
        for f in reference.ACTIVATIONS
    ),
    Case(
        "rescaled on the way",
        (
            ("rescale", 2.0, 0.5),
            ("dense", 5, "tanh"),
            ("rescale", -0.5, 1.0),
            ("dense", 3, "softmax"),
        ),
        "softmax_cross_entropy",
    ),
    Case(
        "rescaled at the end", (("dense", 3, "tanh"), ("rescale", 3.0, 1.0)), "mean_squared_error"
    ),
    Case(
        "three layers",
        (("dense", 6, "leaky_relu"), ("dense", 5, "relu"), ("dense", 2, "sigmoid")),
        "sigmoid_binary_cross_entropy",
    ),
    Case(
        "normalized at the head and between",
        (
            ("normalize", (0.5, -1.0, 2.0, 0.0), (2.0, 0.5, 1.0, 3.0)),
            ("dense", 18, "tanh"),
            ("normalize", tuple(v / 9 - 1 for v in range(18)), tuple(v / 9 + 1 for v in range(18))),
            ("dense", 3, "softmax"),
        ),
        "softmax_cross_entropy",
    ),
    Case(
        "no bias",
        (("dense", 5, "tanh", False), ("dense", 17, "silu", False), ("dense", 3, "softmax", False)),
        "softmax_cross_entropy",
    ),
    Case(
        "a residual at the head",
        (("residual", (("dense", 5, "tanh"), ("dense", 4, "gelu"))), ("dense", 3, "softmax")),
        "softmax_cross_entropy",
    ),
    Case(
        "residuals in one another, at the end",
        (
            ("dense", 18, "tanh"),
            (
                "residual",
                (
                    ("residual", (("activation", "tanh"),)),
                    ("residual", (("dense", 5, "silu"), ("dense", 18, "identity", False))),
                    ("rescale", 0.5, 0.25),
                ),
            ),
        ),
        "mean_squared_error",
    ),
    Case("a residual of nothing", (("dense", 3, "tanh"), ("residual", ())), "mean_squared_error"),
    Case(
        "one output",
        (("dense", 17, "tanh"), ("dense", 1, "sigmoid")),
        "binary_cross_entropy",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_network(target64, case):
    case = case.away_from_bends()
    network = case.make(target64)
    x, labels, dense, weight = case.data(network.n_outputs, "float64")
    params, out = np.empty(network.n_params), np.empty(network.n_params)
    network.get_params(params)
    for y in (labels, dense):

        def f(y=y) -> float:
            network.set_params(params)
            return network.evaluate(x, y, weight, None, 1)[0]

        expected = differences(f, params)
        loss = f()
        got = network.gradients(x, y, weight, out, 1)
        assert_close(got, [loss, weight.sum()], 1e-12 * (loss + weight.sum()))
        assert_close(out, expected, ALLOWED * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_the_input(target64, case):
    case = case.away_from_bends()
    network = case.make(target64)
    x, labels, dense, _ = case.data(network.n_outputs, "float64")
    out, found = np.empty((len(x), network.n_outputs)), np.empty_like(x)

    def loss(y) -> float:
        return network.evaluate(x, y, None, None, 1)[0]

    for y in (labels, dense):
        expected = differences(lambda y=y: loss(y), x)
        network.input_gradient(x, y, None, found, 1)
        assert_close(found, expected, ALLOWED * max(1.0, np.abs(expected).max()))

    def outputs() -> float:
        network.predict(x, out, 1)
        return float((out * dense).sum())

    expected = differences(outputs, x)
    network.input_gradient(x, None, dense, found, 1)
    assert_close(found, expected, ALLOWED * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_network_agrees_with_the_reference(compiled, case):
    """In the target's precision; also outputs, sums, and a few steps of training."""
    case = case.away_from_bends()
    results = []
    for target in (compiled, Target("reference", compiled.dtype)):
        network = case.make(target)
        n, n_outputs = network.n_params, network.n_outputs
        x, labels, dense, weight = case.data(n_outputs, compiled.dtype)
        gradient, params, velocity = np.empty((3, n), compiled.dtype)
        predicted, evaluated, trained = np.empty((3, ROWS, n_outputs), compiled.dtype)
        network.predict(x, predicted, 1)
        sums = [
            *network.gradients(x, dense, None, gradient, 1),
            *network.evaluate(x, labels, weight, evaluated, 1),
        ]
        network.compile(case.loss, ("sgd", True, 0.01))
        order = np.array([5, 0, 3, 1, 4, 2], np.int64)
        schedule = np.array([0.05, 0.04]), np.array([0.5, 0.9])
        args = x, dense, weight, order, schedule, 4, 0, np.inf, trained, 1
        for _ in range(2):
            sums += network.train_epoch(*args)
        network.get_params(params)
        network.get_slot("velocity", velocity)
        results.append((predicted, evaluated, trained, gradient, sums, params, velocity))
    for got, want in zip(*results, strict=True):
        want = np.asarray(want, np.float64)
        # Sums of a few dozen products, one after another; 1000 roundings of the largest number.
        assert_close(got, want, 1000 * compiled.u * max(1.0, np.abs(want).max()))
