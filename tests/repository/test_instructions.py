"""scripts/instructions.py: the instructions that an object may contain; others are detected."""

import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import zipfile
from types import SimpleNamespace

import pytest

from cynn.kernels.targets import TARGETS
from places import ROOT

SCRIPTS = ROOT / "scripts"

pytestmark = pytest.mark.skipif(not SCRIPTS.is_dir(), reason="the scripts are in a checkout")


@pytest.fixture(scope="module")
def instructions():
    pytest.importorskip("iced_x86", reason="x86 code is read with iced-x86")
    pytest.importorskip("capstone", "6.0", reason="Arm code is read with capstone 6")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        import instructions

        yield instructions


# -- one instruction, and the targets that may hold it

# The feature, by the disassembler's name, that a target must need to contain the instruction.
EVERY = ""
X86 = {
    "movaps xmm0, xmm1": ("0f28c1", EVERY),
    "endbr64": ("f30f1efa", EVERY),
    "tzcnt eax, eax, bsf to older processors": ("f30fbcc0", EVERY),
    "xgetbv": ("0f01d0", "XSAVE"),
    "movddup xmm0, xmm1, SSE3": ("f20f12c1", "SSE3"),
    "pshufb xmm0, xmm1, SSSE3": ("660f3800c1", "SSSE3"),
    "pinsrq xmm0, rax, 1, SSE4.1": ("66480f3a22c001", "SSE4_1"),
    "crc32 eax, ecx, SSE4.2": ("f20f38f1c1", "SSE4_2"),
    "popcnt eax, eax": ("f30fb8c0", "POPCNT"),
    "cmpxchg16b [rbx]": ("480fc70b", "CMPXCHG16B"),
    "vaddps xmm0, xmm1, xmm2": ("c5f058c2", "AVX"),
    "vaddps ymm0, ymm1, ymm2": ("c5f458c2", "AVX"),
    "vzeroupper": ("c5f877", "AVX"),
    "vpaddd ymm0, ymm1, ymm2": ("c5f5fec2", "AVX2"),
    "vfmadd231ps ymm0, ymm1, ymm2": ("c4e275b8c2", "FMA"),
    "vaddps zmm0, zmm1, zmm2": ("62f1744858c2", "AVX512F"),
    "vaddps ymm16, ymm1, ymm2, VL": ("62e1742858c2", "AVX512VL"),
    "vaddps xmm16, xmm1, xmm2, VL": ("62e1740858c2", "AVX512VL"),
    "vandps zmm0, zmm1, zmm2, DQ": ("62f1744854c2", "AVX512DQ"),
    "kmovw k1, eax": ("c5f892c8", "AVX512F"),
    "kmovb k1, eax, DQ": ("c5f992c8", "AVX512DQ"),
    "kmovq k1, rax, BW": ("c4e1fb92c8", "AVX512BW"),
    "vpaddb zmm0, zmm1, zmm2, BW": ("62f17548fcc2", "AVX512BW"),
    "vpconflictd zmm0, zmm1, CD": ("62f27d48c4c1", "AVX512CD"),
    "vpdpbusd zmm0, zmm1, zmm2, VNNI": ("62f2754850c2", "AVX512_VNNI"),
    "vcvtph2ps ymm0, xmm1, F16C": ("c4e27d13c1", "F16C"),
    "lzcnt eax, eax": ("f30fbdc0", "LZCNT"),
    "andn eax, ebx, ecx, BMI1": ("c4e260f2c1", "BMI1"),
    "bzhi eax, ebx, ecx, BMI2": ("c4e270f5c3", "BMI2"),
    "movbe eax, [rax]": ("0f38f000", "MOVBE"),
    "aesenc xmm0, xmm1": ("660f38dcc1", "AES"),
    "rdrand eax": ("0fc7f0", "RDRAND"),
    "vfmaddps xmm0, xmm1, xmm2, xmm3, FMA4": ("c4e3f168c320", "FMA4"),
}


@pytest.mark.parametrize("name", X86)
def test_targets_allowed_an_x86_instruction(instructions, name):
    code, feature = X86[name]
    wanted = {name for name, target in TARGETS.items() if feature in target.needs}
    if feature == EVERY:
        wanted = {"", "processor", *(n for n, row in TARGETS.items() if row.machine == "x86_64")}
    elif feature == "XSAVE":
        wanted |= {"processor"}
    data = bytes.fromhex("90" + code + "c3")  # nop before, ret after
    read = instructions.Code("x86_64", [(0, data)], [])
    found = {
        target: instructions.look_at_x86(read, allowed)
        for target, allowed in instructions.ALLOWED["x86_64"].items()
    }
    assert {target for target, what in found.items() if not what.foreign} == wanted
    assert all(what.count == 3 for what in found.values())


