"""Check that NEON modules keep the sums of their tiles in registers.

    aarch64_loops.py MODULE...

A loop over k of a large tile is an innermost loop with 40 or more fused multiply-adds: two steps
of k, five or six rows, four vectors. There must be four, five and six rows of a product and of a
gradient, and none may load or store a vector on the stack: a compiler that unrolls too late, or
that moves loads too far ahead, gives right results slowly. Encodings: Arm ARM, C4.1.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from instructions import is_fused
from machine_code import read

LARGE = 40  # fused multiply-adds in the loop of a large tile
LOOPS = 4


def is_spill(word: int) -> bool:
    """Load or store vector registers, one or a pair, at an offset from the stack pointer."""
    moves = (
        word & 0x3F000000 == 0x3D000000  # LDR, STR
        or word & 0x3F200000 == 0x3C000000  # LDUR, STUR
        or word & 0x3E000000 == 0x2C000000  # LDP, STP
    )
    return moves and word >> 5 & 31 == 31


def jump(word: int) -> int:
    """Return the length of a branch in words, 0 for other instructions."""
    if word & 0xFC000000 == 0x14000000:  # B
        bits, offset = 26, word
    elif word & 0xFF000010 == 0x54000000 or word & 0x7E000000 == 0x34000000:  # B.cond, CBZ, CBNZ
        bits, offset = 19, word >> 5
    elif word & 0x7E000000 == 0x36000000:  # TBZ, TBNZ
        bits, offset = 14, word >> 5
    else:
        return 0
    offset &= (1 << bits) - 1
    return offset - (1 << bits) if offset >> bits - 1 else offset


def innermost_loops(words: list[int]) -> Iterator[list[int]]:
    """Return the code of every backward branch with no other such branch in what it jumps over."""
    last = -1  # the latest branch back that was seen
    for at, word in enumerate(words):
        back = jump(word)
        if back >= 0 or at + back < 0:
            continue
        start = at + back
        if last < start:
            yield words[start : at + 1]
        last = at


def main(modules: list[str]) -> int:
    """Check the modules and print the result; return the exit status."""
    good = True
    for module in modules:
        large = [
            loop
            for _, code in read(Path(module).read_bytes()).sections
            for loop in innermost_loops(list(memoryview(code).cast("I")))
            if sum(map(is_fused, loop)) >= LARGE
        ]
        spills = [sum(map(is_spill, loop)) for loop in large]
        good = good and len(large) >= LOOPS and not any(spills)
        print(
            f"{Path(module).name}: {len(large)} loops of large tiles, wanted at least {LOOPS};"
            f" {sum(spills)} vector loads and stores on the stack in them, wanted none"
        )
    return not good


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
