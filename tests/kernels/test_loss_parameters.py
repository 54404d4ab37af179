"""Losses with a parameter, hinge losses and Poisson: values, gradients, targets, training."""

import math
import warnings

import numpy as np
import pytest

from calls import SCALARS
from cynn import Model, reference
from cynn.layers import Dense
from cynn.losses import (
    BinaryCrossEntropy,
    CategoricalHinge,
    CrossEntropy,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    from_dict,
    get,
)
from cynn.optimizers import SGD
from differences import ALLOWED, differences
from models import blobs
from targets import assert_close

FIRST_FOUR = reference.LOSSES[:4]
RNG = np.random.default_rng(5)
P = RNG.uniform(0.05, 0.95, (5, 19))
WIDE = RNG.uniform(-3.0, 3.0, (5, 19))
T = RNG.uniform(0.0, 1.0, (5, 19))
W = RNG.uniform(0.5, 2.0, 5)


def call(module, name, prediction, target, *arguments):
    """Return the loss, what was written to `out`, and delta."""
    out, delta = np.empty((2, *prediction.shape), prediction.dtype)
    weight = W[: len(prediction)].astype(prediction.dtype)
    loss = getattr(module, name)(prediction, target, weight, out, delta, *arguments)
    return loss, out, delta


@pytest.mark.parametrize("name", FIRST_FOUR)
@pytest.mark.parametrize("columns", [1, 3, 16, 19])
def test_smoothing_changes_the_targets(target, name, columns):
    p, t = (v[:, :columns].astype(target.dtype) for v in (P, T))
    m = 2 if "binary" in name else columns
    smooth = (0.75 * t + 0.25 / m).astype(target.dtype)
    found = call(target.module, name, p, t, 0.25)
    wanted = call(target.module, name, p, smooth)
    for got, want in zip(found, wanted, strict=True):
        assert_close(got, want, 200 * target.u * np.maximum(1, np.abs(want)), (name, columns))
    assert np.array_equal(t, T[:, :columns].astype(target.dtype))  # the argument is unchanged


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, (0.3,)) for name in FIRST_FOUR),
        ("huber", (0.7,)),
        ("huber", (20.0,)),
        ("quantile", (0.9,)),
        ("quantile", (0.1,)),
        ("mean_absolute_error", ()),
        ("log_poisson", ()),
        ("hinge", ()),
        ("categorical_hinge", ()),
    ],
)
def test_gradient_where_predictions_are_wide(target64, name, arguments):
    probabilities = name in ("cross_entropy", "binary_cross_entropy")
    prediction = (P if probabilities else WIDE).copy()

    def f() -> float:
        return call(target64.module, name, prediction, T, *arguments)[0]

    wanted = differences(f, prediction)
    delta = call(target64.module, name, prediction, T, *arguments)[2]
    assert_close(delta, wanted, 10 * ALLOWED * max(1, np.abs(wanted).max()), name)


@pytest.mark.parametrize("name", ["mean_absolute_error", "quantile", "huber"])
def test_no_slope_where_the_prediction_is_right(target, name):
    p = P.astype(target.dtype)
    loss, out, delta = call(target.module, name, p, p)
    assert loss == 0 and not delta.any() and np.array_equal(out, p)


@pytest.mark.parametrize("name", ["huber", "mean_absolute_error", "quantile", "log_poisson"])
def test_infinite_predictions(target, name):
    p = np.array([[np.inf, -np.inf, 0.0]], target.dtype)
    t = np.zeros((1, 3), target.dtype)
    loss, _, delta = call(target.module, name, p, t)
    want = [[[0.0] * 3] for _ in range(2)]
    value = getattr(reference, name)(p.tolist(), t.tolist(), [float(W[0])], *want)
    assert loss == value == math.inf
    assert_close(delta, want[1], 4 * target.u)


def test_hinges_by_hand(target):
    def one(name, p, t):
        p, t = (np.array([v], target.dtype) for v in (p, t))
        out, delta = np.empty((2, *p.shape), target.dtype)
        loss = getattr(target.module, name)(p, t, np.array([2.0], target.dtype), out, delta)
        return loss, delta[0].tolist()

    assert one("hinge", [0.5, -1.0, 3.0, -2.0], [1, 1, 1, 0]) == (1.25, [-0.5, -0.5, 0.0, 0.0])
    assert one("hinge", [1.0, -1.0], [1, 0]) == (0.0, [0.0, 0.0])  # at the margin itself
    assert one("categorical_hinge", [1, 2, 2], [1, 0, 0]) == (4.0, [-2.0, 2.0, 0.0])
    assert one("categorical_hinge", [3, 2, 2], [1, 0, 0]) == (0.0, [0.0, 0.0, 0.0])
    assert one("categorical_hinge", [5.0], [1.0]) == (0.0, [0.0])
    far = [0.0] * 40
    far[20], far[39] = 1.5, 1.0
    loss, delta = one("categorical_hinge", far, np.eye(40)[39])
    assert loss == 3.0 and delta[39] == -2.0 and delta[20] == 2.0 and sum(map(bool, delta)) == 2


