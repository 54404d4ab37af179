"""Embeddings of quantities and of categories, and limits: what no other layer promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets import TARGETS, assert_close

MOMENT = (7, 1, 2, 0)


def outputs(target, steps, params, x):
    x = np.asarray(x, target.dtype)
    network = target.module.Network(x.shape[1], steps)
    network.set_params(np.asarray(params, target.dtype))
    out = np.full((len(x), network.n_outputs), np.nan, target.dtype)
    network.predict(x, out, 1)
    return out


def gradient_of(target, steps, params, x, moment=None, threads=1):
    """Return the gradient of half the sum of all squared outputs: that of an output is itself."""
    x = np.asarray(x, target.dtype)
    network = target.module.Network(x.shape[1], steps)
    network.compile("half_squared_error")
    network.set_params(np.asarray(params, target.dtype))
    out = np.full(network.n_params, np.nan, target.dtype)
    y = np.zeros((len(x), network.n_outputs), target.dtype)
    network.gradients(x, y, None, out, threads, moment)
    return out


@pytest.mark.parametrize("largest", [0.5, 10.0, 1e4])
def test_cosine_and_sine(target, largest):
    """Of 2 pi x, relatively exact also where they are nearly 0."""
    x = np.random.default_rng(0).uniform(-largest, largest, 2000).astype(np.float32)
    x[:9] = np.arange(9) / 4 - 1
    # w is 1, the map the identity
    steps, params = [("periodic", None, 2, 2, "identity", False, False)], [1, 1, 0, 0, 1, 0, 0]
    found = outputs(target, steps, params, x[:, np.newaxis])
    part = x.astype(np.float64) - np.rint(x.astype(np.float64))
    cosine = np.sin(2 * np.pi * (0.25 - np.abs(part)))
    rest = np.where(np.abs(part) > 0.25, np.copysign(0.5, part) - part, part)
    wanted = np.column_stack([cosine, np.sin(2 * np.pi * rest)])
    allowed = 8 * target.u * np.abs(wanted)
    if target.is_reference:  # by the angle, which is rounded
        allowed = allowed + 4 * np.pi * largest * 2.0**-52
    assert_close(found, wanted, allowed)


def test_the_phase_counts_in_radians(target):
    steps = [("periodic", None, 1, 2, "identity", True, True)]
    x, phase = np.array([[0.3], [-2.0]]), 0.75
    found = outputs(target, steps, [0.5, phase, 2.0, 1.0], x)
    wanted = np.column_stack([x, 2 * np.cos(np.pi * x + phase) + 1])
    assert_close(found, wanted, 16 * target.u)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_waves_of_what_is_not_finite_are_nan_in_that_column_alone(target, bad):
    steps = [("periodic", None, 2, 2, "identity", True, False)]
    x = np.array([[0.5, bad, 0.25]])
    found = outputs(target, steps, np.full((2 + 2 + 4 + 2) * 3, 0.5), x)
    assert np.isnan(found).tolist() == [[False, False, True, True, False, False]]


def by_definition(x, edges, params, units, version, activation):
    """Return the numbers of one column, each bin's part by its formula."""
    edges, params = np.asarray(edges, float), np.reshape(params, (-1, units))
    c = (x[:, None] - edges[:-1]) / np.diff(edges)
    c[:, 1:] = np.maximum(c[:, 1:], 0)
    c[:, :-1] = np.minimum(c[:, :-1], 1)
    linear = params[0] * x[:, None] + params[1] if version == "B" else 0
    bias = 0 if version == "B" else params[0]
    z = c @ params[1 + (version == "B") :] + bias
    return (np.maximum(z, 0) if activation == "relu" else z) + linear


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([t for t in TARGETS if not t.is_reference]),
    st.lists(st.integers(-40, 40), min_size=2, max_size=30, unique=True),
    st.sampled_from([1, 2, 16, 19]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["identity", "relu"]),
    st.integers(0, 99),
)
def test_bins_by_their_definition(compiled, eighths, units, version, activation, seed):
    edges = np.sort(eighths) / 8
    rng = np.random.default_rng(seed)
    params = rng.integers(-8, 9, (len(edges) + (version == "B")) * units) / 4
    x = np.concatenate([edges, rng.integers(-50, 51, 9) / 8])  # at edges, between, and beyond
    steps = [("piecewise", (1,), (tuple(edges),), units, version, activation)]
    found = outputs(compiled, steps, params, np.column_stack([x + 1, x]))
    wanted = by_definition(x, edges, params, units, version, activation)
    assert np.array_equal(found[:, 0], x + 1)
    assert_close(found[:, 1:], wanted, 500 * compiled.u)


