"""RealMLP of several quantiles: as many targets lie between them as they say."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.exceptions import NotFittedError

from cynn.estimators import RealMLPRegressor

SHORT = {"n_epochs": 8, "random_state": 0, "hidden_layer_sizes": (32, 32)}


def spread(n, seed):
    """Rows whose targets lie the wider apart, the larger the first column is."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (n, 2))
    return X, 3 * X[:, 1] + (0.2 + X[:, 0]) * rng.normal(size=n)


@pytest.fixture(scope="module")
def between():
    X, y = spread(2000, 0)
    return RealMLPRegressor(
        loss="quantile", n_epochs=48, n_members=2, hidden_layer_sizes=(64, 64), random_state=0
    ).fit(X, y)


def test_as_many_targets_lie_between_quantiles_as_they_say(between):
    X, y = spread(4000, 1)
    low, middle, high = between.predict_quantiles(X).T
    assert abs(((low <= y) & (y <= high)).mean() - 0.9) < 0.03
    for q, said in ((0.05, low), (0.5, middle), (0.95, high)):
        assert abs((y <= said).mean() - q) < 0.04
    wide = (high - low)[X[:, 0] > 0.9].mean() / (high - low)[X[:, 0] < 0.1].mean()
    assert 2.5 < wide < 7  # in truth about 1.15 / 0.25
    interval = between.predict_interval(X, coverage=0.9)
    np.testing.assert_array_equal(interval, np.transpose([low, high]))
    np.testing.assert_array_equal(between.predict(X), middle)
    assert between.score(X, y) > 0.4


def test_quantiles_do_not_cross_and_stay_in_the_range():
    X, y = spread(60, 0)
    q = (0.1, 0.45, 0.5, 0.55, 0.9)
    reg = RealMLPRegressor(loss="quantile", quantiles=q, **SHORT).fit(X, y)
    far = np.vstack([X, 100 * np.random.default_rng(0).normal(size=(500, 2))])
    said = reg.predict_quantiles(far)
    assert said.shape == (560, 5) and said.dtype == np.float64
    assert (np.diff(said, axis=1) >= 0).all()
    assert y.min() <= said.min() and said.max() <= y.max()
    np.testing.assert_array_equal(reg.predict(far), said[:, 2])
    assert (np.diff(reg._outputs(far), axis=1) < 0).any()  # they would have


def test_quantiles_are_the_means_of_the_members(between):
    X, _ = spread(50, 2)
    rows = between._encoder.encode({f"x{i}": column for i, column in enumerate(X.T)})
    each = [member.predict(rows).astype(float) for member in between.ensemble_.members]
    wanted = between._encoder.target.decode(np.mean(each, axis=0))
    np.testing.assert_allclose(between.predict_quantiles(X), wanted, rtol=1e-5)


def test_a_file_brings_quantiles_back(between, tmp_path):
    X, _ = spread(50, 2)
    between.save(tmp_path / "r.safetensors")
    loaded = RealMLPRegressor.load(tmp_path / "r.safetensors")
    assert loaded.get_params() == between.get_params()
    assert loaded.quantiles == (0.05, 0.5, 0.95)
    for method in ("predict", "predict_quantiles", "predict_interval"):
        np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(between, method)(X))


def test_skewed_quantiles_may_be_learned_by_their_logarithm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = np.exp(2 * X[:, 0] + X[:, 1])
    reg = RealMLPRegressor(loss="quantile", random_state=0, n_epochs=64).fit(X, y)
    assert reg.target_scale_ == "log"
    assert (reg.predict_quantiles(X) > 0).all()


def test_the_best_epoch_of_quantiles_is_that_of_their_loss():
    X, y = spread(200, 0)
    reg = RealMLPRegressor(loss="quantile", **SHORT).fit(X, y)
    curve = reg.histories_[0]["val_loss"]
    assert reg.best_epochs_[0] == max(i for i, loss in enumerate(curve) if loss == min(curve))


def test_quantiles_that_are_not_there(between):
    X, y = spread(60, 0)
    mean = RealMLPRegressor(**SHORT).fit(X, y)
    for method in ("predict_quantiles", "predict_interval"):
        with pytest.raises(ValueError, match=f"{method} must follow a fit with loss='quantile'"):
            getattr(mean, method)(X)
        with pytest.raises(NotFittedError):
            getattr(RealMLPRegressor(loss="quantile"), method)(X)
    with pytest.raises(ValueError, match=r"both ends, 0.1 and 0.9, among the quantiles \(0.05, "):
        between.predict_interval(X, coverage=0.8)
    with pytest.raises(ValueError, match="coverage must be a number between 0 and 1, got 90"):
        between.predict_interval(X, coverage=90)
    for quantiles in ((0.9, 0.1), (0.5, 1.5), ()):
        with pytest.raises(ValueError, match="quantiles"):
            RealMLPRegressor(loss="quantile", quantiles=quantiles, **SHORT).fit(X, y)
    with pytest.raises(ValueError, match="metric must be None for loss='quantile'"):
        RealMLPRegressor(loss="quantile", metric="mae", **SHORT).fit(X, y)
