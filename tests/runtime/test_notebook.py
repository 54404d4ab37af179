"""What a notebook is shown: tables and curves, the bar of a fit, the live picture."""

import math
import re
import sys
import types
from xml.etree import ElementTree

import numpy as np
import pytest

from cynn import Model
from cynn._runtime import notebook
from cynn.callbacks import History, LivePlot
from cynn.layers import Dense
from models import blobs, classifier

X, Y = blobs()


class Handle:
    """Takes the place of IPython's display handle."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, data, raw):
        assert raw
        self.shown.append(("update", data))


@pytest.fixture
def shown(monkeypatch):
    """Be in a notebook; return what is displayed, in order."""
    parts = []

    def display(data, raw, display_id):
        assert raw and display_id is True
        parts.append(("new", data))
        return Handle(parts)

    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    page = types.SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    return parts


def parsed(page):
    """Return HTML as XML, which it is too: each tag is closed, each name escaped."""
    return ElementTree.fromstring(f"<div>{page}</div>")


def cells(page):
    return [[cell.text or "" for cell in row] for row in parsed(page).iter("tr")]


def test_a_model_shows_its_layers():
    model = Model([Dense(3, "relu"), Dense(2)], seed=0)
    assert cells(model._repr_html_())[-1] == ["total", "", "not built yet"]
    model.compile("adam", "mse")
    model.build(4)
    page = model._repr_html_()
    assert cells(page) == [
        ["layer", "output", "parameters"], ["Dense(3, 'relu')", "(3,)", "15"],
        ["Dense(2)", "(2,)", "8"], ["total", "", "23"],
    ]  # fmt: skip
    caption = parsed(page).find(".//caption").text
    assert caption.startswith("Model of float32, rows of shape (4,), Adam(")


def test_a_history_shows_its_curve_and_its_numbers():
    history = History()
    assert "<svg" not in history._repr_html_()
    history.on_train_begin()
    name = "<b>&\"'"
    for epoch, loss in enumerate((1.0, 0.25, math.nan, 0.5), start=3):
        history.on_epoch_end(epoch, {"loss": loss, name: 2.0})
    history.diverged_epoch = 7
    page = history._repr_html_()
    assert cells(page)[2] == [name, "2", "2", "2", "2"] and "<b>" not in page
    assert parsed(page).find(".//caption").text.endswith("of 4 epochs; diverged in epoch 8")
    lines = [line.get("points").split() for line in parsed(page).iter("polyline")]
    assert [len(line) for line in lines] == [2] and len(list(parsed(page).iter("circle"))) == 1
    assert {"epoch 4", "7", "1", "0.25"} <= {text.text for text in parsed(page).iter("text")}


@pytest.mark.parametrize(
    "values", [[1e308, -1e308], [math.inf], [1.0], [2.0, 2.0], [], list(range(10_000))]
)
def test_curves_stay_in_the_picture(values):
    page = notebook.curves({"<loss>": values})
    if not any(map(math.isfinite, values)):
        assert page == ""
        return
    for line in parsed(page).iter("polyline"):
        points = np.array([point.split(",") for point in line.get("points").split()], float)
        assert len(points) <= notebook.MOST_POINTS + 2
        assert (points >= 0).all() and (points <= [notebook.WIDTH, notebook.HEIGHT]).all()
    assert "&lt;loss&gt;" in page


def test_a_live_plot_is_one_picture(shown, monkeypatch):
    monkeypatch.setattr("cynn.callbacks._live.SECONDS", 0.0)
    live = LivePlot("accuracy")
    model = classifier()
    model.fit(X, Y, epochs=3, validation_split=0.2, callbacks=[live], verbose=0)
    assert [kind for kind, _ in shown] == ["new", "update", "update", "update"]
    page = shown[-1][1]["text/html"]
    assert page.count("<polyline") == 2 and "val_accuracy" in page
    assert shown[-1][1]["text/plain"].startswith("epoch 3  loss ")
    model.fit(X, Y, callbacks=[live], verbose=0)  # another fit, another picture
    assert [kind for kind, _ in shown[4:]] == ["new", "update"]


def test_a_live_plot_is_not_drawn_more_often_than_is_seen(shown, monkeypatch):
    monkeypatch.setattr("cynn.callbacks._live.SECONDS", 1e9)
    classifier().fit(X, Y, epochs=5, callbacks=[LivePlot()], verbose=0)
    assert len(shown) == 2 and shown[-1][1]["text/plain"].startswith("epoch 5 ")


def test_outside_of_a_notebook_nothing_is_shown(monkeypatch, capsys):
    terminal = types.SimpleNamespace(get_ipython=lambda: object())
    for module in (None, types.SimpleNamespace(get_ipython=lambda: None), terminal):
        monkeypatch.setitem(sys.modules, "IPython", module)
        classifier().fit(X, Y, epochs=2, callbacks=[LivePlot()], verbose=0)
    assert capsys.readouterr() == ("", "")


def test_other_ranks_show_nothing(shown):
    live = LivePlot()
    live.is_first_rank = False
    live.on_train_begin()
    live.on_epoch_end(0, {"loss": 1.0})
    live.on_train_end()
    assert not shown


def test_what_is_no_name_is_refused():
    for value, kind in ((3, TypeError), ("", ValueError)):
        with pytest.raises(kind, match="monitor must be a name such as 'loss', got "):
            LivePlot(value)


@pytest.mark.parametrize("verbose", ["auto", 1])
def test_a_fit_has_one_bar(shown, monkeypatch, capsys, verbose):
    monkeypatch.setitem(sys.modules, "tqdm", None)  # it is not needed
    monkeypatch.setattr("cynn._runtime.progress.CELL_SECONDS", 0.0)
    monkeypatch.setattr("cynn._training.fitting.SLICE_SECONDS", 0.0)
    classifier().fit(X, Y, epochs=3, batch_size=30, verbose=verbose)
    assert [kind for kind, _ in shown] == ["new", *["update"] * (len(shown) - 1)]
    shares = [float(re.search('value="(.*?)"', data["text/html"])[1]) for _, data in shown]
    assert shares == sorted(shares) and shares[-1] == 1 and len(set(shares)) == 6
    assert re.fullmatch(r"epoch 3/3  loss .*", shown[-1][1]["text/plain"])
    assert capsys.readouterr() == ("", "")


def test_the_bar_ends_with_the_last_epoch(shown, monkeypatch):
    monkeypatch.setattr("cynn._runtime.progress.CELL_SECONDS", 1e9)
    classifier().fit(X, Y, epochs=4)  # faster than it is drawn
    assert shown[-1][1]["text/plain"].startswith("epoch 4/4  loss ")
    assert 'value="1.0000"' in shown[-1][1]["text/html"] and len(shown) == 1
    shown.clear()
    classifier().fit(X, Y, verbose=2)
    assert not shown


def test_the_estimators_have_the_diagram_of_scikit_learn():
    pytest.importorskip("sklearn", "1.9")
    from cynn.estimators import MLPClassifier, RealMLPRegressor

    for estimator in (MLPClassifier(activation="relu"), RealMLPRegressor()):
        page = estimator._repr_html_()
        assert "sk-container" in page and type(estimator).__name__ in page