def test_unknown_code_is_seen(instructions):
    found = instructions.look_at_x86(
        instructions.Code("", [(16, b"\x90\x06")], []), instructions.X86
    )
    assert found.foreign["is not known"] == ["0x11: (bad)"]


ARM = {
    "fmla v0.4s, v1.4s, v2.4s": (0x4E22CC20, EVERY),
    "fcvt s0, h1": (0x1EE24020, EVERY),
    "ldxr w0, [x1]": (0x885F7C20, EVERY),
    "paciasp, a hint": (0xD503233F, EVERY),
    "bti c, a hint": (0xD503245F, EVERY),
    "ldadd w0, w1, [x2], LSE": (0xB8200041, "LSE"),
    "ldapr w0, [x1], RCpc": (0xB8BFC020, "RCPC"),
    "crc32b w0, w1, w2": (0x1AC24020, "CRC"),
    "aese v0.16b, v1.16b": (0x4E284820, "AES"),
    "udot v0.4s, v1.16b, v2.16b": (0x6E829420, "DOTPROD"),
    "fadd h0, h1, h2, half precision": (0x1EE22820, "FULLFP16"),
    "bfdot v0.4s, v1.8h, v2.8h": (0x6E42FC20, "BF16"),
    "smmla v0.4s, v1.16b, v2.16b": (0x4E82A420, "MATMULINT8"),
    "retaa": (0xD65F0BFF, "PAUTH"),
    "ptrue p0.s, SVE": (0x2598E3E0, "SVE"),
    "fmla z0.s, p0/m, z1.s, z2.s, SVE": (0x65A20020, "SVE"),
    "what no processor knows": (0xFFFFFFFF, "no feature"),
}


@pytest.mark.parametrize("name", ARM)
def test_targets_allowed_an_arm_instruction(instructions, name):
    word, feature = ARM[name]
    data = struct.pack("<3I", 0xD503201F, word, 0xD65F03C0)  # nop before, ret after
    for target, allowed in instructions.ALLOWED["aarch64"].items():
        found = instructions.look_at_arm(instructions.Code("aarch64", [(0, data)], []), allowed)
        assert found.count == 3
        needed = target in TARGETS and feature in TARGETS[target].needs
        assert (not found.foreign) == (feature == EVERY or needed)


@pytest.mark.parametrize(
    ("look", "code", "bits", "n"),
    [
        # vfmadd231ps ymm0, ymm1, [rax]; vfmadd213pd ymm9, ymm1, ymm2; not: xmm0; vfmsub231ps ymm
        ("look_at_x86", "c4e275b800 c462f5a8ca c4e271b800 c4e275ba00", 256, 2),
        # vfmadd231ps zmm0, zmm1, zmm2; the same with [rax]{1to16}; not: ymm
        ("look_at_x86", "62f27548b8c2 62f27558b800 62f27528b8c2", 512, 2),
        # fmla v0.4s, v1.4s, v2.s[1]; fmla v0.2d, v1.2d, v2.2d; not: fmul v0.4s
        ("look_at_arm", "2010a24f 20cc624e 20dc226e", 128, 2),
    ],
)
def test_fused_instructions_are_counted(instructions, look, code, bits, n):
    allowed = {*TARGETS["avx512"].needs} | instructions.X86 | instructions.ARM
    read = instructions.Code("", [(0, bytes.fromhex(code))], [])
    found = getattr(instructions, look)(read, allowed)
    assert found.fused[bits] == n and not found.foreign


@pytest.mark.parametrize(
    ("look", "code", "bits", "n"),
    [
        # vsqrtps ymm0, ymm1; vsqrtpd ymm0, [rax]; not: vsqrtps xmm0, xmm1; vsqrtss
        ("look_at_x86", "c5fc51c1 c5fd5100 c5f851c1 c5f251c2", 256, 2),
        # vsqrtps zmm0, zmm1; not: vsqrtps ymm0, ymm1
        ("look_at_x86", "62f17c4851c1 c5fc51c1", 512, 1),
        # fsqrt v0.4s, v1.4s; fsqrt v0.2d, v1.2d; not: fsqrt s0, s1; fsqrt v0.2s, v1.2s
        ("look_at_arm", "20f8a16e 20f8e16e 20c0211e 20f8a12e", 128, 2),
    ],
)
def test_roots_of_vectors_are_counted(instructions, look, code, bits, n):
    allowed = {*TARGETS["avx512"].needs} | instructions.X86 | instructions.ARM
    read = instructions.Code("", [(0, bytes.fromhex(code))], [])
    found = getattr(instructions, look)(read, allowed)
    assert found.roots[bits] == n and not found.foreign


