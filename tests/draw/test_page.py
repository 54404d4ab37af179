"""The page that needs no server: its JavaScript, run by node, computes what the model does."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from cynn import Model, draw
from cynn.draw import _page
from cynn.ensemble import Ensemble
from cynn.layers import Dense, Flatten, Normalize, Rescale
from cynn.tables import TableEncoder
from drawings import MODELS, built, drawings, holding

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node")


def by_node(program, given):
    """Run the page's functions and a program that makes `result` of `given`, by node."""
    parts = [_page.source("network.js"), _page.source("digit.js")]
    parts.append('const given = JSON.parse(require("fs").readFileSync(0, "utf8"));')
    parts.append(program)
    parts.append(
        "console.log(JSON.stringify(result, (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v));"
    )
    ran = subprocess.run(
        [NODE, "-e", '"use strict";\n' + "\n".join(parts)],
        input=json.dumps(given), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_node
@pytest.mark.parametrize(("name", "white"), [("relu", 255), ("tanh", 1), ("sigmoid", 255)])
def test_the_script_computes_what_predict_does(name, white):
    model, pixels = MODELS[name](), drawings()
    program = """
const network = decoded(given.network);
const result = given.pixels.map((pixels) => answerOf(network, pixels));
"""
    network = holding(draw.page(model, white=white))
    said = by_node(program, {"network": network, "pixels": pixels.tolist()})
    rows = (pixels * np.float64(white / 255)).reshape(-1, *model.input_shape)
    for key, expected in (
        ("outputs", model.predict(rows)),
        *((i, made) for i, made in enumerate(model.layer_outputs(rows))),
    ):
        found = [each[key] if key == "outputs" else each["layers"][key] for each in said]
        assert np.abs(np.array(found) - expected.reshape(len(rows), -1)).max() < 1e-5
    precise = Model(model.layers, dtype="float64")
    precise.build(model.input_shape)
    precise.set_weights(model.get_weights())
    for row, each in zip(rows, said, strict=True):
        output = int(np.argmax(each["outputs"]))
        expected = precise.input_gradient(row[np.newaxis], output=output).ravel()
        assert np.allclose(each["saliency"], expected, rtol=1e-4, atol=1e-5 * abs(expected).max())


@needs_node
def test_a_drawing_is_fitted_and_centred():
    """The box is 20 pixels, the centre of mass in the middle unless ink would be cut off."""
    side = 280
    y, x = np.mgrid[:side, :side] + 0.5
    disc = (x - 60) ** 2 + (y - 70) ** 2 < 50**2
    bar = (abs(x - 240) < 10) & (abs(y - 150) < 70)
    uneven = (abs(x - 60) < 40) & (abs(y - 140) < 100) | (abs(y - 100) < 4) & (abs(x - 90) < 70)
    lopsided = (abs(x - 30) < 20) & (abs(y - 140) < 100) | (abs(y - 140) < 2) & (abs(x - 110) < 100)
    dot = (x - 60) ** 2 + (y - 70) ** 2 < 11**2
    cases = (disc, bar, uneven, lopsided, dot, np.zeros_like(dot))
    given = [(255 * case).ravel().tolist() for case in cases]
    images = by_node("const result = given.map((ink) => imageOf(ink, 280));", given)
    disc, bar, uneven, lopsided, dot, blank = (np.reshape(image, (28, 28)) for image in images)

    def box(image):
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1

    assert box(disc) == (4, 24, 4, 24) and disc[14, 14] == 255
    assert disc.sum() / 255 == pytest.approx(np.pi * 10**2, rel=0.01)  # the ink is kept
    assert box(bar) == (4, 24, 13, 16)
    mass = uneven / uneven.sum()
    middle = np.arange(28) + 0.5
    assert abs(middle @ mass.sum(axis=0) - 14) <= 0.5 and abs(middle @ mass.sum(axis=1) - 14) <= 0.5
    assert box(uneven) == (4, 24, 10, 24)
    assert box(lopsided) == (4, 24, 8, 28)
    assert box(dot)[1] - box(dot)[0] <= 6  # it is not blown up
    assert not blank.any()


def test_the_page_stands_alone():
    text = draw.page(MODELS["relu"](), (drawings(6), [3, 1, 4, 1, 5, 9]))
    assert not re.search(r"(src|href)=\"(?!data:,)|https?://|url\(|@import|style=", text)
    network = holding(text)
    assert [layer["kind"] for layer in network["layers"]] == [
        "flatten", "rescale", "dense", "dropout", "dense"
    ]  # fmt: skip
    assert [layer["shown"] for layer in network["layers"]] == [False, False, True, False, True]
    assert network["title"] == "784-32-10" and "server" not in network
    assert network["digits"]["labels"] == [3, 1, 4, 1, 5, 9]
    pixels = np.frombuffer(base64.b64decode(network["digits"]["pixels"]), np.uint8)
    assert np.array_equal(pixels.reshape(6, 784), drawings(6))


def test_the_policy_allows_the_pages_own_script_and_style_alone():
    text = draw.page(MODELS["relu"]())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    script = re.findall(r"<script>(.*?)</script>", text, re.S)
    style = re.findall(r"<style>(.*?)</style>", text, re.S)
    for kind, (inside,) in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy


def test_a_name_ends_no_script():
    layers = [Dense(10, "softmax", name="</script><script>alert(1)</script>")]
    text = draw.page(built(layers, 784))
    assert text.count("</script>") == 2
    assert holding(text)["layers"][0]["title"].startswith("Dense(10, 'softmax', name='</script>")


def test_ten_of_each_class_are_offered():
    y = np.repeat(np.arange(3), 15)
    x = np.repeat(np.arange(45), 784).reshape(45, 28, 28)
    digits = holding(draw.page(MODELS["relu"](), (x, y)))["digits"]
    assert digits["labels"] == [0] * 10 + [1] * 10 + [2] * 10
    firsts = np.frombuffer(base64.b64decode(digits["pixels"]), np.uint8)[::784]
    assert firsts.tolist() == [*range(10), *range(15, 25), *range(30, 40)]


def diverged():
    model = MODELS["relu"]()
    model.set_weights([w * np.nan for w in model.get_weights()])
    return model


def of_a_table():
    table = {f"c{i}": [0.0, 1.0] * 20 for i in range(784)} | {"y": [*map(str, range(10))] * 4}
    model = built([Dense(10, "softmax")], 784)
    model.table = TableEncoder.fit(table, "y")
    return model


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: "model", TypeError, "model must be a Model, got 'model'"),
        (lambda: Ensemble([MODELS["relu"]()]), TypeError, "model must be a Model, got"),
        (lambda: Model([Dense(10, "softmax")]), RuntimeError, "the model has no weights yet"),
        (of_a_table, ValueError, "got one of a table"),
        (lambda: built([Dense(10, "softmax")], 783), ValueError, r"got rows of shape \(783,\)"),
        (lambda: built([Dense(9, "softmax")], 784), ValueError, "of 10 classes, got 9 outputs"),
        (lambda: built([Dense(10)], 784), ValueError, "softmax or sigmoid.*got identity"),
        (diverged, ValueError, "must give numbers, got NaN"),
        (lambda: built([Dense(8, "gelu"), Dense(10, "softmax")], 784), ValueError,
         r"layers\[0\] must be Dense.*got Dense\(8, 'gelu'\): 'cynn draw' serves"),
        (lambda: built([Normalize([0] * 784, [1] * 784), Dense(10, "softmax")], 784), ValueError,
         r"layers\[0\] must be Dense.*got Normalize"),
    ],
)  # fmt: skip
def test_models_that_no_page_can_be_made_of(make, error, message):
    model = make()
    with pytest.raises(error, match=message):
        draw.page(model)


