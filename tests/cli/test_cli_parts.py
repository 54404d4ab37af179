"""The parts of the command, each by itself: what it measures, prints and refuses."""

from types import SimpleNamespace as Options

import numpy as np
import pytest

from cynn import Model
from cynn.cli import _checkpoints, _measures, _reading, _train_model
from cynn.layers import Dense
from cynn.losses import CrossEntropy
from cynn.tables import Categorical, Classes, Numeric, Quantity, Table, TableEncoder

KINDS = Classes("kind", ["a", "b", "c"])
PRICE = Quantity("price", 100.0, 20.0)


@pytest.mark.parametrize(
    ("target", "y", "known", "line"),
    [
        (KINDS, [0, 1, 1, 2], [1, 1, 2], "accuracy 0.5  .*AUC 0.5  (always 'b')"),
        (KINDS, [0, 1, 1, 2], [0, 0, 1], "accuracy 0.25  .*AUC 0.5  (always 'a')"),
        (KINDS, [2, 2], [2], "accuracy 1  balanced accuracy 1  F1 1  (always 'c')"),
        (PRICE, [1.0, -1.0], [0.5, 0.0], "mean absolute error 20  .*  (always 105)"),
    ],
)
def test_the_answer_that_is_always_the_same(target, y, known, line):
    said = _measures.baseline(target, np.array(y), np.array(known))
    begin, _, end = line.partition(".*")
    assert said.startswith(begin) and said.endswith(end.removeprefix(".*"))


