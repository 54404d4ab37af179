"""How the numbers of a table are written: one notation for a column, and what equals what in it."""

from decimal import Decimal

import numpy as np
import pytest

from cynn import tables
from cynn.tables import Categorical, Classes, Numeric, TableEncoder

N = 40
Y = np.array(["ab"[i % 2] for i in range(N)], object)
POINTS = [f"{i}.5" for i in range(N)]
GROUPS = [f"{i + 1},000.5" for i in range(N)]
COMMAS = [f"{i},5" for i in range(N)]
WHOLE = [str(10115 + i % 9) for i in range(N)]


def objects(*values):
    return np.array(values, object)


def fitted(values, beside=(), **settings):
    """Return the encoder of a column alone, from a table that has others beside it."""
    others = {f"o{i}": objects(*values) for i, values in enumerate(beside)}
    encoder = TableEncoder.fit({"x": objects(*values), "y": Y, **others}, "y", **settings)
    return encoder.replace(columns=encoder.columns[:1])


# ---- columns that do not tell how they are written ----------------------------------------------


@pytest.mark.parametrize(
    ("beside", "decimal", "equal", "refused"),
    [
        ([COMMAS], ",", ["10115,0", "10.115", "10.115,00", "10115.0"], ["10115.5", "1,0,0"]),
        ([GROUPS], ".", ["10,115", "10,115.0", "10 115", "10115.0"], ["10.115,0", "10115,0"]),
        ([POINTS], "", ["10115.0", "1.0115e4"], ["10,115", "10115,0", "10 115"]),
        ([COMMAS, POINTS], "", ["10115.0"], ["10115,0"]),
        ([], "", ["10115.0"], ["10115,0", "10,115"]),
    ],
)  # fmt: skip
def test_whole_numbers_are_written_as_the_table_writes_numbers(beside, decimal, equal, refused):
    encoder = fitted(WHOLE, beside)
    assert encoder.columns[0].decimal == decimal
    wanted = encoder.encode({"x": 10115})
    for value in (*equal, 10115.0, np.int32(10115), Decimal("10115.0"), " 10115 "):
        assert encoder.encode({"x": value}) == wanted, value
        assert encoder.encode({"x": objects(value, value)})[1] == wanted, value
    for text in refused:
        with pytest.raises(ValueError, match="column 'x' must hold numbers, got .* in row 1"):
            encoder.encode({"x": text})
    table = {"x": objects(*WHOLE)} | {f"o{i}": objects(*each) for i, each in enumerate(beside)}
    target = tables.target_of(table, "x", "regression")
    assert target.decimal == decimal and len(set(target.encode(objects("10115", *equal)))) == 1


def test_a_thousand_is_not_read_as_decimals():
    """1.234 of a column whose training set has no number above 999 was 1.234 without a word."""
    encoder = fitted([str(i) for i in range(N)], [COMMAS])
    assert encoder.encode({"x": "1.234"}) == encoder.encode({"x": 1234})
    points = fitted(POINTS, [GROUPS])
    assert points.encode({"x": "1,234.5"}) == points.encode({"x": 1234.5})


@pytest.mark.parametrize("text", ["$5", "5 €", "5%", "5 %"])
def test_a_unit_that_training_did_not_see_is_an_error(text):
    for beside in ([], [COMMAS], [GROUPS], [[f"{i} €" for i in range(N)]]):
        with pytest.raises(ValueError, match="must hold numbers, got"):
            fitted(WHOLE, beside).encode({"x": text})


# ---- categories ---------------------------------------------------------------------------------

SPELLED = {
    ",": ("1.234,0", "1234", "1.234", "1234,00", "+1234", "01234"),
    ".": ("1,234.0", "1234", "1,234", "1234.00", "+1234", "01234"),
    "": ("1234.0", "1234", "1.234e3", "+1234", "01234"),
}
BESIDE = {",": COMMAS, ".": GROUPS, "": POINTS}


