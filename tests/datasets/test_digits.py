"""Synthetic digits: the guarantees of the docstring, and that they resemble digits."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from cynn.datasets import _digits, make_digits


@pytest.fixture(scope="module")
def drawn():
    return make_digits(4000, seed=7)


def test_shape_and_type(drawn):
    images, labels = drawn
    assert images.shape == (4000, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (4000,) and labels.dtype == np.uint8
    assert images.flags.c_contiguous and images.flags.writeable


def test_same_seed_same_bytes_even_in_another_process(drawn):
    code = (
        "import hashlib; from cynn.datasets import make_digits; x, y = make_digits(4000, seed=7);"
        "print(hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    images, labels = drawn
    mine = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert other.stdout.strip() == mine


def test_other_seed_other_digits(drawn):
    digest = {make_digits(10, s)[0].tobytes() for s in (0, 1, 2, 2**32, 2**32 + 1, 2**70)}
    assert len(digest) == 6
    images, labels = drawn
    assert len({image.tobytes() for image in images}) == len(images)
    # A block of one seed is no block of another's.
    later = make_digits(_digits.BLOCK + 10, 0)[0][_digits.BLOCK :]
    assert not any(np.array_equal(later, make_digits(10, s)[0]) for s in (0, 1, 2**32))


@pytest.mark.parametrize("n", [0, 1, 9, 37, _digits.BLOCK - 1, _digits.BLOCK, _digits.BLOCK + 1])
def test_prefix_and_balance(drawn, n):
    images, labels = make_digits(n, seed=7)
    assert np.array_equal(images, drawn[0][:n]) and np.array_equal(labels, drawn[1][:n])
    count = np.bincount(labels, minlength=10)
    assert len(count) == 10 and count.max() - count.min() <= 1


def test_labels_are_shuffled(drawn):
    tens = drawn[1].reshape(-1, 10)
    assert len({tuple(ten) for ten in tens.tolist()}) > 390
    assert 0.05 < (tens[:, :-1] == tens[:, 1:] - 1).mean() < 0.15  # one in ten by chance


@pytest.mark.parametrize("bad", [-1, 10_000_001, 10**30])
def test_bad_n(bad):
    with pytest.raises(ValueError, match="^n must be "):
        make_digits(bad)


@pytest.mark.parametrize("bad", [1.0, "3", None, True, np.float32(2)])
def test_not_an_integer(bad):
    with pytest.raises(TypeError, match="^n must be "):
        make_digits(bad)
    with pytest.raises(TypeError, match="^seed must be "):
        make_digits(1, bad)


def test_bad_seed_and_numpy_integers():
    with pytest.raises(ValueError, match="^seed must be "):
        make_digits(1, -1)
    assert make_digits(np.int64(3), seed=np.uint8(4))[0].shape == (3, 28, 28)


def test_bright_strokes_on_black_about_the_middle(drawn):
    images = drawn[0]
    assert (images.max((1, 2)) > 180).all()
    inked = (images > 0).mean((1, 2))
    assert inked.min() > 0.03 and inked.max() < 0.6 and 0.15 < inked.mean() < 0.3
    grey = ((images > 0) & (images < 255)).mean() / (images > 0).mean()
    assert 0.3 < grey < 0.9  # anti-aliased, yet not a fog
    edges = np.concatenate([images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel()])
    assert (edges > 100).mean() < 0.0006  # hardly a stroke leaves the image
    weight = images.astype(float)
    middle = (weight * np.arange(28)).sum((1, 2)) / weight.sum((1, 2))
    assert np.abs(middle - 13.5).max() < 5.5 and abs(middle.mean() - 13.5) < 0.3


def test_paint_is_the_distance_to_the_path(monkeypatch):
    """The windows of the painter leave out nothing that shows: against every pixel and piece."""
    seen = []
    paint = _digits._paint
    monkeypatch.setattr(_digits, "_paint", lambda *a: seen.append((*a, paint(*a))) or seen[0][-1])
    _digits._block(11, 0)
    starts, stops, pieces, width, got = seen[0]
    radius = 1.0 / np.sqrt(width).mean(1)[:, None, None]
    y, x = np.mgrid[:28, :28].astype(float)
    best = np.full(got.shape, np.inf)
    for k in range(starts.shape[1]):
        on = np.flatnonzero(pieces > k)
        way = (stops[on, k] - starts[on, k])[:, :, None, None]
        dx, dy = x - starts[on, k, 0, None, None], y - starts[on, k, 1, None, None]
        foot = (dx * way[:, 0] + dy * way[:, 1]) / np.maximum((way**2).sum(1), 1e-6)
        foot = foot.clip(0, 1)
        far = np.hypot(dx - foot * way[:, 0], dy - foot * way[:, 1])
        best[on] = np.minimum(best[on], far * np.sqrt(width[on, k])[:, None, None])
    ink = [np.clip(radius / 1.1 * (1 - far) + 0.5, 0, 1) for far in (got, best)]
    assert np.abs(ink[0] - ink[1]).max() < 0.05


def test_the_table_of_glyphs():
    """The look-up of a digit's glyphs needs them in order."""
    said = [g.digit for g in _digits.GLYPHS]
    assert said == sorted(said) and set(said) == set(range(10))
    for d in range(10):
        assert sum(g.share for g in _digits.GLYPHS if g.digit == d) == pytest.approx(1.0)


def test_digits_are_learnable_but_not_trivial(drawn):
    """Neither trivial nor noise: bounds for the nearest class mean and for least squares."""
    images, labels = drawn
    x = images.reshape(len(images), -1) / 255.0
    test, asked = make_digits(1000, seed=8)
    t = test.reshape(1000, -1) / 255.0
    means = np.stack([x[labels == d].mean(0) for d in range(10)])
    nearest = ((t**2).sum(1)[:, None] - 2 * t @ means.T + (means**2).sum(1)).argmin(1)
    assert 0.55 < (nearest == asked).mean() < 0.8
    square = x.T @ x + 10.0 * np.eye(784)
    weights = np.linalg.solve(square, x.T @ (np.eye(10)[labels] - 0.1))
    assert 0.7 < ((t @ weights).argmax(1) == asked).mean() < 0.92
