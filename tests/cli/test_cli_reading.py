"""How the commands read tables and images, what they leave out and what they refuse."""

import gzip
import io
import os
import subprocess
import sys

import numpy as np
import pytest

from cynn import cli, tables
from models import image_model


def text_of(n=60, delimiter=",", **changes):
    """Return a table whose target follows from its columns; a change is a row's whole line."""
    rng = np.random.default_rng(0)
    lines = [delimiter.join(["size", "colour", "kind"])]
    for i in range(n):
        line = delimiter.join(
            [f"{rng.normal(i % 2 * 5, 1):.2f}", "grün" if i % 3 else "blau", "uv"[i % 2]]
        )
        lines.append(changes.get(f"row{i + 1}", line))
    return "\n".join(lines) + "\n"


@pytest.fixture
def model(run, tmp_path):
    (tmp_path / "t.csv").write_text(text_of(), encoding="utf-8")
    train = ["train", tmp_path / "t.csv", "--target", "kind", "--epochs", 3, "--hidden", 4]
    assert run(*train, "--quiet", "--save", tmp_path / "m")[0] == 0
    return tmp_path / "m"


def standard_input(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_every_kind_of_text(run, model, tmp_path, monkeypatch):
    wanted = run("predict", model, tmp_path / "t.csv")[1]
    assert wanted.count("\n") == 61
    latin = text_of().encode("latin-1")
    for name, data, options in [
        ("t.tsv", text_of(delimiter="\t").encode(), []),
        ("t.csv.gz", gzip.compress(text_of(delimiter=";").encode()), []),
        ("t.tsv.gz", gzip.compress(text_of(delimiter="\t").encode()), []),
        ("l.csv", latin, ["--encoding", "latin-1"]),
        ("-", latin, ["--encoding", "latin-1"]),
        ("-", gzip.compress(text_of().encode()), []),
    ]:
        path = name
        if name == "-":
            standard_input(monkeypatch, data)
        else:
            path = tmp_path / name
            path.write_bytes(data)
        assert run("predict", model, path, *options) == (0, wanted, ""), name
        if name == "-":
            standard_input(monkeypatch, data)
        status, out, err = run("evaluate", model, path, *options)
        assert (status, err) == (0, "") and out.startswith(f"{path}: 60 rows: accuracy ")
    standard_input(monkeypatch, latin)
    train = ["train", "-", "--target", "kind", "--epochs", 1, "--quiet", "--encoding", "latin-1"]
    status, out, err = run(*train)
    assert (status, err) == (0, "") and "-: 48 rows for training" in out
    status, out, err = run("evaluate", model, tmp_path / "l.csv")
    assert (status, out) == (1, "")
    assert err == (
        f"cynn: error: {tmp_path / 'l.csv'}: it must be in utf-8, got the byte 0xfc: name the "
        "encoding (--encoding), such as latin-1, or cp1252 of Windows\n"
    )


def test_rows_without_a_target(run, model, tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text(text_of(row3="1.5,blau,", row10=",blau,", row60="2,grün, "), encoding="utf-8")
    train = ["train", path, "--target", "kind", "--epochs", 1, "--hidden", 4, "--quiet"]
    status, out, err = run(*train)
    line = f"{path}: 3 of 60 rows are left out, row 3 the first: they have no value in 'kind'\n"
    assert (status, err) == (0, line)
    assert "46 rows for training, 11 rows for validation" in out
    status, out, err = run("evaluate", model, path)
    assert (status, err) == (0, line) and out.startswith(f"{path}: 57 rows: accuracy ")
    status, out, err = run("predict", model, path)
    assert (status, err) == (0, "") and out.count("\n") == 61
    path.write_text("size,colour,kind\n1,blau,\n2,blau,\n", encoding="utf-8")
    for command in (train, ["evaluate", model, path]):
        status, out, err = run(*command)
        assert (status, out) == (1, "") and "target 'kind' must have" in err.splitlines()[-1]


def test_what_counts_as_no_target(run, model, tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text(
        text_of(row3="1.5,blau,#N/A", row10="1,blau,NaN", row60="2,grün,<NA>"), encoding="utf-8"
    )
    line = f"{path}: 3 of 60 rows are left out, row 3 the first: they have no value in 'kind'\n"
    status, out, err = run("evaluate", model, path)
    assert (status, err) == (0, line) and out.startswith(f"{path}: 57 rows: accuracy ")
    status, out, err = run("train", path, "--target", "kind", "--epochs", 1, "--quiet")
    assert (status, err) == (0, line)


def test_rows_are_named_by_their_number_in_the_file(run, model, tmp_path):
    """Where rows before them are left out, too."""
    path = tmp_path / "t.csv"
    lines = ["size,price", *(f"{i},{i}.5" for i in range(1, 61))]
    train = ["train", path, "--epochs", 1, "--hidden", 4, "--quiet"]
    for target, gap in (("price", "3,"), ("price", "3,4,5"), ("size", "3,4,5")):
        rows = lines.copy()
        rows[3], rows[40] = gap, "40,12.5 kg"
        path.write_text("\n".join(rows), encoding="utf-8")
        status, out, err = run(*train, "--target", target, "--skip-bad-rows")
        assert (status, out) == (1, "") and "'12.5 kg' in row 40, 1 of 59 values" in err
    path.write_text(text_of(row3="1.5,blau,", row9="1,blau,w"), encoding="utf-8")
    status, out, err = run("evaluate", model, path)
    assert status == 1 and f"{path}: target 'kind' must hold the classes" in err
    assert "got 'w' in row 9\n" in err


def test_bad_rows(run, model, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text_of(row2="1,blau", row5="klein,blau,u", row7="1,2,3,4"), encoding="utf-8")
    good = run("predict", model, tmp_path / "t.csv")[1].splitlines()
    skip = [path, "--skip-bad-rows"]
    status, out, err = run("predict", model, path)
    assert (status, out) == (1, "") and "line 3 must have 3 fields, as the first, got 2" in err
    status, out, err = run("predict", model, *skip)
    assert status == 0
    assert out.splitlines() == [line for i, line in enumerate(good) if i not in (2, 5, 7)]
    assert err.splitlines() == [
        f"{path}: skipped: line 3 must have 3 fields, as the first, got 2",
        f"{path}: skipped: line 8 must have 3 fields, as the first, got 4",
        f"{path}: skipped: row 5: column 'size' must hold numbers, got 'klein'",
    ]
    status, out, err = run("evaluate", model, *skip)
    assert status == 0 and out.startswith(f"{path}: 57 rows: ") and err.count("skipped") == 3
    path.write_text(text_of(row5="klein,blau,u"), encoding="utf-8")
    status, out, err = run("predict", model, path)
    assert (status, out) == (1, "") and "'klein' in row 5" in err
    path.write_text("size,colour\n" + "x,y\n" * 9, encoding="utf-8")
    status, out, err = run("predict", model, *skip)
    assert (status, out) == (1, "") and err.startswith(f"cynn: error: {path}: it must have a row")
    path.write_text("size,colour\n1,blau\n" + "x,y\n" * 9, encoding="utf-8")
    status, out, err = run("predict", model, *skip)
    assert status == 0 and out.count("\n") == 2
    assert err.count("\n") == 6 and err.endswith(f"{path}: 9 rows are skipped in all\n")


def test_max_bytes(run, model, tmp_path):
    for command in (["train", tmp_path / "t.csv", "--target", "kind"], ["predict", model]):
        path = [] if command[0] == "train" else [tmp_path / "t.csv"]
        status, out, err = run(*command, *path, "--max-bytes", 100)
        assert (status, out) == (1, "") and "must take at most max_bytes=100 bytes" in err


def test_options_that_need_a_table(run):
    for options in (["--encoding", "latin-1"], ["--skip-bad-rows"], ["--max-bytes", "9"]):
        status, out, err = run("train", "--data", "digits", *options)
        assert (status, out) == (1, "") and f"{options[0]} must go with a table" in err
    status, _, err = run("train", "t.csv", "--target", "y", "--encoding", "zip")
    assert status == 2 and "--encoding: must be one that Python knows" in err


@pytest.fixture
def images(tmp_path):
    model = image_model()
    model.build((2, 2))
    model.save(tmp_path / "images")
    return tmp_path / "images"


def test_arrays_of_images_are_bounded(run, images, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 2, 2)))
    assert run("predict", images, tmp_path / "x.npy")[0] == 0
    for option, message in [
        (["--max-bytes", 95], "its array must take at most max_bytes=95 bytes, got 96"),
        (["--encoding", "latin-1"], "--encoding must go with a table"),
        (["--skip-bad-rows"], "--skip-bad-rows must go with a table"),
    ]:
        status, out, err = run("predict", images, tmp_path / "x.npy", *option)
        assert (status, out) == (1, "") and message in err
    whole = (tmp_path / "x.npy").read_bytes()
    for damaged in (
        whole.replace(b"(3, 2, 2)", b"(9999999999999,)"),
        whole.replace(b"(3, 2, 2)", b"(" + b"-" * 20 + b"1,)"),
        whole.replace(b"<f8", b"<U4294967295"),
        whole[:-1],
        whole + b"x",
    ):
        (tmp_path / "d.npy").write_bytes(damaged)
        status, out, err = run("predict", images, tmp_path / "d.npy")
        assert (status, out) == (1, "")
        assert err.startswith(f"cynn: error: {tmp_path / 'd.npy'}: it") and err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_of_images_are_not_waited_for(run, images, tmp_path):
    for name in ("x.npy", "x.png", "x-idx3-ubyte"):
        if name == "x.png":
            pytest.importorskip("PIL.Image")
        os.mkfifo(tmp_path / name)
        status, out, err = run("predict", images, tmp_path / name)
        path = tmp_path / name
        assert (status, out) == (1, "")
        assert err == f"cynn: error: {path}: it must be a regular file, got a pipe\n"


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), ValueError(), OSError()])
def test_no_error_is_without_words(run, tmp_path, monkeypatch, error):
    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(tables, "read", fail)
    status, out, err = run("train", "t.csv", "--target", "y")
    assert (status, out) == (1, "")
    assert err == f"cynn: error: {type(error).__name__}\n"


def test_ranks_cannot_share_the_standard_input():
    class Ranks:
        def Get_size(self):
            return 2

    options = cli._parser().parse_args(["train", "-", "--target", "y"])
    with pytest.raises(ValueError, match="TABLE must be a file that all ranks can read"):
        cli._reading.read("-", options, Ranks())


@pytest.mark.skipif(os.name != "posix", reason="a shell's pipe")
def test_a_table_through_a_pipe(model, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "cynn", "predict", model, "-"],
        input=text_of().encode(),
        capture_output=True,
    )
    assert (ran.returncode, ran.stderr) == (0, b"") and ran.stdout.count(b"\n") == 61
