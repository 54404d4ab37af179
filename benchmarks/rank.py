"""One rank of a measurement: the times of a training step's parts, explained in distributed.py.

mpiexec -n RANKS python launch.py rank SHAPE ROWS SECONDS prints a JSON object from rank 0.
"""

import itertools
import json
import math
import sys
import time
from typing import Any

import numpy as np

from cynn import Model, _backend, distributed
from cynn._comm.ranks import GradientSum
from cynn._comm.shards import Shard
from cynn.layers import Dense
from cynn.optimizers import SGD


def main(shape: str, rows: str, seconds: str) -> None:
    """Measure, and print from rank 0."""
    comm = distributed.world()
    seconds_of = measured(comm, [int(n) for n in shape.split("-")], int(rows), float(seconds))
    if comm.Get_rank() == 0:
        print(json.dumps(seconds_of))


def measured(comm: Any, widths: list[int], rows: int, seconds: float) -> dict[str, float]:
    """Return the least seconds of each part of a step, of many steps in turn; and ratios."""
    rng = np.random.default_rng(comm.Get_rank())
    x = rng.random((rows, widths[0]), np.float32)
    y = rng.integers(0, widths[-1], rows).astype(np.int32)
    hidden = [Dense(n, "relu") for n in widths[1:-1]]
    model = Model([*hidden, Dense(widths[-1], "softmax")], seed=0)
    model.compile(SGD(1e-3, 0.9))
    model.build(widths[0])
    network = model._network
    exchange = GradientSum(
        comm, model, Shard(rows, rows, False, comm.Get_rank(), comm.Get_size()), rows
    )
    order, rate = np.arange(rows), np.full(1, 1e-3)

    def fused() -> None:
        network.train_epoch(x, y, None, order, (rate, rate), rows, 0, 9.0, None, 1)

    def compute() -> None:
        network.gradients(x, y, None, exchange.gradient, 1)

    def update() -> None:
        exchange.gradient /= rows * comm.Get_size()
        network.update(exchange.gradient, 1e-3, 1e-3)

    def hidden_exchange() -> None:
        """The exchange overlapped with the computation: what is exchanged does not matter here."""
        request = comm.Iallreduce(None, beside)
        compute()
        request.Wait()

    kernels = _backend.kernels("float32")
    inputs = [rng.random((rows, n), np.float32) for n in widths[:-1]]
    deltas = [rng.random((rows, n), np.float32) for n in widths[1:]]
    flat = np.zeros(sum(a * b for a, b in itertools.pairwise(widths)), np.float32)
    layers, done = [], 0
    for x_in, delta in zip(inputs[::-1], deltas[::-1], strict=True):  # backward
        shape = x_in.shape[1], delta.shape[1]
        past = done + math.prod(shape)
        layers.append((x_in, delta, flat[done:past].reshape(shape)))
        done = past

    def weights() -> None:
        for each in layers:
            kernels.matmul_tn(*each)

    def in_turn() -> None:
        weights()
        comm.Allreduce(None, flat)

    def waiting() -> None:
        for each in layers:
            kernels.matmul_tn(*each)
            comm.Allreduce(None, each[2])

    def overlapped() -> None:
        """Send each layer's gradient when it is ready; each call progresses the earlier ones."""
        requests: list[Any] = []
        for each in layers:
            kernels.matmul_tn(*each)
            for request in requests:
                request.Test()
            requests.append(comm.Iallreduce(None, each[2]))
        for request in requests:
            request.Wait()

    beside = np.zeros(network.n_params, np.float32)
    parts = {
        "fused": fused,
        "gradients": compute,
        "exchange": lambda: exchange.sum(rows),
        "update": update,
        "beside": hidden_exchange,
    }
    ways = {"in_turn": in_turn, "bound": weights, "waiting": waiting, "overlapped": overlapped}
    times: dict[str, list[float]] = {name: [] for name in parts | ways}
    until = time.perf_counter() + seconds
    over = False
    while not over:
        for name, part in (parts | ways).items():
            comm.Barrier()
            start = time.perf_counter()
            part()
            times[name].append(max(comm.allgather(time.perf_counter() - start)))
        over = comm.bcast(time.perf_counter() > until, 0)
    ratios = {name: np.divide(times[name], times["in_turn"]) for name in ways}
    return (
        {"n_params": network.n_params}
        | {name: min(times[name]) for name in parts}
        | {name: float(np.median(ratios[name])) for name in ways if name != "in_turn"}
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
