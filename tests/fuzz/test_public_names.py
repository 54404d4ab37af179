"""Public functions, classes and methods with arguments that make no sense.

Each gives a result, or an error of ours with a text; nothing else of the process is touched.
"""

import contextlib
import importlib
import inspect
import io
import os
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cynn import Model
from cynn.ensemble import Ensemble
from cynn.layers import Dense

MODULES = (
    "activations", "augmentation", "callbacks", "convert", "datasets", "distributed", "draw",
    "ensemble", "estimators", "initializers", "layers", "losses", "metrics", "optimizers", "plots",
    "preprocessing", "schedules", "tables",
)  # fmt: skip

LEFT_OUT = {
    "distributed.job": "waits for other ranks",
    "distributed.world": "starts MPI",
    "distributed.Saved": "made by load_npy",
    "distributed.Group": "made by load_parquet",
    "datasets.load_mnist": "fetches files",
    "datasets.load_fashion_mnist": "fetches files",
    "datasets.make_digits": "draws as many as it is asked for",
}
METHODS = (
    "build", "compile", "fit", "train_on_batch", "evaluate", "predict", "predict_batches",
    "predict_rows", "input_gradient", "layer_outputs", "summary", "set_weights", "save", "load",
)  # fmt: skip

ERRORS = (TypeError, ValueError, RuntimeError, OSError, ImportError, FloatingPointError)

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
Y = np.arange(8) % 2


class Odd:
    """An object of a class that cynn does not know."""


ENSEMBLE_METHODS = ("predict", "save", "load", "summary")


def built(seed):
    """Return a model that has weights."""
    model = Model([Dense(4, "relu"), Dense(2, "softmax")], seed=seed)
    model.build(3)
    return model


def odd_values():
    """Return a strategy of what people and programs give by mistake."""
    numbers = [0, 1, -1, 2, 3, 0.5, -0.5, 1e-300, 1e300, 2**31, 2**63, 2**64, 10**30, 1j]
    numbers += [float("nan"), float("inf"), np.float16(1), np.int8(-1), np.bool_(1)]
    texts = ["", "relu", "adam", "val_loss", "mse", "x" * 500, "\0", "ä", "../x", b"bytes"]
    arrays = [X, X.T, X[0], X[:0], X * np.nan, Y, Y[:, None], Y - 5, np.array(3), np.zeros((0, 0))]
    arrays += [X.astype("O"), X.astype("U"), X.astype(complex), np.zeros(3, "M8[s]")]
    arrays += [Y.astype(str), np.zeros(3, [("a", int)]), np.zeros((2,) * 4), np.array([None] * 8)]
    arrays += [np.ma.masked_array(X, X > 0), X.astype(">f8"), X[::-1, ::-1]]
    objects = [None, True, False, (), [], {}, {1: 2}, {"a": 1}, [1, "a"], [[1], [1, 2]], {1, 2}]
    objects += [..., int, Odd, Odd(), len, lambda *a, **k: None, iter([1, 2]), range(3), slice(2)]
    objects += [re, Dense(2), Model([Dense(2, "softmax")]), Ensemble([built(0)])]
    return st.sampled_from([*numbers, *texts, *arrays, *objects])


def public():
    """Return the public callables by name, of the modules whose libraries are installed."""
    callables = {}
    for module_name in MODULES:
        try:
            module = importlib.import_module(f"cynn.{module_name}")
        except ImportError as error:
            assert "pip install" in str(error)  # it says what it needs
            continue
        for name in getattr(module, "__all__", None) or dir(module):
            value, full = getattr(module, name), f"{module_name}.{name}"
            ours = getattr(value, "__module__", "").startswith(module.__name__)
            if not name.startswith("_") and callable(value) and ours and full not in LEFT_OUT:
                callables[full] = value
    return callables


PUBLIC = public()


def names_of(function):
    """Return the names of a function's parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [each.name for each in parameters if each.kind not in several]


def call(function, keywords):
    """Call; anything but a result or an error of ours with a text is raised."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=RuntimeWarning)  # NumPy's, of what is not checked
        try:
            function(**keywords)
        except ERRORS as error:
            assert str(error).strip(), "the error has no text"
    for descriptor in range(3):
        os.fstat(descriptor)  # a number is no path: what is open stays open


def check(function, n_examples):
    arguments = st.fixed_dictionaries(
        {}, optional={name: odd_values() for name in names_of(function)}
    )

    @settings(
        max_examples=n_examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments)
    def attempt(keywords):
        call(function, keywords)

    attempt()


@pytest.mark.parametrize("name", PUBLIC)
def test_odd_arguments(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(PUBLIC[name], 15)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("is_trained", [True, False])
def test_odd_arguments_of_a_model(is_trained, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Model([Dense(4, "relu"), Dense(2, "softmax")], seed=0)
    if is_trained:
        model.compile("sgd", "cross_entropy", ["accuracy"])
        model.fit(X, Y, verbose=0)
    check(getattr(model, name), 25)


@pytest.mark.parametrize("name", ENSEMBLE_METHODS)
def test_odd_arguments_of_an_ensemble(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(getattr(Ensemble([built(0), built(1)]), name), 25)
