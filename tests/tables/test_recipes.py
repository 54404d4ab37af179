"""How columns become numbers by the robust recipe: scaling, codes and dates."""

import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cynn.losses import Quantile
from cynn.tables import Coded, Dates, Numeric, Quantity, TableEncoder, from_dict

WEEKDAYS = 7


def fitted(table, **settings):
    return TableEncoder.fit(table, "y", recipe="robust", **settings)


def beside(values, name="x"):
    """A table of one column and a target."""
    return {name: np.asarray(values), "y": np.linspace(0.5, 1.5, len(values))}


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6, width=32)))
def test_numbers_are_scaled_by_median_and_quartiles_and_clipped_smoothly(values):
    if np.ptp(values) == 0:
        return
    first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
    spread = third - first or np.ptp(values) / 2
    z = (values - median) / spread
    expected = [v / math.sqrt(1 + (v / 3) ** 2) if abs(v) < 1e100 else 3.0 for v in z]
    encoded = fitted(beside(values)).encode(beside(values), "float64")[:, 0]
    np.testing.assert_allclose(encoded, expected, rtol=1e-12, atol=1e-15)


def test_no_number_is_too_large_to_be_clipped():
    encoder = fitted(beside(np.arange(9.0)))
    rows = encoder.encode({"x": np.array([1e300, -1e300])})
    np.testing.assert_array_equal(rows.ravel(), np.float32([3, -3]))
    one = encoder.encode({"x": 1e300})
    np.testing.assert_array_equal(one.ravel(), np.float32([3]))
    with pytest.raises(ValueError, match=r"'x' must hold numbers .*inf in row 2"):
        encoder.encode({"x": np.array([1.0, np.inf])})


def test_a_row_is_encoded_as_in_a_table():
    rng = np.random.default_rng(0)
    table = {
        "a": rng.normal(size=60) ** 3,
        "b": np.array([f"v{i}" for i in rng.integers(0, 20, 60)], object),
        "c": np.datetime64("2020-01-01") + rng.integers(0, 900, 60),
        "d": np.array(list("xyz") * 20, object),
        "y": rng.normal(size=60),
    }
    table["a"][5], table["b"][6] = np.nan, None
    encoder = fitted(table)
    rows = encoder.encode(table)
    for i in (0, 5, 6, 59):
        one = encoder.encode({name: values[i] for name, values in table.items()})
        np.testing.assert_array_equal(one, rows[i : i + 1])
    assert from_dict(encoder.to_dict()) == encoder


@pytest.mark.parametrize(("n", "kind"), [(8, "Categorical"), (9, "Coded")])
def test_few_categories_are_numbers_each_and_more_are_codes(n, kind):
    table = beside([f"v{i % n}" for i in range(4 * n)])
    (column,) = fitted(table).columns
    assert type(column).__name__ == kind


def test_codes_begin_with_one_and_zero_is_what_is_not_known():
    table = beside([f"v{i % 12:02}" for i in range(48)])
    encoder = fitted(table)
    assert encoder.codes == {0: 13}
    rows = encoder.encode({"x": np.array(["v00", "v11", "other", None], object)})
    assert rows.ravel().tolist() == [1, 12, 0, 0]
    assert encoder.number_columns == ()


def test_categories_that_stand_there_once_share_a_code():
    words = [f"v{i % 12:02}" for i in range(48)] + ["once", "alone"]
    encoder = fitted(beside(words))
    assert encoder.encode({"x": ["once"]}).item() == 0
    assert encoder.codes == {0: 13}


def test_very_many_categories_are_those_that_are_frequent():
    words = [f"v{i % 1500}" for i in range(3000)] + ["v7"] * 5
    (column,) = fitted(beside(words)).columns
    assert len(column.categories) == 1000 and "v7" in column.categories


def test_texts_that_hardly_repeat_are_left_out():
    table = beside([f"id{i}" for i in range(50)]) | {"z": np.arange(50.0)}
    assert [column.name for column in fitted(table).left_out] == ["x"]


DAYS = np.datetime64("2026-11-30") + np.arange(-200, 200)  # the thirtieth was a Monday


@pytest.mark.parametrize(
    "days",
    [
        DAYS,
        DAYS.astype("datetime64[ns]"),
        DAYS.astype(str),
        np.array([f"{day}T00:00:00+02:00" for day in DAYS]),
        np.array([str(day).replace("-", "/") for day in DAYS], object),
        np.array(DAYS.tolist(), object),
        np.array([datetime.datetime(d.year, d.month, d.day) for d in DAYS.tolist()], object),
    ],
    ids=["days", "nanoseconds", "texts", "offset", "slashes", "date", "datetime"],
)
def test_dates_of_every_kind_are_the_same(days):
    encoder = fitted(beside(DAYS))
    (column,) = encoder.columns
    assert column.parts == ("day", "day of year", "day of month", "month")
    expected = encoder.encode({"x": DAYS})
    np.testing.assert_array_equal(encoder.encode({"x": days}), expected)
    assert fitted(beside(days)).columns == encoder.columns
    monday = encoder.encode({"x": np.array(["2026-11-30"])})[0, 4:]
    assert monday.tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_the_numbers_of_a_date():
    column = Dates("x", ["day", "day of year", "day of month", "month", "minute of day"], [0] * 5,
                   [1e9] * 5)  # fmt: skip
    out = np.zeros((1, column.width))
    column.encode(np.array(["1971-03-02T01:30"]), out)
    numbers = out[0, :5] * 1e9
    np.testing.assert_allclose(numbers, [425 + 1.5 / 24, 60, 1, 2, 90], rtol=1e-6)


