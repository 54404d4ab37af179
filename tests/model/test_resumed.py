"""Training resumed from a file: the state of callbacks, and of every optimizer."""

import numpy as np
import pytest

from cynn import Model, optimizers, storage
from cynn.callbacks import Callback, EarlyStopping, ModelCheckpoint
from cynn.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
from cynn.optimizers import SGD, Adam, AdamW, RMSprop
from cynn.schedules import Cosine
from models import bits, blobs

X, Y = blobs()


def fresh(optimizer=None):
    """Return a model of every layer that has state or draws random numbers."""
    layers = [
        Dense(8), BatchNorm(0.9), Activation("relu"), Dropout(0.25),
        Residual([Dense(8, "tanh"), BatchNorm(0.5)]), LayerNorm(), Dense(3, "softmax"),
    ]  # fmt: skip
    model = Model(layers, seed=0)
    model.compile(optimizer or SGD(Cosine(0.1), 0.9), "cross_entropy")
    return model


def all_bits(model) -> bytes:
    return bits(model) + b"".join(part.tobytes() for part in model.get_state())


class Say(Callback):
    """Puts the test's numbers into the logs."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["it"] = self.values[epoch]


class Stop(Callback):
    """Ends a training as a lost machine would: no hook is called."""

    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.after:
            raise KeyboardInterrupt


def interrupted(epochs, callbacks, after):
    with pytest.raises(KeyboardInterrupt):
        fresh().fit(X, Y, epochs=epochs, callbacks=[*callbacks, Stop(after)], verbose=0)


OPTIMIZERS = {
    **{name: make() for name, make in optimizers.OPTIMIZERS.items()},
    "nesterov": SGD(0.05, 0.9, nesterov=True, clip_norm=0.5),
    "scheduled": Adam(Cosine(0.01), clip_value=0.01),
    "amsgrad": Adam(amsgrad=True),
    "averaged": SGD(Cosine(0.1), average=0.9),
    "averaged with slots": AdamW(average=0.99, clip_norm=0.5),
    "amsgradw": AdamW(amsgrad=True),
    "centered": RMSprop(centered=True, momentum=0.5, weight_decay=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_with_every_optimizer_the_bits_are_those_of_an_unbroken_run(tmp_path, optimizer):
    whole = fresh(optimizer)
    whole.fit(X, Y, epochs=4, verbose=0)
    path = tmp_path / "half.safetensors"
    first = fresh(optimizer)
    stop = Stop(2)
    with pytest.raises(KeyboardInterrupt):
        first.fit(X, Y, epochs=4, callbacks=[ModelCheckpoint(path), stop], verbose=0)
    again = Model.load(path)
    assert all_bits(again) == all_bits(first) != all_bits(whole)
    again.fit(X, Y, initial_epoch=2, epochs=4, verbose=0)
    assert all_bits(again) == all_bits(whole)
    assert again.predict(X).tobytes() == whole.predict(X).tobytes()


SEEN = [5, 4, 6, 3, 7, 7, 3.5, 7, 1]  # the fourth is the best; the eighth ends it


@pytest.mark.parametrize("after", range(1, 7))
def test_early_stopping_resumes(tmp_path, after):
    path = tmp_path / "m.safetensors"

    def callbacks():
        return [Say(SEEN), EarlyStopping("it", patience=3, mode="min"), ModelCheckpoint(path)]

    whole, wanted = fresh(), callbacks()
    history = whole.fit(X, Y, epochs=9, callbacks=wanted, verbose=0)
    assert (history.epoch[-1], wanted[1].best_epoch, wanted[1].stopped_epoch) == (7, 3, 7)
    assert not whole.callback_state and not whole.callback_weights
    interrupted(9, callbacks(), after)
    model, found = Model.load(path), callbacks()
    model.fit(X, Y, epochs=9, initial_epoch=after, callbacks=found, verbose=0)
    assert (found[1].best_epoch, found[1].stopped_epoch, found[1].best) == (3, 7, 3)
    assert all_bits(model) == all_bits(whole)
    model.save(path)
    with storage.reading(path) as file:  # a model whose training ended has its weights once
        assert not [name for name in file.shapes if name.startswith("callback")]
    model.fit(X, Y, epochs=9, initial_epoch=8, callbacks=found, verbose=0)
    assert found[1].best_epoch == 8  # of its own training


def test_early_stopping_resumes_without_weights(tmp_path):
    path = tmp_path / "m.safetensors"

    def callbacks():
        stopping = EarlyStopping("it", 3, mode="min", restore_best_weights=False)
        return [Say(SEEN), stopping, ModelCheckpoint(path)]

    whole = fresh()
    whole.fit(X, Y, epochs=9, callbacks=callbacks(), verbose=0)
    interrupted(9, callbacks(), 5)
    model = Model.load(path)
    assert not model.callback_weights
    assert model.fit(
        X, Y, epochs=9, initial_epoch=5, callbacks=callbacks(), verbose=0
    ).epoch == [5, 6, 7]  # fmt: skip
    assert all_bits(model) == all_bits(whole)


def test_training_that_early_stopping_ended_does_not_resume(tmp_path):
    path = tmp_path / "m.safetensors"

    def callbacks():
        return [Say(SEEN), EarlyStopping("it", patience=3, mode="min"), ModelCheckpoint(path)]

    whole = fresh()
    whole.fit(X, Y, epochs=9, callbacks=callbacks(), verbose=0)
    model = Model.load(path)  # of the last epoch, from before the best weights came back
    found = callbacks()
    history = model.fit(X, Y, epochs=9, initial_epoch=8, callbacks=found, verbose=0)
    assert history.epoch == [] and found[1].stopped_epoch == 7
    assert all_bits(model) == all_bits(whole)
    patient = [Say(SEEN), EarlyStopping("it", patience=4, mode="min")]
    again = Model.load(path)
    assert again.fit(X, Y, epochs=9, initial_epoch=8, callbacks=patient, verbose=0).epoch == [8]


def test_a_new_fit_resets_the_callbacks():
    model = fresh()
    with pytest.raises(KeyboardInterrupt):
        callbacks = [Say([1, 2]), EarlyStopping("it", mode="min"), Stop(1)]
        model.fit(X, Y, epochs=2, callbacks=callbacks, verbose=0)
    assert list(model.callback_state) == list(model.callback_weights) == ["EarlyStopping it min"]
    stopping = EarlyStopping("it", patience=9, mode="min")
    model.fit(X, Y, epochs=2, callbacks=[Say([9, 8]), stopping], verbose=0)
    assert stopping.best == 8 and not model.callback_weights


@pytest.mark.parametrize("after", range(1, 5))
def test_the_best_checkpoint_stays_the_best(tmp_path, after):
    def callbacks(folder):
        best = ModelCheckpoint(folder / "best-{epoch}.safetensors", monitor="it", mode="min")
        return [Say([5, 3, 4, 3.5, 2]), best, ModelCheckpoint(folder / "last")]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    fresh().fit(X, Y, epochs=5, callbacks=callbacks(whole), verbose=0)
    interrupted(5, callbacks(parts), after)
    model = Model.load(parts / "last")
    model.fit(X, Y, epochs=5, initial_epoch=after, callbacks=callbacks(parts), verbose=0)
    wanted = {path.name: all_bits(Model.load(path)) for path in whole.iterdir()}
    assert sorted(wanted) == [f"best-{n}.safetensors" for n in (1, 2, 5)] + ["last"]
    assert {path.name: all_bits(Model.load(path)) for path in parts.iterdir()} == wanted


def test_all_that_was_learned_as_one_array():
    model = fresh()
    with pytest.raises(RuntimeError, match="no weights yet"):
        model.get_learned()
    model.fit(X, Y, verbose=0)
    numbers, before = model.get_learned(), all_bits(model)
    parts = model.get_weights() + model.get_state()
    assert np.array_equal(numbers, np.concatenate([part.ravel() for part in parts]))
    wrong = numbers.copy()
    wrong[-1] = -1.0  # a variance
    for bad, message in ((numbers[:-1], "shape"), (wrong, "variance"), ("all", "learned")):
        with pytest.raises((TypeError, ValueError), match=message):
            model.set_learned(bad)
        assert all_bits(model) == before
    model.set_learned(numbers * 2)
    assert np.array_equal(model.get_learned(), numbers * 2)


@pytest.mark.parametrize("shape", [(3,), (1, 1)])
def test_a_file_with_weights_of_another_size(tmp_path, shape, monkeypatch):
    model = fresh()
    model.build(4)
    model.callback_state = {"EarlyStopping it": {"waited": 0.0}}
    model.callback_weights = {"EarlyStopping it": np.zeros(shape, np.float32)}
    with pytest.raises(ValueError, match=r"callback\.EarlyStopping it"):
        model.save(tmp_path / "m")
    with monkeypatch.context() as unchecked:
        unchecked.setattr(storage, "read_description", lambda *_: None)
        model.save(tmp_path / "m")
    with pytest.raises(storage.ModelFileError, match=r"callback\.EarlyStopping it"):
        Model.load(tmp_path / "m")


def test_a_file_draws_no_weights(tmp_path, monkeypatch):
    model = fresh()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")

    def draw(*_):
        raise AssertionError("drawn")

    monkeypatch.setattr(Dense, "initial_weights", draw)
    assert all_bits(Model.load(tmp_path / "m")) == all_bits(model)
