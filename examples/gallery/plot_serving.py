"""
Serving from a pool of threads
==============================

A prediction of one row takes some microseconds, and the kernels work without Python's lock (GIL).
So a server can ask one model from all of its threads at once, without a queue, a copy or a
process for each of them.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib import pyplot

from cynn import Model
from cynn.datasets import make_digits
from cynn.layers import Dense, Flatten, Rescale

x, y = make_digits(1000, seed=0)
trained = Model([Flatten(), Rescale(1 / 255), Dense(128, "relu"), Dense(10, "softmax")], seed=0)
trained.compile("adam", metrics=["accuracy"])
trained.fit(x, y, epochs=5, verbose=0)

# %%
# A server starts from a file, which holds no code: one that is damaged is one error, and nothing in
# it is executed.

with TemporaryDirectory() as folder:
    path = Path(folder, "digits.safetensors")
    trained.save(path)
    model = Model.load(path)

# %%
# One row at a time, as requests come:


def seconds(row):
    """Return how long a prediction of one row takes."""
    start = time.perf_counter()
    model.predict(row)
    return time.perf_counter() - start


rows = [x[i : i + 1] for i in range(len(x))]
times = 1e6 * np.array([seconds(row) for row in rows])
print(f"median {np.median(times):.1f} microseconds, 99 % below {np.quantile(times, 0.99):.1f}")

# %%
# From four threads at once, with the same answers, to the bit:

with ThreadPoolExecutor(4) as pool:
    answers = np.concatenate(list(pool.map(model.predict, rows)))
print(np.array_equal(answers, np.concatenate([model.predict(row) for row in rows])))

# %%
figure, ax = pyplot.subplots(figsize=(8, 4), layout="constrained")
ax.hist(np.minimum(times, 5 * np.median(times)), bins=60)
ax.set_xlabel("microseconds for a prediction of one row")
ax.set_ylabel("predictions")
pyplot.show()
