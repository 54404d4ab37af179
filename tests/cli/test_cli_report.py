"""``cynn train --report``: one page on a training, of images and of tables."""

import csv
import re
import shlex
import sys

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from cynn import datasets, report  # noqa: E402
from cynn.ensemble import Ensemble  # noqa: E402
from cynn.tables import read  # noqa: E402
from mnist_files import fill  # noqa: E402
from pages import expect_alone  # noqa: E402

KIND = 'k"i<b>nd'
ROWS = ["measure", "training rows"]
SHORT = ["--quiet", "--epochs", 3, "--hidden", 6]


@pytest.fixture
def table(tmp_path):
    """Return a table whose names are to do harm."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=120).round(3)
    path = tmp_path / "a & b.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = ([each, "<i>no</i>" if each > 0 else "y&s", 3 * each] for each in size)
        csv.writer(file).writerows([["size", KIND, "price"], *rows])
    return path


def test_images(run, tmp_path):
    arrays = [array for seed, n in enumerate((300, 90)) for array in datasets.make_digits(n, seed)]
    folder, path = fill(tmp_path / "data", arrays), tmp_path / "new.html"
    command = ["train", "--data", folder, *SHORT, "--seed", 3, "--report", path]
    status, out, err = run(*command)
    assert (status, err) == (0, "") and out.splitlines()[-1] == f"report in {path}"
    page = expect_alone(path.read_text(encoding="utf-8"))
    accuracy = re.search(r"(?m)^test: .* accuracy (\S+)$", out)[1]
    assert page.row("accuracy", below=["measure", "training images"])[1] == accuracy
    assert f"Accuracy {accuracy} on 90 test images" in page.text
    assert "training images 300" in page.text and "seed 3" in page.text
    assert shlex.join(["cynn", *map(str, command)]) in page.text
    assert len(page.named("img")) == 24


def test_classes_of_a_table(run, table, tmp_path):
    path, model = tmp_path / "r.html", tmp_path / "m"
    status, out, err = run(
        "train", table, "--target", KIND, *SHORT, "--report", path, "--save", model
    )
    assert (status, err) == (0, "")
    page = expect_alone(path.read_text(encoding="utf-8"))
    assert page.named("b") == page.named("i") == []
    accuracy = float(re.search(r"(?m)^validation: +accuracy (\S+)", out)[1])
    assert page.row("accuracy", below=ROWS)[1] == f"{accuracy:.2%}"
    assert f"{KIND}, one of 2 classes: '<i>no</i>', 'y&s'" in page.text
    assert page.row("size", below=["column"])[0].startswith("a number")
    assert "rows for validation 24" in page.text
    matrix = [page.row(name, below=["true \\ predicted"]) for name in ("<i>no</i>", "y&s")]
    right = int(matrix[0][0] or 0) + int(matrix[1][1] or 0)
    assert f"{right} of 24 validation rows are correct" in page.text
    values = read(table)
    report.write(path, Ensemble.load(model), values, values[KIND])  # from Python, of the file
    again = expect_alone(path.read_text(encoding="utf-8"))
    assert "of 120 rows are correct" in again.text and "not known" in again.text


@pytest.mark.parametrize("options", [["--members", 2], ["--model", "mlp", "--validation", 0]])
def test_numbers_of_a_table(run, table, tmp_path, options):
    path = tmp_path / "r.html"
    command = ["train", table, "--target", "price", "--ignore", KIND, *SHORT, *options]
    status, out, err = run(*command, "--report", path)
    assert (status, err) == (0, "")
    page = expect_alone(path.read_text(encoding="utf-8"))
    part = "training" if "mlp" in options else "validation"
    said = re.search(rf"(?m)^{part}: +mean absolute error (\S+)", out)[1]
    place = page.row("measure", below=ROWS).index(f"{part} rows")
    assert page.row("mean absolute error", below=ROWS)[place] == said
    assert page.row(KIND, below=["column"]) == ["ignored: as requested"]
    assert ("members 2, whose predictions" in page.text) == ("mlp" not in options)
    [largest] = [line for line in page.cells if line[:2] == ["row", "true"]]
    number, true, predicted, error, size = page.cells[page.cells.index(largest) + 1]
    assert float(true) == pytest.approx(3 * float(size), 1e-4)  # the row is that of the file
    assert float(read(table)["size"][int(number) - 1]) == float(size)


def test_what_cannot_be_written_is_an_error_before_training(run, table, tmp_path, monkeypatch):
    model = tmp_path / "m"
    for path, said in (
        (tmp_path / "absent" / "r.html", "[Errno"),
        (tmp_path, "[Errno"),
        (table, "--report must be another file than what is read, got"),
        (model, "--report must be another file than --save, got"),
    ):
        status, out, err = run("train", table, "--target", KIND, "--save", model, "--report", path)
        assert (status, out) == (1, "") and err.startswith(f"cynn: error: {said}")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    status, out, err = run("train", table, "--target", KIND, "--report", tmp_path / "r.html")
    assert (status, out) == (1, "") and "pip install 'cynn-learn[plots]'" in err
    assert [path.name for path in tmp_path.iterdir()] == [table.name]
