"""Several threads at once: one model, many models, one network; with the GIL and without.

The kernels release the GIL, so most of this matters in every build of Python; in free-threaded
builds (``Py_GIL_DISABLED``), so does the Python code around them.
"""

import copy
import os
import sys
import sysconfig
import threading
import time
import warnings

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn._runtime import threads
from cynn._runtime.access import Guard
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits, blobs, python

X, Y = blobs(600, 30, 4)
FREE = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


@pytest.fixture(autouse=True)
def two_threads_a_call():
    """Set enough threads that some run concurrently on any machine; restore them afterwards."""
    cynn.set_num_threads(2)
    yield
    cynn.set_num_threads(None)


@pytest.fixture(autouse=True, scope="module")
def quick_switches():
    """Make the interpreter switch threads often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*actions):
    """Call all at once, each in a thread; return their results, or raise the first one's error."""
    start = threading.Barrier(len(actions))
    gave, raised = [None] * len(actions), []

    def run(i, action):
        start.wait()
        try:
            gave[i] = action()
        except BaseException as error:
            raised.append(error)

    team = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    if raised:
        raise raised[0]
    return gave


def model(seed=0, dtype="float32", momentum=0.9, hidden=130):
    made = Model([Dense(hidden, "relu"), Dense(4, "softmax")], dtype=dtype, seed=seed)
    made.compile(SGD(0.05, momentum), metrics=["accuracy"])
    made.build(30)
    return made


# ---- one model ----------------------------------------------------------------------------------


def test_readers_of_one_model(compiled, monkeypatch):
    """Whatever they read, each gets the result that it would get by itself."""
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    one = model(dtype=compiled.dtype)
    one.fit(X, Y, verbose=0)
    x = np.tile(X, (8, 1))

    reads = [
        lambda: one.predict(x).tobytes(),
        lambda: one.predict(x[:7]).tobytes(),
        lambda: one.evaluate(x, np.tile(Y, 8)),
        lambda: bits(one),
        lambda: bits(copy.deepcopy(one)),
    ]
    wanted = [read() for read in reads]
    for _ in range(3):
        assert together(*reads, *reads) == wanted * 2


def test_concurrent_saves_and_predictions(tmp_path):
    one = model()
    one.fit(X, Y, verbose=0)
    wanted = one.predict(X).tobytes()

    def save():
        path = tmp_path / f"{threading.get_ident()}"
        for _ in range(5):
            one.save(path)
        return bits(Model.load(path))

    def predict():
        return {one.predict(X).tobytes() for _ in range(50)}

    assert together(save, save, predict, predict) == [bits(one)] * 2 + [{wanted}] * 2


def test_a_fit_concurrent_with_predictions_is_whole_or_refused():
    """A prediction uses the weights before a fit or after it, or it or the fit is refused."""
    fits = 12
    alone, one = model(), model()
    x = np.tile(X, (20, 1))  # so that predicting takes about as long as a fit
    states = [alone.predict(x).tobytes()]
    for _ in range(fits):
        alone.fit(X, Y, epochs=2, verbose=0)
        states.append(alone.predict(x).tobytes())
    over, said, seen = threading.Event(), set(), set()

    def attempt(action):
        try:
            return action()
        except RuntimeError as error:
            said.add(str(error))
            return None

    def train():
        done = 0
        try:
            while done < fits:
                done += attempt(lambda: one.fit(X, Y, epochs=2, verbose=0)) is not None
                time.sleep(1e-3)
        finally:
            over.set()

    def read():
        while not over.is_set():
            found = attempt(lambda: one.predict(x))
            seen.add(None if found is None else found.tobytes())
            time.sleep(1e-3)  # let the fit start

    together(train, read, read)
    assert bits(one) == bits(alone)
    assert seen - {None} <= set(states)
    assert said <= {
        "cannot predict: the model is busy with a fit",
        "cannot fit: predictions are running on the model",
    }
    assert one.predict(x).tobytes() == states[-1]


def test_one_of_many_concurrent_fits_runs():
    one, begin = model(), threading.Event()
    trained, refused = [], []

    class Wait(cynn.callbacks.Callback):
        def on_train_begin(self, logs=None):
            assert begin.wait(60)

    def fit():
        try:
            one.fit(X, Y, verbose=0, callbacks=[Wait()])
            trained.append(1)
        except RuntimeError as error:
            refused.append(str(error))
        if len(refused) == 3:
            begin.set()

    together(*[fit] * 4)
    assert trained == [1]
    assert refused == ["cannot fit: the model is busy with a fit"] * 3
    alone = model()
    alone.fit(X, Y, verbose=0)
    assert bits(one) == bits(alone)


# ---- many models --------------------------------------------------------------------------------


def test_fits_of_many_models(compiled, monkeypatch):
    """The bits of one after the other, while the number of threads keeps changing."""
    monkeypatch.setenv("CYNN_TARGET", compiled.name)

    def fit(seed):
        made = model(seed, compiled.dtype)
        history = made.fit(X, Y, epochs=2, batch_size=200, verbose=0).history
        return bits(made), history, made.predict(X).tobytes()

    over = threading.Event()

    def change():
        for n in (1, 3, None, 2) * 1000:
            cynn.set_num_threads(n)
            if over.is_set():
                return

    def fit_all():
        try:
            return together(*[lambda seed=seed: fit(seed) for seed in range(4)])
        finally:
            over.set()

    wanted = [fit(seed) for seed in range(4)]
    assert together(fit_all, change)[0] == wanted


