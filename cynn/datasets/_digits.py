"""Digits drawn here: handwriting in the shape of MNIST, for work without a network.

Each digit is a skeleton of a few strokes, written down below the way a child learns it.  An image
is one skeleton, bent, slanted, scaled, turned and shifted at random, and painted by the distance
of each pixel to the pen's path.  Everything is NumPy over blocks of images.
"""

from __future__ import annotations

import functools
import operator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["make_digits"]

SIZE = 28
MAX_IMAGES = 10_000_000  # 7.8 GB of pixels: more than that is a slip of the keyboard

# Images are drawn in blocks of this many, each with a random stream of its own: block b is the same
# whatever n is.  A multiple of 10, so that the digits of a block are balanced, and small enough
# that a block's scratch arrays stay in the processor's cache.
BLOCK = 500

# The pen's path is cut into straight pieces, and a piece paints only the WINDOW x WINDOW pixels
# about its middle, so the canvas has a margin on every side for windows that stick out.
WINDOW = 9
MARGIN = 8
CANVAS = SIZE + 2 * MARGIN
PIECE = 0.105  # longest piece, as a part of the digit's height
FAR = np.float32(100.0)  # a squared distance, in pen radii, where no ink lies


class Glyph(NamedTuple):
    """One way to write a digit."""

    digit: int
    share: float  # how often people write it this way, among the ways of the same digit
    points: tuple[tuple[float, float], ...]  # x runs right, y down, the digit is about 1 high
    # Each stroke of the pen is a smooth curve through these of the points. Strokes that share a
    # point stay joined however the points are moved.
    strokes: tuple[tuple[int, ...], ...]


_OVAL = ((0.36, 0.0), (0.06, 0.25), (0.05, 0.75), (0.33, 1.0), (0.62, 0.75), (0.63, 0.25))

