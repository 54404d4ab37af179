"""Plots of functions, classes, probabilities, columns, weights and learning rates."""

import re

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

from cynn import Model, plots  # noqa: E402
from cynn.activations import Custom  # noqa: E402
from cynn.ensemble import Ensemble  # noqa: E402
from cynn.inspection import Dependence, Importance  # noqa: E402
from cynn.layers import Dense  # noqa: E402
from cynn.optimizers import SGD  # noqa: E402
from cynn.plots._style import COLORS, NEGATIVE, POSITIVE, SKY  # noqa: E402
from cynn.tables import TableEncoder  # noqa: E402
from cynn.tuning import RangeTest  # noqa: E402

Y = np.array([0, 1, 2, 2, 0, 1])
P = np.eye(3)[Y] * 0.6 + 0.4 / 3
P[0] = [0.2, 0.5, 0.3]
RATES = np.geomspace(0.01, 10, 6)
LOSSES = np.array([1.0, 0.9, 0.5, 0.2, 0.7, 5.0])
IMPORTANCE = Importance(("size", "age"), np.array([[0.1, 0.3], [-0.1, 0.0]]), 0.9, "accuracy")
PRICE = Dependence("size", np.array([1.0, 2.0]), np.array([[3.0], [5.0]]), ("price",))
TABLE = {"size": [1.0, 2.0, 3.0, 4.0], "kind": ["a", "b", "b", "a"], "fruit": ["fig", "nut"] * 2}


@pytest.fixture
def ax():
    return pyplot.figure().add_subplot()


def built(*layers, shape=2):
    model = Model(list(layers), seed=0)
    model.build(shape)
    return model


def of_table():
    model = built(Dense(2, "softmax"), shape=3)
    model.table = TableEncoder.fit(TABLE, "fruit")
    return model


def drawn(ax):
    ax.figure.canvas.draw()
    return ax


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def texts(ax):
    return [text.get_text() for text in ax.texts]


DRAW = {
    "activations": lambda **ax: plots.activations(**ax),
    "calibration": lambda **ax: plots.calibration(Y, P, **ax),
    "dependence": lambda **ax: plots.dependence(PRICE, **ax),
    "importance": lambda **ax: plots.importance(IMPORTANCE, **ax),
    "learning_rates": lambda **ax: plots.learning_rates(
        RangeTest(RATES, LOSSES, LOSSES, True), **ax
    ),
    "network of a table": lambda **ax: plots.network(of_table(), **ax),
    "precision_recall": lambda **ax: plots.precision_recall(Y, P, **ax),
    "regions": lambda **ax: plots.regions(built(Dense(3, "softmax")), np.eye(2), [0, 2], **ax),
    "roc": lambda **ax: plots.roc(Y, P, **ax),
    "weight_distribution": lambda **ax: plots.weight_distribution(built(Dense(3)), **ax),
}


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_each_draws_into_the_axes_given_in_light_and_dark(name, style):
    with pyplot.style.context(style):
        given = pyplot.figure().add_subplot()
        assert drawn(DRAW[name](ax=given)) is given
        own = drawn(DRAW[name]())
        assert own is not given and len(pyplot.get_fignums()) == 2
        with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got 3"):
            DRAW[name](ax=3)


def contrast(color, face):
    def luminance(rgb):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    values = sorted(luminance(matplotlib.colors.to_rgb(each)) for each in (color, face))
    return (values[1] + 0.05) / (values[0] + 0.05)


