"""What a model file may say of its model, up to its limits."""

import numpy as np
import pytest

from cynn import Model, tables
from cynn._model import description
from cynn._model.description import Contents
from cynn.layers import Dense


def test_arrays_and_names_that_are_wanted():
    file = Contents({}, {"a": ((2,), "F32"), "b": ((), "F64")})
    file.expect("a", (2,), np.dtype("float32"))
    file.expect("b", (), np.dtype("float64"))
    for name, shape, dtype in (("a", (3,), "f4"), ("a", (2,), "f8"), ("c", (), "f4")):
        with pytest.raises(ValueError, match=f"its array '{name}' must be"):
            file.expect(name, shape, np.dtype(dtype))
    file.expect_known("words", ["x"], ["x", "y"])
    with pytest.raises(ValueError, match="its words must be those that cynn knows, got 'v' too"):
        file.expect_known("words", ["x", "w", "v"], ["x"])


def test_counts_and_factors():
    largest = description.LARGEST_COUNT
    assert description._count("epochs", largest - 1) == largest - 1
    with pytest.raises(ValueError, match="epochs must be less than"):
        description._count("epochs", largest)
    assert (description._rate_factor(0), description._rate_factor(2)) == (0.0, 2.0)
    for value in (-0.5, np.inf, np.nan):
        with pytest.raises(ValueError, match="rate_factor must be a finite number of at least 0"):
            description._rate_factor(value)


def test_what_callbacks_have_counted(monkeypatch):
    state = {"a": {"x": 1, "y": 2.5}, "b": {}}
    monkeypatch.setattr(description, "MOST_COUNTS", 4)
    assert description._callback_state(state) == state
    for value in ({**state, "c": {}}, {"a": {"x": 1, "y": 2, "z": 3}, "b": {}}):
        with pytest.raises(ValueError, match="callbacks must have at most 4 numbers"):
            description._callback_state(value)
    for value in ([], {"a": []}, {"a": {}, "b": 1}):
        with pytest.raises(TypeError, match="callbacks must be dicts of numbers by name"):
            description._callback_state(value)


def test_what_a_training_says_of_itself(monkeypatch):
    monkeypatch.setattr(description, "MOST_ENTRIES", 3)
    monkeypatch.setattr(description, "LONGEST_TEXT", 5)
    record = {"five5": "12345", "n": 3, "real": 2.0}
    read = description._record(record)
    assert read == record and [type(each) for each in read.values()] == [str, int, float]
    for value, said in (
        ([], "training must be a dict"),
        ({**record, "more": 1}, "training must have at most 3 entries, got 4"),
        ({"sixsix": 1}, "names in training must be strings of at most 5"),
        ({1: 1}, "names in training must be strings"),
        ({"a": "123456"}, "must have at most 5 characters, got 6"),
        ({"a": np.nan}, "must be a string or a finite number"),
        ({"a": None}, "must be a string or a finite number"),
    ):
        with pytest.raises((TypeError, ValueError), match=said):
            description._record(value)


def test_a_table_has_the_inputs_and_outputs_of_its_model():
    columns, target = [tables.Numeric(name, 0, 1) for name in "ab"], tables.Quantity("y", 0, 1)
    for units, n_inputs in ((1, 2), (2, 2), (1, 3)):
        model = Model([Dense(units)])
        model.build((n_inputs,))
        model.table = tables.TableEncoder(columns, target)
        if (units, n_inputs) == (1, 2):
            assert description.description_of(model, None, None)["table"]["columns"]
        else:
            said = f"2 inputs and 1 outputs for its table, got {n_inputs} and {units}"
            with pytest.raises(ValueError, match=said):
                description.description_of(model, None, None)


def test_only_what_is_not_usual_is_described():
    model = Model([Dense(2)])
    model.build((3,))
    usual = description.description_of(model, None, None)
    assert not {"table", "scalars", "rate_factor", "callbacks", "training"} & usual.keys()
    assert (usual["updates"], usual["epochs"], usual["optimizer"]) == (0, 0, None)
    model.rate_factor, model.callback_state, model.training = 0.5, {"a": {"x": 1.0}}, {"n": 1}
    more = description.description_of(model, None, None)
    assert (more["rate_factor"], more["callbacks"], more["training"]) == (
        0.5, {"a": {"x": 1.0}}, {"n": 1},
    )  # fmt: skip
