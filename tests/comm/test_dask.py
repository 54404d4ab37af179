"""Dask: searches on a scheduler and two workers that the tests start, and training by blocks."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")
dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pandas = pytest.importorskip("pandas")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402
import joblib  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.experimental import enable_halving_search_cv  # noqa: E402, F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV  # noqa: E402

from cynn import Model  # noqa: E402
from cynn.dask import Blocks, predict_blocks  # noqa: E402
from cynn.estimators import MLPClassifier, MLPRegressor  # noqa: E402
from cynn.estimators._n_jobs import threads_of  # noqa: E402
from cynn.layers import Dense  # noqa: E402

SECONDS = 60  # after which a service that does not answer fails the tests

X, Y = load_iris(return_X_y=True)
rng = np.random.default_rng(0)
MIXED = rng.permutation(len(X))
X, Y = X[MIXED], Y[MIXED]
QUICK = {"hidden_layer_sizes": 8, "solver": "lbfgs", "max_iter": 1000, "random_state": 0}
CHUNKS = (40, 40, 40, 30)
EDGES = np.cumsum([0, *CHUNKS])


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Start a scheduler and two workers, each a process, and connect to them."""
    folder = tmp_path_factory.mktemp("dask")
    places = folder / "scheduler.json"
    common = ["--scheduler-file", str(places), "--host", "127.0.0.1", "--no-dashboard"]
    options = {
        "scheduler": ["--port", "0", "--no-show"],
        "worker": ["--nworkers", "2", "--nthreads", "1", "--local-directory", str(folder)],
    }
    services, connected = [], None
    with open(folder / "log", "w+") as log:
        try:
            for name, more in options.items():
                command = [sys.executable, "-P", "-m", f"distributed.cli.dask_{name}"]
                services.append(
                    subprocess.Popen([*command, *common, *more], stdout=log, stderr=log)
                )
            until = time.monotonic() + SECONDS
            while not places.exists() and all(s.poll() is None for s in services):
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.02)
            assert places.exists(), (folder / "log").read_text()
            connected = distributed.Client(scheduler_file=str(places), timeout=SECONDS)
            connected.wait_for_workers(2, timeout=SECONDS)
            yield connected
        finally:
            if connected is not None:
                connected.close()
            for service in reversed(services):  # a worker ends when its nurse is gone
                service.kill()
                service.wait()


# ---- searches -----------------------------------------------------------------------------------


def results(search):
    """Return the results of a search, without its times."""
    return {name: v for name, v in search.cv_results_.items() if not name.endswith("_time")}


SEARCHES = {
    "grid": lambda: GridSearchCV(MLPClassifier(**QUICK), {"alpha": [1e-4, 1e-2, 1.0]}, cv=3),
    "halving": lambda: HalvingRandomSearchCV(
        MLPClassifier(**QUICK),
        {"alpha": [1e-4, 1e-2, 1.0, 10.0], "hidden_layer_sizes": [4, 8]},
        cv=3,
        min_resources=40,
        random_state=0,
    ),
}


def tasks(client):
    """Return how many tasks each worker has done."""
    return client.run(lambda dask_worker: dask_worker.state.executed_count)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_on_two_workers(client, name):
    here = SEARCHES[name]().fit(X, Y)
    before = tasks(client)
    with joblib.parallel_config(backend="dask"):
        there = SEARCHES[name]().fit(X, Y)
    after = tasks(client)
    assert all(after[worker] > before[worker] for worker in before) and len(before) == 2
    assert there.best_params_ == here.best_params_ and there.best_score_ > 0.9
    np.testing.assert_equal(results(there), results(here))
    assert np.array_equal(there.predict_proba(X), here.predict_proba(X))


def test_a_worker_uses_its_share_of_the_threads(client):
    """Dask's workers set OMP_NUM_THREADS, and the estimators respect it."""
    assert list(client.run(lambda: threads_of(None)).values()) == [1, 1]


def test_predictions_on_the_workers(client):
    model = MLPClassifier(**QUICK).fit(X, Y)
    x = da.from_array(X, chunks=(CHUNKS, 4))
    found = x.map_blocks(model.predict, dtype=Y.dtype, drop_axis=1)
    assert np.array_equal(found.compute(), model.predict(X))


# ---- block after block --------------------------------------------------------------------------


def learned(blocks, passes=2, model=MLPClassifier):
    classes = {"classes": [0, 1, 2]} if model is MLPClassifier else {}
    made = model(hidden_layer_sizes=8, random_state=0)
    for _ in range(passes):
        for x, y, *weight in blocks:
            made.partial_fit(x, y, *weight, **classes)
    return made


