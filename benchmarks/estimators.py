"""`cynn.estimators` against scikit-learn's: the same arguments, data, threads and random state.

An epoch is the time of a fit of some epochs over their number; both reach the same score, or the
figure does not count.
"""

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cynn import _backend

from . import data, report

SCORES_APART = 0.02
"""How far the two scores may be apart: float32 in another order is not the same path."""

PAUSE = 0.3
"""Seconds before each is timed: BLAS's threads spin on after a fit, and would take a core."""

Data = tuple[Any, Any, Any, Any]
"""Rows to fit and their targets, rows to score and theirs."""


class Case(NamedTuple):
    """One workload for both.

    Attributes
    ----------
    name : str
        Shown in the table.
    floor : float
        The least ratio of scikit-learn's time to ours.
    estimator : str
        ``MLPClassifier`` or ``MLPRegressor``.
    data : callable
        Returns the rows.
    epochs : int
        Of one fit; 0: predictions of one row are timed.
    """

    name: str
    floor: float
    estimator: str
    data: Callable[[], Data]
    epochs: int


def mnist(dtype: str) -> Data:
    """Return MNIST, or its substitute, as numbers from 0 to 1."""
    _, (x, y), (x_test, y_test) = data.load()
    rows = [data.as_real(raw.reshape(len(raw), -1), dtype) for raw in (x, x_test)]
    return rows[0], y, rows[1], y_test


def digits() -> Data:
    """Return scikit-learn's digits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:1500] / 16, y[:1500], x[1500:] / 16, y[1500:]


def regression() -> Data:
    """Return 100,000 rows of 20 numbers, and a smooth function of them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(110_000, 20))
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=len(x))
    return x[:100_000], y[:100_000], x[100_000:], y[100_000:]


def text() -> Data:
    """Return 20,000 sparse rows of 10,000 columns, 1 % filled, of ten overlapping classes."""
    import scipy.sparse

    rng = np.random.default_rng(0)
    rows, columns, words = 22_000, 10_000, 100
    kinds = rng.integers(0, 10, rows)
    # Half the non-zeros of a row are in its class's own thousand columns, half in any.
    own = kinds[:, None] * 1000 + rng.integers(0, 1000, (rows, words // 2))
    shared = rng.integers(0, columns, (rows, words // 2))
    places = np.concatenate([own, shared], axis=1)
    starts = np.arange(0, places.size + 1, words)
    x = scipy.sparse.csr_array(
        (rng.uniform(0.05, 0.2, places.size), places.ravel(), starts), shape=(rows, columns)
    )
    x.sum_duplicates()
    return x[:20_000], kinds[:20_000], x[20_000:], kinds[20_000:]


CASES = (
    Case("MNIST float32", 5.0, "MLPClassifier", lambda: mnist("float32"), 2),
    Case("MNIST float64", 3.5, "MLPClassifier", lambda: mnist("float64"), 2),
    Case("digits", 7.0, "MLPClassifier", digits, 40),
    Case("regression 100,000 x 20", 12.0, "MLPRegressor", regression, 4),
    Case("sparse 20,000 x 10,000", 8.0, "MLPClassifier", text, 2),
    Case("predict one row", 25.0, "MLPClassifier", lambda: mnist("float64"), 0),
)


class Found(NamedTuple):
    """The result of a case: the least seconds and the score of each."""

    theirs: float
    ours: float
    their_score: float
    our_score: float

    @property
    def ratio(self) -> float:
        """Return the ratio of scikit-learn's time to ours."""
        return self.theirs / self.ours


def measure(case: Case, rounds: int, threads: int, clock: Callable[[], float]) -> Found:
    """Time both alternately; the least of the rounds counts."""
    import threadpoolctl
    from sklearn import neural_network

    from cynn import estimators

    x, y, x_test, y_test = case.data()
    best, scores = [np.inf, np.inf], [np.nan, np.nan]
    arguments = {"max_iter": max(1, case.epochs), "random_state": 0, "tol": 0.0}
    pair = [
        getattr(neural_network, case.estimator)(**arguments),
        getattr(estimators, case.estimator)(**arguments, n_jobs=threads),
    ]
    row = x[:1]
    with threadpoolctl.threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few epochs are not meant to converge
        if not case.epochs:
            for estimator in pair:
                estimator.fit(x[:2000], y[:2000])
        for _ in range(rounds):
            for i, estimator in enumerate(pair):
                count = case.epochs or 200
                time.sleep(PAUSE)
                start = clock()
                if case.epochs:
                    estimator.fit(x, y)
                else:
                    for _ in range(count):
                        estimator.predict(row)
                best[i] = min(best[i], (clock() - start) / count)
        scores = [estimator.score(x_test, y_test) for estimator in pair]
    return Found(*best, *scores)


def main(rounds: int, threads: int, clock: Callable[[], float] = time.perf_counter) -> int:
    """Measure, and print a table; return 1 where a floor is not reached, or scores differ."""
    try:
        import sklearn
        import threadpoolctl  # noqa: F401
    except ImportError as error:
        raise RuntimeError(
            "--sklearn needs scikit-learn: pip install 'cynn-learn[sklearn]'"
        ) from error
    print(f"{report.processor()}, target {_backend.target()}, threads: {threads}")
    lines, missed = [], []
    for case in CASES:
        result = measure(case, rounds, threads, clock)
        apart = abs(result.their_score - result.our_score) > SCORES_APART
        if result.ratio < case.floor or apart:
            missed.append(case.name)
        lines.append(
            (
                case.name,
                *(f"{1e3 * seconds:.3g} ms" for seconds in (result.theirs, result.ours)),
                f"{result.ratio:.1f} x",
                f"at least {case.floor:g} x",
                f"{result.their_score:.3f} {result.our_score:.3f}",
                "APART" if apart else "MISSED" if result.ratio < case.floor else "",
            )
        )
    head = (
        f"scikit-learn {sklearn.__version__} and",
        "an epoch",
        "ours",
        "",
        "floor",
        "scores",
        "",
    )
    print(report.table(head, lines))
    if missed:
        print(f"not as they have to be: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0
