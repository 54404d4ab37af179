"""The command `cynn` on tables."""

import argparse
import csv
import io
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import cynn
from cynn import cli, tables
from cynn.ensemble import Ensemble
from cynn.tables import Coded, Dates, Numeric, Quantity, TableEncoder
from places import ROOT


def rows_of(n=300, seed=0):
    """Return flowers: each kind has its length, width and colour."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        k = i % 3
        length = "NA" if i % 20 == 7 else f"{rng.normal(4 + k, 0.3):.2f}"
        colour = ["red", "blue", "white"][k if i % 5 else 0]
        price = 100 + 20 * k + rng.normal(0, 1)
        yield [
            str(i),
            length,
            f"{rng.normal(2, 0.3):.2f}",
            colour,
            f"n{i}",
            f"{price:.2f}",
            "uvw"[k],
        ]


REALMLP = "betas=(0.9, 0.95), weight_decay="

HEADER = ["", "length", "width", "colour", "note", "price", "kind"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "flowers.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows_of()])
    return path


def test_classification(run, table, tmp_path):
    train = ["train", table, "--target", "kind", "--ignore", "price", "--hidden", 16, "--quiet"]
    status, out, err = run(*train, "--save", tmp_path / "m")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "column '' is ignored: it has no name",
        "column 'note' is ignored: it has 240 different strings in 240 rows",
        "column 'price' is ignored: as requested",
    ]
    assert lines[3].startswith(
        f"{table}: 240 rows for training, 60 rows for validation; columns: 2 numeric, "
        "1 categorical; classification of 'kind'; RealMLP 6-16-3, float32, target "
    )
    measures = r"accuracy (\S+)  balanced accuracy (\S+)  F1 (\S+)  AUC (\S+)"
    held_out = re.search(rf"^validation: {measures}$", out, re.M)
    assert all(float(value) > 0.9 for value in held_out.groups())
    always_one = re.escape("0.3333  balanced accuracy 0.3333  F1 0.1667  AUC 0.5")
    assert re.search(rf"^baseline:   accuracy {always_one}  \(always '[uvw]'\)$", out, re.M)
    assert "         u    v    w\n" in out
    assert lines[-1] == f"saved to {tmp_path / 'm'}"
    assert [line for line in run(*train)[1].splitlines() if "second" not in line] == [
        line for line in lines[:-1] if "second" not in line
    ]
    status, out, err = run("evaluate", tmp_path / "m", table, "--threads", 1)
    assert (status, err) == (0, "")
    assert re.match(rf".*: 300 rows: {measures}\nbaseline: accuracy 0.3333  .*\)\n\nconf", out)
    status, out, err = run("predict", tmp_path / "m", table)
    said = list(csv.reader(io.StringIO(out)))
    assert (status, err) == (0, "") and said[0] == ["kind", "probability"] and len(said) == 301
    right = sum(row[0] == "uvw"[i % 3] for i, row in enumerate(said[1:]))
    assert right > 270 and all(1 / 3 <= float(row[1]) <= 1 for row in said[1:])


def test_regression_without_the_target_and_into_a_file(run, table, tmp_path):
    status, out, err = run(
        "train", table, "--target", "price", "--hidden", 16, "--quiet", "--validation", 0.25,
        "--save", tmp_path / "m", "--dtype", "float64",
    )  # fmt: skip
    assert (status, err) == (0, "") and "regression of 'price'" in out
    assert "225 rows for training, 75 rows for validation" in out
    error = float(re.search(r"^validation: mean absolute error (\S+)  .*R2 0\.9", out, re.M)[1])
    assert error < 3
    with open(tmp_path / "new.csv", "w", encoding="utf-8", newline="") as file:
        new = [row[:5] + row[6:] for row in rows_of(30, 1)]
        csv.writer(file).writerows([HEADER[:5] + HEADER[6:], *new])
    place = tmp_path / "said.csv"
    status, out, err = run("predict", tmp_path / "m", tmp_path / "new.csv", "--output", place)
    assert (status, out, err) == (0, f"written to {place}\n", "")
    name, *said = place.read_text(encoding="utf-8").splitlines()
    wanted = [100 + 20 * (i % 3) for i in range(30)]
    assert name == "price" and np.abs(np.array(said, float) - wanted).mean() < 5
    status, out, err = run("evaluate", tmp_path / "m", tmp_path / "new.csv")
    assert (status, out) == (1, "") and "table must have the target column 'price'" in err


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_other_files(run, tmp_path, ending):
    rows = list(rows_of())
    columns = {
        "length": np.array([float(row[1].replace("NA", "nan")) for row in rows]),
        "colour": np.array([row[3] for row in rows]),
        "kind": np.array([i % 3 for i in range(len(rows))]),
    }
    path = tmp_path / f"t.{ending}"
    if ending == "npz":
        np.savez(path, **columns)
    else:
        parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
        parquet.write_table(
            pytest.importorskip("pyarrow", exc_type=ImportError).table(columns), path
        )
    train = ["train", path, "--target", "kind", "--validation", 0, "--quiet", "--hidden", 16]
    train += ["--epochs", 20]
    status, out, err = run(*train, "--save", tmp_path / "m")
    assert (status, err) == (0, "") and "validation" not in out and "classification" in out
    assert run("predict", tmp_path / "m", path)[1].splitlines()[1].startswith("0,")
    assert "regression" in run(*train, "--task", "regression")[1]
    both = [*train, "--categorical", "colour,length"]
    assert "1 categorical (embedded), 1 categorical; " in run(*both, "--epochs", 1)[1]
    assert "2 categorical; " in run(*both, "--model", "mlp")[1]


def test_invalid_options_and_tables(run, table, tmp_path):
    (tmp_path / "gone.csv").write_text("a,b\n1,\n2,\n3,\n")
    (tmp_path / "two.csv").write_text("a,b\n1,x\n2,y\n")
    short = ["--quiet", "--epochs", 1, "--hidden", 4]
    assert run("train", table, "--target", "kind", *short, "--save", tmp_path / "m")[0] == 0
    for arguments, said in [
        (["train", table], "--target COLUMN must be given"),
        (["train", "--target", "a"], "--target must go with a table, got images: name a table's"),
        (["train", "--patience", "0"], "--patience must go with a table, got images"),
        (["train", "--validation", "0.3"], "--validation must go with a table, got images"),
        (["train", "--validation", "0.2"], "--validation must go with a table, got images"),
        (["train", "--ignore", ""], "--ignore must go with a table, got images"),
        (
            ["train", table, "--target", "price", "--class-weight", "balanced"],
            "--class-weight must go with classification, got regression of 'price'",
        ),
        (["train", table, "--target", "kind", "--resume"], "--checkpoint FILE must be given"),
        (["train", "--resume"], "--checkpoint FILE must be given"),
        (["train", "--hidden", "0", "--dropout", "0.5"], "--hidden must name a layer for --drop"),
        (["train", "--hidden", "", "--activation", "tanh"], "--hidden must name a layer for --act"),
        (["train", table, "--target", "price", "--momentum", ".5"], "for --momentum, got adam"),
        (
            ["train", table, "--target", "kind", "--patience", "1", "--validation", "0"],
            "--patience",
        ),
        (
            ["train", table, "--target", "kinds"],
            "table must have the column 'kinds', got '', 'length'",
        ),
        (["train", table, "--target", "kind", "--ignore", "zz"], "table must have the column 'zz'"),
        (
            ["train", table, "--target", "kind", "--data", "digits"],
            "--data must go with images, got a table: leave",
        ),
        (["train", table, "--target", "kind", "--task", "regression"], "must hold numbers"),
        (["train", table, "--target", "note"], "must have few different values to be classes"),
        (
            ["train", tmp_path / "gone.csv", "--target", "b"],
            "gone.csv: target 'b' must have at least one row",
        ),
        (
            ["train", tmp_path / "two.csv", "--target", "b"],
            "two.csv: --validation must leave a row",
        ),
        (["train", tmp_path / "no.csv", "--target", "b"], "No such file"),
        (["train", tmp_path / "m", "--target", "b"], "must end in .csv"),
        (["evaluate", tmp_path / "m", table, "--data", "digits"], "--data must go with images"),
        (["predict", tmp_path / "m", table, "--id", "kind"], "--id must name other columns than"),
        (["predict", tmp_path / "m", table, "--id", "kin"], "table must have the column 'kin'"),
        (["evaluate", tmp_path / "m"], "a table must be given to evaluate"),
        (["predict", tmp_path / "m", table, table], "FILE must be one table"),
        (["predict", tmp_path / "m", tmp_path / "two.csv"], "two.csv: table must have the column"),
        (["predict", tmp_path / "m", table, "--output", tmp_path], "Errno"),
    ]:
        status, out, err = run(*arguments)
        assert (status, out) == (1, ""), arguments
        last = err.splitlines()[-1]
        assert last.startswith("cynn: error: ") and said in last


def test_patience(run, table, tmp_path):
    train = ["train", table, "--target", "width", "--optimizer", "adam", "--hidden", "64"]
    more = ["--patience", "3", "--checkpoint", tmp_path / "c", "--save", tmp_path / "m"]
    status, out, err = run(*train, *more)
    losses = [float(found) for found in re.findall(r"(?m)^epoch .* val_loss (\S+)", out)]
    assert (status, err) == (0, "") and f"{len(losses)} epochs in" in out
    assert 4 < len(losses) < 100 and losses.index(min(losses)) == len(losses) - 5
    assert list(cynn.Model.load(tmp_path / "c").callback_state) == ["EarlyStopping val_loss min"]
    best, last = cynn.Model.load(tmp_path / "m"), cynn.Model.load(tmp_path / "c")
    kept = last.callback_weights["EarlyStopping val_loss min"]
    assert np.array_equal(best.get_learned(), kept)
    assert not np.array_equal(last.get_learned(), kept)


@pytest.mark.parametrize(
    ("model", "callback"), [("mlp", "EarlyStopping"), ("realmlp", "BestEpoch")]
)
def test_the_best_epoch_is_kept(run, tmp_path, model, callback):
    """Where rows are held out, also without --patience; and the one that was kept is named."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", x=rng.normal(size=(100, 5)), y=rng.normal(size=100))
    train = ["train", tmp_path / "noise.npz", "--target", "y", "--epochs", 40, "--model", model]
    train += ["--hidden", 256 if model == "mlp" else 16]  # enough to learn noise by heart
    status, out, err = run(*train, "--save", tmp_path / "m", "--checkpoint", tmp_path / "c")
    losses = [float(loss) for loss in re.findall(r"(?m)^epoch .* val_loss (\S+)", out)]
    assert (status, err) == (0, "") and len(losses) == 40
    line = r"(?m)^kept the weights of epoch (\d+) of 40, the best by val_loss: (\S+)$"
    best, loss = re.search(line, out).groups()  # of losses that are printed alike one is less
    assert losses[int(best) - 1] == min(losses) and int(best) < 40
    assert float(loss) == pytest.approx(min(losses), abs=1e-3)
    kept = cynn.Model.load(tmp_path / "c").callback_weights[f"{callback} val_loss min"]
    assert np.array_equal(cynn.Model.load(tmp_path / "m").get_learned(), kept)
    assert "kept the weights" not in run(*train, "--validation", 0)[1]


