"""RealMLP against pytabkit's: from the same weights and mini-batches to the same numbers.

``tests/estimators/realmlp/README.md`` says what the arrays are.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cynn import Model
from cynn._tabular.realmlp import PRESETS
from cynn.losses import CrossEntropy, MeanSquaredError
from cynn.optimizers import AdamW
from cynn.schedules import CosineLog, FlatCosine
from cynn.tables import TableEncoder

FOLDER = Path(__file__).parent / "realmlp"
TASKS = ["classification", "regression"]
HIDDEN = (12, 12, 12)
NEAR = {"rtol": 1e-6, "atol": 1e-9}

# The inputs of the first layer here, each with its place there: numbers, one-hot columns, the
# embedding, and what the waves of each number give.
ORDER = [9, 10, 11, 12, 13, 14, 15, *range(16, 24), *range(9)]


def load(name):
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        return dict(arrays)


class Case:
    """A task's arrays, and our model with its first weights."""

    def __init__(self, task):
        self.task, self.arrays = task, load(task)
        numbers, categories = self.arrays["numbers"], self.arrays["categories"].astype(object)
        categories[categories == 0] = None
        columns = {f"n{i}": column for i, column in enumerate(numbers.T)}
        columns |= {f"c{i}": column for i, column in enumerate(categories.T)}
        preset = PRESETS["td", task]
        y = self.arrays["y"]
        rows = np.arange(self.arrays["trained"])
        self.encoder = TableEncoder.fit(
            columns | {"y": np.array([f"class {i}" for i in y]) if task == TASKS[0] else y},
            "y",
            rows=rows,
            categorical=["c0", "c1"],
            recipe=preset.recipe,
        )
        self.x = self.encoder.encode(columns, "float64")
        activation = "softmax" if task == TASKS[0] else "identity"
        n_outputs = 3 if task == TASKS[0] else 1
        preset = replace(preset, dropout=0.0, hidden=HIDDEN)
        layers = preset.layers(self.encoder, self.x[rows], n_outputs, activation)
        self.model = Model(layers, dtype="float64", seed=0)
        loss = CrossEntropy(label_smoothing=0.1) if task == TASKS[0] else MeanSquaredError()
        optimizer = AdamW(
            CosineLog(preset.learning_rate),
            betas=(0.9, 0.95),
            eps=1e-15,
            weight_decay=FlatCosine(preset.weight_decay),
        )
        self.model.compile(optimizer, loss)
        self.model.build(self.encoder.width)
        self.model.set_weights(self.weights("before"))
        if task == TASKS[0]:
            self.y = y
        else:
            mean, deviation, *_ = self.arrays["target"]
            self.y = (y - mean) / deviation

    def weights(self, when):
        """Their parameters as ours are: an array for each of `get_weights`."""

        def get(name):
            return self.arrays[f"{when}/{name}"]

        labels = self.encoder.columns[-1].categories
        table = get("embedding")[[0, *(int(label) for label in labels)]]
        waves = [get(f"periodic_{name}") for name in ("frequency", "phase", "weight", "bias")]
        found = [table, *(np.moveaxis(each, 0, -1) for each in waves), get("scale")[ORDER]]
        for k in range(1, 5):
            weight = get(f"weight_{k}") / np.sqrt(len(get(f"weight_{k}")))
            found += [weight[ORDER] if k == 1 else weight, get(f"bias_{k}")]
            if k < 4:
                found.append(get(f"activation_{k}"))
        return found


@pytest.fixture(params=TASKS)
def case(request):
    return Case(request.param)


def test_the_numbers_of_awkward_columns():
    arrays = load("preprocessing")
    fitted = int(arrays["fitted"])
    for i, name in enumerate(arrays["columns"]):
        values = arrays["x"][:, i]
        if np.ptp(values[:fitted]) == 0:
            continue  # is left out here, and 0 there
        table = {"x": values, "y": np.arange(60.0)}
        encoder = TableEncoder.fit(table, "y", rows=np.arange(fitted), recipe="robust")
        encoded = encoder.encode(table, "float64")[:, 0]
        np.testing.assert_allclose(encoded, arrays["prepared"][:, i], **NEAR, err_msg=name)


def test_schedules():
    arrays = load("schedules")
    n = len(arrays["t"])
    for schedule, name in ((CosineLog(1.0), "coslog4"), (FlatCosine(1.0), "flat_cos")):
        np.testing.assert_allclose(schedule.rates(0, n, n), arrays[name], rtol=1e-9, atol=1e-12)


def test_what_the_network_gives(case):
    held = case.x[case.arrays["trained"] :]
    outputs = case.model.predict(held)
    expected = case.arrays["held/outputs"]
    if case.task == TASKS[0]:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    else:
        mean, deviation, low, high = case.arrays["target"]
        outputs = np.clip(outputs * deviation + mean, low, high)
    np.testing.assert_allclose(outputs, expected, **NEAR)


def test_gradients(case):
    rows = case.arrays["batches"][0]
    network, names = case.model._network, case.model._weight_names()
    gradient = np.empty(network.n_params)
    y = case.y[rows].astype(np.int32) if case.task == TASKS[0] else case.y[rows][:, None].copy()
    loss, n = network.gradients(case.x[rows].copy(), y, None, gradient, 1)
    np.testing.assert_allclose(loss / n, case.arrays["losses"][0], **NEAR)
    start = 0
    for name, shape, expected in zip(names, names.values(), case.weights("gradient"), strict=True):
        size = int(np.prod(shape))
        found = gradient[start : start + size].reshape(shape) / n
        start += size
        if len(shape) == 2 and name.startswith("layer") and name.endswith("weight"):
            found = found / shape[0]  # ours is of W / sqrt(n), and was divided once there
        np.testing.assert_allclose(found, expected, **NEAR, err_msg=name)


def test_ten_steps(case):
    rows = case.arrays["batches"].ravel()
    case.model.fit(case.x[rows], case.y[rows], batch_size=16, shuffle=False, verbose=0)
    for name, found, expected in zip(
        case.model._weight_names(), case.model.get_weights(), case.weights("after"), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, err_msg=name)
