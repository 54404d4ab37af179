"""Reports: what the page says, of which networks, and what cannot be written."""

import sys

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402

from cynn import Model, losses, report  # noqa: E402
from cynn.callbacks import History  # noqa: E402
from cynn.datasets import make_digits  # noqa: E402
from cynn.ensemble import Ensemble  # noqa: E402
from cynn.layers import Dense, Flatten, Rescale  # noqa: E402
from cynn.metrics import confusion_matrix  # noqa: E402
from cynn.report._contents import Classified, Predicted, Rows, inputs_of  # noqa: E402
from cynn.report._errors import confusion, mistakes, residuals  # noqa: E402
from cynn.report._subject import subject_of  # noqa: E402
from cynn.tables import TableEncoder  # noqa: E402
from pages import Page, expect_alone  # noqa: E402

HOSTILE = '</title><script>alert("1")</script><img src=x onerror=y> \u202e & \x00\ud800'

MEASURES, EPOCHS = ["measure", "rows"], ["measure", "of", "first"]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
QUANTITY = X @ [1.0, -2.0, 0.5]
YES = (QUANTITY > 0).astype(int)


def squared(y_true, y_pred):
    return ((y_pred - y_true) ** 2)[:, 0], 2 * (y_pred - y_true)


def fitted(loss, activation, y, units=1, epochs=2):
    model = Model([Dense(4, "tanh"), Dense(units, activation)], seed=0)
    model.compile("adam", loss)
    model.fit(X, y, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def digits():
    (x, y), (x_test, y_test) = make_digits(300, seed=0), make_digits(80, seed=1)
    layers = [Flatten(), Rescale(1 / 255), Dense(16, "relu"), Dense(10, "softmax")]
    model = Model(layers, seed=7)
    model.compile("adam", "cross_entropy", ["accuracy"])
    model.fit(x, y, epochs=3, validation_data=(x_test, y_test), verbose=0)
    return model, x_test, y_test


@pytest.fixture(scope="module")
def of_digits(digits, tmp_path_factory):
    """Return the source of a page on images, with words that are to do harm."""
    path = tmp_path_factory.mktemp("report") / "digits.html"
    names = [HOSTILE, *"abcdefghi"]
    before = dict(matplotlib.rcParams)
    report.write(
        path, *digits, title=HOSTILE, classes=names, notes=HOSTILE + "\nline 2", command=HOSTILE
    )
    assert dict(matplotlib.rcParams) == before and pyplot.get_fignums() == []
    return path.read_text(encoding="utf-8")


def test_a_page_is_alone_and_says_what_its_pictures_show(of_digits):
    page = expect_alone(of_digits)
    assert len(page.named("svg")) == 4  # the network, its first weights, two curves
    labels = [attributes["aria-label"] for attributes in page.named("svg")]
    assert any("Dense(16, 'relu')" in label for label in labels)
    assert any(label.startswith("Curve of the loss") for label in labels)
    assert [attributes["lang"] for attributes in page.named("html")] == ["en"]
    assert "width=device-width" in of_digits and "prefers-color-scheme: dark" in of_digits


def test_nothing_that_came_is_more_than_text(of_digits):
    page = Page(of_digits)
    assert page.named("script") == [] and all("onerror" not in each for each in page.named("img"))
    assert page.text.count('<script>alert("1")</script>') >= 4
    assert "\u202e" not in of_digits and "\x00" not in of_digits
    assert "line 2" in page.text


def test_pictures_have_the_colours_of_the_page(of_digits):
    pictures = of_digits.split("<main>")[1]
    for name in ("ink", "faint", "paper", "positive", "negative"):
        assert f"var(--{name})" in pictures
    assert "#0072b2" not in pictures and "#ffffff" not in pictures


def test_numbers_on_the_page_are_those_of_the_model(digits, of_digits):
    model, x, y = digits
    page = Page(of_digits)
    right = model.evaluate(x, y)["accuracy"]
    assert page.row("accuracy", below=MEASURES) == [f"{right:.2%}"]
    assert f"Accuracy {right:.2%} on 80 rows" in page.text
    counts = confusion_matrix(y, model.predict(x))
    for name, line in zip("abcdefghi", counts[1:], strict=True):
        assert page.row(name, below=["true \\ predicted"]) == [str(n) if n else "" for n in line]
    last = model.history.history["val_loss"][-1]
    assert page.row("loss", "validation", below=EPOCHS)[1] == f"{last:.4g}"
    assert "28 x 28" in page.text and "seed 7" in page.text


def test_the_worst_mistakes_come_first(digits, of_digits):
    model, x, y = digits
    predicted = model.predict(x)
    wrong = np.flatnonzero(predicted.argmax(axis=1) != y)
    held = predicted[wrong, y[wrong]]
    told = [int(each["alt"].split()[1].rstrip(":")) for each in Page(of_digits).named("img")]
    assert told == wrong[np.argsort(held, kind="stable")][:24].tolist()


def test_a_page_of_numbers(tmp_path):
    model = fitted("mse", "identity", QUANTITY)
    model.compile("adam", "mse", ["mae"])
    history = {"loss": [3.0, 2.0], "val_loss": [4.0, float("nan")]}
    report.write(tmp_path / "r.html", model, X, QUANTITY, history, command="python fit.py")
    page = expect_alone((tmp_path / "r.html").read_text(encoding="utf-8"))
    errors = QUANTITY - model.predict(X)[:, 0]
    worst = int(np.abs(errors).argmax())
    true, predicted, error, *_ = page.row(str(worst), below=["row", "true"])
    assert float(true) == pytest.approx(QUANTITY[worst], 1e-4)
    assert float(error) == pytest.approx(errors[worst], 1e-4)
    assert float(true) - float(predicted) == pytest.approx(float(error), abs=1e-4)
    assert page.row("loss", "validation", below=EPOCHS) == ["4", "nan", "4", "4"]
    [mean] = page.row("mean absolute error", below=MEASURES)
    assert float(mean) == pytest.approx(np.abs(errors).mean(), 1e-3)
    assert len(page.named("svg")) == 4 and "python fit.py" in page.text
    with pytest.raises(LookupError):
        page.row("mae", below=MEASURES)  # it is the mean absolute error


@pytest.mark.parametrize(
    ("loss", "activation", "y", "units"),
    [
        ("binary_cross_entropy", "sigmoid", YES, 1),
        ("hinge", "identity", 2 * YES - 1, 1),
        ("cross_entropy", "softmax", np.eye(2)[YES], 2),
        ("categorical_hinge", "identity", YES, 2),
        (losses.Custom(squared), "identity", YES, 1),
    ],
)
def test_what_is_a_class_and_what_a_number(loss, activation, y, units):
    model = fitted(loss, activation, y, units, epochs=30)
    subject = subject_of(model, X, y, None, None)
    outputs = model.predict(X)
    if isinstance(loss, losses.Custom):
        assert isinstance(subject.answers, Predicted)
        assert np.array_equal(subject.answers.predicted, outputs[:, 0])
        return
    assert isinstance(subject.answers, Classified)
    assert np.array_equal(subject.answers.true, YES)
    cut = 0.5 if loss == "binary_cross_entropy" else 0.0
    said = outputs.argmax(axis=1) if units > 1 else (outputs[:, 0] > cut).astype(int)
    assert subject.measures["accuracy"] == (said == YES).mean() > 0.6
    assert "loss" in subject.measures


def test_of_quantiles_the_middle_one_is_looked_at():
    model = fitted(losses.Quantile((0.1, 0.4, 0.9)), "identity", QUANTITY, 3)
    answers = subject_of(model, X, QUANTITY, None, None).answers
    assert np.array_equal(answers.predicted, model.predict(X)[:, 1])


def test_several_answers_a_row_are_measured_alone():
    model = fitted("binary_cross_entropy", "sigmoid", np.stack([YES, 1 - YES], axis=1), 2)
    subject = subject_of(model, X, np.stack([YES, 1 - YES], axis=1), None, None)
    assert subject.answers is None and "one class or one number" in subject.missing
    assert list(subject.measures) == ["loss"]


def test_a_diverged_network(tmp_path):
    model = fitted("cross_entropy", "softmax", YES, 2)
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    report.write(tmp_path / "r.html", model, X, YES)
    page = expect_alone((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "the training has diverged; try a lower learning rate" in page.text
    assert "There is no diagram" in page.text and "Confusion" not in page.text


def test_estimators():
    pytest.importorskip("sklearn", "1.9")
    from cynn.estimators import MLPClassifier, RealMLPClassifier, RealMLPRegressor

    table = {"size": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")}
    labels = np.where(table["kind"] == "a", "yes", "no")
    short = {"n_epochs": 3, "hidden_layer_sizes": (4,), "random_state": 5}
    model = RealMLPClassifier(n_members=2, **short).fit(table, labels)
    subject = subject_of(model, table, labels, None, None)
    assert len(subject.models) == 2 and subject.seed == "random_state=5"
    assert subject.answers.labels == ["no", "yes"] and "loss" in subject.history
    assert subject.measures["accuracy"] == model.score(table, labels)
    assert list(subject.answers.rows.columns) == ["size", "kind"]
    with pytest.raises(ValueError, match="y must hold classes of the model, got 'maybe'"):
        subject_of(model, table, ["maybe"] * 60, None, None)

    model = RealMLPRegressor(**short).fit(table, QUANTITY)
    subject = subject_of(model, table, QUANTITY, None, None)
    assert np.array_equal(subject.answers.predicted, model.predict(table))

    mlp = MLPClassifier((4,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="converged"):
        mlp.fit(X, labels)
    subject = subject_of(mlp, X, labels, ["No!", "Yes!"], None)
    assert subject.answers.labels == ["No!", "Yes!"] and len(subject.history["loss"]) == 3
    assert subject.measures["accuracy"] == mlp.score(X, labels)


def test_a_model_of_a_table_takes_the_table(tmp_path):
    kind, day = np.where(X[:, 1] > 0, "a", "b"), np.datetime64("2025-01-01") + np.arange(60)
    table = {"kind": kind, "day": day, "size": X[:, 0], "price": np.exp(QUANTITY)}
    encoder = TableEncoder.fit(table, "price", recipe="robust one-hot")
    model = Model([Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.table = encoder
    model.fit(encoder.encode(table), encoder.target.encode(table["price"]), epochs=2, verbose=0)
    for each in (model, Ensemble([model, model])):
        answers = subject_of(each, table, table["price"], None, None).answers
        assert answers.name == "price" and np.allclose(answers.true, table["price"])
        assert np.allclose(answers.predicted, model.predict_rows(table))
    names = inputs_of(encoder)
    assert len(names) == encoder.width and "size" in names and "day Mo" in names
    with pytest.raises(TypeError, match="table must be a mapping"):
        subject_of(model, X, QUANTITY, None, None)


def test_many_classes_are_a_picture_and_all_right_has_no_mistakes():
    true = np.arange(40)
    answers = Classified(true, np.eye(40), [str(i) for i in true], Rows(true))
    said, picture = confusion(answers, "rows")
    assert "40 of 40 rows are correct. There are no errors." in said and "<svg" in picture
    assert "There are none in 40 rows." in mistakes(answers)[0]


def test_the_largest_errors_name_their_rows():
    columns = {"a": np.array([None, "x" * 300, "<b>"], object)}
    beside = Rows(np.array([10, 20, 30]), "rows count from 1", columns=columns)
    [source] = residuals(Predicted(np.zeros(3), np.array([1.0, -3.0, 2.0]), "y", beside))
    lines = Page(source).cells[1:]
    assert [line[0] for line in lines] == ["20", "30", "10"]
    assert lines[0][1:4] == ["0", "-3", "3"] and len(lines[0][4]) == 30
    assert [line[4] for line in lines[1:]] == ["<b>", ""]


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "said"),
    [
        ((3, X, YES), {}, TypeError, "model must be a cynn.Model, an Ensemble or a trained est"),
        ((None, X[:5], YES), {}, ValueError, "x and y must be of one length, got 5 and 60"),
        ((None, X[:0], YES[:0]), {}, ValueError, "x must have at least one row, got none"),
        ((None, X, YES + 5), {}, ValueError, "y must hold whole numbers from 0 to 1, got"),
        ((None, X, YES, 3), {}, TypeError, "history must be what fit returned, got 3"),
        ((None, X, YES, {"loss": [[1]]}), {}, ValueError, "history must hold a number for each"),
        ((None, X, YES), {"classes": ["a"]}, ValueError, "classes must hold 2 names, got 1"),
        ((None, X, YES), {"classes": "ab"}, TypeError, "classes must be a list of names"),
        ((None, X, YES), {"title": None}, TypeError, "title must be a text, got None"),
        ((None, X, YES), {"notes": 3}, TypeError, "notes must be a text, got 3"),
        ((None, X, YES), {"shape": (2, 2)}, ValueError, "shape must be a height and a width"),
        ((Model([Dense(2)]), X, YES), {}, RuntimeError, "build"),
    ],
)
def test_what_cannot_be_is_one_error_and_leaves_what_was_there(
    tmp_path, arguments, settings, error, said
):
    path = tmp_path / "r.html"
    path.write_text("before")
    model, *others = arguments
    if model is None:
        model = Model([Dense(2, "softmax")], seed=0)
        model.compile("sgd", "cross_entropy")
        model.build(3)
    with pytest.raises(error, match=said):
        report.write(path, model, *others, **settings)
    assert [each.name for each in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text() == "before" and pyplot.get_fignums() == []


def test_a_file_that_cannot_be_written(tmp_path):
    model = fitted("mse", "identity", QUANTITY)
    with pytest.raises(OSError):
        report.write(tmp_path / "absent" / "r.html", model, X, QUANTITY)
    with pytest.raises(TypeError, match="path must be a path, got 3"):
        report.write(3, model, X, QUANTITY)


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    with pytest.raises(ImportError, match=r"reports need matplotlib: pip install 'cynn-learn\[pl"):
        report.write(tmp_path / "r.html", Model([Dense(1)]), X, QUANTITY)
    assert list(tmp_path.iterdir()) == []


def test_a_history_without_epochs(tmp_path):
    model = Model([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.build(3)
    report.write(tmp_path / "r.html", model, X, QUANTITY, History())
    page = expect_alone((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.named("svg")) == 3 and "epochs 0" in page.text