def test_measures_of_a_table(capsys):
    y, outputs = np.array([0, 1]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    _measures.print_table("rows", KINDS, y, outputs, y, 9)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("rows:     accuracy 1  balanced accuracy 1")
    assert lines[1].startswith("baseline: accuracy 0.5") and "confusion" in lines[3]
    outputs[0, 0] = np.inf
    _measures.print_table("rows", KINDS, y, outputs, y)
    printed = capsys.readouterr().out
    assert _measures.DIVERGED in printed and "confusion" not in printed
    _measures.print_table("rows", PRICE, np.zeros(2), np.zeros((2, 1)), np.zeros(2))
    assert "confusion" not in capsys.readouterr().out


def test_measures_of_images(capsys):
    _measures.print_images("test", {"loss": 0.5, "accuracy": 0.25, "top_3_accuracy": 1.0})
    _measures.print_image_baseline(np.array([1, 1, 2, 3]), np.array([2.0, 2.0, 1.0]))
    assert capsys.readouterr().out.splitlines() == [
        "test:     loss 0.5000  accuracy 25.00%  top_3_accuracy 100.00%",
        "baseline: accuracy 25.00%  (always 2)",
    ]


def test_a_confusion_matrix(capsys):
    y = np.repeat([0, 1, 2], [4, 3, 1])
    predicted = np.eye(3)[[0, 0, 1, 1, 1, 0, 2, 2]]
    _measures.print_confusion(y, predicted, ["a", "b\n", "a long label of 25 letters"])
    assert capsys.readouterr().out.splitlines() == [
        "",
        "confusion matrix (rows: true, columns: predicted)",
        "                         a           b? a long la...",
        "           a             2            2            .",
        "          b?             1            1            1",
        "a long la...             .            .            1",
        "most frequent errors: a as b?: 2, b? as a: 1, b? as a long la...: 1",
    ]
    _measures.print_confusion(y, np.eye(3)[y])
    printed = capsys.readouterr().out.splitlines()
    assert printed[2:4] == ["         0    1    2", "   0     4    .    ."]
    assert printed[-1] == "most frequent errors: none"
    _measures.print_confusion(y, np.full((8, 3), np.nan))
    assert capsys.readouterr().out == _measures.DIVERGED + "\n"


@pytest.mark.parametrize(("n", "is_printed"), [(30, True), (31, False)])
def test_a_matrix_of_many_classes_is_not_printed(capsys, n, is_printed):
    _measures.print_confusion(np.arange(n), np.roll(np.eye(n), 1, axis=1))
    printed = capsys.readouterr().out
    assert ("confusion matrix" in printed) == is_printed
    assert printed.endswith("most frequent errors: 0 as 1: 1, 1 as 2: 1, 2 as 3: 1\n")


def test_a_matrix_of_many_rows_is_as_wide_as_its_numbers(capsys):
    _measures.print_confusion(np.repeat([0, 1], 12_345), np.eye(2).repeat(12_345, axis=0))
    assert capsys.readouterr().out.splitlines()[2:4] == ["          0     1", "   0  12345     ."]


@pytest.mark.parametrize(
    ("label", "short"), [("a" * 12, "a" * 12), ("a" * 13, "a" * 9 + "..."), ("\t", "?"), ("", "")]
)
def test_labels_on_one_line(label, short):
    assert _measures._short(label) == short


# ---- rows that are left out ---------------------------------------------------------------------


@pytest.mark.parametrize(("n", "n_lines"), [(0, 0), (1, 1), (5, 5), (6, 6), (1234, 6)])
def test_some_of_the_rows_that_are_skipped_are_named(capsys, n, n_lines):
    _reading._say_skipped("t.csv", [f"row {i}: it" for i in range(n)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == n_lines
    assert lines[:5] == [f"t.csv: skipped: row {i}: it" for i in range(min(n, 5))]
    assert lines[5:] == [f"t.csv: {n:,} rows are skipped in all"][: n > 5]


def test_rows_without_the_target_are_counted(capsys):
    table = Table({"y": np.array(["", "1", "", "2"], object)}, rows=np.array([2, 4, 7, 9]))
    assert _reading.with_target("t.csv", table, "y").tolist() == [1, 3]
    said = "t.csv: 2 of 4 rows are left out, row 2 the first: they have no value in 'y'\n"
    assert capsys.readouterr().err == said
    assert _reading.with_target("t.csv", table.take(np.array([1, 3])), "y").tolist() == [0, 1]
    assert capsys.readouterr().err == ""


def test_an_error_names_the_row_of_the_file():
    rows = np.array([2, 4, 7])
    for message, wanted in (
        ("got 'x' in row 1", "got 'x' in row 2"),
        ("got 'x' in row 3, 1 of 4", "got 'x' in row 7, 1 of 4"),
        ("got 'x' in row 4", "got 'x' in row 4"),
        ("got none in 1 of 3, row 2 the first", "got none in 1 of 3, row 4 the first"),
        ("row 2 is one", "row 2 is one"),
    ):
        with (
            pytest.raises(ValueError, match=f"^t.csv: {wanted}$"),
            _reading.placed("t.csv", rows),
        ):
            raise ValueError(message)


@pytest.mark.parametrize(
    ("weight", "smoothing", "is_said"),
    [(0.0, 0.0, True), (0.0, 0.1, True), (1.0, 0.1, False), (50.0, 0.1, False), (-50.0, 0.1, True)],
)
def test_a_network_that_is_no_better_than_a_constant(capsys, weight, smoothing, is_said):
    """One that is right and too sure has a higher loss than smoothed labels, but is no such."""
    model = Model([Dense(2, "softmax")])
    model.compile("sgd", CrossEntropy(label_smoothing=smoothing), ["accuracy"])
    model.build(1)
    model.set_weights([np.array([[weight, -weight]]), np.zeros(2)])
    _train_model._say_if_no_better(model, np.array([[1.0], [-1.0]]), np.array([0, 1]))
    assert ("no better than the same outputs" in capsys.readouterr().out) == is_said


# ---- what a checkpoint knows --------------------------------------------------------------------


def trained(
    target=KINDS, mean=0.0, kinds=("p", "q"), dtype="float32", seed=1, data="t", table=True
):
    model = Model([Dense(3)], dtype=dtype)
    if table:
        model.table = TableEncoder([Numeric("n", mean, 1.0), Categorical("k", kinds)], target)
    options = Options(
        model=None, rows=None, seed=seed, validation=0.5, class_weight=None, batch_size=None
    )
    model.training = _checkpoints.record(options, data, np.arange(3), np.array([mean, seed]))
    return model


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"table": False}, "data must be images, as in FILE, got a table"),
        ({"seed": 2}, "--seed must be 2, as in FILE, got 1"),
        ({"seed": None}, "--seed must be left out, as in FILE, got 1"),
        ({"dtype": "float64"}, "--dtype must be float64, as in FILE, got float32"),
        ({"target": PRICE}, "target must be Quantity.'price', 100.0, 20.0., as in FILE, got Cl"),
        ({"mean": 1.0}, "column 'n' must be Numeric.'n', 1.0, 1.0., as in FILE, got Numeric"),
        ({"kinds": ("p", "r")}, "column 'k' must be Categorical"),
    ],
)
def test_a_checkpoint_of_other_data_is_refused(other, said):
    model = trained()
    _checkpoints.expect_same_data(model, trained(), "FILE")
    _checkpoints.expect_same_data(model, trained(data="a copy"), "FILE")
    with pytest.raises(ValueError, match=f"^{said}"):
        _checkpoints.expect_same_data(model, trained(**other), "FILE")


def test_a_checkpoint_of_other_rows_is_refused():
    model, other = trained(), trained()
    other.training = {**other.training, "checksum": "another"}
    with pytest.raises(ValueError, match="data must have the rows that FILE was trained on"):
        _checkpoints.expect_same_data(model, other, "FILE")
    other.training = {**other.training, "data": "u"}
    with pytest.raises(ValueError, match="data must be u, as in FILE, got t"):
        _checkpoints.expect_same_data(model, other, "FILE")
    other.training = {}
    with pytest.raises(ValueError, match="FILE must say what it was trained on"):
        _checkpoints.expect_same_data(model, other, "FILE")


def test_a_checksum_is_of_types_shapes_and_values():
    options = Options(
        model=None, rows=3, seed=None, validation=None, class_weight=None, batch_size=None
    )
    arrays = [np.arange(6), np.arange(6).reshape(2, 3), np.arange(6.0), np.arange(1, 7)]
    records = [_checkpoints.record(options, "t", each) for each in arrays]
    assert len({each["checksum"] for each in records}) == 4
    again = _checkpoints.record(options, "t", np.arange(12)[::2] // 2)
    assert again == records[0] and again.keys() == {"data", "rows", "checksum"}
