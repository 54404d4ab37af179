"""Settings that a schedule changes from step to step, beside the learning rate."""

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn.callbacks import Callback
from cynn.layers import Dense, Dropout, Residual
from cynn.losses import BinaryCrossEntropy, CrossEntropy, from_dict
from cynn.schedules import Constant, Cosine, CosineLog, FlatCosine, Schedule
from job import run_ranks

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)


def new(optimizer=None, drop=0.3, inner=0.2, smoothing=0.1, dtype="float32"):
    parts = [
        Dense(20, "tanh"), Dropout(drop), Residual([Dense(20, "relu"), Dropout(inner)]),
        Dense(3, "softmax"),
    ]  # fmt: skip
    model = Model(parts, dtype=dtype, seed=1)
    loss = CrossEntropy(label_smoothing=smoothing)
    model.compile(optimizer or optimizers.AdamW(0.01, weight_decay=0.2), loss)
    return model


def scheduled(**more):
    optimizer = optimizers.AdamW(CosineLog(0.02), weight_decay=FlatCosine(0.5))
    return new(optimizer, FlatCosine(0.5), Cosine(0.4, 0.1), FlatCosine(0.2), **more)


def fit(model, epochs=4, **more):
    history = model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, **more).history
    return b"".join(w.tobytes() for w in model.get_weights()), history


def test_a_constant_schedule_is_a_number():
    optimizer = optimizers.AdamW(0.01, weight_decay=Constant(0.2))
    found = fit(new(optimizer, Constant(0.3), 0.2, Constant(0.1)))
    wanted = fit(new())
    assert found[0] == wanted[0]
    assert found[1]["loss"] == wanted[1]["loss"]
    plain = dict(optimizer=None, drop=0.3, inner=0.2, smoothing=0.1)
    changed = [
        {"optimizer": optimizers.AdamW(0.01, weight_decay=FlatCosine(0.2))},
        {"drop": FlatCosine(0.3)}, {"inner": FlatCosine(0.2)}, {"smoothing": FlatCosine(0.1)},
    ]  # fmt: skip
    assert len({fit(new(**plain | each))[0] for each in changed} | {wanted[0]}) == 5


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_the_weight_decay_of_every_optimizer(name):
    kind = optimizers.OPTIMIZERS[name]
    constant, falling = kind(weight_decay=Constant(0.3)), kind(weight_decay=FlatCosine(0.3))
    assert optimizers.from_dict(falling.to_dict()) == falling
    assert "weight_decay=FlatCosine(0.3)" in repr(falling)
    wanted = fit(new(kind(weight_decay=0.3)))[0]
    assert fit(new(constant))[0] == wanted != fit(new(falling))[0]


class Hooked(Callback):
    def on_batch_end(self, batch, logs):
        pass


def test_steps_one_by_one_and_more_threads_have_the_same_bits():
    wanted = fit(scheduled())[0]
    assert fit(scheduled(), callbacks=[Hooked()])[0] == wanted


def test_a_training_goes_on_from_a_file(tmp_path):
    path = tmp_path / "model.safetensors"
    whole, half = scheduled(), scheduled()

    class Save(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch == 1:
                self.model.save(path)

    wanted = fit(whole)[0]
    fit(half, callbacks=[Save()])
    again = Model.load(path)
    for name in ("layers", "loss", "optimizer"):
        assert getattr(again, name) == getattr(whole, name)
    assert fit(again, initial_epoch=2)[0] == wanted


def test_ranks_have_the_values_of_the_step():
    """The drawn numbers are those of one process: a row's place is that in its batch."""

    def work(comm, batch_size=8):
        model = scheduled(dtype="float64")
        model.fit(X, Y, epochs=3, batch_size=batch_size, shuffle=False, verbose=0, comm=comm)
        return np.concatenate([np.ravel(w) for w in model.get_weights()])

    found = run_ranks(2, work)
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], work(None, 16), rtol=1e-9, atol=1e-9)


def test_smoothing_by_schedule_is_none_in_evaluation():
    for loss in (CrossEntropy, BinaryCrossEntropy):
        falling = loss(label_smoothing=FlatCosine(0.2))
        assert from_dict(falling.to_dict()) == falling
        assert falling.kernel("softmax") == loss().kernel("softmax")
        assert repr(falling) == f"{loss.__name__}(label_smoothing=FlatCosine(0.2))"
    model, plain = scheduled(), new(smoothing=0.0)
    fit(model)
    plain.build(5)
    plain.set_weights(model.get_weights())
    assert model.evaluate(X, Y) == plain.evaluate(X, Y)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"optimizer": optimizers.SGD(Cosine(0.1))}, "learning_rate"),
        ({"optimizer": optimizers.SGD(0.1, weight_decay=Cosine(0.1))}, "weight_decay"),
        ({"drop": Cosine(0.1)}, "the rate of dropout 0"),
        ({"inner": Cosine(0.1)}, "the rate of dropout 1"),
        ({"smoothing": Cosine(0.1)}, "label_smoothing"),
    ],
)
def test_a_schedule_needs_a_run(setting, named):
    model = new(**setting)
    with pytest.raises(ValueError, match=f"{named} must be a number for train_on_batch"):
        model.train_on_batch(X, Y)
    batches = ((X[i : i + 20], Y[i : i + 20]) for i in (0, 20, 40))
    with pytest.raises(ValueError, match=f"must be given where {named} is a schedule, got None"):
        model.fit(batches, verbose=0)


class Odd(Schedule):
    """Too large in the last step."""

    def __init__(self, last: float) -> None:
        self.last = last

    def at(self, steps, total_steps):
        return np.where(steps == total_steps - 1, self.last, 0.1)


@pytest.mark.parametrize(
    ("setting", "last", "message"),
    [
        ("drop", 1.0, r"rate of Dropout must be .* in every step, got 1.0 in step 7 of Odd\(1.0\)"),
        ("inner", 2.0, "rate of Dropout must be .* got 2.0 in step 7"),
        ("smoothing", 1.0, "label_smoothing must be .* got 1.0 in step 7"),
        ("drop", -0.5, "must return finite rates of at least 0"),
        ("smoothing", np.nan, "must return finite rates of at least 0"),
    ],
)
def test_values_that_may_not_be_end_a_fit(setting, last, message):
    with pytest.raises(ValueError, match=message):
        fit(new(**{setting: Odd(last)}), epochs=2)
    with pytest.raises(ValueError, match="must return finite rates of at least 0"):
        fit(new(optimizers.SGD(0.1, weight_decay=Odd(-1.0))), epochs=2)


@pytest.mark.parametrize("value", [1.0, -0.1, "0.1", None, True])
def test_what_is_no_fraction_is_refused(value):
    with pytest.raises((TypeError, ValueError), match="rate must be at least 0 and less than"):
        Dropout(value)
