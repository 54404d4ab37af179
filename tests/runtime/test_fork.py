"""A process that forked, before, after or during a training, can train in the child."""

import os
import sys

import pytest

from models import python
from places import HELPERS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

PARENT = """
import os, signal, sys, threading, time, warnings
import numpy as np
import cynn
from cynn import Model
from cynn.callbacks import Callback
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
cynn.set_num_threads(2)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(3000, 300)).astype("f4"), rng.integers(0, 10, 3000)

def fresh():
    model = Model([Dense(200, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(0.01, 0.9))
    model.build(300)
    return model

def trained(model):
    model.fit(x, y, batch_size=128, verbose=0)
    model.predict(x), model.evaluate(x, y)
    return bits(model)

def in_child(action):
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs dies
        try:
            os._exit(0 if action() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1]
"""

AFTER = """
model = fresh()
once = trained(model)
print(in_child(lambda: trained(fresh()) == once), in_child(lambda: trained(model) != once))
twice = in_child(lambda: in_child(lambda: trained(fresh()) == once) == 0)
print(twice, trained(fresh()) == once)
"""

MEANWHILE = """
once = trained(fresh())
busy, over = fresh(), threading.Event()

def train():
    while not over.is_set():
        busy.fit(x, y, batch_size=128, verbose=0)
        busy.predict(x)

thread = threading.Thread(target=train)
thread.start()
codes = set()
for _ in range(10):
    time.sleep(0.005)
    codes.add(in_child(lambda: trained(fresh()) == once))
    codes.add(in_child(lambda: len(trained(busy)) == len(once)))  # the model in use, too
over.set()
thread.join()
print(codes)
"""

CALLBACK = """
class Fork(Callback):
    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        print(in_child(lambda: trained(fresh()) == once and len(trained(model)) == len(once)))

once = trained(fresh())
model = fresh()
model.fit(x, y, epochs=2, callbacks=[Fork()], verbose=0)
trained(model)
"""

GOES_ON = """
class Fork(Callback):
    child = None

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            Fork.child = os.fork()
            if Fork.child == 0:
                signal.alarm(20)

def four_epochs(*callbacks):
    model = fresh()
    model.fit(x, y, batch_size=128, epochs=4, callbacks=callbacks, verbose=0)
    return bits(model)

wanted = four_epochs()
same = four_epochs(Fork()) == wanted
if Fork.child == 0:
    os._exit(0 if same else 1)
print(same, os.waitpid(Fork.child, 0)[1])
"""

TWO_AT_ONCE = """
model = fresh()
model.predict(x[:1])
wanted = model.predict(x).tobytes()

def two():
    found = []
    ask = lambda: found.extend(model.predict(x).tobytes() for _ in range(3))
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(found) == {wanted} and not model._network.keeps_threads

codes = set()
for _ in range(10):
    model._network.keeps_threads = True
    model.predict(x)
    codes.add(in_child(two))
    model._network.keeps_threads = False
print(codes)
"""

SHUTDOWN = """
model = fresh()
thread = threading.Thread(
    target=lambda: model.fit(x, y, batch_size=128, epochs=10**6, verbose=0), daemon=True
)
thread.start()
time.sleep(0.1)
print("end", flush=True)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (AFTER, "0 0\n0 True\n"),
        (MEANWHILE, "{0}\n"),
        (CALLBACK, "0\n0\n"),
        (GOES_ON, "True 0\n"),  # the fit itself, in both
        (TWO_AT_ONCE, "{0}\n"),  # a child does not use the threads that its parent keeps
        (SHUTDOWN, "end\n"),  # a daemon thread in a kernel does not keep the process alive
    ],
    ids=["after a fit", "beside a fit", "in a callback", "goes on", "two at once", "shutdown"],
)
def test_train_in_the_child(program, said):
    assert python(PARENT + program, timeout=100) == said


SPAWN = """
import multiprocessing, sys
from models import bits, blobs, trained

def bits_of_more(model):
    model.fit(*blobs(), verbose=0)
    return bits(model)

if __name__ == "__main__":
    import spawned
    model = trained()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        got = pool.apply(spawned.bits_of_more, (model,))
    print(got == bits_of_more(model))
"""


def test_a_model_is_sent_to_another_process(tmp_path):
    (tmp_path / "spawned.py").write_text(SPAWN)
    path = os.pathsep.join([str(tmp_path), str(HELPERS)])
    program = f"import runpy; runpy.run_path({str(tmp_path / 'spawned.py')!r}, run_name='__main__')"
    assert python(program, PYTHONPATH=path) == "True\n"
    assert "spawned" not in sys.modules
