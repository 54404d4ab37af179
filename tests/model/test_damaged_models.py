"""Model files that are damaged, of another format or hostile: one clear error, at once."""

import json
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cynn import Model
from cynn.storage import LARGEST_DESCRIPTION, ModelFileError
from models import image_model, images


def made(folder):
    model = image_model()
    model.fit(*images(), verbose=0)
    model.save(folder / "model")
    return (folder / "model").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("whole"))


def with_header(whole, change, body=None):
    """Change the header, a dictionary; `model` in its metadata is one too."""
    n = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + n])
    about = header["__metadata__"]
    about["model"] = json.loads(about["model"])
    change(header)
    if not isinstance(about.get("model"), (str, type(None))):
        about["model"] = json.dumps(about["model"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + (whole[8 + n :] if body is None else body)


def load(folder, data):
    path = folder / "damaged"
    path.write_bytes(data)
    return Model.load(path)


def said(change):
    return lambda header: change(header["__metadata__"]["model"])


def layer(i, **named):
    return said(lambda model: model["layers"][i].update(named))


def deep(header):
    header["__metadata__"]["model"] = "[" * 100_000 + "]" * 100_000


CHANGES = {
    "another format": (lambda h: h["__metadata__"].update(format="pt"), "not written by cynn"),
    "no metadata": (lambda h: h.pop("__metadata__"), "not written by cynn"),
    "from the future": (lambda h: h["__metadata__"].update(version="2"), "upgrade cynn"),
    "no description": (lambda h: h["__metadata__"].pop("model"), "description must be JSON"),
    "no object": (lambda h: h["__metadata__"].update(model=[1]), "must be a JSON object"),
    "nested deep": (deep, "description must be JSON"),
    "long": (
        lambda h: h["__metadata__"].update(model=" " * LARGEST_DESCRIPTION + "{}"),
        "characters",
    ),
    "no layers": (said(lambda m: m.pop("layers")), "KeyError .*'layers'"),
    "layers none": (said(lambda m: m.update(layers=[])), "at least one layer"),
    "layers a number": (said(lambda m: m.update(layers=3)), "TypeError"),
    "unknown layer": (layer(2, **{"class": "Convolution"}), "class must be one of"),
    "unknown argument": (layer(2, units2=3), "must be among .*, got 'units2'"),
    "units of text": (layer(2, units="4"), "units must be a positive integer"),
    "huge units": (layer(2, units=2**40), r"'layer2.weight' must be"),
    "huger units": (layer(2, units=10**30), r"'layer2.weight' must be"),
    "units by one": (layer(2, units=5), r"'layer2.weight' must be"),
    "NaN": (layer(1, scale=float("nan")), "of JSON, got NaN"),
    "infinity": (layer(1, scale=float("inf")), "of JSON, got Infinity"),
    "beyond numbers": (layer(1, scale=10**400), "scale must be"),
    "a key twice": (
        lambda h: h["__metadata__"].update(model='{"layers": [], "layers": []}'),
        "keys must be different",
    ),
    "code": (layer(2, activation="__import__('os')"), "activation must be one of"),
    "another type": (said(lambda m: m.update(dtype="float64")), "'layer2.weight' must be"),
    "no type": (said(lambda m: m.update(dtype="int8")), "dtype must be one of"),
    "shape of text": (said(lambda m: m.update(input_shape="8")), "input_shape must be a tuple"),
    "huge shape": (said(lambda m: m.update(input_shape=[2**40, 2**40])), "must be"),
    "negative shape": (said(lambda m: m.update(input_shape=[-8, -8])), "input_shape"),
    "negative epochs": (said(lambda m: m.update(epochs=-1)), "epochs must be"),
    "a seed of text": (said(lambda m: m.update(seed="0")), "seed must be"),
    "no optimizer": (said(lambda m: m.update(optimizer=None)), "both be null or neither"),
    "too many epochs": (said(lambda m: m.update(epochs=2**64)), "epochs must be less than"),
    "too many steps": (said(lambda m: m.update(updates=2**53)), "updates must be less than"),
    "an unknown entry": (said(lambda m: m.update(colour="red")), "entries must be .*'colour' too"),
    "an unknown scalar": (said(lambda m: m.update(scalars={"product": 1})), "scalars .*'product'"),
    "unknown metadata": (lambda h: h["__metadata__"].update(a="b"), "metadata must be .*'a' too"),
    "metadata of numbers": (lambda h: h["__metadata__"].update(version=1), "must be strings"),
    "an array twice": (
        lambda h: h.update(x=h["layer2.bias"]),
        "one after the other",
    ),
    "another slot": (
        lambda h: [
            h.update({name.replace("velocity", "exp_avg"): h.pop(name)})
            for name in list(h)
            if "velocity" in name
        ],
        "arrays must be .*'state.exp_avg.layer2.bias' too",
    ),
    "an entry of an array": (lambda h: h["layer2.bias"].update(a=1), "a dtype, a shape and"),
    "an axis of truth": (lambda h: h["layer2.bias"].update(shape=[True]), "sizes of at most"),
    "a huge axis": (lambda h: h["layer2.bias"].update(shape=[10**4000] * 8), "sizes of at most"),
    "many axes": (lambda h: h["layer2.bias"].update(shape=[1] * 10**5), "sizes of at most"),
    "half precision": (lambda h: h["layer2.bias"].update(dtype="F16"), "dtype F32 or F64"),
    "other bytes": (lambda h: h["layer2.bias"].update(shape=[5]), "as many bytes as its shape"),
    "bytes elsewhere": (
        lambda h: h["layer2.bias"].update(data_offsets=[10**6, 10**6 + 16]),
        "one after the other",
    ),
    "training a list": (said(lambda m: m.update(training=[1])), "training must be a dict"),
    "training nested": (said(lambda m: m.update(training={"a": {}})), r"training\['a'\] must be"),
    "metrics of text": (said(lambda m: m.update(metrics="accuracy")), "metrics must be a list"),
    "an array less": (lambda h: h.pop("layer2.bias"), "one after the other|fill the file"),
    "an array renamed": (lambda h: h.update(x=h.pop("layer2.bias")), "'layer2.bias' must be"),
    "half a state": (
        lambda h: h.update(x=h.pop("state.velocity.layer2.bias")),
        "'state.velocity.layer2.bias'",
    ),
    "another shape": (lambda h: h["layer2.weight"].update(shape=[4, 64]), r"got \(\(4, 64\), "),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_header_that_does_not_fit(tmp_path, whole, what):
    change, message = CHANGES[what]
    with pytest.raises(ModelFileError, match=f"is not a cynn model: .*{message}"):
        load(tmp_path, with_header(whole, change))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"<!DOCTYPE html><html></html>" * 9, b"\x89PNG\r\n\x1a\n" + bytes(99), bytes(99)]
    + [struct.pack("<Q", n) + b"{}" for n in (0, 1, 2, 3, 10**8, 2**63, 2**64 - 1)]
    + [struct.pack("<Q", 4) + b"null", struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc"],
)
def test_files_of_another_kind(tmp_path, data):
    with pytest.raises(ModelFileError, match="is not a cynn model"):
        load(tmp_path, data)


def test_a_header_that_is_too_long(tmp_path, whole):
    """Data that is present but should not be read: refused by its length."""
    with pytest.raises(ModelFileError, match="33554432 bytes, got 33554433"):
        load(tmp_path, struct.pack("<Q", (32 << 20) + 1) + b" " * (33 << 20))
    n = struct.unpack("<Q", whole[:8])[0]
    for spaces, fits in ((0, True), (7, True), (8, False), (30 << 20, False)):
        text = whole[8 : 8 + n].rstrip(b" ") + b" " * spaces
        data = struct.pack("<Q", len(text)) + text + whole[8 + n :]
        if fits:
            assert load(tmp_path, data).epochs == 1
        else:
            with pytest.raises(ModelFileError, match="without padding"):
                load(tmp_path, data)


def test_padding_within(tmp_path, whole):
    n = struct.unpack("<Q", whole[:8])[0]
    text = whole[8 : 8 + n].replace(b"{", b"{" + b" " * 10_000, 1)
    with pytest.raises(ModelFileError, match="its header must be JSON without padding"):
        load(tmp_path, struct.pack("<Q", len(text)) + text + whole[8 + n :])

    def pad(header):
        description = json.dumps(header["__metadata__"]["model"])
        header["__metadata__"]["model"] = "{" + " " * 10_000 + description[1:]

    with pytest.raises(ModelFileError, match="its description must be JSON without padding"):
        load(tmp_path, with_header(whole, pad))


def test_an_array_more(tmp_path, whole):
    """One that fits between the others, and says nothing to cynn."""

    def change(header):
        end = max(e["data_offsets"][1] for n, e in header.items() if n != "__metadata__")
        header["more"] = {"dtype": "F32", "shape": [2], "data_offsets": [end, end + 8]}

    body = whole[8 + struct.unpack("<Q", whole[:8])[0] :] + bytes(8)
    with pytest.raises(ModelFileError, match="arrays must be .*'more' too"):
        load(tmp_path, with_header(whole, change, body))


@pytest.mark.parametrize(
    "foreign", [b"PK\x03\x04", b"\x7fELF", b"#!/bin/sh\n", b"<html>", b"%PDF-"]
)
def test_two_files_in_one(tmp_path, whole, foreign):
    """No bytes may precede, follow or separate the arrays that the header names."""
    n = struct.unpack("<Q", whole[:8])[0]
    for data in (foreign + whole, whole + foreign, whole[: 8 + n] + foreign + whole[8 + n :]):
        with pytest.raises(ModelFileError, match="is not a cynn model"):
            load(tmp_path, data)


def test_more_than_memory_holds(tmp_path, whole, monkeypatch):
    def no_room(self, shape):
        raise MemoryError

    monkeypatch.setattr(Model, "_take_network", no_room)
    with pytest.raises(ModelFileError, match="need more memory than there is"):
        load(tmp_path, whole)


def test_cut_short_or_too_long(tmp_path, whole):
    assert load(tmp_path, whole).epochs == 1
    for length in [*range(0, len(whole), 53), len(whole) - 1]:
        with pytest.raises(ModelFileError):
            load(tmp_path, whole[:length])
    with pytest.raises(ModelFileError):
        load(tmp_path, whole + b"\0")


def test_no_memory_is_allocated_for_missing_data(tmp_path, whole):
    tracemalloc.start()
    try:
        for what in ("huge units", "huge shape", "another shape"):
            with pytest.raises(ModelFileError):
                load(tmp_path, with_header(whole, CHANGES[what][0]))
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_nothing_else_escapes(tmp_path_factory, whole, data):
    """Whatever happens to a file, loading gives a model that predicts, or the one error."""
    n = struct.unpack("<Q", whole[:8])[0]
    if data.draw(st.booleans()):
        damaged = bytearray(whole)
        for at in data.draw(st.lists(st.integers(0, n + 8), min_size=1, max_size=4)):
            damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:

        def change(header):
            inner = header["__metadata__"]["model"]
            for _ in range(data.draw(st.integers(0, 4))):
                if isinstance(inner, (dict, list)) and inner:
                    keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
                    key = data.draw(st.sampled_from(keys))
                    if data.draw(st.booleans()):
                        inner[key] = data.draw(VALUES)
                        return
                    inner = inner[key]

        damaged = with_header(whole, change)
    folder = tmp_path_factory.getbasetemp()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = load(folder, bytes(damaged))
    except ModelFileError:
        return
    if np.prod(model.input_shape, dtype=float) < 1e6:
        assert len(model.predict(np.zeros((2, *model.input_shape)))) == 2
