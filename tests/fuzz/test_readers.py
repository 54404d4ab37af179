"""Damaged and hostile files of every kind: read, or refused with one error, in little memory.

``scripts/fuzz`` does it for as long as it is told, guided by what a file reaches in the code.
"""

import operator
import tracemalloc
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readers import READERS, read

LARGE = [b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0" * 8, b"99999999999", b"1e999", b"-1", b"NaN"]
"""What a length, a number or a position in a file becomes when it lies."""


@st.composite
def damaged(draw, seeds):
    """Draw a file with some bytes changed, cut out, doubled, or put in from another."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(data)))
        n = draw(st.sampled_from([0, 1, 2, 4, 8, 64, 1 << 20]))
        put = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(LARGE),
                st.sampled_from(seeds).map(operator.itemgetter(slice(1 + n))),
                st.just(bytes(data[i : i + min(n, 64)]) * 2),
            )
        )
        data[i : i + n] = put
    return bytes(data)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name, tmp_path):
    reader = READERS[name]
    if reader.needs:
        pytest.importorskip(reader.needs, exc_type=ImportError)  # it may want a newer NumPy
    seeds = reader.seeds(name)
    assert all(read(name, data, tmp_path) for data in reader.whole())  # nothing refuses all

    # Begun once and not for each file: to stop while a thread of pyarrow allocates ends the process
    # (CPython before 3.14, gh-128679).
    tracemalloc.start()

    @settings(max_examples=60, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(damaged(seeds))
    def check(data):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            read(name, data, tmp_path)
            peak = tracemalloc.get_traced_memory()[1] - before
        assert peak < 64 << 20, f"{peak} bytes for a file of {len(data)}"

    try:
        check()
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", READERS)
def test_kept_files(name, tmp_path):
    reader = READERS[name]
    if reader.needs:
        pytest.importorskip(reader.needs, exc_type=ImportError)  # it may want a newer NumPy
    kept = reader.seeds(name)[len(reader.whole()) :]
    assert not any(read(name, data, tmp_path) for data in kept)
