"""
One training on many processes
==============================

Ranks, processes on one machine or many, train one model together: each computes the gradient of
its part of a mini-batch, and all take the same step. The program is the same with one process and
with many; the launcher makes the difference::

    pip install 'cynn-learn[mpi]'
    mpirun -n 4 python ranks.py
"""

import numpy as np

from cynn import Model, distributed
from cynn.layers import Dense
from cynn.optimizers import SGD

# %%
# All ranks draw the same rows here, so these are the whole data, and each takes its part of every
# mini-batch. Rows that are too many for one machine can be shards, a part for each rank.

rng = np.random.default_rng(0)
x = rng.normal(size=(2000, 16)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype(int)

# %%
# `cynn.distributed.job` gives the communicator of a program that a launcher started, and None in
# any other, for which ``fit`` trains alone. An error on one rank ends all of them, and only the
# first one prints.

with distributed.job() as comm:
    model = Model([Dense(64, "relu"), Dense(2, "softmax")], seed=0)
    model.compile(SGD(0.1, momentum=0.9), metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=20, comm=comm, verbose=0)
    ranks = 1 if comm is None else comm.Get_size()
    print(f"{ranks} ranks, accuracy {history.history['accuracy'][-1]:.3f}")