@pytest.mark.parametrize(
    ("target", "options", "optimizer"),
    [
        ("price", ["--model", "mlp"], "Adam(Cosine(0.01))"),
        ("price", ["--model", "mlp", "--learning-rate", "0.1"], "Adam(Cosine(0.1))"),
        ("price", ["--optimizer", "adam"], "Adam(Cosine(0.001))"),
        ("price", ["--optimizer", "sgd"], "SGD(Cosine(0.01), 0.9, nesterov=True)"),
        ("kind", ["--model", "mlp"], "SGD(Cosine(0.01), 0.9, nesterov=True)"),
        ("kind", ["--momentum", "0"], "SGD(Cosine(0.01))"),
        ("kind", [], f"AdamW(CosineLog(0.04), {REALMLP}FlatCosine(0.02))"),
        ("price", [], f"AdamW(CosineLog(0.2), {REALMLP}FlatCosine(0.02))"),
        ("price", ["--weight-decay", "0"], f"AdamW(CosineLog(0.2), {REALMLP}0.0)"),
        ("kind", ["--learning-rate", "0.1"], f"AdamW(CosineLog(0.1), {REALMLP}FlatCosine(0.02))"),
    ],
)
def test_default_optimizers(run, table, tmp_path, target, options, optimizer):
    train = ["train", table, "--target", target, "--epochs", 1, "--quiet", "--save", tmp_path / "m"]
    assert run(*train, *options)[::2] == (0, "")
    assert repr(cynn.Model.load(tmp_path / "m").optimizer) == optimizer


