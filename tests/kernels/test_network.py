"""A network matches its kernels, mini-batch by mini-batch, and refuses what does not fit."""

import itertools

import numpy as np
import pytest

from cynn import reference
from networks import INPUTS, ROWS, TWO_LAYERS, Case
from targets import assert_close


def test_network_matches_its_kernels_called_in_turn(target):
    module, real = target.module, target.dtype
    network = TWO_LAYERS.make(target)
    x, labels, _, weight = TWO_LAYERS.data(3, real)
    flat = TWO_LAYERS.params(network.n_params, real)
    w1, b1, w2, b2 = np.split(flat, np.cumsum([INPUTS * 5, 5, 5 * 3]))
    w1, w2 = w1.reshape(INPUTS, 5), w2.reshape(5, 3)
    wanted = np.eye(3, dtype=real)[labels]
    scaled = (x * 0.5 - 0.25).astype(real)
    hidden, grad_hidden, delta_hidden = np.empty((3, ROWS, 5), real)
    logits, probabilities, delta = np.empty((3, ROWS, 3), real)
    grads = [np.empty_like(v) for v in (w1, b1, w2, b2)]

    module.dense_forward(scaled, w1, b1, "tanh", hidden)
    module.dense_forward(hidden, w2, b2, "identity", logits)
    loss = module.softmax_cross_entropy(logits, wanted, weight, probabilities, delta)
    module.dense_backward(hidden, w2, delta, grad_hidden, grads[2], grads[3])
    module.tanh_backward(hidden, grad_hidden, delta_hidden)
    module.dense_backward(scaled, w1, delta_hidden, np.empty_like(x), grads[0], grads[1])

    out, predicted = np.empty(network.n_params, real), np.empty((ROWS, 3), real)
    got = network.gradients(x, labels, weight, out, 1)
    network.predict(x, predicted, 1)
    bound = 200 * target.u
    assert_close(got, [loss, weight.sum()], bound * loss)
    assert_close(out, np.concatenate([g.ravel() for g in grads]), bound * 10)
    assert_close(predicted, probabilities, bound)


@pytest.mark.parametrize("nesterov", [False, True])
def test_update_is_sgd(target, nesterov):
    network = TWO_LAYERS.make(target)
    n, real = network.n_params, target.dtype
    network.compile(TWO_LAYERS.loss, ("sgd", nesterov, 0.1))
    rng = np.random.default_rng(0)
    params, velocity = TWO_LAYERS.params(n, real), np.zeros(n, real)
    got_params, got_velocity = np.empty(n, real), np.ones(n, real)
    network.get_slot("velocity", got_velocity)
    assert not got_velocity.any()
    for learning_rate, momentum in ((0.1, 0.9), (0.05, 0.0), (0.2, 0.5)):
        gradient = rng.standard_normal(n).astype(real)
        network.update(gradient, learning_rate, momentum)
        target.module.sgd(params, gradient, velocity, learning_rate, momentum, nesterov, 0.1)
        network.get_params(got_params)
        network.get_slot("velocity", got_velocity)
        assert_close(got_params, params, 100 * target.u)
        assert_close(got_velocity, velocity, 100 * target.u)


def state(network, dtype: str) -> np.ndarray:
    """Return parameters and velocity."""
    both = np.empty((2, network.n_params), dtype)
    network.get_params(both[0])
    network.get_slot("velocity", both[1])
    return both


