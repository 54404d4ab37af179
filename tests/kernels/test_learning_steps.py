"""Each kind of step in a network, at inference and in training, where some differ."""

import re

import numpy as np
import pytest

from cynn import reference
from differences import ALLOWED, differences
from layer_examples import CASES as OF_EVERY_LAYER
from layer_examples import COLUMNS, by_layer
from networks import ROWS, Case
from targets import Target, assert_close

TANH = ("activation", "tanh")
DENSE, END = ("dense", 5, "tanh"), ("dense", 3, "softmax")
DROPOUT, LAYER, BATCH = ("dropout", 0.3), ("layer_norm", 0.1), ("batch_norm", 0.9, 0.1)
OWN = ("member_affine", 3, "tanh", True, True)
HEAD = (("members", 3), ("member_dense", 3, 3), ("member_affine", 3, "softmax", False, True))
LOSS = "softmax_cross_entropy"
MOMENT = (7, 1, 2, 0)

BINS = ((-0.5, 0.25), (-1, 0, 0.5), (-0.25, -0.125, 0, 1), (0, 0.25), (-2, -1, 0, 1, 2))
CASES = [
    Case("dropout", (DENSE, DROPOUT, END), LOSS),
    Case("dropout at the head", (("dropout", 0.5), DENSE, END), LOSS),
    Case("dropout of nothing", (DENSE, ("dropout", 0.0), END), LOSS),
    Case("two dropouts", (DENSE, DROPOUT, ("dense", 20, "tanh"), DROPOUT, END), LOSS),
    Case("layer_norm", (DENSE, LAYER, END), LOSS),
    Case("layer_norm at the head", (LAYER, DENSE, END), LOSS),
    Case("layer_norm of many", (("dense", 37, "identity"), LAYER, TANH, END), LOSS),
    Case("layer_norm at the end", (DENSE, LAYER), "mean_squared_error"),
    Case("batch_norm", (DENSE, BATCH, END), LOSS),
    Case("batch_norm at the head", (BATCH, DENSE, END), LOSS),
    Case("batch_norm of many", (("dense", 37, "identity"), BATCH, TANH, END), LOSS),
    Case("batch_norm at the end", (DENSE, BATCH), "mean_squared_error"),
    Case("all in residuals", (
        ("residual", [("dense", 4, "tanh"), LAYER, DROPOUT]),
        ("residual", [BATCH, ("dense", 4, "tanh"), DROPOUT]), BATCH, END,
    ), LOSS),
    Case("waves without a phase", (("periodic", (2, 0), 6, 6, "identity", False, True), END), LOSS),
    Case("waves alone", (DENSE, ("periodic", None, 5, 7, "relu", True, False), END), LOSS),
    Case("waves of many", (
        ("dense", 37, "identity"), ("periodic", None, 4, 3, "relu", False, True), END,
    ), LOSS),
    Case("bins at the head", (("piecewise", (3, 1), BINS[:2], 18, "B", "identity"), END), LOSS),
    Case("bins by a map alone", (DENSE, ("piecewise", None, BINS, 2, "A", "identity"), END), LOSS),
    Case("bins and relu", (DENSE, ("piecewise", (4, 1, 3), BINS[2:], 7, "A", "relu"), END), LOSS),
    Case("bins and relu, a line", (
        ("dense", 5, "identity"), ("piecewise", (0, 2, 4), BINS[1:4], 33, "B", "relu"), END,
    ), LOSS),
    Case("tables at the head", (("embedding", (3, 1), (2, 1), 18), END), LOSS),
    Case("tables of all", (DENSE, ("embedding", (4, 1, 0, 2, 3), (2, 3, 1, 2, 200), 2), END), LOSS),
    Case("clip by number", (DENSE, ("clip", -0.5, 0.25), END), LOSS),
    *(
        Case(f"parametric {name}", (("dense", 19, "identity"), ("parametric", name), END), LOSS)
        for name in reference.ACTIVATIONS
    ),
    Case("members at the head", (("members", 3), DENSE, END), LOSS),
    Case("members behind a dense step", (DENSE, ("members", 11), DENSE, DROPOUT, END), LOSS),
    Case("members that share matrices", (
        ("members", 3), ("dense", 37, "identity", False), OWN, DROPOUT,
        ("member_affine", 3, "identity", True, False),
        ("dense", 5, "identity", False), OWN, *HEAD[1:],
    ), LOSS),
    Case("members of which few rows are passed at once", (
        ("dense", 2, "tanh"), ("members", 40), DROPOUT, END,
    ), LOSS),
    Case("one member", (
        ("members", 1), DENSE, ("member_dense", 1, 3),
        ("member_affine", 1, "gelu", True, True), END,
    ), LOSS),
    Case("heads of many", (DENSE, ("members", 3), ("member_dense", 3, 21), TANH, END), LOSS),
    Case("numbers of members", (
        DENSE, *HEAD[:2], ("member_affine", 3, "relu", True, True),
    ), "mean_squared_error"),
    Case("norms of members", (
        ("members", 3), DENSE, LAYER, ("residual", [BATCH, DROPOUT, ("parametric", "gelu")]),
        ("periodic", (1, 2), 3, 2, "relu", True, True), ("embedding", (1,), (2,), 3), *HEAD[1:],
    ), LOSS),
    *OF_EVERY_LAYER,
]  # fmt: skip


