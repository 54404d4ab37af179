"""Metrics of classes, of ranks and of regressions, each against its definition written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cynn import Model, metrics
from cynn.layers import Dense
from cynn.metrics import AUC, F1, R2, Precision, Recall, TopKAccuracy

AVERAGES = ["macro", "weighted", "micro"]
NUMBERS = [
    name for name, kind in metrics.METRICS.items() if kind.__module__.endswith("_regression")
]
CLASSES = [name for name in metrics.METRICS if name not in (*NUMBERS, "binary_accuracy")]
MEANS = [name for name, kind in metrics.METRICS.items() if kind.add is metrics.Metric.add]


def in_parts(metric, y, prediction, weight, cuts=(0, 1, 33, 33)):
    for start, stop in zip(cuts, (*cuts[1:], len(y)), strict=True):
        part = slice(start, stop)
        metric.update(y[part], prediction[part], weight[part])
    return metric.result()


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 120)
    prediction = rng.random((120, 5)).round(1)  # class 4 is never true; there are equal scores
    prediction[np.arange(70), y[:70]] += 0.5
    return y, prediction, rng.integers(0, 4, 120) / 2


def by_class(name, y, said, weight, classes):
    found, support = [], []
    for c in classes:
        both = weight[(y == c) & (said == c)].sum()
        precision = both / (weight[said == c].sum() or 1)
        recall = both / (weight[y == c].sum() or 1)
        f1 = 2 * precision * recall / (precision + recall or 1)
        found.append({"precision": precision, "recall": recall, "f1": f1}[name])
        support.append(weight[y == c].sum())
    return np.array(found), np.array(support)


@pytest.mark.parametrize("metric", [Precision, Recall, F1])
def test_class_by_class(metric, sample):
    y, prediction, weight = sample
    said = prediction.argmax(axis=1)
    each, support = by_class(metric.name, y, said, weight, range(5))
    found = {a: in_parts(metric(a), y, prediction, weight) for a in AVERAGES}
    assert found["macro"] == pytest.approx(each.mean(), rel=1e-12)
    assert found["weighted"] == pytest.approx(np.average(each, weights=support), rel=1e-12)
    # with one class a row, all three are then the accuracy
    assert found["micro"] == pytest.approx(np.average(said == y, weights=weight), rel=1e-12)
    one_hot = in_parts(metric(), np.eye(5)[y], prediction, weight)
    assert one_hot == found["macro"]


@pytest.mark.parametrize("metric", [Precision, Recall, F1])
def test_binary_targets(metric):
    y = np.array([1, 1, 1, 0, 0, 1])
    prediction = np.array([0.9, 0.8, 0.2, 0.7, 0.5, math.nan])
    wanted = {"precision": 2 / 3, "recall": 2 / 4, "f1": 4 / 7}[metric.name]
    for average in AVERAGES:
        assert in_parts(metric(average), y, prediction, np.ones(6), (0, 2)) == pytest.approx(wanted)


def test_absent_classes_do_not_count():
    precision = Precision()
    precision.update([0, 1], [[1, 0, 0, 0], [1, 0, 0, 0]])
    assert (
        precision.result() == 0.25
    )  # of class 0 a half, of class 1 nothing; 2 and 3 are not there
    assert math.isnan(Precision().result())


def test_names_say_the_average():
    assert [Precision(a).name for a in AVERAGES] == [
        "precision", "weighted_precision", "micro_precision"
    ]  # fmt: skip
    assert repr(F1()) == "F1()" and repr(F1("micro")) == "F1('micro')"
    with pytest.raises(ValueError, match="average must be one of 'macro'"):
        Recall("mean")


@pytest.mark.parametrize("k", [1, 2, 4, 5, 9])
def test_top_k(k, sample):
    y, prediction, weight = sample
    order = np.argsort(-prediction, axis=1, kind="stable")[:, :k]
    wanted = np.average((order == y[:, np.newaxis]).any(axis=1), weights=weight)
    found = in_parts(TopKAccuracy(k), y, prediction, weight)
    assert found == pytest.approx(wanted, rel=1e-12)
    assert TopKAccuracy(k).name == f"top_{k}_accuracy" and repr(TopKAccuracy(k)).endswith(f"({k})")


def test_top_1_is_accuracy(sample):
    y, prediction, weight = sample
    accuracy = in_parts(metrics.Accuracy(), y, prediction, weight)
    assert in_parts(TopKAccuracy(1), y, prediction, weight) == accuracy


def area(yes, score, weight):
    right = total = 0.0
    for i in np.flatnonzero(yes):
        for j in np.flatnonzero(~yes):
            pair = weight[i] * weight[j]
            total += pair
            right += pair * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return right / total


def test_areas(sample):
    y, prediction, weight = sample
    yes, score = y % 2 == 1, prediction[:, 0]
    wanted = area(yes, score, weight)
    assert in_parts(AUC(), yes, score, weight) == pytest.approx(wanted, rel=1e-12)
    two = np.stack([1 - score, score], axis=1)
    assert in_parts(AUC(), yes.astype(int), two, weight) == pytest.approx(wanted, rel=1e-12)
    four = prediction[:, :4]
    wanted = np.mean([area(y == c, four[:, c], weight) for c in range(4)])
    assert in_parts(AUC(), y, four, weight) == pytest.approx(wanted, rel=1e-12)


def test_no_area():
    assert math.isnan(AUC().result())
    for y, scores in (([1, 1], [0.1, 0.2]), ([0, 0], [0.1, 0.2]), ([0, 1], [0.1, math.nan])):
        auc = AUC()
        auc.update(y, scores)
        assert math.isnan(auc.result())


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=40))
def test_r2_in_parts_is_r2_at_once(pairs):
    y, prediction = np.array(pairs).T
    spread = ((y - y.mean()) ** 2).sum()
    if spread < 1e-6 * (y**2).sum() + 1e-9:
        return  # as good as constant: nothing is left of the digits
    wanted = 1 - ((y - prediction) ** 2).sum() / spread
    found = in_parts(R2(), y, prediction, np.ones(len(y)), (0, 1, len(y) // 2))
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_r2_of_equal_targets_has_no_spread_where_parts_are_merged():
    """The weights round the means of the parts, by which large targets overflowed."""
    r2 = R2()
    for n in (3, 2, 2):
        part = R2()
        part.update(np.full(n, 1e300), np.full((n, 1), 1e300), np.full(n, 0.3))
        r2.merge(part)
    assert (r2.result(), r2.spread) == (1.0, 0.0)


def test_r2_of_several_outputs_with_weights():
    rng = np.random.default_rng(0)
    y, weight = rng.normal(size=(50, 3)) + [0, 1e3, -5], rng.integers(0, 3, 50) / 2
    y[:, 2] = 4.0
    prediction = y + rng.normal(size=(50, 3)) * [0.5, 0.1, 0]
    mean = np.average(y, axis=0, weights=weight)
    errors = weight @ (y - prediction) ** 2
    each = 1 - errors[:2] / (weight @ (y - mean) ** 2)[:2]
    found = in_parts(R2(), y, prediction, weight, (0, 1, 20))
    assert found == pytest.approx(np.mean([*each, 1.0]), rel=1e-9)
    assert math.isnan(in_parts(R2(), y[:1], prediction[:1], np.ones(1), (0,)))


@pytest.mark.parametrize(
    ("y", "prediction", "wanted"),
    [
        ([1, 1, 2, 2], [1, 1, 2, 1.5], 0.75),  # a spread of 1
        ([3, 3], [3, 3], 1),
        ([3, 3], [3, 3.5], 0),
        ([1e-200, 2e-200], [1e-200, 2e-200], 1),  # squares that vanish
        ([1e-200, 2e-200], [1e-200, 1], 0),
    ],
)
def test_r2_by_hand(y, prediction, wanted):
    metric = R2()
    metric.update(y, prediction)
    assert metric.result() == wanted


def test_errors(sample):
    rng = np.random.default_rng(1)
    y, prediction, weight = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)), rng.random(60)
    squared = np.average(((y - prediction) ** 2).mean(axis=1), weights=weight)
    absolute = np.average(np.abs(y - prediction).mean(axis=1), weights=weight)
    mse, mae = metrics.MeanSquaredError(), metrics.MeanAbsoluteError()
    assert in_parts(mse, y, prediction, weight) == pytest.approx(squared, rel=1e-12)
    assert in_parts(mae, y, prediction, weight) == pytest.approx(absolute, rel=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_labels_out_of_range(name):
    with pytest.raises(ValueError, match="y must hold whole numbers from 0 to 2, got 3 in row 1"):
        metrics.get(name).update([0, 3], np.eye(3)[:2])


@pytest.mark.parametrize("name", [name for name in metrics.METRICS if name not in MEANS])
def test_batches_of_other_widths(name):
    metric = metrics.get(name)
    metric.update(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="prediction must have 3 columns as before, got 4"):
        metric.update(np.eye(4), np.eye(4))


@pytest.mark.parametrize("name", [name for name in metrics.METRICS if name not in MEANS])
def test_what_is_no_mean_merges_in_a_way_of_its_own(name):
    kind = metrics.METRICS[name]
    for needed in ("reset", "merge", "result"):
        own = getattr(kind, needed) is not getattr(metrics.Metric, needed)
        assert own, f"{kind.__module__}: {kind.__name__} writes add, and has no {needed}"


@pytest.mark.parametrize("name", metrics.METRICS)
def test_reset_forgets(name):
    metric = metrics.get(name)
    shape = (4, 1) if name in NUMBERS else (4, 4)
    metric.update(np.eye(*shape), np.ones(shape))
    metric.reset()
    assert math.isnan(metric.result())


@pytest.fixture(scope="module")
def answers():
    """Return three labels a row, of which the last is never true and never predicted."""
    rng = np.random.default_rng(0)
    y = (rng.random((120, 3)) < [0.7, 0.4, 0.0]).astype(float)
    prediction = 0.3 * y + 0.7 * rng.random((120, 3)) * [1.0, 1.0, 0.7]
    return y, prediction, rng.integers(0, 4, 120) / 2


@pytest.mark.parametrize("metric", [Precision, Recall, F1])
def test_multi_label_targets(metric, answers):
    y, prediction, weight = answers
    pairs = [by_class(metric.name, y[:, j], prediction[:, j] > 0.5, weight, [1]) for j in range(3)]
    each, support = (np.concatenate(part) for part in zip(*pairs, strict=True))
    found = {a: in_parts(metric(a, True), y, prediction, weight) for a in AVERAGES}
    assert 0 < each[0] < 1 and each[2] == 0
    assert found["macro"] == pytest.approx(each.mean(), rel=1e-12)
    assert found["weighted"] == pytest.approx(np.average(each, weights=support), rel=1e-12)
    every, _ = by_class(metric.name, y.ravel(), prediction.ravel() > 0.5, weight.repeat(3), [1])
    assert found["micro"] == pytest.approx(every[0], rel=1e-12)
    lone = in_parts(metric(multi_label=True), y[:, :1], prediction[:, :1], weight)
    assert lone == in_parts(metric(), y[:, :1], prediction[:, :1], weight)


def test_no_positive_label():
    for average in AVERAGES:
        metric = Precision(average, multi_label=True)
        metric.update(np.zeros((4, 3)), np.zeros((4, 3)))
        assert metric.result() == 0
        assert metric.reset() is None and math.isnan(metric.result())


def test_auc_of_multi_label_targets(answers):
    y, prediction, weight = (part[:, :2] if part.ndim == 2 else part for part in answers)
    each = [in_parts(AUC(), y[:, [j]], prediction[:, [j]], weight) for j in range(2)]
    found = in_parts(AUC(multi_label=True), y, prediction, weight)
    assert 0.5 < found < 1 and found == pytest.approx(np.mean(each), rel=1e-12)


@pytest.mark.parametrize("metric", [Precision(), Recall(), F1(), AUC(), TopKAccuracy(2)], ids=repr)
@pytest.mark.parametrize("row", [[1, 1, 0], [0, 0, 0]])
def test_class_metrics_refuse_multi_label_targets(metric, row):
    with pytest.raises(ValueError, match=r"y must be .* in row 1: .* begin with multi_label_"):
        metric.update([[1, 0, 0], row], np.ones((2, 3)))


def test_names_say_the_settings():
    given = [TopKAccuracy(3), AUC(True)]
    given += [
        kind(a, m) for kind in (Precision, Recall, F1) for a in AVERAGES for m in (False, True)
    ]
    assert len({metric.name for metric in given}) == len(given)
    for metric in given:
        found = metrics.get(metric.name)
        assert repr(found) == repr(metric) and found is not metrics.get(metric.name)
        assert metrics.named(metric)
    for wrong in ("top_0_accuracy", "top_-3_accuracy", "top_3", "macro_f1", "micro_auc"):
        with pytest.raises(ValueError, match="metric must be one of"):
            metrics.get(wrong)


@pytest.mark.parametrize("value", [0.1, 1 / 3, -202411.7, 1e-9, 1e100])
def test_r2_of_equal_targets_is_0_or_1(value):
    """At once, in batches and merged; rows without a weight do not count."""
    for n in (2, 3, 10, 100, 997):
        y = np.full(n, value)
        for wrong, wanted in ((0.0, 1.0), (0.5, 0.0)):
            prediction = (y + wrong * abs(value))[:, np.newaxis]
            cuts = (0, n // 3, n // 2)
            assert in_parts(R2(), y, prediction, np.ones(n), cuts) == wanted
            assert in_parts(R2(), y, prediction, np.full(n, 0.3), (0,)) == wanted
            parts = [R2(), R2()]
            for part, rows in zip(parts, (slice(n // 2), slice(n // 2, n)), strict=True):
                part.update(y[rows], prediction[rows])
            parts[0].merge(parts[1])
            assert parts[0].result() == wanted
            weight = np.append(np.ones(n), 0.0)
            y_more, more = np.append(y, 7.0), np.append(prediction, [[3.0]], axis=0)
            assert in_parts(R2(), y_more, more, weight, (0, n)) == wanted
    two = np.column_stack([np.full(3, value), [1.0, 2.0, 3.0]])
    r2 = R2()
    r2.update(two, two + [[abs(value), 0.0]] * 3)
    assert r2.result() == 0.5


@pytest.mark.parametrize("name", NUMBERS)
def test_what_overflows_is_not_finite_without_a_warning(name):
    metric = metrics.get(name)
    y = np.array([1e300, -1e300, 1.7e308])
    metric.update(y, -y[:, np.newaxis])
    metric.update(y, -y[:, np.newaxis], [1.0, 1e10, 1.0])
    assert not math.isfinite(metric.result())


def test_a_direction_is_true_false_or_none():
    class Odd(metrics.Metric):
        name = "odd"
        more_is_better = "min"

    with pytest.raises(TypeError, match="more_is_better of .* must be True, False or None, got 'm"):
        metrics.get_all([Odd()])


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            {"update": lambda self, y: None},
            r"update must take \(y, prediction, weight\), got one th",
        ),
        ({"result": lambda self, y: None}, r"result must take \(\), got one that takes \(y\)"),
        ({"reset": None}, r"reset must take \(\), got None"),
    ],
)
def test_methods_that_cannot_be_called_are_errors_of_compile(named, message):
    mine = metrics.Accuracy()
    for name, method in named.items():
        setattr(mine, name, method and method.__get__(mine))
    with pytest.raises(TypeError, match=f"^Accuracy.{message}"):
        metrics.get_all([mine])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([3], r"^name of Accuracy\(\) must be a string, got 3"),
        (["val_loss"], "must have different names, .* with 'val_' before"),
        (["a", "val_a"], "must have different names, .* with 'val_' before"),
    ],
)
def test_names_that_logs_cannot_hold(names, message):
    mine = [metrics.Accuracy() for _ in names]
    for metric, name in zip(mine, names, strict=True):
        metric.name = name
    with pytest.raises((TypeError, ValueError), match=message):
        metrics.get_all(mine)


@pytest.mark.parametrize("value", [None, np.zeros(2), "high", 1j])
def test_a_result_that_is_no_number(value):
    model = Model([Dense(1)], seed=0)
    mine = metrics.get("mae")
    mine.result = lambda: value
    model.compile("sgd", "mse", [mine])
    with pytest.raises(TypeError, match="^result of the metric 'mae' must be a number, got "):
        model.fit([[1.0]], [1.0], verbose=0)


@pytest.mark.parametrize("shape", [(3,), (4, 1), ()])
def test_a_score_of_another_shape(shape):
    mine = metrics.Metric()
    mine.score = lambda y, prediction: np.ones(shape)
    with pytest.raises(
        ValueError, match=r"^score must have shape \(4,\), one for each row, got \("
    ):
        mine.update(np.zeros(4), np.zeros((4, 2)))
    mine.score = lambda y, prediction: [1, 2, 3, 4]
    mine.update(np.zeros(4), np.zeros((4, 2)))
    assert mine.result() == 2.5
