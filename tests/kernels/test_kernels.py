"""Every kernel of every target agrees with the reference.

The rule for tolerances. With u the unit roundoff of the precision, a sum of k products is computed
to within ``(k + 1) * u`` times the sum of the products' magnitudes, in whatever order it is added
up (Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1); twice that is allowed,
since in float64 the reference has such an error too. Factors are between 0.5 and 1.5 in magnitude,
so that a lost or doubled product is hundreds of times what is allowed. Where a function other than
a sum is computed, its own bound is given there.
"""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import BACKWARDS, MATMULS, OUTPUTS, arguments, expected
from cynn import reference
from cynn.reference.activations import sigmoid_of
from cynn.reference.smooth import SELU_ALPHA, SELU_SCALE, softplus_of
from cynn.reference.softmax import softmax_of
from targets import TARGETS, Target, assert_close, assert_guards_intact, guarded

LARGEST = 65
OTHERS = (1, 15, 16, 17, 33)


def _factors(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (LARGEST, LARGEST)
    return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)).astype(np.float32)


# The cases are corners of these: the product of the first k columns and rows holds that of every
# smaller m and n, so the reference computes 65 products and not thousands.
A, B, C = _factors(1), _factors(2), _factors(3)


def sizes(target: Target) -> list[tuple[int, int, int]]:
    """Each dimension from 1 to 65 in turn, the two others from OTHERS."""
    # The reference is compared with NumPy here, in fewer sizes: it has no tails and no blocks.
    others = (1, 17) if target.is_reference else OTHERS
    found = set()
    for one, (two, three) in itertools.product(
        range(1, LARGEST + 1), itertools.product(others, repeat=2)
    ):
        found |= {(one, two, three), (two, one, three), (two, three, one)}
    return sorted(found)


@cache
def product(k: int, by_numpy: bool) -> np.ndarray:
    if by_numpy:
        return A[:, :k].astype(np.float64) @ B[:k].astype(np.float64)
    out = [[0.0] * LARGEST for _ in range(LARGEST)]
    reference.matmul(A[:, :k].tolist(), B[:k].tolist(), out)
    return np.array(out)


@cache
def magnitude(k: int) -> np.ndarray:
    return np.abs(A[:, :k]).astype(np.float64) @ np.abs(B[:k]).astype(np.float64)


@pytest.mark.parametrize("kernel", MATMULS)
def test_matmul_of_every_size(target, kernel):
    multiply = getattr(target.module, kernel)
    for m, k, n in sizes(target):
        a = guarded(A[:m, :k].T if kernel == "matmul_tn" else A[:m, :k], target.dtype)
        b = guarded(B[:k, :n].T if kernel == "matmul_nt" else B[:k, :n], target.dtype)
        out = guarded(np.full((m, n), np.nan), target.dtype)
        multiply(a, b, out)
        bound = 2 * (k + 1) * target.u * magnitude(k)[:m, :n]
        assert_close(out, product(k, target.is_reference)[:m, :n], bound, (kernel, m, k, n))
        assert_guards_intact(out, (kernel, m, k, n))


def test_dense_forward_of_every_size(target):
    for m, k, n in sizes(target):
        x, w, b = (guarded(v, target.dtype) for v in (A[:m, :k], B[:k, :n], C[0, :n]))
        out = guarded(np.full((m, n), np.nan), target.dtype)
        target.module.dense_forward(x, w, b, "relu", out)
        z = product(k, target.is_reference)[:m, :n] + C[0, :n].astype(np.float64)
        # relu brings no error of its own and lets none grow.
        bound = 2 * (k + 2) * target.u * (magnitude(k)[:m, :n] + np.abs(C[0, :n]))
        assert_close(out, np.maximum(z, 0.0), bound, (m, k, n))
        assert_guards_intact(out, (m, k, n))


