"""The order of an epoch's rows: one rule on every target, every order equally likely."""

import itertools
from collections import Counter

import numpy as np
import pytest

from cynn import reference

LARGEST = 2**64 - 1


def permutation(module, n, seed, epoch):
    out = np.full(n, -1, np.int64)
    module.permutation(out, seed, epoch)
    return out


@pytest.mark.parametrize("n", [0, 1, 2, 3, 64, 1000])
@pytest.mark.parametrize("seed, epoch", [(0, 0), (0, 1), (7, 3), (LARGEST, LARGEST)])
def test_every_target_gives_the_order_of_the_reference(compiled, n, seed, epoch):
    found = permutation(compiled.module, n, seed, epoch)
    assert found.tolist() == permutation(reference, n, seed, epoch).tolist()
    assert sorted(found) == list(range(n))


def test_an_order_of_any_strides(compiled):
    every_other = np.zeros(20, np.int64)[::2]
    with pytest.raises((ValueError, BufferError), match="contig"):
        compiled.module.permutation(every_other, 0, 0)


@pytest.mark.parametrize("seed, epoch", [(-1, 0), (0, -1), (LARGEST + 1, 0), (0, LARGEST + 1)])
def test_keys_out_of_range_are_refused(target, seed, epoch):
    with pytest.raises((OverflowError, ValueError)):
        permutation(target.module, 3, seed, epoch)


def test_each_order_is_as_likely_as_the_others(compiled):
    runs = 24_000
    seen = Counter(tuple(permutation(compiled.module, 4, 1, epoch)) for epoch in range(runs))
    assert set(seen) == set(itertools.permutations(range(4)))
    expected = runs / 24
    # chi-squared of 23 degrees of freedom: more than 53 is less likely than one in 2,000
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < 53


def test_epochs_and_seeds_differ(compiled):
    keys = itertools.product(range(8), range(8))
    orders = {tuple(permutation(compiled.module, 50, *key)) for key in keys}
    assert len(orders) == 64