GLYPHS: tuple[Glyph, ...] = (
    # 0: closed; and with ends that cross at the top
    Glyph(0, 0.6, _OVAL, ((0, 1, 2, 3, 4, 5, 0),)),
    Glyph(0, 0.4, (*_OVAL, (0.4, 0.03), (0.22, 0.1)), ((0, 1, 2, 3, 4, 5, 6, 7),)),
    # 1: a bar; with a flag; with a flag and a foot
    Glyph(1, 0.75, ((0.0, 0.0), (0.0, 0.5), (0.0, 1.0)), ((0, 1, 2),)),
    Glyph(1, 0.15, ((0.0, 0.18), (0.15, 0.0), (0.15, 0.5), (0.15, 1.0)), ((0, 1), (1, 2, 3))),
    Glyph(1, 0.1, ((0.06, 0.2), (0.24, 0.0), (0.24, 0.5), (0.24, 1.0), (0.0, 1.0), (0.5, 1.0)),
          ((0, 1), (1, 2, 3), (4, 5))),
    # 2: with a corner at the foot; with a loop there; round like a swan
    Glyph(2, 0.45, ((0.04, 0.24), (0.18, 0.03), (0.45, 0.02), (0.6, 0.22), (0.48, 0.52),
                    (0.25, 0.78), (0.0, 1.0), (0.32, 0.97), (0.68, 0.98)),
          ((0, 1, 2, 3, 4, 5, 6), (6, 7, 8))),
    Glyph(2, 0.4, ((0.08, 0.2), (0.24, 0.02), (0.5, 0.05), (0.58, 0.28), (0.42, 0.62),
                   (0.18, 0.92), (0.02, 0.95), (0.04, 0.8), (0.2, 0.8), (0.42, 0.94), (0.74, 0.92)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),)),
    Glyph(2, 0.15, ((0.0, 0.16), (0.28, 0.0), (0.54, 0.12), (0.52, 0.42), (0.3, 0.74), (0.02, 0.98),
                    (0.36, 0.9), (0.7, 1.0)),
          ((0, 1, 2, 3, 4, 5), (5, 6, 7))),
    # 3: two round bowls; a flat top
    Glyph(3, 0.8, ((0.05, 0.14), (0.28, 0.0), (0.52, 0.1), (0.5, 0.33), (0.2, 0.47), (0.52, 0.56),
                   (0.62, 0.78), (0.36, 0.99), (0.0, 0.9)),
          ((0, 1, 2, 3, 4), (4, 5, 6, 7, 8))),
    Glyph(3, 0.2, ((0.04, 0.03), (0.32, 0.02), (0.6, 0.0), (0.26, 0.4), (0.54, 0.52), (0.62, 0.76),
                   (0.38, 0.98), (0.0, 0.9)),
          ((0, 1, 2), (2, 3), (3, 4, 5, 6, 7))),
    # 4: open, its bar crossing; open, like a y; closed, in one stroke
    Glyph(4, 0.4, ((0.12, 0.0), (0.06, 0.3), (0.02, 0.55), (0.32, 0.55), (0.68, 0.52), (0.54, 0.06),
                   (0.5, 0.5), (0.46, 1.0)),
          ((0, 1, 2), (2, 3, 4), (5, 6, 7))),
    Glyph(4, 0.35, ((0.06, 0.02), (0.0, 0.28), (0.1, 0.5), (0.36, 0.5), (0.56, 0.38), (0.6, 0.0),
                    (0.55, 0.5), (0.5, 1.0)),
          ((0, 1, 2, 3, 4), (5, 4, 6, 7))),
    Glyph(4, 0.25, ((0.46, 0.0), (0.24, 0.28), (0.0, 0.6), (0.32, 0.6), (0.7, 0.58), (0.47, 0.5),
                    (0.46, 1.0)),
          ((0, 1, 2), (2, 3, 4), (0, 5, 6))),
    # 5: stem, belly and a separate roof; in one stroke
    Glyph(5, 0.6, ((0.14, 0.06), (0.12, 0.24), (0.1, 0.44), (0.38, 0.4), (0.56, 0.62), (0.46, 0.9),
                   (0.2, 1.0), (0.0, 0.9), (0.36, 0.04), (0.64, 0.0)),
          ((0, 1, 2), (2, 3, 4, 5, 6, 7), (0, 8, 9))),
    Glyph(5, 0.4, ((0.66, 0.0), (0.42, 0.03), (0.22, 0.1), (0.12, 0.36), (0.36, 0.46), (0.54, 0.68),
                   (0.4, 0.94), (0.18, 1.0), (0.0, 0.92)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    # 6: a curve into a loop; a straight stem
    Glyph(6, 0.65, ((0.46, 0.0), (0.2, 0.2), (0.03, 0.52), (0.05, 0.84), (0.28, 1.0), (0.52, 0.86),
                    (0.5, 0.62), (0.28, 0.54), (0.07, 0.7)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    Glyph(6, 0.35, ((0.3, 0.0), (0.14, 0.3), (0.02, 0.66), (0.08, 0.92), (0.3, 0.99), (0.48, 0.86),
                    (0.44, 0.68), (0.24, 0.64), (0.04, 0.8)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8),)),
    # 7: plain; with a bar; with a hook at the start
    Glyph(7, 0.5, ((0.0, 0.06), (0.3, 0.04), (0.62, 0.0), (0.42, 0.46), (0.24, 1.0)),
          ((0, 1, 2), (2, 3, 4))),
    Glyph(7, 0.2, ((0.0, 0.04), (0.3, 0.03), (0.6, 0.0), (0.42, 0.48), (0.24, 1.0), (0.16, 0.52),
                   (0.64, 0.48)),
          ((0, 1, 2), (2, 3, 4), (5, 6))),
    Glyph(7, 0.3, ((0.02, 0.22), (0.06, 0.05), (0.34, 0.06), (0.6, 0.02), (0.58, 0.2), (0.44, 0.56),
                   (0.36, 1.0)),
          ((0, 1), (1, 2, 3), (3, 4, 5, 6))),
    # 8: one stroke that crosses itself; two rings
    Glyph(8, 0.7, ((0.54, 0.12), (0.3, 0.0), (0.08, 0.14), (0.16, 0.36), (0.42, 0.56), (0.54, 0.8),
                   (0.3, 1.0), (0.04, 0.84), (0.14, 0.6), (0.42, 0.36)),
          ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0),)),
    Glyph(8, 0.3, ((0.3, 0.0), (0.1, 0.08), (0.08, 0.32), (0.3, 0.46), (0.5, 0.3), (0.5, 0.1),
                   (0.08, 0.56), (0.0, 0.82), (0.26, 1.0), (0.54, 0.86), (0.52, 0.6)),
          ((0, 1, 2, 3, 4, 5, 0), (3, 6, 7, 8, 9, 10, 3))),
    # 9: a ring and a straight stem; a ring and a tail
    Glyph(9, 0.65, ((0.54, 0.12), (0.3, 0.0), (0.06, 0.12), (0.02, 0.36), (0.22, 0.48),
                    (0.44, 0.36), (0.54, 0.08), (0.5, 0.5), (0.44, 1.0)),
          ((0, 1, 2, 3, 4, 5, 6), (6, 7, 8))),
    Glyph(9, 0.35, ((0.5, 0.16), (0.3, 0.0), (0.06, 0.12), (0.02, 0.36), (0.22, 0.5), (0.46, 0.38),
                    (0.54, 0.14), (0.56, 0.5), (0.46, 0.86), (0.24, 1.0), (0.04, 0.92)),
          ((0, 1, 2, 3, 4, 5, 6), (6, 7, 8, 9, 10))),
)  # fmt: skip


