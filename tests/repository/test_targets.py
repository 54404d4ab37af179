"""kernels/targets.py: a row is all of a target; files that cannot read the table name it."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from cynn import _backend
from cynn.kernels.targets import FEATURES, MACHINES, TARGETS
from places import ROOT

AVX512 = TARGETS["avx512"].needs


def words_of(features) -> dict[str, int]:
    """Return the feature words of a processor that has only these features."""
    words = dict.fromkeys([word for word, _ in FEATURES.values()], 0)
    for feature in features:
        word, bits = FEATURES[feature]
        words[word] |= bits
    return words


def runs(words: dict[str, int]) -> set[str]:
    return {name for name, target in TARGETS.items() if _backend._has(words, target.needs)}


# -- the choice, on made-up processors


def needing_no_more_than(features) -> set[str]:
    return {name for name, target in TARGETS.items() if set(target.needs) <= set(features)}


@pytest.mark.parametrize("name", TARGETS)
def test_a_processor_with_what_a_target_needs_runs_it(name):
    needs = TARGETS[name].needs
    assert name in runs(words_of(needs)) == needing_no_more_than(needs)


def test_the_levels():
    assert runs(words_of([])) == set()
    assert {"baseline", "avx2", "avx512"} <= runs(words_of(AVX512)) - {"neon"}
    assert runs(words_of(["NEON"])) == {"neon"}


@pytest.mark.parametrize("lacking", FEATURES)
def test_one_bit_less(lacking):
    """Each target that needs the bit becomes unavailable, and no other."""
    word, bits = FEATURES[lacking]
    for bit in range(32):
        if bits >> bit & 1:
            words = words_of(FEATURES)
            words[word] &= ~(1 << bit)
            assert runs(words) == {n for n, row in TARGETS.items() if lacking not in row.needs}


def test_every_other_bit_is_irrelevant():
    every = words_of(FEATURES)
    others = {word: 0xFFFFFFFF & ~bits for word, bits in every.items()}
    assert runs(others) == set()
    for target in TARGETS.values():
        words = {word: bits | others[word] for word, bits in words_of(target.needs).items()}
        assert runs(words) == needing_no_more_than(target.needs)


# -- the features


def test_the_processor_reports_every_word():
    words = importlib.import_module("cynn.kernels.processor").words()
    assert {word for word, _ in FEATURES.values()} <= words.keys()


def test_the_system_sees_the_same_features():
    if sys.platform != "linux" or sysconfig.get_platform() != "linux-x86_64":
        pytest.skip("/proc/cpuinfo of x86-64 has names for them")
    match = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    if match is None:
        pytest.skip("/proc/cpuinfo names no flags")
    flags = set(match[1].split())
    words = importlib.import_module("cynn.kernels.processor").words()
    other = {"SSE3": "pni", "CMPXCHG16B": "cx16", "LAHF": "lahf_lm"}
    for name, (word, bits) in FEATURES.items():
        if word not in ("xcr0", "arm"):
            assert (words[word] & bits == bits) == (other.get(name, name.lower()) in flags), name


def macros(command: list[str], *options: str) -> dict[str, str]:
    """Return the macros that a compiler defines for an empty source."""
    run = subprocess.run(
        [*command, *options, "-E", "-dM", "-x", "c", "-"],
        input="", capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(re.findall(r"^#define (\w+) (.*)$", run.stdout, re.M))


@pytest.fixture(scope="module")
def compiler() -> list[str]:
    """Return the command of a C compiler for x86-64."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(command[0]) is None or "zig" in " ".join(command):
        pytest.skip("neither gcc nor clang")
    if "__x86_64__" not in macros(command):
        pytest.skip("the compiler is for another machine")
    return command


