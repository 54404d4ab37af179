"""Callbacks: early stopping, checkpoints and resuming, logs."""

import csv
import math
import os
import re

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import HOOKS, Callback, CSVLogger, EarlyStopping, ModelCheckpoint
from cynn.layers import Dense
from cynn.optimizers import SGD
from cynn.schedules import Cosine
from models import bits, blobs

X, Y = blobs()


def fresh(metrics=()):
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(Cosine(0.1, warmup=0.1), 0.9), "cross_entropy", metrics)
    return model


def weights(model):
    return b"".join(array.tobytes() for array in model.get_weights())


class Say(Callback):
    """Puts numbers of the test's own into the logs."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        for name, values in self.values.items():
            logs[name] = values[epoch]


class Stop(Callback):
    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 == self.after


class Keep(Callback):
    def __init__(self):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(weights(self.model))


@pytest.mark.parametrize(
    ("values", "arguments", "best", "epochs"),
    [
        ([5, 4, 3, 2, 1, 0], {}, 5, 6),
        ([5, 4, 4, 2, 1, 0], {}, 1, 3),
        ([5, 4, 6, 7, 1, 0], {"patience": 1}, 1, 4),
        ([5, 4, 6, 7, 1, 0], {"patience": 2}, 5, 6),
        ([5, 4.5, 4.1, 3.9, 3.7, 3.6], {"min_delta": 1.0, "patience": 2}, 3, 6),
        ([1, 2, 3, 3, 3, 9], {"mode": "max", "patience": 1}, 2, 5),
        ([math.nan, 3, math.nan, math.nan, 2, 0], {"patience": 1}, 1, 4),
        ([math.nan] * 6, {"patience": 2}, None, 3),
    ],
)
def test_early_stopping(values, arguments, best, epochs):
    stopping, keep, model = EarlyStopping("it", **{"mode": "min"} | arguments), Keep(), fresh()
    history = model.fit(X, Y, epochs=6, callbacks=[Say(it=values), keep, stopping], verbose=0)
    assert len(history.epoch) == epochs and stopping.best_epoch == best
    assert stopping.stopped_epoch == (epochs - 1 if epochs < 6 else None)
    assert weights(model) == keep.weights[-1 if best is None else best]
    again = model.fit(X, Y, epochs=2, verbose=0)  # the end was asked for once
    assert len(again.epoch) == 2


@pytest.mark.parametrize("monitor", ["val_accuracy", "accuracy", "f1", "auc", "val_r2"])
def test_the_mode_follows_from_the_name(monitor):
    stopping, model = EarlyStopping(monitor), fresh()
    told = Say(**{monitor: [1, 2, 3, 2, 5]})
    assert len(model.fit(X, Y, epochs=5, callbacks=[told, stopping], verbose=0).epoch) == 4
    assert stopping.best_epoch == 2


def test_the_last_weights_without_restoring():
    stopping = EarlyStopping("it", mode="min", restore_best_weights=False)
    keep, model = Keep(), fresh()
    model.fit(X, Y, epochs=4, callbacks=[Say(it=[1, 2, 3, 4]), keep, stopping], verbose=0)
    assert weights(model) == keep.weights[-1] != keep.weights[0]


def test_an_unknown_monitor_is_an_error():
    with pytest.raises(ValueError, match="monitor must be one of 'loss', got 'val_loss'"):
        fresh().fit(X, Y, callbacks=[EarlyStopping()], verbose=0)


@pytest.mark.parametrize("stopped", [1, 3])
def test_resuming_gives_the_bits_of_an_uninterrupted_training(tmp_path, stopped):
    whole = fresh()
    seen = whole.fit(X, Y, epochs=5, verbose=0).history["loss"]

    path = tmp_path / "at-{epoch:02}.safetensors"
    first = fresh()
    first.fit(X, Y, epochs=5, callbacks=[ModelCheckpoint(path), Stop(stopped)], verbose=0)
    names = [f"at-{n:02}.safetensors" for n in range(1, stopped + 1)]
    assert sorted(found.name for found in tmp_path.iterdir()) == names
    model = Model.load(tmp_path / names[-1])
    assert model.epochs == stopped
    history = model.fit(X, Y, epochs=5, initial_epoch=model.epochs, verbose=0)
    assert history.epoch == list(range(stopped, 5)) and history.history["loss"] == seen[stopped:]
    assert bits(model) == bits(whole)


def test_checkpoints_of_the_best_and_of_every_few(tmp_path):
    keep, model = Keep(), fresh()
    callbacks = [
        Say(it=[3, 4, 1, 2, 2]),
        keep,
        ModelCheckpoint(tmp_path / "best.safetensors", monitor="it", mode="min"),
        ModelCheckpoint(tmp_path / "{epoch}-{it:.1f}.safetensors", every_epochs=2),
        ModelCheckpoint(tmp_path / "late.safetensors", None, every_minutes=60),
        ModelCheckpoint(tmp_path / "soon-{epoch}.safetensors", None, every_minutes=1e-9),
    ]
    model.fit(X, Y, epochs=5, callbacks=callbacks, verbose=0)
    found = sorted(path.name.removesuffix(".safetensors") for path in tmp_path.iterdir())
    assert found == ["2-4.0", "4-2.0", "best", *(f"soon-{n}" for n in range(1, 6))]
    assert weights(Model.load(tmp_path / "best.safetensors")) == keep.weights[2]


def test_an_unwritable_checkpoint_is_an_error_at_once(tmp_path):
    model = fresh()
    for path in (tmp_path / "no" / "m", tmp_path / "no" / "{epoch}", tmp_path):
        with pytest.raises((FileNotFoundError, FileExistsError)):
            model.fit(X, Y, callbacks=[ModelCheckpoint(path)], verbose=0)
        assert model.epochs == 0
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):  # only the epoch's end knows the folder
        model.fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / "{epoch}" / "m")], verbose=0)


@pytest.mark.parametrize("name", ["{lost}", "{}", "{epoch:z}", "{epoch.real.more}"])
def test_invalid_fields_in_a_checkpoint_path(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must hold no fields but \{loss\}, \{epoch\}, got "):
        fresh().fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / name)], verbose=0)


def lines(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_tables(tmp_path):
    path, model = tmp_path / "log.csv", fresh(["accuracy"])
    path.write_text("what was there before\n")
    history = model.fit(X, Y, epochs=2, callbacks=[CSVLogger(path)], verbose=0)
    wanted = [["epoch", "loss", "accuracy"]]
    wanted += [[str(n), *(str(v[n]) for v in history.history.values())] for n in range(2)]
    assert lines(path) == wanted
    history.to_csv(tmp_path / "history.csv")
    assert lines(tmp_path / "history.csv") == wanted
    model.fit(X, Y, epochs=3, initial_epoch=2, callbacks=[CSVLogger(path, True)], verbose=0)
    assert [line[0] for line in lines(path)] == ["epoch", "0", "1", "2"]
    with pytest.raises(ValueError, match="log.csv must have the columns of this training"):
        fresh().fit(X, Y, callbacks=[CSVLogger(path, append=True)], verbose=0)
    assert len(lines(path)) == 4


@pytest.mark.parametrize("rest", ["", "4,0.", "5"])
def test_a_resumed_log_equals_that_of_an_uninterrupted_training(tmp_path, rest):
    def wanted(path):
        return [CSVLogger(path, append=True)]

    whole, path = tmp_path / "whole.csv", tmp_path / "log.csv"
    fresh().fit(X, Y, epochs=6, callbacks=wanted(whole), verbose=0)
    model = fresh()
    model.fit(X, Y, epochs=6, callbacks=[*wanted(path), Stop(4)], verbose=0)
    with open(path, "a", encoding="utf-8") as file:
        file.write(rest)  # the process was killed as it wrote
    again = fresh()
    again.fit(X, Y, epochs=6, callbacks=[Stop(2)], verbose=0)  # the last checkpoint is older
    again.fit(X, Y, epochs=6, initial_epoch=2, callbacks=wanted(path), verbose=0)
    assert path.read_bytes() == whole.read_bytes()
    fresh().fit(X, Y, epochs=2, callbacks=wanted(path), verbose=0)  # another training
    assert [line[0] for line in lines(path)] == ["epoch", *"012345", *"01"]


@pytest.mark.parametrize("text", ["epoch,lo", "epoch,loss\n", ""])
def test_resuming_an_incomplete_log(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text)
    fresh().fit(X, Y, epochs=2, callbacks=[CSVLogger(path, append=True)], verbose=0)
    assert [line[0] for line in lines(path)] == ["epoch", "0", "1"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_log_goes_on_in_a_regular_file_alone(tmp_path):
    os.mkfifo(tmp_path / "log.csv")
    logger = CSVLogger(tmp_path / "log.csv", append=True)
    with pytest.raises(ValueError, match="it must be a regular file, got a pipe"):
        fresh().fit(X, Y, callbacks=[logger], verbose=0)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_with_the_name_of_the_log():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        fresh().fit(X, Y, callbacks=[CSVLogger("/dev/full")], verbose=0)


def test_a_history_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    history = fresh().fit(X, Y, epochs=2, verbose=0)
    path = tmp_path / "history.csv"
    path.write_text("what was there before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        history.to_csv(path)
    assert path.read_text() == "what was there before" and len(list(tmp_path.iterdir())) == 1


def test_a_log_is_written_after_each_epoch(tmp_path):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(len(lines(tmp_path / "log.csv")))

    fresh().fit(X, Y, epochs=3, callbacks=[CSVLogger(tmp_path / "log.csv"), Look()], verbose=0)
    assert seen == [2, 3, 4]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: EarlyStopping(3), TypeError, "monitor must be a name such as 'val_loss', got 3"),
        (lambda: EarlyStopping(patience=-1), ValueError, "patience must be"),
        (lambda: EarlyStopping(min_delta=-1), ValueError, "min_delta must be"),
        (lambda: EarlyStopping(mode="best"), ValueError, "mode must be one of 'auto'"),
        (lambda: EarlyStopping(restore_best_weights=1), TypeError, "restore_best_weights must be"),
        (lambda: ModelCheckpoint("m", None), ValueError, "must be a number, got None for both"),
        (lambda: ModelCheckpoint("m", 0), ValueError, "every_epochs must be"),
        (lambda: ModelCheckpoint("m", 1, 0), ValueError, "every_minutes must be"),
        (lambda: ModelCheckpoint(3), TypeError, "path must be a string or a path, got 3"),
        (
            lambda: ModelCheckpoint("a{"),
            ValueError,
            "path must be a format string .*, got 'a{'",
        ),
        (lambda: CSVLogger(""), ValueError, "path must name a file"),
        (lambda: CSVLogger("log.csv", 1), TypeError, "append must be True or False"),
    ],
)
def test_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("value", [-1, 1.5, "1", None, True])
def test_initial_epoch(value):
    with pytest.raises((TypeError, ValueError), match="^initial_epoch must be"):
        fresh().fit(X, Y, initial_epoch=value, verbose=0)


@pytest.mark.parametrize(
    ("hook", "function", "takes", "got"),
    [
        ("on_epoch_end", lambda self: None, "(epoch, logs)", "one that takes ()"),
        ("on_epoch_end", lambda self, epoch: None, "(epoch, logs)", "one that takes (epoch)"),
        ("on_epoch_end", lambda self, a, b, c: None, "(epoch, logs)", "one that takes (a, b, c)"),
        ("on_epoch_begin", lambda self, epoch, logs: None, "(epoch)", "one that takes (epoch, "),
        ("on_train_begin", lambda self, logs: None, "()", "one that takes (logs)"),
        ("on_batch_end", lambda self, *, logs: None, "(batch, logs)", "one that takes (*, logs)"),
        ("on_train_end", None, "(logs)", "None"),
    ],
)
def test_a_hook_that_cannot_be_called_is_an_error_before_the_first_epoch(
    hook, function, takes, got
):
    model = fresh()
    mine = type("Mine", (Callback,), {hook: function})()
    said = re.escape(f"Mine.{hook} must take {takes}, got {got}")
    with pytest.raises(TypeError, match=said):
        model.fit(X, Y, callbacks=[mine], verbose=0)
    assert model.input_shape is None


def test_hooks_are_called_with_what_is_said_of_them():
    took = dict.fromkeys(HOOKS)

    def hook(name):
        return lambda self, *arguments: took.update({name: len(arguments)})

    fresh().fit(
        X, Y, callbacks=[type("All", (Callback,), {h: hook(h) for h in HOOKS})()], verbose=0
    )
    assert took == {name: len(arguments) for name, arguments in HOOKS.items()}


@pytest.mark.parametrize("name", ["on_train_batch_end", "on_predict_batch_begin", "on_test_end"])
def test_a_hook_that_is_never_called_is_an_error(name):
    kind = type("Ported", (Callback,), {name: lambda self, *_: None})
    model = fresh()
    with pytest.raises(TypeError, match=f"got Ported with {name}, which is never called"):
        model.fit(X, Y, callbacks=[kind()], verbose=0)
    assert model.epochs == 0


def test_a_finished_training_trains_no_further():
    model = fresh()
    model.build(X.shape[1])
    before = bits(model)
    assert model.fit(X, Y, epochs=2, initial_epoch=2, verbose=0).epoch == []
    assert bits(model) == before and np.isfinite(X).all()
