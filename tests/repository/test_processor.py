"""kernels/processor.h: which targets follow from what CPUID and XCR0 say, on processors made up."""

import os
import shlex
import shutil
import subprocess
import sysconfig

import pytest

from places import ROOT

KERNELS = ROOT / "cynn" / "kernels"

# Reads facts, a line a processor, and writes the targets that it runs.
PROGRAM = """
#include <stdio.h>
#include "processor.h"
int main(void) {
    struct processor p;
    while (scanf("%x %x %x %x %d", &p.leaf_1, &p.leaf_7, &p.extended, &p.saved, &p.arm) == 5)
        printf("%s%s%s%s\\n", processor_runs_baseline(p) ? " baseline" : "",
               processor_runs_avx2(p) ? " avx2" : "", processor_runs_avx512(p) ? " avx512" : "",
               processor_runs_neon(p) ? " neon" : "");
    return 0;
}
"""

# What a target needs, by the word that says so and its bit. Intel SDM vol. 2A, CPUID; vol. 1, 13.3.
V2 = {
    "sse3": ("leaf_1", 0),
    "ssse3": ("leaf_1", 9),
    "cmpxchg16b": ("leaf_1", 13),
    "sse4.1": ("leaf_1", 19),
    "sse4.2": ("leaf_1", 20),
    "popcnt": ("leaf_1", 23),
    "lahf": ("extended", 0),
}
AVX2 = V2 | {
    "fma": ("leaf_1", 12),
    "avx": ("leaf_1", 28),
    "avx2": ("leaf_7", 5),
    "xmm saved": ("saved", 1),
    "ymm saved": ("saved", 2),
}
AVX512 = AVX2 | {
    "avx512f": ("leaf_7", 16),
    "avx512dq": ("leaf_7", 17),
    "avx512vl": ("leaf_7", 31),
    "masks saved": ("saved", 5),
    "zmm saved": ("saved", 6),
    "zmm 16 to 31 saved": ("saved", 7),
}
NEEDS = {"baseline": V2, "avx2": AVX2, "avx512": AVX512}


def facts(bits: dict[str, tuple[str, int]], arm: bool = False) -> str:
    """Return a processor as the program reads it."""
    words = dict.fromkeys(["leaf_1", "leaf_7", "extended", "saved"], 0)
    for word, bit in bits.values():
        words[word] |= 1 << bit
    return " ".join([*(f"{word:x}" for word in words.values()), str(int(arm))])


@pytest.fixture(scope="module")
def decide(tmp_path_factory):
    """Return a function: from a processor's facts to the targets that it runs."""
    if not (KERNELS / "processor.h").exists():
        pytest.skip("needs a checkout")
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(command[0]) is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("processor")
    (folder / "a.c").write_text(PROGRAM)
    words = [*command, "-I", KERNELS, folder / "a.c", "-o", folder / "a"]
    subprocess.run(words, check=True)

    def run(processor: str) -> set[str]:
        ran = subprocess.run([folder / "a"], input=processor, capture_output=True, text=True)
        assert ran.returncode == 0 and ran.stdout.count("\n") == 1
        return set(ran.stdout.split())

    return run


@pytest.mark.parametrize(
    ("bits", "wanted"),
    [
        ({}, set()),
        (V2, {"baseline"}),
        (AVX2, {"baseline", "avx2"}),
        (AVX512, {"baseline", "avx2", "avx512"}),
    ],
)
def test_levels(decide, bits, wanted):
    assert decide(facts(bits)) == wanted
    assert decide(facts(bits, arm=True)) == wanted | {"neon"}


@pytest.mark.parametrize("lacking", AVX512)
def test_one_bit_less(decide, lacking):
    """A target falls, and each that contains it, where one thing that its code may use lacks."""
    bits = {name: bit for name, bit in AVX512.items() if name != lacking}
    assert decide(facts(bits)) == {name for name, needs in NEEDS.items() if lacking not in needs}


def test_every_other_bit_is_of_no_matter(decide):
    needed = set(AVX512.values())
    for word in ("leaf_1", "leaf_7", "extended", "saved"):
        others = {f"{n}": (word, n) for n in range(32) if (word, n) not in needed}
        assert decide(facts(others)) == set()
        assert decide(facts(V2 | others)) == {"baseline"}
        assert decide(facts(AVX2 | others)) == {"baseline", "avx2"}