def train(network, x, y, weight, order, batch_size, start=0, seconds=np.inf, outputs=None):
    """Train an epoch at a constant learning rate and momentum."""
    order = np.asarray(order, np.int64)
    steps = -(-len(order) // batch_size)
    schedule = np.full(steps, 0.1), np.full(steps, 0.9)
    return network.train_epoch(
        x, y, weight, order, schedule, batch_size, start, seconds, outputs, 1
    )


def test_an_epoch_of_one_batch_is_the_mean_gradient_and_an_update(target):
    one, other = (TWO_LAYERS.make(target) for _ in range(2))
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    gradient = np.empty(one.n_params, target.dtype)
    for _ in range(3):  # so that there is velocity
        loss, total = one.gradients(x, labels, weight, gradient, 1)
        one.update(gradient / weight.sum(), 0.1, 0.9)
        got = train(other, x, labels, weight, range(ROWS), 100)
        assert got[0] == 1
        assert_close(got[1:], [loss, total], 100 * target.u * loss)
    assert_close(state(other, target.dtype), state(one, target.dtype), 1000 * target.u)


def test_an_epoch_is_its_batches_in_order(target):
    """Rows by number, some twice; the last batch is short; outputs are those before each step."""
    one, other = (TWO_LAYERS.make(target) for _ in range(2))
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    order = np.array([5, 2, 2, 0, 4, 1, 5])
    outputs, wanted = np.empty((2, len(order), 3), target.dtype)
    sums = np.zeros(2)
    for first in (0, 3, 6):
        rows = order[first : first + 3]
        one.predict(x[rows], wanted[first : first + 3], 1)
        sums += train(one, x[rows], labels[rows], weight[rows], range(len(rows)), 100)[1:]
    got = train(other, x, labels, weight, order, 3, outputs=outputs)
    assert got[0] == 3
    assert_close(got[1:], sums, 100 * target.u * sums)
    assert_close(outputs, wanted, 1000 * target.u)
    assert_close(state(other, target.dtype), state(one, target.dtype), 1000 * target.u)


def test_an_epoch_in_slices_is_the_same_to_the_bit(target):
    """With no time a call does at least one step, and maybe a few before it checks the time."""
    whole, sliced = (TWO_LAYERS.make(target) for _ in range(2))
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    order = [5, 2, 0, 4, 1] * 20
    outputs, got = np.zeros((2, len(order), 3), target.dtype)
    wanted = train(whole, x, labels, weight, order, 2, outputs=outputs)
    assert wanted[0] == 50
    start, slices = 0, 0
    while start < 50:
        later, *sums = train(sliced, x, labels, weight, order, 2, start, 0.0, got)
        assert start < later <= 50
        done = weight[order[: 2 * later]].sum(dtype=np.float64)
        assert_close(sums[1], done, 10 * target.u * done)
        start, slices = later, slices + 1
    assert slices > 1
    assert tuple(sums) == wanted[1:]
    assert np.array_equal(state(sliced, target.dtype), state(whole, target.dtype))
    assert np.array_equal(got, outputs)
    assert train(whole, x, labels, weight, order, 2, start=50) == wanted


def test_rows_of_zero_weight_are_ignored(target):
    network = TWO_LAYERS.make(target)
    x, labels, dense, weight = TWO_LAYERS.data(3, target.dtype)
    present = np.array([True, False, True, True, False, True])
    masked = np.where(present, weight, 0).astype(target.dtype)
    got, want = np.empty((2, network.n_params), target.dtype)
    for y in (labels, dense):
        sums = network.gradients(x, y, masked, got, 1)
        wanted = network.gradients(x[present], y[present], weight[present], want, 1)
        assert_close(sums, wanted, 100 * target.u * wanted[0])
        assert_close(got, want, 100 * target.u)
    one, other = (TWO_LAYERS.make(target) for _ in range(2))
    train(one, x, labels, masked, range(ROWS), ROWS)
    train(other, x, labels, weight, np.flatnonzero(present), ROWS)
    assert_close(state(one, target.dtype), state(other, target.dtype), 100 * target.u)


def test_a_mini_batch_of_zero_weight_changes_nothing(target):
    network = TWO_LAYERS.make(target)
    network.compile(TWO_LAYERS.loss, ("sgd", 0, 0.5))
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    train(network, x, labels, weight, range(ROWS), 2)  # so that there is velocity
    before = state(network, target.dtype)
    got = train(network, x, labels, np.zeros_like(weight), range(ROWS), 2)
    assert got == (3, 0.0, 0.0)
    assert np.array_equal(state(network, target.dtype), before)


def test_negative_weights_have_the_mean_of_positive_ones(target):
    """The sign of a sum of weights cancels: only a sum of 0 has no mean."""
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    networks = [TWO_LAYERS.make(target) for _ in range(2)]
    for network, signed in zip(networks, (weight, -weight), strict=True):
        before = state(network, target.dtype)
        train(network, x, labels, signed, range(ROWS), 2)
        assert not np.array_equal(state(network, target.dtype), before)
    one, other = (state(network, target.dtype) for network in networks)
    assert_close(one, other, 100 * target.u)


def test_labels_are_one_hot_rows_and_no_weight_is_a_weight_of_one(target):
    network = TWO_LAYERS.make(target)
    x, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    one_hot = np.eye(3, dtype=target.dtype)[labels]
    got, want = np.empty((2, network.n_params), target.dtype)
    wanted = network.gradients(x, labels, None, want, 1)
    assert wanted[1] == ROWS
    for y, w in ((one_hot, None), (labels, np.ones_like(weight))):
        sums = network.gradients(x, y, w, got, 1)
        assert_close(sums, wanted, 100 * target.u * wanted[0])
        assert_close(got, want, 100 * target.u)


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "strided", "backwards", "column"])
def test_inputs_of_every_kind(target, kind):
    """Also uint8, scaled when it is read, from any layout, read-only."""
    steps = [("dense", 5, "tanh"), ("dense", 3, "softmax")]
    values = np.random.default_rng(0).integers(256, size=(ROWS, INPUTS)).astype(np.uint8)
    x = values.astype(kind) if kind[-1].isdigit() else values
    if kind == "strided":
        wide = np.zeros((2 * ROWS, 3 * INPUTS), np.uint8)
        wide[::2, ::3] = values
        x = wide[::2, ::3]
    elif kind == "backwards":
        x = values[::-1, ::-1].copy()[::-1, ::-1]
    elif kind == "column":
        x = np.asfortranarray(values)
    x.setflags(write=False)
    _, labels, _, weight = TWO_LAYERS.data(3, target.dtype)
    results = []
    for inputs, scale in ((x, (1 / 255, -0.5)), (None, (1.0, 0.0))):
        network = target.module.Network(INPUTS, steps, *scale)
        network.compile(TWO_LAYERS.loss)
        network.set_params(TWO_LAYERS.params(network.n_params, target.dtype))
        if inputs is None:
            inputs = (values / 255 - 0.5).astype(target.dtype)
        predicted = np.empty((ROWS, 3), target.dtype)
        train(network, inputs, labels, weight, [4, 1, 0, 3], 2)
        network.predict(inputs, predicted, 1)
        results.append([predicted, state(network, target.dtype)])
    for got, want in zip(*results, strict=True):
        assert_close(got, want, 500 * target.u)


