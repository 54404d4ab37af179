"""The learning rate that is reduced when a training stops improving."""

import math

import numpy as np
import pytest

from cynn import Model, storage
from cynn.callbacks import Callback, ModelCheckpoint, ReduceLROnPlateau
from cynn.layers import Dense
from cynn.optimizers import SGD
from cynn.schedules import Cosine
from models import bits, blobs

X, Y = blobs()


class Say(Callback):
    """Puts numbers of the test's own into the logs, and keeps the rates."""

    def __init__(self, values):
        self.values, self.rates = values, []

    def on_epoch_end(self, epoch, logs=None):
        logs["it"] = self.values[epoch]
        self.rates.append(self.model.learning_rate)


def fresh(rate=0.5):
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(rate, 0.9), "cross_entropy")
    return model


@pytest.mark.parametrize(
    ("values", "arguments", "rates"),
    [
        ([5, 4, 3, 2], {}, [1, 1, 1, 1]),
        ([5, 5, 5, 5], {}, [1, 1, 0.5, 0.25]),
        ([5, 5, 5, 5, 5], {"patience": 1}, [1, 1, 1, 0.5, 0.5]),
        ([5, 5, 4, 4, 4, 4], {"patience": 1}, [1, 1, 1, 1, 1, 0.5]),
        ([5, 5, 5, 5, 5, 5], {"cooldown": 2}, [1, 1, 0.5, 0.5, 0.5, 0.25]),
        ([5, 5, 5, 5, 5], {"min_lr": 0.2}, [1, 1, 0.5, 0.4, 0.4]),
        ([5, 5, 5], {"min_lr": 0.7}, [1, 1, 1]),
        ([5, 4.9, 4.8, 4.7], {"min_delta": 0.15}, [1, 1, 0.5, 0.5]),
        ([5, 6, 7, 7, 7], {"mode": "max"}, [1, 1, 1, 1, 0.5]),
        ([math.nan, math.nan, 3, 3], {}, [1, 0.5, 0.25, 0.25]),
        ([-math.inf, 0, 0], {}, [1, 1, 0.5]),
    ],
)
def test_the_rate_of_each_epoch(values, arguments, rates):
    say, model = Say(values), fresh()
    reduce = ReduceLROnPlateau("it", **{"factor": 0.5, "patience": 0, "mode": "min"} | arguments)
    model.fit(X, Y, epochs=len(values), callbacks=[say, reduce], verbose=0)
    assert say.rates == pytest.approx([0.5 * rate for rate in rates])
    rates.append(model.rate_factor)
    fell = [n for n in range(len(values)) if rates[n + 1] < rates[n]]
    assert reduce.reduced == pytest.approx(fell)
    model.fit(X, Y, verbose=0)  # a fit from epoch 0 begins anew
    assert model.rate_factor == 1 and model.learning_rate == 0.5


def test_the_steps_have_the_lowered_rate():
    reduced, plain = fresh(), fresh(0.25)
    plateau = ReduceLROnPlateau("it", factor=0.5, patience=0, mode="min")
    reduced.fit(X, Y, epochs=2, callbacks=[Say([1, 1, 1]), plateau], verbose=0)
    before = reduced.get_weights(), reduced.get_optimizer_state()
    plain.build(X.shape[1])
    plain.set_weights(before[0])
    plain.set_optimizer_state(before[1])
    plain.epochs, plain.seed = reduced.epochs, reduced.seed
    for model in (reduced, plain):
        model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0)
    assert bits(reduced) == bits(plain)


def test_with_a_schedule():
    say, alone = Say([1] * 4), Say([1] * 4)
    fresh(Cosine(0.5)).fit(X, Y, epochs=4, callbacks=[alone], verbose=0)
    plateau = ReduceLROnPlateau("it", factor=0.5, patience=0, mode="min")
    fresh(Cosine(0.5)).fit(X, Y, epochs=4, callbacks=[say, plateau], verbose=0)
    assert np.array(say.rates) == pytest.approx(np.array(alone.rates) * [1, 1, 0.5, 0.25])


@pytest.mark.parametrize("stopped", [1, 2, 3, 5])
def test_resuming_gives_the_bits_of_an_uninterrupted_training(tmp_path, stopped):
    values = [5, math.nan, 5, 5, 4.9, 4.8, 5, 5]
    path = tmp_path / "m.safetensors"

    def callbacks(*more):
        plateau = ReduceLROnPlateau("it", 0.5, patience=1, cooldown=1, mode="min")
        return [Say(values), plateau, ModelCheckpoint(path), *more]

    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch + 1 == stopped

    whole = fresh()
    whole.fit(X, Y, epochs=8, callbacks=callbacks(), verbose=0)
    assert whole.rate_factor < 1
    fresh().fit(X, Y, epochs=8, callbacks=callbacks(Stop()), verbose=0)
    model = Model.load(path)
    model.fit(X, Y, epochs=8, initial_epoch=stopped, callbacks=callbacks(), verbose=0)
    assert model.rate_factor == whole.rate_factor and bits(model) == bits(whole)
    assert model.callback_state == whole.callback_state


@pytest.mark.parametrize(
    "change",
    [
        {"rate_factor": -1},
        {"rate_factor": "1"},
        {"callbacks": [1]},
        {"callbacks": {"a": 1}},
        {"callbacks": {"a": {"b": "c"}}},
    ],
)
def test_invalid_callback_state_in_files(tmp_path, change):
    model = fresh()
    model.build(4)
    model.save(tmp_path / "m")
    with storage.reading(tmp_path / "m") as file:
        description, arrays = file.model, {name: file.read(name) for name in file.shapes}
    storage.write(tmp_path / "m", description | change, arrays)
    with pytest.raises(storage.ModelFileError):
        Model.load(tmp_path / "m")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"monitor": 3}, "monitor must be a name"),
        ({"factor": 1}, "factor must be above 0 and less than 1, got 1.0"),
        ({"factor": 0}, "factor must be"),
        ({"patience": -1}, "patience must be"),
        ({"mode": "best"}, "mode must be one of"),
        ({"min_delta": math.nan}, "min_delta must be"),
        ({"cooldown": 1.5}, "cooldown must be"),
        ({"min_lr": -1}, "min_lr must be"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        ReduceLROnPlateau(**arguments)
