"""Curves over the thresholds of a score, against their definitions and scikit-learn."""

import re

import numpy as np
import pytest

from cynn.metrics import AUC, calibration_curve, precision_recall_curve, roc_curve

RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 2, 200)
SCORE = np.round(RNG.random(200) * 0.6 + 0.4 * TRUE, 2)  # some are equal


def test_roc_by_its_definition():
    curve = roc_curve(TRUE, SCORE)
    for down, up, threshold in zip(*curve, strict=True):
        taken = threshold <= SCORE
        assert down == pytest.approx(taken[TRUE == 0].mean())
        assert up == pytest.approx(taken[TRUE == 1].mean())
    auc = AUC()
    auc.update(TRUE, SCORE)
    assert curve.area == pytest.approx(auc.result())


def test_precision_and_recall_by_their_definition():
    curve = precision_recall_curve(TRUE, SCORE)
    for precision, recall, threshold in zip(*curve, strict=True):
        taken = threshold <= SCORE
        assert precision == pytest.approx(TRUE[taken].mean())
        assert recall == pytest.approx(taken[TRUE == 1].mean())


def test_calibration_by_its_definition():
    score = RNG.random(200)  # on no edge of a bin
    curve = calibration_curve(TRUE, score, 5)
    edges = np.linspace(0, 1, 6)
    for i, (said, seen, count) in enumerate(zip(*curve, strict=True)):
        inside = (score >= edges[i]) & (score < edges[i + 1])
        assert count == inside.sum() and said == pytest.approx(score[inside].mean())
        assert seen == pytest.approx(TRUE[inside].mean())
    assert calibration_curve([0, 1], [0.0, 1.0]).error == 0


def test_scikit_learn_computes_the_same():
    pytest.importorskip("sklearn")
    from sklearn.calibration import calibration_curve as sk_calibration
    from sklearn.metrics import average_precision_score
    from sklearn.metrics import roc_curve as sk_roc

    ours, theirs = roc_curve(TRUE, SCORE), sk_roc(TRUE, SCORE, drop_intermediate=False)
    assert all(np.allclose(a[1:], b[1:]) for a, b in zip(ours, theirs, strict=True))
    average = precision_recall_curve(TRUE, SCORE).average_precision
    assert average == pytest.approx(average_precision_score(TRUE, SCORE))
    score = RNG.random(200)  # on no edge of a bin, which theirs puts below
    observed, predicted = sk_calibration(TRUE, score, n_bins=10)
    found = calibration_curve(TRUE, score)
    assert np.allclose(found.observed, observed) and np.allclose(found.predicted, predicted)


@pytest.mark.parametrize(
    ("curve", "arguments", "said"),
    [
        (roc_curve, ([0, 0], [0.1, 0.2]), "y_true must hold both 0 and 1 for a ROC curve, got 0"),
        (roc_curve, ([1, 1], [0.1, 0.2]), "y_true must hold both 0 and 1 for a ROC curve, got 1"),
        (precision_recall_curve, ([0], [0.1]), "y_true must hold a 1 for a precision-recall"),
        (roc_curve, ([], []), "y_true must have at least one row, got none"),
        (roc_curve, ([0, 1], [0.1]), "y_true and y_score must be of one length, got 2 and 1"),
        (roc_curve, ([0, 2], [0.1, 0.2]), "y_true must hold whole numbers from 0 to 1, got 2"),
        (roc_curve, ([0, 1], [0.1, np.inf]), "y_score must hold finite numbers, got inf in row 1"),
        (calibration_curve, ([0, 1], [0.1, 1.5]), "y_prob must hold probabilities from 0 to 1"),
        (calibration_curve, ([0, 1], [0.1, 0.5], 0), "n_bins must be a positive integer, got 0"),
    ],
)
def test_what_has_no_curve(curve, arguments, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        curve(*arguments)