@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_arrays_of_the_cluster_train_as_their_blocks_do(client, model):
    x = da.from_array(X, chunks=(CHUNKS, 3))  # the columns lie in two blocks
    y = da.from_array(Y, chunks=75)
    found = learned(Blocks(x, y), model=model)
    here = [(X[a:b], Y[a:b]) for a, b in zip(EDGES, EDGES[1:], strict=False)]
    wanted = learned(here, model=model)
    for one, other in zip(found.coefs_, wanted.coefs_, strict=True):
        assert np.array_equal(one, other)


def test_frames_that_the_workers_read(client, tmp_path):
    names = ["a", "b", "c", "d"]
    frame = pandas.DataFrame(X, columns=names).assign(y=Y)
    for i, (a, b) in enumerate(zip(EDGES, EDGES[1:], strict=False)):
        frame[a:b].to_csv(tmp_path / f"{i}.csv", index=False)
    before = tasks(client)
    rows = dd.read_csv(str(tmp_path / "*.csv"))
    found = learned(Blocks(rows[names], rows["y"]))
    assert list(found.feature_names_in_) == names
    assert sum(tasks(client).values()) >= sum(before.values()) + 8
    wanted = learned(
        [(frame[a:b][names], frame[a:b]["y"]) for a, b in zip(EDGES, EDGES[1:], strict=False)]
    )
    assert np.array_equal(found.coefs_[0], wanted.coefs_[0])


def test_a_worker_that_dies_is_replaced(client):
    """Dask restarts it, and computes its blocks again."""
    x, y = da.from_array(X, chunks=(CHUNKS, 4)), da.from_array(Y, chunks=CHUNKS)
    found = []
    for block in Blocks(x, y):
        if not found:
            client.run(os._exit, 1, workers=[next(iter(tasks(client)))], on_error="ignore")
        found.append(block)
    assert np.array_equal(np.concatenate([y for _, y in found]), Y)
    client.wait_for_workers(2, timeout=SECONDS)


# ---- blocks alone -------------------------------------------------------------------------------


@pytest.fixture
def threaded():
    """Compute without the scheduler and its workers."""
    with dask.config.set(scheduler="threads"):
        yield


x10 = da.arange(20, chunks=20).reshape(10, 2).rechunk((4, 1))
y10 = da.arange(10, chunks=(4, 4, 2))
frame10 = dd.from_pandas(pandas.DataFrame({"a": range(10), "y": range(10)}), npartitions=3)


@pytest.mark.parametrize(
    "x",
    [x10, frame10[["a"]], frame10["a"], frame10[["a"]].to_dask_array()],
    ids=["array", "frame", "series", "lengths unknown"],
)
@pytest.mark.parametrize("y", [y10, frame10["y"]], ids=["array", "series"])
def test_collections_of_different_kinds(threaded, x, y):
    if x is not x10 and y is y10:
        y = frame10["y"].to_dask_array(lengths=True)
    if x is x10 and y is not y10:
        x = x.rechunk({0: (4, 3, 3)})
    blocks = list(Blocks(x, y))
    assert [x.shape[0] for x, _ in blocks] == [len(y) for _, y in blocks]
    assert np.array_equal(np.concatenate([y for _, y in blocks]), np.arange(10))


def test_passes_and_batches(threaded):
    blocks = Blocks(x10, y10, batch_size=3)
    for _ in range(2):
        assert [y.tolist() for _, y in blocks] == [[0, 1, 2], [3], [4, 5, 6], [7], [8, 9]]
    orders = []
    for _ in range(2):  # two of them draw the same
        drawn = Blocks(x10, y10, frame10["y"].to_dask_array(lengths=True), batch_size=3, seed=5)
        for _ in range(2):
            batches = list(drawn)
            assert all(np.array_equal(x[:, 0], 2 * y) for x, y, _ in batches)
            assert all(np.array_equal(y, z) for _, y, z in batches)
            orders.append([int(n) for _, y, _ in batches for n in y])
    assert orders[:2] == orders[2:] and orders[0] != orders[1]
    assert all(sorted(order) == list(range(10)) for order in orders)
    whole = [y.tolist() for _, y in Blocks(x10, y10, seed=5)]
    assert sorted(whole) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_frames_in_batches(threaded):
    drawn = list(Blocks(frame10[["a"]], frame10["y"], batch_size=2, seed=0))
    assert all(isinstance(x, pandas.DataFrame) and list(x["a"]) == list(y) for x, y in drawn)
    assert sorted(n for _, y in drawn for n in y) == list(range(10))


def test_empty_blocks_are_skipped(threaded):
    late = frame10[frame10["a"] > 4]
    assert [list(y) for _, y in Blocks(late[["a"]], late["y"])] == [[5, 6], [7, 8, 9]]


def test_exactly_one_block_is_prefetched(threaded):
    computed = []

    def note(block):
        computed.append(int(block[0]))
        return block

    noted = y10.map_blocks(note, dtype=y10.dtype, meta=y10._meta)
    passing = iter(Blocks(noted))
    assert computed == []
    next(passing)
    next(passing)  # the third may have started
    assert computed[:2] == [0, 4]
    passing.close()
    assert len(computed) <= 3