def test_the_warnings_filters_stay_as_they_are(tmp_path):
    """They belong to the process: to silence them for a while silences other threads too."""
    path = tmp_path / "model"
    model().save(path)
    before = list(warnings.filters)

    def load():
        for _ in range(20):
            Model.load(path)
            assert list(warnings.filters) == before

    together(*[load] * 4)
    assert list(warnings.filters) == before


def test_saves_to_one_path_leave_a_whole_model(tmp_path):
    path = tmp_path / "model"
    models = [model(seed) for seed in range(3)]
    whole = {bits(one) for one in models}
    models[0].save(path)

    def save(one):
        for _ in range(10):
            one.save(path)

    def load():
        return {bits(Model.load(path)) for _ in range(20)}

    *_, first, second = together(*[lambda one=one: save(one) for one in models], load, load)
    assert first | second <= whole
    assert [found.name for found in tmp_path.iterdir()] == ["model"]


# ---- below the model ----------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [False, True])
def test_readers_of_one_network(compiled, kept):
    """A network has no guard: calls that only read may run concurrently, and are right.

    Where threads are kept, one call uses them, and the others start their own.
    """
    network = compiled.module.Network(30, [("dense", 200, "tanh"), ("dense", 4, "softmax")])
    network.compile("softmax_cross_entropy")
    rng = np.random.default_rng(0)
    params = (0.1 * rng.standard_normal(network.n_params)).astype(compiled.dtype)
    network.set_params(params)
    x, y = np.tile(X, (4, 1)), np.tile(Y, 4).astype(np.int32)

    def predict():
        out = np.empty((len(x), 4), compiled.dtype)
        network.predict(x, out, 2)
        return out.tobytes()

    def gradients():
        out = np.empty(network.n_params, compiled.dtype)
        return network.gradients(x, y, None, out, 2), out.tobytes()

    def velocity():
        out = np.empty(network.n_params, compiled.dtype)
        network.get_slot("velocity", out)
        return out.tobytes()

    reads = [predict, gradients, lambda: network.evaluate(x, y, None, None, 2), velocity]
    wanted = [read() for read in reads]
    for _ in range(3):
        network.keeps_threads = kept
        assert together(*reads, *reads) == wanted * 2
        network.keeps_threads = False


def test_velocity_before_the_first_step(compiled):
    """There is none before the first step, and reading allocates none: else a race is reported."""
    for _ in range(5):
        network = compiled.module.Network(30, [("dense", 400, "relu")])
        network.compile("mean_squared_error")

        def velocity(network=network):
            out = np.ones(network.n_params, compiled.dtype)
            network.get_slot("velocity", out)
            return out.any()

        assert not any(together(*[velocity] * 4))


@pytest.mark.parametrize("chosen", [None, 3])
def test_the_number_of_threads_changes_between_two_lines(chosen):
    """Another thread may set it at any time; what is read is one of the numbers that were set."""

    def trace(frame, event, argument):
        if frame.f_code is threads.get_num_threads.__code__:
            cynn.set_num_threads(None if threads._chosen else 3)
        return trace

    cynn.set_num_threads(chosen)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = cynn.get_num_threads()
    finally:
        sys.settrace(before)
    assert found in (3, threads.available_cores())


def test_threads_of_a_forked_child_share_one_guard(monkeypatch):
    """The first threads of a forked child call at once: all must get the same users."""
    guard = Guard()
    for process in range(-100, 0):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        assert len(set(map(id, together(*[guard.users] * 4)))) == 1


# ---- the interpreter ----------------------------------------------------------------------------

IMPORTS = """
import sys
import cynn
from targets import TARGETS

for target in TARGETS:
    target.module
print(sys._is_gil_enabled())
"""


@pytest.mark.skipif(not FREE, reason="this Python always has the GIL")
def test_the_gil_stays_disabled():
    """A module not declared safe for free threading would enable it again, with a warning."""
    assert python(IMPORTS, PYTHON_GIL="") == "False\n"


OTHER_INTERPRETER = """
import importlib.util
import sys
from cynn.kernels import processor

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

program = '''
import importlib.util
spec = importlib.util.spec_from_file_location("cynn.kernels.processor", {path!r})
try:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
except ImportError:
    pass
else:
    raise AssertionError("a second interpreter has it")
'''.format(path=processor.__file__)

for kind in [("isolated",), ("legacy",)] if sys.version_info >= (3, 13) else [()]:
    made = interpreters.create(*kind)
    print(interpreters.run_string(made, program))
    interpreters.destroy(made)
"""


def test_a_second_interpreter_of_the_process_is_refused():
    """An ImportError, not a crash. (Before that, NumPy refuses one whose GIL is its own.)"""
    said = python(OTHER_INTERPRETER)
    assert set(said.splitlines()) == {"None"}
