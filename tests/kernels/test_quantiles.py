"""Several quantiles in one network: a number of the loss for each output."""

import json

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense
from cynn.losses import Quantile, from_dict
from cynn.optimizers import SGD
from cynn.storage import ModelFileError
from differences import ALLOWED, differences
from job import run_ranks
from models import bits
from networks import Case
from targets import Target, assert_close

RNG = np.random.default_rng(7)
P, T = RNG.uniform(-3.0, 3.0, (2, 6, 19))
W = RNG.uniform(0.5, 2.0, 6)
Q = tuple(RNG.uniform(0.05, 0.95, 19).tolist())
EDGES = (0.05, 0.5, 0.95)


def call(module, q, columns, dtype="float64", prediction=P):
    p, t = prediction[:, :columns].astype(dtype), T[:, :columns].astype(dtype)
    out, delta = np.empty((2, *p.shape), dtype)
    loss = module.quantile(p, t, W.astype(dtype), out, delta, q)
    assert np.array_equal(out, p)
    return loss, delta


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 16, 19])
def test_each_column_has_its_own(target, columns):
    loss, delta = call(target.module, Q[:columns], columns, target.dtype)
    error = P[:, :columns] - T[:, :columns]
    slope = np.where(error < 0, -np.array(Q[:columns]), 1 - np.array(Q[:columns]))
    assert_close(loss, W @ (slope * error).mean(axis=1), 500 * target.u)
    assert_close(delta, W[:, np.newaxis] * slope / columns, 8 * target.u)


def test_the_same_for_all_is_one_for_all(target):
    for columns in (1, 3, 19):
        several, one = (
            call(target.module, q, columns, target.dtype) for q in ((0.3,) * columns, 0.3)
        )
        assert several[0] == one[0] and several[1].tobytes() == one[1].tobytes()


def test_its_gradient(target64):
    prediction = P.copy()
    wanted = differences(lambda: call(target64.module, Q, 19, prediction=prediction)[0], prediction)
    assert_close(call(target64.module, Q, 19)[1], wanted, 10 * ALLOWED)


@pytest.mark.parametrize("q", [(), (0.5,), (0.5,) * 20])
def test_there_are_as_many_as_outputs(target, q):
    with pytest.raises(ValueError, match=f"quantile must have 19 numbers, .* got {len(q)}"):
        call(target.module, q, 19, target.dtype)
    network = target.module.Network(3, [("dense", 19, "identity")])
    network.compile("mean_squared_error")
    x, y = np.ones((4, 3), target.dtype), np.full((4, 19), 2, target.dtype)
    with pytest.raises(ValueError, match=f"quantile must have 19 numbers, .* got {len(q)}"):
        network.compile(("quantile", q))
    assert network.evaluate(x, y, None, None, 1)[0] == pytest.approx(16.0)  # that of before


def test_other_losses_have_one_number(target):
    network = target.module.Network(3, [("dense", 2, "identity")])
    for wrong in (("huber", (1.0, 2.0)), ("softmax_cross_entropy", (0.1, 0.2))):
        with pytest.raises(TypeError):
            network.compile(wrong)
    with pytest.raises(TypeError):
        call(target.module, [0.5, 0.5], 2, target.dtype)  # a list is not a tuple
    network.compile(("quantile", (0.1, 0.9)))
    x, y = np.ones((4, 3), target.dtype), np.zeros((4, 2), target.dtype)
    ones = np.ones(1)
    with pytest.raises(ValueError, match="numbers must be None for a loss without one"):
        values = (ones, ones, None, None, ones)
        network.train_epoch(x, y, None, np.arange(4), values, 4, 0, np.inf, None, 1)


CASE = Case("", (("dense", 9, "tanh"), ("dense", 5, "identity")), ("quantile", Q[:5]))


def steps(target):
    network = CASE.make(target)
    x, _, dense, weight = CASE.data(5, target.dtype)
    n = len(x)
    values = np.full(3, 0.05), np.full(3, 0.9)
    sums = network.train_epoch(x, dense, weight, np.arange(n), values, 2, 0, np.inf, None, 1)
    sums += network.evaluate(x, dense, weight, None, 1)
    gradient, found = np.empty((2, network.n_params), target.dtype)
    sums += network.gradients(x, dense, weight, gradient, 1)
    network.get_params(found)
    return np.array(sums), gradient, found


def test_a_network_agrees_with_the_reference(compiled):
    wanted = steps(Target("reference", compiled.dtype))
    for got, want in zip(steps(compiled), wanted, strict=True):
        assert_close(got, want, 4000 * compiled.u * max(1.0, np.abs(want).max()))


def test_compiling_again_forgets_them(compiled):
    network = CASE.make(compiled)
    x, _, dense, weight = CASE.data(5, compiled.dtype)
    found = []
    for loss in (("quantile", 0.3), ("quantile", Q[:5]), ("quantile", 0.3)):
        network.compile(loss)
        found.append(network.evaluate(x, dense, weight, None, 1))
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize("block", [1024, 64])
def test_same_bits_on_any_number_of_threads(compiled, block):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 60)).astype(compiled.dtype)
    y = rng.normal(size=(300, 19)).astype(compiled.dtype)
    results = set()
    for threads in (1, 2, 3, 7):
        network = compiled.module.Network(60, [("dense", 200, "tanh"), ("dense", 19, "identity")])
        network.largest_block = block
        start = np.random.default_rng(1).normal(size=network.n_params) * 0.1
        network.set_params(start.astype(compiled.dtype))
        network.compile(("quantile", Q))
        values = np.full(3, 0.01), np.full(3, 0.9)
        sums = network.train_epoch(
            x, y, None, np.arange(300), values, 128, 0, np.inf, None, threads
        )
        out = np.empty(network.n_params, compiled.dtype)
        network.get_params(out)
        results.add((sums, network.evaluate(x, y, None, None, threads), out.tobytes()))
    assert len(results) == 1


