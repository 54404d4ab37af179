"""Threads: their number, failures to start them, and concurrent calls of one model."""

import os
import sys
import sysconfig
import threading

import numpy as np
import pytest

import cynn
from cynn._runtime import threads
from cynn._runtime.access import Guard
from models import bits, blobs, classifier, python, trained

X, Y = blobs()


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.delenv("CYNN_NUM_THREADS", raising=False)
    yield
    cynn.set_num_threads(None)


# ---- the count ----------------------------------------------------------------------------------


def test_set_threads_overrides_the_environment(monkeypatch):
    assert cynn.get_num_threads() == threads.available_cores() >= 1
    monkeypatch.setenv("CYNN_NUM_THREADS", "3")
    assert cynn.get_num_threads() == 3
    cynn.set_num_threads(5)
    assert cynn.get_num_threads() == 5
    cynn.set_num_threads(None)
    monkeypatch.setenv("CYNN_NUM_THREADS", "")
    assert cynn.get_num_threads() == threads.available_cores()
    monkeypatch.setenv("CYNN_NUM_THREADS", "999999999")
    assert cynn.get_num_threads() == 1024
    cynn.set_num_threads(10**30)
    assert cynn.get_num_threads() == 1024


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", " 2", "2,4", "\u0660", "1" * 5000])
def test_a_bad_environment(monkeypatch, value):
    monkeypatch.setenv("CYNN_NUM_THREADS", value)
    with pytest.raises(ValueError, match="CYNN_NUM_THREADS must be a positive integer, got"):
        cynn.get_num_threads()
    model = classifier()
    with pytest.raises(ValueError, match="CYNN_NUM_THREADS"):
        model.fit(X, Y, verbose=0)
    monkeypatch.delenv("CYNN_NUM_THREADS")
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "2"])
def test_a_bad_count(value):
    with pytest.raises((TypeError, ValueError), match="n must be a positive integer"):
        cynn.set_num_threads(value)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_is_followed():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert threads.available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "50000 100000\n"}, 0.5),
        ({"cpu.max": "100000 0\n"}, None),
        ({"cpu.max": "\n"}, None),
        ({"cpu.max": "one two\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "400000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "\udcff", "cpu/cpu.cfs_period_us": "100000\n"}, None),
    ],
)
def test_quotas(tmp_path, monkeypatch, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    assert threads._quota(tmp_path) == cores
    monkeypatch.setattr(threads, "_quota", lambda _: cores)
    assert 1 <= threads.available_cores() <= max(1, cores or 10**6)


# ---- the threads --------------------------------------------------------------------------------

LARGE = """
import os, sys, threading, time
import numpy as np
import cynn
from cynn import Model
from cynn._model import loops
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits

rng = np.random.default_rng(0)
x, y = rng.normal(size=(4000, 300)).astype("f4"), rng.integers(0, 10, 4000)

def run():
    model = Model([Dense(200, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(0.01, 0.9))
    model.fit(x, y, batch_size=128, epochs=3, verbose=0)
    return bits(model) + model.predict(x).tobytes()
"""

NO_MORE = """
cynn.set_num_threads(1)
wanted = run()
cynn.set_num_threads(16)
import resource
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
if os.getuid() == 0:
    try:
        os.setuid(65534)  # the limit does not bind root
    except OSError:
        sys.exit("skip: this root may become nobody else")
try:
    threading.Thread(target=print).start()
    sys.exit("skip: threads can be had whatever the limit says")
except RuntimeError:
    print(run() == wanted)
"""


def test_a_call_completes_where_no_thread_can_start():
    pytest.importorskip("resource", reason="limits processes by POSIX")
    try:
        said = python(LARGE + NO_MORE)
    except AssertionError as error:
        if "skip: " in str(error):
            pytest.skip(str(error).partition("skip: ")[2])
        raise
    assert said == "True\n"


COUNTED = """
most, over = 0, threading.Event()

def count():
    global most
    while not over.is_set():
        most = max(most, len(os.listdir("/proc/self/task")))

counter = threading.Thread(target=count)
counter.start()
for n in (1, 2, 5):
    cynn.set_num_threads(n)
    most = 0
    for _ in range(50):  # the counter may have been asleep
        run()
        if most > n:
            break
    print(most)
over.set()
counter.join()
until = time.monotonic() + 10
while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
    time.sleep(0.001)  # they are on their way out
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads by Linux's /proc")
def test_threads_are_acquired_and_released():
    *most, after = map(int, python(LARGE + COUNTED, OPENBLAS_NUM_THREADS="1").split())
    assert most == [2, 3, 6]  # with the one that counts
    assert after == 1


STAY = """
from cynn.callbacks import Callback

cynn.set_num_threads(2)
seen = []

class Look(Callback):
    def on_epoch_end(self, epoch, logs=None):
        seen.append(set(os.listdir("/proc/self/task")))
        if fails and epoch == 2:
            raise OSError("no space")

def left():
    until = time.monotonic() + 10
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
        time.sleep(0.001)
    return len(os.listdir("/proc/self/task"))

for fails in (False, True):
    seen.clear()
    model = Model([Dense(200, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(0.01, 0.9))
    try:
        model.fit(
            x, y, batch_size=128, epochs=4, validation_data=(x, y), callbacks=[Look()], verbose=0
        )
    except OSError:
        print("failed")
    print(len(seen), [len(tasks) for tasks in seen[1:3]], seen[1] == seen[2], left())
    print(model._network.keeps_threads)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads by Linux's /proc")
def test_threads_stay_for_a_fit():
    said = python(LARGE + STAY, OPENBLAS_NUM_THREADS="1")
    assert said == "4 [2, 2] True 1\nFalse\nfailed\n3 [2, 2] True 1\nFalse\n"


KEPT = """
cynn.set_num_threads(2)
tasks = lambda: set(os.listdir("/proc/self/task"))

def left(n):
    until = time.monotonic() + 10
    while len(tasks()) > n and time.monotonic() < until:
        time.sleep(0.001)
    return len(tasks())

model = Model([Dense(200, "relu"), Dense(10, "softmax")], seed=0)
model.build(x.shape[1])
rows = x[:40].copy()
wanted = model.predict(rows)
with cynn.keep_threads():
    seen = []
    for _ in range(3):
        assert np.array_equal(model.predict(rows), wanted)
        seen.append(tasks())
    with cynn.keep_threads():
        pass  # the outer one goes on
    print([len(each) for each in seen], seen[0] == seen[2] == tasks())
    child = os.fork()
    if child == 0:  # which has none of these threads, and starts its own
        good = len(tasks()) == 1 and np.array_equal(model.predict(x), model.predict(x))
        os._exit(0 if good and left(1) == 1 else 1)
    print(os.waitpid(child, 0)[1], np.array_equal(model.predict(rows), wanted), tasks() == seen[0])
print(left(1))
try:
    with cynn.keep_threads():
        model.predict(rows)
        raise KeyError
except KeyError:
    print(left(1))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads by Linux's /proc")
def test_threads_that_a_caller_keeps():
    said = python(LARGE + KEPT, OPENBLAS_NUM_THREADS="1", PYTHONWARNINGS="ignore")
    assert said == "[2, 2, 2] True\n0 True True\n1\n1\n"


PLACED = """
tasks = lambda: os.listdir("/proc/self/task")

def allowed(task):
    lines = open(f"/proc/self/task/{task}/status").read().splitlines()
    return next(line for line in lines if line.startswith("Cpus_allowed:"))

cynn.set_num_threads(3)
model = Model([Dense(200, "relu"), Dense(10, "softmax")], seed=0)
model.build(x.shape[1])
for cores in (os.sched_getaffinity(0), {min(os.sched_getaffinity(0))}):
    os.sched_setaffinity(0, cores)
    with cynn.keep_threads():
        model.predict(x)
        until = time.monotonic() + 10  # one that comes late is not free yet
        while len(seen := {allowed(task) for task in tasks()}) > 1 and time.monotonic() < until:
            time.sleep(0.001)
    print(seen == {allowed(os.getpid())})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's /proc")
def test_threads_may_run_where_the_process_may():
    """A thread begins on another core than its caller's, where there is one, and is free then."""
    assert python(LARGE + PLACED, OPENBLAS_NUM_THREADS="1") == "True\nTrue\n"


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="this Python has no lock to let go"
)
def test_the_gil_is_released_while_kernels_run(compiled):
    """Another thread runs while a single call of the network does."""
    network = compiled.module.Network(300, [("dense", 300, "relu"), ("dense", 10, "softmax")])
    network.compile("softmax_cross_entropy")
    x = np.zeros((2000, 300), compiled.dtype)
    y, order = np.zeros(2000, np.int32), np.arange(2000)
    rates, momenta = np.full(63, 0.1), np.zeros(63)
    out = np.empty((2000, 10), compiled.dtype)
    gradient = np.empty(network.n_params, compiled.dtype)
    steps, over = 0, threading.Event()

    def count():
        nonlocal steps
        while not over.is_set():
            steps += 1
            over.wait(1e-4)

    thread = threading.Thread(target=count)
    calls = {
        "train_epoch": lambda: network.train_epoch(
            x, y, None, order, (rates, momenta), 32, 0, np.inf, None, 1
        ),
        "gradients": lambda: network.gradients(x, y, None, gradient, 1),
        "evaluate": lambda: network.evaluate(x, y, None, None, 1),
        "predict": lambda: network.predict(x, out, 1),
    }

    def lets_others_run(call):
        for _ in range(100):  # a call may be over before the other thread wakes up
            before = steps
            call()
            if steps > before:
                return True
        return False

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # others run only where the GIL is released
    thread.start()
    try:
        assert not lets_others_run(lambda: sum(range(10_000)))
        assert [name for name, call in calls.items() if not lets_others_run(call)] == []
    finally:
        sys.setswitchinterval(interval)
        over.set()
        thread.join()


# ---- one model, several threads -----------------------------------------------------------------


def test_concurrent_predictions():
    model = trained()
    x = np.tile(X, (50, 1))
    wanted = model.predict(x).tobytes(), model.evaluate(x, np.tile(Y, 50))
    wrong = []

    def predict():
        for _ in range(20):
            if (model.predict(x).tobytes(), model.evaluate(x, np.tile(Y, 50))) != wanted:
                wrong.append(1)

    together = [threading.Thread(target=predict) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert wrong == []


def in_a_thread(action):
    """Call in another thread; return the exception that it raised."""
    raised = []

    def run():
        try:
            action()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


ACTIONS = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "compile": lambda model: model.compile(),
    "build": lambda model: model.build(4),
    "predict": lambda model: model.predict(X),
    "evaluate": lambda model: model.evaluate(X, Y),
    "get_weights": lambda model: model.get_weights(),
    "set_weights": lambda model: model.set_weights(model.get_weights()),
    "set_optimizer_state": lambda model: model.set_optimizer_state(trained().get_weights()),
    "save": lambda model: model.save("never-written"),
}


def test_calls_during_a_fit_in_another_thread():
    from cynn.callbacks import Callback

    said = {}

    class Beside(Callback):
        def on_epoch_end(self, epoch, logs=None):
            for name, action in ACTIONS.items():
                said[name] = in_a_thread(lambda action=action: action(self.model))

    model = trained()
    model.fit(X, Y, callbacks=[Beside()], verbose=0)
    assert set(said) == set(ACTIONS)
    for name, error in said.items():
        assert isinstance(error, RuntimeError), name
        assert "the model is busy with a fit" in str(error)
    assert all(in_a_thread(lambda a=a: a(model)) is None for a in list(ACTIONS.values())[:-1])


def test_calls_during_an_evaluation_in_another_thread():
    from cynn.metrics import Metric

    said = {}

    class Beside(Metric):
        name = "beside"

        def score(self, y, prediction):
            for name in ("fit", "compile", "build", "set_optimizer_state"):
                said[name] = in_a_thread(lambda action=ACTIONS[name]: action(model))
            assert in_a_thread(lambda: (model.predict(X), model.get_weights())) is None
            return np.zeros(len(y))

    model = classifier(metrics=[Beside()])
    model.build(4)
    before = bits(model)
    model.evaluate(X, Y)
    assert len(said) == 4
    for name, error in said.items():
        assert isinstance(error, RuntimeError), name
        assert "predictions are running on the model" in str(error)
    assert bits(model) == before
    model.compile()


def test_the_guard_after_a_fork(monkeypatch):
    """A child process has none of its parent's threads, and so none of its readers and writers."""
    guard = Guard()
    guard.users().admit_writer((0, "fit"), False)
    with pytest.raises(RuntimeError, match="cannot predict: the model is busy with a fit"):
        guard.users().expect_own(guard.users().writer, "predict")
    monkeypatch.setattr("cynn._runtime.access._forks", 1 << 20)  # as if this were a child
    assert guard.users().writer is None
    guard.users().readers.add(object())
    with pytest.raises(RuntimeError, match="cannot fit: predictions are running"):
        guard.users().admit_writer((0, "fit"), False)
