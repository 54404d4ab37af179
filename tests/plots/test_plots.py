"""Plots: their contents, and what cannot be drawn."""

import re

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

from cynn import Model, plots  # noqa: E402
from cynn.callbacks import History  # noqa: E402
from cynn.ensemble import Ensemble  # noqa: E402
from cynn.layers import (  # noqa: E402
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNorm,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Residual,
)
from cynn.plots._style import NEGATIVE, POSITIVE  # noqa: E402
from layer_examples import COLUMNS, by_layer  # noqa: E402
from models import images  # noqa: E402


@pytest.fixture
def ax():
    return pyplot.figure().add_subplot()


def built(*layers, shape=4):
    model = Model(list(layers), seed=0)
    model.build(shape)
    return model


def texts(ax):
    return [text.get_text() for text in ax.texts]


def drawn(ax):
    """Draw for real, so that what only then fails does."""
    ax.figure.canvas.draw()
    return ax


Y = np.array([0, 1, 2, 2])
P = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.96, 0.0, 0.04]])


@pytest.mark.parametrize(
    "draw",
    [
        lambda **ax: plots.network(built(Dense(3)), **ax),
        lambda **ax: plots.curve({"loss": [1.0, 0.5]}, **ax),
        lambda **ax: plots.confusion(Y, P, **ax),
        lambda **ax: plots.weights(built(Dense(3)), **ax),
        lambda **ax: plots.mistakes(np.zeros((4, 5, 5)), Y, P, **ax),
        lambda **ax: plots.agreement([1.0, 2.0], [1.5, 2.5], **ax),
    ],
)
def test_each_draws_into_the_axes_given_and_returns_them(draw, ax, tmp_path):
    assert draw(ax=ax) is ax
    assert pyplot.get_fignums() == [1]
    ax.figure.savefig(tmp_path / "given.png")
    draw().figure.savefig(tmp_path / "new.png")
    assert len(pyplot.get_fignums()) == 2
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got 3"):
        draw(ax=3)


# ---- the network --------------------------------------------------------------------------------


def test_network_draws_each_weight_with_its_sign_and_size(ax):
    model = built(Dense(2, "tanh"), Dense(1), shape=2)
    model.set_weights([[[1.0, -2.0], [0.0, 4.0]], [0.0, 0.0], [[-0.5], [0.25]], [0.0]])
    drawn(plots.network(model, inputs=["a", "b"], outputs=["y"], ax=ax))
    first, second = ax.collections[:2]
    assert [to_hex(c).upper() for c in second.get_colors()] == [POSITIVE, NEGATIVE]
    widths = first.get_linewidths()
    assert list(np.sort(widths)) == list(widths)  # the large ones lie on top
    assert widths[-1] == 3.0 and second.get_linewidths()[-1] == 3.0
    tail, head = first.get_segments()[-1]  # 4.0, from b to the second neuron: both below
    assert (tail[0], head[0]) == (0, 1) and tail[1] < 0 and head[1] < 0
    assert texts(ax) == ["2 inputs", "2 tanh", "1 linear", "a", "b", "y"]


def test_network_samples_wide_layers_and_says_so(ax):
    model = built(Flatten(), Dense(100, "relu"), Dense(16), Activation("leaky_relu"), shape=(8, 8))
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["64 inputs\n(16 shown)", "100 relu\n(16 shown)", "16 leaky relu"]
    assert [len(part.get_segments()) for part in ax.collections[:2]] == [256, 256]
    drawn(plots.network(model, max_neurons=3, outputs=[f"o{i}" for i in range(16)]))
    names = texts(pyplot.gca())
    assert names[-3:] == ["o0", "o8", "o15"] and "16 leaky relu\n(3 shown)" in names


def test_networks_that_cannot_be_drawn():
    with pytest.raises(RuntimeError, match="no weights yet"):
        plots.network(Model([Dense(3)]))
    with pytest.raises(ValueError, match="must have a Dense layer"):
        plots.network(built(Activation("relu")))
    with pytest.raises(ValueError, match="must be Dense layers in sequence"):
        model = built(Dense(4), Dense(3))
        model.named_weights = lambda: {  # as of a layer that makes more numbers of what it has
            "layer0.weight": np.ones((4, 4)), "layer1.weight": np.ones((8, 3))
        }  # fmt: skip
        plots.network(model)
    with pytest.raises(ValueError, match="weights in Dense layers only"):
        model = built(Dense(4))
        model.named_weights = lambda: dict.fromkeys(["layer0.weight", "more"], np.ones((4, 4)))
        plots.network(model)
    model = built(Dense(3))
    with pytest.raises(ValueError, match="outputs must hold 3 names, got 2"):
        plots.network(model, outputs=["a", "b"])
    with pytest.raises(TypeError, match="inputs must be a list of names, got 'four'"):
        plots.network(model, inputs="four")
    with pytest.raises(ValueError, match="max_neurons must be an integer of at least 2"):
        plots.network(model, max_neurons=1)
    model.set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    with pytest.raises(ValueError, match="finite weights"):
        plots.network(model)


