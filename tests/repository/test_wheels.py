"""scripts/build-wheels refuses wheels and archives that were tampered with, and unfit Pythons."""

import base64
import gzip
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from cynn import _backend, kernels
from places import ROOT

SCRIPTS = ROOT / "scripts"

if sys.platform != "linux":
    pytest.skip("the script is for Linux", allow_module_level=True)
elffile = pytest.importorskip("elftools.elf.elffile")
sys.path.append(str(SCRIPTS))

import wheel_checks  # noqa: E402
import wheel_commands  # noqa: E402
import wheel_pythons  # noqa: E402
import wheel_tests  # noqa: E402

NAME = "cynn_learn-0.1.0-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
INFO = "cynn_learn-0.1.0.dist-info"
MODULE = "cynn/kernels/processor.abi3.so"


# -- wheels


@pytest.fixture(scope="module")
def library() -> bytes:
    """Return a module as it was compiled here."""
    found = [path for folder in kernels.__path__ for path in Path(folder).glob("processor.*.so")]
    if not found or _backend.available_targets() == ["reference"]:
        pytest.skip("nothing was compiled here")
    return found[0].read_bytes()


@pytest.fixture
def files(library) -> dict[str, bytes]:
    """Return the contents of a small wheel."""
    names = ["cynn/model.py", "cynn/kernels/a.py", "cynn/kernels/a.pyi", "cynn/py.typed"]
    names += [f"{INFO}/{name}" for name in wheel_checks.INFORMATION]
    return dict.fromkeys(names, b"") | {MODULE: library}


@pytest.fixture
def check(tmp_path, library):
    """Return a function that packs files and checks them, except for the compiler's libraries."""
    kernels = tmp_path / "cynn" / "kernels"
    kernels.mkdir(parents=True)
    for name in ("a.py", "a.pyi", "a.pyx", "a.h", "../model.py", "../py.typed"):
        (kernels / name).touch()
    usual = wheel_checks.check_library(library, MODULE)

    def check(files, name=NAME, record=None) -> list[str]:
        path = pack(tmp_path / name, files, record)
        data = ["py.typed", "kernels/*.pyi"]
        found = wheel_checks.check_wheel(path, tmp_path, data, ["cynn.kernels.processor"])
        found = [line.removeprefix(f"{name} ") for line in found]
        return [line for line in found if line not in usual]

    return check


def pack(path: Path, files: dict[str, bytes], record: str | None = None) -> Path:
    """Write a wheel, with its RECORD made of the files unless one is given."""
    if record is None:
        rows = [f"{name},{digest(files[name])},{len(files[name])}" for name in files]
        record = "\n".join(row for row in rows if "/RECORD," not in row) + f"\n{INFO}/RECORD,,\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in (files | {f"{INFO}/RECORD": record.encode()}).items():
            wheel.writestr(zipfile.ZipInfo(name), data)
    return path


def digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def test_a_good_wheel_passes(check, files):
    assert check(files) == []
    code = files.pop(MODULE)
    free = files | {"cynn/kernels/processor.cpython-313t-x86_64-linux-gnu.so": code}
    assert check(free, NAME.replace("cp311-abi3", "cp313-cp313t")) == []


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("cynn_learn.libs/libgomp-24e2ab19.so.1.0.0", "which is not wanted"),
        ("cynn/kernels/matmul.pxi", "which is not wanted"),
        ("tests/test_model.py", "which is not wanted"),
        (f"{INFO}/direct_url.json", "which is not wanted"),
    ],
)
def test_a_file_that_does_not_belong_there_is_seen(check, files, name, complaint):
    assert check(files | {name: b""}) == [f"has {name}, which is not wanted"]


@pytest.mark.parametrize("name", [MODULE, "cynn/model.py", "cynn/py.typed", f"{INFO}/METADATA"])
def test_a_file_that_is_missing_is_seen(check, files, name):
    del files[name]
    assert check(files) == [f"lacks {name}"]


def test_a_large_wheel_is_seen(check, files):
    files["cynn/model.py"] = os.urandom(wheel_checks.LARGEST)
    (line,) = check(files)
    assert re.fullmatch(r"is 2,5\d\d,\d{3} bytes, wanted 2,500,000 at most", line)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("manylinux_2_17", "manylinux_2_34", "is for manylinux_2_34_x86_64, wanted"),
        ("manylinux2014_x86_64.manylinux_2_17", "linux", "is for linux_x86_64, wanted"),
        ("_x86_64.whl", "_aarch64.whl", "is for manylinux_2_17_aarch64, wanted"),
    ],
)
def test_a_wrong_platform_is_seen(check, files, old, new, complaint):
    (line,) = check(files, NAME.replace(old, new))
    assert line.startswith(complaint)


