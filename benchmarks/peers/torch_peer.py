"""PyTorch on the CPU, eager and compiled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from ..cases import LEARNING_RATE, Case
from .base import Peer


def network(case: Case) -> nn.Sequential:
    """Make the network, with PyTorch's initial weights; its outputs are logits."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n, m in zip(case.sizes, case.sizes[1:], strict=False):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(getattr(torch, case.dtype))


class Torch(Peer):
    """Eager: rows by index, no loader, a fused update, the loss read only at the end."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)

    def version(self) -> str:
        return torch.__version__

    def setup(self, case: Case, x: NDArray[Any], y: NDArray[np.int64]) -> None:
        self.x, self.y, self.batch = torch.from_numpy(x), torch.from_numpy(y), case.batch
        self.model = network(case)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, fused=True)
        self.loss = self._loss()

    def _loss(self) -> Callable[..., torch.Tensor]:
        model = self.model
        return lambda x, y: functional.cross_entropy(model(x), y)

    def train(self, epochs: int) -> float:
        total = torch.zeros(())
        for _ in range(epochs):
            total = torch.zeros(())
            for rows in torch.randperm(len(self.x)).split(self.batch):
                loss = self.loss(self.x[rows], self.y[rows])
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(rows)
        return float(total) / len(self.x)

    def predictor(self, case: Case, x: NDArray[Any]) -> Callable[[], Any]:
        model, rows = network(case).eval(), torch.from_numpy(x)

        def run() -> torch.Tensor:
            with torch.inference_mode():
                return functional.softmax(model(rows), dim=1)

        return run


class TorchCompiled(Torch):
    """Training through ``torch.compile``, which needs a C++ compiler."""

    def _loss(self) -> Callable[..., torch.Tensor]:
        torch._dynamo.reset()
        compiled: Callable[..., torch.Tensor] = torch.compile(super()._loss(), dynamic=False)
        return compiled
