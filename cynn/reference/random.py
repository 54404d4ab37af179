"""Random numbers by counter: the same ones for everybody who knows the key."""

from .checks import shape

BITS = 1 << 64
"""How many different numbers 64 bits can say."""


def random_bits(key: int, i: int) -> int:
    """Return number `i` of the sequence that belongs to `key`, of 64 bits.

    It is a hash of both: no number depends on having drawn those before it. The hash is SplitMix64:
    Steele, Lea and Flood, *Fast splittable pseudorandom number generators* (2014), figure 17.

    Parameters
    ----------
    key, i : int
        From 0 and below ``2**64``.

    Returns
    -------
    int
        From 0 and below ``2**64``.

    Examples
    --------
    >>> random_bits(0, 0) == 0xE220A8397B1DCDAF
    True
    """
    z = (key + (i + 1) * 0x9E3779B97F4A7C15) % BITS
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % BITS
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % BITS
    return z ^ (z >> 31)


def random_below(key: int, i: int, end: int) -> int:
    """Return a whole number below `end`: the bits, read as a fraction of 1, times `end`.

    Parameters
    ----------
    key, i : int
        As for `random_bits`.
    end : int
        At least 1.

    Examples
    --------
    >>> [random_below(7, i, 6) + 1 for i in range(8)]
    [3, 1, 6, 4, 3, 2, 3, 2]
    """
    return random_bits(key, i) * end // BITS


def permutation(out: list[int], seed: int, epoch: int) -> None:
    """Write a permutation of the numbers from 0: the order of the rows of an epoch.

    Number i takes a place drawn among the first i + 1, and what stood there moves to place i; so
    all orders are equally likely (Knuth, *The Art of Computer Programming*, volume 2, 3.4.2,
    algorithm P, from the other end).

    Parameters
    ----------
    out : vector (n,) of int
        Filled; n is at most ``2**32``.
    seed, epoch : int
        From 0 and below ``2**64``: the same two give the same order.

    Raises
    ------
    ValueError
        If they are not.

    Examples
    --------
    >>> order = [0] * 6
    >>> permutation(order, seed=0, epoch=0)
    >>> sorted(order)
    [0, 1, 2, 3, 4, 5]
    """
    (count,) = shape("permutation", "out", out, 1)
    for name, value in (("seed", seed), ("epoch", epoch)):
        if not 0 <= value < BITS:
            raise ValueError(f"permutation: {name} must be from 0 to 2^64 - 1, got {value}")
    key = random_bits(seed, epoch)
    for i in range(count or 0):
        place = random_below(key, i, i + 1)
        out[i] = out[place]
        out[place] = i