def test_a_wheel_for_only_one_cpython_is_seen(check, files):
    lines = check(files, NAME.replace("cp311-abi3", "cp311-cp311"))
    assert lines[0].startswith("is for cp311-cp311, wanted")


def test_a_file_that_was_changed_after_packing_is_seen(check, files):
    rows = [f"{name},{digest(files[name])},0" for name in files if not name.endswith("/RECORD")]
    record = "\n".join([*rows, f"{INFO}/RECORD,,"])
    assert check(files, record=record) == []
    files["cynn/model.py"] = b"import os\n"
    assert check(files, record=record) == ["cynn/model.py is not the file that RECORD lists"]
    assert check(files, record=record.replace(rows[0] + "\n", ""))[0].startswith("RECORD lacks ")


# -- the modules in it, of which single bytes are changed


def needs(code: bytes) -> bytes:
    return code.replace(b"\0libc.so.6\0", b"\0libz.so.1\0")


def newer(code: bytes) -> bytes:
    return code.replace(b"\0GLIBC_2.2.5\0", b"\0GLIBC_2.299\0")


def foreign(code: bytes) -> bytes:
    return code.replace(b"\0GLIBC_2.2.5\0", b"\0GOMP_1.0.50\0")


def symbols(code: bytes) -> bytes:
    return code.replace(b"\0.dynsym\0", b"\0.symtab\0")


def runs_path(code: bytes) -> bytes:
    """Turn the first needed library into a DT_RUNPATH."""
    start = elffile.ELFFile(io.BytesIO(code)).get_section_by_name(".dynamic")["sh_offset"]
    while struct.unpack_from("<Q", code, start) != (1,):  # DT_NEEDED
        start += 16
    return code[:start] + struct.pack("<Q", 29) + code[start + 8 :]  # DT_RUNPATH


def runs_stack(code: bytes) -> bytes:
    file = elffile.ELFFile(io.BytesIO(code))
    kinds = [segment["p_type"] for segment in file.iter_segments()]
    at = file["e_phoff"] + kinds.index("PT_GNU_STACK") * file["e_phentsize"] + 4  # its p_flags
    return code[:at] + struct.pack("<I", 7) + code[at + 4 :]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (needs, "needs libz.so.1, wanted none but libc.so.6, libm.so.6, libpthread.so.0"),
        (newer, "needs a symbol of GLIBC_2.299, wanted GLIBC_2.28 or older"),
        (foreign, "needs a symbol of GOMP_1.0.50, wanted GLIBC_2.28 or older"),
        (symbols, "has its table of symbols, wanted none"),
        (runs_path, "has DT_RUNPATH, wanted no such entry"),
        (runs_stack, "wants a stack that can be executed"),
    ],
)
def test_what_a_module_needs_is_seen(check, files, library, change, complaint):
    changed = change(library)
    assert changed != library
    assert f"{MODULE}: {complaint}" in check(files | {MODULE: changed})


def test_what_a_module_shows_is_seen(library):
    found = wheel_checks.check_library(library, "cynn/kernels/other.abi3.so")
    assert found[-1].endswith("shows PyInit_processor, wanted PyInit_other alone")


# -- source archives


def archive(path: Path, names: list[str], root: str = "cynn_learn-0.1.0") -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for name in names:
            packed.addfile(tarfile.TarInfo(f"{root}/{name}"))
    return path


def test_an_archive_holds_what_is_under_version_control(tmp_path):
    path = tmp_path / "cynn_learn-0.1.0.tar.gz"
    added = ["PKG-INFO", "setup.cfg", "cynn_learn.egg-info/PKG-INFO"]
    tracked = ["setup.py", "cynn/model.py", "tests/conftest.py"]

    def said(names: list[str], **other: str) -> list[str]:
        found = wheel_checks.check_archive(archive(path, names, **other), tracked)
        return [line.removeprefix(f"{path.name} ") for line in found]

    assert said(tracked + added) == []
    assert said(tracked[:2] + added) == ["lacks tests/conftest.py"]
    assert said([*tracked, *added, "a.so"]) == ["has a.so, which is not wanted"]
    assert said(tracked + added, root="other")[0].startswith("unpacks to other, wanted")


# -- two builds


