"""A training whose loss or weights are no longer finite ends at that step, however it trains."""

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import Callback, CSVLogger, ModelCheckpoint
from cynn.layers import BatchNorm, Dense
from cynn.losses import Custom
from cynn.optimizers import SGD
from cynn.schedules import Cosine

X = np.random.default_rng(0).normal(size=(1000, 1))
Y = 3 * X + 1
BATCHES = [(X[i : i + 32], Y[i : i + 32]) for i in range(0, 1000, 32)]


class Batches(Callback):
    def __init__(self):
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


def new(rate=0.5, dtype="float32", loss="mse", **arguments):
    model = Model([Dense(256, "relu", **arguments), Dense(1)], dtype=dtype, seed=0)
    model.compile(SGD(rate, 0.9, nesterov=True), loss, ["mae"])
    return model


def squared(y, prediction):
    error = prediction - y
    with np.errstate(over="ignore"):
        return np.minimum((error * error).sum(axis=1), np.finfo(prediction.dtype).max), 2 * error


WAYS = {
    "rows": lambda model: model.fit(X, Y, epochs=5, verbose=0),
    "hooks": lambda model: model.fit(X, Y, epochs=5, callbacks=[Batches()], verbose=0),
    "batches": lambda model: model.fit(BATCHES, epochs=5, verbose=0),
    "large batches": lambda model: model.fit(
        np.tile(X, (40, 1)), np.tile(Y, (40, 1)), batch_size=1500, epochs=5, verbose=0
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("arguments", [{}, {"l2": 1e-3}], ids=["plain", "penalised"])
def test_the_first_loss_that_is_not_finite_ends_the_training(way, arguments):
    model = new(**arguments)
    with pytest.raises(
        FloatingPointError,
        match=r"^loss must be finite, got (inf|nan) in epoch 1, step \d+, at a learning rate of 0.5"
        r": the training has diverged: lower the learning rate",
    ):
        way(model)
    assert np.isfinite(model.get_learned()).all()  # those from before that step
    assert model.epochs == 0 and model.history.epoch == []
    with pytest.raises(FloatingPointError, match="in epoch 1, step 1,"):  # and it was that loss
        model.fit(X, Y, verbose=0, shuffle=False, batch_size=1000)


def test_the_step_is_the_same_with_hooks_and_by_single_steps():
    plain, hooked, single = new(), new(), new()
    heard = Batches()
    with pytest.raises(FloatingPointError) as first:
        plain.fit(X, Y, shuffle=False, verbose=0)
    with pytest.raises(FloatingPointError) as second:
        hooked.fit(X, Y, shuffle=False, callbacks=[heard], verbose=0)
    assert str(first.value) == str(second.value)
    n = len(heard.losses)  # hooks hear of the finite ones
    assert f"step {n + 1}," in str(first.value) and np.isfinite(heard.losses).all()
    for x, y in BATCHES[:n]:
        single.train_on_batch(x, y)
    with pytest.raises(FloatingPointError, match=f"got inf in step {n + 1}, at a learning rate of"):
        single.train_on_batch(*BATCHES[n])
    assert np.array_equal(plain.get_learned(), single.get_learned())
    assert np.array_equal(plain.get_learned(), hooked.get_learned())


def test_the_epoch_and_the_rate_are_those_of_the_step():
    class Raise(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.rate_factor = 1e6 if epoch == 2 else 1e-3

    model = new(Cosine(0.5))
    with pytest.raises(FloatingPointError, match=r"epoch 3, step \d+, at a learning rate of [1-9]"):
        model.fit(X, Y, epochs=4, callbacks=[Raise()], verbose=0)
    assert model.epochs == 2 and model.history.epoch == [0, 1]


def test_a_good_checkpoint_stays(tmp_path):
    class Raise(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.rate_factor = 1e6 if epoch == 1 else 1e-3

    path, log = tmp_path / "last", tmp_path / "log.csv"
    with pytest.raises(FloatingPointError, match="epoch 2"):
        callbacks = [Raise(), CSVLogger(log), ModelCheckpoint(path)]
        new().fit(X, Y, epochs=3, callbacks=callbacks, verbose=0)
    assert Model.load(path).epochs == 1 and len(log.read_text().splitlines()) == 2


def test_the_last_step_may_spoil_the_weights(tmp_path):
    """The loss is from before the step: it is finite where the step overflows."""
    path = tmp_path / "last"
    for way in (
        lambda model: model.fit(
            X, Y, batch_size=1000, callbacks=[ModelCheckpoint(path)], verbose=0
        ),
        lambda model: model.train_on_batch(X, Y),
        lambda model: model.fit([(X, Y)], callbacks=[ModelCheckpoint(path)], verbose=0),
    ):
        with pytest.raises(FloatingPointError, match=r"^weights must be finite, .* step 1, at a"):
            way(new(1e38))
        assert not path.exists()


def test_the_loss_of_the_rows_held_out():
    big = np.full((5, 1), 1e30, np.float32)
    model = new(1e-3)
    with pytest.raises(
        FloatingPointError, match=r"^val_loss must .* after epoch 1, step 32, at .*validation"
    ):
        model.fit(X, Y, validation_data=(big, big), epochs=2, verbose=0)
    model.fit(X, Y, validation_data=(big[:0], big[:0]), verbose=0)  # no rows have no loss
    assert np.isnan(model.history.history["val_loss"]).all()


def test_a_users_loss_and_float64():
    model = new(5.0, "float64", Custom(squared))
    with pytest.raises(FloatingPointError, match="must be finite, got .* step"):
        for _ in range(30):
            model.fit(X, Y, verbose=0)


def test_rows_of_weight_zero_are_no_divergence():
    """A penalty of a mini-batch without weight has no mean, and is none of its loss."""
    model = new(1e-3, l2=0.1)
    weight = (np.arange(1000) >= 32).astype(float)
    model.fit(X, Y, sample_weight=weight, shuffle=False, verbose=0)
    assert model.epochs == 1


@pytest.mark.parametrize("way", ["rows", "hooks", "batches"])
def test_statistics_that_would_not_be_finite_end_the_training_where_they_are(way):
    x = X.astype(np.float32)
    x[70] = 9.97e36  # a fill value, whose square is more than float32 holds: of the third step
    model = Model([BatchNorm(), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    model.build(1)
    state, weights = model.get_state(), model.get_learned()
    hooks = [Batches()] if way == "hooks" else []
    rows = [(x[i : i + 32], Y[i : i + 32]) for i in range(0, 1000, 32)] if way == "batches" else x
    with pytest.raises(
        FloatingPointError,
        match=r"^batch_norm must have .*\(in epoch 1, step 3, at a learning rate of 0.1\)$",
    ):
        model.fit(rows, None if way == "batches" else Y, shuffle=False, callbacks=hooks, verbose=0)
    for before, after in zip(state, model.get_state(), strict=True):
        assert np.isfinite(after).all() and not np.array_equal(before, after)  # of two steps
    assert not np.array_equal(weights, model.get_learned())


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        ({}, r"or limit the gradients \(clip_norm=1.0 of the optimizer\)"),
        ({"clip_value": 1e30}, r"or limit the gradients \(clip_norm=1.0 of the optimizer\)"),
        ({"clip_norm": 1e9}, "or the optimizer's clip_norm, which is 1e.09"),
    ],
)
def test_what_is_advised_is_not_yet_done(clips, said):
    model = Model([Dense(256, "relu"), Dense(1)], seed=0)
    model.compile(SGD(1e25, **clips), "mse")
    with pytest.raises(FloatingPointError, match=f"diverged: lower the learning rate, {said}"):
        model.fit(X, Y, epochs=20, verbose=0)


@pytest.mark.parametrize("n_columns", [1, 40])
@pytest.mark.parametrize(("dtype", "large"), [("float32", 3e38), ("float64", -1e308)])
def test_a_constant_column_with_no_finite_square_is_said(dtype, large, n_columns):
    """Its variance in each mini-batch is 0: nothing else shows that no row can be predicted."""
    x = np.tile(X, n_columns).astype(dtype)
    x[:, n_columns // 2] = large
    model = Model([BatchNorm(), Dense(1)], dtype=dtype, seed=0)
    model.compile("sgd", "mse")
    said = "running means of a BatchNorm must .* finite squares, got .* after {}step 1, .*: scale x"
    with pytest.raises(FloatingPointError, match=said.format("")):
        model.train_on_batch(x[:50], Y[:50])
    with pytest.raises(FloatingPointError, match=said.format("epoch 1, ")):
        model.fit(x, Y, batch_size=1000, epochs=3, verbose=0)
    assert model.epochs == 0
