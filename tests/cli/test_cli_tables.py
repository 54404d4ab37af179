"""The command `cynn` on tables."""

import argparse
import csv
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import cynn
from cynn import cli, tables
from models import needs_files
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


HEADER = ["", "length", "width", "colour", "note", "price", "kind"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "flowers.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows_of()])
    return path


@pytest.fixture
def run(capsys):
    def run(*arguments):
        capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    yield run
    cynn.set_num_threads(None)


@needs_files
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
        "1 categorical; classification of 'kind'; network 6-16-3, float32, target "
    )
    held_out = float(re.search(r"^validation: accuracy (\S+)$", out, re.M)[1])
    assert held_out > 0.9
    assert lines[-1] == f"saved to {tmp_path / 'm'}"
    assert [line for line in run(*train)[1].splitlines() if "second" not in line] == [
        line for line in lines[:-1] if "second" not in line
    ]
    status, out, err = run("evaluate", tmp_path / "m", table, "--threads", 1)
    assert (status, err) == (0, "") and re.fullmatch(r".*: 300 rows: accuracy 0\.9\d+\n", out)
    status, out, err = run("predict", tmp_path / "m", table)
    said = list(csv.reader(io.StringIO(out)))
    assert (status, err) == (0, "") and said[0] == ["kind", "probability"] and len(said) == 301
    right = sum(row[0] == "uvw"[i % 3] for i, row in enumerate(said[1:]))
    assert right > 270 and all(1 / 3 <= float(row[1]) <= 1 for row in said[1:])


@needs_files
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


@needs_files
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
        parquet.write_table(pytest.importorskip("pyarrow").table(columns), path)
    train = ["train", path, "--target", "kind", "--validation", 0, "--quiet"]
    status, out, err = run(*train, "--save", tmp_path / "m")
    assert (status, err) == (0, "") and "validation" not in out and "classification" in out
    assert run("predict", tmp_path / "m", path)[1].splitlines()[1].startswith("0,")
    assert "regression" in run(*train, "--task", "regression")[1]
    assert "2 categorical" in run(*train, "--categorical", "colour,length")[1]


@needs_files
def test_invalid_options_and_tables(run, table, tmp_path):
    (tmp_path / "gone.csv").write_text("a,b\n1,x\n2,\n3,y\n")
    (tmp_path / "two.csv").write_text("a,b\n1,x\n2,y\n")
    assert run("train", table, "--target", "kind", "--quiet", "--save", tmp_path / "m")[0] == 0
    for arguments, said in [
        (["train", table], "--target COLUMN must be given"),
        (["train", "--target", "a"], "--target must go with a table"),
        (["train", "--patience", "0"], "--patience must go with a table"),
        (
            ["train", table, "--target", "kind", "--patience", "1", "--validation", "0"],
            "--patience",
        ),
        (
            ["train", table, "--target", "kinds"],
            "table must have the column 'kinds', got '', 'length'",
        ),
        (["train", table, "--target", "kind", "--ignore", "zz"], "table must have the column 'zz'"),
        (["train", table, "--target", "kind", "--data", "digits"], "either a table or --data"),
        (["train", table, "--target", "kind", "--task", "regression"], "must hold numbers"),
        (["train", table, "--target", "note"], "must have few different values to be classes"),
        (
            ["train", tmp_path / "gone.csv", "--target", "b"],
            "gone.csv: target 'b' must have a value",
        ),
        (["train", tmp_path / "two.csv", "--target", "b"], "two.csv: fraction must leave a row"),
        (["train", tmp_path / "no.csv", "--target", "b"], "No such file"),
        (["train", tmp_path / "m", "--target", "b"], "must end in .csv"),
        (["evaluate", tmp_path / "m"], "a table must be given to evaluate"),
        (["predict", tmp_path / "m", table, table], "FILE must be one table"),
        (["predict", tmp_path / "m", tmp_path / "two.csv"], "two.csv: table must have the column"),
        (["predict", tmp_path / "m", table, "--output", tmp_path], "Errno"),
    ]:
        status, out, err = run(*arguments)
        assert (status, out) == (1, ""), arguments
        assert err.startswith("cynn: error: ") and said in err and err.count("\n") == 1


@needs_files
def test_patience(run, table, tmp_path):
    train = ["train", table, "--target", "width", "--optimizer", "adam", "--hidden", "64"]
    more = ["--patience", "3", "--checkpoint", tmp_path / "c", "--save", tmp_path / "m"]
    status, out, err = run(*train, *more)
    losses = [float(found) for found in re.findall(r"(?m)^epoch .* val_loss (\S+)", out)]
    assert (status, err) == (0, "") and f"{len(losses)} epochs in" in out
    assert 4 < len(losses) < 100 and losses.index(min(losses)) == len(losses) - 5
    assert list(cynn.Model.load(tmp_path / "c").callback_state) == ["EarlyStopping val_loss"]
    best, last = cynn.Model.load(tmp_path / "m"), cynn.Model.load(tmp_path / "c")
    kept = last.callback_weights["EarlyStopping val_loss"]
    assert np.array_equal(best.get_learned(), kept)
    assert not np.array_equal(last.get_learned(), kept)


def test_a_model_of_images_takes_no_table(run, table, tmp_path):
    model = cynn.Model([cynn.layers.Dense(2, "softmax")])
    model.build(3)
    model.save(tmp_path / "m")
    assert "must be left out for a model of images" in run("evaluate", tmp_path / "m", table)[2]
    assert run("predict", tmp_path / "m", table, "--output", "x")[::2] == (
        1,
        "cynn: error: MODEL must be of a table for --output, got one of images\n",
    )


@pytest.mark.parametrize("part", ["1", "-0.1", "nan", "half"])
def test_invalid_fractions(run, table, capsys, part):
    with pytest.raises(SystemExit):
        run("train", table, "--target", "kind", f"--validation={part}")
    assert "--validation: must be a number of at least 0" in capsys.readouterr().err


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
        assert y[cli._table._parts(y, target, options)["validation"]].sum() == 1