@pytest.mark.parametrize("ending", [".whl", ".tar.gz"])
def test_a_byte_that_differs_is_seen(tmp_path, ending):
    paths = [tmp_path / "one" / f"a{ending}", tmp_path / "two" / f"a{ending}"]
    texts = [{"a.py": b"1", "b.py": b"2"}] * 2

    def said(moment: int = 0) -> list[str]:
        for path, text, when in zip(paths, texts, (0, moment), strict=True):
            path.parent.mkdir(exist_ok=True)
            write(path, text, when)
        return wheel_checks.differences(*paths)

    def write(path: Path, text: dict[str, bytes], when: int) -> None:
        if ending == ".whl":
            with zipfile.ZipFile(path, "w") as wheel:
                for name, data in text.items():
                    wheel.writestr(zipfile.ZipInfo(name, (1980 + when, 1, 1, 0, 0, 0)), data)
            return
        with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open("", "w:", packed) as made:
            for name, data in text.items():
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(data), when
                made.addfile(member, io.BytesIO(data))

    assert said() == []
    assert said(moment=1) == [
        f"a{ending}: two builds differ in the order, times or rights of their files"
    ]
    texts[1] = {"a.py": b"1", "b.py": b"3"}
    assert said() == [f"a{ending}: b.py differs between two builds"]
    texts[1] = {"a.py": b"1"}
    assert said() == [f"a{ending}: b.py differs between two builds"]


def test_the_source_archive_is_packed_alike(tmp_path):
    """The archive that setup.py writes depends neither on the time nor on the user."""
    pytest.importorskip("Cython")
    written = []
    for place, mode in (("one", 0o600), ("two", 0o644)):
        folder = tmp_path / place / "a-1"
        folder.mkdir(parents=True)
        for name in ("b.py", "a.py"):
            (folder / name).write_text(name)
            (folder / name).chmod(mode)
        os.utime(folder / "a.py", (0, 0 if place == "one" else 1e9))
        program = (
            "import sys; sys.path.insert(0, sys.argv[1]); import setup, setuptools\n"
            "made = setup.SourceArchive(setuptools.Distribution())\n"
            "made.make_archive('a-1', 'gztar', base_dir='a-1')"
        )
        subprocess.run(
            [sys.executable, "-c", program, ROOT],
            cwd=folder.parent,
            env=os.environ | {"SOURCE_DATE_EPOCH": "1000000000"},
            check=True,
        )
        written.append((tmp_path / place / "a-1.tar.gz").read_bytes())
    assert written[0] == written[1]
    with tarfile.open(fileobj=io.BytesIO(written[0])) as packed:
        assert [member.name for member in packed] == ["a-1", "a-1/a.py", "a-1/b.py"]
        assert {member.mtime for member in packed} == {1_000_000_000}


# -- Pythons, and the NumPy releases that they can use


def test_an_unfit_python_is_refused_with_a_reason(tmp_path):
    def said(text: str) -> object:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return wheel_pythons.probe(str(path))

    assert wheel_pythons.probe("no-such-python") == "no such command"
    assert said("exit 1") == "it does not run"

    def answers(name="CPython", minor=12, free="false", has_venv="true", watched="false") -> object:
        return said(f"""echo '["{name}", [3, {minor}, 1], {free}, "/p", {has_venv}, {watched}]'""")

    assert answers(name="PyPy").startswith("PyPy 3.12.1, wanted CPython 3.11")
    assert answers(minor=10).startswith("CPython 3.10.1, wanted CPython 3.11")
    assert answers(has_venv="false") == "it has no venv module"
    assert answers(watched="true") == "a sanitizer watches it, and it is slow"
    free = answers(minor=14, free="true")
    assert free == wheel_pythons.Python((3, 14, 1), True, "/p")
    assert (str(free), free.tag) == ("3.14.1t", "cp314t")
    own = wheel_pythons.probe(sys.executable)
    assert own.version == sys.version_info[:3]


def test_the_newest_python_of_each_kind_is_taken():
    versions = [(3, 13, 2), (3, 9, 30), (3, 13, 11), (3, 13, 0)]
    pythons = [wheel_pythons.Python(version, False, "") for version in versions]
    pythons.append(wheel_pythons.Python((3, 13, 1), True, ""))
    found = [str(python) for python in wheel_pythons.newest_of_each(pythons)]
    assert found == ["3.9.30", "3.13.11", "3.13.1t"]


