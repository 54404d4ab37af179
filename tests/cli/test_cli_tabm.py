"""``cynn train TABLE --model tabm``: what it does otherwise than with RealMLP."""

import csv
import re

import numpy as np
import pytest

import cynn
from cynn.callbacks import ModelCheckpoint
from cynn.ensemble import Ensemble
from cynn.tables import QuantileNumeric

SHORT = ["--model", "tabm", "--quiet", "--hidden", 8, "--epochs", 4]


@pytest.fixture
def table(tmp_path):
    """Return a table of towns and numbers, with a class and a quantity to predict."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=240).round(3)
    columns = {
        "town": [f"town {i}" for i in rng.integers(0, 12, 240)],
        "size": size,
        "rides": (100 + 20 * size + rng.normal(0, 5, 240)).round(1),
        "late": np.where(size > 0, "yes", "no"),
    }
    with open(tmp_path / "rides.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return tmp_path / "rides.csv"


def train(run, table, target, *options):
    status, out, err = run("train", table, "--target", target, *options)
    assert (status, err) == (0, "")
    return out


def test_a_table_is_learned(run, table, tmp_path):
    options = ["--model", "tabm", "--quiet", "--hidden", "16,16", "--learning-rate", 0.01]
    out = train(run, table, "rides", *options, "--ignore", "late", "--save", tmp_path / "m")
    assert "columns: 1 categorical, 1 numeric (by quantiles); regression" in out
    assert "; TabM 13-16-16-1, float32" in out and "kept the weights of epoch" in out
    assert float(re.search(r"(?m)^validation: .*  R2 (\S+)$", out)[1]) > 0.8
    model = cynn.Model.load(tmp_path / "m")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds[:2] == ["PiecewiseLinearEmbedding", "Members"] and "Dropout" in kinds
    assert isinstance(model.table.columns[1], QuantileNumeric)
    assert model.optimizer == cynn.optimizers.AdamW(0.01, weight_decay=0.0003, clip_norm=1.0)
    status, out, err = run("evaluate", tmp_path / "m", table)
    assert (status, err) == (0, "") and "240 rows: " in out
    out = run("info", tmp_path / "m")[1]
    assert re.search(r"(?m)^  'size': a number by its quantiles, from -\S+ to \S+$", out)


def test_a_training_ends_when_there_was_enough(run, table, tmp_path):
    options = ["--model", "tabm", "--quiet", "--hidden", 8, "--learning-rate", 0.05]
    out = train(run, table, "late", *options, "--patience", 2, "--save", tmp_path / "m")
    kept, n = map(int, re.search(r"kept the weights of epoch (\d+) of (\d+),", out).groups())
    assert n == kept + 3 < 256


def test_several_members(run, table, tmp_path):
    options = [*SHORT, "--members", 2, "--threads"]
    for n in (1, 2):
        out = train(run, table, "late", *options, n, "--save", tmp_path / f"m{n}")
        assert "2 members, TabM " in out
    assert (tmp_path / "m1").read_bytes() == (tmp_path / "m2").read_bytes()
    assert len(Ensemble.load(tmp_path / "m1").members) == 2


def test_resuming_gives_the_bits_of_a_training_without_a_break(run, table, tmp_path, monkeypatch):
    def pressed(callback, epoch, logs=None):
        real(callback, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    options = [*SHORT, "--checkpoint", tmp_path / "c"]
    train(run, table, "rides", *SHORT, "--save", tmp_path / "whole")
    real = ModelCheckpoint.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(ModelCheckpoint, "on_epoch_end", pressed)
        assert run("train", table, "--target", "rides", *options)[0] == 130
    out = train(run, table, "rides", *options, "--resume", "--save", tmp_path / "resumed")
    assert "resuming from" in out
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize(
    ("options", "title"),
    [
        (["--patience", 3], "MLP"),
        (["--patience", 3, "--members", 2], "TabM"),
        (["--time-limit", 60], "RealMLP"),
        ([], "RealMLP"),
    ],
)
def test_which_network_has_the_options_that_are_given(run, table, options, title):
    out = train(run, table, "late", "--quiet", "--hidden", 4, "--epochs", 1, *options)
    assert re.search(rf"[;,] {title} ", out)


def test_options_that_it_has_not(run, table):
    for option in (["--optimizer", "adam"], ["--activation", "relu"], ["--momentum", 0.5]):
        status, _, err = run("train", table, "--target", "late", *SHORT, *option)
        assert status == 1 and f"--model must be mlp for {option[0]}, got tabm" in err
