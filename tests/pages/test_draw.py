"""`cynn draw` in a browser: digits are drawn with mouse, finger and keys, the answer is read."""

import re
import threading

import numpy as np
import pytest

from cynn import Model, draw
from cynn.datasets import make_digits
from cynn.draw._server import Server
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD

# By the points of the paper, 280 on a side.
STROKES = {
    "1": [[(145, 45), (140, 240)]],
    "7": [[(75, 60), (200, 60), (120, 235)]],
    "0": [[(140, 45), (90, 80), (70, 140), (90, 205), (140, 235), (190, 205), (210, 140),
           (190, 80), (140, 45)]],
}  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    return make_digits(500, seed=1)


@pytest.fixture(scope="module")
def model():
    x, y = make_digits(12_000, seed=0)
    model = Model(
        [Flatten(), Rescale(1 / 255), Dense(64, "relu"), Dense(32, "tanh"), Dense(10, "softmax")],
        seed=0,
    )
    model.compile(SGD(0.1, 0.9), "cross_entropy")
    model.fit(x, y, batch_size=64, epochs=5, verbose=0)
    return model


@pytest.fixture(scope="module", params=["served", "alone"])
def address(request, model, digits, tmp_path_factory):
    """The page of the command, and the one that needs no server."""
    if request.param == "alone":
        path = tmp_path_factory.mktemp("page") / "digits.html"
        path.write_text(draw.page(model, digits), encoding="utf-8")
        yield path.as_uri()
        return
    with Server(model, digits, 255.0, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


@pytest.fixture
def kind(request, address):
    return "alone" if address.startswith("file:") else "served"


def wait(page, condition):
    """Wait until a condition in JavaScript holds; the page's policy forbids Playwright's way."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{condition} does not hold after half a minute")


def stroke_by_mouse(page, points):
    """Move the mouse along the points, pressed."""
    box = page.locator("#paper").bounding_box()
    factor = box["width"] / 280
    for i, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * factor, box["y"] + y * factor, steps=6)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def read(page):
    """Return the answer and the outputs, when the page has said them."""
    wait(page, "!isBusy && latest.said")
    said = page.evaluate("({pixels: [...latest.pixels], outputs: [...latest.said.outputs]})")
    outputs = np.array(said["outputs"])
    assert page.locator("#answer").text_content() == str(outputs.argmax())
    assert re.match(rf"It reads {outputs.argmax()}, with (over )?\d", page.text_content("#status"))
    return str(outputs.argmax()), np.array(said["pixels"], np.uint8), outputs


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_digits_are_drawn_and_read(visit, picture, address, kind, model, width):
    page = visit(address, width, dark=width == "phone")
    for digit, strokes in STROKES.items():
        page.click("#erase")
        for points in strokes:
            stroke_by_mouse(page, points)
        answer, pixels, outputs = read(page)
        assert answer == digit
        predicted = model.predict(pixels.reshape(1, 28, 28))[0]
        assert np.abs(outputs - predicted).max() < 1e-5
    layers = page.locator("#layers canvas")
    wait(page, "document.querySelectorAll('#layers canvas[aria-label]').length === 3")
    assert layers.nth(2).get_attribute("aria-label") == "Dense(10, 'softmax'): 10 of 10 not zero"
    picture(page, f"draw {kind} {width}")
    page.check("#saliency")
    picture(page, f"draw {kind} {width} saliency")
    page.click("#erase")
    wait(page, "!isBusy && latest.said === null")
    assert page.text_content("#answer") == "?"


def test_a_finger_draws(visit, address):
    page = visit(address, "phone", has_touch=True, is_mobile=True)
    box = page.locator("#paper").bounding_box()
    touch = page.context.new_cdp_session(page)
    factor = box["width"] / 280
    x, y = (145, 45)
    for kind, along in (("touchStart", 0), *(("touchMove", 15 * i) for i in range(1, 14))):
        point = {"x": box["x"] + x * factor, "y": box["y"] + (y + along) * factor}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert read(page)[0] == "1"
    assert page.evaluate("scrollY") == 0  # the paper keeps the finger


def test_keys_draw(visit, picture, address, kind):
    page = visit(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "paper"
    for key, times in (("ArrowUp", 3), (" ", 1), ("ArrowDown", 24), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    assert read(page)[0] == "1"
    picture(page, f"draw {kind} keys")
    page.keyboard.press("Escape")
    wait(page, "!isBusy && latest.said === null")


def test_a_labelled_digit_is_taken_as_it_is(visit, picture, address, kind, model, digits):
    page = visit(address)
    x, y = digits
    for i in np.flatnonzero(y == 4)[:2]:  # one after the other
        page.get_by_role("button", name="a labelled 4").click()
        _, pixels, outputs = read(page)
        assert np.array_equal(pixels, x[i].ravel())
        assert np.abs(outputs - model.predict(x[i : i + 1])[0]).max() < 1e-5
        assert page.text_content("#status").endswith("The image is labelled 4.")
    picture(page, f"draw {kind} labelled")


def test_a_page_says_that_its_server_is_gone(browser, model):
    """Its console has an error then, which other tests must not have."""
    with Server(model, None, 255.0, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        page = browser.new_page()
        page.goto(server.address)
        assert page.locator("#labelled").is_hidden()
        server.shutdown()
        thread.join()
    stroke_by_mouse(page, STROKES["1"][0])
    page.get_by_text("cynn draw has ended").wait_for()
    page.context.close()