@pytest.mark.parametrize(("style", "blue"), [("default", POSITIVE), ("dark_background", SKY)])
def test_what_is_said_is_read_on_any_ground(style, blue):
    with pyplot.style.context(style):
        ax = plots.curve({"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
        face = ax.get_facecolor()
        title = ax._left_title
        assert "best validation" in title.get_text() and contrast(title.get_color(), face) > 4.5
        assert to_hex(ax.lines[0].get_color()).upper() == blue
        assert all(contrast(line.get_color(), face) > 3 for line in ax.lines)


# ---- functions ----------------------------------------------------------------------------------


def test_activations_and_their_derivatives(ax):
    sine = Custom(np.sin, np.cos)
    drawn(plots.activations(["silu", "relu", sine], limit=2, ax=ax))
    silu, slope, relu, step, wave, wave_slope = ax.lines
    x = silu.get_xdata()
    assert (x[0], x[-1]) == (-2, 2) and 0 in x
    assert np.allclose(silu.get_ydata(), x / (1 + np.exp(-x)))
    assert np.allclose(slope.get_ydata(), np.gradient(silu.get_ydata(), x), atol=1e-2)
    assert np.array_equal(relu.get_ydata(), np.maximum(x, 0))
    assert np.array_equal(step.get_ydata(), x > 0)
    assert np.allclose(wave.get_ydata(), np.sin(x)) and np.allclose(
        wave_slope.get_ydata(), np.cos(x)
    )
    assert labels(ax)[:2] == ["silu", "silu, derivative"]
    assert silu.get_color() == slope.get_color() and slope.get_linestyle() == "--"
    assert len(plots.activations("linear", derivatives=False).lines) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("softmax", "names must be functions of one number each, got 'softmax'"),
        ([], "names must be 1 to 6 activations, got 0"),
        (["relu"] * 7, "names must be 1 to 6 activations, got 7"),
        ("relo", "names must be one of .*did you mean 'relu'"),
        (Custom(np.sin, backward=lambda x, g: g), "functions of one number each, got Custom"),
    ],
)
def test_activations_that_cannot_be_drawn(names, said):
    with pytest.raises(ValueError, match=said):
        plots.activations(names)
    with pytest.raises(ValueError, match="limit must be a finite number above 0"):
        plots.activations(limit=0)


# ---- classes ------------------------------------------------------------------------------------


def test_regions_follow_the_model(ax):
    model = built(Dense(2, "softmax"))
    model.set_weights([[[0.0, 1.0], [0.0, 0.0]], [0.0, 0.0]])  # class 1 where x0 > 0
    x = np.array([[-1.0, 0.0], [1.0, 3.0], [0.5, 1.0]])
    drawn(plots.regions(model, x, [0, 1, 1], classes=["no", "yes"], resolution=51, ax=ax))
    image = ax.images[0]
    left, right, bottom, top = image.get_extent()
    assert left < -1 and right > 1 and bottom < 0 and top > 3
    sides = np.linspace(left, right, 51)
    assert np.array_equal(image.get_array()[7], sides > 0)
    assert labels(ax) == ["no", "yes"]
    first, second = (part.get_offsets() for part in ax.collections[-2:])
    assert np.array_equal(first, x[:1]) and np.array_equal(second, x[1:])
    plain = drawn(plots.regions(Ensemble([model]), x))
    assert labels(plain) == ["0", "1"]
    one = built(Dense(1, "sigmoid"))
    one.set_weights([[[5.0], [0.0]], [0.0]])
    assert set(np.unique(drawn(plots.regions(one, x)).images[0].get_array())) == {0, 1}


def test_regions_of_a_classifier_have_its_labels():
    class Classifier:
        classes_ = np.array(["left", "right"])

        def predict(self, x):
            return self.classes_[(x[:, 0] > 0).astype(int)]

    x = np.array([[-1.0, 0.0], [1.0, 0.0]])
    ax = drawn(plots.regions(Classifier(), x, ["left", "right"]))
    assert labels(ax) == ["left", "right"]
    assert [to_hex(part.get_facecolor()[0]).upper() for part in ax.collections[-2:]] == [
        *COLORS[:2]
    ]
    with pytest.raises(ValueError, match="y must hold labels of the classifier, got .*'up'"):
        plots.regions(Classifier(), x, ["left", "up"])


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"x": np.zeros((3, 3))}, ValueError, "x must have shape (n, 2) with a row at least"),
        ({"x": np.zeros((0, 2))}, ValueError, "x must have shape (n, 2) with a row at least"),
        ({"x": [[0.0, np.nan]]}, ValueError, "x must hold finite numbers below 1e+300, got"),
        ({"y": [0, 3]}, ValueError, "y must hold whole numbers from 0 to 2, got 3 in row 1"),
        ({"y": [0]}, ValueError, "x and y must be of one length, got 2 and 1"),
        ({"model": "model"}, TypeError, "model must be a Model, an Ensemble or a classifier"),
        ({"model": built(Dense(30))}, ValueError, "model must have at most 24 classes, got 30"),
        ({"resolution": 10**6}, ValueError, "resolution must be at most 2000, got 1000000"),
        ({"classes": ["a"]}, ValueError, "classes must hold 3 names, got 1"),
    ],
)
def test_regions_that_cannot_be_drawn(arguments, kind, said):
    with pytest.raises(kind, match=re.escape(said)):
        plots.regions(**{"model": built(Dense(3)), "x": np.eye(2), "resolution": 5, **arguments})


