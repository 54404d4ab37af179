"""What ``cynn predict`` writes of a table: columns of different names, values as they were."""

import csv
import io

import numpy as np
import pytest


def train(run, tmp_path, name, label="ab", header="x,z"):
    """Train a model whose target has a name, and return it and the table."""
    table, model = tmp_path / "t.csv", tmp_path / "m"
    lines = [f"{i},{i % 5},{label[i % 2]}" for i in range(40)]
    table.write_text("\n".join([f"{header},{name}", *lines]), encoding="utf-8")
    options = ["--hidden", 4, "--epochs", 1, "--quiet", "--save", model]
    assert run("train", table, "--target", name, *options)[0] == 0
    return model, table


@pytest.mark.parametrize(
    ("target", "labels", "header"),
    [
        ("kind", "ab", ["kind", "probability", "probability of a", "probability of b"]),
        (
            "probability",
            "ab",
            ["probability", "probability.1", "probability of a", "probability of b"],
        ),
        (
            "probability of a",
            "ab",
            ["probability of a", "probability", "probability of a.1", "probability of b"],
        ),
        ("probability", ("1", "1.5"), ["probability", "probability.1"]),
        ("probability", ("1", "2"), None),
    ],
)
def test_the_names_are_different(run, tmp_path, target, labels, header):
    model, table = train(run, tmp_path, target, labels)
    status, out, err = run("predict", model, table, "--id", "x")
    assert (status, err) == (0, "")
    first = next(csv.reader(io.StringIO(out)))
    assert len(set(first)) == len(first) and first[:2] == ["x", target]
    if "a" in labels:
        out = run("predict", model, table, "--id", "x", "--probabilities")[1]
        assert next(csv.reader(io.StringIO(out))) == ["x", *header]


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ("x,probability", "--id must name other columns than those of the prediction, got 'prob"),
        ("kind", "--id must name other columns than those of the prediction, got 'kind'"),
        ("x,z,x", "--id must name each column once, got 'x' twice"),
        ("x,nowhere", "table must have the column 'nowhere'"),
    ],
)
def test_a_name_that_is_taken_is_an_error_before_anything_is_written(run, tmp_path, ids, said):
    model, table = train(run, tmp_path, "kind")
    table.write_text("x,z,kind,probability\n1,2,a,3\n")
    status, out, err = run("predict", model, table, "--id", ids, "--output", tmp_path / "o.csv")
    assert (status, out) == (1, "") and said in err and not (tmp_path / "o.csv").exists()


def test_every_text_can_be_read_again(run, tmp_path):
    model, table = train(run, tmp_path, "kind", header="x,z")
    texts = ['a"b', "a,b", "a\nb", "a\rb", "", " a ", "é"]
    with open(table, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["x", "z", "n"], *([1, 2, text] for text in texts)])
    assert run("predict", model, table, "--id", "n", "--output", tmp_path / "o.csv")[0] == 0
    data = (tmp_path / "o.csv").read_bytes()
    assert b"\r\n" not in data
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [row[0] for row in rows[1:]] == [text.lstrip(" ") for text in texts]


def test_names_with_commas(run, tmp_path):
    table, model = tmp_path / "t.csv", tmp_path / "m"
    lines = [f"{i % 3};{i};{'ab'[i % 2]}" for i in range(40)]
    table.write_text("\n".join(["net, EUR;z;kind", *lines]), encoding="utf-8")
    options = ["--hidden", 4, "--epochs", 1, "--quiet", "--save", model]
    train = ["train", table, "--target", "kind", *options, "--categorical"]
    status, out, _ = run(*train, '"net, EUR"')
    assert status == 0 and "1 categorical, 1 numeric" in out
    out = run("predict", model, table, "--id", ' z, "net, EUR"')[1]
    assert out.startswith('z,"net, EUR",kind,probability\n0,0,')
    status, _, err = run(*train, '"net, EUR')
    assert status == 2 and "--categorical: must be names between commas, got '\"net, EUR'" in err
    status, _, err = run(*train, "z,kind")
    assert status == 1 and "categorical must name other columns than the target, got 'kind'" in err
    status, _, err = run(*train, "z", "--ignore", "kind")
    assert status == 1 and "ignore must name other columns than the target, got 'kind'" in err


def test_ids_of_other_types_are_as_they_were(run, tmp_path):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    from datetime import date, datetime
    from decimal import Decimal

    from pyarrow import parquet

    model, _ = train(run, tmp_path, "kind")
    columns = {
        "x": [1, 2],
        "z": [3, 4],
        "small": pa.array([np.float32(0.1), None], pa.float32()),
        "day": [date(2024, 1, 31), None],
        "at": [datetime(2024, 1, 31, 12, 30), None],
        "money": [Decimal("1.50"), None],
        "large": [2**53 + 1, None],
        "id": [Decimal(12345678901234567890), None],
        "flag": [True, None],
        "list": [[1], [2]],
    }
    parquet.write_table(pa.table(columns), tmp_path / "n.parquet")
    ids = "small,day,at,large,id,flag"
    status, out, err = run("predict", model, tmp_path / "n.parquet", "--id", ids)
    assert (status, err) == (0, "")
    first, second = list(csv.reader(io.StringIO(out)))[1:]
    assert first[:6] == [
        "0.1", "2024-01-31", "2024-01-31T12:30:00.000000", "9007199254740993",
        "12345678901234567890", "True",
    ]  # fmt: skip
    assert second[:6] == [""] * 6
    status, out, err = run("predict", model, tmp_path / "n.parquet", "--id", "list")
    assert (status, out) == (1, "") and "column 'list' of --id must hold values" in err