@pytest.mark.parametrize("seed", range(4))
def test_a_line_is_learned(run, tmp_path, seed):
    x = np.random.default_rng(seed).normal(size=1000)
    np.savez(tmp_path / "t.npz", x=x, y=3 * x + 1)
    train = ["train", tmp_path / "t.npz", "--target", "y", "--epochs", 10, "--quiet"]
    train += ["--model", "mlp"]
    assert re.search(r"(?m)^validation: .*  R2 (1|0\.99\d*)$", run(*train, "--seed", seed)[1])


def test_a_model_of_quantiles_says_each_in_a_column(run, table, tmp_path):
    columns = tables.read(table)
    quantiles = (0.1, 0.5, 0.9)
    target = tables.Quantity("price", 120.0, 16.0, quantiles=quantiles)
    encoder = tables.TableEncoder.fit(columns, target)
    model = cynn.Model([cynn.layers.Dense(3)], seed=0)
    model.compile("sgd", target.loss, [target.metric])
    model.table = encoder
    model.fit(encoder.encode(columns), target.encode(columns["price"]), verbose=0)
    model.save(tmp_path / "m")
    status, out, err = run("predict", tmp_path / "m", table, "--id", "width")
    header, *rows = csv.reader(io.StringIO(out))
    assert header == ["width", "price 0.1", "price 0.5", "price 0.9"] and len(rows) == 300
    assert all(float(low) <= float(mid) <= float(high) for _, low, mid, high in rows)
    said = model.predict_rows(columns)
    assert [[float(each) for each in row[1:]] for row in rows[:2]] == pytest.approx(said[:2])
    assert "its quantiles 0.1, 0.5, 0.9" in run("info", tmp_path / "m")[1]
    status, out, err = run("evaluate", tmp_path / "m", table)
    assert status == 0 and "mean absolute error" in out and "baseline" in out, err