def test_a_network_takes_the_number_with_the_name(target64):
    network = target64.module.Network(3, [("dense", 2, "identity")])
    x, y = np.ones((4, 3)), np.zeros((4, 2))
    network.set_params(np.full(8, 0.5))  # predictions are 2
    for description, loss in [
        ("huber", 1.5),
        (("huber",), 1.5),
        (("huber", 0.5), 0.875),
        (("quantile", 0.25), 1.5),
        ("quantile", 1.0),
        ("mean_absolute_error", 2.0),
        (("softmax_cross_entropy", 0.5), math.log(2) / 2),
    ]:
        network.compile(description)
        assert network.evaluate(x, y, None, None, 1)[0] == pytest.approx(4 * loss), description
    for wrong in [("huber", 1.0, 2.0), ("mean_squared_error", 1.0), (), ("hubert", 1.0)]:
        with pytest.raises(ValueError, match="loss"):
            network.compile(wrong)


SPECS = [
    (MeanAbsoluteError(), "mae", "MeanAbsoluteError()"),
    (Huber(), "huber", "Huber()"),
    (Huber(0.5), None, "Huber(0.5)"),
    (Quantile(), "quantile", "Quantile()"),
    (Quantile(0.9), None, "Quantile(0.9)"),
    (Poisson(), "poisson", "Poisson()"),
    (Poisson(log_rate=False), None, "Poisson(False)"),
    (Hinge(), "hinge", "Hinge()"),
    (CategoricalHinge(), "categorical_hinge", "CategoricalHinge()"),
    (CrossEntropy(label_smoothing=0.1), None, "CrossEntropy(label_smoothing=0.1)"),
    (BinaryCrossEntropy(True, 0.1), None, "BinaryCrossEntropy(True, 0.1)"),
]


@pytest.mark.parametrize(("loss", "name", "text"), SPECS, ids=str)
def test_specs_go_to_files_and_back(loss, name, text):
    assert repr(loss) == text
    assert from_dict(loss.to_dict()) == loss
    if name is not None:
        assert get(name) == loss


def test_a_file_from_before_label_smoothing_is_read():
    assert from_dict({"class": "CrossEntropy", "from_logits": False}) == CrossEntropy()


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_bounds_of_delta(value):
    with pytest.raises(ValueError, match="delta must be a finite number above 0"):
        Huber(value)


@pytest.mark.parametrize("value", [0, 1, -0.5, math.nan])
def test_bounds_of_q(value):
    with pytest.raises(ValueError, match="q must be a number between 0 and 1"):
        Quantile(value)


@pytest.mark.parametrize("value", [1, -0.1, math.nan])
@pytest.mark.parametrize("loss", [CrossEntropy, BinaryCrossEntropy])
def test_bounds_of_smoothing(loss, value):
    with pytest.raises(ValueError, match="label_smoothing must be at least 0 and less than 1"):
        loss(label_smoothing=value)
    with pytest.raises(TypeError, match="label_smoothing must be"):
        loss(label_smoothing="0.1")


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "?"])
def test_binary_targets(dtype):
    wanted = [[0.0], [1.0], [1.0]]
    assert Hinge().targets(np.array([0, 1, 1], dtype), 1, "float32").tolist() == wanted
    assert Hinge().targets([-1.0, 1, 1], 1, "float32").tolist() == wanted
    assert Hinge().targets([[-1, 1], [1, 1]], 2, "float64").tolist() == [[0, 1], [1, 1]]
    assert Hinge().targets(np.zeros((0, 2)), 2, "float32").shape == (0, 2)


@pytest.mark.parametrize(("y", "row"), [([-1, 1, 0], 2), ([0, 0.5], 1), ([-1, 0.5, 1], 1)])
def test_targets_that_are_not_binary(y, row):
    with pytest.raises(ValueError, match=rf"y must hold 0 and 1, or -1 and 1, got .* row {row}"):
        Hinge().targets(y, 1, "float32")


