"""Models take SciPy's sparse matrices, and skip zeros of dense rows on request."""

import numpy as np
import pytest

from cynn import Model
from cynn._data.sparse import mostly_zeros
from cynn.layers import BatchNorm, Dense, Flatten, Normalize, Rescale
from cynn.optimizers import SGD

sparse = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(0)
X = (RNG.integers(1, 256, (300, 60)) * (RNG.random((300, 60)) < 0.15)).astype(np.uint8)
Y = RNG.integers(0, 4, 300)


def trained(x, dtype="float64", layers=None, **options):
    model = Model(
        layers or [Rescale(1 / 255), Dense(30, "relu"), Dense(4, "softmax")], dtype=dtype, seed=1
    )
    model.compile(SGD(0.2, momentum=0.9), metrics=["accuracy"])
    model.fit(x, Y, batch_size=32, epochs=3, verbose=0, **options)
    return model


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "csc_array", "coo_matrix"])
def test_sparse_rows_train_as_dense_ones_do(kind):
    dense = trained(X)
    matrix = getattr(sparse, kind)(X)
    model = trained(matrix)
    np.testing.assert_allclose(model.predict(matrix), dense.predict(X), atol=1e-10)
    assert model.evaluate(matrix, Y)["loss"] == pytest.approx(dense.evaluate(X, Y)["loss"])
    assert model.history.history["accuracy"] == dense.history.history["accuracy"]


def test_zeros_are_skipped_on_request():
    dense, auto = trained(X), trained(X, sparse="auto")
    for got, want in zip(auto.get_weights(), dense.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)  # the sums run in the same order
    assert not auto._network.seek_zeros  # during the fit only


def test_a_skipped_zero_does_not_meet_its_weight():
    model = trained(X)
    x = X.copy()
    x[:, 7] = 0
    weights = model.get_weights()
    weights[0][7] = np.inf
    for options, skipped in (({"sparse": "auto"}, True), ({}, False)):
        model.set_weights(weights)
        message = "weights must be finite, got NaN" if skipped else "loss must be finite, got nan"
        with pytest.raises(FloatingPointError, match=message):  # of the weight itself, at the end
            model.fit(x, Y, epochs=1, verbose=0, **options)