@pytest.mark.parametrize("last", ["identity", "softmax"])
def test_outputs_are_predictions(target, last):
    """Logits where the network ends in logits, also when the loss is fused with softmax."""
    case = Case("", (("dense", 5, "tanh"), ("dense", 3, last)), "softmax_cross_entropy")
    network = case.make(target)
    x, labels, _, weight = case.data(3, target.dtype)
    predicted, evaluated, trained = np.empty((3, ROWS, 3), target.dtype)
    network.predict(x, predicted, 1)
    network.evaluate(x, labels, weight, evaluated, 1)
    train(network, x, labels, weight, range(ROWS), ROWS, outputs=trained)
    assert_close(evaluated, predicted, 20 * target.u)
    assert_close(trained, predicted, 20 * target.u)
    if last == "softmax":
        assert_close(predicted.sum(axis=1), np.ones(ROWS), 8 * target.u)


def test_parameters_and_velocity_round_trip(target):
    network = TWO_LAYERS.make(target)
    assert (network.n_inputs, network.n_outputs, network.n_params) == (INPUTS, 3, 43)
    rng = np.random.default_rng(0)
    params, velocity = rng.standard_normal((2, 43)).astype(target.dtype)
    network.set_params(params)
    network.set_slot("velocity", velocity)
    assert np.array_equal(state(network, target.dtype), [params, velocity])


