"""Files of every earlier version load."""

import hashlib
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cynn import Model
from cynn.storage import ModelFileError
from model_files import FILES, index, rows

KNOWN = index()


def test_every_file_is_in_the_index():
    assert {path.stem for path in FILES.glob("*.safetensors")} == set(KNOWN) and KNOWN


@pytest.mark.parametrize("name", KNOWN)
def test_a_file_loads(name, tmp_path):
    said, path = KNOWN[name], FILES / f"{name}.safetensors"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == said["sha256"]
    model = Model.load(path)
    x = rows(said["input_shape"])
    assert (list(model.input_shape), model.epochs) == (said["input_shape"], said["epochs"])
    assert np.allclose(model.predict(x), said["predictions"], rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "again")
    again = Model.load(tmp_path / "again")
    assert again.predict(x).tobytes() == model.predict(x).tobytes()
    if model.loss is not None:
        for each in (model, again):
            each.fit(x, [0, 1, 2, 1, 0], epochs=3, initial_epoch=2, verbose=0)
        assert again.predict(x).tobytes() == model.predict(x).tobytes()


@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_mutations_of_files(tmp_path_factory, data):
    """Truncated, doubled, overwritten, joined, another header length: a model or the one error."""
    wholes = [(FILES / f"{name}.safetensors").read_bytes() for name in sorted(KNOWN)]
    damaged = bytearray(data.draw(st.sampled_from(wholes)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        end = data.draw(st.integers(at, min(at + 64, len(damaged))))
        other = data.draw(st.sampled_from(wholes))
        damaged[at:end] = data.draw(
            st.binary(max_size=12)
            | st.sampled_from(
                [
                    b"",
                    damaged[at:end] * 2,
                    other[at:end],
                    other,
                    b"PK\x05\x06" + bytes(18),
                    b'"',
                    b"{",
                ]
            )
        )
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(damaged)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Model.load(path)
    except ModelFileError:
        return
    if np.prod(model.input_shape, dtype=float) < 1e6:
        assert len(model.predict(np.zeros((2, *model.input_shape)))) == 2
