# Random numbers by counter: number i of a key is a hash of both, so that any thread, a resumed run or another
# machine computes the same one without drawing those before.
#
#   z = key + (i + 1) * the golden ratio's bits,  mixed by two rounds of shift, exclusive or, multiply
#
# This is SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, figure 17,
# with the mixing constants that the paper takes from Stafford).

cdef extern from * nogil:
    """
    #define GOLDEN_RATIO UINT64_C(0x9E3779B97F4A7C15)
    #define MIX_FIRST UINT64_C(0xBF58476D1CE4E5B9)
    #define MIX_SECOND UINT64_C(0x94D049BB133111EB)
    """
    const uint64_t GOLDEN_RATIO, MIX_FIRST, MIX_SECOND


cdef inline uint64_t random_bits(uint64_t key, uint64_t i) noexcept nogil:
    """64 random bits: number i of the key's sequence."""
    cdef uint64_t z = key + (i + 1) * GOLDEN_RATIO
    z = (z ^ (z >> 30)) * MIX_FIRST
    z = (z ^ (z >> 27)) * MIX_SECOND
    return z ^ (z >> 31)


cdef inline uint64_t batch_key(uint64_t epoch_key, uint64_t step) noexcept nogil:
    """Return the key of a mini-batch: from the upper half of the epoch's, as `permutation` uses the lower."""
    return random_bits(epoch_key, (<uint64_t>1 << 63) + step)


cdef inline uint64_t random_below(uint64_t key, uint64_t i, uint64_t end) noexcept nogil:
    """A whole number below `end`, at most 2^32: the upper part of end times the bits, as a fraction."""
    cdef uint64_t bits = random_bits(key, i), low = bits << 32 >> 32
    return ((bits >> 32) * end + (low * end >> 32)) >> 32


def permutation(int64_t[::1] out, uint64_t seed, uint64_t epoch):
    """Write the numbers from 0 in a random order: those so far, each new one in a place drawn for it."""
    cdef uint64_t key = random_bits(seed, epoch)
    cdef Py_ssize_t i, place
    expect("permutation", "out", out.shape[0] <= (<Py_ssize_t>1 << 32), out.shape[0], "have 2^32 numbers at most")
    with nogil:
        for i in range(out.shape[0]):
            place = <Py_ssize_t>random_below(key, i, i + 1)
            out[i] = out[place]
            out[place] = i
