"""Threads beside programs that use all cores: the same bits, and no core for those that wait."""

import contextlib
import subprocess
import sys
import time

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn.callbacks import Callback
from cynn.layers import BatchNorm, Dense, Dropout
from cynn.optimizers import Adam
from models import bits

RNG = np.random.default_rng(0)
X, Y = RNG.random((2000, 100), np.float32), RNG.integers(0, 10, 2000)


@contextlib.contextmanager
def neighbours(count):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def the_usual_threads():
    yield
    cynn.set_num_threads(None)


def trained(threads, callbacks=()):
    cynn.set_num_threads(threads)
    layers = [Dense(512, "relu"), BatchNorm(), Dropout(0.2), Dense(10, "softmax")]
    model = Model(layers, seed=0)
    model.compile(Adam(0.001))
    model.fit(X, Y, epochs=4, batch_size=128, callbacks=callbacks, verbose=0)
    return bits(model), model.predict(X).tobytes()


def test_members_come_and_go_to_the_same_bits():
    alone = trained(1)
    with neighbours(3):
        for threads in (2, 3, 8):
            assert trained(threads) == alone


class Pause(Callback):
    """Sleeps after an epoch, and measures what the process computes meanwhile."""

    seconds = 0.0

    def on_epoch_end(self, epoch, logs=None):
        before = time.process_time()
        time.sleep(0.1)
        self.seconds += time.process_time() - before


def test_helpers_use_no_core_while_the_fit_does_something_else():
    pause = Pause()
    trained(2, [pause])
    assert pause.seconds < 0.1  # of 0.4
