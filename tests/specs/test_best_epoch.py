"""The best epoch of a whole run: which it is, and that a resumed training finds the same."""

import math

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import BestEpoch, Callback, EarlyStopping, ModelCheckpoint
from cynn.layers import BatchNorm, Dense
from cynn.optimizers import SGD
from cynn.schedules import Cosine
from models import bits, blobs

X, Y = blobs()


def fresh():
    model = Model([Dense(8), BatchNorm(), Dense(3, "softmax")], seed=0)
    model.compile(SGD(Cosine(0.1), 0.9), "cross_entropy")
    return model


class Say(Callback):
    """Puts the test's numbers into the logs, and keeps what was learned by each epoch."""

    def __init__(self, values):
        self.values, self.learned = values, []

    def on_epoch_end(self, epoch, logs=None):
        logs["it"] = self.values[epoch]
        self.learned.append(self.model.get_learned())


class Dies(Callback):
    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("values", "arguments", "best"),
    [
        ([5, 4, 3, 2, 1, 0], {}, 5),
        ([5, 4, 9, 9, 9, 9], {}, 1),
        ([5, 4, 9, 4, 9, 9], {}, 3),
        ([5, 4, 9, 4, 9, 9], {"of_equals": "first"}, 1),
        ([5, 4, 9, 4, 3, 3], {}, 5),
        ([0.5, 0.75, 0.75, 0.5, 0.75, 0.5], {"mode": "max"}, 4),
        ([0.5, 0.75, 0.75, 0.5, 0.75, 0.5], {"mode": "max", "of_equals": "first"}, 1),
        ([math.nan, 3, math.nan, 3, math.nan, 7], {}, 3),
        ([-math.inf, 3, -math.inf, 3, 0, 7], {}, 2),
        ([math.nan] * 6, {}, None),
    ],
)
def test_which_it_is(values, arguments, best):
    callback, said, model = BestEpoch("it", **{"mode": "min"} | arguments), Say(values), fresh()
    history = model.fit(X, Y, epochs=6, callbacks=[said, callback], verbose=0)
    assert history.epoch == list(range(6)) and callback.best_epoch == best
    wanted = said.learned[-1 if best is None else best]  # the running statistics too
    np.testing.assert_array_equal(model.get_learned(), wanted)
    assert not model.callback_state and not model.callback_weights
    model.fit(X, Y, epochs=1, callbacks=[Say([9]), callback], verbose=0)
    assert callback.best_epoch == 0  # of its own training


@pytest.mark.parametrize("of_equals", ["last", "first"])
@pytest.mark.parametrize("after", range(1, 7))
def test_a_resumed_training_is_an_unbroken_one(tmp_path, after, of_equals):
    path = tmp_path / "m"

    def callbacks():
        best = BestEpoch("it", "min", of_equals)
        return [ModelCheckpoint(path), Say([5, 3, 4, 3, 9, 3, 9]), best]

    whole, wanted = fresh(), callbacks()
    whole.fit(X, Y, epochs=7, callbacks=wanted, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        fresh().fit(X, Y, epochs=7, callbacks=[*callbacks(), Dies(after)], verbose=0)
    model, found = Model.load(path), callbacks()
    assert model.epochs == after and list(model.callback_state) == ["BestEpoch it min"]
    model.fit(X, Y, epochs=7, initial_epoch=after, callbacks=found, verbose=0)
    assert found[2].best_epoch == wanted[2].best_epoch == {"last": 5, "first": 1}[of_equals]
    assert bits(model) == bits(whole)
    np.testing.assert_array_equal(model.get_learned(), whole.get_learned())


def test_of_the_rows_held_out_unless_told_otherwise():
    best, model = BestEpoch(), fresh()
    losses = model.fit(
        X, Y, epochs=9, validation_split=0.3, callbacks=[best], verbose=0
    ).history["val_loss"]  # fmt: skip
    assert losses[best.best_epoch] == min(losses)
    with pytest.raises(ValueError, match="got 'val_loss': there are no rows to validate on"):
        fresh().fit(X, Y, callbacks=[BestEpoch()], verbose=0)


def test_two_have_a_memory_of_their_own():
    last, first, model = BestEpoch("it", "min"), BestEpoch("it", "min", "first"), fresh()
    stopping = EarlyStopping("it", 2, mode="min", restore_best_weights=False)
    said = Say([5, 3, 3, 9, 9, 3])
    model.fit(X, Y, epochs=6, callbacks=[said, last, first, stopping], verbose=0)
    assert (last.best_epoch, first.best_epoch, stopping.stopped_epoch) == (2, 1, 4)
    np.testing.assert_array_equal(model.get_learned(), said.learned[1])  # the last in the list


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"monitor": 3}, "monitor must be a name such as 'val_loss', got 3"),
        ({"mode": "best"}, "mode must be one of 'auto'"),
        ({"of_equals": "all"}, "of_equals must be one of 'last', 'first', got 'all'"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        BestEpoch(**arguments)
