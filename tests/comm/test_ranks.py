"""Training on several ranks, which are threads here; test_distributed.py starts processes."""

import hashlib
import threading

import numpy as np
import pytest

from cynn import Model, optimizers
from cynn._comm import ranks
from cynn.callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint
from cynn.layers import BatchNorm, Dense
from cynn.metrics import METRICS, Metric
from job import Aborted, run_ranks

N, INPUTS, CLASSES = 90, 6, 3

rng = np.random.default_rng(0)
X = rng.normal(size=(N, INPUTS))
Y = rng.integers(0, CLASSES, N)
WEIGHT = rng.random(N)


def new(dtype="float64", seed=3, optimizer=None, metrics=("accuracy",), units=8):
    model = Model([Dense(units, "tanh"), Dense(CLASSES, "softmax")], dtype=dtype, seed=seed)
    model.compile(optimizer or optimizers.SGD(0.1, 0.9), "cross_entropy", metrics)
    return model


def numbers(model):
    state = model.get_optimizer_state()
    return np.concatenate([np.ravel(a) for a in [*model.get_weights(), *state]])


def fit(comm, x=X, y=Y, *, batch_size=8, epochs=3, model=None, **more):
    model = model or new()
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, comm=comm, **more)
    return model, history.history


def fit_alone(batch_size, **more):
    return fit(None, batch_size=batch_size, **more)


def assert_same(found, wanted, tolerance=1e-6):
    """Compare weights and logs of all ranks with one rank's, and the ranks' bits."""
    for model, history in found:
        assert np.array_equal(numbers(model), numbers(found[0][0]))
        assert history == found[0][1]
        np.testing.assert_allclose(numbers(model), numbers(wanted[0]), tolerance, tolerance)
        assert history.keys() == wanted[1].keys()
        for name, values in history.items():
            np.testing.assert_allclose(values, wanted[1][name], tolerance, tolerance)


# ---- the same as one rank -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [N, N - 1, 5, 1])
@pytest.mark.parametrize("shuffle", [True, False])
def test_ranks_with_the_same_rows_are_one_with_larger_batches(size, n, shuffle):
    rows = {"x": X[:n], "y": Y[:n], "shuffle": shuffle}
    assert_same(run_ranks(size, lambda comm: fit(comm, **rows)), fit_alone(8 * size, **rows), 1e-9)


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.SGD(0.1),
        optimizers.SGD(0.1, 0.9, nesterov=True, weight_decay=1e-3),
        optimizers.Adam(0.01),
        optimizers.NAdam(0.01),
        optimizers.SGD(0.1, clip_norm=0.1),
        optimizers.Adam(0.01, average=0.8),
    ],
    ids=repr,
)
def test_optimizers(optimizer):
    def work(comm, batch_size=8):
        return fit(comm, model=new(optimizer=optimizer), batch_size=batch_size)

    assert_same(run_ranks(2, work), work(None, 16))


def test_scalars_of_the_optimizer_are_those_of_the_first_rank():
    def work(comm):
        model = new(optimizer=optimizers.NAdam(0.01))
        model.build(INPUTS)
        state = model.get_optimizer_state()
        model.set_optimizer_state([*state[:-2], 0.5 / (1 + comm.Get_rank()), 7])
        return fit(comm, epochs=1, model=model)[0].get_optimizer_state()[-2:]

    first, second = run_ranks(2, work)
    assert first == second
    assert 0.5 * 0.45**6 < first[0] < 0.5 * 0.9**6  # six steps after that of the first
    assert first[1] == 13


def test_penalties_of_layers_count_once():
    def work(comm, batch_size=8):
        layers = [Dense(5, "relu", l1=0.01), Dense(CLASSES, "softmax", l2=0.1)]
        model = Model(layers, dtype="float64", seed=0)
        model.compile(optimizers.SGD(0.1), "cross_entropy")
        return fit(comm, model=model, batch_size=batch_size)

    assert_same(run_ranks(2, work), work(None, 16))


@pytest.mark.parametrize("size", [2, 3])
def test_each_rank_with_its_own_shard(size):
    """Every size-th row to a rank: a step has the rows that a single rank would have."""

    def work(comm):
        mine = slice(comm.Get_rank(), None, size)
        more = {"sample_weight": WEIGHT[mine], "shuffle": False}
        return fit(comm, X[mine], Y[mine], batch_size=6, **more)

    alone = fit_alone(6 * size, sample_weight=WEIGHT, shuffle=False)
    assert_same(run_ranks(size, work), alone, 1e-9)


