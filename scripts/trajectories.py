"""Write what tests/kernels/test_trajectories.py holds the optimizers to, with PyTorch.

    pip install torch==2.13.0 && python scripts/trajectories.py

A least-squares problem of twelve weights, in float64, over 200 steps; of each optimizer the weights
after every twentieth step go to tests/kernels/trajectories.json.
"""

import json
from pathlib import Path

import torch

STEPS, EVERY = 200, 20

# What PyTorch is asked for; cynn.optimizers has the same names but for lr.
CASES = {
    "SGD": ("SGD", {"lr": 0.05}),
    "SGD momentum": ("SGD", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.01}),
    "SGD nesterov": ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    "Adam": ("Adam", {"lr": 0.02}),
    "Adam other": ("Adam", {"lr": 0.02, "betas": [0.8, 0.99], "eps": 0.01, "weight_decay": 0.1}),
    "Adam amsgrad": ("Adam", {"lr": 0.05, "betas": [0.5, 0.9], "amsgrad": True}),
    "AdamW": ("AdamW", {"lr": 0.02}),
    "AdamW other": ("AdamW", {"lr": 0.05, "betas": [0.5, 0.9], "weight_decay": 0.2}),
    "AdamW amsgrad": ("AdamW", {"lr": 0.05, "betas": [0.5, 0.9], "amsgrad": True}),
    "RMSprop": ("RMSprop", {"lr": 0.01}),
    "RMSprop momentum": ("RMSprop", {"lr": 0.005, "alpha": 0.9, "momentum": 0.8, "eps": 0.001}),
    "RMSprop centered": ("RMSprop", {"lr": 0.01, "centered": True, "weight_decay": 0.1}),
    "RMSprop both": (
        "RMSprop",
        {"lr": 0.002, "alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 0.001},
    ),
    "Adagrad": ("Adagrad", {"lr": 0.1}),
    "Adagrad other": (
        "Adagrad",
        {"lr": 0.2, "lr_decay": 0.01, "initial_accumulator_value": 0.5, "weight_decay": 0.1},
    ),
    "Adadelta": ("Adadelta", {}),
    "Adadelta other": ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 0.001, "weight_decay": 0.1}),
}


def trajectory(name: str, settings: dict, x, y, start) -> list[list[float]]:
    """Return the weights after every twentieth step."""
    w = start.clone().requires_grad_()
    optimizer = getattr(torch.optim, name)([w], **settings)
    found = []
    for step in range(1, STEPS + 1):
        rows = torch.arange(8) + 8 * (step % 5)
        optimizer.zero_grad()
        loss = ((x[rows] @ w - y[rows]) ** 2).mean()
        loss.backward()
        optimizer.step()
        if step % EVERY == 0:
            found.append(w.tolist())
    return found


def main() -> None:
    """Write the file."""
    torch.manual_seed(0)
    x, y = torch.randn(40, 12), torch.randn(40)  # of float32, which both precisions hold
    start = torch.randn(12)
    x, y, start = x.double(), y.double(), start.double()
    said = {
        "about": f"scripts/trajectories.py, PyTorch {torch.__version__.partition('+')[0]}",
        "x": x.tolist(),
        "y": y.tolist(),
        "start": start.tolist(),
        "cases": {
            label: {"class": name, "settings": settings, "weights": weights}
            for label, (name, settings) in CASES.items()
            for weights in [trajectory(name, settings, x, y, start)]
        },
    }
    path = Path(__file__).parents[1] / "tests" / "kernels" / "trajectories.json"
    path.write_text(json.dumps(said, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
