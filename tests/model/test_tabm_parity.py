"""Members against TabM of its authors: from the same weights and mini-batches to the same numbers.

``tests/model/tabm/README.md`` says what the arrays are.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense, MemberAffine, MemberDense, Members, PiecewiseLinearEmbedding
from cynn.optimizers import AdamW

FOLDER = Path(__file__).parent / "tabm"
CLASSIFICATION = "classification"
CASES = list(product(("tabm", "tabm-mini"), (CLASSIFICATION, "regression"), ("", "-bins")))
NEAR = {"rtol": 1e-6, "atol": 1e-9}
K, WIDTH, BATCH = 4, 8, 16


class Case:
    """The arrays of a file, and models of its members with its weights."""

    def __init__(self, architecture, task, bins):
        self.is_mini, self.is_classes = architecture == "tabm-mini", task == CLASSIFICATION
        with np.load(FOLDER / f"{architecture}-{task}{bins}.npz", allow_pickle=False) as arrays:
            self.arrays = dict(arrays)
        self.x, self.y = self.arrays["x"], self.arrays["y"]
        self.bins = [self.arrays[f"bins/{i}"] for i in range(3)] if bins else []

    def layers(self, k):
        units, activation = (3, "softmax") if self.is_classes else (1, "identity")
        first = PiecewiseLinearEmbedding(None, self.bins, 3) if self.bins else None
        if self.is_mini:
            blocks = [Members(k), Dense(WIDTH, "relu"), Dense(WIDTH, "relu")]
        else:
            blocks = [
                Members(k),
                Dense(WIDTH, use_bias=False),
                MemberAffine(k, "relu"),
                MemberAffine(k, use_bias=False),
                Dense(WIDTH, use_bias=False),
                MemberAffine(k, "relu"),
            ]
        head = [MemberDense(units, k), MemberAffine(k, activation, use_scale=False)]
        return [*([first] if first else []), *blocks, *head]

    def weights(self, when, members):
        """Their parameters, of some members, as ours are: an array for each of `get_weights`."""

        def get(name):
            return self.arrays[f"{when}/{name}"]

        found = []
        if self.bins:
            counts = [len(edges) - 1 for edges in self.bins]
            of_bins = get("num_module.linear.weight")
            found = [get("num_module.linear0.weight"), get("num_module.linear0.bias")]
            lines = [each[[*range(n - 1), -1]] for each, n in zip(of_bins, counts, strict=True)]
            found.append(np.concatenate(lines))
        if self.is_mini:
            found.append(get("backbone.affine.weight")[members])
        for i in range(2):
            block = f"backbone.blocks.{i}.0"
            weight, bias = get(f"{block}.weight").T, get(f"{block}.bias")
            if self.is_mini:
                found += [weight, bias]
                continue
            r, s = get(f"{block}.r")[members], get(f"{block}.s")[members]
            found += [r if i == 0 else r[np.newaxis], weight, np.stack([s, bias[members]])]
        head = get("output.weight")[members].transpose(0, 2, 1)
        return [*found, head, get("output.bias")[np.newaxis, members]]

    def model(self, when="before", members=range(K)):
        members = list(members)
        made = Model(self.layers(len(members)), dtype="float64", seed=0)
        made.compile(
            AdamW(2e-3, weight_decay=3e-4, clip_norm=1.0),
            "cross_entropy" if self.is_classes else "mean_squared_error",
        )
        made.build(self.x.shape[1])
        made.set_weights(self.weights(when, members))
        return made

    def predictions(self, outputs):
        """Return what predictions are of outputs: probabilities of logits."""
        if not self.is_classes:
            return outputs
        powers = np.exp(outputs)
        return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture(params=CASES, ids=lambda case: "{}-{}{}".format(*case))
def case(request):
    return Case(*request.param)


def test_the_outputs_of_each_member_and_their_mean(case):
    held = case.x[case.arrays["trained"] :]
    for when, name in (("before", "outputs"), ("after", "outputs_after")):
        expected = case.predictions(case.arrays[name])
        found = [case.model(when, [m]).predict(held) for m in range(K)]
        np.testing.assert_allclose(np.stack(found, axis=1), expected, **NEAR)
        found = case.model(when).predict(held)
        np.testing.assert_allclose(found, expected.mean(axis=1), **NEAR)


def test_the_loss_and_its_gradients(case):
    rows = case.arrays["batches"][0]
    model = case.model()
    network, names = model._network, model._weight_names()
    gradient = np.empty(network.n_params)
    y = case.y[rows].astype(np.int32) if case.is_classes else case.y[rows][:, None].copy()
    loss, n = network.gradients(case.x[rows].copy(), y, None, gradient, 1)
    np.testing.assert_allclose(loss / n, case.arrays["losses"][0], **NEAR)
    np.testing.assert_allclose(np.linalg.norm(gradient) / n, case.arrays["norms"][0], **NEAR)
    start = 0
    wanted = case.weights("gradient", list(range(K)))
    for name, shape, expected in zip(names, names.values(), wanted, strict=True):
        size = int(np.prod(shape))
        found = gradient[start : start + size].reshape(shape) / n
        start += size
        np.testing.assert_allclose(found, expected, **NEAR, err_msg=name)


def test_ten_steps(case):
    rows = case.arrays["batches"].ravel()
    model = case.model()
    history = model.fit(case.x[rows], case.y[rows], batch_size=BATCH, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], [case.arrays["losses"].mean()], **NEAR)
    wanted = case.weights("after", list(range(K)))
    for name, found, expected in zip(
        model._weight_names(), model.get_weights(), wanted, strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, err_msg=name)