def test_classes_of_the_categorical_hinge():
    for y in ([2, 0], [[2], [0]], np.eye(3)[[2, 0]], np.eye(3, dtype=bool)[[2, 0]]):
        found = CategoricalHinge().targets(y, 3, "float32")
        assert found.tolist() == [2, 0] and found.dtype == np.int32
    for row in ([0, 0, 0], [1, 1, 0], [0.5, 0.5, 0], [1, 0.25, 0]):
        with pytest.raises(ValueError, match="y must hold one-hot rows.* in row 1"):
            CategoricalHinge().targets([[0, 1, 0], row], 3, "float32")
    with pytest.raises(ValueError, match="one unit a class, or use hinge"):
        CategoricalHinge().targets([0], 1, "float32")


def test_counts_are_not_negative():
    with pytest.raises(ValueError, match="not negative, got -1 in row 1"):
        Poisson().targets([0, -1], 1, "float32")


def test_warnings():
    for loss in (Hinge(), CategoricalHinge(), Poisson()):
        assert not loss.caution("identity") and "make it linear" in loss.caution("sigmoid")
    assert "above 0" in Poisson(False).caution("identity") and not Poisson(False).caution("sigmoid")


def trained(loss, y, outputs=1, **fit):
    model = Model([Dense(outputs)], seed=0, dtype="float64")
    model.compile(SGD(0.05, 0.9), loss)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X / 4, y, batch_size=60, epochs=300, verbose=0, **fit)
    return model.predict(X / 4)


X, LABELS = blobs(60)


def test_each_loss_learns_its_own_centre():
    """For identical rows, each loss predicts its own kind of centre of the targets."""
    same = np.zeros((60, 1))
    y = np.arange(60.0)
    y[59] = 1000.0
    ends = {}
    for loss in (MeanSquaredError(), MeanAbsoluteError(), Quantile(0.9), Huber(5.0)):
        model = Model([Dense(1)], seed=0, dtype="float64")
        model.compile(SGD(0.5, 0.5), loss)
        model.fit(same, y, batch_size=60, epochs=600, verbose=0)
        ends[type(loss)] = model.predict(same[:1]).item()
    assert ends[MeanSquaredError] == pytest.approx(y.mean())
    assert ends[MeanAbsoluteError] == pytest.approx(29.5, abs=1)
    assert ends[Quantile] == pytest.approx(53.5, abs=1)
    assert 28 < ends[Huber] < 33
    counts = Model([Dense(1)], seed=0, dtype="float64")
    counts.compile(SGD(0.1), Poisson())
    counts.fit(same, np.arange(60) % 5, batch_size=60, epochs=300, verbose=0)
    assert np.exp(counts.predict(same[:1]).item()) == pytest.approx(2.0)


def test_hinges_separate_classes():
    assert (trained(CategoricalHinge(), LABELS, 3).argmax(axis=1) == LABELS).mean() > 0.9
    yes = LABELS == 1
    assert ((trained(Hinge(), yes)[:, 0] > 0) == yes).mean() > 0.9


def test_smoothed_labels_keep_predictions_from_certainty():
    same, y = np.zeros((60, 1)), np.zeros(60, int)
    for loss, found in [(CrossEntropy(label_smoothing=0.3), [0.8, 0.1, 0.1]), ("mse", [1, 0, 0])]:
        model = Model([Dense(3, "softmax")], seed=0, dtype="float64")
        model.compile(SGD(1.0, 0.9), loss)
        model.fit(same, np.eye(3)[y], batch_size=60, epochs=300, verbose=0)
        np.testing.assert_allclose(model.predict(same[:1])[0], found, atol=0.02)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [
        (Hinge(), LABELS == 1, 1),
        (CategoricalHinge(), LABELS, 3),
        (MeanSquaredError(), np.eye(3)[LABELS], 3),
        (MeanAbsoluteError(), LABELS == 1, 1),
        (Huber(), np.eye(3)[LABELS], 3),
        (Quantile(0.3), LABELS == 1, 1),
        (Poisson(), np.eye(3)[LABELS], 3),
    ],
    ids=str,
)
def test_weights_of_classes_and_rows(loss, y, outputs):
    each = np.array([0.5, 2.0, 1.0])
    classes = np.asarray(y, int) if np.ndim(y) == 1 else y.argmax(axis=1)
    rows = np.linspace(0.5, 1, 60)
    table = {0: 0.5, 1: 2.0}
    by_class = trained(loss, y, outputs, class_weight=table, sample_weight=rows)
    by_row = trained(loss, y, outputs, sample_weight=each[classes] * rows)
    np.testing.assert_array_equal(by_class, by_row)


def test_every_number_is_in_the_tests_of_all_kernels():
    assert {"huber", "quantile", "softmax_cross_entropy"} <= set(SCALARS)
