"""Columns of numbers by their quantiles, as TabM wants them."""

import numpy as np
import pytest

from cynn.tables import (
    Categorical,
    Dates,
    Numeric,
    QuantileNumeric,
    Quantity,
    TableEncoder,
    from_dict,
)

RNG = np.random.default_rng(0)


def encoder_of(values, **more):
    table = {"x": np.asarray(values), "y": np.arange(float(len(values)))}
    return TableEncoder.fit(table | more, "y", recipe="quantile")


def encoded(encoder, **columns):
    return encoder.encode(columns, "float64")


def test_numbers_of_any_distribution_become_normal():
    values = np.exp(3 * RNG.normal(size=3000))
    x = encoded(encoder_of(values), x=values)[:, 0]
    assert abs(x.mean()) < 0.05 and abs(x.std() - 1) < 0.05
    order = np.argsort(values)
    assert (np.diff(x[order]) >= 0).all()


def test_it_is_scikit_learns_transformer():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    values = RNG.normal(size=600)
    (column,) = encoder_of(values).columns
    assert isinstance(column, QuantileNumeric) and len(column.quantiles) == 20
    theirs = preprocessing.QuantileTransformer(n_quantiles=20, output_distribution="normal")
    theirs.fit(values[:, np.newaxis])
    within = values[(values > np.quantile(values, 0.1)) & (values < np.quantile(values, 0.9))]
    out = np.zeros((len(within), 1))
    column.encode(within, out)  # but for the noise
    np.testing.assert_allclose(out, theirs.transform(within[:, np.newaxis]), atol=1e-3)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_the_number_that_most_rows_share_lies_amid_them_also_at_an_end(size):
    """Noise does that, of a part of the least distance, whatever the unit of a column."""
    values = np.where(np.arange(600) < 300, 0.0, size * np.arange(1, 601))
    x = encoded(encoder_of(values), x=values)[:, 0]
    assert -0.9 < x[0] < -0.5  # a quarter of the normal distribution lies below -0.67
    assert x[0] == x[299] < x[300:].min()


def test_missing_and_constant_and_infinite_numbers():
    values = np.where(np.arange(90) % 9 == 0, np.nan, np.arange(90.0))
    encoder = encoder_of(values)
    x = encoded(encoder, x=[np.nan, 40.0, -1e300, 1e300])
    np.testing.assert_array_equal(x[:, 1], [1, 0, 0, 0])
    assert x[0, 0] == 0 and x[2, 0] == pytest.approx(-x[3, 0]) and 5 < x[3, 0] < 6
    with pytest.raises(ValueError, match="'x' must hold numbers that float32 can scale, got inf"):
        encoder.encode({"x": [1.0, np.inf]})
    with pytest.raises(ValueError, match="'x' must hold numbers, got 'two' in row 2"):
        encoder.encode({"x": [1.0, "two"]})
    once = encoder_of(np.where(np.arange(30) < 9, np.nan, 7.0))
    np.testing.assert_array_equal(encoded(once, x=[7.0, 8.0, np.nan]), [[0, 0], [0, 0], [0, 1]])


def test_a_row_is_encoded_as_rows_are():
    values = RNG.normal(size=200)
    encoder = encoder_of(values)
    alone = [encoder.encode({"x": value}, "float64")[0, 0] for value in values]
    np.testing.assert_array_equal(alone, encoded(encoder, x=values)[:, 0])


def test_texts_are_read_as_numbers_are():
    words = [f"{i},5 €" for i in range(40)]
    encoder = encoder_of(np.array(words))
    np.testing.assert_array_equal(
        encoded(encoder, x=words), encoded(encoder, x=np.arange(40) + 0.5)
    )


def test_the_other_columns_of_the_recipe():
    n = 120
    more = {
        "kind": np.array([f"kind {i % 12}" for i in range(n)]),
        "day": np.datetime64("2026-01-01") + np.arange(n),
    }
    encoder = encoder_of(RNG.normal(size=n), **more)
    assert [type(column) for column in encoder.columns] == [QuantileNumeric, Categorical, Dates]
    assert encoder.codes == {} and encoder.number_columns[0] == 0
    assert from_dict(encoder.to_dict()) == encoder


def test_it_is_the_same_whenever_it_is_fitted():
    values = RNG.normal(size=300)
    assert encoder_of(values) == encoder_of(values)


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [([2.0, 1.0], "must ascend"), ([np.inf], "quantiles"), ([], "quantiles"), ("ab", "quantiles")],
)
def test_quantiles_that_cannot_be(quantiles, message):
    with pytest.raises((TypeError, ValueError), match=message):
        QuantileNumeric("x", quantiles)


def test_it_is_no_column_of_distances():
    assert not issubclass(QuantileNumeric, Numeric)
    encoder = TableEncoder([QuantileNumeric("x", [0, 1])], Quantity("y", 0, 1))
    assert "QuantileNumeric('x', (0.0, 1.0))" in repr(encoder)