@cache
def gradients(m: int, n: int, by_numpy: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bounds of the gradients for x, w, b of m rows and n outputs."""
    x, w, delta = (v.astype(np.float64) for v in (A[:m], B[:, :n], C[:m, :n]))
    if by_numpy:
        return delta @ w.T, x.T @ delta, delta.sum(axis=0)
    grads = np.zeros((m, LARGEST)), np.zeros((LARGEST, n)), np.zeros(n)
    lists = [g.tolist() for g in grads]
    reference.dense_backward(x.tolist(), w.tolist(), delta.tolist(), *lists)
    return tuple(np.array(v) for v in lists)


def test_dense_backward_of_every_size(target):
    by_numpy, u = target.is_reference, target.u
    for m, k, n in sizes(target):
        x, w, delta = (guarded(v, target.dtype) for v in (A[:m, :k], B[:k, :n], C[:m, :n]))
        outs = [guarded(np.full(s, np.nan), target.dtype) for s in ((m, k), (k, n), (n,))]
        target.module.dense_backward(x, w, delta, *outs)
        grad_x = gradients(LARGEST, n, by_numpy)[0][:m, :k]
        grad_w = gradients(m, LARGEST, by_numpy)[1][:k, :n]
        grad_b = gradients(m, LARGEST, by_numpy)[2][:n]
        # Every product is at most 1.5 * 1.5.
        assert_close(outs[0], grad_x, 2 * (n + 1) * u * 2.25 * n, ("grad_x", m, k, n))
        assert_close(outs[1], grad_w, 2 * (m + 1) * u * 2.25 * m, ("grad_w", m, k, n))
        assert_close(outs[2], grad_b, 2 * (m + 1) * u * 1.5 * m, ("grad_b", m, k, n))
        for out in outs:
            assert_guards_intact(out, (m, k, n))


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("size", [(1, 1, 1), (7, 33, 17), (16, 16, 16), (3, 20, 65)])
def test_dense_forward_with_every_activation(target, activation, size):
    m, k, n = size
    x, w, b = (v.astype(target.dtype) for v in (A[:m, :k], B[:k, :n], C[0, :n]))
    out = np.full((m, n), np.nan, target.dtype)
    target.module.dense_forward(x, w, b, activation, out)
    want = [[0.0] * n for _ in range(m)]
    reference.dense_forward(x.tolist(), w.tolist(), b.tolist(), activation, want)
    # No activation makes an error more than twice as large, and its own is at most that of z; but
    # the exponential, which makes it as many times as large as it is itself.
    grown = np.maximum(want, 1.0) if activation == "exponential" else 1.0
    bound = 8 * (k + 2) * target.u * (magnitude(k)[:m, :n] + 1.5) * grown
    assert_close(out, want, bound, activation)


LENGTHS = (*range(1, 71), 127, 128, 129, 1000, 1025)


@cache
def elementwise_case(kernel: str, m: int, n: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return inputs of an activation's forward or backward pass, and the reference's results."""
    rng = np.random.default_rng([m, n])
    x = rng.uniform(-9.0, 9.0, (m, n))
    if kernel == "softmax_backward":
        x = rng.uniform(0.1, 1.0, (m, n)) / n
    elif kernel in ("sigmoid_backward", "tanh_backward", "hard_sigmoid_backward"):
        x = rng.uniform(0.0, 1.0, (m, n))
    elif kernel in ("elu_backward", "selu_backward"):
        x = rng.uniform(-1.0, 3.0, (m, n))
    elif kernel == "softplus_backward":
        x = rng.uniform(0.0, 9.0, (m, n))
    inputs = [x.astype(np.float32)]
    if kernel in BACKWARDS:
        inputs.append(rng.uniform(-2.0, 2.0, (m, n)).astype(np.float32))
    out = [[0.0] * n for _ in range(m)]
    getattr(reference, kernel)(*(v.tolist() for v in inputs), out)
    return inputs, np.array(out)


def elementwise_bound(kernel: str, u: float, inputs: list[np.ndarray], want: np.ndarray):
    """Return the error allowed: 2u of a product, 6 units of at most 2u with an exponential."""
    n = want.shape[1]
    first, last = (np.abs(v.astype(np.float64)) for v in (inputs[0], inputs[-1]))
    if kernel in ("identity", "relu", "identity_backward", "relu_backward"):
        return 0.0
    if kernel == "softmax":  # rounding x - max(x) is a relative error of its exponential
        return (2 * n + 64) * u * np.abs(want)
    if kernel == "tanh_backward":  # 1 - y*y loses what y*y was rounded by
        return 8 * u * last
    if kernel == "softmax_backward":
        return 2 * (n + 8) * u * first * (last + (first * last).sum(axis=1, keepdims=True))
    if kernel in ("elu_backward", "selu_backward"):  # y + 1 loses what y was rounded by
        return 8 * u * last
    if kernel == "hard_sigmoid":
        return 2 * u
    if kernel in ("gelu", "gelu_tanh"):  # rounding an exponent is a relative error of its power
        exponent = first**2 if kernel == "gelu" else 2 * first + first**3 / 10
        return (16 + 2 * exponent) * u * np.abs(want)
    if kernel.removesuffix("_backward") in reference.FROM_INPUT:  # of two terms, of size 1 and x
        return 16 * u * last * (1 + first)
    return 12 * u * np.abs(want)


@pytest.mark.parametrize("kernel", (*reference.ACTIVATIONS, *BACKWARDS))
def test_activation_of_every_length(target, kernel):
    for m, n in itertools.product((1, 3), LENGTHS):
        inputs, want = elementwise_case(kernel, m, n)
        out = guarded(np.full((m, n), np.nan), target.dtype)
        getattr(target.module, kernel)(*(guarded(v, target.dtype) for v in inputs), out)
        bound = elementwise_bound(kernel, target.u, inputs, want)
        # float32 results of the reference were rounded once more on their way into the array.
        bound = bound + (target.u * np.abs(want) if target.is_reference else 0.0)
        assert_close(out, want, bound, (kernel, m, n))
        assert_guards_intact(out, (kernel, m, n))


def _exact(kernel: str, x: np.ndarray) -> np.ndarray:
    """Return the function in float64, by formulas accurate to a unit or two in the last place."""
    function = {"tanh": math.tanh, "sigmoid": sigmoid_of, "softplus": softplus_of}.get(kernel)
    if kernel in ("elu", "selu"):
        scale, bottom = (1.0, 1.0) if kernel == "elu" else (SELU_SCALE, SELU_SCALE * SELU_ALPHA)
        return np.where(
            x > 0,
            scale * x.astype(np.float64),
            bottom * np.expm1(np.minimum(x, 0.0, dtype=np.float64)),
        )
    return np.array([function(v) for v in x.tolist()])


@cache
def sweep(kernel: str) -> tuple[np.ndarray, np.ndarray]:
    large = np.geomspace(1e-44, 3e38, 3000)
    special = [0.0, -0.0, np.inf, -np.inf, 88.72284, 88.8, 103.97208, 709.79, 745.2]
    dense = np.linspace(-110.0, 110.0, 50001)
    x = np.concatenate([dense, np.linspace(-1.0, 1.0, 10001), large, -large, special])
    x = x.astype(np.float32)
    return x, _exact(kernel, x)


@pytest.mark.parametrize("kernel", ["sigmoid", "tanh", "softplus", "elu", "selu"])
def test_exponential_based_activations_are_accurate(target, kernel):
    """Within 4 units in the last place of the true value, from the smallest to the largest x."""
    x, exact = (v[:: 97 if target.is_reference else 1] for v in sweep(kernel))
    out = np.empty((1, len(x)), target.dtype)
    getattr(target.module, kernel)(x.astype(target.dtype)[None], out)
    unit = np.spacing(np.abs(exact).astype(target.dtype)).astype(np.float64)
    # In float64 two more, for the error of the expected value. What is smaller than the
    # smallest normal number may be anything down to zero.
    allowed = (4 if target.dtype == "float32" else 6) * unit
    allowed = np.where(np.abs(exact) < target.tiny, target.tiny, allowed)
    assert_close(out[0], exact, allowed, kernel)


@pytest.mark.parametrize(
    "row",
    [
        [1e30, -1e30, 1e30],
        [3e38, -3e38],
        [88.0, -88.0, 0.0, 87.0],
        [-1e4, -1e4 + 1.0],
        [-np.inf, 0.0, 1.0],
        [-np.inf, -np.inf],
        [np.inf, 0.0, 1.0],
        [np.inf, np.inf],
        [0.0, 1.0, np.nan],
        [np.nan, np.inf, -np.inf],
    ],
    ids=str,
)
def test_softmax_of_extreme_logits(target, row):
    for times in (1, 20, 37):
        x = np.array([row * times, [1.0] * len(row) * times], np.float32).astype(target.dtype)
        out = np.empty_like(x)
        target.module.softmax(x, out)
        want = np.array([softmax_of(r) for r in x.tolist()])
        bound = (2 * x.shape[1] + 512) * target.u * np.abs(want) + target.tiny
        assert_close(out, want, bound, times)


SPECIAL = (np.nan, np.inf, -np.inf)


@pytest.mark.parametrize("kernel", [*MATMULS, "dense_forward", "dense_backward"])
def test_products_carry_nan_and_infinity(target, kernel):
    rng = np.random.default_rng(0)
    for case in range(24):
        given = arguments(kernel, *((9, 21, 19) if case % 2 else (5, 8, 33)), target.dtype)
        if "activation" in given:
            given["activation"] = "relu" if case % 4 < 2 else "identity"
        names = [n for n, v in given.items() if n not in OUTPUTS[kernel] and n != "activation"]
        for special in SPECIAL:
            array = given[names[rng.integers(len(names))]]
            array[tuple(rng.integers(array.shape))] = special
        _, want = expected(kernel, given)
        getattr(target.module, kernel)(*given.values())
        for name, values in want.items():
            assert_close(given[name], values, 1000 * target.u, (kernel, case, name))


@pytest.mark.parametrize("special", SPECIAL, ids=str)
@pytest.mark.parametrize("n", [5, 37])
@pytest.mark.parametrize("kernel", (*reference.ACTIVATIONS, *BACKWARDS))
def test_activations_carry_nan_and_infinity(target, kernel, n, special):
    """One special number in each row, in every position in turn."""
    inputs = [v.astype(target.dtype) for v in elementwise_case(kernel, n, n)[0]]
    for touched in range(len(inputs)):
        if len(inputs) == 2 and touched == 0 and not np.isnan(special):
            continue  # no activation that could put infinity here would be differentiable there
        changed = [v.copy() for v in inputs]
        np.fill_diagonal(changed[touched], special)
        out, want = np.empty((n, n), target.dtype), [[0.0] * n for _ in range(n)]
        getattr(target.module, kernel)(*changed, out)
        getattr(reference, kernel)(*(v.tolist() for v in changed), want)
        finite = np.where(np.isfinite(want), np.abs(want), 0)
        bound = target.u * (16 * finite if kernel == "exponential" else 1000)
        assert_close(out, want, bound, (kernel, touched))


@cache
def loss_case(loss: str, m: int, n: int) -> tuple[list[np.ndarray], float, list[np.ndarray]]:
    rng = np.random.default_rng([m, n])
    logits = loss.startswith(("softmax", "sigmoid"))
    low, high = (-8.0, 8.0) if logits else (0.05, 0.95)
    if loss in ("log_loss", "binary_log_loss"):  # within the bounds of float32
        low, high = -5.0, 5.0
    prediction = rng.uniform(low, high, (m, n))
    target = rng.uniform(0.0, 1.0, (m, n))
    target[:, 0] = 0.0
    target[:, -1] = 1.0
    inputs = [v.astype(np.float32) for v in (prediction, target, rng.uniform(0.5, 1.5, m))]
    outs = [[[0.0] * n for _ in range(m)] for _ in range(2)]
    value = getattr(reference, loss)(*(v.tolist() for v in inputs), *outs)
    return inputs, value, [np.array(v) for v in outs]


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_loss_of_every_size(target, loss):
    for m, n in itertools.product((1, 3, 8), (*range(1, 20), 31, 32, 33, 65)):
        (prediction, wanted, weight), value, (probabilities, delta) = loss_case(loss, m, n)
        inputs = [guarded(v, target.dtype) for v in (prediction, wanted, weight)]
        out, got_delta = (guarded(np.full((m, n), np.nan), target.dtype) for _ in range(2))
        got = getattr(target.module, loss)(*inputs, out, got_delta)
        case, u = (loss, m, n), target.u
        assert isinstance(got, float)
        # A row's loss is a sum of n terms of one sign, apart from the logarithm's own error, which
        # can be of the size of its argument's: hence the weights' sum.
        assert_close(got, value, 8 * (m + n + 32) * u * (value + weight.sum()), case)
        assert_close(out, probabilities, (2 * n + 64) * u * np.abs(probabilities), case)
        # delta is a difference of two numbers; a fused one's are p * sum(t) and t.
        p, t, w = (v.astype(np.float64) for v in (probabilities, wanted, weight[:, None]))
        if loss == "softmax_cross_entropy":
            parts = w * (p * t.sum(axis=1, keepdims=True) + t)
        elif loss == "sigmoid_binary_cross_entropy":
            parts = w * (p + t) / n
        elif loss == "log_loss":
            parts = w * (p * t.sum(axis=1, keepdims=True) + t)
        elif loss in ("binary_log_loss", "half_squared_error", "half_poisson_deviance"):
            parts = w * (np.abs(p) + t)
        elif loss == "poisson":
            parts = w * (1 + t / p) / n
        elif loss == "log_poisson":
            parts = w * (np.exp(p) + t) / n
        elif loss == "huber":
            parts = w * (np.abs(p) + t) / n
        elif loss == "binary_cross_entropy":
            parts = w * ((1 - t) / (1 - p) + t / p) / n
        else:
            parts = np.abs(delta)
        assert_close(got_delta, delta, (4 * n + 64) * u * parts, case)
        assert_guards_intact(out, case)
        assert_guards_intact(got_delta, case)


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_loss_at_the_edges(target, loss, monkeypatch):
    """Probabilities of exactly 0 and 1 and beyond, logits that are certain, masked by -inf."""
    monkeypatch.setattr("cynn.reference.losses.TINY", target.tiny)
    monkeypatch.setattr("cynn.reference.canonical.EPSILON", float(np.finfo(target.dtype).eps))
    if loss in ("softmax_cross_entropy", "log_loss"):
        prediction = [[500.0, -500.0, 0.0], [-np.inf, 1.0, 2.0], [1e30, -1e30, 0.0]]
    elif loss in ("sigmoid_binary_cross_entropy", "binary_log_loss"):
        prediction = [[500.0, -500.0, 0.0], [-50.0, 30.0, 2.0], [1e30, -1e30, 0.0]]
    else:
        prediction = [[0.0, 1.0, 1e-30], [1.0, 0.0, 0.5], [1.25, 0.0, 0.25]]
    t = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    inputs = [np.array(v, np.float32).astype(target.dtype) for v in (prediction, t, [1, 1, 0.5])]
    outs = [np.empty((3, 3), target.dtype) for _ in range(2)]
    wanted = [[[0.0] * 3 for _ in range(3)] for _ in range(2)]
    got = getattr(target.module, loss)(*inputs, *outs)
    value = getattr(reference, loss)(*(v.tolist() for v in inputs), *wanted)
    assert math.isfinite(value)
    assert_close(got, value, 64 * target.u * abs(value))
    for out, want in zip(outs, wanted, strict=True):
        assert_close(out, want, 64 * target.u * np.abs(want) + target.tiny)


@pytest.mark.parametrize("loss", reference.LOSSES)
@pytest.mark.parametrize("n", [3, 37])
def test_loss_carries_nan(target, loss, n):
    inputs = [v.copy() for v in loss_case(loss, n, n)[0]]
    inputs[1][:, 0] = 0.5  # a target of 0 may hide a NaN
    inputs = [v.astype(target.dtype) for v in inputs]
    for position in range(n):
        changed = inputs[0].copy()
        changed[1, position] = np.nan
        outs = [np.empty((n, n), target.dtype) for _ in range(2)]
        wanted = [[[0.0] * n for _ in range(n)] for _ in range(2)]
        assert math.isnan(getattr(target.module, loss)(changed, *inputs[1:], *outs))
        getattr(reference, loss)(*(v.tolist() for v in (changed, *inputs[1:])), *wanted)
        for out, want in zip(outs, wanted, strict=True):
            assert_close(np.isnan(out), np.isnan(want), 0.0, (loss, position))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_of_every_length(target, nesterov, momentum, weight_decay):
    for n in LENGTHS:
        given = arguments("sgd", 1, 1, n, target.dtype)
        given |= {"nesterov": nesterov, "momentum": momentum, "weight_decay": weight_decay}
        vectors = {name: guarded(given[name], target.dtype) for name in ("w", "grad", "velocity")}
        _, want = expected("sgd", given)
        target.module.sgd(*{**given, **vectors}.values())
        for name in ("w", "velocity"):
            # Numbers are below 2, and a handful of roundings apart.
            assert_close(vectors[name], want[name], 32 * target.u, (n, name))
            assert_guards_intact(vectors[name], n)


modest = settings(derandomize=True, max_examples=60, deadline=None)
any_target = st.sampled_from(TARGETS)


@modest
@given(any_target, *(st.integers(1, 90) for _ in range(3)), st.integers(0, 2**31))
def test_products_of_any_size_agree_with_numpy(target, m, k, n, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(s).astype(target.dtype) for s in ((m, k), (k, n)))
    want = a.astype(np.float64) @ b.astype(np.float64)
    bound = 2 * (k + 1) * target.u * (np.abs(a).astype(np.float64) @ np.abs(b))
    out = np.empty((3, m, n), target.dtype)
    target.module.matmul(a, b, out[0])
    target.module.matmul_nt(a, np.ascontiguousarray(b.T), out[1])
    target.module.matmul_tn(np.ascontiguousarray(a.T), b, out[2])
    for got in out:
        assert_close(got, want, bound)


@pytest.mark.parametrize("k", [255, 256, 257, 513, 1000])
def test_deep_products_are_summed_in_order(target, k):
    # Of many rows they are computed in parts of k, of one row at once: to the same bits.
    m, n = (2, 3) if target.is_reference else (29, 37)
    rng = np.random.default_rng(k)
    a, b = (rng.standard_normal(s).astype(target.dtype) for s in ((m, k), (k, n)))
    out, alone = np.empty((2, m, n), target.dtype)
    for multiply, right in (("matmul", b), ("matmul_nt", np.ascontiguousarray(b.T))):
        getattr(target.module, multiply)(a, right, out)
        for r in range(m):
            getattr(target.module, multiply)(a[r : r + 1], right, alone[r : r + 1])
        assert out.tobytes() == alone.tobytes()
        want = a.astype(np.float64) @ b.astype(np.float64)
        bound = 2 * (k + 1) * target.u * (np.abs(a).astype(np.float64) @ np.abs(b))
        assert_close(out, want, bound, (multiply, k))


@modest
@given(
    any_target,
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=70),
    st.integers(-(2**14), 2**14),
)
def test_softmax_gives_probabilities_and_ignores_a_shift(target, row, shift):
    x = np.round(np.array([row]), 0)  # whole numbers, so that the shift loses nothing
    plain, shifted = (np.empty_like(x, target.dtype) for _ in range(2))
    target.module.softmax(x.astype(target.dtype), plain)
    target.module.softmax((x + shift).astype(target.dtype), shifted)
    assert (plain >= 0.0).all()
    assert abs(plain.sum(dtype=np.float64) - 1.0) <= (x.size + 8) * target.u
    assert_close(shifted, plain, 4 * target.u * plain)