@pytest.mark.parametrize(
    ("digits", "message"),
    [
        (5, r"digits must be a pair \(x, y\), got 5"),
        ((drawings(3),), "digits must be a pair"),
        ((drawings(3), [1, 2]), r"must be 2 images of 28x28 pixels.*got shape \(3, 784\)"),
        ((drawings(3)[:, :783], [1, 2, 3]), r"got shape \(3, 783\)"),
        ((drawings(3), [1, 2, 10]), "must hold whole numbers from 0 to 9, got 10"),
        ((drawings(3) * 1.5, [1, 2, 3]), "must hold pixels from 0 to 255"),
        ((drawings(3) * np.nan, [1, 2, 3]), "must hold pixels from 0 to 255"),
    ],
)
def test_digits_that_are_none(digits, message):
    with pytest.raises((TypeError, ValueError), match=message):
        draw.page(MODELS["relu"](), digits)


@pytest.mark.parametrize("white", [0, -1, float("nan"), "255", None])
def test_white_is_a_number_above_zero(white):
    with pytest.raises((TypeError, ValueError), match="white must be a finite number above 0"):
        draw.page(MODELS["relu"](), white=white)


def test_what_is_not_drawn_is_small():
    """The wheel carries the page's files."""
    names = ("page.html", "page.css", *_page.SCRIPTS)
    assert sum(len(_page.source(name)) for name in names) < 25_000
    assert len(draw.page(built([Flatten(), Rescale(1 / 255), Dense(10, "softmax")]))) < 70_000
