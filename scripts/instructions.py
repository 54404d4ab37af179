"""Check that shared objects contain only instructions that their processors have.

    instructions.py [FILE...]

FILE is a wheel or a shared object; without any, the modules built in the checkout are read.

An object may contain what its name allows: one of a target what that target needs by the table
cynn/kernels/targets.py, any other what every such processor runs, as it may be loaded before
the processor's features are read.
All code of an object is read, including the module's initialisation. An instruction that the
disassembler does not know is an error too. On x86-64 the disassembler is iced, which names each
instruction's features as CPUID does; on Arm capstone, which names the extension. It does not check
system registers.

What a compiler may fuse must be fused too: an object of a target that has fused multiply-adds must
contain them in full width. One compiled without has right results at half the speed.
The same holds for square roots, which the sources write lane by lane for the compiler to vectorise.
"""

import importlib
import os
import runpy
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import ModuleType

from machine_code import Code, read

KERNELS = Path(__file__).resolve().parent.parent / "cynn" / "kernels"

# -- what is allowed, by the disassemblers' names for the features of processors

# The levels of the System V ABI for AMD64, 3.1.1. Hints that older processors ignore, as endbr64
# (CET_IBT) and long nops, belong to all of them.
X86 = set(
    "INTEL8086 INTEL186 INTEL286 INTEL386 INTEL486 X64 FPU FPU287 FPU387 CPUID CMOV CX8 MMX FXSR"
    " SSE SSE2 PAUSE MULTIBYTENOP CET_IBT".split()
)
ARM = {"NEON", "FPARMv8", "NEONorSME"}
ANY = {"x86_64": X86, "aarch64": ARM}

TABLE = runpy.run_path(str(KERNELS / "targets.py"))
TARGETS, REALS = TABLE["TARGETS"], TABLE["REALS"]

# The features of an object of a target, by its name; "" is for all other names. What else a target
# needs, such as registers that the operating system saves, is in no instruction.
ALLOWED = {
    machine: {
        "": features,
        # xgetbv, where CPUID says that it may be used
        "processor": features | ({"XSAVE"} if machine == "x86_64" else set()),
    }
    | {
        name: features | {*target.needs}
        for name, target in TARGETS.items()
        if target.machine == machine
    }
    for machine, features in ANY.items()
}

ENOUGH = 100  # fused instructions; a single tile has more


@dataclass
class Found:
    """The instructions of an object's code."""

    count: int = 0  #: instructions
    fused: Counter = field(default_factory=Counter)  #: bits of a register: fused instructions
    roots: Counter = field(default_factory=Counter)  #: and roots of a whole one
    foreign: dict[str, list[str]] = field(default_factory=dict)  #: what is missing: where

    def add_foreign(self, missing: set[str], place: str, text: str) -> None:
        """Note an instruction that is not allowed."""
        needs = "needs " + " and ".join(sorted(missing)) if missing else "is not known"
        self.foreign.setdefault(needs, []).append(f"{place}: {text}")


# -- reading