@pytest.mark.parametrize("decimal", SPELLED)
def test_a_category_is_equal_as_its_column_writes_numbers(decimal):
    spelled = SPELLED[decimal]
    for one in spelled:
        encoder = fitted([one, "77"] * (N // 2), [BESIDE[decimal]], categorical=["x"])
        column = encoder.columns[0]
        assert (len(column.categories), column.decimal) == (2, decimal)
        wanted = encoder.encode({"x": one})
        assert wanted.sum() == 1
        for other in (*spelled, 1234, 1234.0, np.float32(1234), np.int16(1234), Decimal("1234.0")):
            assert (encoder.encode({"x": other}) == wanted).all(), (one, other)
            assert (encoder.encode({"x": objects(other, "77")})[0] == wanted).all(), (one, other)
            assert encoder.unseen({"x": objects(other)}) == {}
        assert (encoder.encode({"x": np.array([1234.0, np.nan])})[0] == wanted).all()
        assert tables.from_dict(encoder.to_dict()) == encoder


def test_decimals_of_categories():
    encoder = fitted([["1,234", "2,5", "free", ""][i % 4] for i in range(N)], [COMMAS])
    assert encoder.columns[0] == Categorical("x", ["1,234", "2,5", "free"], ",")
    for one, other in (
        (1.234, "1,2340"),
        (np.float32(1.234), "1,234"),
        (2.5, "2,50"),
        (2.5, "2.5"),
    ):
        assert (encoder.encode({"x": one}) == encoder.encode({"x": other})).all()
        assert (encoder.encode({"x": np.array([one])}) == encoder.encode({"x": other})).all()
    assert encoder.encode({"x": "1.234"}).sum() == 0  # which is 1234
    new = objects("1.234", 3.5, "free", None)
    assert encoder.unseen({"x": new}) == {"x": {"1.234": 1, "3,5": 1}}
    mixed = fitted([[1.234, "1,5", "1.234"][i % 3] for i in range(N)], [], categorical=["x"])
    assert mixed.columns[0].categories == ("1,234", "1,5", "1.234")


@pytest.mark.parametrize("unit", ["$", "%"])
def test_units_of_categories(unit):
    words = [["12.3" + unit, "7" + unit, "other"][i % 3] for i in range(N)]
    encoder = fitted(words)
    assert encoder.columns[0].unit == unit
    value = 12.3 if unit == "$" else 0.123
    for other in (value, f"12.30{unit}", f"12.3 {unit}"):
        assert (encoder.encode({"x": other}) == encoder.encode({"x": words[0]})).all()
    commas = fitted([word.replace(".", ",") for word in words])
    assert (commas.encode({"x": value}) == commas.encode({"x": "12,3" + unit})).all()
    assert commas.encode({"x": value}).sum() == 1


def test_categories_in_no_one_notation_are_words():
    words = [["1,5", "1.5", "$2", "€2", "2"][i % 5] for i in range(N)]
    assert fitted(words, categorical=["x"]).columns[0] == Categorical("x", sorted({*words}))
    doubtful = ["1,234", "2000"] * (N // 2)  # thousands or decimals
    assert fitted(doubtful, categorical=["x"]).columns[0] == Categorical("x", ["1,234", "2000"])
    assert fitted(doubtful, categorical=["x"], decimal=".").columns[0].decimal == "."
    assert fitted(["a", "b"] * (N // 2), [COMMAS]).columns[0] == Categorical("x", ["a", "b"])


def test_classes_are_equal_whether_the_task_is_named_or_not():
    words = objects(*(["1,0", "1", "2,0", "2"] * (N // 4)))
    inferred = tables.target_of({"y": words}, "y")
    assert inferred == tables.target_of({"y": words}, "y", "classification")
    assert inferred == Classes("y", ["1", "2"], ",")
    assert inferred.encode(objects("1,00", 1.0, "2")).tolist() == [0, 0, 1]


def test_whole_numbers_beyond_floats_are_equal_to_the_last_digit():
    big = 12345678901234567890
    for beside, marks in (([], ""), ([COMMAS], "."), ([GROUPS], ",")):
        encoder = fitted([str(big), str(big + 1)] * (N // 2), beside, categorical=["x"])
        assert encoder.width == 2
        grouped = f"{big + 1:,}".replace(",", marks)
        for value in (str(big + 1), grouped, big + 1, Decimal(big + 1), np.uint64(big + 1)):
            assert encoder.encode({"x": value}).tolist() == [[0, 1]], value


def test_a_percentage_is_the_number_it_says():
    for i in range(1000):
        assert tables.Numeric("x", 0, 1, unit="%").notation.number(f"{i / 10}%") == float(f"{i}e-3")


def test_only_what_python_writes_is_no_group():
    column = Numeric("x", 0, 1, decimal=",").notation
    assert [column.number(text) for text in ("1.0", "-12.0", "1.000", "1.00", "1.5")] == [
        1, -12, 1000, None, None,
    ]  # fmt: skip


# ---- the table of a target ----------------------------------------------------------------------


def test_rows_that_have_the_target():
    table = {"x": objects("1,5", "2,5", "3,5"), "y": objects("1,234", "-", "2,345")}
    assert tables.rows_with(table, "y").tolist() == [0, 2]


def test_only_the_chosen_rows_need_the_target():
    table = {"x": np.arange(6.0), "y": objects("a", None, "b", "a", "", "b")}
    encoder = TableEncoder.fit(table, "y", rows=np.array([0, 2, 3]))
    assert (
        encoder.target == Classes("y", ["a", "b"])
        and round(encoder.columns[0].mean, 9) == 1.666666667
    )
    assert encoder == TableEncoder.fit(
        table, "y", rows=np.array([True, False, True, True, 0, 0]) > 0
    )
    with pytest.raises(ValueError, match="got none in 1 of 3, row 5 the first"):
        TableEncoder.fit(table, "y", rows=np.array([0, 2, 4]))
    with pytest.raises(ValueError, match="must hold numbers alone, got 'x' in row 31"):
        values = objects(*map(str, range(30)), "x", *map(str, range(30, 60)))
        rows = np.arange(20, 61)
        TableEncoder.fit({"x": np.arange(61), "y": values}, "y", rows=rows)
    with pytest.raises(TypeError, match="target must be the name of a column or a Target, got 3"):
        TableEncoder.fit(table, 3)
