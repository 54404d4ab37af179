"""Write the trajectories that tests/kernels/test_trajectories.py compares with, by PyTorch.

    pip install torch==2.13.0
    python scripts/trajectories.py                              # all cases again
    python scripts/trajectories.py "Adam other" Adam lr=0.02 "betas=[0.8,0.99]"  # one, or one more

A least-squares problem of twelve weights, in float64, over 200 steps; of each optimizer the weights
after every twentieth step go to tests/kernels/trajectories.json, which lists the cases: a name, the
class in PyTorch, its settings. cynn.optimizers has the same names except for lr.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

STEPS, EVERY = 200, 20
STORED = Path(__file__).parents[1] / "tests" / "kernels" / "trajectories.json"


def trajectory(said: dict[str, Any], name: str, settings: dict[str, Any]) -> list[list[float]]:
    """Return the weights after every twentieth step."""
    x, y, start = (torch.tensor(said[part], dtype=torch.float64) for part in ("x", "y", "start"))
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


def main(arguments: list[str]) -> None:
    """Write the file."""
    said = json.loads(STORED.read_text(encoding="utf-8"))
    said["about"] = f"scripts/trajectories.py, PyTorch {torch.__version__.partition('+')[0]}"
    chosen = list(said["cases"])
    if arguments:
        label, name, *settings = arguments
        pairs = (setting.partition("=") for setting in settings)
        said["cases"][label] = {
            "class": name,
            "settings": {key: json.loads(value) for key, _, value in pairs},
        }
        chosen = [label]
    for label in chosen:
        case = said["cases"][label]
        case["weights"] = trajectory(said, case["class"], case["settings"])
    STORED.write_text(json.dumps(said, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
