"""What stands in a column: what is a number, what is missing, what equals what."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from cynn import tables
from cynn.tables import Categorical, Classes, LeftOut, Numeric, Quantity, TableEncoder
from cynn.tables._frames import array_of
from cynn.tables._values import number_of, numbers, texts

N = 400
AGES = [str(18 + i * i % 71) for i in range(N)]
Y = np.array(["ab"[i % 2] for i in range(N)], object)


def objects(*values):
    return np.array(values, object)


def with_odd(value, row=7):
    """Return 400 ages, one of which is another value."""
    return objects(*AGES[:row], value, *AGES[row + 1 :])


def fitted(values, **settings):
    """Return what a column is."""
    n = len(values)
    encoder = TableEncoder.fit({"x": values, "other": np.arange(n), "y": Y[:n]}, "y", **settings)
    return next(each for each in (*encoder.columns, *encoder.left_out) if each.name == "x")


# ---- what equals what ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (objects("0", "1", "0.0", "1.0"), ("0", "1")),
        (objects("0", "1", "0.0", "1.0", "1.0", "0.0"), ("0", "1")),
        (objects("1e3", "1000", "+7", "7.", "7"), ("7", "1000")),
        (objects("true", "True", "FALSE", "false", "True"), ("FALSE", "True")),
        (objects(True, "true", False, "False"), ("False", "True")),
        (objects(1, "1.0", 0.0, "-0"), ("0", "1")),
        (objects("1.50", "1.5", "2.5", "2.5"), ("1.5", "2.5")),
        (objects("e\u0301", "\u00e9", "b"), ("b", "\u00e9")),
    ],
)
def test_a_value_spelled_in_two_ways_is_one_class(values, labels):
    target = tables.target_of({"y": values}, "y", "classification")
    assert target == Classes("y", labels)
    assert len(set(target.encode(values).tolist())) == 2


@pytest.mark.parametrize("words", [("1,0", "1", "2,00", "2"), ("$1", "1", "$2", "2.0 $")])
def test_classes_are_equal_as_their_column_writes_numbers(words):
    target = tables.target_of({"y": objects(*words * 9)}, "y")
    assert target.labels[:1] == ("1",) and len(target.labels) == 2
    assert target.encode(objects(*words, 1.0, "2")).tolist() == [0, 0, 1, 1, 0, 1]
    copied = tables.from_dict(TableEncoder([Numeric("x", 0.0, 1.0)], target).to_dict()).target
    assert copied == target and copied.encode(objects(words[2])).tolist() == [1]


def test_a_category_is_what_it_was_in_training_however_it_is_spelled():
    table = {
        "zip": objects("10115", "10117", "01067"),
        "flag": objects("True", "False", "True"),
        "big": objects("12345678901234567890", "12345678901234567891", "1e300"),
        "rate": np.array([0.1, 0.2, 0.3], np.float32),
        "y": np.arange(3.0),
    }
    encoder = TableEncoder.fit(table, "y", categorical=["zip", "flag", "big", "rate"])
    wanted = encoder.encode(table)
    assert wanted.shape == (3, 3 + 2 + 3 + 3) and (wanted.sum(axis=1) == 4).all()
    spelled = {
        "zip": [objects("10115.0", "1.0117e4", "1067"), np.array([10115, 10117, 1067.0])],
        "flag": [objects("true", "FALSE", "1"), np.array([True, False, True]), np.array([1, 0, 1])],
        "big": [objects("12345678901234567890.0", "012345678901234567891", 1e300)],
        "rate": [objects("0.10", ".2", "3e-1"), np.array([0.1, 0.2, 0.3])],
    }
    for name, columns in spelled.items():
        for values in columns:
            assert (encoder.encode(table | {name: values}) == wanted).all(), (name, values)
            rows = [{key: (table | {name: values})[key][i] for key in table} for i in range(3)]
            assert (encoder.encode(rows) == wanted).all(), (name, values)
    assert encoder.unseen(table) == {}


@pytest.mark.parametrize(
    "text", ["0" * 200_000 + "x", "1" * 200_000 + "x", "0." + "0" * 200_000 + "x"]
)
def test_a_long_text_takes_time_by_its_length(text):
    """Each takes hours where an expression goes back over the digits for each of them."""
    assert Categorical("x", ["a"]).unseen(objects(text)) == {text: 1}
    with pytest.raises(ValueError, match="must hold numbers"):
        Numeric("x", 0, 1).encode(objects(text), np.zeros((1, 1)))


def test_a_bool_is_the_same_in_each_kind_of_file():
    values = [objects("True", "false", "", "TRUE"), objects(True, False, None, True)]
    columns = {repr(fitted(np.resize(each, 40))) for each in values}
    assert len(columns) == 1 and columns.pop().startswith("Numeric('x', 0.66")
    encoder = TableEncoder([fitted(np.resize(values[0], 40))], Classes("y", ["p", "q"]))
    assert (encoder.encode({"x": values[0]}) == encoder.encode({"x": values[1]})).all()


def test_words_are_equal_as_they_are_written():
    assert fitted(np.resize(objects("red", "Red", "red "), 30)).categories == ("Red", "red")
    assert fitted(np.resize(objects("1", "1a", "True", "yes"), 40)).categories == ("1", "1a", "yes")


def test_values_that_training_did_not_see_are_counted():
    table = {"zip": ["1", "2", "1"], "word": ["a", "b", "a"], "y": [1.0, 2.5, 3.0]}
    encoder = TableEncoder.fit(table, "y", categorical=["zip"])
    new = {"zip": [1.0, 3.0, 3.0, 4.0, np.nan], "word": ["a", "b", "", "#N/A", None]}
    assert encoder.unseen(new) == {"zip": {"3": 2, "4": 1}}
    assert list(encoder.unseen(new)["zip"]) == ["3", "4"]
    assert encoder.encode(new)[1:].sum() == 1
    assert encoder.replace(missing=["3"]).unseen(new) == {"zip": {"4": 1}}


def test_columns_of_older_files_are_what_they_were():
    old = {
        "class": "TableEncoder",
        "columns": [
            {"class": "Numeric", "name": "a", "mean": 1.0, "std": 2.0, "missing": True},
            {"class": "Categorical", "name": "b", "categories": ["1.00", "1.0", "nan", "#N/A"]},
        ],
        "target": {"class": "Classes", "name": "y", "labels": ["0", "0.0", "1"]},
        "left_out": [],
    }
    encoder = tables.from_dict(old)
    x = encoder.encode({"a": ["3", "-", "1"], "b": ["1.0", "nan", "1"]})
    assert x.tolist() == [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]]
    assert encoder.target.encode(objects("0.0", "0", "1", "1.0")).tolist() == [1, 0, 2, 2]
    assert tables.from_dict(encoder.to_dict()) == encoder
    old["target"] = {"class": "Quantity", "name": "y", "mean": 1.0, "std": 2.0}
    assert tables.from_dict(old).target == Quantity("y", 1.0, 2.0)
    for name, value in [("missing", [3]), ("missing", "NA"), ("decimal", ";")]:
        with pytest.raises(ValueError):
            tables.from_dict(old | {name: value})


# ---- what is missing ----------------------------------------------------------------------------

BY_PANDAS = [
    "", "#N/A", "#n/a", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
    "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
BY_EXCEL = ["#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#WERT!", "#NV"]


@pytest.mark.parametrize(
    "text", [*BY_PANDAS, *BY_EXCEL, "-", "--", "?", ".", " - ", "\\N", "(null)"]
)
def test_a_missing_number_as_others_write_it(text):
    column = fitted(with_odd(text))
    assert column == fitted(with_odd(None)) and column.missing
    rest = np.delete(np.array(AGES, float), 7)
    assert np.allclose([column.mean, column.std], [rest.mean(), rest.std()])
    with pytest.raises(ValueError, match="got none in 1 of 400, row 8 the first"):
        tables.target_of({"y": with_odd(text)}, "y")


def test_a_missing_category():
    words = np.resize(objects("a", "b", "-", "none", "#N/A", "#n/a", "NaN", "<NA>", ""), 90)
    assert fitted(words) == Categorical("x", ["-", "a", "b", "none"])
    with pytest.raises(ValueError, match="got none in 1 of 3, row 2 the first"):
        tables.target_of({"y": objects("a", "#N/A", "b")}, "y")
    labels = tables.target_of({"y": np.resize(objects("+", "-", "none"), 9)}, "y").labels
    assert labels == ("+", "-", "none")


@pytest.mark.parametrize("text", ["k.A.", "-999", "inf", "12.5 kg"])
def test_a_text_that_is_called_missing(text):
    values = with_odd(text)
    column = fitted(values, missing=["unused", text])
    assert column == fitted(with_odd(None))
    table = {"x": values, "y": Y}
    encoder = TableEncoder.fit(table, "y", missing=[text])
    assert encoder.missing == (text,)
    assert encoder.encode(table)[7].tolist() == encoder.encode({"x": text.upper()})[0].tolist()
    assert encoder.encode({"x": text}).tolist() == [[0, 1]]
    assert tables.from_dict(encoder.to_dict()) == encoder
    target = tables.mark_missing({"y": values}, [text])["y"]
    assert target[7] is None and values[7] == text


def test_a_number_that_is_called_missing_is_so_in_each_kind_of_file():
    for values in (np.array([1, -999, 3]), np.array([1.0, -999, 3]), objects("1", "-999.0", "3")):
        marked = tables.mark_missing({"x": values}, ["-999"])["x"]
        assert [value is None or value != value for value in marked] == [False, True, False]
    commas = objects("1,5", "-999,0", "-999", "-9,9", "-999,5", "-999,000", "a, b")
    for text, gone in (("-999", [1, 2]), ("-9.9", [3]), ("-999,50", [4])):
        marked = tables.mark_missing({"x": commas}, [text])["x"]
        assert [i for i, value in enumerate(marked) if value is None] == gone
    with pytest.raises(TypeError, match="missing must be a sequence of strings, got 'NA'"):
        TableEncoder.fit({"x": Y, "y": Y}, "y", missing="NA")
    with pytest.raises(TypeError, match="got 3 among them"):
        tables.mark_missing({}, [3])


# ---- a column that is nearly all numbers --------------------------------------------------------


@pytest.mark.parametrize("text", ["k.A.", "12.5 kg", "abc", "1_000", "0x1F", "true", "1,2,3", "٣"])
def test_a_value_that_is_no_number_among_numbers_is_named(text):
    said = f"must hold numbers alone, got {text!r} in row 8, 1 of 400 .*--missing"
    with pytest.raises(ValueError, match="column 'x' " + said + ".*--categorical x"):
        fitted(with_odd(text))
    with pytest.raises(ValueError, match="target 'x' " + said + ".*--task classification"):
        tables.target_of({"x": with_odd(text)}, "x")
    assert isinstance(fitted(with_odd(text), categorical=["x"]), Categorical)
    assert isinstance(fitted(with_odd(text), ignore=["x"]), LeftOut)


def test_how_many_are_nearly_all():
    numbers = [str(i % 50) for i in range(100)]
    for others in (["?a"] * 40, ["?a", "?b", "?c"]):
        with pytest.raises(ValueError, match="'\\?a' in row 101"):
            fitted(objects(*numbers, *others))
    assert isinstance(fitted(objects(*numbers, *(f"{i}a" for i in range(20)))), LeftOut)
    few = [str(i % 4) for i in range(100)]
    with pytest.raises(ValueError, match="'four' in row 101"):
        fitted(objects(*few, "four"))
    assert fitted(objects(*few, *["3+"] * 9)).width == 5  # a category
    assert fitted(objects(*["1"] * 39, "one")).width == 2
    assert fitted(objects("1", "2", "x")).width == 3


@pytest.mark.parametrize("text", ["inf", "-Infinity", "+INF", "1e999"])
def test_an_infinite_number_is_an_error_in_each_kind_of_file(text):
    for values in (with_odd(text), with_odd(text).astype(float)):
        shown = repr(values[7]) if values.dtype == object else "-?inf"
        said = f"'x' must hold finite numbers, got {shown} in row 8: .*--missing".replace(
            "+", r"\+"
        )
        with pytest.raises(ValueError, match=f"column {said}"):
            fitted(values)
        with pytest.raises(ValueError, match=f"target {said}"):
            tables.target_of({"x": values}, "x")
    encoder = TableEncoder([Numeric("x", 0.0, 1.0)], Classes("y", ["p", "q"]))
    for table in ({"x": [text]}, {"x": text}, {"x": float(text)}, {"x": np.array([float(text)])}):
        with pytest.raises(ValueError, match="got -?inf in row 1"):
            encoder.encode(table)


# ---- how numbers are written --------------------------------------------------------------------


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


WRITTEN = {
    "decimal comma": (lambda v: f"{v:.2f}".replace(".", ","), ",", ""),
    "thousands": (lambda v: f"{v:,.2f}", ".", ""),
    "points between thousands": (german, ",", ""),
    "spaces between thousands": (lambda v: f"{v:,.1f}".replace(",", " "), ".", ""),
    "narrow spaces": (lambda v: f"{v:,.1f}".translate(str.maketrans(",.", "\u202f,")), ",", ""),
    "apostrophes": (lambda v: f"{v:,.2f}".replace(",", "’"), ".", ""),
    "dollars": (lambda v: f"-${-v:,.2f}" if v < 0 else f"${v:,.2f}", ".", "$"),
    "euros": (lambda v: german(v) + "\u00a0€", ",", "€"),
    "euros before": (lambda v: "€ " + german(v), ",", "€"),
    "a code": (lambda v: f"CHF {v:.2f}", "", "CHF"),
    "in brackets": (lambda v: f"({-v:,.2f})" if v < 0 else f"{v:,.2f}", ".", ""),
    "a minus sign": (lambda v: f"{v:.2f}".replace("-", "−"), ".", ""),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_as_they_are_written(name):
    write, decimal, unit = WRITTEN[name]
    floats = np.round(np.random.default_rng(0).normal(800, 900, 60), 1)
    texts = objects(*map(write, floats))
    column, plain = fitted(texts), fitted(floats)
    assert (column.decimal, column.unit) == (decimal, unit)
    assert column == plain.replace(decimal=decimal, unit=unit)
    encoder = TableEncoder([column], Classes("y", ["p", "q"]))
    x = encoder.encode({"x": floats})
    assert (encoder.encode({"x": texts}) == x).all()
    assert (encoder.encode([{"x": text} for text in texts]) == x).all()
    target = tables.target_of({"x": texts}, "x")
    assert target == tables.target_of({"x": floats}, "x").replace(decimal=decimal, unit=unit)
    assert (target.encode(texts) == target.encode(floats)).all()
    with pytest.raises(ValueError, match="column 'x' must hold numbers, got '1;5' in row 1"):
        encoder.encode({"x": ["1;5"]})


def test_a_percentage_is_a_hundredth():
    column = fitted(objects(*(f"{i} %" for i in range(20))))
    assert column == fitted(np.arange(20) / 100).replace(unit="%")
    with pytest.raises(ValueError, match="must be in one unit, got '7' in row 8, '0%' in row 1"):
        fitted(objects(*(f"{i}%" for i in range(7)), "7"))
    encoder = TableEncoder([column], Classes("y", ["p", "q"]))
    assert encoder.encode({"x": "5%"}) == encoder.encode({"x": 0.05})
    with pytest.raises(ValueError, match="must hold numbers, got '5' in row 2"):
        encoder.encode({"x": ["5%", "5"]})


def test_units_are_not_mixed():
    with pytest.raises(ValueError, match="one unit, got '€6' in row 2, '\\$5' in row 1"):
        fitted(objects("$5", "€6", "7"))
    assert fitted(objects("$5", "6", "7")).unit == "$"
    plain = TableEncoder([Numeric("x", 0.0, 1.0)], Classes("y", ["p", "q"]))
    for text in ("1,5", "1,234", "$5", "5%", "1 000"):  # which training did not see
        with pytest.raises(ValueError, match="must hold numbers, got .* in row 1"):
            plain.encode({"x": text})


def test_decimal_marks_are_not_mixed():
    points, commas = [f"{i}.5" for i in range(30)], [f"{i},25" for i in range(30)]
    for values, message in (
        (["1,5", *points], "one decimal mark, got '1,5' in row 1, '0.5' in row 2: write"),
        ([*commas, "NA", "7.5"], "one decimal mark, got '7.5' in row 32, '0,25' in row 1: write"),
        (points + commas, "one decimal mark, got '0.5' in row 1, '0,25' in row 31: write"),
    ):
        for make in (fitted, lambda values: tables.target_of({"x": values}, "x")):
            with pytest.raises(ValueError, match=message):
                make(objects(*values))
        assert len(fitted(objects(*values), categorical=["x"]).categories) > 30
    for values in (["1,5", "1.5", "red", "blue"] * 9, ["1.2.3", "1,2,3"] * 9):  # others are names
        assert isinstance(fitted(objects(*values)), Categorical)


def test_there_are_two_decimal_marks():
    for make in (fitted, lambda values, **mark: tables.target_of({"x": values}, "x", None, **mark)):
        with pytest.raises(ValueError, match="decimal must be .*got ';'"):
            make(objects("1,5", "2,5"), decimal=";")


def test_thousands_or_decimals():
    doubtful = objects("1,234", "2,345", "3,456")
    for decimal, factor in ((",", 1), (".", 1000)):
        column = fitted(doubtful, decimal=decimal)
        assert np.isclose(column.mean, 2.345 * factor)
        assert np.isclose(
            tables.target_of({"x": doubtful}, "x", None, decimal).mean, 2.345 * factor
        )
    for make in (fitted, lambda values: tables.target_of({"x": values}, "x")):
        with pytest.raises(ValueError, match="read in one way, got '1,234' in row 1.*--decimal ,"):
            make(doubtful)
    with pytest.raises(ValueError, match="got '1,234' in row 2:"):
        fitted(objects("2000", "1,234", "2,345", "1,234"))
    assert fitted(objects("5", "7", "8"), decimal=",").decimal == ","  # also where none tells it
    assert fitted(objects("1,234", "950", "12,345")).mean > 4000  # whole numbers below a thousand
    for beside in ("1000", "0"):
        with pytest.raises(ValueError, match="got .* in row"):
            fitted(objects("1,234", beside, "2,345", "3,456"))
    assert fitted(objects("1,234", "1,234,567", "2,000")).mean > 4000
    assert fitted(objects("0,123", "0,456", "1,234")).mean < 1  # no group begins with 0


def test_the_other_columns_tell_the_decimal_mark():
    for other, mean in (("1,5", 1.789), ("1.5", 1789)):
        table = {"x": ["1,234", "2,345"], "other": [other, "2"], "y": ["a", "b"]}
        assert np.isclose(TableEncoder.fit(table, "y").columns[0].mean, mean, 0.01)
        assert np.isclose(tables.target_of(table, "x", "regression").mean, mean, 0.01)
    points = {"x": ["1.234", "950"], "other": ["1,5", "2"], "y": ["a", "b"]}
    assert TableEncoder.fit(points, "y").columns[0].mean == (1234 + 950) / 2
    assert TableEncoder.fit(points | {"other": [1, 2]}, "y").columns[0].mean < 500  # as Python


@pytest.mark.parametrize(
    "text",
    ["1,2,3", "1.2.3", "1,23.4", "12,34.5,6", "030 123 456", "$5$", "(5", "--5", "-(5)", "5 kg",
     "$", "%", ",", "1 2", "2024-01-05", "12:30", "1" * 65 + ",50 ", " " * 70 + ","],
)  # fmt: skip
def test_what_is_no_number(text):
    for decimal in ("", ".", ","):
        with pytest.raises(ValueError, match="must hold numbers, got"):
            Numeric("x", 0, 1, decimal=decimal).encode(objects(text), np.zeros((1, 1)))
        with pytest.raises(ValueError, match="must hold numbers, got"):
            priced = Numeric("x", 0, 1, decimal=decimal, unit="$")
            priced.encode(objects(text), np.zeros((1, 1)))


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2, "NaT"], "m8[m]"),
        [np.timedelta64(1, "m"), np.timedelta64(2, "m"), None],
        [np.timedelta64(1, "m"), np.timedelta64(120, "s"), np.timedelta64("NaT", "s")],
        [timedelta(minutes=1), timedelta(minutes=2), None],
    ],
    ids=str,
)
def test_durations_are_their_seconds(values):
    column = array_of(values)
    np.testing.assert_array_equal(numbers(column), [60, 120, np.nan])
    each = [number_of(value) for value in values]
    np.testing.assert_array_equal(each, [60, 120, np.nan])


def test_a_column_of_a_signalling_nan_has_it_missing():
    values = np.array([Decimal("1.5"), Decimal("sNaN"), Decimal("NaN")], object)
    np.testing.assert_array_equal(numbers(values), [1.5, np.nan, np.nan])
    assert texts(values) == ["1.5", "", ""]


def test_masked_values_are_missing():
    masked = np.ma.masked_equal([1, -9, 3], -9)
    np.testing.assert_array_equal(array_of(masked), [1, np.nan, 3])
    words = np.ma.array(["a", "b"], mask=[False, True])
    assert array_of(words).tolist() == ["a", None]
    assert array_of(np.ma.array([1, 2])).dtype == int  # nothing is masked