# ---- probabilities ------------------------------------------------------------------------------


def test_roc_and_precision_recall(ax):
    true, score = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
    drawn(plots.roc(true, score, ax=ax))
    curve = ax.lines[0]
    assert list(zip(*curve.get_data(), strict=True))[:3] == [(0, 0), (0, 0.5), (0.5, 0.5)]
    assert labels(ax) == ["area 0.750", "by chance"]
    rows = np.stack([1 - np.array(score), score], axis=1)
    assert np.array_equal(plots.roc(true, rows).lines[0].get_data(), curve.get_data())
    precision = plots.precision_recall(np.eye(2)[true], rows)
    assert labels(precision) == ["average precision 0.833"]
    assert list(precision.lines[0].get_xdata()) == [0, 0.5, 0.5, 1, 1]


def test_of_several_classes_each_has_a_curve():
    ax = drawn(plots.roc(Y, P, classes=["cat", "dog", "$cow"]))
    assert labels(ax) == ["cat, area 1.000", "dog, area 1.000", r"\$cow, area 1.000", "by chance"]
    many = np.arange(60) % 30
    scores = np.eye(30)[many]
    scores[many == 7] = 1.0
    ax = drawn(plots.roc(many, scores))
    assert len(ax.lines) == 13 and labels(ax)[-1] == "by chance"
    assert ax.get_title() == "the 12 of 30 classes with the smallest area"


def test_calibration(ax):
    said = np.repeat([0.05, 0.85], [20, 80])
    true = (np.arange(100) % 2).astype(int)
    drawn(plots.calibration(true, said, ax=ax))
    assert np.allclose(ax.lines[1].get_data(), [[0.05, 0.85], [0.5, 0.5]])
    assert ax.get_title() == "expected calibration error 37.00%"
    small, large = ax.collections[0].get_sizes()
    assert small < large
    several = drawn(plots.calibration(Y, P))
    assert several.get_xlabel() == "probability of the prediction"
    assert np.allclose(several.lines[1].get_data(), [[0.5, 0.6 + 0.4 / 3], [0, 1]])


@pytest.mark.parametrize("draw", [plots.roc, plots.precision_recall, plots.calibration])
def test_probabilities_that_cannot_be_drawn(draw):
    for true, predicted, said in (
        ([0, 1], [0.5], "y_true and y_pred must be of one length, got 2 and 1"),
        ([], [], "y_pred must have shape (n,) or (n, k), got shape (0,)"),
        ([0, 2], [0.5, 0.1], "y_true must hold whole numbers from 0 to 1, got 2 in row 1"),
        ([0, 1], [0.5, np.nan], "y_pred must hold finite numbers, got nan in row 1"),
    ):
        if draw is plots.calibration:
            said = said.replace("finite numbers", "probabilities from 0 to 1")
        with pytest.raises(ValueError, match=re.escape(said)):
            draw(true, predicted)


# ---- tables -------------------------------------------------------------------------------------


def test_importance(ax):
    drawn(plots.importance(IMPORTANCE, ax=ax))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["age", "size"]  # the most important on top
    assert [bar.get_width() for bar in ax.patches] == [pytest.approx(-0.05), pytest.approx(0.2)]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [NEGATIVE, POSITIVE]
    assert ax.get_xlabel() == "drop of the accuracy, 0.9 with all columns"
    one = drawn(plots.importance(IMPORTANCE, max_columns=1))
    assert one.get_title() == "the 1 most important of 2 columns" and len(one.patches) == 1


