"""The same seed gives the same bits: in every run, on any number of threads, in any memory."""

import platform

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn._model import loops
from cynn._training import fitting
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits, python
from wide_network import INPUTS, data, network

THREADS = (1, 2, 3, 5, 16)


@pytest.fixture(autouse=True)
def no_choice_left_behind():
    yield
    cynn.set_num_threads(None)


def run(target, monkeypatch, n, batch_size, threads):
    """Train a model large enough for many threads; return the bits of all its results."""
    monkeypatch.setenv("CYNN_TARGET", target.name)
    monkeypatch.setattr(fitting, "SLICE_SECONDS", np.inf)
    cynn.set_num_threads(threads)
    x, y, weight = data(n)
    model = Model([Dense(200, "relu"), Dense(10, "softmax")], dtype=target.dtype, seed=0)
    model.compile(SGD(1e-5, 0.9, nesterov=True, weight_decay=1e-4), metrics=["accuracy"])
    history = model.fit(x, y, batch_size=batch_size, sample_weight=weight, epochs=2, verbose=0)
    return (
        bits(model),
        history.history,
        model.evaluate(x, y, sample_weight=weight),
        model.predict(x).tobytes(),
    )


@pytest.mark.parametrize(
    ("n", "batch_size"),
    [(70, 1), (70, 2), (190, 31), (190, 32), (190, 33), (300, 128), (300, 1024), (1200, 1100)],
)
def test_same_bits_on_any_number_of_threads(compiled, monkeypatch, n, batch_size):
    wanted = run(compiled, monkeypatch, n, batch_size, 1)
    assert np.isfinite(wanted[1]["loss"]).all()
    for threads in (*THREADS, 2):
        assert run(compiled, monkeypatch, n, batch_size, threads) == wanted, threads


