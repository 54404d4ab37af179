"""How many specs there may be, and how deep; what messages show of what came."""

import numpy as np
import pytest

from cynn._specs import spec, validation
from cynn._specs.spec import Spec, expect_few
from cynn.layers import Dense, Dropout, Residual


def nested(depth):
    layer = Dense(2)
    for _ in range(depth - 1):
        layer = Residual([layer])
    return layer


def described(depth):
    return {"class": "Dense"} if depth == 1 else {"layers": [described(depth - 1)]}


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ([], 0),
        ([Dense(2)], 1),
        ([Dense(2), Dropout(0.5)], 2),
        ([Residual([Dense(2), Dense(2)]), Dense(2)], 4),
        ([nested(5)], 5),
        ([described(5)], 5),
        ([{"a": 1, "b": {"c": [1.0, {}]}, "d": ({}, None)}], 4),
    ],
)
def test_how_many_there_are(parts, count):
    expect_few("layers", parts, count)
    expect_few("layers", iter(parts), count + 1)
    if count:
        with pytest.raises(ValueError, match=f"at most {count - 1} with those inside of others"):
            expect_few("layers", parts, count - 1)


@pytest.mark.parametrize("make", [nested, described])
def test_how_deep_they_lie(make, monkeypatch):
    monkeypatch.setattr(spec, "MOST_DEPTH", 4)
    expect_few("layers", [make(4)] if make is described else [nested(3)], 99)
    with pytest.raises(ValueError, match="must be nested at most 4 deep"):
        expect_few("layers", [described(5)], 99)
    if make is nested:
        with pytest.raises(ValueError, match="must be nested at most 4 deep"):
            nested(6)


def test_a_spec_says_the_arguments_that_are_not_usual():
    class Noise(Spec):
        def __init__(self, width, shape="normal", size=1, *, seed=None):
            self.width, self.shape, self.size, self.seed = width, shape, size, seed

    for made, text in (
        (Noise(0.5), "Noise(0.5)"),
        (Noise(0.5, "flat"), "Noise(0.5, 'flat')"),
        (Noise(0.5, "flat", 2), "Noise(0.5, 'flat', 2)"),
        (Noise(0.5, size=2), "Noise(0.5, size=2)"),
        (Noise(0.5, seed=3), "Noise(0.5, seed=3)"),
        (Noise(np.cos), "Noise(cos)"),
        (Noise((Dense(2),)), "Noise((Dense(2),))"),
    ):
        assert repr(made) == text
    assert Noise((Dense(2), 1)).to_dict()["width"] == [Dense(2).to_dict(), 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a" * 198, "'" + "a" * 198 + "'"),
        (np.zeros(3), "an array of shape (3,)"),
        (np.array(3), "array(3)"),
        ("two  words", "'two  words'"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_what_a_message_shows(value, text):
    assert validation.shown(value) == text


def test_a_long_value_is_shown_in_part():
    assert len(validation.shown("a" * 300)) == len(validation.shown(10**300)) == 200
    assert validation.listed([]) == "none"
    many = validation.listed(f"{i:02}" for i in range(99))
    assert many.endswith("'33', ...") and many.startswith("'00', '01', ") and len(many) == 207


@pytest.mark.parametrize(
    ("low", "wanted"),
    [(0, "a non-negative integer"), (1, "a positive integer"), (2, "an integer of at least 2")],
)
def test_an_integer_from_the_lowest_on(low, wanted):
    assert validation.integer("n", low, low) == validation.integer("n", np.int8(low), low) == low
    for value in (low - 1, True, 1.0):
        with pytest.raises((TypeError, ValueError), match=f"n must be {wanted}, got"):
            validation.integer("n", value, low)


def test_numbers_of_a_list():
    found = validation.numbers("x", [1, 2.5, np.float32(0.5), -(1 << 53), (1 << 53) - 1])
    assert found == (1.0, 2.5, 0.5, -(2.0**53), 2.0**53 - 1)
    assert all(type(each) is float for each in found)
    assert validation.numbers("x", np.array([1, 2])) == (1.0, 2.0)
    for value, said in (
        ([], "x must hold at least one number"),
        (np.zeros((1, 1)), "x must be a list of numbers"),
        ([0.0, True], r"x\[1\] must be a finite number, got True"),
        ([0.0, np.nan], r"x\[1\] must be a finite number, got nan"),
        ([10**400], r"x\[0\] must be a finite number, got inf"),
    ):
        with pytest.raises((TypeError, ValueError), match=said):
            validation.numbers("x", value)
    with pytest.raises(ValueError, match=r"x\[1\] must be above 0, got -1"):
        validation.numbers("x", [1, -1], "above 0", lambda x: x > 0)


def test_a_shape_has_so_many_axes():
    most = validation.MOST_AXES
    assert validation.shape("s", [2] * most) == (2,) * most and validation.shape("s", ()) == ()
    with pytest.raises(ValueError, match=f"s must have at most {most} axes, got {most + 1}"):
        validation.shape("s", [2] * (most + 1))
    with pytest.raises(ValueError, match=r"s\[1\] must be a positive integer, got 0"):
        validation.shape("s", (1, 0))