def test_predictions_with_ids_and_probabilities(run, table, tmp_path):
    train = ["train", table, "--target", "kind", "--epochs", 1, "--quiet"]
    assert run(*train, "--save", tmp_path / "m")[0] == 0
    predict = ["predict", tmp_path / "m", table]
    plain = list(csv.reader(io.StringIO(run(*predict)[1])))
    status, out, err = run(*predict, "--id", "note,length", "--probabilities")
    head, *rows = csv.reader(io.StringIO(out))
    probabilities = [f"probability of {kind}" for kind in "uvw"]
    assert (status, err) == (0, "")
    assert head == ["note", "length", "kind", "probability", *probabilities]
    assert [row[:2] for row in rows] == [[row[4], row[1]] for row in rows_of()]
    assert [row[2:4] for row in rows] == plain[1:]
    numbers = np.array([row[4:] for row in rows], float)
    assert np.allclose(numbers.sum(axis=1), 1, atol=1e-5)
    assert ["uvw"[i] for i in numbers.argmax(axis=1)] == [row[2] for row in rows]
    np.savez(tmp_path / "n.npz", n=[1.5, np.nan], i=[7, 8], length=[1, 2], width=[1, 2],
             colour=["red", "red"], price=[1, 2])  # fmt: skip
    out = run("predict", tmp_path / "m", tmp_path / "n.npz", "--id", "i,n")[1]
    assert [line.split(",")[:2] for line in out.splitlines()[1:]] == [["7", "1.5"], ["8", ""]]
    train = [
        "train",
        table,
        "--target",
        "price",
        "--epochs",
        1,
        "--quiet",
        "--save",
        tmp_path / "r",
    ]
    assert run(*train)[0] == 0
    status, out, err = run("predict", tmp_path / "r", table, "--probabilities")
    assert (status, out) == (1, "") and "--probabilities must go with classification" in err