@pytest.mark.parametrize("cuts", [(0, 43), (0, 1, 42, 43), (0, 5, 5, 20, 43), range(44)])
def test_parameters_in_parts(target, cuts):
    """W and b of both layers, cut anywhere; the panels have columns that fill them up."""
    network = TWO_LAYERS.make(target)
    rng = np.random.default_rng(0)
    params, velocity = rng.standard_normal((2, 43)).astype(target.dtype)
    for start, end in itertools.pairwise(cuts):
        network.set_part(None, start, params[start:end])
        network.set_part("velocity", start, velocity[start:end])
    assert np.array_equal(state(network, target.dtype), [params, velocity])
    for start, end in ((-1, 3), (40, 44), (44, 44)):
        with pytest.raises(ValueError, match=f"flat must end within 43 numbers, got {end}"):
            network.set_part(None, start, np.zeros(end - start, target.dtype))
    with pytest.raises(ValueError, match="slot must be one of"):
        network.set_part("exp_avg", 0, params)
    assert np.array_equal(state(network, target.dtype), [params, velocity])


def test_no_rows(target):
    network = TWO_LAYERS.make(target)
    x, labels, dense, weight = (v[:0] for v in TWO_LAYERS.data(3, target.dtype))
    out = np.ones(network.n_params, target.dtype)
    before = state(network, target.dtype)
    for y in (labels, dense):
        assert network.gradients(x, y, weight, out, 1) == (0.0, 0.0)
        assert not out.any()
        assert network.evaluate(x, y, None, None, 1) == (0.0, 0.0)
        assert train(network, x, y, weight, [], 2) == (0, 0.0, 0.0)
    network.predict(x, np.empty((0, 3), target.dtype), 1)
    assert np.array_equal(state(network, target.dtype), before)


def test_a_network_refuses_what_does_not_fit(target):
    make, real = target.module.Network, target.dtype
    for steps in (
        [("dense", 0, "relu")],
        [("dense", 3, "ReLU")],
        [("convolution", 3, "relu")],
        [("activation", "maxout")],
        [("residual", [("dense", INPUTS + 1, "relu")])],
        [("residual", [("dense", 3, "ReLU")])],
        [("dense", 3, "relu"), ("join",)],
        [("fork",), ("dense", INPUTS, "relu")],
        [("dense", 3)],
        [("normalize", (0.0,) * INPUTS, (1.0,))],
        [("normalize", (0.0,), (1.0,))],
        [("normalize", (0.0,) * INPUTS, (1.0,) * INPUTS), ("dense", 0, "relu")],
    ):
        with pytest.raises(ValueError):
            make(INPUTS, steps)
    with pytest.raises(ValueError):
        make(0, [("dense", 3, "relu")])
    for loss, last in (
        ("softmax_cross_entropy", "sigmoid"),
        ("sigmoid_binary_cross_entropy", "relu"),
        ("hubert", "identity"),
    ):
        with pytest.raises(ValueError):
            make(INPUTS, [("dense", 3, last)]).compile(loss)

    network = TWO_LAYERS.make(target)
    x, labels, dense, weight = TWO_LAYERS.data(3, real)
    out, before = np.empty((ROWS, 3), real), state(network, real)
    n = network.n_params
    calls = {
        "x of another width": lambda: network.predict(x[:, :-1].copy(), out, 1),
        "out of another length": lambda: network.predict(x, out[:-1], 1),
        "more labels than rows": lambda: network.evaluate(x[:-1], labels, None, None, 1),
        "targets of another width": lambda: network.evaluate(x, dense[:, :2], None, None, 1),
        "fewer weights": lambda: network.evaluate(x, labels, weight[:-1], None, 1),
        "a label too large": lambda: network.evaluate(x, labels * 0 + 3, None, None, 1),
        "a negative label": lambda: network.evaluate(x, labels * 0 - 1, None, None, 1),
        "a label too large to train": lambda: train(network, x, labels * 0 + 3, None, [0], 1),
        "a gradient too long": lambda: network.gradients(x, labels, None, np.empty(n + 1, real), 1),
        "an update too short": lambda: network.update(np.ones(n - 1, real), 0.1, 0.0),
        "parameters too short": lambda: network.set_params(np.ones(n - 1, real)),
        "velocity too long": lambda: network.get_slot("velocity", np.ones(n + 1, real)),
        "a row too far": lambda: train(network, x, labels, None, [0, ROWS], 2),
        "a negative row": lambda: train(network, x, labels, None, [0, -1], 2),
        "no batch size": lambda: network.train_epoch(
            x, labels, None, np.arange(ROWS), (np.ones(9), np.ones(9)), 0, 0, np.inf, None, 1
        ),
        "too few rates": lambda: network.train_epoch(
            x, labels, None, np.arange(ROWS), (np.ones(2), np.ones(3)), 2, 0, np.inf, None, 1
        ),
        "too few momenta": lambda: network.train_epoch(
            x, labels, None, np.arange(ROWS), (np.ones(3), np.ones(2)), 2, 0, np.inf, None, 1
        ),
        "a start past the end": lambda: train(network, x, labels, None, range(ROWS), 2, start=4),
        "a negative start": lambda: train(network, x, labels, None, range(ROWS), 2, start=-1),
        "outputs too short": lambda: train(
            network, x, labels, None, range(ROWS), 2, outputs=out[:-1]
        ),
    }
    for what, call in calls.items():
        with pytest.raises(ValueError):
            call()
            pytest.fail(what)
    assert np.array_equal(state(network, real), before)