def disassembler(name: str) -> ModuleType:
    """Import a disassembler."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(f"reading it needs {name}: install what pyproject.toml pins") from None


def look_at_x86(code: Code, allowed: set[str]) -> Found:
    """Read x86-64: an instruction needs all the features that iced names for it.

    Compilers write tzcnt for bsf where the operand is not zero: it is then the same on processors
    that know it and on those that read bsf, so that it is allowed everywhere.
    """
    iced = disassembler("iced_x86")
    names = {number: name for name, number in vars(iced.CpuidFeature).items() if name.isupper()}
    fused = {
        number
        for name, number in vars(iced.Mnemonic).items()
        if name.startswith("VFMADD") and name[6:9] in ("132", "213", "231") and name[9] == "P"
    }
    roots = {iced.Mnemonic.VSQRTPS, iced.Mnemonic.VSQRTPD}
    anywhere = {iced.Mnemonic.TZCNT}
    missing: dict[int, set[str]] = {}  # of each kind of instruction
    found = Found()
    for address, data in code.sections:
        for each in iced.Decoder(64, data, ip=address):
            found.count += 1
            if each.code not in missing:
                needs = {names[number] for number in each.cpuid_features()}
                missing[each.code] = set() if each.mnemonic in anywhere else needs - allowed
            if missing[each.code] or each.is_invalid:
                found.add_foreign(missing[each.code], code.place(each.ip), f"{each}")
            elif each.mnemonic in fused:
                found.fused[8 * iced.RegisterExt.size(each.op0_register)] += 1
            elif each.mnemonic in roots:
                found.roots[8 * iced.RegisterExt.size(each.op0_register)] += 1
    return found


def is_fused(word: int) -> bool:
    """FMLA of whole registers, by vector or by element (Arm ARM, C7.2)."""
    return word & 0xFFA0FC00 == 0x4E20CC00 or word & 0xFF80F400 == 0x4F801000


def is_root(word: int) -> bool:
    """FSQRT of whole registers (Arm ARM, C7.2)."""
    return word & 0xFFBFFC00 == 0x6EA1F800


def look_at_arm(code: Code, allowed: set[str]) -> Found:
    """Read 64-bit Arm: an instruction needs the extensions that capstone groups it under."""
    capstone = disassembler("capstone")
    reader = capstone.Cs(capstone.CS_ARCH_AARCH64, capstone.CS_MODE_ARM)
    reader.detail = True
    reader.skipdata = True  # unknown bytes are returned too, as data
    found = Found()
    for address, data in code.sections:
        for each in reader.disasm(data, address):
            found.count += 1
            groups = map(each.group_name, each.groups if each.id else ())
            missing = {name[3:] for name in groups if name.startswith("Has")} - allowed
            if missing or not each.id:
                text = f"{each.mnemonic} {each.op_str}"
                found.add_foreign(missing, code.place(each.address), text)
            elif is_fused(word := int.from_bytes(each.bytes, "little")):
                found.fused[128] += 1
            elif is_root(word):
                found.roots[128] += 1
    return found


# -- objects and wheels


def check(name: str, code: Code) -> list[str]:
    """Check an object and print a summary; return its errors, a line each."""
    allowed = ALLOWED[code.machine]
    stem = name.split(".")[0]
    named = stem.rpartition("_")[0] or stem
    target = named if named in allowed else ""
    look = {"x86_64": look_at_x86, "aarch64": look_at_arm}[code.machine]
    try:
        found = look(code, allowed[target])
    except ValueError as error:
        return [f"{name}: {error}"]
    bad = [
        f"{name}: {needs}: {places[0]}" + (f", and {len(places) - 1} more" if places[1:] else "")
        for needs, places in found.foreign.items()
    ]
    what = f"{found.count} instructions"
    if target in TARGETS and TARGETS[target].fused:
        bits = 8 * TARGETS[target].vector_bytes
        fused, roots = found.fused[bits], found.roots[bits]
        what += f", {fused} fused multiply-adds and {roots} roots of {bits} bits"
        if fused < ENOUGH or not roots:
            bad.append(f"{name}: {what}, wanted at least {ENOUGH} and 1")
    print(f"{name}: {code.machine}, {target or 'any'}: {what}")
    return bad


def check_all(
    source: str, objects: Iterable[tuple[str, bytes]], built: Iterable[str] = ()
) -> list[str]:
    """Check all objects of a wheel or a checkout, and that no target that was built is missing.

    Those are all of the processor where no name is given.
    """
    bad, stems, machines = [], set(), set()
    for name, data in objects:
        try:
            code = read(data)
        except ValueError as error:
            bad.append(f"{name}: {error}")
            continue
        bad += check(name, code)
        stems.add(name.split(".")[0])
        machines.add(code.machine)
    if not machines:
        bad.append(f"{source}: no shared object in it, wanted the compiled kernels")
    for machine in machines:
        targets = set(built) or ALLOWED[machine].keys() - {"", "processor"}
        wanted = {"processor", "views"}
        wanted |= {f"{target}_{real}" for target in targets for real in REALS}
        bad += [f"{source}: no {name} in it" for name in sorted(wanted - stems)]
    return bad


def wheel(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return the shared objects of a wheel."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if {".so", ".pyd", ".dylib", ".dll"} & set(PurePath(name).suffixes):
                yield PurePath(name).name, archive.read(name)


def main(arguments: list[str]) -> int:
    """Check the files and print the result; return the exit status."""
    bad = []
    if not arguments:
        objects = ((path.name, path.read_bytes()) for path in sorted(KERNELS.glob("*.so")))
        built = os.environ.get("CYNN_BUILD_TARGETS", "").replace(",", " ").split()
        bad += check_all(str(KERNELS), objects, built)
    for path in map(Path, arguments):
        try:
            if path.suffix == ".whl":
                bad += check_all(path.name, wheel(path))
            else:
                bad += check(path.name, read(path.read_bytes()))
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            bad.append(f"{path}: {error}")
    for line in bad:
        print(f"FAILED: {line}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
