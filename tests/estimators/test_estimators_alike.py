"""Random arguments and data: scikit-learn's estimators and ours behave alike."""

import contextlib
import io
import pickle
import re
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

import scipy.sparse  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from sklearn import neural_network as theirs  # noqa: E402
from sklearn.base import clone  # noqa: E402

from cynn import estimators as ours  # noqa: E402

ATTRIBUTES = (
    "coefs_ intercepts_ loss_ best_loss_ loss_curve_ validation_scores_ best_validation_score_ t_ "
    "n_iter_ n_layers_ n_outputs_ n_features_in_ out_activation_ classes_"
).split()

ARGUMENTS = {
    "hidden_layer_sizes": [(5,), (4, 3), (), 7, np.array([3, 2]), [np.int32(6)]],
    "activation": ["identity", "logistic", "tanh", "relu"],
    "solver": ["sgd", "adam", "lbfgs"],
    "alpha": [0, 1e-4, 0.1],
    "batch_size": ["auto", 7, np.int64(16), 1000],
    "learning_rate": ["constant", "invscaling", "adaptive"],
    "learning_rate_init": [0.001, 0.05],
    "max_iter": [1, 2, 5],
    "shuffle": [True, False],
    "tol": [1e-4, 0, 0.1, 10],
    "verbose": [False, True, 2],
    "warm_start": [False, True],
    "momentum": [0.9, 0, 1],
    "nesterovs_momentum": [True, False],
    "early_stopping": [False, True],
    "validation_fraction": [0.1, 0.0, 0.5, 0.95],
    "n_iter_no_change": [10, 1, np.inf],
    "max_fun": [15000, 3],
}
ROWS = {
    "float64": np.asarray,
    "float16": lambda x: x.astype(np.float16).astype(float),
    "integers": lambda x: (3 * x).astype(int),
    "booleans": lambda x: x > 0,
    "objects": lambda x: x.astype(object),
    "lists": np.ndarray.tolist,
    "columns": np.asfortranarray,
    "turned": lambda x: x[::-1, ::-1],
    "swapped": lambda x: x.astype(">f8"),
    "csr": lambda x: scipy.sparse.csr_matrix(np.where(x > 0, x, 0)),
    "csc": lambda x: scipy.sparse.csc_array(np.where(x > 0, x, 0)),
    "coo": lambda x: scipy.sparse.coo_array((3 * x).astype(int)),
    "flat": lambda x: x[:, 0],
    "nan": lambda x: np.where(x > 1.5, np.nan, x),
}
CLASSES = {
    "three": lambda k: k,
    "two": lambda k: k > 0,
    "words": lambda k: np.array(["b", "a", "cc"])[k],
    "one": lambda k: k * 0,
    "floats": lambda k: k / 1.0,
    "column": lambda k: k[:, None],
    "labels": lambda k: np.eye(3, dtype=int)[k],
    "sparse labels": lambda k: scipy.sparse.csr_matrix(np.eye(3, dtype=int)[k]),
    "too few": lambda k: k[1:],
    "numbers": lambda k: k + 0.5,
}
NUMBERS = {
    "number": lambda k: k / 2,
    "integers": lambda k: k,
    "numbers": lambda k: np.eye(3)[k],
    "column": lambda k: k[:, None],
    "single": lambda k: k.astype(np.float32),
    "nan": lambda k: np.where(k == 2, np.nan, k),
    "too many": lambda k: np.append(k, 0),
}
WEIGHTS = {
    "none": lambda _: None,
    "some": lambda u: u,
    "with zeros": lambda u: np.where(u > 0.7, u, 0),
    "integers": lambda u: (4 * u + 1).astype(int),
    "zeros": lambda u: 0 * u,
    "too few": lambda u: u[1:],
}


