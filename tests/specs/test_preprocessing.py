"""Preprocessing: flatten, rescale, one-hot rows, and the split."""

import numpy as np
import pytest

from cynn._specs.digits import middle_of_rescaling
from cynn.preprocessing import flatten, one_hot, rescale, train_validation_split


def test_flatten():
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert flatten(x).tolist() == [list(range(12)), list(range(12, 24))]
    assert np.shares_memory(flatten(x), x) and flatten(x).dtype == np.uint8
    assert flatten(x.transpose(0, 2, 1))[0, :3].tolist() == [0, 4, 8]
    assert flatten(np.zeros((0, 28, 28))).shape == (0, 784)
    assert flatten([1, 2, 3]).shape == (3, 1)
    with pytest.raises(ValueError, match="x must have a row for each sample"):
        flatten(3)
    with pytest.raises(ValueError, match="x must be a regular array"):
        flatten([[1, 2], [3]])


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [("u1", "f4"), ("i8", "f4"), ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f8", "f8")],
)
def test_rescale(dtype, wanted):
    x = np.array([[0, 51], [102, 255]], dtype)
    before = x.copy()
    found = rescale(x, 1 / 51, -1)
    assert found.dtype == wanted and found.dtype.isnative
    np.testing.assert_allclose(found, [[-1, 0], [1, 4]], atol=1e-6)
    np.testing.assert_array_equal(x, before)
    assert rescale(x).max() == 1
    with pytest.raises(ValueError, match="scale must be a finite number, got nan"):
        rescale(x, np.nan)


def test_one_hot():
    np.testing.assert_array_equal(one_hot([2, 0, 1]), np.eye(3)[[2, 0, 1]])
    found = one_hot(np.array([[1], [3]], np.uint8), 5, np.float64)
    np.testing.assert_array_equal(found, np.eye(5)[[1, 3]])
    assert found.dtype == np.float64 and one_hot([0]).dtype == np.float32
    assert one_hot([], 3).shape == (0, 3) and one_hot([]).shape == (0, 0)
    assert one_hot([True, False]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 3], 3), "y must hold whole numbers from 0 to 2, got 3 in row 1"),
        (([-1],), "y must hold whole numbers from 0 to .*, got -1 in row 0"),
        (([0.5],), "y must hold whole numbers"),
        (([10**9],), "y must hold labels below .* unless n_classes is given"),
        (([2**33], 2**40), "y must hold whole numbers"),
        (([0], 0), "n_classes must be a positive integer, got 0"),
        (([[0, 1]],), r"y must be labels of shape \(n,\) or \(n, 1\), got shape \(1, 2\)"),
    ],
)
def test_one_hot_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        one_hot(*arguments)


@pytest.mark.parametrize("stratify", [None, np.arange(10) % 2])
def test_all_arrays_are_split_alike(stratify):
    x, y = np.arange(20).reshape(10, 2), [str(i) for i in range(10)]
    x_train, x_val, y_train, y_val = train_validation_split(
        x, y, fraction=0.3, seed=1, stratify=stratify
    )
    assert len(x_val) == 3 and len(x_train) == 7
    assert sorted([*x_train[:, 0], *x_val[:, 0]]) == list(range(0, 20, 2))
    assert y_train.tolist() == [str(row // 2) for row in x_train[:, 0]]
    assert y_val.tolist() == [str(row // 2) for row in x_val[:, 0]]
    assert not np.shares_memory(x_train, x)
    assert np.any(np.diff(x_train[:, 0]) < 0)  # shuffled


def test_the_seed_decides_the_split():
    x = np.arange(100)
    first, again, other = (train_validation_split(x, seed=seed)[1] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    generator = train_validation_split(x, seed=np.random.default_rng(3))[1]
    np.testing.assert_array_equal(first, generator)
    assert not np.array_equal(train_validation_split(x)[1], train_validation_split(x)[1])


@pytest.mark.parametrize("stratified", [False, True])
def test_each_row_is_as_likely_as_another(stratified):
    x = np.arange(12)
    classes = x % 3 if stratified else None
    counts = np.zeros(12)
    for seed in range(600):
        counts[train_validation_split(x, fraction=0.25, seed=seed, stratify=classes)[1]] += 1
    assert counts.sum() == 1800 and counts.min() > 110 and counts.max() < 190  # 150 each, ± 3.8 sd


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.37, 0.5])
@pytest.mark.parametrize("names", [False, True])
def test_stratified_split(fraction, names):
    rng = np.random.default_rng(0)
    y = rng.choice(5, 500, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    y = np.array([f"class {label}" for label in y]) if names else y
    train, validation = train_validation_split(y, fraction=fraction, seed=0, stratify=y)
    assert len(validation) == round(fraction * 500) and len(train) + len(validation) == 500
    for label in np.unique(y):
        share = (validation == label).sum() - fraction * (y == label).sum()
        assert abs(share) <= 1


@pytest.mark.parametrize(
    ("arrays", "options", "error", "message"),
    [
        ((), {}, TypeError, "must be one at least"),
        (([1, 2], [1]), {}, ValueError, "array 1 must have 2 rows, as array 0, got 1"),
        (([1, 2],), {"stratify": [1]}, ValueError, "stratify must have 2 rows, as array 0, got 1"),
        (([1] * 9,), {"stratify": [[1]] * 9}, ValueError, r"stratify must have shape \(9,\)"),
        (([1, 2], None), {}, TypeError, "array 1 must have a row for each sample, got None"),
        (([1, 2],), {"fraction": 0.1}, ValueError, "got 0.1 of 2 rows: 2 and 0"),
        (([1, 2],), {"fraction": 0.9}, ValueError, "got 0.9 of 2 rows: 0 and 2"),
        (([],), {}, ValueError, "got 0.2 of 0 rows: 0 and 0"),
        (([1, 2],), {"fraction": 1}, ValueError, "fraction must be more than 0 and less than 1"),
        (([1, 2],), {"fraction": np.nan}, ValueError, "fraction must be"),
        (([1, 2],), {"fraction": "half"}, TypeError, "fraction must be"),
        (([1] * 9,), {"seed": -1}, ValueError, "seed must be a non-negative integer, got -1"),
        (([1] * 9,), {"seed": 1.5}, TypeError, "seed must be a non-negative integer, got 1.5"),
    ],
)
def test_split_refuses(arrays, options, error, message):
    with pytest.raises(error, match=message):
        train_validation_split(*arrays, **options)


@pytest.mark.parametrize(
    ("scale", "offset", "middle"),
    [
        (0.0, 1e9, 0.0),
        (1 / 127.5, -1.0, 0.0),
        (0.5, -1e9, 2e9),
        (1.0, 256.0, 0.0),
        (1.0, 257.0, -257.0),
        (1.0, -257.0, 257.0),
        (2.0**-8, 256.0, 0.0),
        (2.0**-9, 129.0, -66048.0),
        (2.0**-9, -129.0, 66048.0),
        (5e-324, 1e9, 0.0),  # none that a float holds
    ],
)
def test_the_number_that_rescaling_brings_to_0(scale, offset, middle):
    assert middle_of_rescaling(scale, offset) == middle