def test_the_most_bins(compiled):
    edges = np.arange(257.0) - 128
    rng = np.random.default_rng(0)
    params = rng.integers(-2, 3, (258 * 17,)).astype(float)
    x = np.concatenate([rng.integers(-140, 141, 500) / 1, edges])
    steps = [("piecewise", None, (tuple(edges),), 17, "B", "identity")]
    found = outputs(compiled, steps, params, x[:, None])
    assert np.array_equal(found, by_definition(x, edges, params, 17, "B", "identity"))


@pytest.mark.parametrize("version", ["A", "B"])
def test_what_bins_make_of_infinity_and_of_nan(target, version):
    """Infinity stays so where the outermost bin has a weight; NaN is NaN, in its column alone."""
    edges = (0.0, 1.0, 2.0)
    steps = [("piecewise", (0, 1), (edges, edges), 1, version, "identity")]
    line = [0.25, 0.25] if version == "B" else []
    params = [*line, 0, 0, 2, 3, 2, 3]
    x = [[np.inf, 0.5], [-np.inf, 0.5], [np.nan, 0.5]]
    found = outputs(target, steps, params, x)
    assert np.array_equal(found[:, 0], [np.inf, -np.inf, np.nan], equal_nan=True)
    assert (found[:, 1] == 1 + 0.125 * (version == "B")).all()
    gradient = gradient_of(target, steps, params, [[np.nan, 0.5]])
    of_first = [True, False] * (len(line) // 2 + 1) + [True, True, False, False]
    assert np.isnan(gradient).tolist() == of_first


def test_the_slope_at_an_edge_is_that_of_the_bin_which_begins(target):
    network = target.module.Network(
        1, [("piecewise", None, ((0.0, 1.0, 3.0),), 1, "A", "identity")]
    )
    network.compile("half_squared_error")
    network.set_params(np.array([1.0, 2.0, 8.0], target.dtype))
    x = np.array([[-1.0], [0.0], [0.5], [1.0], [3.0], [4.0]], target.dtype)
    out = np.empty_like(x)
    network.input_gradient(x, np.zeros_like(x), None, out, 1)
    y = np.array([-1, 1, 2, 3, 11, 15])
    assert_close(out[:, 0], y * [2, 2, 2, 4, 4, 4], 64 * target.u)


def test_edges_that_float32_cannot_tell_apart(compiled):
    """What lies at both is above both: no division by 0, and no step."""
    edges = (0.0, 1.0, 1.0 + 1e-12, 2.0)
    steps = [("piecewise", None, (edges,), 1, "A", "identity")]
    x = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    found = outputs(compiled, steps, [0, 1, 0, 1], x[:, None])[:, 0]
    assert_close(found, [0, 0.5, 1, 1.5, 2, 3], max(64 * compiled.u, 1e-11))


UNKNOWN = [np.nan, np.inf, -np.inf, -1.0, -0.6, 4.0, 3.6, 1e30, -1e30, 2.0**63]


@pytest.mark.parametrize("number", UNKNOWN)
def test_an_unknown_number_gives_zeros_and_nothing_is_learned_of_it(target, number):
    steps, tables = [("embedding", (1,), (4,), 3)], np.arange(1, 13)
    x = [[7.0, number], [8.0, 3.0]]
    assert outputs(target, steps, tables, x).tolist() == [[7, 0, 0, 0], [8, 10, 11, 12]]
    assert gradient_of(target, steps, tables, x).tolist() == [0] * 9 + [10, 11, 12]


def test_a_number_counts_as_the_nearest_whole_one(target):
    x = np.array([[-0.5, 0.4, 0.5, 0.6, 1.5, 2.5, 3.4, 3.5, -0.0]]).T
    found = outputs(target, [("embedding", (0,), (4,), 1)], [1, 2, 3, 4], x)
    assert found.ravel().tolist() == [1, 1, 1, 2, 3, 3, 4, 0, 1]


def test_the_gradient_of_a_table_is_the_sum_over_the_rows(compiled, threads_at_hand):
    """Of tables that are longer and wider than what a thread takes at once."""
    rng, sizes, units, n = np.random.default_rng(0), (300, 5), 21, 1500
    x = np.column_stack([rng.integers(0, size, n) for size in sizes]).astype(np.float64)
    tables = rng.integers(-2, 3, (sum(sizes), units)).astype(np.float64)
    steps = [("embedding", (0, 1), sizes, units)]
    wanted = np.zeros_like(tables)
    for column, first in ((0, 0), (1, sizes[0])):
        rows = x[:, column].astype(int) + first
        np.add.at(wanted, rows, tables[rows])
    for threads in (1, 2, 3):
        found = gradient_of(compiled, steps, tables.ravel(), x, MOMENT, threads)
        np.testing.assert_array_equal(found.reshape(tables.shape), wanted)


def test_limits_are_there_in_use_and_not_in_training(target):
    steps = [("scale",), ("clip", (-1.0, -2.0), 2.0)]
    x = np.array([[-3.0, -1.5], [5.0, 1.0]])
    assert outputs(target, steps, [1, 1], x).tolist() == [[-1, -1.5], [2, 1]]
    found = gradient_of(target, steps, [1, 1], x)
    assert_close(found, [0, 1.5**2 + 1], 8 * target.u)
    found = gradient_of(target, steps, [1, 1], x, MOMENT)
    assert_close(found, [9 + 25, 1.5**2 + 1], 64 * target.u)
    assert np.isnan(outputs(target, steps, [1, 1], [[np.nan, 0]])[0, 0])


@pytest.mark.parametrize(
    "step",
    [
        ("embedding", (), (), 1), ("embedding", (0, 0), (1, 1), 1), ("embedding", (3,), (1,), 1),
        ("embedding", (-1,), (1,), 1), ("embedding", (0,), (1, 2), 1), ("embedding", (0,), (0,), 1),
        ("embedding", (0,), (1,), 0), ("embedding", (0,), (1 << 25,), 1), ("embedding", (0,), (1,)),
        ("periodic", (3,), 2, 2, "relu", True, True), ("periodic", None, 0, 2, "relu", True, True),
        ("periodic", None, 257, 2, "relu", True, True),
        ("periodic", None, 2, 1, "relu", True, True),
        ("periodic", None, 3, 2, "relu", False, True), ("periodic", None, 2, 2, "tanh", True, True),
        ("periodic", None, 2, 2, "relu", True),
        ("piecewise", (3,), ((0, 1),), 1, "B", "relu"),
        ("piecewise", None, ((0, 1),), 1, "B", "relu"),
        ("piecewise", (0,), ((0, 1),), 0, "B", "relu"),
        ("piecewise", (0,), ((0,),), 1, "B", "relu"),
        ("piecewise", (0,), (range(258),), 1, "B", "relu"),
        ("piecewise", (0,), ((0, 1, 1),), 1, "A", "relu"),
        ("piecewise", (0,), ((1, 0),), 1, "A", "relu"),
        ("piecewise", (0,), ((0, float("nan")),), 1, "A", "relu"),
        ("piecewise", (0,), ((0, 1e-38),), 1, "A", "relu"),
        ("piecewise", (0,), ((0, float("inf")),), 1, "A", "relu"),
        ("piecewise", (0,), ((0, 1),), 1, "C", "relu"),
        ("piecewise", (0,), ((0, 1),), 1, "A", "tanh"),
        ("piecewise", (0,), ((0, 1),), 1, "A"),
        ("clip", 1.0, 0.0), ("clip", (0.0,), 1.0), ("clip", 0.0, (1.0, 1.0)), ("clip", 1.0),
        ("clip", float("nan"), 1.0), ("parametric",), ("parametric", "none"),
    ],
)  # fmt: skip
def test_steps_that_are_refused(target, step):
    with pytest.raises(ValueError, match=r"(steps: |activation).*"):
        target.module.Network(3, [step])


def test_more_weights_than_can_be_counted_are_refused(compiled):
    step = ("embedding", tuple(range(4096)), (1 << 24,) * 4096, 1 << 20)
    with pytest.raises(ValueError, match=r"at most 2\^40 weights"):
        compiled.module.Network(4096, [step])


def test_sparse_rows_are_refused(compiled):
    network = compiled.module.Network(2, [("embedding", (0,), (2,), 1), ("dense", 2, "softmax")])
    network.compile("softmax_cross_entropy")
    rows = compiled.module.SparseRows(
        np.ones(1, compiled.dtype), np.zeros(1, np.int32), np.array([0, 1]), 2
    )
    with pytest.raises(ValueError, match="does not begin with a dense step"):
        network.predict(rows, np.empty((1, 2), compiled.dtype), 1)
