"""What is decided on a column, on both sides of where the decision changes."""

from types import SimpleNamespace as Fake

import numpy as np
import pytest

from cynn.tables import (
    Categorical,
    Classes,
    LeftOut,
    Numeric,
    Quantity,
    TableEncoder,
    _numbers,
)
from cynn.tables._categories import labels_of
from cynn.tables._choosing import column_of
from cynn.tables._csv import _fields
from cynn.tables._notation import AS_PYTHON, Notation, plain_number
from cynn.tables._parquet import _size
from cynn.tables._values import numbers, texts


def made(*values):
    return column_of("x", np.array(values, object), np.arange(len(values)), False)


def kind_of(*values):
    """Return what a column is, or "refused"."""
    try:
        return type(made(*values))
    except ValueError as error:
        return "refused" if "must hold numbers alone" in str(error) else error


TEN = [str(i) for i in range(10)] * 10


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([*TEN, *["a"] * 10], Categorical),  # ten numbers may be names
        ([*TEN, "10", *["a"] * 10], "refused"),  # eleven are none
        ([*TEN, "10", *["a"] * 6, *["b"] * 5], "refused"),
        ([*TEN, "10", *["a"] * 6, *["b"] * 7], Categorical),  # more than one in ten
        (["1", "2"] * 50 + ["a"], "refused"),
        (["1"] * 100 + ["a"], Categorical),
        (["1", "2", "1", "a"], "refused"),
        (["1", "2", "a"], Categorical),  # more than one in four
        (["1", "2"] * 99 + ["a", "b"], "refused"),
        (["1", "2"] * 98 + ["a", "b"], Categorical),  # more than one in a hundred
        ([*"abcdefghij"], Categorical),  # ten texts are few
        ([*"abcdefghijk"], LeftOut),
        ([*"abcdefghijk"] * 2, Categorical),
        ([*"abcdefghijk"] * 2 + ["l"], LeftOut),
        (["a", "a"], LeftOut),
        (["a", "a", ""], Categorical),
    ],
)
def test_what_a_column_is(values, kind):
    assert kind_of(*values) is kind


def test_an_error_shows_the_first_of_several():
    with pytest.raises(ValueError, match=r"got '\?a' in row 102, 3 of 104 .* missing=\['\?a'\]"):
        _numbers.expect_numbers("x", np.array([*TEN, "10", "?a", "?b", "?c"]), "names")


@pytest.mark.parametrize(("n", "half"), [(40, False), (41, True), (4000, False), (5900, True)])
def test_a_column_of_few_numbers_is_not_looked_at_further(n, half):
    every = 100 if n < 100 else 10_000
    assert _numbers._half_are_numbers([*["1"] * n, *["a"] * (every - n), ""]) == half


def test_a_column_is_looked_at_once(monkeypatch):
    """What NumPy reads, and what holds words, is not read once more value by value."""
    monkeypatch.setattr(_numbers, "_numerals", None)
    for values in (np.arange(3.0), np.array(["1", "2.5"], object), np.array(["1.25", "2"])):
        assert _numbers.notation_and_numbers("x", values)[0] == AS_PYTHON
        assert _numbers.decimal_of([np.arange(3.0)]) is None
    words = np.array(["red", "1"], object)
    assert _numbers.notation_and_numbers("x", words) is None
    assert _numbers.decimal_of([words]) is None


@pytest.mark.parametrize(
    ("notation", "text", "number"),
    [
        (Notation(unit="%"), "0", 0.0),
        (Notation(unit="%"), "1", None),
        (Notation(unit="%"), "-1", None),
        (Notation(unit="%"), "-1%", -0.01),
        (Notation(unit="$"), "-1", -1.0),
        (Notation(".", "$"), "-(1)", None),
        (Notation(".", "$"), "(-1)", None),
        (Notation(".", "$"), "-$-1", None),
        (Notation(".", "$"), "($1,000)", -1000.0),
        (Notation(), "1_0", None),
        (Notation(), "٣", None),
        (Notation(), "0", 0.0),
        (Notation(), "1e999", np.inf),
    ],
)
def test_the_number_of_a_text(notation, text, number):
    assert notation.number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e999", np.inf), ("inf", None), ("nan", None), ("1_0", None), ("٣", None), (" 1.5", 1.5)],
)
def test_a_number_as_python_writes_it(text, number):
    assert plain_number(text) == number


