"""Columns scaled by their quantiles: against their definitions, and scikit-learn's."""

import json
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cynn._specs import spec
from cynn.preprocessing import QuantileNormal, RobustScale
from cynn.preprocessing._columns import BLOCK, _normal_quantile

KINDS = [RobustScale, QuantileNormal]
by_kind = pytest.mark.parametrize("kind", KINDS)


@st.composite
def tables(draw):
    """Draw rows with many equal numbers, some far out, some missing.

    On a grid, so that no number is within 1e-7 of another: scikit-learn takes them for equal.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.integers(2, 60)), draw(st.integers(1, 4))
    x = rng.integers(-40, 40, size, endpoint=True) / 8
    x = np.where(rng.random(size) < 0.1, rng.choice([1e6, -1e9, math.nan], size), x)
    mostly = rng.random(size[1]) < 0.4  # columns whose quartiles are one number
    return np.where(mostly & (rng.random(size) < 0.8), 0.5, x)


def some(n=60, columns=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_t(2, (n, columns)) * 10.0 ** np.arange(columns)


def has_numbers(x):
    return ~np.isnan(x).all(axis=0)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_robust_scale_is_scikit_learns(x):
    scalers = pytest.importorskip("sklearn.preprocessing")
    x = x[:, has_numbers(x)]
    if not x.shape[1]:
        return
    theirs = scalers.RobustScaler().fit(x)
    ours = RobustScale.adapt(x, clip=None)
    width = np.nanpercentile(x, 75, axis=0) - np.nanpercentile(x, 25, axis=0)
    np.testing.assert_allclose(ours.center, theirs.center_, 1e-15)
    wide = width > 0  # of the others scikit-learn's only takes off the median
    np.testing.assert_allclose(ours.transform(x)[:, wide], theirs.transform(x)[:, wide], 1e-12)
    for j in np.flatnonzero(~wide):
        distance = np.nanmax(x[:, j]) - np.nanmin(x[:, j])
        assert ours.factor[j] == (2 / distance if distance else 0)


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(2, 50))
def test_quantile_normal_is_scikit_learns(x, n_quantiles):
    scalers = pytest.importorskip("sklearn.preprocessing")
    x = x[:, has_numbers(x)]
    x = x[:, np.nanmin(x, axis=0) < np.nanmax(x, axis=0)] if x.size else x
    if not x.shape[1]:
        return
    new = np.vstack([x, x + 1 / 16, x * 0 - 1e12, x * 0 + 1e12])
    theirs = scalers.QuantileTransformer(
        n_quantiles=min(n_quantiles, len(x)), output_distribution="normal", subsample=None
    ).fit(x)
    ours = QuantileNormal.adapt(x, n_quantiles=n_quantiles)
    np.testing.assert_allclose(np.transpose(ours.quantiles), theirs.quantiles_, 1e-12, 1e-5)
    theirs.quantiles_ = np.transpose(ours.quantiles)  # where theirs are rounded ties are lost
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), 0, 1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("seed", [0, 7])
def test_noise_while_it_adapts_is_tabms(seed, dtype):
    """TabM's rows plus noise for scikit-learn's transformer, then the rows themselves."""
    scalers = pytest.importorskip("sklearn.preprocessing")
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.integers(0, 4, 600), np.maximum(rng.normal(0, 9, 600), 0)])
    x = x.astype(dtype)
    n_quantiles = max(min(len(x) // 30, 1000), 10)
    noise = np.random.default_rng(seed).normal(0, 1e-5, x.shape)
    theirs = scalers.QuantileTransformer(
        n_quantiles=n_quantiles, output_distribution="normal", subsample=10**9
    ).fit(x.astype(np.float64) + noise)
    before = x.copy()
    ours = QuantileNormal.adapt(x, n_quantiles=n_quantiles, noise=1e-5, seed=seed)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(np.transpose(ours.quantiles), theirs.quantiles_, 1e-13)
    new = np.vstack([x, x + 0.25]).astype(np.float64)
    np.testing.assert_allclose(ours.transform(new), theirs.transform(new), 0, 1e-8)


def test_noise_brings_what_many_rows_share_to_their_midst():
    x = np.maximum(np.random.default_rng(5).normal(size=(2000, 1)), 0)  # half of them 0
    plain = QuantileNormal.adapt(x)
    assert plain.transform([[0.0]]) < -5
    spread = [QuantileNormal.adapt(x, noise=1e-5, seed=seed) for seed in (0, 0, 1, None, None)]
    for each in spread:
        assert each.transform([[0.0]])[0, 0] == pytest.approx(NormalDist().inv_cdf(0.25), abs=0.2)
    assert spread[0] == spread[1] != spread[2] and spread[3] != spread[4]
    assert QuantileNormal.adapt(x, noise=0.0, seed=3) == plain
    x[3] = np.nan
    assert len(QuantileNormal.adapt(x, noise=1e-5).quantiles[0]) == 1000


def test_the_normal_distribution():
    p = np.concatenate([10.0 ** -np.arange(1, 8), np.linspace(0.001, 0.999, 500), [0.075, 0.925]])
    p = np.concatenate([p, 1 - p])
    wanted = [NormalDist().inv_cdf(each) for each in p]
    np.testing.assert_allclose(_normal_quantile(p), wanted, 1e-14, 1e-15)


def test_robust_scale_by_its_definition():
    x = np.array([[1, 5, 0, 0, np.nan], [2, 5, 0, 0, np.nan], [4, 5, 0, 0, np.nan]] * 2)
    x[:2, 3] = [3, -1]
    scale = RobustScale.adapt(x)
    assert scale.center == (2, 5, 0, 0, 0)
    np.testing.assert_allclose(scale.factor, (1 / 2.25, 0, 0, 2 / 4, 0))
    z = (x[:, 0] - 2) / 2.25
    found = scale.transform(x)
    np.testing.assert_allclose(found[:, 0], z / np.sqrt(1 + (z / 3) ** 2), 1e-15)
    assert not found[:, 1:3].any() and np.isnan(found[:, 4]).all()
    flat = scale.replace(clip=None).transform(x)
    np.testing.assert_allclose(flat[:, 0], z)
    assert scale.transform([[1e300, 9, 9, -1e300, 9]]).tolist() == [[3, 0, 0, -3, 0]]


@pytest.mark.parametrize("clip", [1e-300, 0.5, 3.0, 1e300])
def test_numbers_however_large_are_clipped(clip):
    scale = RobustScale([-1e299, 0.0], [1e300, 1e-300], clip=clip)
    x = np.array([[1.7e308, 1.7e308], [-1.7e308, -1.7e308], [-1e299, 0.0]])
    found = scale.transform(x)
    assert np.isfinite(found).all() and (abs(found) <= clip).all()
    assert found[2].tolist() == [0, 0] and (found[0] > 0).all() and (found[1] < 0).all()
    assert found[0, 0] == pytest.approx(clip, rel=1e-12)


def test_tails_do_not_descend():
    x = np.linspace(-1e6, 1e6, 2001)[:, np.newaxis]
    found = RobustScale([0.0], [1.0]).transform(x)
    assert (np.diff(found, axis=0) >= 0).all() and abs(found).max() <= 3


def test_quantile_normal_by_its_definition():
    x = np.arange(101.0)[:, np.newaxis]
    found = QuantileNormal.adapt(x).transform(x)[:, 0]
    wanted = [NormalDist().inv_cdf(k / 100) for k in range(1, 100)]
    np.testing.assert_allclose(found[1:-1], wanted, 1e-13, 1e-15)
    assert found[-1] == pytest.approx(5.19933758) == -found[0]
    # Equal numbers lie at the middle of theirs; at an end they are at the end.
    x = np.array([[0], [1], [1], [1], [2], [3], [3]])
    found = QuantileNormal.adapt(x).transform(x)[:, 0]
    inside = NormalDist().inv_cdf((1 + 3) / 2 / 6)
    assert found[1] == found[2] == found[3] == np.float32(inside) and found[5] == found[6] > 5
    for n in range(3, 60):  # at no number of rows a tie is lost
        x = np.array([[0], *[[1]] * n, [2]])
        assert abs(QuantileNormal.adapt(x).transform([[1.0]])) < 1e-14


def test_the_same_whatever_the_size_of_numbers():
    x = some(columns=1)
    found = QuantileNormal.adapt(x).transform(x)
    tiny = x * 2.0**-40
    np.testing.assert_array_equal(QuantileNormal.adapt(tiny).transform(tiny), found)


def test_columns_that_say_nothing_become_0():
    x = np.array([[7.0, np.nan], [7.0, np.nan], [np.nan, np.nan]])
    for kind in KINDS:
        fitted = kind.adapt(x)
        assert fitted.transform([[7.0, 7.0], [9.0, -9.0]]).tolist() == [[0, 0], [0, 0]]
        np.testing.assert_array_equal(np.isnan(fitted.transform(x)), np.isnan(x))
        assert fitted.transform([[1, 2]]).dtype == np.float32
        assert kind.adapt([[3.0]]).transform([[3.0]]) == 0  # of one row as well


@by_kind
def test_missing_numbers_are_left_out(kind):
    x = some()
    gaps = np.vstack([x, np.full((30, 4), np.nan)])[np.random.default_rng(0).permutation(90)]
    whole, holed = kind.adapt(x), kind.adapt(gaps)
    if kind is QuantileNormal:  # which has as many quantiles as there are rows
        holed = kind.adapt(gaps, n_quantiles=60)
    assert whole == holed
    found = holed.transform(gaps)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(gaps))


@by_kind
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i8", "u1", "?", "g"])
def test_dtypes(kind, dtype):
    x = np.arange(40).reshape(20, 2).astype(dtype)
    before = x.copy()
    found = kind.adapt(x).transform(x)
    wide = dtype in ("f8", ">f8", "g")
    assert found.dtype == (np.float64 if wide else np.float32)
    wanted = kind.adapt(x.astype(float)).transform(x.astype(float))
    np.testing.assert_allclose(found, wanted, 0, 1e-6)
    np.testing.assert_array_equal(x, before)


@by_kind
def test_blocks_and_strides_change_nothing(kind, monkeypatch):
    x = some(n=100, columns=6)
    fitted = kind.adapt(x)
    wanted = fitted.transform(x)
    assert kind.adapt(x[::-1]) == fitted
    np.testing.assert_array_equal(fitted.transform(np.asfortranarray(x)[::-1])[::-1], wanted)
    monkeypatch.setattr("cynn.preprocessing._columns.BLOCK", 20)
    np.testing.assert_array_equal(fitted.transform(x), wanted)
    assert fitted.transform(x[:0]).shape == (0, 6) and BLOCK > 20
    with pytest.raises(ValueError, match="got inf in row 31, column 2$"):
        bad = x.copy()
        bad[31, 2] = np.inf
        fitted.transform(bad)


@by_kind
def test_it_is_kept_as_json(kind):
    x = some()
    fitted = kind.adapt(x)
    read = spec.from_dict(json.loads(json.dumps(fitted.to_dict())), KINDS)
    assert read == fitted and hash(read) == hash(fitted) and repr(read) == repr(fitted)
    np.testing.assert_array_equal(read.transform(x), fitted.transform(x))


@by_kind
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[1.0, 2.0], [1.0, np.inf]], ValueError, "x must hold finite .*got inf in row 1, "),
        ([[-np.inf], [1.0]], ValueError, "x must hold finite .*got -inf in row 0, column 0"),
        ([[1e308], [-1e308]], ValueError, "x must hold numbers at most 1e.300 apart .*in column 0"),
        ([1.0, 2.0], ValueError, r"x must hold rows of numbers, got shape \(2,\)"),
        (np.zeros((0, 3)), ValueError, r"x must hold rows of numbers, got shape \(0, 3\)"),
        (np.zeros((3, 0)), ValueError, r"x must hold rows of numbers, got shape \(3, 0\)"),
        ([["a"]], TypeError, "x must hold numbers, got strings"),
    ],
)
def test_rows_that_are_refused(kind, x, error, message):
    with pytest.raises(error, match=f"^{message}"):
        kind.adapt(x)


@by_kind
def test_rows_of_other_columns_are_refused(kind):
    fitted = kind.adapt(some())
    assert fitted.n_columns == 4
    with pytest.raises(ValueError, match="^x must have 4 columns, got 3$"):
        fitted.transform(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="^x must hold finite .*got inf in row 0, column 1"):
        fitted.transform([[0, np.inf, 0, 0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RobustScale([], []), "center must hold at least one number"),
        (lambda: RobustScale([0.0], [1.0, 2.0]), "factor must hold 1 numbers like center, got 2"),
        (lambda: RobustScale([0.0], [-1.0]), r"factor\[0\] must be a finite number of at least 0"),
        (lambda: RobustScale([math.nan], [1.0]), r"center\[0\] must be a finite number"),
        (lambda: RobustScale([0.0], [1.0], 0), "clip must be a finite number above 0, or None"),
        (lambda: RobustScale.adapt([[1.0]], clip="3"), "clip must be a finite number above 0"),
        (lambda: QuantileNormal([]), "quantiles must be a list with those of each column"),
        (lambda: QuantileNormal("ab"), "quantiles must be a list with those of each column"),
        (lambda: QuantileNormal([[0, 1], [0]]), r"quantiles\[1\] must hold 2 numbers .* got 1"),
        (lambda: QuantileNormal([[0, 2, 1]]), r"quantiles\[0\] must ascend"),
        (lambda: QuantileNormal([[0, math.inf]]), r"quantiles\[0\]\[1\] must be a finite number"),
        (lambda: QuantileNormal.adapt([[1.0]], n_quantiles=1), "n_quantiles must be"),
        (lambda: QuantileNormal.adapt([[1.0]], noise=-1), "noise must be a finite number of at le"),
        (lambda: QuantileNormal.adapt([[1.0]], seed=-1), "seed must be a non-negative integer"),
    ],
)
def test_settings_that_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        make()