def test_an_ensemble_of_one_is_drawn_as_its_model(ax):
    model = built(Dense(3), Dense(2))
    drawn(plots.network(Ensemble([model]), ax=ax))
    assert texts(ax) == ["4 inputs", "3 linear", "2 linear"]
    drawn(plots.weights(Ensemble([model]), shape=(2, 2)))
    several = Ensemble([model] * 3)
    for draw in (plots.network, plots.weights):
        with pytest.raises(TypeError, match="cynn.Model, got <Ens.*of 3 models: pass one of its m"):
            draw(several)


def test_a_layer_without_a_bias_is_drawn(ax):
    drawn(plots.network(built(Dense(3, use_bias=False), Dense(2)), ax=ax))
    assert texts(ax) == ["4 inputs", "3 linear", "2 linear"]


def test_layers_without_neurons_are_passed_over(ax):
    between = [BatchNorm(), Activation("relu"), Dropout(0.2), LayerNorm()]
    model = built(Normalize([0.0] * 4, [1.0] * 4), Dense(3), *between, Dense(2, "softmax"))
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["4 inputs", "3 relu", "2 softmax"]


def test_members_are_drawn_by_what_they_share_and_the_mean_of_their_heads(ax):
    model = built(
        Members(3), Dense(5, use_bias=False), MemberAffine(3, "relu"), MemberDense(2, 3),
        MemberAffine(3, "softmax", use_scale=False),
    )  # fmt: skip
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["4 inputs", "5 relu", "2 softmax"]
    assert [len(part.get_segments()) for part in ax.collections[:2]] == [4 * 5, 5 * 2]
    weights = model.get_weights()
    weights[3][:] = np.array([2.0, -1.0, -4.0])[:, np.newaxis, np.newaxis]  # -1 in the mean
    model.set_weights(weights)
    drawn(plots.network(model))
    colours = {to_hex(colour) for colour in pyplot.gca().collections[1].get_colors()}
    assert colours == {to_hex(NEGATIVE)}


def test_embeddings_are_drawn_by_the_columns_that_they_come_of(ax):
    model = built(Embedding([1], [3], units=2), PeriodicEmbedding([4], units=2), Dense(2))
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["4 inputs", "5 embedded", "6 embedded", "2 linear"]
    table, waves = (part.get_segments() for part in ax.collections[:2])
    assert len(table) == 4 * 5 and len(waves) == 5 * 6
    with pytest.raises(ValueError, match="must have a Dense layer"):
        plots.network(built(PeriodicEmbedding()))


def test_bins_are_drawn_by_the_column_that_they_come_of(ax):
    model = built(PiecewiseLinearEmbedding([1], [[0, 1, 2]], 2), Dense(2))
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["4 inputs", "5 embedded", "2 linear"]


@pytest.mark.parametrize(**by_layer)
def test_every_layer_is_drawn_or_passed_over(ax, layer):
    model = Model([Dense(COLUMNS), layer, Dense(2)], seed=0)
    model.build(4)
    drawn(plots.network(model, ax=ax))
    assert texts(ax)[0] == "4 inputs" and texts(ax)[-1] in ("2 linear", "+")


def skips(ax):
    """Where the dashed arches begin and end."""
    arches = [line.get_xdata() for line in ax.lines if line.is_dashed()]
    return [(float(xs[0]), float(xs[-1])) for xs in arches]


def test_skip_connections_are_drawn(ax):
    inner = Residual([Activation("relu"), Dense(5, "tanh"), BatchNorm(), Dense(5)])
    model = built(
        Dense(5), inner, Residual([Dropout(0.5)]), Residual([Dense(5), Residual([Dense(5)])]),
        Activation("silu"), Dense(2),
    )  # fmt: skip
    drawn(plots.network(model, ax=ax))
    kinds = ["4 inputs", "5 linear", "5 tanh", "5 linear", "5 linear", "5 silu", "2 linear"]
    assert texts(ax) == [*kinds, "+", "+", "+"]
    assert skips(ax) == [(1, 3), (4, 5), (3, 5)]
    top = ax.get_ylim()[1]
    assert all(line.get_ydata().max() < top for line in ax.lines)
    drawn(plots.network(built(Dense(5))))
    assert skips(pyplot.gca()) == []