def test_a_comma_groups_thousands_beside_whole_numbers_below_a_thousand():
    for beside in ("1", "999", "-999"):
        column = made("1,234", beside)
        assert column.mean == (1234 + int(beside)) / 2
    for beside in ("1000", "-1000", "0"):
        with pytest.raises(ValueError, match="read in one way"):
            made("1,234", "2,345", beside)


def test_short_floats_have_their_own_texts():
    for dtype in ("float16", "float32", "float64", "longdouble"):
        assert texts(np.array([0.1, 2, np.nan], dtype)) == ["0.1", "2", ""]


def test_the_usual_spelling_names_a_category():
    def spelled(**counts):
        return labels_of({"?": {word.replace("_", "."): n for word, n in counts.items()}})

    assert spelled(b=1, a=2) == spelled(a=2, b=1) == ["a"]  # the most frequent
    assert spelled(aa=2, b=2) == ["b"]  # the shortest
    assert spelled(b=2, a=2) == ["a"]


def test_auc_is_measured_up_to_twenty_classes():
    for n in (20, 21):
        outputs = np.eye(n, dtype=np.float32)
        measures = Classes("y", [f"{i:02}" for i in range(n)]).measure(np.arange(n), outputs)
        assert ("AUC" in measures) == (n == 20) and measures["accuracy"] == 1


def test_quantities_of_any_shape_are_decoded():
    target = Quantity("y", 1.0, 2.0)
    assert target.decode(np.array([[1.0], [2.0]])).tolist() == [3, 5]
    assert target.decode(np.array([[1.0, 2.0]])).tolist() == [[3, 5]]
    assert target.decode(np.array([1.0, 2.0])).tolist() == [3, 5]


def test_a_number_is_scaled_in_a_row_as_in_a_table(monkeypatch):
    """One by one without the way of whole columns."""
    monkeypatch.setattr(Numeric, "encode", None)
    out = np.zeros(2)
    for value, wanted in ((3.0, 1.0), (-3.0, -2.0), ("5", 2.0), (1, 0.0)):
        Numeric("x", 1.0, 2.0).encode_value(value, out, 1)
        assert out.tolist() == [0, wanted]


def test_a_table_of_one_row_is_encoded_as_a_row(monkeypatch):
    monkeypatch.setattr(TableEncoder, "_arrays", None)
    encoder = TableEncoder(
        [Numeric("x", 1.0, 2.0), Categorical("c", ["0.1"])], Classes("y", ["p", "q"])
    )
    for c in (np.array([0.1]), np.array([0.1], np.float32), np.array(["0.1"])):
        assert encoder.encode({"x": np.array([3.0]), "c": c}).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (['"x\n', '",2\n'], ["x\n", "2"]),
        (['"",2'], ["", "2"]),
        (['"a""b"\n'], ['a"b']),
        (['  "a" \n'], None),
        (["1,\n"], ["1", ""]),
    ],
)
def test_a_line_is_divided_as_csv_does(lines, fields):
    if fields is None:
        with pytest.raises(ValueError, match="must have ',' after a quoted field"):
            _fields(iter(lines), ",")
    else:
        assert _fields(iter(lines), ",") == fields


def test_the_memory_that_a_parquet_file_says_it_takes():
    leaves = [Fake(length=None), Fake(length=100)]
    groups = [Fake(total_byte_size=1000, num_rows=10), Fake(total_byte_size=-1, num_rows=-1)]
    metadata = Fake(num_columns=2, num_row_groups=2)
    metadata.schema, metadata.row_group = Fake(column=leaves.__getitem__), groups.__getitem__
    assert _size(metadata) == 1000 + 10 * (8 + 100)


def test_a_column_of_percentages_has_them_all():
    percent = Notation(unit="%")
    assert numbers(np.array(["5", "6"]), percent) is None
    assert numbers(np.array(["5%", "0"]), percent).tolist() == [0.05, 0]
