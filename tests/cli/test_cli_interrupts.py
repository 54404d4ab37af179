"""Ctrl-C in the command: status 130 and one line, at any time."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cynn
from cynn import Model, cli
from cynn._runtime import interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")

PRESS = "os.kill(os.getpid(), signal.SIGINT)"


def program(text, tmp_path, arguments=("--version",), name="cynn"):
    """Run a program whose first argument is a command's name; return status, output and errors."""
    start = f"import os, signal, sys\nsys.argv = {['/bin/' + name, *map(str, arguments)]!r}\n"
    ran = subprocess.run(
        [sys.executable, "-c", start + text], capture_output=True, text=True, cwd=tmp_path,
        timeout=60,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


def test_nothing_else_is_imported_first():
    source = Path(cynn.__file__).read_text(encoding="utf-8")
    first = next(node for node in ast.parse(source).body if not isinstance(node, ast.Expr))
    assert ast.unparse(first) == "from ._runtime import interrupts as _interrupts"


def test_during_the_imports(tmp_path):
    (tmp_path / "numpy.py").write_text(f"import os, signal, time\n{PRESS}\ntime.sleep(30)\n")
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "cynn", "info"], capture_output=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, b"", b"interrupted\n")


def test_while_it_works(tmp_path):
    """Also where its exception is dropped, or made into another error."""
    dropped = f"""
from cynn import cli
class Dropped:
    def __del__(self):
        {PRESS}
def run(options):
    Dropped()
    print("goes on")
cli._info._info = run
sys.exit(cli.main())
"""
    converted = f"""
from cynn import cli
def run(options):
    try:
        {PRESS}
    except KeyboardInterrupt:
        raise SystemError("what a library makes of it")
cli._info._info = run
sys.exit(cli.main())
"""
    plain = f"from cynn import cli\ncli._info._info = lambda _: {PRESS}\nsys.exit(cli.main())"
    for text in (dropped, converted, plain):
        assert program(text, tmp_path, ["info"]) == (130, "", "interrupted\n")


def test_when_it_is_done(tmp_path):
    text = f"""
from cynn import cli
try:
    cli.main()
except SystemExit:
    {PRESS}
    print("over")
"""
    status, out, err = program(text, tmp_path)
    assert (status, err) == (0, "") and out.endswith("over\n")


def test_a_program_that_imports_cynn_is_left_alone(tmp_path):
    text = "import cynn\nprint(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert program(text, tmp_path, name="job.py") == (0, "True\n", "")
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nimport cynn\n" + PRESS
    assert program(ignored, tmp_path) == (0, "", "")


@pytest.mark.parametrize(
    ("argv0", "all_arguments", "command"),
    [
        ("/usr/bin/cynn", ["python", "/usr/bin/cynn"], True),
        ("-m", ["python", "-m", "cynn", "info"], True),
        ("-m", ["python", "-mcynn"], True),
        ("-m", ["python", "-m", "pytest"], False),
        ("train.py", ["python", "train.py"], False),
        ("", ["python"], False),
    ],
)
def test_which_process_is_the_command(monkeypatch, argv0, all_arguments, command):
    monkeypatch.setattr(sys, "argv", [argv0])
    monkeypatch.setattr(sys, "orig_argv", all_arguments)
    assert interrupts.is_command() is command


def test_a_training_keeps_what_it_has(tmp_path):
    """Nothing is measured after it; what was to be saved is, with the best weights so far."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(200, 3)), y=rng.normal(size=200))
    command = [sys.executable, "-m", "cynn", "train", tmp_path / "t.npz", "--target", "y"]
    more = ["--epochs", 10**6, "--save", tmp_path / "m", "--checkpoint", tmp_path / "c"]
    more += ["--model", "mlp"]  # whose best epoch is not one of the last
    child = subprocess.Popen(
        [*command, *map(str, more)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for line in child.stdout:
            if line.startswith("epoch      20/"):
                break
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == cli.INTERRUPTED
    assert err.startswith("interrupted in epoch ") and err.count("\n") == 1
    lines = out.splitlines()
    assert lines[-1] == f"saved to {tmp_path / 'm'}" and "kept the weights of epoch" in lines[-2]
    assert not any(line.startswith(("training", "validation", "baseline")) for line in lines)
    best = Model.load(tmp_path / "c").callback_weights["EarlyStopping val_loss min"]
    assert np.array_equal(Model.load(tmp_path / "m").get_learned(), best)


@pytest.mark.parametrize("data", ["table", "images"])
def test_while_it_measures(tmp_path, monkeypatch, capsys, data):
    """The network is saved before."""

    def press(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli._measures, "print_table", press)
    monkeypatch.setattr(cli._measures, "print_images", press)
    monkeypatch.setattr(cli._images, "DIGITS", (50, 30))
    np.savez(tmp_path / "t.npz", x=np.arange(40.0), y=np.arange(40.0))
    place = [str(tmp_path / "t.npz"), "--target", "y"] if data == "table" else ["--data", "digits"]
    saved = ["--save", str(tmp_path / "m"), "--epochs", "1", "--hidden", "2"]
    assert cli.main(["train", *place, *saved]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert Model.load(tmp_path / "m").epochs == 1