def test_weights_of_zero_are_drawn(ax):
    model = built(Dense(3))
    model.set_weights([np.zeros((4, 3)), np.zeros(3)])
    drawn(plots.network(model, ax=ax))
    drawn(plots.weights(model))


# ---- curves -------------------------------------------------------------------------------------


def test_curve(ax):
    history = {"loss": [0.9, 0.5, 0.3], "val_loss": [0.8, 0.4, 0.6], "accuracy": [0.1, 0.2, 0.3]}
    drawn(plots.curve(history, ax=ax))
    training, validation, ring = ax.lines
    assert training.get_label() == "training" and list(training.get_ydata()) == history["loss"]
    assert list(validation.get_ydata()) == history["val_loss"]
    assert list(training.get_xdata()) == [1, 2, 3]
    assert (ring.get_xdata(), ring.get_ydata()) == (2, 0.4)
    assert ax.get_title(loc="left") == "best validation 0.4 in epoch 2"
    assert len(plots.curve(history, "accuracy").lines) == 1


def test_the_best_epoch_is_the_maximum_for_scores(ax):
    history = History()
    history.on_train_begin()
    for epoch, value in enumerate((0.5, np.nan, 0.75, 0.25), start=7):
        history.on_epoch_end(epoch, {"f1": value, "val_f1": value})
    drawn(plots.curve(history, "f1", ax=ax))
    assert ax.get_title(loc="left") == "best validation 0.75 in epoch 10"


def test_curves_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="name must be one of 'loss', got 'acc'"):
        plots.curve({"loss": [1.0]}, "acc")
    with pytest.raises(ValueError, match="name must be one of nothing, got 'loss'"):
        plots.curve(History())
    with pytest.raises(TypeError, match="history must be what fit returned"):
        plots.curve([1.0, 2.0])
    for lists in ({"loss": []}, {"loss": [1.0], "val_loss": [1.0, 2.0]}, {"loss": [[1.0]]}):
        with pytest.raises(ValueError, match="a number for each epoch"):
            plots.curve(lists)
    ax = plots.curve({"loss": [np.nan] * 3, "val_loss": [np.inf] * 3})
    drawn(ax)
    assert [text.get_text() for text in ax.texts] == ["no finite number"]
    assert ax.get_xlim() == (0.5, 3.5) and not len(ax.get_yticks())


# ---- classes and values -------------------------------------------------------------------------


def test_confusion(ax):
    drawn(plots.confusion(Y, P, classes=["cat", "dog", "a $ and\na line"], ax=ax))
    cells = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in ax.texts}
    assert cells == {(0, 0): "1", (1, 1): "1", (2, 1): "1", (2, 0): "1"}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["cat", "dog", r"a \$ and a line"]
    assert ax.get_title() == "2 of 4 correct (50.00%)"
    assert ax.get_xlabel() == "predicted" and ax.get_ylabel() == "true"
    many = np.arange(200)
    ax = drawn(plots.confusion(many, many))
    assert len(ax.texts) == 0 and len(ax.get_xticks()) == 11
    with pytest.raises(ValueError, match="whole numbers from 0 to 1"):
        plots.confusion(Y, P, classes=["cat", "dog"])


def test_agreement(ax):
    true = np.arange(20_000.0)
    drawn(plots.agreement(true, true[:, np.newaxis] + 1, ax=ax))
    points = ax.collections[0].get_offsets()
    assert len(points) == 5_000 and np.all(points[:, 1] - points[:, 0] == 1)
    assert ax.get_title() == "5,000 of 20,000 rows"
    for true, said in (([], []), ([1.0], [1.0, 2.0]), ([np.nan], [1.0])):
        with pytest.raises(ValueError, match="y_true"):
            plots.agreement(true, said)


# ---- images -------------------------------------------------------------------------------------


def test_weights_lie_as_images(ax):
    model = built(Flatten(), Dense(3, "relu"), shape=(20, 30))
    table = np.arange(1800.0).reshape(600, 3)
    model.set_weights([table, np.zeros(3)])
    drawn(plots.weights(model, ax=ax))
    sheet = ax.images[0].get_array()
    assert sheet.shape == (41, 61)
    assert np.array_equal(sheet[:20, :30], table[:, 0].reshape(20, 30))
    assert ax.get_title() == "the first layer's 3 neurons"
    drawn(plots.weights(model, count=2))
    assert pyplot.figure(2).axes[0].get_title() == "2 of the first layer's 3 neurons"
    with pytest.raises(ValueError, match="a height and a width of 600 pixels"):
        plots.weights(model, shape=(20, 20))
    with pytest.raises(ValueError, match="shape must be given"):
        plots.weights(built(Dense(3), shape=5))


