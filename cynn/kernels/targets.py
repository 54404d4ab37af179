"""The compiled targets, one table: whatever builds, chooses, checks or tests them reads it.

``setup.py`` and the scripts run this file by its path, so it imports nothing of the package.
CONTRIBUTING.md, "A target", says what belongs in a new row.
"""

MACHINES = {"x86_64": ("x86_64", "amd64"), "aarch64": ("aarch64", "arm64")}
"""The kinds of processor, each with the names that operating systems have for it, in lower case."""

FEATURES = {
    "SSE3": ("leaf_1_ecx", 1 << 0),
    "SSSE3": ("leaf_1_ecx", 1 << 9),
    "FMA": ("leaf_1_ecx", 1 << 12),
    "CMPXCHG16B": ("leaf_1_ecx", 1 << 13),
    "SSE4_1": ("leaf_1_ecx", 1 << 19),
    "SSE4_2": ("leaf_1_ecx", 1 << 20),
    "POPCNT": ("leaf_1_ecx", 1 << 23),
    "AVX": ("leaf_1_ecx", 1 << 28),
    "AVX2": ("leaf_7_ebx", 1 << 5),
    "AVX512F": ("leaf_7_ebx", 1 << 16),
    "AVX512DQ": ("leaf_7_ebx", 1 << 17),
    "AVX512VL": ("leaf_7_ebx", 1 << 31),
    "LAHF": ("extended_ecx", 1 << 0),
    "XCR0_AVX": ("xcr0", 0b0000_0110),
    "XCR0_AVX512": ("xcr0", 0b1110_0000),
    "NEON": ("arm", 1),
}
"""What a processor may have: the word of `processor.words` that says so, and its bits there.

Sources: Intel SDM vol. 2A, CPUID, and vol. 1, 13.3, XCR0 (the registers that the operating system
saves: of AVX xmm and ymm; of AVX-512 masks, zmm and the upper sixteen); AMD APM vol. 3,
appendix E. A name is the disassembler's (iced, capstone), where it knows the feature.
"""


class SimdTarget:
    """One build of the kernels, and what it asks of a processor.

    Parameters
    ----------
    machine : str
        A key of `MACHINES`.
    flags : tuple of str
        What tells gcc and clang the processor and its instructions.
    zig : tuple of str
        The same for zig, which compiles for the processor that it runs on unless told.
    needs : tuple of str
        Keys of `FEATURES`: the processor must have them all, and the code may use them.
    vector_bytes : int
        The size of a vector register.
    fused : bool
        Whether the compiler must fuse multiplications and additions.
    """

    # No dataclass, no NamedTuple: making either takes longer than all else that this file does.
    def __init__(
        self,
        machine: str,
        flags: tuple[str, ...],
        zig: tuple[str, ...],
        needs: tuple[str, ...],
        vector_bytes: int,
        fused: bool,
    ) -> None:
        self.machine, self.flags, self.zig = machine, flags, zig
        self.needs, self.vector_bytes, self.fused = needs, vector_bytes, fused


X86_64_V2 = ("SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT", "CMPXCHG16B", "LAHF")
AVX2 = (*X86_64_V2, "AVX", "AVX2", "FMA", "XCR0_AVX")
AVX512 = (*AVX2, "AVX512F", "AVX512DQ", "AVX512VL", "XCR0_AVX512")

TARGETS = {
    "avx512": SimdTarget(
        machine="x86_64",
        flags=("-march=x86-64-v2", "-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512vl"),
        zig=("-mcpu=x86_64_v2+avx2+fma+avx512f+avx512dq+avx512vl",),
        needs=AVX512,
        vector_bytes=64,
        fused=True,
    ),
    "avx2": SimdTarget(
        machine="x86_64",
        flags=("-march=x86-64-v2", "-mavx2", "-mfma"),
        zig=("-mcpu=x86_64_v2+avx2+fma",),
        needs=AVX2,
        vector_bytes=32,
        fused=True,
    ),
    "neon": SimdTarget(
        machine="aarch64",
        flags=("-march=armv8-a",),
        zig=("-mcpu=generic",),
        needs=("NEON",),
        vector_bytes=16,
        fused=True,
    ),
    "baseline": SimdTarget(
        machine="x86_64",
        flags=("-march=x86-64-v2",),
        zig=("-mcpu=x86_64_v2",),
        needs=X86_64_V2,
        vector_bytes=16,
        fused=False,
    ),
}
"""All targets, the fastest first: of those that a processor runs, the first is taken."""

REALS = {"float32": "float", "float64": "double"}
"""The precisions in which each is built, and their names in C."""
