"""One run of the race, in a process of its own; prints the accuracy after each epoch.

    launch.py racer PEER SETTING FOLDER

Imports are in the functions: each library pays only for its own.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any


def tell(accuracy: float) -> None:
    """Print the accuracy so far; the parent reads the clock."""
    print(accuracy, flush=True)


def race_cynn(setting: dict[str, Any], folder: Path) -> None:
    from cynn import Model
    from cynn.callbacks import Callback
    from cynn.datasets import load_mnist
    from cynn.layers import Dense, Flatten, Rescale
    from cynn.optimizers import SGD
    from cynn.schedules import Cosine

    class Tell(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            tell(logs["val_accuracy"])

    (x, y), test = load_mnist(folder)
    hidden = Dense(setting["hidden"], "relu")
    model = Model([Flatten(), Rescale(1 / 255), hidden, Dense(10, "softmax")], seed=setting["seed"])
    schedule = Cosine(setting["rate"], warmup=0.05)
    model.compile(SGD(schedule, momentum=setting["momentum"]), metrics=["accuracy"])
    model.fit(
        x, y, batch_size=setting["batch"], epochs=setting["epochs"], validation_data=test,
        callbacks=[Tell()], verbose=0,
    )  # fmt: skip


def read(folder: Path) -> list[Any]:
    """Return MNIST's images as reals and its labels as integers."""
    import gzip

    import numpy as np

    arrays = []
    for part in ("train", "t10k"):
        for kind, skip in (("images-idx3", 16), ("labels-idx1", 8)):
            path = folder / f"{part}-{kind}-ubyte"
            raw = path.read_bytes() if path.exists() else b""
            raw = raw or gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes())
            values = np.frombuffer(raw, np.uint8, offset=skip)
            if skip == 16:
                arrays.append(np.multiply(values.reshape(-1, 784), 1 / 255, dtype=np.float32))
            else:
                arrays.append(values.astype(np.int64))
    return arrays


def race_torch(setting: dict[str, Any], folder: Path) -> None:
    import torch
    from torch import nn

    torch.manual_seed(setting["seed"])
    x, y, x_test, y_test = map(torch.from_numpy, read(folder))
    hidden, batch = setting["hidden"], setting["batch"]
    model = nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    optimizer: torch.optim.Optimizer
    steps = -(-len(x) // batch) * setting["epochs"]
    if setting["momentum"] is None:
        optimizer = torch.optim.Adam(model.parameters(), setting["rate"], fused=True)
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), setting["rate"], setting["momentum"], fused=True
        )
    warmup, step = steps * 0.05, 0
    for _ in range(setting["epochs"]):
        for rows in torch.randperm(len(x)).split(batch):
            if setting["momentum"] is not None:
                part = (step - warmup) / (steps - warmup)
                factor = (1 + math.cos(math.pi * part)) / 2 if part > 0 else step / warmup
                optimizer.param_groups[0]["lr"] = setting["rate"] * factor
            step += 1
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.inference_mode():
            tell((model(x_test).argmax(1) == y_test).float().mean().item())


def race_sklearn(setting: dict[str, Any], folder: Path) -> None:
    from sklearn.neural_network import MLPClassifier

    x, y, x_test, y_test = read(folder)
    adam = setting["momentum"] is None
    model = MLPClassifier(
        (setting["hidden"],),
        solver="adam" if adam else "sgd",
        batch_size=setting["batch"],
        learning_rate_init=setting["rate"],
        momentum=setting["momentum"] or 0.9,
        random_state=setting["seed"],
    )
    for _ in range(setting["epochs"]):
        model.partial_fit(x, y, classes=range(10))
        tell(model.score(x_test, y_test))


RACERS = {"cynn": race_cynn, "torch": race_torch, "sklearn": race_sklearn}

if __name__ == "__main__":
    RACERS[sys.argv[1]](json.loads(sys.argv[2]), Path(sys.argv[3]))