def test_what_is_read_is_not_written_over(run, table, tmp_path):
    model, rows = tmp_path / "model", tmp_path / "rows"
    train = ["train", table, "--target", "kind", "--epochs", 1, "--quiet"]
    assert run(*train, "--save", model)[0] == 0
    os.link(table, rows)
    before = table.read_bytes(), model.read_bytes()
    for arguments in (
        ["predict", model, table, "--output", rows],
        ["predict", model, table, "--output", model],
        [*train, "--save", rows],
        [*train, "--checkpoint", rows],
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (1, "") and "must be another file than" in err
    assert (table.read_bytes(), model.read_bytes()) == before


def test_classes_of_other_sizes(run, tmp_path):
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.05).astype(int)
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(400, 2)) + y[:, None], y=y)
    train = ["train", tmp_path / "t.npz", "--target", "y", "--epochs", 5, "--quiet"]
    saved = ["--save", tmp_path / "m"]
    values = {}
    for options in ([], ["--class-weight", "balanced"]):
        status, out, err = run(*train, *saved, *options)
        assert (status, err) == (0, "")
        measures = re.search(r"(?m)^training: .*balanced accuracy (\S+)  F1 \S+  AUC \S+$", out)
        values[bool(options)] = float(measures[1])
        assert re.search(
            r"(?m)^baseline:   accuracy 0.9\S*  balanced accuracy 0.5 .*always '0'", out
        )
    assert values[True] > 0.65 > values[False]
    out = run("evaluate", tmp_path / "m", tmp_path / "t.npz")[1]
    assert re.search(r"(?m)^most frequent errors: 0 as 1: \d+", out)


def test_a_part_of_the_rows(run, table):
    train = ["train", table, "--target", "price", "--epochs", 1, "--quiet", "--rows"]
    assert "40 rows for training, 10 rows for validation" in run(*train, 50)[1]
    lines = [run(*train, 50, "--seed", seed)[1].splitlines()[-1] for seed in (0, 0, 1)]
    assert lines[0] == lines[1] != lines[2]
    assert "240 rows for training, 60 rows for validation" in run(*train, 1000)[1]


def test_info_of_a_file(run, table, tmp_path):
    for target, options, lines in (
        (
            "kind",
            ["--ignore", "price"],
            [
                "total                               143",
                "input:     6 numbers a row, computed in float32",
                "loss:      CrossEntropy()",
                "optimizer: SGD(Cosine(0.01), 0.9, nesterov=True)",
                "metrics:   accuracy",
                "epochs:    1, seed 0",
                "target:    'kind', one of 3: 'u', 'v', 'w'",
                "columns:   3, as 6 inputs",
                "  'colour': one of 3: 'blue', 'red', 'white'",
                "  'note': ignored, it has 240 different strings in 240 rows",
            ],
        ),
        ("price", [], ["metrics:   r2", "optimizer: Adam(Cosine(0.01))"]),
    ):
        train = ["train", table, "--target", target, "--epochs", 1, "--quiet", "--hidden", 14]
        train += ["--model", "mlp"]
        assert run(*train, "--save", tmp_path / "m", *options)[0] == 0
        status, out, err = run("info", tmp_path / "m")
        assert (status, err) == (0, "")
        size = (tmp_path / "m").stat().st_size
        assert out.startswith(f"{tmp_path / 'm'}: a cynn model of {size:,} bytes\n\nlayer ")
        assert not set(lines) - set(out.splitlines()), out
        noted = r"(?m)^trained:   data table, model mlp, seed 0, validation 0.2, batch_size 64, .*"
        assert re.search(noted, out), out
    status, out, err = run("info", table)
    assert (status, out) == (1, "") and "is not a cynn model" in err
    model = cynn.Model([cynn.layers.Dense(2)])
    model.build(3)
    model.save(tmp_path / "m")
    assert "loss:      none: not compiled" in run("info", tmp_path / "m")[1]