class _Shapes(NamedTuple):
    """The glyphs as arrays, padded to the largest (G glyphs, C points, K pieces)."""

    points: NDArray[np.float32]  # (G, C, 2)
    starts: NDArray[np.float32]  # (G, K, C): pieces' ends are these matrices times the points
    stops: NDArray[np.float32]  # (G, K, C)
    pieces: NDArray[np.intp]  # (G,) pieces that are real
    first: NDArray[np.intp]  # (10,) first glyph of a digit
    shares: NDArray[np.float64]  # (10, most) cumulative shares of the digit's glyphs


def _curve(n: int, closed: bool, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (len(t), n) of n points in their Catmull-Rom curve at t in [0, 1]."""
    if closed:
        ring = np.arange(-1, n + 1) % (n - 1)
        ring[0] = n - 2
    else:
        ring = np.clip(np.arange(-1, n + 1), 0, n - 1)
    at = np.clip(t, 0.0, 1.0) * (n - 1)
    left = np.minimum(at.astype(np.intp), n - 2)
    u = at - left
    basis = (
        -0.5 * u + u * u - 0.5 * u**3,
        1 - 2.5 * u * u + 1.5 * u**3,
        0.5 * u + 2 * u * u - 1.5 * u**3,
        -0.5 * u * u + 0.5 * u**3,
    )
    weights = np.zeros((len(t), n))
    rows = np.arange(len(t))
    for k, b in enumerate(basis):
        np.add.at(weights, (rows, ring[left + k]), b)
    return weights


@functools.cache
def _shapes() -> _Shapes:
    """Cut every glyph into pieces of about equal length and pack them in arrays."""
    most_points = max(len(g.points) for g in GLYPHS)
    paths: list[list[NDArray[np.float64]]] = []
    for glyph in GLYPHS:
        path = []
        for stroke in glyph.strokes:
            closed = stroke[0] == stroke[-1]
            weights = _curve(len(stroke), closed, np.linspace(0.0, 1.0, 401))
            xy = weights @ np.array([glyph.points[i] for i in stroke])
            along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
            n = max(2, int(np.ceil(along[-1] / PIECE)))
            t = np.interp(np.linspace(0.0, along[-1], n + 1), along, np.linspace(0.0, 1.0, 401))
            short = _curve(len(stroke), closed, t)
            full = np.zeros((n + 1, most_points))
            for k, i in enumerate(stroke):
                full[:, i] += short[:, k]
            path.append(full)
        paths.append(path)
    pieces = np.array([sum(len(p) - 1 for p in path) for path in paths])
    n_glyphs, most_pieces = len(GLYPHS), int(pieces.max())
    points = np.zeros((n_glyphs, most_points, 2), np.float32)
    starts = np.zeros((n_glyphs, most_pieces, most_points), np.float32)
    stops = np.zeros_like(starts)
    for g, path in enumerate(paths):
        points[g, : len(GLYPHS[g].points)] = GLYPHS[g].points
        starts[g, : pieces[g]] = np.concatenate([p[:-1] for p in path])
        stops[g, : pieces[g]] = np.concatenate([p[1:] for p in path])
        # Padding repeats the last piece: it moves neither the digit's box nor its ink.
        starts[g, pieces[g] :] = starts[g, pieces[g] - 1]
        stops[g, pieces[g] :] = stops[g, pieces[g] - 1]
    digits = np.array([g.digit for g in GLYPHS])
    shares = np.full((10, int(np.bincount(digits).max())), np.inf)
    for d in range(10):
        share = np.cumsum([g.share for g in GLYPHS if g.digit == d])
        shares[d, : len(share) - 1] = share[:-1] / share[-1]
    return _Shapes(points, starts, stops, pieces, np.searchsorted(digits, np.arange(10)), shares)


def _bell(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    """Draw numbers of mean 0 and deviation 1, bell-shaped and never past 3.

    The sum of three uniform draws: cheap, bounded, and made of the stream's plainest draw.
    """
    total: NDArray[np.float64] = rng.random((3, *shape)).sum(0)
    return ((total - 1.5) * 2.0).astype(np.float32)


def _paths(
    rng: np.random.Generator, style: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bend, slant, scale, turn and shift the glyphs `style`: (B, K, 2) ends of pieces in pixels."""
    shapes, n = _shapes(), len(style)
    points = shapes.points[style]
    points += 0.04 * _bell(rng, *points.shape)
    ends = np.empty((2, n, shapes.starts.shape[1], 2), np.float32)
    for g in np.unique(style):
        has_style = style == g
        ends[0, has_style] = np.einsum("kc,ncx->nkx", shapes.starts[g], points[has_style])
        ends[1, has_style] = np.einsum("kc,ncx->nkx", shapes.stops[g], points[has_style])

    def draw(mean: float, deviation: float) -> NDArray[np.float32]:
        return np.float32(mean) + np.float32(deviation) * _bell(rng, n, 1)

    # A slow wave across the digit bends strokes together, as a hand does.
    x, y = ends[..., 0], ends[..., 1]
    wave_x = draw(0.0, 0.045) * np.sin(draw(4.0, 1.0) * y + draw(0.0, 2.0))
    wave_y = draw(0.0, 0.045) * np.sin(draw(4.0, 1.0) * x + draw(0.0, 2.0))
    x = (x + wave_x) * np.exp(draw(0.05, 0.2))
    y = y + wave_y
    x -= draw(0.18, 0.21) * y
    turn = draw(0.0, 0.1)
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = cos * x - sin * y, sin * x + cos * y

    # As in MNIST: the longer side fills the same box, and the centre of the ink is the centre of
    # the image, both only about so here.
    wide = x.max((0, 2)) - x.min((0, 2))
    high = y.max((0, 2)) - y.min((0, 2))
    scale = draw(16.8, 1.5) / np.maximum(wide, high)[:, None]
    x *= scale
    y *= scale
    ink = np.hypot(x[1] - x[0], y[1] - y[0])
    ink[np.arange(ink.shape[1]) >= shapes.pieces[style][:, None]] = 0.0
    ink *= 0.5 / ink.sum(1, keepdims=True)
    centre = (SIZE - 1) / 2
    x += draw(centre, 1.25) - (ink * (x[0] + x[1])).sum(1, keepdims=True)
    y += draw(centre, 1.25) - (ink * (y[0] + y[1])).sum(1, keepdims=True)
    for z in (x, y):  # and no stroke leaves the image
        z += np.maximum(2.0 - z.min((0, 2)), 0.0)[:, None]
        z -= np.maximum(z.max((0, 2)) - (SIZE - 3.0), 0.0)[:, None]
    ends[..., 0], ends[..., 1] = x, y
    return ends[0], ends[1]


def _paint(
    starts: NDArray[np.float32],
    stops: NDArray[np.float32],
    pieces: NDArray[np.intp],
    width: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Distance of each pixel to the pen's path, in pen radii: (B, 28, 28).

    Piece k of every image at once: it lowers the squared distances in its own window.  `pieces`
    falls along the block, so that the images that still have a piece k come first.
    """
    n = len(starts)
    canvas = np.full((n, CANVAS, CANVAS), FAR, np.float32)
    last_corner = CANVAS - WINDOW
    windows = np.lib.stride_tricks.sliding_window_view(
        canvas, (WINDOW, WINDOW), axis=(1, 2), writeable=True
    )
    rows = np.arange(n)
    grid = np.arange(WINDOW, dtype=np.float32)
    direction = stops - starts
    length2 = np.maximum((direction * direction).sum(-1), np.float32(1e-6))
    corner = np.rint(0.5 * (starts + stops)) + np.float32(MARGIN - WINDOW // 2)
    np.clip(corner, 0, last_corner, out=corner)
    corners = corner.astype(np.intp)
    start = corner - np.float32(MARGIN) - starts  # of the window's corner, seen from the piece
    for k in range(starts.shape[1]):
        m = int(np.searchsorted(-pieces, -k, side="left"))
        dx = start[:m, k, 0, None] + grid
        dy = start[:m, k, 1, None] + grid
        ux = direction[:m, k, 0, None] / length2[:m, k, None]
        uy = direction[:m, k, 1, None] / length2[:m, k, None]
        # With s the foot of the pixel along the piece and t = s held within it, the squared
        # distance is |d|^2 + length^2 t (t - 2 s).
        s = (dy * uy)[:, :, None] + (dx * ux)[:, None, :]
        t = np.clip(s, 0.0, 1.0)
        s *= -2.0
        s += t
        s *= t
        s *= length2[:m, k, None, None]
        s += (dy * dy)[:, :, None]
        s += (dx * dx)[:, None, :]
        s *= width[:m, k, None, None]
        at = (rows[:m], corners[:m, k, 1], corners[:m, k, 0])
        np.minimum(s, windows[at], out=s)
        windows[at] = s
    inside = canvas[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return np.sqrt(np.maximum(inside, 0.0))


def _block(seed: int, block: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw block number `block` of the endless row of digits that `seed` names."""
    # SeedSequence keeps a spawn key apart from a seed of several words.
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(block,))))
    shapes = _shapes()
    labels = np.argsort(rng.random((BLOCK // 10, 10)), axis=1, kind="stable").ravel()
    style = shapes.first[labels] + (rng.random((BLOCK, 1)) >= shapes.shares[labels]).sum(1)
    order = np.argsort(-shapes.pieces[style], kind="stable")
    style = style[order]
    starts, stops = _paths(rng, style)
    radius = np.clip(1.3 * np.exp(0.25 * _bell(rng, BLOCK, 1)), 0.7, 2.1)
    # The pen presses harder here than there, slowly along the path.
    along = np.linspace(0.0, 1.0, starts.shape[1], dtype=np.float32)
    press = 1.0 + 0.12 * np.sin(6.0 * along * rng.random((BLOCK, 1)) + 6.3 * rng.random((BLOCK, 1)))
    far = _paint(starts, stops, shapes.pieces[style], (1.0 / (radius * press) ** 2).astype("f4"))
    edge = 1.1 + 0.8 * rng.random((BLOCK, 1))  # pixels from full ink to none
    ink = (radius / edge)[:, :, None].astype(np.float32) * (1.0 - far) + np.float32(0.5)
    images = np.empty((BLOCK, SIZE, SIZE), np.uint8)
    images[order] = np.rint(np.clip(ink, 0.0, 1.0) * 255.0)
    return images, labels.astype(np.uint8)


def _whole(name: str, value: int, most: float = float("inf")) -> int:
    """Check that an argument is an integer from 0 to `most`."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if not 0 <= (number := operator.index(value)) <= most:
        bound = f"from 0 to {most:,}" if most < float("inf") else "of at least 0"
        raise ValueError(f"{name} must be an integer {bound}, got {number}")
    return number


def make_digits(n: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw handwritten-looking digits in the shape of MNIST, with no file and no network.

    A sample is the skeleton of a digit (24 of them: people write most digits in two or three
    ways), its control points moved, bent by a slow wave, slanted, scaled, turned and shifted, and
    painted with a pen of random width and sharpness by the distance of each pixel to its path.
    A linear softmax reaches about 85 % on them and a hidden layer of 256 about 99 %, so
    they can tell a network that learns from one that does not; they are no stand-in for MNIST in
    a published figure.

    Parameters
    ----------
    n : int
        How many images, from 0 to 10,000,000.
    seed : int
        Names an endless row of images, of which the first `n` are returned: image ``i`` does not
        depend on `n`. Take different seeds for training and for testing.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28)
        White ink (255) on black (0), the digit about in the middle.
    labels : ndarray of uint8, shape (n,)
        The digits. Every ten in turn are 0 to 9 in random order, so that the counts of any two
        digits differ by at most one.

    Raises
    ------
    TypeError
        If `n` or `seed` is not an integer.
    ValueError
        If `n` or `seed` is negative, or `n` is too large.

    See Also
    --------
    load_mnist : Real handwritten digits.

    Notes
    -----
    The same `seed` gives the same bytes on one machine with one NumPy. Elsewhere the mathematical
    functions may round otherwise, and a few pixels differ by a grey level.

    The curves are uniform Catmull-Rom splines (E. Catmull and R. Rom, "A class of local
    interpolating splines", 1974).

    Examples
    --------
    >>> from cynn.datasets import make_digits
    >>> images, labels = make_digits(20, seed=1)
    >>> images.shape, images.dtype
    ((20, 28, 28), dtype('uint8'))
    >>> sorted(labels[:10].tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    n = _whole("n", n, MAX_IMAGES)
    seed = _whole("seed", seed)
    images = np.empty((n, SIZE, SIZE), np.uint8)
    labels = np.empty(n, np.uint8)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        # A block is always drawn whole, so that no image depends on where the row is cut.
        block_images, block_labels = _block(seed, start // BLOCK)
        images[start:stop] = block_images[: stop - start]
        labels[start:stop] = block_labels[: stop - start]
    return images, labels