def test_ranks_are_weighted_by_rows_and_sample_weights():
    """One step over shares of 70, 19 and 1 rows is a step over all of them."""
    edges = [0, 70, 89, 90]

    def work(comm):
        mine = slice(edges[comm.Get_rank()], edges[comm.Get_rank() + 1])
        return fit(comm, X[mine], Y[mine], sample_weight=WEIGHT[mine], batch_size=100)

    assert_same(run_ranks(3, work), fit_alone(300, sample_weight=WEIGHT), 1e-9)


def test_shards_of_very_different_lengths():
    """A rank that has no more rows waits for the others; no row is left out."""
    seen = []

    def work(comm):
        n = (50, 3)[comm.Get_rank()]
        found = fit(comm, X[:n], Y[:n], batch_size=4, epochs=2)
        seen.append(found[0].get_optimizer_state()[-1])
        return found

    found = run_ranks(2, work)
    assert np.array_equal(numbers(found[0][0]), numbers(found[1][0]))
    assert [int(updates) for updates in seen] == [2 * 13, 2 * 13]


def test_batches_beyond_the_networks_workspace():
    x, y = np.tile(X, (30, 1)), np.tile(Y, 30)  # 2700 rows, two blocks on each of two ranks
    rows = {"x": x, "y": y, "epochs": 2}
    wanted = fit_alone(2700, **rows)
    assert_same(run_ranks(2, lambda comm: fit(comm, batch_size=1350, **rows)), wanted, 1e-9)


def test_validation_and_every_metric():
    numbers = [name for name, kind in METRICS.items() if kind.__module__.endswith("_regression")]
    names = [name for name in METRICS if name not in (*numbers, "binary_accuracy")]

    def work(comm, batch_size=7):
        model = new(metrics=names)
        more = {"validation_data": (X[:31], Y[:31], WEIGHT[:31]), "batch_size": batch_size}
        return fit(comm, model=model, **more)

    assert_same(run_ranks(4, work), work(None, 28), 1e-9)


def test_validation_split():
    def work(comm, batch_size=7):
        return fit(comm, batch_size=batch_size, validation_split=0.2, model=new(seed=5))

    assert_same(run_ranks(2, work), work(None, 14), 1e-9)


def test_metrics_of_regression():
    y = X[:, :2] * 3 + 1

    def work(comm, batch_size=9):
        model = Model([Dense(2)], dtype="float64", seed=1)
        model.compile(optimizers.SGD(0.01), "mse", ["mse", "mae", "r2"])
        mine = slice(None) if comm is None else slice(comm.Get_rank(), None, 2)
        return fit(comm, X[mine], y[mine], model=model, shuffle=False, batch_size=batch_size)

    assert_same(run_ranks(2, work), work(None, 18), 1e-9)


def test_balanced_classes_are_counted_over_all_ranks():
    y = np.sort(Y)  # the ranks' shares have different classes

    def work(comm):
        mine = (
            slice(None) if comm is None else slice(45 * comm.Get_rank(), 45 + 45 * comm.Get_rank())
        )
        return fit(comm, X[mine], y[mine], batch_size=100, class_weight="balanced")

    assert_same(run_ranks(2, work), work(None), 1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reproducible_bits(dtype):
    def bits():
        found = run_ranks(3, lambda comm: fit(comm, model=new(dtype)))
        return {hashlib.sha256(numbers(model).tobytes()).hexdigest() for model, _ in found}

    assert len(bits() | bits()) == 1


# ---- one start, one end -------------------------------------------------------------------------


def test_seeds_and_weights_come_from_the_first_rank():
    def work(comm):
        model = new(seed=comm.Get_rank() + 3)
        model.build(INPUTS)
        return fit(comm, model=model)

    found = run_ranks(2, work)
    assert_same(found, fit_alone(16), 1e-9)
    assert [model.seed for model, _ in found] == [3, 3]


def test_all_ranks_start_from_the_first_ranks_training():
    def work(comm):
        model = new()
        if comm.Get_rank() == 0:
            fit(None, model=model, batch_size=16, epochs=2)
        return fit(comm, model=model, epochs=4, initial_epoch=2)

    def alone():
        model = new()
        fit(None, model=model, batch_size=16, epochs=2)
        return fit(None, model=model, batch_size=16, epochs=4, initial_epoch=2)

    assert_same(run_ranks(2, work), alone(), 1e-9)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 1), (1, 4)])