def state(n: int, dtype: str) -> np.ndarray:
    """Return means and variances that no mini-batch has."""
    return np.random.default_rng(3).uniform(0.5, 1.5, n).astype(np.float32).astype(dtype)


def made(case: Case, target: Target):
    network = case.make(target)
    network.set_state(state(network.n_state, target.dtype))
    return network


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("moment", [None, MOMENT], ids=["as used", "in training"])
def test_gradient(target64, case, moment):
    network = made(case, target64)
    x, labels, _, weight = case.data(network.n_outputs, "float64")
    y = labels if case.loss == LOSS else case.data(network.n_outputs, "float64")[2]
    params, out = np.empty((2, network.n_params))
    network.get_params(params)
    unused = np.empty_like(out)

    def f() -> float:
        network.set_params(params)
        if moment is None:
            return network.evaluate(x, y, weight, None, 1)[0]
        network.set_state(state(network.n_state, "float64"))
        return network.gradients(x, y, weight, unused, 1, moment)[0]

    expected = differences(f, params)
    loss = f()
    got = network.gradients(x, y, weight, out, 1, moment)
    assert_close(got, [loss, weight.sum()], 1e-12 * (loss + weight.sum()))
    assert_close(out, expected, ALLOWED * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_input_gradient(target64, case):
    network = made(case, target64)
    x, labels, dense, _ = case.data(network.n_outputs, "float64")
    y = labels if case.loss == LOSS else dense
    found = np.empty_like(x)
    network.input_gradient(x, y, None, found, 1)
    assert_close(found, differences(lambda: network.evaluate(x, y, None, None, 1)[0], x), ALLOWED)


def all_that_it_says(case: Case, target: Target, threads: int = 1) -> list[np.ndarray]:
    """Return predictions, gradients, and the state after a training of two epochs."""
    network = made(case, target)
    x, labels, dense, weight = case.data(network.n_outputs, target.dtype)
    y = labels if case.loss == LOSS else dense
    n = network.n_params
    gradient, learning, params, velocity = np.empty((4, n), target.dtype)
    predicted, used, learned, trained = np.empty((4, ROWS, network.n_outputs), target.dtype)
    network.predict(x, predicted, threads)
    sums = [
        *network.gradients(x, y, weight, gradient, threads, None, used),
        *network.gradients(x, y, weight, learning, threads, (7, 0, 3, 10), learned),
    ]
    assert np.array_equal(used, predicted)
    order = np.array([5, 0, 3, 1, 4, 2], np.int64)
    schedule = np.array([0.05, 0.04]), np.array([0.5, 0.9])
    args = x, y, weight, order, schedule, 4, 0, np.inf, trained, threads
    for epoch in range(2):
        sums += network.train_epoch(*args, (7, epoch, 5, 0))
    network.get_params(params)
    network.get_slot("velocity", velocity)
    kept = np.empty(network.n_state, target.dtype)
    network.get_state(kept)
    predictions = [predicted, learned, trained]
    return [*predictions, gradient, learning, np.asarray(sums), params, velocity, kept]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_the_reference(compiled, case):
    found = all_that_it_says(case, compiled)
    wanted = all_that_it_says(case, Target("reference", compiled.dtype))
    for got, want in zip(found, wanted, strict=True):
        bound = 1000 * compiled.u * max(1.0, np.abs(want).max(initial=0))
        assert_close(got, np.asarray(want, np.float64), bound)


WIDE = Case(
    "",
    (
        ("dense", 150, "identity"), ("batch_norm", 0.9, 1e-3), ("activation", "relu"), DROPOUT,
        ("dense", 130, "tanh"), ("layer_norm", 1e-3), ("dropout", 0.5), ("batch_norm", 0.5, 1e-3),
        ("dense", 10, "softmax"),
    ),
    LOSS,
)  # fmt: skip


def trained_wide(
    target, threads, fill=-1, seconds=np.inf, rows=300, batch_size=128, steps=WIDE.steps
):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 200)).astype(target.dtype)
    y = rng.integers(0, 10, rows).astype(np.int32)
    network = target.module.Network(200, list(steps))
    network.compile(LOSS)
    network.scratch_fill = fill
    network.set_params((0.1 * rng.standard_normal(network.n_params)).astype(target.dtype))
    batches = -(-rows // batch_size)
    rates, momenta = np.full(batches, 0.01), np.full(batches, 0.9)
    order = rng.permutation(rows).astype(np.int64)
    step, sums = 0, ()
    while step < batches:
        step, *sums = network.train_epoch(
            x, y, None, order, (rates, momenta), batch_size, step, seconds, None, threads, MOMENT
        )
    params, kept = np.empty(network.n_params, x.dtype), np.empty(network.n_state, x.dtype)
    network.get_params(params)
    network.get_state(kept)
    assert np.isfinite(params).all() and np.isfinite(kept).all()
    return params.tobytes(), kept.tobytes(), tuple(sums)


def test_same_bits_on_any_number_of_threads_and_in_slices(compiled):
    wanted = trained_wide(compiled, 1)
    for threads in (2, 3, 5):
        assert trained_wide(compiled, threads) == wanted, threads
    assert trained_wide(compiled, 2, seconds=0.0) == wanted
    for fill in (0x00, 0xFF):
        assert trained_wide(compiled, 2, fill) == wanted


@pytest.mark.parametrize(**by_layer)
def test_same_bits_of_each_layer_on_any_number_of_threads(compiled, layer):
    step = layer.step()
    steps = [("dense", COLUMNS, "identity"), *([step] if step else []), ("dense", 10, "softmax")]
    wanted = trained_wide(compiled, 1, 0xFF, steps=steps)
    for threads in (2, 3):
        assert trained_wide(compiled, threads, 0x00, steps=steps) == wanted, threads
    assert trained_wide(compiled, 2, seconds=0.0, steps=steps) == wanted


SOME_BINS = tuple(tuple(c / 50 + t for t in range(-2, 1 + c % 4)) for c in range(200))
FIRST = [
    ("piecewise", None, SOME_BINS, 3, "A", "relu"),
    ("piecewise", tuple(range(50, 0, -1)), SOME_BINS[:50], 17, "B", "identity"),
    ("periodic", None, 3, 3, "relu", True, True),
    ("periodic", tuple(range(50, 0, -1)), 4, 8, "identity", False, False),
    ("embedding", tuple(range(0, 200, 7)), (3,) * 29, 4),
]


@pytest.mark.parametrize("step", FIRST, ids=lambda step: f"{step[0]} {step[2]}")
def test_same_bits_of_an_embedding_at_the_head(compiled, step, threads_at_hand):
    """As the first step, which learns from the input itself; also in blocks."""
    for size in ({}, {"rows": 1300, "batch_size": 1300}):
        wanted = trained_wide(compiled, 1, 0xFF, steps=[step, ("dense", 10, "softmax")], **size)
        for threads in (2, 3):
            found = trained_wide(
                compiled, threads, 0x00, steps=[step, ("dense", 10, "softmax")], **size
            )
            assert found == wanted, threads


@pytest.mark.parametrize("case", OF_EVERY_LAYER, ids=str)
def test_same_bits_of_few_rows_and_of_many(compiled, case):
    network = made(case, compiled)
    x = case.data(network.n_outputs, compiled.dtype, 40)[0]
    many = np.empty((40, network.n_outputs), compiled.dtype)
    network.predict(x, many, 1)
    for n in (1, 2, 3, 4):
        few = np.empty((n, network.n_outputs), compiled.dtype)
        network.predict(x[:n], few, 1)
        assert few.tobytes() == many[:n].tobytes(), n


def test_fewer_rows_than_threads(compiled):
    wanted = trained_wide(compiled, 1, rows=7, batch_size=3)
    assert trained_wide(compiled, 5, rows=7, batch_size=3) == wanted


def dropped(target, n, columns, rate, moment, threads=1):
    """Return the dropout mask of a network of one dropout: it is trained on ones."""
    network = target.module.Network(columns, [("dropout", rate)])
    network.compile("mean_squared_error")
    x = np.ones((n, columns), target.dtype)
    out = np.empty_like(x)
    network.train_epoch(
        x, x, None, np.arange(n), (np.ones(1), np.zeros(1)), n, 0, np.inf, out, threads, moment
    )
    return out


@pytest.mark.parametrize("columns", [1, 3, 4, 15, 16, 17, 40])
def test_every_target_drops_the_same(compiled, columns):
    for rate in (0.1, 0.5, 0.999999):
        found = dropped(compiled, 21, columns, rate, MOMENT)
        wanted = dropped(Target("reference", compiled.dtype), 21, columns, rate, MOMENT)
        assert_close(found, wanted, compiled.u * np.abs(wanted).max())


def test_dropout_masks_depend_only_on_seed_epoch_and_position(compiled):
    once = dropped(compiled, 30, 50, 0.5, MOMENT)
    assert np.array_equal(dropped(compiled, 30, 50, 0.5, MOMENT, threads=3), once)
    for moment in ((8, 1, 2, 0), (7, 2, 2, 0), (7, 1, 3, 0)):
        assert not np.array_equal(dropped(compiled, 30, 50, 0.5, moment), once)
    later = dropped(compiled, 20, 50, 0.5, (*MOMENT[:3], 10))
    assert np.array_equal(later, once[10:])  # the same rows of the batch, in another block
    assert len({row.tobytes() for row in once}) == 30


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_fraction_dropped(compiled, rate):
    found = dropped(compiled, 500, 200, rate, MOMENT)
    kept = found[found != 0]
    assert np.allclose(kept, 1 / (1 - rate), rtol=1e-4)
    # binomial: within five deviations of what is expected
    assert abs(1 - kept.size / found.size - rate) < 5 * np.sqrt(rate * (1 - rate) / found.size)
    by_column = (found == 0).mean(axis=0)
    assert np.abs(by_column - rate).max() < 6 * np.sqrt(rate * (1 - rate) / 500)


def test_dropped_values_may_be_infinite(compiled):
    network = compiled.module.Network(8, [("dropout", 0.5)])
    network.compile("mean_squared_error")
    x = np.full((40, 8), np.inf, compiled.dtype)
    out = np.empty_like(x)
    args = np.arange(40), (np.ones(1), np.zeros(1)), 40, 0, np.inf, out, 1
    network.train_epoch(x, np.zeros_like(x), None, *args)
    assert set(np.unique(out)) == {0.0, np.inf}


def test_a_mini_batch_of_zero_weight_leaves_the_statistics(target):
    network = target.module.Network(2, [BATCH])
    network.compile("mean_squared_error")
    x, none = np.array([[1.0, 5.0], [3.0, 5.0]], target.dtype), np.zeros(2, target.dtype)
    args = np.arange(2), np.zeros((2, 1)), 2, 0, np.inf, None, 1
    kept = np.empty(4, target.dtype)
    network.train_epoch(x, x, none, *args)
    network.get_state(kept)
    assert kept.tolist() == [0, 0, 1, 1]
    network.train_epoch(x, x, None, *args)
    network.get_state(kept)
    assert_close(kept, [0.2, 0.5, 1.0, 0.9], 4 * target.u)


@pytest.mark.parametrize(
    "step",
    [
        ("dropout", 1.0), ("dropout", -0.1), ("dropout", float("nan")), ("dropout",),
        ("layer_norm", 0.0), ("layer_norm", float("inf")), ("layer_norm",),
        ("batch_norm", 1.5, 0.1), ("batch_norm", -0.1, 0.1), ("batch_norm", 0.5, 0.0),
        ("batch_norm", 0.5), ("scale", 1.0), ("none",),
    ],
)  # fmt: skip
def test_an_unknown_kind_of_step(target, step):
    with pytest.raises(ValueError, match=r"steps: .*"):
        target.module.Network(3, [step])


def test_bad_arguments(target):
    network = target.module.Network(2, [BATCH])
    network.compile("mean_squared_error")
    x, out = np.zeros((2, 2), target.dtype), np.zeros(4, target.dtype)
    for flat in (network.get_state, network.set_state):
        with pytest.raises(ValueError, match=r"3|\(4,\)"):
            flat(np.zeros(3, target.dtype))
    with pytest.raises((ValueError, OverflowError)):
        network.gradients(x, x, None, out, 1, (-1, 0, 0, 0))
    with pytest.raises(ValueError):
        network.gradients(x, x, None, out, 1, (0, 0, 0))


def test_the_kinds_are_those_of_the_reference(compiled):
    """A residual is two kinds here: the fork before its steps, and the join after them."""
    with pytest.raises(ValueError, match="of the kinds .*, got") as caught:
        compiled.module.Network(3, [("none",)])
    listed = re.search("of the kinds (.*), got", str(caught.value))
    kinds = set(listed[1].split(", "))
    wanted = set(reference.steps.STEPS) - {"residual"} | {"fork", "join"}
    assert kinds == wanted, (
        f"only one of cynn/reference/steps.py (STEPS) and cynn/kernels/steps/kinds.pxi (kinds) "
        f"has {sorted(kinds ^ wanted)}"
    )
