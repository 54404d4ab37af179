"""What callbacks know before the first epoch: names, directions, and whose memory is whose."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cynn import Model
from cynn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    ModelCheckpoint,
    Monitor,
    ReduceLROnPlateau,
    checkpoints_after,
)
from cynn.layers import Dense
from cynn.metrics import Metric
from cynn.optimizers import SGD
from models import bits, blobs

X, Y = blobs()


class Gini(Metric):
    name = "gini"
    more_is_better = True

    def score(self, y, prediction):
        return prediction[np.arange(len(y)), y]


class Impurity(Gini):
    name = "impurity"
    more_is_better = False


class Unsaid(Gini):
    name = "unsaid_accuracy"  # a name that looks as if it said it
    more_is_better = None


def fresh(metrics=()):
    model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(0.1, 0.9), "cross_entropy", metrics)
    return model


class Say(Callback):
    """Puts numbers of the test's own into the logs."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        for name, values in self.values.items():
            logs[name] = values[epoch]


KINDS = [
    lambda name, **more: EarlyStopping(name, **more),
    lambda name, **more: ReduceLROnPlateau(name, **more),
    lambda name, **more: ModelCheckpoint(os.devnull + "/x", monitor=name, **more),
]


@pytest.mark.parametrize("make", KINDS, ids=["stopping", "plateau", "checkpoint"])
def test_a_name_that_will_not_be_measured_is_an_error_before_the_training(make):
    model = fresh(["accuracy"])
    for name, hint in (
        ("accurracy", r": did you mean 'accuracy'\?$"),
        ("acc", r": did you mean 'accuracy'\?$"),
        ("auc", r": metrics=\['auc'\] of Model.compile measures it$"),
        ("score", "$"),
        ("val_loss", ": there are no rows to validate on"),
    ):
        for rows in ((X, Y), ([(X, Y)],)):
            with pytest.raises(
                ValueError,
                match=f"^monitor must be one of 'loss', 'accuracy', got '{name}'{hint}",
            ):
                model.fit(*rows, callbacks=[make(name, mode="min")], verbose=0)
    assert model.epochs == 0 and model.input_shape is None


@pytest.mark.parametrize("make", KINDS, ids=["stopping", "plateau", "checkpoint"])
def test_a_name_of_which_nobody_knows_what_is_better_is_an_error(make):
    model = fresh([Unsaid()])
    with pytest.raises(ValueError, match="^mode must be 'min' or 'max' for 'val_unsaid_accuracy'"):
        model.fit(X, Y, validation_split=0.2, callbacks=[make("val_unsaid_accuracy")], verbose=0)
    with pytest.raises(ValueError, match="^mode must be 'min' or 'max' for 'it'"):
        model.fit(X, Y, callbacks=[Say(it=[1]), make("it")], verbose=0)
    assert model.epochs == 0


@pytest.mark.parametrize(
    ("monitor", "more"),
    [
        ("loss", False), ("val_loss", False), ("val_score", True), ("val_gini", True),
        ("gini", True), ("impurity", False), ("val_impurity", False), ("val_micro_f1", True),
        ("val_mse", False), ("top_3_accuracy", True), ("multi_label_auc", True),
    ],
)  # fmt: skip
def test_the_direction(monitor, more):
    values, stopping = [2, 3, 1, 0, 5], EarlyStopping(monitor, patience=9)
    model = fresh([Gini(), Impurity()])
    told = Say(**{monitor: values})
    model.fit(X, Y, validation_split=0.2, epochs=5, callbacks=[told, stopping], verbose=0)
    assert stopping.best == (5 if more else 0)


@pytest.mark.parametrize("path", ["{val_los}", "{epoch:.q}", "{loss:d}", "at/{accuracy}/m"])
def test_a_path_is_checked_before_the_training(tmp_path, path):
    model = fresh()
    with pytest.raises(ValueError, match=r"^path must hold no fields but \{loss\}, \{epoch\}, got"):
        model.fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / path)], verbose=0)
    assert model.epochs == 0 and not list(tmp_path.iterdir())


def test_columns_of_a_log_are_checked_before_the_training(tmp_path):
    path, model = tmp_path / "log.csv", fresh()
    path.write_text("epoch,loss,accuracy\r\n0,1,2\r\n")
    with pytest.raises(ValueError, match="must have the columns of this training"):
        model.fit(X, Y, callbacks=[CSVLogger(path, append=True)], verbose=0)
    assert model.epochs == 0