def test_info_of_an_ensemble(run, tmp_path):
    columns = [
        Numeric("size", 3.0, 1.5, clip=3.0),
        Coded("town", ["a", "b"]),
        Dates("sold", ["day", "month"], [0.0, 6.0], [1.0, 3.0]),
    ]
    encoder = TableEncoder(columns, Quantity("price", 5.0, 2.0, low=10, high=900, scale="log"))
    models = []
    for seed in range(2):
        model = cynn.Model([cynn.layers.Dense(1)], seed=seed)
        model.build(encoder.width)
        model.table = encoder
        models.append(model)
    path = tmp_path / "m.safetensors"
    for estimator, what in (("RealMLPRegressor",) * 2, ("\x1b[31m", "model"), (None, "model")):
        Ensemble(models, {"estimator": estimator}).save(path)
        status, out, err = run("info", path)
        assert (status, err) == (0, "") and out.startswith(f"{path}: a cynn {what} of ")
        wanted = (
            "2 such models, whose mean is the prediction",
            "target:    'price', a number whose logarithm is learned: mean 5, deviation 2; "
            "predicted from 10 to 900",
            "  'size': a number: median 3, quartiles 1.5 apart, bent in smoothly to 3 times that",
            "  'town': one of 2 or another, embedded: 'a', 'b'",
            "  'sold': a date: day, month, weekday",
        )
        assert set(wanted) <= set(out.splitlines()), out


def test_a_model_of_images_takes_no_table(run, table, tmp_path):
    model = cynn.Model([cynn.layers.Dense(2, "softmax")])
    model.build(3)
    model.save(tmp_path / "m")
    assert "must be left out for a model of images" in run("evaluate", tmp_path / "m", table)[2]
    for option in (["--output", "x"], ["--id", "a"], ["--probabilities"]):
        assert run("predict", tmp_path / "m", table, *option)[::2] == (
            1,
            f"cynn: error: {option[0]} must go with a table, got images: leave it out\n",
        )


@pytest.mark.parametrize("part", ["1", "-0.1", "nan", "half"])
def test_invalid_fractions(run, table, part):
    status, _, err = run("train", table, "--target", "kind", f"--validation={part}")
    assert status == 2 and "--validation: must be a number of at least 0" in err


def test_the_commands_of_the_docs_page(run, tmp_path, monkeypatch):
    """They work in their order, where there is a table as the page says."""
    page = ROOT / "docs" / "tables.md"
    if not page.exists():
        pytest.skip("no docs here")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with open("houses.csv", "w", encoding="utf-8", newline="") as file:
        rows = ([f"{rng.uniform(40, 200):.0f}", rng.integers(1, 9), "AB"[i % 2]] for i in range(99))
        writer = csv.writer(file)
        writer.writerow(["area", "rooms", "town", "price"])
        writer.writerows([*row, float(row[0]) * 3000] for row in rows)
    Path("new.csv").write_bytes(Path("houses.csv").read_bytes())
    commands = re.findall(r"(?m)^cynn (.*)$", page.read_text(encoding="utf-8"))
    assert len(commands) >= 3
    for command in commands:
        status, _, err = run(*shlex.split(command, comments=True))
        assert (status, err) == (0, ""), command
    assert Path("prices.csv").read_text(encoding="utf-8").startswith("price\n")


@pytest.mark.parametrize(
    ("target", "names"),
    [("kind", ["accuracy", "network", "confusion"]), ("price", ["r2", "network", "agreement"])],
)
def test_plots(run, table, tmp_path, target, names):
    pytest.importorskip("matplotlib").use("Agg")
    place = tmp_path / "pictures"
    options = ["--hidden", 4, "--epochs", 3, "--quiet", "--plots", place]
    status, out, err = run("train", table, "--target", target, *options)
    files = [f"{name}.png" for name in ["loss", *names]]
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"plots in {place}: {', '.join(files)}"
    assert sorted(path.name for path in place.iterdir()) == sorted(files)


def test_the_validation_set_is_stratified():
    target = tables.Classes("y", ["a", "b"])
    y = np.repeat([0, 1], [95, 5])
    for seed in range(5):
        options = argparse.Namespace(validation=0.2, seed=seed)
        assert y[cli._train_table._parts(y, target, options)["validation"]].sum() == 1