def test_dependence(ax):
    drawn(plots.dependence(PRICE, ax=ax))
    assert np.array_equal(ax.lines[0].get_data(), [[1, 2], [3, 5]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("size", "mean price")
    words = np.array(["north", "south"], object)
    yes = Dependence("part", words, np.array([[0.2, 0.8], [0.6, 0.4]]), ("no", "yes"))
    ax = drawn(plots.dependence(yes))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["north", "south"]
    assert list(ax.lines[0].get_ydata()) == [0.8, 0.4] and ax.lines[0].get_linestyle() == "None"
    assert ax.get_ylabel() == "mean probability of yes"
    assert len(plots.dependence(yes, outputs=["no", "yes"]).lines) == 2
    with pytest.raises(ValueError, match="outputs must be a list of no, yes, got 'maybe'"):
        plots.dependence(yes, outputs="maybe")
    days = np.array(["2024-01-01", "2024-06-01"], "M8[us]")
    drawn(plots.dependence(PRICE._replace(values=days)))
    for draw in (plots.importance, plots.dependence, plots.learning_rates):
        with pytest.raises(TypeError, match="result must be what cynn.* returned, got 3"):
            draw(3)


def test_the_network_of_a_table_names_its_inputs_and_outputs(ax):
    model = of_table()
    drawn(plots.network(model, ax=ax))
    assert texts(ax) == ["3 inputs", "2 softmax", "size", "kind = a", "kind = b", "fig", "nut"]
    drawn(plots.network(model, outputs=["one", "two"]))
    assert texts(pyplot.gca())[-2:] == ["one", "two"]
    other = built(Dense(2), shape=5)  # of other rows than the table's
    other.table = model.table
    drawn(plots.network(other))
    assert texts(pyplot.gca()) == ["5 inputs", "2 linear"]


# ---- weights, and trainings that diverge --------------------------------------------------------


def test_weight_distribution(ax):
    model = built(Dense(50), Dense(1))
    weights = model.get_weights()
    weights[0][0, :3] = np.nan
    model.set_weights(weights)
    drawn(plots.weight_distribution(model, n_bins=10, ax=ax))
    counts = [np.round((p.get_data().values - p.get_data().baseline) * 100) for p in ax.patches]
    assert len(counts) == 2 and all(part.max() == 85 for part in counts)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["layer1.weight\n50", "layer0.weight\n100"]
    assert texts(ax)[0].endswith("\n3 not finite") and texts(ax)[1].startswith("std ")
    model.set_weights([np.full_like(part, np.inf) for part in weights])
    assert texts(drawn(plots.weight_distribution(model)))[0] == "none finite"
    with pytest.raises(ValueError, match="n_bins must be at most 1000, got 2000"):
        plots.weight_distribution(model, n_bins=2000)


def test_a_curve_marks_where_a_training_has_diverged():
    history = {"loss": [1.0, 5.0, 3e6, np.nan], "val_loss": [2.0, np.inf, 3.0, np.nan]}
    ax = drawn(plots.curve(history))
    assert labels(ax)[2:] == [
        "training not finite in epoch 4", "validation not finite in 2 epochs, first 2"
    ]  # fmt: skip
    assert [line.get_xdata()[0] for line in ax.lines[-2:]] == [4, 2]
    assert ax.get_yscale() == "log"
    rest = drawn(plots.curve({"loss": [1.0, np.inf, np.nan]}))
    assert labels(rest)[1] == "training not finite from epoch 2 on"
    assert rest.get_yscale() == "linear"


def test_a_fit_that_diverged_is_drawn():
    x = np.random.default_rng(0).normal(size=(60, 2))
    for rate in (1e30, 0.05):  # in the first epoch, and later
        model = Model([Dense(8, "relu"), Dense(1)], seed=0)
        model.compile(SGD(rate), "mse")
        with pytest.raises(FloatingPointError):
            model.fit(x, 1e3 * x[:, 0], epochs=500, verbose=0)
        last = model.history.diverged_epoch
        assert last == len(model.history.epoch) and (last == 0) == (rate > 1)
        ax = drawn(plots.curve(model.history))
        assert labels(ax)[-1] == f"diverged in epoch {last + 1}"
    model = Model([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert model.fit(x, x[:, 0], verbose=0).diverged_epoch is None


def test_learning_rates(ax):
    test = RangeTest(RATES, LOSSES, LOSSES, True)
    drawn(plots.learning_rates(test, ax=ax))
    raw, smooth, chosen = ax.lines
    assert np.array_equal(smooth.get_data(), [RATES, LOSSES]) and ax.get_xscale() == "log"
    assert chosen.get_xdata()[0] == pytest.approx(RATES[3] / 10)
    assert labels(ax)[-1] == "suggested: 0.063"
    assert ax.get_ylim()[1] < 3  # what has diverged goes out of the picture
    rising = RangeTest(RATES, LOSSES[::-1].cumsum(), LOSSES, True)
    assert len(drawn(plots.learning_rates(rising)).lines) == 2