def all_that_it_does(target, fill, threads):
    """Train, gradients, evaluate and predict on fresh workspaces filled with a byte."""
    made = network(target)
    made.scratch_fill = fill
    x, y, weight = data(150)
    weight = weight.astype(target.dtype)
    results = []
    for batch_size in (1, 33, 64, 150, 1000):
        steps = -(-150 // batch_size)
        outputs = np.empty((150, 10), target.dtype)
        rates, momenta = np.full(steps, 0.01), np.full(steps, 0.9)
        sums = made.train_epoch(
            x, y, weight, np.arange(150)[::-1].copy(), (rates, momenta), batch_size, 0, np.inf,
            outputs, threads,
        )  # fmt: skip
        results += [sums, outputs.tobytes()]
    for n in (1, 31, 150):
        gradient = np.empty(made.n_params, target.dtype)
        outputs = np.empty((n, 10), target.dtype)
        results.append(made.gradients(x[:n], y[:n], weight[:n], gradient, threads))
        results.append(gradient.tobytes())
        results.append(made.evaluate(x[:n], y[:n], weight[:n], outputs, threads))
        results.append(outputs.tobytes())
        made.predict(x[:n], outputs, threads)
        results.append(outputs.tobytes())
    return results


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_uninitialised_memory_changes_no_bit(compiled, threads):
    wanted = all_that_it_does(compiled, -1, 1)
    for fill in (0x00, 0xFF):
        assert all_that_it_does(compiled, fill, threads) == wanted


@pytest.mark.parametrize("kept", [False, True])
def test_threads_that_come_and_go(compiled, kept):
    """Threads that stay between the calls of a fit, and threads that are late, change no bit."""
    x, y, weight = data(600)
    weight = weight.astype(compiled.dtype)
    found = set()
    for counts in ([1] * 8, [3] * 8, [2, 16, 1, 5, 2, 1, 3, 16]):
        made = network(compiled)
        made.keeps_threads = kept
        sums = []
        for i, threads in enumerate(counts):
            made.updates = i
            sums += made.train_epoch(
                x, y, weight, np.arange(600), (np.full(6, 0.01), np.full(6, 0.9)), 100, 0, np.inf,
                None, threads,
            )  # fmt: skip
        assert made.keeps_threads == kept
        made.keeps_threads = False
        flat = np.empty(made.n_params, compiled.dtype)
        made.get_params(flat)
        found.add((flat.tobytes(), *sums))
    assert len(found) == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_has_the_same_bits_in_any_batch(compiled, threads):
    """At every position in a tile and in a thread's share, whatever the other rows hold."""
    made = network(compiled)
    x, y, _ = data(230)
    x = x.astype(compiled.dtype)
    together, alone = (np.empty((230, 10), compiled.dtype) for _ in range(2))
    made.predict(x, together, threads)
    for i in range(230):
        made.predict(x[i : i + 1], alone[i : i + 1], threads)
    assert together.tobytes() == alone.tobytes()
    losses = [made.evaluate(x[i : i + 1], y[i : i + 1], None, alone[:1], 1)[0] for i in range(230)]
    assert alone[:1].tobytes() == together[-1:].tobytes()
    assert made.evaluate(x, y, None, None, threads)[0] == pytest.approx(sum(losses), rel=1e-12)
    x[::2] = np.nan  # neighbours of the worst kind
    made.predict(x, alone, threads)
    assert alone[1::2].tobytes() == together[1::2].tobytes()
    assert np.isnan(alone[::2]).all()


def test_a_model_predicts_row_by_row(compiled, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    monkeypatch.setattr(loops, "SLICE_WORK", 2e5)  # many slices
    x = data(50)[0]
    model = Model([Dense(20, "relu"), Dense(3)], dtype=compiled.dtype, seed=0)
    model.build(INPUTS)
    together = model.predict(x)
    assert len(loops.slices(model._network, 50)) > 1
    assert b"".join(model.predict(x[i : i + 1]).tobytes() for i in range(50)) == together.tobytes()


def test_time_slices_change_no_bit(compiled, monkeypatch):
    def train(seconds):
        monkeypatch.setattr(fitting, "SLICE_SECONDS", seconds)
        monkeypatch.setenv("CYNN_TARGET", compiled.name)
        x, y, weight = data(300)
        model = Model([Dense(200, "relu"), Dense(10, "softmax")], dtype=compiled.dtype, seed=0)
        model.compile(SGD(1e-5, 0.9), metrics=["accuracy"])
        history = model.fit(x, y, sample_weight=weight, verbose=0).history
        return bits(model), history["accuracy"], history["loss"]

    assert train(0.0) == train(np.inf)


MTRACE = """
import ctypes, sys
import numpy as np
from targets import TARGETS
from wide_network import INPUTS, data, network

find = ctypes.CDLL(None).dlvsym
find.argtypes, find.restype = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p], ctypes.c_void_p
# Of the two that are there, that of the preloaded library; its version is the architecture's first.
versions = (b"GLIBC_2.2.5", b"GLIBC_2.17", b"GLIBC_2.27", b"GLIBC_2.36")
begin, end = (
    next((ctypes.CFUNCTYPE(None)(at) for v in versions if (at := find(None, name, v))), None)
    for name in (b"mtrace", b"muntrace")
)
x, y, weight = data(100)

def allocations(made, steps, threads):
    order, rates = np.zeros(8 * steps, np.int64), np.full(steps, 0.01)
    begin()
    for _ in range(2):
        made.train_epoch(x, y, None, order, (rates, rates), 8, 0, np.inf, None, threads)
    end()
    return sum(" + 0x" in line for line in open(sys.argv[1]))

if begin is None:
    print("no mtrace")
else:
    for target in TARGETS:
        if not target.is_reference:
            for threads in (1, 2):
                made = network(target)
                allocations(made, 3, threads)  # what is allocated once
                print(*(allocations(made, steps, threads) for steps in (30, 300)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="counts with glibc's mtrace")
def test_a_step_allocates_nothing(tmp_path):
    """A call may allocate; ten times as many steps in it may not allocate more."""
    log = str(tmp_path / "log")
    said = python(MTRACE, log, MALLOC_TRACE=log, LD_PRELOAD="libc_malloc_debug.so.0")
    if said == "no mtrace\n":
        pytest.skip("this C library has no libc_malloc_debug.so.0")
    counts = [tuple(map(int, line.split())) for line in said.splitlines()]
    assert counts
    for few, many in counts:
        assert 2 <= few and many < few + 20  # a workspace for each call, a little for each thread