def test_a_date_that_is_missing_is_flagged_and_one_that_is_none_is_an_error():
    days = np.array(DAYS.astype(str), object)
    days[3] = None
    encoder = fitted(beside(days))
    row = encoder.encode({"x": np.array([None, "NaT", "", np.datetime64("NaT", "us")], object)})
    assert row[:, -1].tolist() == [1, 1, 1, 1] and not row[:, :-1].any()
    with pytest.raises(ValueError, match="'x' must hold dates such as .* got 'soon' in row 2"):
        encoder.encode({"x": np.array(["2026-11-30", "soon"])})


def test_dates_are_left_out_by_the_standard_recipe():
    table = beside(DAYS) | {"z": np.arange(400.0)}
    assert [column.name for column in TableEncoder.fit(table, "y").left_out] == ["x"]


@pytest.mark.parametrize("words", [["20261130", "20261201"], ["2026", "2027"]])
def test_numbers_are_no_dates(words):
    (column,) = fitted(beside(words * 20)).columns
    assert isinstance(column, Numeric)


def test_a_quantity_stays_in_its_range_and_may_be_learned_by_its_logarithm():
    target = Quantity("y", math.log(10.0), 2.0, low=1.0, high=1000.0, scale="log")
    values = np.array([1.0, 10.0, 1000.0])
    np.testing.assert_allclose(target.decode(target.encode(values)), values)
    assert target.decode(np.array([-99.0, 99.0])).tolist() == [1.0, 1000.0]
    assert target.measure(target.encode(values), target.encode(values)[:, None] * 0)["R2"] < 1
    measured = target.measure(target.encode(values), np.zeros((3, 1)))
    assert measured["mean absolute error"] == pytest.approx((9 + 0 + 990) / 3)
    with pytest.raises(ValueError, match=r"must be above 0 .*'log', got -1.0 in row 2"):
        target.encode(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="high must be at least low"):
        Quantity("y", 0.0, 1.0, low=2, high=1)


def test_a_quantity_of_several_quantiles():
    target = Quantity("y", 10.0, 2.0, low=5.0, high=30.0, quantiles=[0.1, 0.4, 0.9])
    assert target.quantiles == (0.1, 0.4, 0.9) and target.n_outputs == 3
    assert target.loss == Quantile((0.1, 0.4, 0.9))
    assert target.header == ("y 0.1", "y 0.4", "y 0.9")
    assert from_dict(TableEncoder([Numeric("a", 0, 1)], target).to_dict()).target == target
    assert Quantity("y", 10.0, 2.0).loss == "mean_squared_error"
    outputs = np.array([[1.0, 0.0, 2.0], [-9.0, 0.0, 99.0]])  # the first two cross
    assert target.decode(outputs).tolist() == [[10.0, 12.0, 14.0], [5.0, 10.0, 30.0]]
    assert target.middle(outputs).tolist() == [12.0, 10.0]
    assert target.as_text(outputs) == [("10", "12", "14"), ("5", "10", "30")]
    assert target.decode(target.encode(np.array([6.0, 7.0, 8.0]))).tolist() == [6.0, 7.0, 8.0]
    assert target.measure(np.array([0.0, 0.0]), outputs)["mean absolute error"] == 1.0
    assert target.as_text(outputs[:0]) == [] and target.middle(outputs[:0]).shape == (0,)
    one = Quantity("y", 10.0, 2.0, quantiles=[0.9])
    for said in (one.decode, one.middle):
        assert said(np.ones((4, 1))).tolist() == [12.0] * 4


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [
        ([], "quantiles must hold at least one number"),
        (0.5, "quantiles must be a list of numbers, got 0.5"),
        ([0.5, 1.0], r"quantiles\[1\] must be a number between 0 and 1, got 1"),
        ([0.9, 0.1], r"quantiles must ascend, got \[0.9, 0.1\]"),
        ([0.5, 0.5], "quantiles must ascend"),
    ],
)
def test_quantiles_that_are_none(quantiles, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Quantity("y", 0.0, 1.0, quantiles=quantiles)


def test_codes_need_categories():
    with pytest.raises(ValueError, match="categories must be 1 to 1000"):
        Coded("x", [])
