"""`cynn draw`: its options, the page that it writes, the server that it starts and ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser

import pytest

from cynn import Model, cli, datasets, draw
from cynn.draw._server import Server
from cynn.ensemble import Ensemble
from cynn.layers import Dense
from drawings import MODELS, built, holding
from mnist_files import fill


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small data set, drawn here, in files like MNIST's."""
    arrays = [array for seed, n in enumerate((600, 200)) for array in datasets.make_digits(n, seed)]
    return fill(tmp_path_factory.mktemp("data"), arrays)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    MODELS["relu"]().save(path)
    return path


def test_it_writes_the_page(run, saved, folder, tmp_path):
    path = tmp_path / "page.html"
    status, out, err = run("draw", saved, "--write", path, "--data", folder)
    text = path.read_text(encoding="utf-8")
    assert (status, out, err) == (0, f"wrote {path}: {len(text):,} bytes\n", "")
    assert text == draw.page(Model.load(saved), datasets.load_mnist(folder)[1])
    status, _, err = run("draw", saved, "--write", path, "--data", folder, "--white", 1)
    assert (status, err) == (0, "")
    assert holding(path.read_text(encoding="utf-8"))["white"] == 1


def test_it_trains_first_where_no_model_is_given(run, folder, tmp_path):
    status, out, err = run("draw", "--write", tmp_path / "page.html", "--data", folder)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].startswith("training a network 784-128-64-10 on 600 images of MNIST in ")
    assert lines[1].startswith("3 epochs in ") and lines[1].endswith("of 200 test images")
    network = holding((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert network["title"] == "784-128-64-10"


def test_it_serves_until_ctrl_c(saved, folder):
    command = [sys.executable, "-P", "-m", "cynn", "draw", saved, "--port", 0, "--data", folder]
    child = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = child.stdout.readline()
        assert line.startswith("draw at http://127.0.0.1:")
        assert line.endswith("/ (Ctrl-C ends it)\n")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(line.split()[2], timeout=60) as page:
            assert holding(page.read().decode())["digits"]["labels"]
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out, err) == (cli.INTERRUPTED, "", "interrupted\n")


if os.name != "posix":  # where no such signal can be sent
    del test_it_serves_until_ctrl_c


def test_the_browser_is_opened_if_asked_for(run, monkeypatch, saved, folder):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(Server, "serve_forever", lambda server: None)
    for options, n_opened in (([], 0), (["--open"], 1)):
        status, out, _ = run("draw", saved, "--port", 0, "--data", folder, *options)
        assert status == 0 and len(opened) == n_opened
    assert out.split()[2] == opened[0]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["MODEL", "--write", "p.html", "--port", 1], 1, "--port must go without --write, got"),
        (["MODEL", "--write", "p.html", "--open"], 1, "--open must go without --write, got both"),
        (["--white", 1], 1, "--white must go with MODEL, got 1 without one"),
        (["MODEL", "--white", 0], 2, "white must be a finite number above 0, got 0.0"),
        (["MODEL", "--port", 65536], 2, "must be a port from 0 to 65535, got '65536'"),
        (["MODEL", "--port", "-1"], 2, "must be a port from 0 to 65535, got '-1'"),
        (["MODEL", "--write", "no-such-folder/p.html"], 1, "No such file or directory"),
        (["MODEL", "--write", "MODEL"], 1, "--write must be another file than what is read"),
        (["MODEL", "--data", "no-such-folder"], 1, "--data must be"),
        (["no-such-file"], 1, "No such file or directory"),
        (["text"], 1, "text is not a cynn model: "),
        (["small"], 1, "small: model must take images of 28x28 pixels, or rows of 784 numbers"),
        (["nine"], 1, "nine: model must give the probabilities of 10 classes, got 9 outputs"),
        (["two"], 1, "MODEL must be of one model, got an ensemble of 2"),
    ],
)
def test_errors(run, monkeypatch, saved, tmp_path, arguments, status, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("no model")
    built([Dense(10, "softmax")], (8, 8)[:1]).save("small")
    built([Dense(9, "softmax")], 784).save("nine")
    Ensemble([built([Dense(10, "softmax")], 784)] * 2).save("two")
    given = [saved if argument == "MODEL" else argument for argument in arguments]
    found, out, err = run("draw", *given)
    assert (found, out) == (status, "")
    assert message in err and "Traceback" not in err


def test_a_port_that_is_taken(run, saved, folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, out, err = run("draw", saved, "--port", port, "--data", folder)
    assert (status, out) == (1, "")
    assert err.startswith(f"cynn: error: port must be free, got {port}: another program listens")