def test_a_model_learns_from_batches(threaded):
    def fit(*data, **more):
        model = Model([Dense(8, "tanh"), Dense(3, "softmax")], seed=0)
        model.compile("sgd")
        model.fit(*data, epochs=2, verbose=0, **more)
        return model.get_weights()

    x, y = da.from_array(X, chunks=(50, 4)), da.from_array(Y, chunks=50)
    found = fit(Blocks(x, y, batch_size=25))
    for one, other in zip(found, fit(X, Y, batch_size=25, shuffle=False), strict=True):
        assert np.array_equal(one, other)


BAD = {
    "nothing": ((), {}, TypeError, "collections must be one at least"),
    "no collection": ((np.zeros(3),), {}, TypeError, "got ndarray as collection 0"),
    "delayed": ((y10, dask.delayed(3)), {}, TypeError, "got Delayed.* as collection 1"),
    "a number": ((y10.sum(),), {}, ValueError, "collection 0 must have rows, got a single number"),
    "rows": ((x10, y10[:9]), {}, ValueError, "must have the same rows, got 10, 9"),
    "blocks": ((frame10, y10[:8]), {}, ValueError, "same number of blocks, got 3, 2: where"),
    "batch size": ((y10,), {"batch_size": 0}, ValueError, "batch_size must be"),
    "seed": ((y10,), {"seed": -1}, ValueError, "seed must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_use(name):
    collections, more, kind, text = BAD[name]
    with pytest.raises(kind, match=text):
        Blocks(*collections, **more)


def test_rows_that_do_not_fit_when_they_are_known(threaded):
    with pytest.raises(ValueError, match="must have the same rows, got 4, 0 in block 0"):
        list(Blocks(frame10, frame10[frame10["a"] > 4]))


def test_errors_of_a_block_propagate(threaded):
    broken = y10.map_blocks(lambda block: 1 // 0, dtype=int, meta=y10._meta)
    with pytest.raises(ZeroDivisionError):
        list(Blocks(broken))


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"need Dask: pip install 'cynn-learn\[dask\]'"):
        Blocks(y10)


NAMES = np.array(["setosa", "versicolor", "virginica"])
FRAME = pandas.DataFrame(X, columns=list("abcd"))
LARGE = 5.8  # of the first column: above it some blocks of sorted rows are empty


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rows", ["some", "all", "none"])
@pytest.mark.parametrize("kind", ["array", "columns apart", "frame"])
def test_predictions_pass_over_empty_blocks(kind, rows):
    sorted_rows = FRAME.sort_values("a", ignore_index=True)
    bound = {"some": LARGE, "all": 0.0, "none": 100.0}[rows]
    wanted = sorted_rows[sorted_rows.a > bound]
    if kind == "frame":
        collection = dd.from_pandas(sorted_rows, npartitions=5)
        collection = collection[collection.a > bound]
    else:
        collection = da.from_array(sorted_rows.to_numpy(), chunks=(30, 2 if "apart" in kind else 4))
        collection, wanted = collection[collection[:, 0] > bound], wanted.to_numpy()
    table = sorted_rows if kind == "frame" else sorted_rows.to_numpy()
    estimator = MLPClassifier(4, solver="lbfgs", max_iter=30, random_state=0)
    estimator.fit(table, NAMES[np.arange(150) % 3])
    network = Model([Dense(3, "softmax")], seed=0)
    network.build(4)
    with dask.config.set(scheduler="synchronous"):
        for predict in (estimator.predict, estimator.predict_proba, network.predict):
            predictions = predict_blocks(predict, collection)
            computed = predictions.compute()
            assert predictions.dtype == computed.dtype
            assert len(computed) == len(wanted)
            if len(wanted):
                np.testing.assert_array_equal(computed, predict(wanted))


def test_what_cannot_be_predicted_block_by_block_is_refused():
    x = da.from_array(X, chunks=50)
    for predict, collection, error, message in (
        (3, x, TypeError, "predict must be a function such as model.predict, got 3"),
        (np.sum, x, ValueError, r"predict must return a row for each of 2, got shape \(\)"),
        (len, X, TypeError, "collections must be Dask arrays, data frames or series, got ndarray"),
        (len, dd.from_pandas(FRAME).a, TypeError, "collection must be a Dask array or data frame"),
    ):
        with pytest.raises(error, match=message):
            predict_blocks(predict, collection)


def test_columns_that_do_not_fit_are_refused_at_once():
    network = Model([Dense(3, "softmax")], seed=0)
    network.build(4)
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ValueError, match=r"x must have shape \(n, 4\), got \(2, 3\)"):
            predict_blocks(network.predict, da.from_array(X[:, :3], chunks=50))
        predictions = predict_blocks(network.predict, da.from_array(X, chunks=50))
        assert predictions.chunks == ((50, 50, 50), (3,))
