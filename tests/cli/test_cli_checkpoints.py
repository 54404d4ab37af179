"""``cynn train --resume``: on with the same data, and with no other."""

import csv

import numpy as np
import pytest

from cynn import Model, datasets
from mnist_files import fill


def write(path, *, change=None, n=80):
    """Write a table of two columns and a target; one value of it changed."""
    rng = np.random.default_rng(0)
    rows = [
        [f"{rng.normal():.3f}", "rgb"[i % 3], f"{rng.normal():.3f}", "xy"[i % 2]] for i in range(n)
    ]
    if change is not None:
        row, column, value = change
        rows[row][column] = value
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["size", "colour", "width", "kind"], *rows])
    return path


@pytest.fixture
def begun(run, tmp_path):
    """Return the arguments of a training that has ended its first epoch, and its checkpoint."""
    table = write(tmp_path / "t.csv")
    options = ["--hidden", "4", "--model", "mlp", "--quiet"]
    options += ["--checkpoint", tmp_path / "c", "--resume"]
    status, out, _ = run("train", table, "--target", "kind", "--epochs", 1, *options)
    assert status == 0 and "no checkpoint in" in out
    return ["train", table, "--target", "kind", "--epochs", 2, *options]


def test_the_same_data_go_on(run, begun, tmp_path):
    status, out, err = run(*begun)
    assert (status, err) == (0, "") and "resuming from" in out and "1 epochs in" in out
    (tmp_path / "elsewhere").mkdir()
    begun[1] = begun[1].rename(tmp_path / "elsewhere" / "other.csv")
    assert run(*begun)[0] == 0


def test_the_saved_model_is_that_of_a_training_without_a_break(run, begun, tmp_path):
    *_, checkpoint, _ = options = begun
    assert run(*options, "--epochs", 2, "--save", tmp_path / "resumed")[0] == 0
    options = [option for option in options if option not in ("--checkpoint", checkpoint)]
    assert run(*options[:-1], "--epochs", 2, "--save", tmp_path / "whole")[0] == 0
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize(
    ("options", "n_epochs"),
    [
        (["--epochs", 1], 0),
        (["--epochs", 5], 4),
        (["--patience", 9], 1),
        (["--threads", 1], 1),
        (["--batch-size", 64, "--learning-rate", 0.01], 1),  # as they were by default
    ],
)
def test_how_long_it_trains_is_free(run, begun, tmp_path, options, n_epochs):
    status, out, err = run(*begun, *options)
    assert (status, err) == (0, "") and Model.load(tmp_path / "c").epochs == 1 + n_epochs
    assert f"resuming from {tmp_path / 'c'} after epoch 1\n" in out


def test_more_patience_goes_on(run, begun, tmp_path):
    begun[begun.index(tmp_path / "c")] = tmp_path / "p"
    options = ["--learning-rate", 0.5, "--epochs", 60, "--patience"]
    assert run(*begun, *options, 0)[0] == 0
    stopped = Model.load(tmp_path / "p").epochs
    assert stopped < 60
    assert run(*begun, *options, 0)[0] == 0 and Model.load(tmp_path / "p").epochs == stopped
    assert run(*begun, *options, 60)[0] == 0 and Model.load(tmp_path / "p").epochs == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "realmlp"], "--model must be mlp, as in"),
        (["--seed", 1], "--seed must be 0, as in"),
        (["--validation", 0.3], "--validation must be 0.2, as in"),
        (["--validation", 0], "--validation must be 0.2, as in"),
        (["--rows", 60], "--rows must be left out, as in"),
        (["--class-weight", "balanced"], "--class-weight must be left out, as in"),
        (["--ignore", "size"], "columns must be ['size', 'colour', 'width'], as in"),
        (["--hidden", "5"], "layers must be"),
        (["--categorical", "size"], "column 'size' must be Numeric("),
        (["--target", "colour"], "target must be Classes('kind', ('x', 'y')), as in"),
        (["--dtype", "float64"], "--dtype must be float32, as in"),
        (["--batch-size", 7], "--batch-size must be 64, as in"),
        (["--learning-rate", 0.5], "optimizer must be SGD(Cosine(0.01), 0.9, nesterov=True), as"),
        (["--weight-decay", 0.5], "optimizer must be SGD(Cosine(0.01), 0.9, nesterov=True), as"),
        (["--dropout", 0.5], "layers must be"),
        (["--missing", "k.A."], "--missing must be (), as in"),
    ],
)
def test_other_options_are_refused(run, begun, options, message):
    status, _, err = run(*begun, *options)
    assert status == 1 and err.startswith(f"cynn: error: {message}") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((0, 1, "white"), "column 'colour' must be Categorical('colour', ("),
        ((0, 2, "9"), "column 'width' must be Numeric('width', "),
        ((0, 1, "g"), "data must have the rows that"),  # no mean, no category has changed
    ],
)
def test_other_rows_are_refused(run, begun, change, message):
    write(begun[1], change=change)
    status, _, err = run(*begun)
    assert status == 1 and err.startswith(f"cynn: error: {message}") and err.count("\n") == 1


def test_a_checkpoint_that_does_not_say(run, begun, tmp_path):
    model = Model.load(tmp_path / "c")
    model.training = {}
    model.save(tmp_path / "c")
    status, _, err = run(*begun)
    assert status == 1 and "must say what it was trained on for --resume" in err


def test_images(run, begun, tmp_path):
    sizes = ((60, 20), (60, 20), (50, 20))
    for i, (seed, (n, m)) in enumerate(zip((0, 1, 0), sizes, strict=True)):
        arrays = [*datasets.make_digits(n, seed), *datasets.make_digits(m, 7)]
        fill_here = tmp_path / f"data{i}"
        fill_here.mkdir()
        fill(fill_here, arrays)
    options = ["--hidden", "4", "--quiet", "--checkpoint", tmp_path / "i", "--resume"]
    train = ["train", *options, "--data"]
    assert run(*train, tmp_path / "data0", "--epochs", 1)[0] == 0
    assert "resuming" in run(*train, tmp_path / "data0", "--epochs", 2)[1]
    for place, more, message in (
        ("data1", [], "data must have the rows that"),
        ("data2", [], "data must have the rows that"),
        ("data0", ["--seed", 1], "--seed must be 0"),
        ("data0", ["--rows", 50], "--rows must be left out"),
    ):
        status, _, err = run(*train, tmp_path / place, "--epochs", 2, *more)
        assert status == 1 and err.startswith(f"cynn: error: {message}")
    begun[begun.index(tmp_path / "c")] = tmp_path / "i"
    assert "data must be images, as in" in run(*begun)[2]