def told(estimator, name, *given):
    """Call a method if it exists; return its result or error, its warnings and its output."""
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        try:
            method = getattr(estimator, name, None)
            result, error = method and method(*given), None
        except Exception as e:  # both have to raise the same
            # the same, but that ours say which argument it is
            result, error = None, (type(e), str(e).removeprefix("validation_fraction: "))
    kinds = [(w.category, str(w.message)) for w in caught if w.category is not RuntimeWarning]
    return result, error, kinds, out.getvalue()


def assert_alike(want, got, what):
    if isinstance(want, list):
        assert len(want) == len(got), what
        for pair in zip(want, got, strict=True):
            assert_alike(*pair, what)
    elif scipy.sparse.issparse(want):
        assert_alike(want.toarray(), got.toarray(), what)
    elif isinstance(want, np.ndarray | float):
        assert type(got) is type(want), what
        assert np.asarray(got).dtype == np.asarray(want).dtype, what
        if np.asarray(want).dtype.kind == "f":
            assert np.allclose(got, want, rtol=1e-6, atol=1e-7, equal_nan=True), what
        else:
            assert np.array_equal(got, want), what
    else:
        assert type(got) is type(want) and got == want, what


def assert_told_alike(want, got, what):
    assert got[1:3] == want[1:3], what
    assert re.sub(r"\d\.\d+", "#", got[3]) == re.sub(r"\d\.\d+", "#", want[3]), what
    if isinstance(want[0], np.ndarray):
        assert_alike(want[0], got[0], what)


@st.composite
def cases(draw):
    """Draw an estimator and the calls to make of it."""
    classifies = draw(st.booleans())
    few = draw(st.lists(st.sampled_from(sorted(ARGUMENTS)), min_size=3, max_size=14, unique=True))
    always = ["solver", "max_iter", "hidden_layer_sizes"]
    arguments = {k: draw(st.sampled_from(ARGUMENTS[k])) for k in dict.fromkeys(always + few)}
    rows = draw(st.sampled_from([40, 90, 230, 3]))
    steps = draw(st.lists(st.sampled_from(["fit", "partial_fit", "copy", "clone"]), max_size=2))
    sets = []
    for _ in range(2):
        rng = np.random.default_rng(draw(st.integers(0, 999)))
        x, k, u = rng.normal(size=(rows, 4)).round(3), rng.integers(0, 3, rows), rng.random(rows)
        of = CLASSES if classifies else NUMBERS
        sets.append([
            kinds[draw(st.sampled_from([*kinds, *[next(iter(kinds))] * len(kinds)]))](values)
            for kinds, values in ((ROWS, x), (of, k), (WEIGHTS, u))
        ])  # fmt: skip
    return "MLPClassifier" if classifies else "MLPRegressor", arguments, ["fit", *steps], sets


@settings(derandomize=True, max_examples=200, deadline=None)
@given(cases())
def test_any_sequence_of_calls(case):
    name, arguments, steps, sets = case
    random = [np.random.RandomState(5) for _ in range(2)]
    pair = [
        getattr(module, name)(**arguments, random_state=state)
        for module, state in zip((theirs, ours), random, strict=True)
    ]
    for number, step in enumerate(steps):
        x, y, weight = sets[number % 2]
        if step in ("copy", "clone"):
            pair = [pickle.loads(pickle.dumps(e)) if step == "copy" else clone(e) for e in pair]
            continue
        found = [told(e, step, x, y, weight) for e in pair]
        if found[0][1] != found[1][1] and found[1][1] and "previous fit" in found[1][1][1]:
            return  # another number of outputs: docs/scikit-learn.md
        assert_told_alike(*found, step)
        for attribute in ATTRIBUTES:
            assert_alike(*[getattr(e, attribute, "absent") for e in pair], attribute)
        assert_alike(*[e.random_state.get_state()[2] for e in pair], "the generator")
        if found[0][1]:
            return  # scikit-learn's state may be inconsistent
        for use, data in (("predict", [x]), ("predict_proba", [x]), ("score", [x, y])):
            assert_told_alike(*[told(e, use, *data) for e in pair], use)
