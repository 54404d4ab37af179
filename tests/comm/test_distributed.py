"""Training on real ranks: processes that mpiexec starts; test_ranks.py has threads."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import job
from cynn import Model, datasets, distributed
from cynn.optimizers import SGD
from job import run_ranks
from mnist_files import fill

PROGRAM = """
import hashlib, sys
import numpy as np
from cynn import Model, distributed
from cynn.layers import Dense
from cynn.optimizers import SGD

comm = distributed.world()
rank, size = comm.Get_rank(), comm.Get_size()
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 6))
y = rng.integers(0, 3, 300)

def fit(x=x, y=y, comm=comm, batch_size=8, epochs=3, **more):
    model = Model([Dense(16, "tanh"), Dense(3, "softmax")], dtype="float64", seed=1)
    model.compile(SGD(0.1, 0.9), metrics=["accuracy", "auc"])
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, comm=comm, **more)
    return model, history.history

def numbers(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])

def digest(model):
    return hashlib.sha256(numbers(model).tobytes()).hexdigest()

def say(*words):
    for i in range(size):
        comm.Barrier()
        if i == rank:
            print(*words, flush=True)
"""


def lines(size, body, folder, **variables):
    """Run a program on that many ranks; return the lines that they wrote, in any order."""
    path = folder / "program.py"
    path.write_text(PROGRAM + body)
    status, out, err = job.run(size, [path], folder, **variables)
    assert (status, err) == (0, "")
    return out.splitlines()


SAME = """
model, history = fit(validation_data=(x[:70], y[:70]))
alone, wanted = fit(comm=None, batch_size=8 * size, validation_data=(x[:70], y[:70]))
assert np.abs(numbers(model) / numbers(alone) - 1).max() < 1e-6
for name, values in wanted.items():
    np.testing.assert_allclose(history[name], values, 1e-6)
mine = slice(rank, None, size)
model, history = fit(x[mine], y[mine], shuffle=False)
alone, wanted = fit(comm=None, batch_size=8 * size, shuffle=False)
assert np.abs(numbers(model) / numbers(alone) - 1).max() < 1e-6
np.testing.assert_allclose(history["loss"], wanted["loss"], 1e-6)
say(digest(model))
"""


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_are_one_with_larger_batches_and_repeat_their_bits(tmp_path, size):
    first, second = (lines(size, SAME, tmp_path) for _ in range(2))
    assert len(first) == size and set(first) == set(second) and len(set(first)) == 1


def test_one_error_on_every_rank(tmp_path):
    body = """
try:
    fit(x[: 300 * (rank != 1)], y[: 300 * (rank != 1)])
except ValueError as error:
    say(error)
try:
    fit(batch_size=8 + rank)
except ValueError as error:
    say(error)
say(digest(fit()[0]))
"""
    found = lines(2, body, tmp_path)
    assert len(found) == 6 and len(set(found)) == 3
    assert "rank 1 of 2: x must have at least one row, got shape (0, 6)" in found
    assert any(
        line.startswith(
            "rank 1 of 2: batch_size must be the same on all ranks, got 9, and 8 on rank 0"
        )
        for line in found
    )


@pytest.mark.parametrize(("code", "status"), [("'no data'", 1), ("7", 7)])
def test_a_rank_that_leaves_before_the_others_ends_them(tmp_path, code, status):
    body = f"""
with distributed.job() as comm:
    if rank == 1:
        sys.exit({code})
    fit()
"""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM + body)
    found, _, err = job.run(2, [path], tmp_path)
    assert found == status and "cynn: error: rank 1 of 2: " in err


def test_ranks_that_finish_exit_cleanly(tmp_path):
    body = """
with distributed.job() as comm:
    print(rank, digest(fit()[0]), flush=True)
    sys.exit(0)
"""
    assert len(lines(2, body, tmp_path)) == 1


@pytest.mark.parametrize("how", ["by its last line", "by an exit"])
def test_a_rank_that_never_calls_fit_does_not_block_the_others(tmp_path, how):
    body = f"""