@pytest.mark.parametrize(
    ("callbacks", "kind", "message"),
    [
        ([EarlyStopping], TypeError, "must hold Callback objects, got <class .*: write its call"),
        (["EarlyStopping"], TypeError, "must hold Callback objects, got 'EarlyStopping'"),
        ([lambda epoch: None], TypeError, "must hold Callback objects"),
        ([type("Ends", (Callback,), {"on_epoch_ends": print})()], TypeError, "with on_epoch_ends"),
        ([type("Light", (Callback,), {"on_fit_start": print})()], TypeError, "with on_fit_start"),
    ],
)
def test_callbacks_are_checked_before_the_training(callbacks, kind, message):
    model = fresh()
    with pytest.raises(kind, match=f"^callbacks must .*{message[5:]}"):
        model.fit(X, Y, callbacks=callbacks, verbose=0)
    assert model.epochs == 0


def test_one_object_twice_is_an_error():
    twice = EarlyStopping("loss")
    with pytest.raises(ValueError, match="must hold each object once, got .* twice"):
        fresh().fit(X, Y, callbacks=[twice, History(), twice], verbose=0)


@pytest.mark.parametrize("kinds", [(CSVLogger, CSVLogger), (ModelCheckpoint, CSVLogger)])
def test_one_file_of_two_is_an_error(tmp_path, kinds):
    model, path = fresh(), tmp_path / "a"
    callbacks = [
        kind(name) for kind, name in zip(kinds, (path, os.path.relpath(path)), strict=True)
    ]
    with pytest.raises(ValueError, match="must write a file of its own each, got .*a' twice"):
        model.fit(X, Y, callbacks=callbacks, verbose=0)
    assert model.input_shape is None and not os.listdir(tmp_path)


# ---- a memory each ------------------------------------------------------------------------------

IT = [5, 4, 6, 3, 7, 7, 3.5, 8, 1]
OTHER = [1, 2, 1.5, float("inf"), 0, 3, 2.5, 1, 0]


class Dies(Callback):
    """Ends a training as a lost machine would."""

    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.after:
            raise KeyboardInterrupt


def many(folder, order):
    """Return callbacks two of a kind, the checkpoint that is resumed from at any place."""
    callbacks = [
        Say(it=IT, other=OTHER),
        EarlyStopping("it", 9, mode="min"),
        EarlyStopping("it", 3, mode="min", restore_best_weights=False),
        EarlyStopping("other", 9, mode="max"),
        ReduceLROnPlateau("it", 0.5, 0, mode="min"),
        ReduceLROnPlateau("it", 0.25, 2, mode="min", cooldown=1),
        ModelCheckpoint(folder / "one-{epoch}", 2, monitor="it", mode="min"),
        ModelCheckpoint(folder / "two-{epoch}", 3, monitor="it", mode="min"),
        ModelCheckpoint(folder / "three-{epoch}", 3),
        CSVLogger(folder / "log.csv", append=True),
    ]
    callbacks.insert(order, ModelCheckpoint(folder / "last"))
    return callbacks