def test_a_compile_that_is_refused_changes_nothing(target):
    adam = ("adam", 0.9, 0.999, 1e-8, 0.0)
    penalties = [(0.0, 0.1), (0.0, 0.0)]
    calls = {
        "a loss that does not fit": lambda n: n.compile("sigmoid_binary_cross_entropy", adam),
        "no such loss": lambda n: n.compile("hubert", adam),
        "a loss with a number too many": lambda n: n.compile(("mean_squared_error", 1.0), adam),
        "no such optimizer": lambda n: n.compile("huber", ("adamax",)),
        "an optimizer with a number too few": lambda n: n.compile("huber", adam[:-1]),
        "a clip of 0": lambda n: n.compile("huber", adam, 0.0),
        "a penalty too many": lambda n: n.compile("huber", adam, 1.0, 1.0, [(0.0, 0.1)] * 3),
        "a negative penalty": lambda n: n.compile("huber", adam, 1.0, 1.0, [(0.0, -1.0)] * 2),
    }
    x, labels, _, _ = TWO_LAYERS.data(3, target.dtype)

    def trained(call=None):
        network = TWO_LAYERS.make(target)
        network.compile(TWO_LAYERS.loss, ("sgd", 0, 0.0), np.inf, np.inf, penalties)
        train(network, x, labels, None, range(ROWS), 2)
        if call is not None:
            with pytest.raises(ValueError):
                call(network)
        losses = train(network, x, labels, None, range(ROWS), 2)
        return losses, network.slot_names, state(network, target.dtype).tobytes()

    wanted = trained()
    for what, call in calls.items():
        assert trained(call) == wanted, what


def test_training_without_a_loss_is_refused(target):
    network = target.module.Network(INPUTS, [("dense", 3, "softmax")])
    x, labels, _, _ = TWO_LAYERS.data(3, target.dtype)
    with pytest.raises((ValueError, RuntimeError), match="compile"):
        network.evaluate(x, labels, None, None, 1)


def test_the_reference_learns_from_lists():
    """Two hundred rows of 64 numbers, ten classes, in plain Python from end to end."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 200, (10, 64))
    labels = np.arange(200) % 10
    x = np.clip(centres[labels] + rng.normal(0, 40, (200, 64)), 0, 255).astype(int).tolist()
    y = labels.tolist()
    network = reference.Network(64, [("dense", 16, "relu"), ("dense", 10, "softmax")], 1 / 255)
    network.compile("softmax_cross_entropy")
    flat: list[float] = []
    for n_in, n_out, activation in ((64, 16, "relu"), (16, 10, "softmax")):
        w = reference.initial_weights(n_in, n_out, n_out, activation)
        flat += [value for row in w for value in row] + [0.0] * n_out
    network.set_params(flat)
    for _ in range(8):
        network.train_epoch(
            x, y, None, list(range(200)), ([0.1] * 13, [0.9] * 13), 16, 0, float("inf"), None, 1
        )
    out = [[0.0] * 10 for _ in x]
    network.predict(x, out, 1)
    right = sum(row.index(max(row)) == label for row, label in zip(out, y, strict=True))
    assert right >= 190
