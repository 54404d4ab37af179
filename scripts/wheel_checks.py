"""Check the contents of wheels and source archives.

Every check returns a list of errors, empty if there are none: the value, and what is expected. They
read files and run nothing. Formats: the binary distribution format of the Python packaging
specifications; ELF's dynamic section and version needs, System V ABI and the Linux Standard Base.
"""

import base64
import csv
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection

LARGEST = 2_500_000  # bytes: the size that people are told, with what is to come
GLIBC = (2, 28)  # manylinux_2_28: the newest that a symbol may need
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0"}  # of the system, and no others
INFORMATION = {
    "METADATA",
    "RECORD",
    "WHEEL",
    "entry_points.txt",
    "licenses/LICENSE",
    "top_level.txt",
}
BUILDERS = {"PKG-INFO", "setup.cfg"}  # what the builder adds to a source archive


def unlike(found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Compare names."""
    found, wanted = set(found), set(wanted)
    return [f"has {name}, which is not wanted" for name in sorted(found - wanted)] + [
        f"lacks {name}" for name in sorted(wanted - found)
    ]


# -- a shared object


def check_library(code: bytes, name: str) -> list[str]:
    """Check the libraries and symbols that a compiled module needs, and those that it exports."""
    file = ELFFile(io.BytesIO(code))
    found = []
    for section in file.iter_sections():
        if isinstance(section, DynamicSection):
            found += _dynamic(section)
        elif isinstance(section, GNUVerNeedSection):
            found += _versions(section)
        elif isinstance(section, SymbolTableSection):
            found += _symbols(section, f"PyInit_{Path(name).name.split('.')[0]}")
    for segment in file.iter_segments():
        if segment["p_type"] == "PT_GNU_STACK" and segment["p_flags"] & 1:
            found.append("wants a stack that can be executed")
    return [f"{name}: {complaint}" for complaint in found]


def _dynamic(section: DynamicSection) -> list[str]:
    found = []
    for tag in section.iter_tags():
        if tag.entry.d_tag == "DT_NEEDED" and tag.needed not in LIBRARIES:
            found.append(f"needs {tag.needed}, wanted none but {', '.join(sorted(LIBRARIES))}")
        elif tag.entry.d_tag in ("DT_RPATH", "DT_RUNPATH", "DT_TEXTREL"):
            found.append(f"has {tag.entry.d_tag}, wanted no such entry")
    return found


def _versions(section: GNUVerNeedSection) -> list[str]:
    found = []
    newest = ".".join(map(str, GLIBC))
    for _, versions in section.iter_versions():
        for version in versions:
            family, _, number = version.name.partition("_")
            if family != "GLIBC" or tuple(map(int, number.split("."))) > GLIBC:
                found.append(f"needs a symbol of {version.name}, wanted GLIBC_{newest} or older")
    return found


def _symbols(section: SymbolTableSection, start: str) -> list[str]:
    if section.name == ".symtab":
        return ["has its table of symbols, wanted none"]
    shown = {
        symbol.name
        for symbol in section.iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_LOCAL"
    }
    return [f"shows {name}, wanted {start} alone" for name in sorted(shown - {start})]


# -- a wheel


def check_wheel(path: Path, source: Path, data: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Check a wheel: its name, its size, each of its files, and what its modules need.

    Parameters
    ----------
    path : Path
        The wheel.
    source : Path
        What it was built from.
    data : iterable of str
        Patterns of the files in it that are not Python.
    modules : iterable of str
        The names of the compiled modules that it must contain.
    """
    found = _check_tags(path)
    if path.stat().st_size > LARGEST:
        found.append(f"is {path.stat().st_size:,} bytes, wanted {LARGEST:,} at most")
    with zipfile.ZipFile(path) as wheel:
        files = {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}
    found += unlike(files, _expected(path, source / "cynn", data, modules))
    found += _check_record(files)
    for name in sorted(files):
        if files[name].startswith(b"\x7fELF"):
            found += check_library(files[name], name)
    return [f"{path.name} {complaint}" for complaint in found]


def _tags(path: Path) -> tuple[str, str, str]:
    python, abi, platform = path.stem.split("-")[-3:]
    return python, abi, platform


def _check_tags(path: Path) -> list[str]:
    python, abi, platforms = _tags(path)
    found = []
    if abi != "abi3" and not (abi.endswith("t") and python == abi[:-1]):
        found.append(
            f"is for {python}-{abi}, wanted cp3xx-abi3, or cp3xx-cp3xxt of a free-threaded one"
        )
    for platform in platforms.split("."):
        policy = re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", platform)
        old = policy is not None and (int(policy[1]), int(policy[2])) <= GLIBC
        if not old and platform != "manylinux2014_x86_64":
            found.append(f"is for {platform}, wanted manylinux_2_28_x86_64 or older")
    return found


def _expected(path: Path, package: Path, data: Iterable[str], modules: Iterable[str]) -> set[str]:
    """Return the names of the files that a wheel must contain."""
    python, abi, _ = _tags(path)
    end = "abi3" if abi == "abi3" else f"cpython-{abi.removeprefix('cp')}-x86_64-linux-gnu"
    information = "-".join(path.name.split("-")[:2]) + ".dist-info"
    files = {file for pattern in ("**/*.py", *data) for file in package.glob(pattern)}
    return (
        {file.relative_to(package.parent).as_posix() for file in files}
        | {f"{name.replace('.', '/')}.{end}.so" for name in modules}
        | {f"{information}/{name}" for name in INFORMATION}
    )


def _check_record(files: dict[str, bytes]) -> list[str]:
    """Check that the list of files in a wheel matches its contents."""
    (record,) = [name for name in files if name.endswith(".dist-info/RECORD")] or [""]
    if not record:
        return ["has no RECORD"]
    rows = {row[0]: row[1] for row in csv.reader(files[record].decode().splitlines())}
    found = [f"RECORD {complaint}" for complaint in unlike(rows, files)]
    for name, sum_ in rows.items():
        if name in files and name != record:
            digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
            if sum_ != f"sha256={digest.decode()}":
                found.append(f"{name} is not the file that RECORD lists")
    return found


# -- a source archive


def check_archive(path: Path, tracked: Iterable[str]) -> list[str]:
    """Check that a source archive contains the files under version control and of the builder."""
    with tarfile.open(path) as archive:
        names = [member.name for member in archive if not member.isdir()]
    roots = {name.partition("/")[0] for name in names}
    if roots != {path.name.removesuffix(".tar.gz")}:
        return [f"{path.name} unpacks to {', '.join(sorted(roots))}, wanted a folder of its name"]
    inside = {name.partition("/")[2] for name in names}
    known = {name for name in inside if ".egg-info/" in name} | BUILDERS
    return [f"{path.name} {complaint}" for complaint in unlike(inside, {*tracked, *known})]


# -- two archives


def differences(one: Path, other: Path) -> list[str]:
    """Compare two archives, byte by byte; where they differ, name the files."""
    if one.name != other.name:
        return [f"{one.name} and {other.name}: wanted equal names"]
    if one.read_bytes() == other.read_bytes():
        return []
    first, second = _contents(one), _contents(other)
    names = sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )
    return [f"{one.name}: {name} differs between two builds" for name in names] or [
        f"{one.name}: two builds differ in the order, times or rights of their files"
    ]


def _contents(path: Path) -> dict[str, bytes]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(path) as archive:
        return {
            member.name: file.read()
            for member in archive
            if (file := archive.extractfile(member)) is not None
        }