def test_resumed_on_another_number_of_ranks(tmp_path, sizes):
    """The mini-batch of all ranks is 12; the first job ends after two epochs of four."""
    path = tmp_path / "model"
    before, after = sizes

    def first(comm):
        callbacks = [ModelCheckpoint(path)]
        return fit(comm, batch_size=12 // before, epochs=2, callbacks=callbacks)

    def second(comm):
        model = Model.load(path)
        return fit(comm, model=model, batch_size=12 // after, epochs=4, initial_epoch=model.epochs)

    run_ranks(before, first)
    wanted = fit_alone(12, epochs=4)
    for model, _ in run_ranks(after, second):
        np.testing.assert_allclose(numbers(model), numbers(wanted[0]), 1e-9, 1e-9)


@pytest.mark.parametrize("shares", [False, True])
def test_resumed_on_the_same_number_of_ranks_to_the_bit(tmp_path, shares):
    path = tmp_path / "model"

    def work(comm, **more):
        mine = slice(comm.Get_rank(), None, 2) if shares else slice(None)
        return fit(comm, X[mine], Y[mine], **more)

    def second(comm):
        model = Model.load(path)
        return work(comm, model=model, epochs=4, initial_epoch=model.epochs)

    run_ranks(2, lambda comm: work(comm, epochs=2, callbacks=[ModelCheckpoint(path)]))
    wanted = run_ranks(2, lambda comm: work(comm, epochs=4))
    for model, _ in run_ranks(2, second):
        assert np.array_equal(numbers(model), numbers(wanted[0][0]))


def test_only_the_first_rank_writes_and_shows(tmp_path, capsys):
    written = []

    class Mine(Callback):
        def on_epoch_end(self, epoch, logs=None):
            written.append((epoch, logs["loss"]))

    def work(comm):
        model = new()
        folder = tmp_path / str(comm.Get_rank())
        folder.mkdir()
        callbacks = [ModelCheckpoint(folder / "m"), CSVLogger(folder / "t.csv"), Mine()]
        model.fit(X, Y, epochs=2, callbacks=callbacks, comm=comm, verbose=2)
        return sorted(path.name for path in folder.iterdir())

    assert run_ranks(3, work) == [["m", "t.csv"], [], []]
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert len(written) == 6 and len(set(written)) == 2


def test_callbacks_stop_all_ranks():
    class Once(Callback):
        def __init__(self, rank):
            self.rank = rank

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = self.rank == 1 and epoch == 1

    def work(comm):
        return fit(comm, epochs=5, callbacks=[Once(comm.Get_rank())])

    assert [len(history["loss"]) for _, history in run_ranks(2, work)] == [2, 2]
    early = lambda comm: fit(comm, epochs=9, callbacks=[EarlyStopping("loss", min_delta=10.0)])  # noqa: E731
    assert [len(history["loss"]) for _, history in run_ranks(2, early)] == [2, 2]


# ---- bad use: the same error on every rank ------------------------------------------------------


class Odd(Metric):
    name = "odd"

    def add(self, y, prediction, weight):
        pass


class Refuses(Callback):
    def __init__(self, comm, error=None):
        self.rank, self.error = comm.Get_rank(), error or OSError("the disk is full")

    def on_epoch_end(self, epoch, logs=None):
        if self.rank == 1:
            raise self.error


class Changes(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([w + 1 for w in self.model.get_weights()])


class Slower(Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.rate_factor = 0.5


def model_of(comm, **others):
    """Return a model that differs on the last rank."""
    return new(**others) if comm.Get_rank() == comm.Get_size() - 1 else new()


BAD = {
    "at least one row, got none": (
        lambda c: fit(c, X[: N * (c.Get_rank() != 1)], Y[: N * (c.Get_rank() != 1)]),
        ValueError,
        r"rank 1 of 3: x must have at least one row, got shape \(0, 6\)",
    ),
    "rows of another length": (
        lambda c: fit(c, X[:, : 6 - c.Get_rank()], Y),
        ValueError,
        r"rank 1 of 3: the shape of a row must .*, got \(5,\), and \(6,\) on rank 0",
    ),
    "rows and targets": (
        lambda c: fit(c, X, Y[: N - c.Get_rank()]),
        ValueError,
        "rank 1 of 3: y must have a row for each of the 90 rows of x, got 89",
    ),
    "no numbers": (
        lambda c: fit(c, X if c.Get_rank() else X.astype(str), Y),
        TypeError,
        "rank 0 of 3: x must hold numbers",
    ),
    "a mistake of all": (
        lambda c: fit(c, batch_size=0),
        ValueError,
        "^batch_size must be",
    ),
    "batch sizes": (
        lambda c: fit(c, batch_size=8 if c.Get_rank() < 2 else 16),
        ValueError,
        "rank 2 of 3: batch_size must be the same on all ranks, got 16, and 8 on rank 0",
    ),
    "epochs": (lambda c: fit(c, epochs=3 + c.Get_rank()), ValueError, "epochs must be the same"),
    "layers": (
        lambda c: fit(c, model=model_of(c, units=9)),
        ValueError,
        "rank 2 of 3: the model must be the same on all ranks",
    ),
    "types": (
        lambda c: fit(c, model=model_of(c, dtype="float32")),
        ValueError,
        "rank 2 of 3: dtype must be the same on all ranks, got float32, and float64 on rank 0",
    ),
    "optimizers": (
        lambda c: fit(c, model=model_of(c, optimizer=optimizers.SGD(0.2))),
        ValueError,
        r"rank 2 of 3: optimizer must be the same on all ranks, got SGD\(0.2\), and",
    ),
    "validation": (
        lambda c: fit(c, validation_data=None if c.Get_rank() else (X, Y)),
        ValueError,
        "rank 1 of 3: validation_data must .*, got not given, and given on rank 0",
    ),
    "validation by a part": (
        lambda c: fit(c, validation_split=0.1 + 0.1 * (c.Get_rank() == 2)),
        ValueError,
        "rank 2 of 3: validation_split must be the same on all ranks, got 0.2, and 0.1 on rank 0",
    ),
    "class weights on one": (
        lambda c: fit(c, class_weight=[None, "balanced", [1, 2, 3]][c.Get_rank()]),
        ValueError,
        "rank 1 of 3: class_weight must be the same on all ranks, got balanced, and None on rank 0",
    ),
    "a callback's own kind of error": (
        lambda c: fit(c, callbacks=[Refuses(c, KeyError("nowhere"))]),
        RuntimeError,
        "rank 1 of 3: KeyError: 'nowhere'",
    ),
    "a metric that cannot be merged": (
        lambda c: fit(c, model=new(metrics=[Odd()])),
        ValueError,
        r"^metrics must define merge\(other\)",
    ),
    "a callback": (
        lambda c: fit(c, callbacks=[Refuses(c)]),
        OSError,
        "rank 1 of 3: the disk is full",
    ),
    "class weights that differ": (
        lambda c: fit(c, class_weight={0: 1.0 + (c.Get_rank() == 2)}),
        ValueError,
        r"rank 2 of 3: class_weight must .*, got \[2.0, 1.0, 1.0\], and \[1.0, 1.0, 1.0\]",
    ),
    "weights of rows on one": (
        lambda c: fit(c, sample_weight=WEIGHT if c.Get_rank() == 1 else None),
        ValueError,
        "rank 1 of 3: sample_weight must .*, got given, and not given on rank 0",
    ),
    "a callback that changes weights": (
        lambda c: fit(c, callbacks=[Changes()] if c.Get_rank() == 1 else []),
        ValueError,
        "rank 1 of 3: the checksum of the weights that callbacks left must be the same",
    ),
    "a callback that changes the rate": (
        lambda c: fit(c, callbacks=[Slower()] if c.Get_rank() == 1 else []),
        ValueError,
        r"rank 1 of 3: the rate_factor that callbacks left must .*, got 0.5, and 1.0 on rank 0",
    ),
    "class weights": (
        lambda c: fit(c, class_weight=[1, 2, 3][: 3 - (c.Get_rank() == 2)]),
        ValueError,
        "rank 2 of 3: class_weight must have 3 numbers, got 2",
    ),
    "batches": (
        lambda c: fit(c, [(X, Y)], None),
        ValueError,
        "^y must be given with comm",
    ),
    "not compiled": (
        lambda c: fit(c, model=Model([Dense(3)])),
        RuntimeError,
        "^the model has no loss",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_error_on_every_rank(name):
    work, kind, text = BAD[name]
    for error in run_ranks(3, work):
        assert type(error) is kind
        with pytest.raises(kind, match=text):
            raise error


def test_versions_are_compared(monkeypatch):
    versions, lock = iter(["1.0", "1.1"]), threading.Lock()

    class Versions:
        def __str__(self):
            with lock:
                return next(versions)

    monkeypatch.setattr(ranks, "VERSION", Versions())
    for error in run_ranks(2, fit):
        assert isinstance(
            error, ValueError
        ) and "rank 1 of 2: the version of cynn must be the same on all ranks, got 1." in str(error)


@pytest.mark.parametrize("comm", [5, "world", object(), True])
def test_objects_that_are_not_communicators(comm):
    with pytest.raises(
        TypeError, match="comm must be a communicator such as mpi4py.MPI.COMM_WORLD"
    ):
        fit(comm)


def test_a_rank_that_fails_during_training_ends_the_job(monkeypatch, capfd):
    """The others wait for it, so all are ended, and the error names it."""

    def work(comm):
        model = new()
        model.build(INPUTS)
        if comm.Get_rank() == 1:
            monkeypatch.setattr(model, "_network", Broken(model._network))
        return fit(comm, model=model)

    found = run_ranks(2, work)
    assert isinstance(found[1], Aborted)
    err = capfd.readouterr().err
    assert "rank 1 of 2 ends the training of all: MemoryError: no memory for the plan" in err


class Broken:
    def __init__(self, network):
        self._real = network

    def __getattr__(self, name):
        return getattr(self._real, name)

    def gradients(self, *arguments):
        raise MemoryError("no memory for the plan")


@pytest.mark.parametrize("alone", [False, True])
def test_a_training_that_diverges_ends_on_all_ranks(alone):
    """Also where only one rank's share of the mini-batch has a loss that is not finite."""
    errors = []

    def work(comm):
        model = Model([Dense(1)], seed=0)
        model.compile(optimizers.SGD(1e-30 if alone else 1e30), "mse")
        y = Y * 1e30 if alone and comm.Get_rank() == 1 else Y
        before = None
        try:
            fit(comm, X, y, model=model, epochs=2)
        except FloatingPointError as error:
            errors.append(str(error))
            before = model.get_learned()
        return before

    found = run_ranks(2, work)
    assert len(errors) == 2 and len(set(errors)) == 1
    assert "loss must be finite, got" in errors[0] and "step 1," in errors[0] or not alone
    assert np.array_equal(*found) and np.isfinite(found).all()


# ---- shares of the machine ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        ([("a", range(8))], [8]),
        ([("a", range(8))] * 4, [2] * 4),
        ([("a", range(8))] * 3, [2] * 3),
        ([("a", range(8))] * 20, [1] * 20),
        ([("a", range(4)), ("a", range(4, 8))], [4, 4]),
        ([("a", range(8)), ("b", range(8))], [8, 8]),
        ([("a", range(8)), ("a", range(2))], [7, 1]),
    ],
)
def test_a_rank_has_its_share_of_the_cores(monkeypatch, places, wanted):
    monkeypatch.setattr(ranks.threads, "available_cores", lambda: 64)
    given = [(host, list(cores), "") for host, cores in places]
    assert [ranks._share(i, host, given) for i, (host, _, _) in enumerate(given)] == wanted


def test_chosen_threads_are_kept(monkeypatch):
    monkeypatch.setenv("CYNN_NUM_THREADS", "5")
    assert run_ranks(2, lambda comm: ranks.get(comm).threads()) == [5, 5]


def test_launchers_hints(monkeypatch):
    from cynn._runtime import threads

    monkeypatch.setattr(threads.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "_quota", lambda root: None)
    for name in threads.LOCAL_RANKS:
        monkeypatch.delenv(name, raising=False)
    for cores, said, wanted in [
        (8, None, 8), (8, "2", 4), (8, "3", 2), (8, "16", 1), (1, "8", 1), (4, "2", 4),
        (8, "x", 8), (8, "0", 8),
    ]:  # fmt: skip
        monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _, n=cores: set(range(n)))
        for name in threads.LOCAL_RANKS:
            if said is not None:
                monkeypatch.setenv(name, said)
            assert threads.available_cores() == wanted
            monkeypatch.delenv(name, raising=False)


def test_statistics_of_one_rank_that_would_not_be_finite_end_the_training_on_all():
    errors = []

    def work(comm):
        model = Model([BatchNorm(), Dense(1)], seed=0)
        model.compile(optimizers.SGD(0.1), "mse")
        try:
            fit(comm, X * (1e37 if comm.Get_rank() == 1 else 1), Y, model=model, epochs=2)
        except FloatingPointError as error:
            errors.append(str(error))

    run_ranks(2, work)
    assert len(errors) == 2 and len(set(errors)) == 1
    assert errors[0].startswith("rank 1 of 2: batch_norm must have mini-batches of which mean and")
    assert errors[0].endswith("(in epoch 1, step 1, at a learning rate of 0.1)")