# -- objects

SOURCE = """
void scale(float *a, float by) { for (int i = 0; i < 64; i++) a[i] = a[i] * by + 1; }
"""
# Here the code that is not allowed runs when the object is loaded.
WHEN_LOADED = """
static volatile float one[64];
__attribute__((constructor, target("avx2"))) static void loaded(void)
{ for (int i = 0; i < 64; i++) ((float *)one)[i] += 1; }
"""


@pytest.fixture
def compiled(tmp_path):
    """Return a function that compiles an object under a name, with the flags of a target."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("compiles for x86-64")
    named = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    command = shlex.split(named)
    if shutil.which(command[0]) is None:
        pytest.skip("no C compiler")
    zig = "zig" in named

    def compile_object(name, target, source=SOURCE, more=()):
        (tmp_path / "a.c").write_text(source)
        told = TARGETS[target].zig if zig else TARGETS[target].flags
        flags = ["-O3", "-shared", "-fPIC", "-nostdlib", *told, *more]
        output = tmp_path / name
        subprocess.run([*command, *flags, tmp_path / "a.c", "-o", output], check=True)
        return output

    return compile_object


def test_an_object_for_its_target_passes(instructions, compiled, capsys):
    assert instructions.main([str(compiled("baseline_float32.abi3.so", "baseline"))]) == 0
    assert "baseline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "target", "source", "needs"),
    [
        ("baseline_float32.abi3.so", "avx2", SOURCE, "needs AVX:"),
        ("baseline_float64.pyd", "baseline", WHEN_LOADED, "needs AVX:"),
        ("processor.abi3.so", "avx2", SOURCE, "needs AVX:"),
        ("dispatch.abi3.so", "avx2", SOURCE, "needs AVX:"),
        ("avx2_float32.cpython-313t.so", "avx512", SOURCE, "needs AVX512F"),
    ],
)
def test_an_object_beyond_its_name_is_seen(
    instructions, compiled, capsys, name, target, source, needs
):
    assert instructions.main([str(compiled(name, target, source))]) == 1
    (line, *_) = [line for line in capsys.readouterr().out.splitlines() if needs in line]
    assert line.startswith(f"FAILED: {name}: {needs}")
    if sys.platform == "linux":
        assert "(scale + 0x" in line or "(loaded + 0x" in line


def test_code_that_is_not_fused_is_seen(instructions, compiled, capsys):
    assert instructions.main([str(compiled("avx2_float32.so", "baseline"))]) == 1
    wanted = "0 fused multiply-adds and 0 roots of 256 bits, wanted at least 100 and 1"
    assert wanted in capsys.readouterr().out


ONE_BY_ONE = """
typedef float vec __attribute__((vector_size(32)));
vec f(vec a, vec b, vec c) { REPEAT_100 return a; }
vec g(vec a)
{ vec b; for (int i = 0; i < 8; i++) { b[i] = __builtin_sqrtf(a[i]); BARRIER } return b; }
""".replace("REPEAT_100", "a = a * b + c; " * 100)


@pytest.mark.parametrize("barrier", ["", '__asm__("" : "+m"(b));'])
def test_roots_that_are_taken_one_by_one_are_seen(instructions, compiled, capsys, barrier):
    source = ONE_BY_ONE.replace("BARRIER", barrier)
    flags = ["-ffp-contract=fast", "-fno-math-errno"]
    bad = instructions.main([str(compiled("avx2_float32.so", "avx2", source, flags))])
    said = "100 fused multiply-adds and 0 roots of 256 bits, wanted at least 100 and 1"
    assert (bad, said in capsys.readouterr().out) == (bool(barrier), bool(barrier))


def test_wheels_are_read(instructions, compiled, tmp_path, capsys):
    wheel = tmp_path / "cynn_learn-1-cp311-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(compiled("a.so", "avx2"), "cynn/kernels/baseline_float32.abi3.so")
        archive.write(compiled("b.so", "baseline"), "cynn_learn.libs/libthread-1.so.2")
        archive.writestr("cynn/__init__.py", "")
    assert instructions.main([str(wheel)]) == 1
    out = capsys.readouterr().out
    assert "FAILED: baseline_float32.abi3.so: needs AVX" in out
    assert "libthread-1.so.2: x86_64, any" in out
    assert f"FAILED: {wheel.name}: no avx512_float64 in it" in out
    assert f"FAILED: {wheel.name}: no processor in it" in out
    assert "no baseline_float32 in it" not in out


def test_a_wheel_without_kernels_fails(instructions, tmp_path, capsys):
    wheel = tmp_path / "cynn_learn-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("cynn/__init__.py", "")
    assert instructions.main([str(wheel)]) == 1
    assert "no shared object in it" in capsys.readouterr().out


# Code that no target may contain, as data of an object and as its code.
BAD, GOOD = bytes.fromhex("c4e260f2c1 909090"), bytes.fromhex("90" * 7 + "c3")


def mach_o(text: bytes, const: bytes) -> bytes:
    header = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 6, 2, 248, 0, 0)
    uuid = struct.pack("<II8x", 0x1B, 16)
    segment = struct.pack("<II16s4Q4I", 0x19, 72 + 160, b"__TEXT", 0, 512, 0, 512, 5, 5, 2, 0)
    section = "<16s16sQQ8I"
    code = struct.pack(section, b"__text", b"__TEXT", 4096, 8, 320, 0, 0, 0, 0x80000400, 0, 0, 0)
    data = struct.pack(section, b"__const", b"__TEXT", 4104, 8, 328, 0, 0, 0, 0, 0, 0, 0)
    return (header + uuid + segment + code + data).ljust(320, b"\0") + text + const


def pe(text: bytes, const: bytes) -> bytes:
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
    header += struct.pack("<HHIIIHH", 0x8664, 2, 0, 0, 0, 16, 0x2022) + bytes(16)
    section = "<8s6IHHI"
    header += struct.pack(section, b".text", 8, 4096, 8, 256, 0, 0, 0, 0, 0x60000020)
    header += struct.pack(section, b".rdata", 8, 8192, 8, 264, 0, 0, 0, 0, 0x40000040)
    return header.ljust(256, b"\0") + text + const


@pytest.mark.parametrize("kind", [mach_o, pe])
def test_only_code_is_read_of_other_systems_objects(instructions, kind):
    read = instructions.read(kind(GOOD, BAD))
    assert read.machine == "x86_64" and [data for _, data in read.sections] == [GOOD]
    assert instructions.check("baseline_float32.so", read) == []
    (line,) = instructions.check("baseline_float32.so", instructions.read(kind(BAD, GOOD)))
    assert line == "baseline_float32.so: needs BMI1: 0x1000: andn eax,ebx,ecx"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "begins with , wanted ELF"),
        (b"#!/bin/sh\n", "begins with 23212f62, wanted ELF"),
        (b"\x7fELF\x01\x01", "not a 64-bit little-endian object"),
        (b"\x7fELF\x02\x01" + bytes(12) + b"\x08\x00", "for machine 0x8, wanted x86-64"),
        (b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00", "cut short"),
        (b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00" + bytes(64), "no section of it holds code"),
        (b"MZ" + bytes(80), "a program for DOS"),
        (mach_o(GOOD, BAD)[:200], "cut short"),
    ],
)
def test_what_cannot_be_read_is_an_error(instructions, tmp_path, capsys, data, why):
    path = tmp_path / "avx2_float32.so"
    path.write_bytes(data)
    assert instructions.main([str(path)]) == 1
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and why in line


def test_no_such_file_is_an_error(instructions, tmp_path, capsys):
    assert instructions.main([str(tmp_path / "a.whl"), str(tmp_path / "b.so")]) == 1
    assert capsys.readouterr().out.count("No such file") == 2


def test_targets_that_were_not_built_are_not_missed(instructions, monkeypatch):
    """CYNN_BUILD_TARGETS leaves some out; a wheel has all."""
    read = SimpleNamespace(machine="x86_64")
    monkeypatch.setattr(instructions, "read", lambda data: read)
    monkeypatch.setattr(instructions, "check", lambda name, code: [])
    names = ["processor", "views", "avx2_float32", "avx2_float64"]
    objects = [(f"{name}.abi3.so", b"") for name in names]
    assert instructions.check_all("here", objects, ["avx2"]) == []
    assert instructions.check_all("here", objects[:3], ["avx2"]) == ["here: no avx2_float64 in it"]
    assert "here: no baseline_float32 in it" in instructions.check_all("here", objects)