def test_columns_in_any_order():
    matrix = sparse.csr_array(X)
    for i in range(len(X)):
        row = slice(matrix.indptr[i], matrix.indptr[i + 1])
        matrix.indices[row] = matrix.indices[row][::-1].copy()
        matrix.data[row] = matrix.data[row][::-1].copy()
    matrix.has_sorted_indices = False
    before = matrix.indices.copy()
    for got, want in zip(trained(matrix).get_weights(), trained(X).get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert (matrix.indices == before).all()


def test_duplicate_entries_are_summed():
    halves = sparse.csr_array(X / 2)
    twice = sparse.csr_array(
        (np.repeat(halves.data, 2), np.repeat(halves.indices, 2), 2 * halves.indptr), halves.shape
    )
    stored = len(twice.data)
    for got, want in zip(trained(twice).get_weights(), trained(X).get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    assert len(twice.data) == stored  # the caller's matrix is unchanged


def test_where_zeros_cannot_be_skipped_the_rows_stay_dense():
    shifted = [Rescale(1 / 255, -0.5), Dense(4, "softmax")]
    assert (
        trained(X, layers=shifted, sparse="auto").predict(X).tobytes()
        == trained(X, layers=shifted).predict(X).tobytes()
    )


def test_validation_and_large_batches_of_sparse_rows():
    matrix = sparse.csr_array(X)
    model = trained(matrix, validation_split=0.2)
    assert len(model.history.history["val_loss"]) == 3
    model = trained(matrix, validation_data=(matrix[:50], Y[:50]))
    assert len(model.history.history["val_accuracy"]) == 3
    x = sparse.vstack([matrix] * 4).tocsr()
    large = Model([Dense(4, "softmax")], seed=0, dtype="float64")
    large.compile(SGD(0.001))
    large.fit(x, np.tile(Y, 4), batch_size=1200, verbose=0)
    assert np.isfinite(large.get_weights()[0]).all()


def test_empty_rows_and_columns():
    empty = sparse.csr_array((300, 60))
    model = trained(empty)
    assert np.ptp(model.predict(empty), axis=0).max() == 0


def test_refusals():
    model = trained(X)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 60\)"):
        model.predict(sparse.csr_array(X[:, :50]))
    with pytest.raises(TypeError, match="x must hold numbers"):
        model.predict(sparse.csr_array(X.astype(complex)))
    bad = sparse.csr_array(X.astype(float))
    bad.data[5] = np.nan
    with pytest.raises(ValueError, match="finite"):
        trained(bad)
    with pytest.raises(ValueError, match="sparse must be one of 'auto'"):
        trained(X, sparse="yes")
    for first in (Rescale(1, 0.5), Normalize.adapt(X), BatchNorm()):
        model = Model([first, Dense(4, "softmax")], seed=0)
        model.compile()
        message = r"x must be dense unless the first layer is Dense, .*: pass x.toarray\(\)"
        with pytest.raises(ValueError, match=message):
            model.fit(sparse.csr_array(X), Y, verbose=0)
        assert model.input_shape is None  # an error leaves the model as it was
        model.build(X.shape[1:])
        with pytest.raises(ValueError, match=message):
            model.predict(sparse.csr_array(X))
    with pytest.raises(TypeError, match=r"x must hold numbers, got csr_array: pass x.toarray\(\)"):
        Normalize.adapt(sparse.csr_array(X))
    flat = trained(sparse.csr_array(X), layers=[Flatten(), Dense(4, "softmax")])
    assert flat.predict(sparse.csr_array(X)).shape == (300, 4)


def test_density_is_measured():
    assert mostly_zeros(np.eye(50))
    assert not mostly_zeros(np.ones((50, 50)))


def unchecked(**parts):
    """A matrix that believes what it is told: SciPy looks at none of it."""
    matrix = sparse.csr_matrix((3, 3))
    matrix.data, matrix.indices = np.ones(3), np.arange(3)
    matrix.indptr = np.arange(4)
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    for name, value in parts.items():
        setattr(matrix, name, np.array(value))
    return matrix


def coordinates(row, column):
    matrix = sparse.coo_matrix((3, 3))
    matrix.data = np.ones(1)
    matrix.coords = (np.array([row]), np.array([column]))
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (unchecked(indices=[0, 1, 2**32 + 1]), "x must have indices from 0 to 2, got 4294967297"),
        (unchecked(indices=[0, 1, -1]), "x must have indices from 0 to 2, got -1"),
        (unchecked(indices=[0, 1, 2**40]).T, "x must have indices from 0 to 2, got 1099511627776"),
        (unchecked(indices=[0, 1]), r"x must have 3 whole numbers as its indices, got int64 of sh"),
        (unchecked(indices=[0.0, 1, 2]), "x must have 3 whole numbers as its indices, got float64"),
        (unchecked(indptr=[0, 2**40, 2**40, 3]), "x must have an indptr of 4 numbers that ascend"),
        (unchecked(indptr=[0, 2, 1, 3]), "x must have an indptr of 4 numbers that ascend"),
        (unchecked(indptr=[0, 1, 2, 4]), "x must have an indptr of 4 numbers that ascend"),
        (unchecked(indptr=[0, 1, 3]), "x must have an indptr of 4 numbers that ascend"),
        (coordinates(0, 2**33), r"x must have coords\[1\] from 0 to 2, got 8589934592"),
        (coordinates(-1, 0), r"x must have coords\[0\] from 0 to 2, got -1"),
    ],
)
def test_numbers_outside_of_a_matrix_are_refused(matrix, message):
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile()
    model.build(3)
    for use in (lambda: model.predict(matrix), lambda: model.fit(matrix, [0, 1, 0], verbose=0)):
        with pytest.raises(ValueError, match=message):
            use()


def test_blocks_are_read():
    rows = np.kron(np.eye(3), [[1.0, 2.0]])
    model = Model([Dense(2, "softmax")], seed=0)
    model.build(6)
    blocks = sparse.bsr_matrix(rows, blocksize=(1, 2))
    np.testing.assert_array_equal(model.predict(blocks), model.predict(rows))