def test_the_worst_mistakes_come_first(ax):
    x, _ = images(4)
    drawn(plots.mistakes(x, Y, P, classes=["cat", "dog", "cow"], ax=ax))
    assert texts(ax) == [
        "predicted cat (96%)", "true cow (4%)", "predicted dog (60%)", "true cow (10%)"
    ]  # fmt: skip
    assert len(ax.images) == 2
    shown = ax.images[0].get_array()
    assert np.allclose(shown, (x[3] - x[3].min()) / np.ptp(x[3].astype(float)))
    assert ax.get_title() == "2 mistakes in 4 rows"
    one = drawn(plots.mistakes(x.reshape(4, 64), np.eye(3)[Y], P, count=1))
    assert one.get_title() == "the 1 worst of 2 mistakes in 4 rows" and len(one.images) == 1
    none = drawn(plots.mistakes(x[:2], Y[:2], P[:2]))
    assert none.get_title() == "no mistakes in 2 rows" and not none.images
    colored = np.repeat(x[..., np.newaxis], 3, axis=3)
    assert drawn(plots.mistakes(colored, Y, P)).images[0].get_array().shape == (8, 8, 3)
    drawn(plots.mistakes(np.full((4, 6), np.nan), Y, P, shape=(2, 3)))


@pytest.mark.parametrize(
    ("x", "y", "p", "said"),
    [
        (np.zeros((3, 4)), Y, P, "one length, got 3, 4, 4"),
        (np.zeros((4, 5)), Y, P, "shape must be given"),
        (np.zeros(4), Y, P, "x must hold images"),
        (np.zeros((4, 4)), Y, P[:, :1], "y_pred must have shape (n, k) with k from 2"),
        (np.zeros((4, 4)), Y + 1, P, "whole numbers from 0 to 2, got 3 in row 2"),
        (np.zeros((4, 4)), Y, P * np.nan, "y_pred must not hold NaN"),
    ],
)
def test_mistakes_that_cannot_be_drawn(x, y, p, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        plots.mistakes(x, y, p)


def test_what_stands_below_the_layers_does_not_touch_in_a_narrow_picture():
    layers = [Dense(200, "relu"), Dense(1000, "leaky_relu"), Dense(1000, "gelu_tanh"), Dense(10)]
    model = Model(layers, seed=0)
    model.build(784)
    figure, axes = pyplot.subplots(2, 3, figsize=(15, 9), layout="constrained")
    ax = plots.network(model, ax=axes[0, 0])
    figure.canvas.draw()
    feet = [text.get_window_extent() for text in ax.texts if text.get_position()[1] == -0.58]
    assert len(feet) == 5
    assert all(left.x1 < right.x0 for left, right in zip(feet, feet[1:], strict=False))


class Broken:
    def __repr__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "odd",
    [None, 3, "model", np.ones((2, 2)), object(), Broken(), [1], Model],
    ids=lambda odd: "odd",
)
def test_what_is_no_model_is_refused(odd):
    for draw in (plots.network, plots.weights):
        with pytest.raises(TypeError, match="model must be a cynn.Model, got "):
            draw(odd)
    with pytest.raises(TypeError, match="history must be what fit returned, got "):
        plots.curve(odd)


@pytest.mark.parametrize("classes", [True, 3, "ab", b"ab", np.ones((2, 2)), {"a", "b"}, [[], []]])
def test_names_of_classes_are_a_list(classes):
    for draw in (
        lambda: plots.confusion([0, 1], [0, 1], classes=classes),
        lambda: plots.mistakes(np.zeros((2, 4)), [0, 1], [[0.9, 0.1]] * 2, classes=classes),
    ):
        with pytest.raises(TypeError, match="classes must be a list of names, got "):
            draw()


def test_a_curve_that_was_not_measured_is_named():
    with pytest.raises(ValueError, match="name must be one of 'loss', got 'los': did you mean 'l"):
        plots.curve({"loss": [1.0]}, "los")
    with pytest.raises(TypeError, match=r"name must be one of 'loss', got \['loss'\]"):
        plots.curve({"loss": [1.0]}, ["loss"])
