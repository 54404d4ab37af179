"""The machine code in a shared object: ELF, Mach-O or PE, for x86-64 or 64-bit Arm.

Sources: System V ABI, chapter 4; ``mach-o/loader.h``; PE Format, 2 to 4.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """The executable code of an object, at addresses from the object's beginning."""

    machine: str  #: "x86_64" or "aarch64"
    sections: list[tuple[int, bytes]]
    functions: list[tuple[int, int, str]]  #: address, size, name; none where names were stripped

    def place(self, address: int) -> str:
        """Return an address with the name of its function."""
        for start, size, name in self.functions:
            if start <= address < start + size:
                return f"{address:#x} ({name} + {address - start:#x})"
        return f"{address:#x}"


def read(data: bytes) -> Code:
    """Read an object's code; raise ValueError for other formats."""
    kinds = {b"\x7fELF": elf, b"\xcf\xfa\xed\xfe": mach_o, b"MZ": pe}
    for magic, reader in kinds.items():
        if data.startswith(magic):
            try:
                code = reader(data)
            except (struct.error, IndexError) as error:
                raise ValueError(f"cut short, or not as its kind is: {error}") from None
            if not any(found for _, found in code.sections):
                raise ValueError("no section of it holds code")
            return code
    raise ValueError(f"begins with {data[:4].hex()}, wanted ELF, 64-bit Mach-O or PE")


def machine_of(number: int, known: dict[int, str]) -> str:
    """Return the name of the machine of a header's number."""
    if number not in known:
        raise ValueError(f"for machine {number:#x}, wanted x86-64 or 64-bit Arm")
    return known[number]


def records(layout: str, data: bytes, start: int, count: int, step: int) -> Iterator[tuple]:
    """Return consecutive records of one size."""
    for i in range(count):
        yield struct.unpack_from(layout, data, start + i * step)


def elf(data: bytes) -> Code:
    """Read ELF: the sections marked as code, and the functions of its tables of symbols."""
    if data[4:6] != b"\x02\x01":
        raise ValueError("not a 64-bit little-endian object")
    machine = machine_of(struct.unpack_from("<H", data, 18)[0], {62: "x86_64", 183: "aarch64"})
    (start,) = struct.unpack_from("<Q", data, 40)
    step, count = struct.unpack_from("<HH", data, 58)
    headers = list(records("<IIQQQQIIQQ", data, start, count, step))
    sections, functions = [], []
    for _, kind, flags, address, at, size, link, _, _, _ in headers:
        if kind == 1 and flags & 4:  # present in the file and executable
            sections.append((address, data[at : at + size]))
        elif kind in (2, 11):  # all symbols, dynamic symbols
            names = headers[link][4]
            for name, info, _, _, place, length in records("<IBBHQQ", data, at, size // 24, 24):
                if info & 15 == 2 and length:
                    past = data.index(0, names + name)
                    functions.append((place, length, data[names + name : past].decode()))
    return Code(machine, sections, functions)


def mach_o(data: bytes) -> Code:
    """Read Mach-O: the sections marked as holding instructions."""
    known = {0x01000007: "x86_64", 0x0100000C: "aarch64"}
    machine = machine_of(struct.unpack_from("<I", data, 4)[0], known)
    (commands,) = struct.unpack_from("<I", data, 16)
    sections, at = [], 32
    for _ in range(commands):
        command, length = struct.unpack_from("<II", data, at)
        if command == 0x19:  # a segment
            (count,) = struct.unpack_from("<I", data, at + 64)
            for found in records("<32xQQI12xI12x", data, at + 72, count, 80):
                address, size, offset, flags = found
                if flags & 0x80000400:  # only, or also, instructions
                    sections.append((address, data[offset : offset + size]))
        at += length
    return Code(machine, sections, [])


def pe(data: bytes) -> Code:
    """Read PE: the sections marked as code."""
    (at,) = struct.unpack_from("<I", data, 60)
    if data[at : at + 4] != b"PE\0\0":
        raise ValueError("a program for DOS, wanted one for Windows")
    number, count, optional = struct.unpack_from("<HH12xH", data, at + 4)
    machine = machine_of(number, {0x8664: "x86_64", 0xAA64: "aarch64"})
    headers = records("<8xIIII12xI", data, at + 24 + optional, count, 40)
    sections = [
        (address, data[offset : offset + min(size, stored)])
        for size, address, stored, offset, flags in headers
        if flags & 0x20
    ]
    return Code(machine, sections, [])
