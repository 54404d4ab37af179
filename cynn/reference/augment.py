"""Images as they come into a batch of training: turned, shifted, with noise."""

import math
from typing import NamedTuple

from .arrays import Flat, Rows, zeros
from .call import Call
from .random import BITS, random_below, random_bits

MOTION, NOISE = 1 << 30, (1 << 30) + 1
"""Numbers of the batch's key, where those below belong to dropouts."""


class Augmentation(NamedTuple):
    """The size of an image, and by how much it may change: pixels, radians, a deviation."""

    height: int
    width: int
    shift: int
    angle: float
    noise: float


def checked_augmentation(
    settings: tuple[int, int, int, float, float], n_inputs: int
) -> Augmentation:
    """Return it, or refuse it.

    Raises
    ------
    ValueError
        If it does not describe rows of that many numbers, or a number is negative or not finite.

    Examples
    --------
    >>> checked_augmentation((2, 3, 1, 0.5, 0.0), 6).width
    3
    """
    augmentation = Augmentation(*settings)
    if min(augmentation[:2]) < 1 or augmentation.height * augmentation.width != n_inputs:
        raise ValueError(
            f"network: augmentation must be of {n_inputs} pixels in all, got {augmentation[:2]}"
        )
    if (
        not all(0 <= number < math.inf for number in augmentation[2:])
        or augmentation.shift > 1 << 20
    ):
        raise ValueError(f"network: augmentation must be finite and not negative, got {settings}")
    return augmentation


def augmented(x: Rows, augmentation: Augmentation, background: float, call: Call) -> Rows:
    """Return rows as they are seen in training; each is drawn by its place in the batch."""
    assert call.key is not None
    motion, noise = random_bits(call.key, MOTION), random_bits(call.key, NOISE)
    images = []
    for place, row in enumerate(x, call.place):
        dy, dx = (
            random_below(motion, 3 * place + k, 2 * augmentation.shift + 1) - augmentation.shift
            for k in (0, 1)
        )
        fraction = (random_bits(motion, 3 * place + 2) >> 11) / 2**53
        moved = moved_image(
            row, augmentation, dy, dx, (2 * fraction - 1) * augmentation.angle, background
        )
        images.append(
            [v + n for v, n in zip(moved, drawn_noise(noise, place, augmentation), strict=True)]
        )
    return images


def moved_image(
    row: Flat, augmentation: Augmentation, dy: int, dx: int, angle: float, background: float
) -> Flat:
    """Turn an image around its middle, then shift it.

    Where pixel (i, j) came from lies between four pixels; they count by how near they are. From
    outside comes the background.

    Examples
    --------
    >>> image = Augmentation(2, 2, 0, 0.0, 0.0)
    >>> moved_image([1.0, 2.0, 3.0, 4.0], image, 1, 0, 0.0, -1.0)
    [-1.0, -1.0, 1.0, 2.0]
    >>> [round(v, 6) for v in moved_image([1.0, 2.0, 3.0, 4.0], image, 0, 0, math.pi / 2, 0.0)]
    [3.0, 1.0, 4.0, 2.0]
    """
    height, width = augmentation.height, augmentation.width
    frame = [[background] * (width + 3) for _ in range(height + 3)]
    for i in range(height):
        frame[i + 1][1 : width + 1] = row[i * width : (i + 1) * width]
    s, c = math.sin(angle), math.cos(angle)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    out = zeros(height, width)
    for i in range(height):
        for j in range(width):
            v, w = i - middle_y - dy, j - middle_x - dx
            y = min(max(middle_y + c * v - s * w + 1, 0.0), height + 1.0)
            x = min(max(middle_x + s * v + c * w + 1, 0.0), width + 1.0)
            top, left = int(y), int(x)
            y, x = y - top, x - left
            upper, lower = frame[top], frame[top + 1]
            above = upper[left] + x * (upper[left + 1] - upper[left])
            below = lower[left] + x * (lower[left + 1] - lower[left])
            out[i][j] = above + y * (below - above)
    return [value for line in out for value in line]


def drawn_noise(key: int, place: int, augmentation: Augmentation) -> Flat:
    """Return numbers around 0 whose deviation is `noise`, each the sum of four uniform ones.

    Four pixels share four words, and of each word a pixel has 16 bits.

    Examples
    --------
    >>> numbers = drawn_noise(5, 0, Augmentation(100, 100, 0, 0.0, 2.0))
    >>> round(math.sqrt(sum(n * n for n in numbers) / 10_000), 1)
    2.0
    """
    columns = augmentation.height * augmentation.width
    groups = -(-columns // 4)
    scale = augmentation.noise * math.sqrt(3) / 65536
    noise = []
    for group in range(groups):
        first = 4 * (place * groups + group)
        words = [random_bits(key, (first + k) % BITS) for k in range(4)]
        for i in range(4):
            noise.append(scale * (sum(word >> 16 * i & 65535 for word in words) - 131070))
    return noise[:columns]
