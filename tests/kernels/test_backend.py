"""The choice of the target: what can run here, and what the user asks for."""

import pytest

from cynn import Model, _backend
from cynn.layers import Dense
from models import python


def test_what_is_available():
    available = _backend.available_targets()
    assert available == [name for name in _backend.TARGETS if name in available]
    assert available[-1] == "reference" and len(available) > 1, "nothing was compiled"


def test_the_fastest_target_is_the_default(monkeypatch):
    monkeypatch.delenv("CYNN_TARGET", raising=False)
    assert _backend.target() == _backend.available_targets()[0]
    monkeypatch.setenv("CYNN_TARGET", "")
    assert _backend.target() == _backend.available_targets()[0]


@pytest.mark.parametrize("name", _backend.available_targets())
@pytest.mark.parametrize("dtype", _backend.REALS)
def test_a_target_by_name(monkeypatch, name, dtype):
    monkeypatch.setenv("CYNN_TARGET", name)
    module = _backend.kernels(dtype)
    assert module is _backend.load(name, dtype)
    wanted = "cynn.reference" if name == "reference" else f"cynn.kernels.{name}_{dtype}"
    assert module.__name__ == wanted
    model = Model([Dense(2)], dtype=dtype)
    model.build(3)
    assert type(model._network) is module.Network


@pytest.mark.parametrize("name", ["fastest", "AVX2", " avx2", "avx2 ", "../avx2", "numpy"])
def test_no_such_target(monkeypatch, name):
    monkeypatch.setenv("CYNN_TARGET", name)
    for call in (_backend.target, lambda: Model([Dense(2)]).build(3)):
        with pytest.raises(ValueError, match="CYNN_TARGET must be one of .*reference, got"):
            call()
    with pytest.raises(ValueError, match="target must be one of"):
        _backend.load(name, "float32")


@pytest.mark.parametrize("dtype", ["float16", "int32", "", "float32 "])
def test_no_such_precision(dtype):
    with pytest.raises(ValueError, match="dtype must be one of float32, float64, got"):
        _backend.load("reference", dtype)


def test_a_target_that_this_processor_lacks(monkeypatch):
    """It is refused before its import: an illegal instruction cannot be caught."""
    lacking = _backend.available_targets()[0]
    assert _backend._runs(lacking)
    monkeypatch.setenv("CYNN_TARGET", lacking)
    monkeypatch.setattr(_backend, "_runs", lambda name: name != lacking)
    with pytest.raises(ValueError, match=f"{lacking}', which this processor cannot run"):
        _backend.target()
    with pytest.raises(ValueError, match="target must be one of"):
        _backend.load(lacking, "float32")
    monkeypatch.delenv("CYNN_TARGET")
    assert _backend.target() != lacking


def test_a_target_that_was_not_compiled(monkeypatch):
    monkeypatch.setattr(_backend, "_compiled", lambda name: False)
    assert _backend.available_targets() == ["reference"] == [_backend.target()]
    monkeypatch.setenv("CYNN_TARGET", "baseline")
    with pytest.raises(ValueError, match="'baseline', which this build does not have"):
        _backend.target()


NOTHING_COMPILED = """
import sys
sys.modules["cynn.kernels.processor"] = None  # as in a build without a compiler
from cynn import _backend
from models import blobs, trained
print(_backend.target(), trained().evaluate(*blobs())["accuracy"] > 0.5)
"""


def test_without_any_compiled_module_the_reference_works():
    assert python(NOTHING_COMPILED) == "reference True\n"
