"""Progress of a fit: nothing, a line per epoch, or a bar."""

import importlib.util
import io
import re
import sys

import pytest

from cynn._runtime.progress import Progress
from models import blobs, classifier

X, Y = blobs()
LINE = r"epoch +\d+/\d+  \d+\.\d\d s  loss \d+\.\d{4}  accuracy \d\.\d{4}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def no_tqdm(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "tqdm" else find(n))


def fit(verbose, **named):
    classifier().fit(X, Y, epochs=2, verbose=verbose, **named)


def test_silent(capsys):
    fit(0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [2, "auto"])
def test_lines_where_there_is_no_terminal(capsys, verbose):
    fit(verbose, validation_data=(X, Y))
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == "" and len(lines) == 2
    for line in lines:
        assert re.fullmatch(LINE + r"  val_loss \d+\.\d{4}  val_accuracy \d\.\d{4}", line)
    assert lines[0].startswith("epoch 1/2") and lines[1].startswith("epoch 2/2")


def test_lines_stand_below_one_another(capsys):
    classifier().fit(X, Y, epochs=10, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch  1/10  ") and lines[9].startswith("epoch 10/10  ")


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_a_bar_on_a_terminal(monkeypatch, capsys, verbose):
    pytest.importorskip("tqdm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fit(verbose)
    shown = terminal.getvalue()
    assert capsys.readouterr().out == ""
    assert "epoch 1/2: 100%" in shown and "epoch 2/2: 100%" in shown and "90.0/90.0" in shown
    assert shown.count("\n") == 2  # each bar is closed, and stays
    assert re.search(r"loss \d\.\d{4}  accuracy \d\.\d{4}", shown)


def test_without_tqdm(monkeypatch, no_tqdm, capsys):
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit("auto")
    assert re.match(LINE, capsys.readouterr().out)
    with pytest.raises(ImportError, match=r"verbose=1 needs tqdm: pip install 'cynn-learn\[data"):
        fit(1)


@pytest.mark.parametrize("verbose", [0, 2, "auto"])
def test_without_any_output(monkeypatch, verbose):
    """As in a program without a console."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    fit(verbose)


def test_rows_are_counted_to_the_last(monkeypatch):
    counted = []
    monkeypatch.setattr(Progress, "advance", lambda self, rows: counted.append(rows))
    for batch_size, seconds in ((7, 0.0), (7, 1.0), (90, 0.0), (2000, 0.0)):
        monkeypatch.setattr("cynn._training.fitting.SLICE_SECONDS", seconds)
        monkeypatch.setattr("cynn._model.loops.SLICE_NUMBERS", 100)
        counted.clear()
        fit(0, batch_size=batch_size)
        assert sum(counted) == 180 and min(counted) > 0


def test_the_bar_is_closed_after_an_error(monkeypatch):
    tqdm = pytest.importorskip("tqdm").tqdm
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("cynn._training.fitting.Fit.train", fail)
    with pytest.raises(ZeroDivisionError):
        fit(1)
    assert not getattr(tqdm, "_instances", ())


def test_within_a_long_epoch_lines_say_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr("cynn._runtime.progress.QUIET_SECONDS", 0.0)
    progress = Progress(2)
    progress.begin(3, 100)
    progress.begin_epoch(1)
    progress.advance(25)
    left = r"about \d+ s to go"
    line = rf"epoch 2/3  25 of 100 rows in \d+ s, {left}, \d+ s with all epochs\n"
    assert re.fullmatch(line, capsys.readouterr().out)
    progress.begin_epoch(2)
    progress.advance(0)
    assert re.fullmatch(r"epoch 3/3  0 rows in \d+ s\n", capsys.readouterr().out)
    progress.advance(100)
    assert re.fullmatch(rf"epoch 3/3  100 of 100 rows in \d+ s, {left}\n", capsys.readouterr().out)
    progress.begin(1, None)
    progress.begin_epoch(0)
    progress.advance(7)
    assert re.fullmatch(r"epoch 1/1  7 rows in \d+ s\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("epoch", "done", "text"),
    [
        (0, 25, "25 of 1,000 rows in 10 s, about 390 s to go, 1190 s with all epochs"),
        (1, 500, "500 of 1,000 rows in 10 s, about 10 s to go, 30 s with all epochs"),
        (2, 500, "500 of 1,000 rows in 10 s, about 10 s to go"),
        (0, 0, "0 rows in 10 s"),
    ],
)
def test_how_long_it_will_go_on(epoch, done, text):
    progress = Progress(2)
    progress.begin(3, 1000)
    progress.begin_epoch(epoch)
    progress.advance(done)
    assert progress._progress(10.0) == text