try:
    with distributed.job() as comm:
        if rank == 0:
            fit()
        elif {how == "by an exit"}:
            sys.exit(0)
except RuntimeError as error:
    say(error)
"""
    found = lines(3, body, tmp_path)
    wanted = "rank 1 of 3 has come to its end, rank 0 trains or loads: all ranks must call fit"
    assert found == [wanted + ", or none"] * 3


def test_communicators_that_are_refused(tmp_path):
    body = """
from mpi4py import MPI
half = comm.Split(rank)
between = half.Create_intercomm(0, comm, 1 - rank)
for bad in (MPI.COMM_NULL, between):
    try:
        fit(comm=bad)
    except ValueError as error:
        say(error)
"""
    found = lines(2, body, tmp_path)
    assert len(found) == 4 and all(line.startswith("comm ") for line in found)
    assert "comm must join ranks of one group, got an intercommunicator" in found


@pytest.mark.parametrize("when", ["before", "after"])
def test_mpi_before_init_and_after_finalize(tmp_path, when):
    """MPI itself would end the process, without an exception."""
    body = """
import os
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
from cynn import distributed
from cynn._comm import ranks
if WHEN == "after":
    MPI.Init()
    MPI.Finalize()
for ask in (lambda: ranks.get(MPI.COMM_WORLD), distributed.world):
    try:
        ask()
    except (ValueError, RuntimeError) as error:
        with open(f"{os.getpid()}.said", "a") as file:  # the launcher may mix what ranks print
            print(error, file=file)
"""
    (tmp_path / "program.py").write_text(f"WHEN = {when!r}\n" + body)
    assert job.run(2, [tmp_path / "program.py"], tmp_path) == (0, "", "")
    found = [line for path in tmp_path.glob("*.said") for line in path.read_text().splitlines()]
    assert len(found) == 4
    assert all("not initialised yet, or finalised" in line for line in found)


def test_each_rank_uses_its_share_of_the_cores(tmp_path):
    body = """