@pytest.mark.parametrize("after", [1, 3, 4, 6])
@pytest.mark.parametrize("order", [1, 7, 10])
def test_a_resumed_training_is_an_unbroken_one(tmp_path, after, order):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    wanted = fresh()
    history = wanted.fit(X, Y, epochs=9, callbacks=many(whole, order), verbose=0)
    assert history.epoch == list(range(8))  # the second of the three ended it
    first = fresh()
    with pytest.raises(KeyboardInterrupt):
        first.fit(X, Y, epochs=9, callbacks=[*many(parts, order), Dies(after)], verbose=0)
    model = Model.load(parts / "last")
    assert model.epochs == after
    model.fit(X, Y, epochs=9, initial_epoch=after, callbacks=many(parts, order), verbose=0)
    assert bits(model) == bits(wanted) and model.rate_factor == wanted.rate_factor
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in parts.iterdir()) == names and len(names) >= 6
    for name in set(names) - {"log.csv"}:
        found, each = (Model.load(folder / name) for folder in (parts, whole))
        assert bits(found) == bits(each) and found.callback_state == each.callback_state
    assert (parts / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()


def test_each_of_two_has_a_memory_of_its_own():
    model = fresh()
    patient, other = EarlyStopping("loss", 9), EarlyStopping("loss", 9, min_delta=1e9)
    seen = {}

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.update({k: dict(v) for k, v in self.model.callback_state.items()})

    model.fit(X, Y, epochs=3, callbacks=[patient, other, Look()], verbose=0)
    assert list(seen) == ["EarlyStopping loss min", "EarlyStopping loss min 2"]
    assert [state["waited"] for state in seen.values()] == [0, 2]
    assert patient.best_epoch == 2 and other.best_epoch == 0


def test_a_training_that_watches_a_metric_of_ones_own_resumes(tmp_path):
    batches = [(X[i : i + 50], Y[i : i + 50]) for i in range(0, len(X), 50)]

    def train(model, begun=0):
        path = str(tmp_path / "at-{epoch}")
        callbacks = [
            EarlyStopping("val_gini", 9),
            ReduceLROnPlateau("gini", patience=0, min_delta=1),
        ]
        callbacks += [ModelCheckpoint(path), ModelCheckpoint(tmp_path / "b", monitor="val_gini")]
        model.fit(
            batches, epochs=6, initial_epoch=begun, validation_data=(X, Y), callbacks=callbacks,
            verbose=0,
        )  # fmt: skip
        return [callback.best for callback in (callbacks[0], callbacks[1], callbacks[3])]

    whole = fresh([Gini()])
    best = train(whole)
    model = Model.load(tmp_path / "at-3")
    state = model.get_optimizer_state()
    model.compile(model.optimizer, model.loss, [*model.metrics, Gini()])
    model.set_optimizer_state(state)
    assert train(model, 3) == best
    assert bits(model) == bits(whole) and model.rate_factor == whole.rate_factor < 1


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_the_other_direction_has_no_memory_of_this_one(kind):
    model = fresh()
    first = [Say(it=[1, 2, 3]), kind("it", mode="min", patience=9), Dies(2)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=3, callbacks=first, verbose=0)
    highest, lowest = kind("it", mode="max", patience=9), kind("it", mode="min", patience=9)
    again = [Say(it=[1, 2, 3]), highest, lowest]
    model.fit(X, Y, epochs=3, initial_epoch=2, callbacks=again, verbose=0)
    assert (highest.best, lowest.best) == (3, 1)


# ---- EarlyStopping as Keras has it --------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "arguments", "best", "epochs"),
    [
        ([0.9, 0.8, 0.7, 0.71, 0.72, 0.73, 0.5], {"patience": 4, "baseline": 0.5}, 2, 5),
        ([0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53], {"patience": 2, "baseline": 0.5}, 6, 7),
        ([0.9, 0.8, 0.7, 0.75, 0.6, 0.5, 0.4], {"patience": 1, "baseline": 0.3}, 2, 4),
        ([0.9, 0.4, 0.7, 0.6, 0.55, 0.54, 0.53], {"patience": 2, "baseline": 0.5}, 1, 5),
        ([0.9, 0.4, 0.3, 0.6, 0.2, 0.54, 0.53], {"patience": 1, "baseline": 0.5}, 4, 7),
        ([0.1, 0.8, 0.7, 0.6, 0.61, 0.62, 0.5], {"patience": 1, "start_from_epoch": 1}, 3, 6),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], {"start_from_epoch": 4}, 4, 6),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], {"start_from_epoch": 7}, None, 7),
        ([1, 2, 3, 3.4, 3.3, 4.6, 5], {"mode": "max", "baseline": 3.2, "patience": 1}, 6, 7),
    ],
)
def test_baseline_and_start_from_epoch(values, arguments, best, epochs):
    stopping = EarlyStopping("it", **{"mode": "min"} | arguments)
    history = fresh().fit(
        X, Y, epochs=7, callbacks=[Say(it=values), stopping], verbose=0
    )  # fmt: skip
    assert (stopping.best_epoch, len(history.epoch)) == (best, epochs)