def test_the_bits_are_those_that_the_compiler_knows(compiler):
    known = macros(compiler, "-include", "cpuid.h")
    for name, (word, bits) in FEATURES.items():
        if word not in ("xcr0", "arm"):
            value = known[f"bit_{name}"] if f"bit_{name}" in known else known[f"bit_{name}_LM"]
            assert bits == eval(value.lower().replace("u", "")) & 0xFFFFFFFF, name
    assert FEATURES["XCR0_AVX"] == ("xcr0", 1 << 1 | 1 << 2)  # Intel SDM vol. 1, 13.3
    assert FEATURES["XCR0_AVX512"] == ("xcr0", 1 << 5 | 1 << 6 | 1 << 7)


# The macro that a compiler defines when it uses a feature, where it is not the name.
MACROS = {
    "CMPXCHG16B": "__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16",
    "LAHF": "__LAHF_SAHF__",
    "XCR0_AVX": "__AVX__",
    "XCR0_AVX512": "__AVX512F__",
    "NEON": "__ARM_NEON",
}


def used(defined: dict[str, str]) -> set[str]:
    """Return the features of the machine that the compiler uses."""
    arm = "__aarch64__" in defined
    own = [name for name, (word, _) in FEATURES.items() if (word == "arm") == arm]
    return {name for name in own if MACROS.get(name, f"__{name}__") in defined}


@pytest.mark.parametrize("name", [n for n, row in TARGETS.items() if row.machine == "x86_64"])
def test_a_target_needs_what_its_flags_allow(compiler, name):
    features = used(macros(compiler, *TARGETS[name].flags))
    assert features == set(TARGETS[name].needs), f"targets.py: flags and needs of {name} differ"


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_needs_what_zigs_flags_allow(name):
    if find_spec("ziglang") is None:
        pytest.skip("zig is not installed")
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{TARGETS[name].machine}-linux"]
    features = used(macros(zig, *TARGETS[name].zig))
    assert features == set(TARGETS[name].needs), f"targets.py: zig and needs of {name} differ"


# -- the rows


def test_the_processor_is_always_named():
    """Without a flag, zig compiles for the processor that it runs on."""
    for name, target in TARGETS.items():
        assert target.machine in MACHINES, name
        assert any(flag.startswith("-march=") for flag in target.flags), name
        assert any(flag.startswith("-mcpu=") for flag in target.zig), name


@pytest.mark.parametrize("name", [n for n, row in TARGETS.items() if row.machine == "x86_64"])
def test_zig_gets_gccs_flags(name):
    target = TARGETS[name]
    extensions = [flag.removeprefix("-m") for flag in target.flags if "=" not in flag]
    level = next(flag for flag in target.flags if flag.startswith("-march="))
    processor = level.removeprefix("-march=").replace("-", "_")
    assert target.zig == ("-mcpu=" + "+".join([processor, *extensions]),)


def test_the_one_that_needs_more_comes_first():
    names = list(TARGETS)
    for i, name in enumerate(names):
        for later in names[i + 1 :]:
            assert not set(TARGETS[later].needs) > set(TARGETS[name].needs), (
                f"targets.py: {later} needs all that {name} does, and more: it belongs before it"
            )


@pytest.mark.parametrize("name", TARGETS)
def test_the_documentation_has_a_row(name):
    path = ROOT / "docs" / "performance.md"
    row = re.search(rf"^\| `{name}`.*$", path.read_text(encoding="utf-8"), re.M)
    wanted = f"{TARGETS[name].vector_bytes} bytes"
    assert row, f"docs/performance.md, 'One tile': add a row for `{name}`, {wanted}"
    assert wanted in row[0], (
        f"docs/performance.md, 'One tile': the row of `{name}` says not {wanted}"
    )


@pytest.mark.parametrize("name", TARGETS)
def test_the_workflow_tests_it(name):
    path = ROOT / ".github" / "workflows" / "tests.yml"
    if not path.exists():
        pytest.skip("needs a checkout")
    told = re.findall(r"\{ target: (\w+), |\bCYNN_TARGET: (\w+)", path.read_text(encoding="utf-8"))
    assert name in {word for pair in told for word in pair}, (
        f".github/workflows/tests.yml, job 'targets': add a line for {name} to its matrix"
    )