import os
from cynn._comm import ranks
from cynn._runtime import threads
share = max(1, len(os.sched_getaffinity(0)) // size)
say(ranks.get(comm).threads() == share, threads.get_num_threads() <= share)
"""
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system has no affinity")
    assert lines(2, body, tmp_path, CYNN_NUM_THREADS="") == ["True True"] * 2


# ---- death --------------------------------------------------------------------------------------

ENDLESS = """
import os
from cynn.callbacks import Callback
class Tell(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            os.replace(write(f"{rank}.part"), f"{rank}.pid")
def write(name):
    with open(name, "w") as file:
        file.write(str(os.getpid()))
    return name
"""


def assert_named(err, who):
    """Hold that the dead rank is named once.

    MPI reads the memory of other ranks: where it is gone before the dead rank's files are
    closed, MPI may end the job before any rank can be named.
    """
    if "Fatal error in internal_" not in err:
        assert re.search(rf"cynn: rank {who} died in the midst of the training", err)
    assert err.count("died in the midst of the training") <= 1


def wait_for(paths):
    until = time.monotonic() + job.SECONDS
    while not all(path.exists() for path in paths):
        assert time.monotonic() < until, "the ranks have not begun"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="deaths are seen on Linux only")
@pytest.mark.parametrize(("size", "victim"), [(2, 0), (2, 1), (4, 2)])
def test_a_killed_rank_ends_the_job_and_is_named(tmp_path, size, victim):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM + ENDLESS + "fit(epochs=10**7, callbacks=[Tell()])")
    running = job.start(size, [path], tmp_path)
    try:
        wait_for([tmp_path / f"{i}.pid" for i in range(size)])
        pids = [int((tmp_path / f"{i}.pid").read_text()) for i in range(size)]
        os.kill(pids[victim], signal.SIGKILL)
    finally:
        status, out, err = job.finish(running)
    assert status != 0
    assert_named(err, rf"{victim} of {size} \(process {pids[victim]} on .*\)")
    until = time.monotonic() + job.SECONDS
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):  # some launchers do not wait
        assert time.monotonic() < until, "a rank lives on"
        time.sleep(0.01)


def test_an_error_on_one_rank_ends_the_job_and_names_it(tmp_path):
    path = tmp_path / "program.py"
    body = """
class Broken:
    def __init__(self, real):
        self.__dict__["real"] = real
    def __getattr__(self, name):
        return getattr(self.real, name)
    def __setattr__(self, name, value):
        setattr(self.real, name, value)
    def gradients(self, *arguments):
        raise MemoryError("no memory for the step")
from cynn._training import fitting
if rank == 1:
    build = Model._build
    def broken(self, shape):
        build(self, shape)
        self._network = Broken(self._network)
    Model._build = broken
fit()
"""
    path.write_text(PROGRAM + body)
    status, out, err = job.run(2, [path], tmp_path)
    assert status != 0
    assert "rank 1 of 2 ends the training of all: MemoryError: no memory for the step" in err


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    arrays = [array for seed, n in enumerate((600, 200)) for array in datasets.make_digits(n, seed)]
    return fill(folder, arrays)


def train(folder, *more):
    words = ["--data", folder, "--hidden", "32", "--dtype", "float64", *more]
    return ["-m", "cynn", "train", *map(str, words)]


def weights(path):
    return np.concatenate([w.ravel() for w in Model.load(path).get_weights()])


def test_the_command_trains_as_one_rank_does(folder, tmp_path):
    options = ("--epochs", "2", "--save")
    status, out, err = job.run(2, train(folder, *options, "two", "--batch-size", "16"), tmp_path)
    assert (status, err) == (0, "")
    assert "ranks 2 of threads" in out and out.count("saved to two") == 1
    assert len(re.findall(r"^epoch \d/2 ", out, re.M)) == 2
    command = [sys.executable, "-P", *train(folder, *options, "one", "--batch-size", "32")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    wanted = weights(tmp_path / "one")
    np.testing.assert_allclose(weights(tmp_path / "two"), wanted, 1e-6, 1e-9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("model", ["mlp", "realmlp"])
def test_the_command_learns_a_table_as_one_rank_does(tmp_path, model):
    rows = [f"{i % 7},{'rgb'[i % 3]},{i % 7 - i % 3}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    words = ["-m", "cynn", "train", "t.csv", "--target", "y", "--epochs", "3", "--hidden", "8"]
    words += ["--dtype", "float64", "--model", model]
    status, out, err = job.run(2, [*words, "--batch-size", "9", "--save", "two"], tmp_path)
    assert (status, err) == (0, "") and out.count("saved to two") == 1
    command = [sys.executable, "-P", *words, "--batch-size", "18", "--save", "one"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(weights(tmp_path / "two"), weights(tmp_path / "one"), 1e-6, 1e-9)


def test_the_first_rank_writes_the_report(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [f"{i % 7},{i % 5},{i % 7 - i % 3}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    words = ["-m", "cynn", "train", "t.csv", "--target", "y", "--task", "regression"]
    words += ["--model", "mlp", "--epochs", "2", "--hidden", "4", "--report", "r.html"]
    status, out, err = job.run(2, words, tmp_path)
    assert (status, err) == (0, "") and out.count("report in r.html") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "t.csv"]
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert f"mpiexec -n 2 cynn {' '.join(words[2:])}" in page


def test_what_several_ranks_do_not_train(tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *(f"{i},{i % 7}.5" for i in range(20))]))
    words = ["-m", "cynn", "train", "t.csv", "--target", "y"]
    for more, said in (
        (["--members", "2"], "--members must be 1 for several ranks, got 2"),
        (["--time-limit", "2"], "--time-limit must be left out for several ranks, got 2"),
    ):
        status, out, err = job.run(2, [*words, *more], tmp_path)
        assert status != 0 and said in err and out == ""


def test_ranks_choose_one_scale_of_a_skewed_target(tmp_path):
    rows = [f"{i % 13},{2.0 ** (i % 13)}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *rows]))
    words = ["-m", "cynn", "train", "t.csv", "--target", "y", "--epochs", "3", "--hidden", "8"]
    words += ["--task", "regression", "--save", "two"]
    status, out, err = job.run(2, words, tmp_path)
    assert (status, err) == (0, "") and out.count("target 'y' is skewed: learned ") == 1
    assert Model.load(tmp_path / "two").epochs == 3


@pytest.mark.skipif(sys.platform != "linux", reason="deaths are seen on Linux only")
@pytest.mark.parametrize("after", [2, 4])
def test_resumed_after_a_kill_with_the_same_or_another_number_of_ranks(folder, tmp_path, after):
    """A rank is killed during an epoch; the result is that of an uninterrupted run."""
    options = ("--epochs", "30", "--checkpoint", "kept", "--save", "done")
    running = job.start(2, train(folder, *options, "--batch-size", "16"), tmp_path)
    try:
        wait_for([tmp_path / "kept"])
        children = ranks_of(running.pid)
        os.kill(children[1], signal.SIGKILL)
    finally:
        status, out, err = job.finish(running)
    assert status != 0
    assert_named(err, "[01] of 2 .*")
    assert not (tmp_path / "done").exists()
    begun = Model.load(tmp_path / "kept").epochs
    assert 1 <= begun < 30
    again = train(folder, *options, "--resume", "--batch-size", str(32 // after))
    status, out, err = job.run(after, again, tmp_path)
    assert (status, err) == (0, "")
    assert f"resuming from kept after epoch {begun}" in out
    wanted = ("--epochs", "30", "--save", "wanted", "--batch-size", "32", "--quiet")
    command = [sys.executable, "-P", *train(folder, *wanted)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(weights(tmp_path / "done"), weights(tmp_path / "wanted"), 1e-5, 1e-8)


def ranks_of(launcher):
    """Return the processes of the command below a launcher, from /proc."""
    parents, commands = {}, {}
    for path in (p for p in os.listdir("/proc") if p.isdecimal()):
        try:
            with open(f"/proc/{path}/stat") as file:
                parents[int(path)] = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{path}/cmdline", "rb") as file:
                commands[int(path)] = file.read()
        except OSError:
            continue

    def below(pid):
        while pid in parents:
            if pid == launcher:
                return True
            pid = parents[pid]
        return False

    named = [pid for pid, words in commands.items() if b"\0cynn\0train\0" in words]
    return sorted(pid for pid in named if below(parents[pid]) and b"mpiexec" not in commands[pid])


def test_invalid_resume(tmp_path, capsys, monkeypatch, folder):
    from cynn import cli

    monkeypatch.chdir(tmp_path)
    options = ["train", "--data", str(folder), "--epochs", "1", "--resume"]
    assert cli.main([*options, "--hidden", "8", "--save", "m"]) == 1
    assert "--checkpoint FILE must be given for --resume" in capsys.readouterr().err
    assert cli.main([*options, "--hidden", "8", "--checkpoint", "m"]) == 0
    assert "no checkpoint in m yet" in capsys.readouterr().out
    assert cli.main([*options, "--hidden", "9", "--checkpoint", "m"]) == 1
    assert "layers must be (Flatten()" in capsys.readouterr().err
    assert cli.main([*options, "--hidden", "8", "--checkpoint", "m"]) == 0
    out = capsys.readouterr().out
    assert "resuming from m after epoch 1" in out and "images a second" not in out


def test_a_mistake_in_the_command_ends_all_ranks(folder, tmp_path):
    status, out, err = job.run(2, train(folder, "--target", "x"), tmp_path)
    assert status != 0 and re.search(
        r"cynn: error: rank [01] of 2: --target must go with a table", err
    )


# ---- without ranks ------------------------------------------------------------------------------


def test_without_mpi4py(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"needs mpi4py: pip install 'cynn-learn\[mpi\]'"):
        distributed.world()


@pytest.mark.parametrize("name", distributed.SIZES)
def test_a_launcher_of_another_mpi(monkeypatch, name):
    class MPI:
        class COMM_WORLD:
            Get_size = staticmethod(lambda: 1)

        Get_library_version = staticmethod(lambda: "Some MPI 1.0\nmore")
        Is_initialized = staticmethod(lambda: True)
        Is_finalized = staticmethod(lambda: False)

    module = type(sys)("mpi4py")
    module.MPI = MPI
    monkeypatch.setitem(sys.modules, "mpi4py", module)
    assert distributed.world() is MPI.COMM_WORLD
    monkeypatch.setenv(name, "3")
    with pytest.raises(RuntimeError, match="must see the 3 ranks .*, got 1: .*Some MPI 1.0"):
        distributed.world()


def test_ranks_that_slurm_starts_by_pmix(monkeypatch):
    for name in (*distributed.SIZES, "PMIX_RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "3")
    assert distributed.launched_ranks() == 1  # three independent programs
    monkeypatch.setenv("PMIX_RANK", "2")
    assert distributed.launched_ranks() == 3
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")  # mpirun in such a step
    assert distributed.launched_ranks() == 2


# ---- shares of data -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("lengths", [[10], [4, 1, 5], [3, 3, 3, 1]])
def test_shards_of_npy_files(tmp_path, size, lengths):
    whole = np.arange(30, dtype=np.uint8).reshape(10, 3)
    edges = np.cumsum([0, *lengths])
    for i, n in enumerate(lengths):
        np.save(tmp_path / f"part{i}.npy", whole[edges[i] : edges[i] + n])
    path = tmp_path / "part0.npy" if len(lengths) == 1 else tmp_path
    parts = run_ranks(size, lambda comm: distributed.load_npy(path, comm))
    assert np.array_equal(np.concatenate(parts), whole)
    assert {len(part) for part in parts} <= {10 // size, 10 // size + 1}
    assert all(part.dtype == np.uint8 for part in parts)
    if len(lengths) == 1:
        assert all(isinstance(part, np.memmap) for part in parts)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_shards_of_parquet_files(tmp_path, size):
    pyarrow = pytest.importorskip("pyarrow", exc_type=ImportError)  # it may want a newer NumPy
    from pyarrow import parquet

    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 3
    for i, rows in enumerate((slice(0, 13), slice(13, 20))):
        table = pyarrow.table({"a": x[rows, 0], "y": y[rows], "b": x[rows, 1]})
        parquet.write_table(table, tmp_path / f"{i}.parquet", row_group_size=4)
    work = lambda comm: distributed.load_parquet(tmp_path, comm, target="y")  # noqa: E731
    parts = run_ranks(size, work)
    assert np.array_equal(np.concatenate([x for x, _ in parts]), x)
    assert np.array_equal(np.concatenate([y for _, y in parts]), y)
    assert parts[0][0].dtype == np.float32
    for error in run_ranks(
        2, lambda comm: distributed.load_parquet(tmp_path, comm, target="y", columns=["c"])
    ):
        assert isinstance(error, ValueError) and "must have the column 'c'" in str(error)


@pytest.mark.parametrize("size", [1, 3])
def test_a_large_row_group_is_read_in_parts(tmp_path, size, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    monkeypatch.setattr(distributed, "PARQUET_ROWS", 7)
    a, y = np.arange(100.0), np.arange(100) % 3
    path = tmp_path / "all.parquet"
    parquet.write_table(pyarrow.table({"a": a, "y": y}), path, row_group_size=60)
    parts = run_ranks(size, lambda comm: distributed.load_parquet(path, comm, target="y"))
    assert np.array_equal(np.concatenate([x[:, 0] for x, _ in parts]), a)
    assert np.array_equal(np.concatenate([y for _, y in parts]), y)


@pytest.mark.parametrize("values", [["1", "x"], np.array(["2026", "2027"], "datetime64[s]")])
def test_parquet_columns_that_are_not_numeric(tmp_path, values):
    pyarrow = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"a": values, "y": [0, 1]}), tmp_path / "0.parquet")
    found = run_ranks(2, lambda comm: distributed.load_parquet(tmp_path, comm, target="y"))
    for error in found:
        assert isinstance(error, ValueError) and "'a' must hold numbers" in str(error)


@pytest.fixture
def few_files():
    """Limit open files to fewer than the folder holds."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/dev/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, before[1]))
    yield used + 20
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_more_files_than_may_be_open(tmp_path, few_files):
    for i in range(few_files):
        np.save(tmp_path / f"{i:04}.npy", np.full((2, 3), i, np.uint8))
    found = distributed.load_npy(tmp_path, None)
    assert np.array_equal(found[:, 0], np.repeat(np.arange(few_files), 2))


def test_more_parquet_files_than_may_be_open(tmp_path, few_files):
    pyarrow = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    for i in range(few_files):
        table = pyarrow.table({"a": [float(i)], "y": [i]})
        parquet.write_table(table, tmp_path / f"{i:04}.parquet")
    x, y = distributed.load_parquet(tmp_path, None, target="y")
    assert np.array_equal(x[:, 0], y) and np.array_equal(y, np.arange(few_files))


@pytest.mark.parametrize("kind", ["absent", "empty", "ragged", "no array", "few rows", "pickled"])
def test_bad_files_are_one_error_on_every_rank(tmp_path, kind):
    kinds = {"absent": OSError}
    path = tmp_path
    if kind == "absent":
        path = tmp_path / "x.npy"
    elif kind == "ragged":
        np.save(tmp_path / "a.npy", np.zeros((3, 2)))
        np.save(tmp_path / "b.npy", np.zeros((3, 4)))
    elif kind == "no array":
        (tmp_path / "a.npy").write_bytes(b"no array")
    elif kind == "few rows":
        np.save(tmp_path / "a.npy", np.zeros((2, 2)))
    elif kind == "pickled":
        np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    found = run_ranks(3, lambda comm: distributed.load_npy(path, comm))
    assert len({str(error) for error in found}) == 1
    assert all(isinstance(error, kinds.get(kind, ValueError)) for error in found)


def test_a_mapped_file_trains_as_the_array_does(tmp_path):
    """All ranks open the whole file: each reads the rows that it trains on."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 5)).astype(np.float32), rng.integers(0, 2, 64)
    np.save(tmp_path / "x.npy", x)

    def work(comm, rows, batch_size):
        from cynn.layers import Dense

        model = Model([Dense(4, "relu"), Dense(2, "softmax")], seed=0, dtype="float64")
        model.compile(SGD(0.1))
        model.fit(rows, y, batch_size=batch_size, epochs=2, verbose=0, comm=comm)
        return np.concatenate([w.ravel() for w in model.get_weights()])

    mapped = lambda comm: work(comm, np.load(tmp_path / "x.npy", mmap_mode="r"), 8)  # noqa: E731
    for found in run_ranks(2, mapped):
        np.testing.assert_allclose(found, work(None, x, 16), 1e-9)


def test_messages_of_the_mpi_library_are_ignored():
    said = (
        "[hwloc/linux] failed to find sysfs cpu topology directory, aborting linux discovery.\n"
        "[1796083927.004019] [vm:402  :0]       tcp_iface.c:984  UCX  ERROR scandir failed\n"
        "cynn: rank 1 of 2 died\n[ours] UCX\n"
    )
    assert job.LIBRARIES.sub("", said) == "cynn: rank 1 of 2 died\n[ours] UCX\n"