def test_pythons_are_found_by_name(tmp_path, monkeypatch):
    for name in ("python3.13", "python3.14t", "python3", "python3.13-config"):
        (tmp_path / name).touch()
    for folder in ("versions/3.12.1/bin", "own/3.15/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "python3").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}::{tmp_path / 'nowhere'}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("CYNN_PYTHONS", str(tmp_path / "own"))
    commands = list(wheel_pythons.commands())
    found = {Path(command).relative_to(tmp_path).as_posix() for command in commands[:-1]}
    assert found == {
        "python3.13", "python3.14t", "versions/3.12.1/bin/python3", "own/3.15/bin/python3"
    }  # fmt: skip
    assert commands[-1] == sys.executable


def test_the_oldest_numpy_with_a_wheel_is_taken(tmp_path):
    pip = tmp_path / "pip"
    pip.write_text(
        "#!/bin/sh\n"
        '[ "$1" = index ] && echo "Available versions: 2.10.0, 2.9.1, 2.1.0, 1.26.4, 1.25.0"\n'
        'case "$*" in *numpy==2.1.0 | *numpy==2.10.0 | index*) ;; *) exit 1 ;; esac\n'
    )
    pip.chmod(0o755)
    assert wheel_pythons.oldest_numpy([str(pip)], (1, 26)) == "2.1.0"
    assert wheel_pythons.oldest_numpy([str(pip)], (2, 2)) == "2.10.0"
    assert wheel_pythons.oldest_numpy([str(pip)], (3,)) is None


# -- commands


def test_commands_see_nothing_that_would_change_a_build(monkeypatch):
    for name in ("CFLAGS", "LDFLAGS", "PYTHONPATH", "PIP_TARGET", "CYNN_BUILD_WIDE", "GIT_DIR"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("CYNN_DATA", "/data")
    said = wheel_commands.run(["env"], "no failure", MORE="1")
    assert "/elsewhere" not in said
    assert "CYNN_DATA=/data\n" in said and "MORE=1\n" in said


def test_a_failed_command_is_reported_with_its_output():
    with pytest.raises(wheel_commands.Failure, match="it broke") as failure:
        wheel_commands.run(["sh", "-c", "echo why; exit 3"], "it broke")
    assert failure.value.said == "why\n"


# -- tests that were run


def test_pytest_output_is_summarised():
    said = """.s.s [100%]
=========================== short test summary info ===========================
SKIPPED [2] tests/test_a.py:12: no compiler: none
SKIPPED [1] ../b.py:3: no data
SKIPPED [3] tests/test_c.py:4: no compiler: none
======================== 9 passed, 6 skipped in 3.21s =========================
"""
    assert wheel_tests.summary(said) == (
        "9 passed, 6 skipped in 3.21s; skipped 5: no compiler: none; skipped 1: no data"
    )


def test_tests_of_another_cynn_are_refused(tmp_path):
    """The package that is imported has to be the one that was installed."""
    python = tmp_path / "installed" / "bin" / "python"
    python.parent.mkdir(parents=True)

    def suite(imported: Path, target: str = "avx2") -> str:
        says = (
            f'case "$*" in *pytest*) echo 1 passed ;; *) echo "{imported}"; echo {target} ;; esac'
        )
        python.write_text(f"#!/bin/sh\n{says}\n")
        python.chmod(0o755)
        return wheel_tests.suite(python, tmp_path, "here")

    assert suite(tmp_path / "installed" / "lib" / "cynn" / "__init__.py") == "1 passed"
    with pytest.raises(wheel_commands.Failure, match="wanted the one that was installed"):
        suite(tmp_path / "checkout" / "cynn" / "__init__.py")
    with pytest.raises(wheel_commands.Failure, match="the target in use is the reference"):
        suite(tmp_path / "installed" / "lib" / "cynn" / "__init__.py", "reference")


@pytest.mark.parametrize("version", ["3.11.2", "3.11.4"])
def test_an_archive_is_unpacked_by_every_python(tmp_path, monkeypatch, version):
    """`tarfile` has filters from 3.11.4 on, and from 3.12 on it warns where none is named."""
    if version == "3.11.2":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    path = archive(tmp_path / "a-1.tar.gz", ["setup.py"], "a-1")
    assert (wheel_tests.unpack(path, tmp_path) / "setup.py").exists()


def test_tests_for_wheels_exist():
    """The tests that the quick build runs again, where a missing one would end the run."""
    assert [name for name in wheel_tests.OWN_TO_A_WHEEL if not (ROOT / name).exists()] == []


def test_the_tests_run_without_the_checkout(tmp_path):
    names = ["pyproject.toml", "tests/test_a.py", "examples/a.py", "cynn/a.py"]
    folder = wheel_tests.tests_alone(archive(tmp_path / "a-1.tar.gz", names, "a-1"), tmp_path)
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert held == {"pyproject.toml", "tests/test_a.py", "examples/a.py"}