# ---- the loss of a model ------------------------------------------------------------------------


def test_it_is_written_and_read():
    loss = Quantile([0.1, 0.5])
    assert loss.q == (0.1, 0.5) and repr(loss) == "Quantile((0.1, 0.5))"
    assert from_dict(json.loads(json.dumps(loss.to_dict()))) == loss
    assert Quantile(np.array([0.1, 0.5])) == loss and hash(loss) == hash(Quantile((0.1, 0.5)))
    assert loss.kernel("identity") == ("quantile", (0.1, 0.5))


def test_what_it_is_not():
    for wrong in (0.0, 1.0, -0.5, np.nan):
        with pytest.raises(ValueError, match=r"q\[1\] must be a number between 0 and 1, got"):
            Quantile([0.5, wrong])
    with pytest.raises(ValueError, match="q must hold at least one number, got none"):
        Quantile([])
    for wrong in ("0.5", [0.5, "0.9"], [True], None, [[0.5]]):
        with pytest.raises(TypeError, match="q.* must be"):
            Quantile(wrong)


def test_its_targets():
    loss = Quantile(EDGES)
    for y in ([1, 2], [[1], [2]], np.array([1.0, 2.0])):
        found = loss.targets(y, 3, "float32")
        assert found.dtype == np.float32 and found.tolist() == [[1.0] * 3, [2.0] * 3]
    y = np.arange(6.0).reshape(2, 3)
    assert loss.targets(y, 3, "float64") is y
    assert loss.targets(np.empty(0), 3, "float64").shape == (0, 3)
    with pytest.raises(ValueError, match="quantiles as the model has outputs, 2, got 3"):
        loss.targets([1, 2], 2, "float64")
    with pytest.raises(ValueError, match=r"y must have shape \(n, 3\), got shape \(2, 2\)"):
        loss.targets(np.ones((2, 2)), 3, "float64")
    with pytest.raises(ValueError, match="y must hold finite numbers, got nan in row 1"):
        loss.targets([1, np.nan], 3, "float64")


def model(dtype="float64", q=EDGES, rate=0.5):
    made = Model([Dense(len(q))], seed=0, dtype=dtype)
    made.compile(SGD(rate, 0.5), Quantile(q), ["mae"])
    return made


def test_one_network_learns_several():
    x, y = np.zeros((101, 1)), np.arange(101.0)
    made = model(q=(0.9, 0.1, 0.5))  # in any order
    made.fit(x, y, batch_size=101, epochs=3000, validation_data=(x, y), verbose=0)
    np.testing.assert_allclose(made.predict(x[:1])[0], [90, 10, 50], atol=1)
    apart = [model(q=(q,)) for q in (0.9, 0.1, 0.5)]
    for each in apart:
        each.fit(x, y, batch_size=101, epochs=1000, verbose=0)
    losses = [each.evaluate(x, y)["loss"] for each in apart]
    assert made.evaluate(x, y)["loss"] == pytest.approx(np.mean(losses), rel=0.02)


def test_a_model_of_other_outputs_is_refused():
    for built in (False, True):
        made = Model([Dense(2)], seed=0)
        if built:
            made.build(1)
            with pytest.raises(ValueError, match="quantile must have 2 numbers, .* got 3"):
                made.compile("sgd", Quantile(EDGES))
        else:
            made.compile("sgd", Quantile(EDGES))
            with pytest.raises(ValueError, match="quantiles as the model has outputs, 2, got 3"):
                made.fit([[0.0]], [0.0], verbose=0)
            with pytest.raises(ValueError, match="quantile must have 2 numbers, .* got 3"):
                made.build(1)


def test_a_file_goes_on_as_before(tmp_path):
    x = RNG.normal(size=(40, 3))
    y = x[:, 0] + RNG.normal(size=40)
    made = model("float32")
    made.fit(x, y, epochs=2, verbose=0)
    made.save(tmp_path / "m.safetensors")
    loaded = Model.load(tmp_path / "m.safetensors")
    assert loaded.loss == Quantile(EDGES)
    assert loaded.evaluate(x, y) == made.evaluate(x, y)
    for each in (made, loaded):
        each.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    assert bits(loaded) == bits(made)
    data = (tmp_path / "m.safetensors").read_bytes()
    assert data.count(b"0.05, 0.5, 0.95") == 1
    for damaged in (b"0.05, 0.5000095", b"0.05, 0.5, 1.95", b'0.05, 0.5, "95"'):
        (tmp_path / "d.safetensors").write_bytes(data.replace(b"0.05, 0.5, 0.95", damaged))
        with pytest.raises(ModelFileError, match=r"d\.safetensors"):
            Model.load(tmp_path / "d.safetensors")


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_together_are_one(size):
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = x[:, 0]

    def work(comm, batch_size=8):
        made = model(rate=0.01)
        history = made.fit(x, y, batch_size=batch_size, epochs=3, verbose=0, comm=comm)
        return np.concatenate([a.ravel() for a in made.get_weights()]), history.history["loss"]

    alone = work(None, 8 * size)
    for weights, losses in run_ranks(size, work):
        np.testing.assert_allclose(weights, alone[0], 1e-9)
        np.testing.assert_allclose(losses, alone[1], 1e-9)
