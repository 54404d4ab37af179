"""Ranks, and layers that depend on a row's place in the mini-batch, or on all of its rows."""

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn.augmentation import Augment
from cynn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    MemberAffine,
    MemberDense,
    Members,
)
from job import run_ranks
from layer_examples import COLUMNS, by_layer

N, INPUTS, CLASSES = 90, 6, 3

rng = np.random.default_rng(0)
X = rng.normal(size=(N, INPUTS))
Y = rng.integers(0, CLASSES, N)
IMAGES = rng.random((N, 4, 4))


def fit(comm, *layers, x=X, y=Y, batch_size=8, epochs=3, **more):
    made = [*layers, Dense(CLASSES, "softmax")]
    model = Model(made, dtype="float64", seed=3)
    model.compile(optimizers.SGD(0.1, 0.9), metrics=["accuracy"])
    history = model.fit(
        x, y, batch_size=batch_size, epochs=epochs, verbose=0, comm=comm, **more
    ).history
    return model, history


def numbers(model):
    return np.concatenate([a.ravel() for a in [*model.get_weights(), *model.get_state()]])


def assert_alike(found):
    """Check that all ranks have the same bits, and finite ones."""
    first = numbers(found[0][0])
    assert np.isfinite(first).all()
    for model, history in found[1:]:
        assert numbers(model).tobytes() == first.tobytes() and history == found[0][1]


def assert_measured(found, wanted):
    """Compare losses and metrics with one rank's."""
    assert found.keys() == wanted.keys() and "accuracy" in wanted
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, 1e-6)


def dropout():
    return Dropout(0.2), Dense(8, "tanh"), Dropout(0.5)


def normalized():
    return Dense(8), BatchNorm(), Dense(8, "tanh")


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("n", [N, N - 1, N - 7, 5])
@pytest.mark.parametrize("shuffle", [True, False])
def test_ranks_draw_the_dropout_masks_of_one_rank(size, n, shuffle):
    rows = {"x": X[:n], "y": Y[:n], "shuffle": shuffle}
    found = run_ranks(size, lambda comm: fit(comm, *dropout(), **rows))
    assert_alike(found)
    wanted, history = fit(None, *dropout(), batch_size=8 * size, **rows)
    np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)
    assert_measured(found[0][1], history)


def test_dropout_masks_of_separate_shards():
    def work(comm):
        mine = slice(comm.Get_rank() * 10, comm.Get_rank() * 10 + 10)
        return fit(comm, *dropout(), x=X[mine], y=Y[mine], batch_size=10, shuffle=False)

    found = run_ranks(2, work)
    assert_alike(found)
    wanted, _ = fit(None, *dropout(), x=X[:20], y=Y[:20], batch_size=20, shuffle=False)
    np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)


def test_batches_beyond_the_workspace_drop_the_same():
    x, y = np.tile(X, (30, 1)), np.tile(Y, 30)  # 2700 rows, two blocks on each of two ranks
    found = run_ranks(2, lambda comm: fit(comm, *dropout(), x=x, y=y, batch_size=1350, epochs=2))
    assert_alike(found)
    wanted, _ = fit(None, *dropout(), x=x, y=y, batch_size=2700, epochs=2)
    np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)


def test_augmentation_on_ranks_matches_one_rank():
    more = {"x": IMAGES, "augment": Augment(shift=1, noise=0.1)}
    found = run_ranks(2, lambda comm: fit(comm, Flatten(), **more))
    assert_alike(found)
    wanted, history = fit(None, Flatten(), batch_size=16, **more)
    np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)
    assert_measured(found[0][1], history)


@pytest.mark.parametrize(**by_layer)
def test_every_layer(layer):
    """All layers but batch normalisation learn on two ranks what they learn on one."""
    found = run_ranks(2, lambda comm: fit(comm, Dense(COLUMNS, "tanh"), layer))
    assert_alike(found)
    wanted, _ = fit(None, Dense(COLUMNS, "tanh"), layer, batch_size=16)
    if not layer.state_names():
        np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("n", [N, N - 7, 5])
def test_members(size, n):
    """With dropout for each: ranks learn what one learns."""
    parts = (
        Members(4), Dense(8, use_bias=False), MemberAffine(4, "tanh"), Dropout(0.4),
        MemberDense(5, 4), MemberAffine(4, "silu", use_scale=False),
    )  # fmt: skip
    rows = {"x": X[:n], "y": Y[:n]}
    found = run_ranks(size, lambda comm: fit(comm, *parts, **rows))
    assert_alike(found)
    wanted, history = fit(None, *parts, batch_size=8 * size, **rows)
    np.testing.assert_allclose(numbers(found[0][0]), numbers(wanted), 1e-6, 1e-9)
    assert_measured(found[0][1], history)


@pytest.mark.parametrize("n", [N, N - 7, 82, 3, 2, 1])
@pytest.mark.parametrize("size", [2, 3])
def test_batch_norm_ends_with_the_same_bits_everywhere(size, n):
    """A rank may have one row of the last batch, or none: its statistics stay finite."""
    work = lambda comm: fit(comm, *normalized(), x=X[:n], y=Y[:n], validation_data=(X, Y))  # noqa: E731
    found = run_ranks(size, work)
    assert_alike(found)
    assert found[0][1] == run_ranks(size, work)[0][1]


def test_batch_norm_is_of_each_rank_s_own_rows():
    """One step: the gradient is the mean of the ranks', the running statistics are too."""
    halves = [slice(0, 45), slice(45, 90)]

    def work(comm):
        mine = halves[comm.Get_rank()]
        return fit(comm, *normalized(), x=X[mine], y=Y[mine], batch_size=45, epochs=1)

    found = run_ranks(2, work)
    assert_alike(found)
    alone = [fit(None, *normalized(), x=X[h], y=Y[h], batch_size=45, epochs=1)[0] for h in halves]
    wanted = sum(numbers(model) for model in alone) / 2
    np.testing.assert_allclose(numbers(found[0][0]), wanted, 1e-9, 1e-9)


def test_ranks_of_different_length_with_batch_norm():
    def work(comm):
        n = (50, 3)[comm.Get_rank()]
        return fit(comm, *normalized(), x=X[:n], y=Y[:n], batch_size=4)

    assert_alike(run_ranks(2, work))


@pytest.mark.parametrize("n_epochs", [0, 2])
@pytest.mark.parametrize("shares", [False, True])
def test_first_weights_are_those_of_the_first_ranks_rows(shares, n_epochs):
    def parts():
        return Dense(8, "tanh", kernel_initializer="std", bias_initializer="he+5"), Dropout(0.5)

    def work(comm):
        mine = slice(comm.Get_rank(), None, 3) if shares else slice(None)
        return fit(comm, *parts(), x=X[mine], y=Y[mine], epochs=n_epochs)

    found = run_ranks(3, work)
    assert_alike(found)
    if not n_epochs:
        mine = slice(0, None, 3) if shares else slice(None)
        alone, _ = fit(None, *parts(), x=X[mine], y=Y[mine], epochs=0)
        assert numbers(alone).tobytes() == numbers(found[0][0]).tobytes()
        other, _ = fit(None, *parts(), x=X[1:], y=Y[1:], epochs=0)
        assert numbers(alone).tobytes() != numbers(other).tobytes()