def test_it_says_when_it_stopped_and_where(capsys):
    def printed(values, **arguments):
        stopping = EarlyStopping("it", mode="min", verbose=1, **arguments)
        fresh().fit(X, Y, epochs=4, callbacks=[Say(it=values), stopping], verbose=0)
        return capsys.readouterr().out

    best = "it was best in epoch 2, 0.25"
    assert printed([1, 0.25, 1, 1]) == (
        f"epoch 3: early stopping; {best}: its weights are restored\n"
    )
    assert printed([1, 0.25, 1, 1], restore_best_weights=False) == (
        f"epoch 3: early stopping; {best}\n"
    )
    assert printed([1, 0.25, 1, 1], patience=9) == (
        f"early stopping: not needed; {best}: its weights are restored\n"
    )
    assert "never" in printed([float("nan")] * 4, patience=9)
    stopping = EarlyStopping("it", mode="min")
    fresh().fit(X, Y, epochs=2, callbacks=[Say(it=[1, 2]), stopping], verbose=0)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"verbose": 2}, "verbose must be 0 or 1, got 2"),
        ({"verbose": "yes"}, "verbose must be 0 or 1, got 'yes'"),
        ({"verbose": np.zeros(2)}, "verbose must be 0 or 1, got an array"),
        ({"baseline": "low"}, "baseline must be"),
        ({"baseline": float("nan")}, "baseline must be"),
        ({"start_from_epoch": -1}, "start_from_epoch must be"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        EarlyStopping(**arguments)


def test_a_monitor_alone_knows_losses_and_metrics():
    alone = Monitor("val_f1", "auto", 0.0)
    assert [alone.improved({"val_f1": value}) for value in (0.5, 0.25, 0.75)] == [True, False, True]
    with pytest.raises(ValueError, match="^mode must be 'min' or 'max' for 'it'"):
        Monitor("it", "auto", 0.0).improved({"it": 1.0})


# ---- a log that goes on -------------------------------------------------------------------------

PROGRAM = """
import os, sys
import numpy as np
from cynn import Model
from cynn.callbacks import Callback, CSVLogger, ModelCheckpoint
from cynn.layers import Dense
from cynn.optimizers import SGD

class Dies(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == int(sys.argv[1]):
            os._exit(7)

path, x = "last", np.random.default_rng(0).normal(size=(50, 3))
model = Model([Dense(1)], seed=0)
model.compile(SGD(0.01), "mse")
if os.path.exists(path):
    model = Model.load(path)
callbacks = [ModelCheckpoint(path, 3), CSVLogger("log.csv", append=True), Dies()]
model.fit(
    x, x[:, 0], epochs=5, initial_epoch=model.epochs, callbacks=callbacks, verbose=0
)
"""


def test_a_log_has_each_epoch_once_whenever_the_process_dies(tmp_path):
    for last in (0, 1, 0, 4, 3, 9):
        program = [sys.executable, "-P", "-c", PROGRAM, str(last)]
        died = subprocess.run(program, cwd=tmp_path, check=False).returncode
        assert died == (0 if last == 9 else 7)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", *"01234"]


def test_checkpoints_are_told_of_an_epoch_after_all_that_have_a_memory():
    stopping, log, history = EarlyStopping(), CSVLogger("log"), History()
    last, best = ModelCheckpoint("last"), ModelCheckpoint("best", monitor="loss")
    for given, told in (
        ([], []),
        ([last, history], [last, history]),
        ([best, history], [best, history]),
        ([last, stopping], [stopping, last]),
        ([last, history, log], [history, log, last]),
        ([last, stopping, history, best], [stopping, history, last, best]),
        ([stopping, last, history], [stopping, last, history]),
    ):
        assert checkpoints_after(given) == told
    assert list(last.together) == list(best.together) == [last, best]


def test_a_first_epoch_that_is_the_same_takes_the_place_of_the_last_training(tmp_path):
    path = tmp_path / "log.csv"

    def epochs_after(rate, n_epochs):
        model = fresh()
        model.compile(SGD(rate), "cross_entropy")
        log = CSVLogger(path, append=True)
        model.fit(X, Y, epochs=n_epochs, callbacks=[log], verbose=0)
        return [int(line.split(",")[0]) for line in path.read_text().splitlines()[1:]]

    assert epochs_after(0.1, 1) == [0]
    assert epochs_after(0.1, 3) == [0, 1, 2]
    assert epochs_after(0.2, 1) == [0, 1, 2, 0]
    assert epochs_after(0.2, 2) == [0, 1, 2, 0, 1]
    assert epochs_after(0.1, 1) == [0, 1, 2, 0, 1, 0]
