"""Files that are written whole, and what killed processes leave beside them."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from cynn._runtime import atomic_files

# Writes half of a file, says so, and waits until it is told to go on.
WRITER = """
import sys
from cynn._runtime import atomic_files
with atomic_files.writing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    sys.stdin.readline()
    file.write(b" whole")
"""


@pytest.fixture
def writer():
    children = []

    def start(path):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout.readline() == "half\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def parts(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".part")


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by a POSIX signal")


@needs_kill
@pytest.mark.parametrize("clear", [lambda path: atomic_files.replace(path, b"new"), "try"])
def test_parts_of_killed_processes_go(tmp_path, writer, clear):
    path = tmp_path / "model"
    for _ in range(2):
        child = writer(path)
        child.kill()
        child.wait()
    atomic_files.replace(tmp_path / "other", b"")
    assert not path.exists() and parts(tmp_path)  # those of another name stay
    if clear == "try":
        atomic_files.try_to_write(path)
        assert not path.exists()
    else:
        clear(path)
        assert path.read_bytes() == b"new"
    assert parts(tmp_path) == []


@needs_kill
def test_a_part_of_a_living_process_stays(tmp_path, writer):
    path = tmp_path / "model"
    child = writer(path)
    (part,) = parts(tmp_path)
    os.kill(child.pid, signal.SIGSTOP)
    for data in (b"new", b"newer"):
        atomic_files.replace(path, data)
        assert parts(tmp_path) == [part] and path.read_bytes() == data
    os.kill(child.pid, signal.SIGCONT)
    child.communicate("go\n")
    assert child.returncode == 0 and path.read_bytes() == b"half whole"
    assert parts(tmp_path) == []


def test_a_part_of_this_process_stays(tmp_path):
    path = tmp_path / "model"
    with atomic_files.writing(path) as first, atomic_files.writing(path) as second:
        first.write(b"first")
        second.write(b"second")
        assert len(parts(tmp_path)) == 2
    assert path.read_bytes() == b"first" and parts(tmp_path) == []


@needs_kill
def test_parts_of_other_hosts_and_names_stay(tmp_path, writer, monkeypatch):
    path = tmp_path / ("long" * 12)  # names have its beginning in common with those of others
    child = writer(path)
    child.kill()
    child.wait()
    (part,) = parts(tmp_path)
    other = [part.replace("long.", "long.0"), part.replace("long.", "lang."), "long.part"]
    for name in other:
        (tmp_path / name).write_bytes(b"")
    link = tmp_path / (part[:-21] + "0" * 16 + ".part")
    link.symlink_to(tmp_path / "long.part")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(atomic_files.platform, "node", lambda: "elsewhere")
        atomic_files.replace(path, b"")
    atomic_files.replace(tmp_path / ("long" * 12 + "er"), b"")
    assert part in parts(tmp_path)
    atomic_files.replace(path, b"")
    assert part not in parts(tmp_path) and link.is_symlink()
    assert set(other) < set(parts(tmp_path))


def test_many_writers_of_one_name(tmp_path):
    """None takes another's part for an abandoned one."""
    path, errors = tmp_path / "model", []

    def write(data):
        try:
            for _ in range(50):
                atomic_files.replace(path, data)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(bytes([i]) * 1000,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and os.listdir(tmp_path) == ["model"]
    assert len(set(path.read_bytes())) == 1 and path.stat().st_size == 1000


def test_a_file_system_without_locks(tmp_path, monkeypatch, writer):
    """Nothing is removed where nothing says whose it is."""
    if not hasattr(atomic_files, "fcntl"):
        pytest.skip("no locks here in any case")

    def no_locks(*_):
        raise OSError(95, "Operation not supported")

    path = tmp_path / "model"
    child = writer(path)
    child.kill()
    child.wait()
    with monkeypatch.context() as patch:
        patch.setattr(atomic_files.fcntl, "flock", no_locks)
        atomic_files.replace(path, b"new")
    assert path.read_bytes() == b"new" and len(parts(tmp_path)) == 1


@pytest.mark.parametrize(
    "try_it", [atomic_files.try_to_write, lambda path: atomic_files.replace(path, b"")]
)
def test_another_writer_comes_just_before_a_part_goes(tmp_path, monkeypatch, try_it):
    """As the ranks of a training do that try its checkpoint's name at once."""
    for name in ("unlink", "replace"):
        real = getattr(os, name)

        def first_the_other(part, *more, real=real):
            monkeypatch.undo()
            atomic_files._remove_abandoned(str(tmp_path), str(part).rpartition("/")[2][:-21])
            real(part, *more)

        monkeypatch.setattr(os, name, first_the_other)
    try_it(tmp_path / "model")
    assert all(path.name == "model" for path in tmp_path.iterdir())
