"""``cynn export``: what writes a file is chosen by the end of its name."""

import pytest

from cynn import Model
from cynn.cli import main
from cynn.layers import Dense
from cynn.tables import Numeric, Quantity, TableEncoder


@pytest.fixture
def model(tmp_path):
    made = Model([Dense(3, "relu"), Dense(1)], seed=0)
    made.build(1)
    made.table = TableEncoder([Numeric("size", 10, 2)], Quantity("price", 5, 1))
    made.save(tmp_path / "model.safetensors")
    return str(tmp_path / "model.safetensors")


def test_c(model, tmp_path, capsys):
    path = tmp_path / "net.c"
    assert main(["export", model, str(path), "--dtype", "float64"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in said] == [str(path), str(tmp_path / "net.h")]
    header = (tmp_path / "net.h").read_text()
    assert "double size;" in header and "void net_predict(const net_row *x, double *y)" in header
    assert main(["export", model, str(path), "--network-only"]) == 0
    assert "void net_predict(const float *x, float *y)" in (tmp_path / "net.h").read_text()


def test_onnx(model, tmp_path, capsys):
    onnx = pytest.importorskip("onnx", reason="needs onnx, of the extra cynn-learn[onnx]")
    path = tmp_path / "net.onnx"
    assert main(["export", model, str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: {path.stat().st_size:,} bytes\n"
    assert [end.name for end in onnx.load(path).graph.input] == ["size"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["net.txt"], "FILE must end in .c or .onnx, got 'net.txt'"),
        (["net"], "FILE must end in .c or .onnx, got 'net'"),
    ],
)
def test_what_is_no_file_for_others(model, words, message, capsys):
    assert main(["export", model, *words]) == 1
    assert message in capsys.readouterr().err


def test_what_is_no_model(tmp_path, capsys):
    (tmp_path / "m.safetensors").write_text("no model")
    assert main(["export", str(tmp_path / "m.safetensors"), str(tmp_path / "net.c")]) == 1
    assert main(["export", str(tmp_path / "none.safetensors"), str(tmp_path / "net.c")]) == 1
    assert not (tmp_path / "net.c").exists() and "error" in capsys.readouterr().err
