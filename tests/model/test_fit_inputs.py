"""Any data passed to `fit`, `evaluate` and `predict`: the right result, or a clear error."""

import threading

import numpy as np
import pytest

from cynn import Model
from cynn.layers import Dense
from cynn.optimizers import SGD
from models import bits, blobs, classifier, image_model, images

X, Y = blobs()
ROUND = np.round(X * 4).astype(np.int64)  # exact in every type below


def unaligned(x):
    record = np.zeros(len(x), [("flag", "u1"), ("x", x.dtype, x.shape[1:])])
    record["x"] = x
    return record["x"]


def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


LAYOUTS = {
    "fortran": np.asfortranarray,
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "strided": lambda x: np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3],
    "read-only": read_only,
    "unaligned": unaligned,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "list": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x)),
    "matrix": lambda x: x.view(type("Mine", (np.ndarray,), {})),
    "memoryview": lambda x: memoryview(np.ascontiguousarray(x)),
}


def everything(x, y, weight=None, dtype="float32"):
    """Return the bits of all results of a model for the data."""
    model = classifier(dtype=dtype)
    history = model.fit(
        x, y, sample_weight=weight, epochs=2, validation_data=(x, y, weight), verbose=0
    )
    measured = model.evaluate(x, y, sample_weight=weight)
    return bits(model), history.history, measured, model.predict(x).tobytes()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts(layout, dtype):
    make = LAYOUTS[layout]
    weight = np.arange(90) % 3 + 0.5
    wide = np.stack([weight, weight], axis=1).astype(dtype)  # a column is no contiguous array
    one_hot = np.eye(3, dtype=dtype)[Y]
    wanted = everything(X.astype(dtype), one_hot, weight, dtype)
    assert everything(make(X.astype(dtype)), make(one_hot), wide[:, 0], dtype) == wanted


TYPES = ["u1", "i1", "i2", "<i4", ">i4", "i8", "u8", "e", "<f4", ">f4", "<f8", ">f8", "g"]


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_x(kind):
    x = np.abs(ROUND) if kind.startswith("u") else ROUND
    assert everything(x.astype(kind), Y) == everything(x.astype("f4"), Y)


def test_bools():
    assert everything(X > 0, Y) == everything((X > 0).astype("f4"), Y)


@pytest.mark.parametrize("kind", [*TYPES, "object of ints"])
def test_types_of_labels(kind):
    if kind == "object of ints":
        with pytest.raises(TypeError, match="y must hold numbers, got dtype object"):
            everything(X, Y.astype(object))
    else:
        wanted = everything(X, Y)
        assert everything(X, Y.astype(kind)) == wanted
        assert everything(X, Y.astype(kind)[:, np.newaxis]) == wanted
        assert everything(X, np.stack([Y, Y], axis=1).astype(kind)[:, 0]) == wanted


@pytest.mark.parametrize("layout", ["fortran", "backwards", "read-only", "list"])
def test_images(layout):
    x, y = images()
    turn = {"backwards": lambda x: x[:, ::-1].copy()[:, ::-1]} | LAYOUTS
    one, other = image_model(), image_model()
    one.fit(x, y, verbose=0)
    other.fit(turn[layout](x), y, verbose=0)
    assert bits(other) == bits(one)
    assert other.predict(turn[layout](x)).tobytes() == one.predict(x).tobytes()


def test_one_image():
    x, y = images()
    model = image_model()
    model.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match=r"shape \(n, 8, 8\), got \(8, 8\): give x\[np.newaxis\]"):
        model.predict(x[0])
    assert model.predict(x[0][np.newaxis]).shape == (1, 4)


def without(array, row, value):
    array = np.array(array, np.float64)
    array[row] = value
    return array


BAD_X = {
    "None": (None, "x must hold numbers, got NoneType"),
    "a number": (3.0, r"x must have shape .*, got \(\)"),
    "one row": (X[0], r"got \(4,\): give x\[np.newaxis\] for one row"),
    "another width": (X[:, :3], r"x must have shape \(n, 4\), got \(90, 3\)"),
    "more axes": (X.reshape(90, 2, 2), r"(got \(90, 2, 2\)|put Flatten)"),
    "no columns": (X[:, :0], r"x must have .*\(90, 0\)"),
    "objects": (X.astype(object), "x must hold numbers, got dtype object"),
    "complex": (X.astype(complex), "x must hold numbers, got dtype complex128"),
    "strings": (X.astype(str), "x must hold numbers, got strings"),
    "dates": (ROUND.astype("M8[s]"), "x must hold numbers, got dtype datetime64"),
    "ragged": ([[1, 2], [3]], "x must be a regular array of numbers"),
    "a set": ({1, 2}, "x must hold numbers, got set"),
    "masked": (np.ma.masked_less(X, 0), "x must not have masked entries"),
}


@pytest.mark.parametrize("what", BAD_X)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "validation"])
def test_bad_x(what, method):
    bad, message = BAD_X[what]
    model = classifier()
    model.build(4)
    calls = {
        "fit": lambda: model.fit(bad, Y, verbose=0),
        "evaluate": lambda: model.evaluate(bad, Y),
        "predict": lambda: model.predict(bad),
        "validation": lambda: model.fit(X, Y, validation_data=(bad, Y), verbose=0),
    }
    before = bits(model)
    prefix = "validation_data: " if method == "validation" else ""
    with pytest.raises((TypeError, ValueError), match=f"^{prefix}.*{message}"):
        calls[method]()
    assert bits(model) == before


BAD_Y = {
    "None": (None, "y must (hold numbers|be an array), got None"),
    "fewer": (Y[:-1], "y must have a row for each of the 90 rows of x, got 89"),
    "none": ([], "y must have a row for each of the 90 rows of x, got 0"),
    "one": (1, r"y must be labels .* got shape \(\)"),
    "negative": (without(Y, 7, -1), "y must hold whole numbers from 0 to 2, got -1.0 in row 7"),
    "too large": (without(Y, 7, 3), "got 3.0 in row 7"),
    "a wild one": (np.where(np.arange(90) == 7, 2**32, Y), "got 4294967296 in row 7"),
    "between": (without(Y, 7, 0.5), "got 0.5 in row 7"),
    "NaN": (without(Y, 7, np.nan), "got nan in row 7"),
    "infinite": (without(Y, 7, np.inf), "got inf in row 7"),
    "names": (["a", "b", "c"] * 30, "encode the classes"),
    "objects": (Y.astype(object), "dtype object"),
    "another width": (np.eye(4)[Y], r"rows of shape \(n, 3\), got shape \(90, 4\)"),
    "NaN in a row": (without(np.eye(3)[Y], (7, 1), np.nan), "got nan in row 7, column 1"),
    "negative in a row": (without(np.eye(3)[Y], (7, 1), -1), "got -1.0 in row 7, column 1"),
    "more axes": (np.zeros((90, 3, 1)), r"got shape \(90, 3, 1\)"),
}


@pytest.mark.parametrize("what", BAD_Y)
@pytest.mark.parametrize("method", ["fit", "evaluate", "validation"])
def test_bad_y(what, method):
    bad, message = BAD_Y[what]
    model = classifier()
    if method == "evaluate":
        model.build(4)
    calls = {
        "fit": lambda: model.fit(X, bad, verbose=0),
        "evaluate": lambda: model.evaluate(X, bad),
        "validation": lambda: model.fit(X, Y, validation_data=[X, bad], verbose=0),
    }
    prefix = "validation_data: " if method == "validation" else ""
    with pytest.raises((TypeError, ValueError), match=f"^{prefix}.*{message}"):
        calls[method]()
    assert method == "evaluate" or model.input_shape is None  # an error builds nothing
    model.fit(X, Y, verbose=0)


BAD_WEIGHT = {
    "too few": (np.ones(89), r"must have shape \(90,\), a weight for each row, got \(89,\)"),
    "a number": (1.0, "must have shape"),
    "negative": (without(np.ones(90), 7, -1), "not negative, got -1.0 in row 7"),
    "NaN": (without(np.ones(90), 7, np.nan), "not negative, got nan in row 7"),
    "infinite": (without(np.ones(90), 7, np.inf), "got inf in row 7"),
    "infinite in float32": (without(np.ones(90), 7, 1e300), r"got 1e\+300 in row 7"),
    "nothing to divide by": (np.full(90, 1e-42), "at least 1.18e-38, got 1e-42 in row 0"),
    "zeros": (np.zeros(90), "must hold a weight above 0, got zeros only"),
    "two columns": (np.ones((90, 2)), "must have shape"),
    "strings": (["1"] * 90, "must hold numbers, got strings"),
}


@pytest.mark.parametrize("what", BAD_WEIGHT)
def test_bad_weights(what):
    bad, message = BAD_WEIGHT[what]
    model = classifier()
    model.build(4)
    for prefix, call in (
        ("", lambda: model.fit(X, Y, sample_weight=bad, verbose=0)),
        ("", lambda: model.evaluate(X, Y, sample_weight=bad)),
        ("validation_data: ", lambda: model.fit(X, Y, validation_data=(X, Y, bad), verbose=0)),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{prefix}sample_weight .*{message}"):
            call()


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive integer, got 0"),
        ({"batch_size": 32.0}, "batch_size must be a positive integer, got 32.0"),
        ({"epochs": -1}, "epochs must be a non-negative integer, got -1"),
        ({"epochs": "3"}, "epochs must be"),
        ({"shuffle": 1}, "shuffle must be True or False, got 1"),
        ({"verbose": 3}, "verbose must be 'auto', 0, 1 or 2, got 3"),
        ({"verbose": [1]}, r"verbose must be 'auto', 0, 1 or 2, got \[1\]"),
        ({"verbose": np.ones(2)}, "verbose must be .* got an array of shape .2,."),
        ({"validation_split": 1.0}, "validation_split must be at least 0 and less than 1"),
        ({"validation_split": -0.1}, "validation_split must be"),
        ({"validation_split": np.nan}, "validation_split must be"),
        ({"validation_split": 0.001}, "validation_split must leave rows .*, got 0.001 of 90"),
        ({"validation_split": 0.999}, "validation_split must leave rows .*, got 0.999 of 90"),
        ({"validation_split": 0.5, "validation_data": (X, Y)}, "must be 0 where validation_data"),
        (
            {"validation_split": 0.5, "sample_weight": without(np.zeros(90), 3, 1)},
            "validation_split must leave weights above 0 .*, got 0.5",
        ),
        ({"validation_data": X}, r"validation_data must be \(x, y\).*, got ndarray"),
        ({"validation_data": (X,)}, r"validation_data must be \(x, y\)"),
        ({"validation_data": (X, Y, None, None)}, r"validation_data must be \(x, y\)"),
        ({"validation_data": {"x": X, "y": Y}}, r"validation_data must be .*, got dict"),
        ({"callbacks": print}, "callbacks must be a list of Callback objects"),
        (
            {"callbacks": np.zeros(3)},
            r"callbacks must hold Callback objects, got (np\.float64\()?0\.0",
        ),
        ({"callbacks": np.zeros(())}, "callbacks must "),
        ({"callbacks": X}, "callbacks must hold Callback objects, got an array of shape .4,."),
        ({"callbacks": [print]}, "callbacks must hold Callback objects"),
        ({"callbacks": [__import__("cynn.callbacks").callbacks.Callback]}, "must hold Callback"),
    ],
)
def test_bad_settings_of_fit(named, message):
    model = classifier()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, Y, **({"verbose": 0} | named))
    assert model.input_shape is None and model.history is None
    model.fit(X, Y, verbose=0)


def test_no_rows():
    model = classifier()
    with pytest.raises(ValueError, match=r"x must have at least one row, got shape \(0, 4\)"):
        model.fit(X[:0], Y[:0], verbose=0)
    model.build(4)
    assert model.predict(X[:0]).shape == (0, 3)
    measured = model.evaluate(X[:0], Y[:0])
    assert set(measured) == {"loss", "accuracy"} and np.isnan(list(measured.values())).all()
    one = classifier()
    one.fit(X[:1], Y[:1], verbose=0)  # one row is enough


@pytest.mark.parametrize(
    ("bad", "kind"),
    [(np.nan, "f4"), (np.inf, "f4"), (-np.inf, "f8"), (1e39, "f8"), (np.longdouble("1e400"), "g")],
)
def test_non_finite_inputs_are_refused(bad, kind):
    """What float32 cannot hold is refused by `fit`, and propagated by `predict`."""
    x = X.astype(kind)
    x[7, 2] = bad
    model = classifier()
    with pytest.raises(ValueError, match="x must .* finite in float32, got .* row 7, column 2"):
        model.fit(x, Y, verbose=0)
    model.fit(X, Y, verbose=0)
    if kind != "g":
        got, wanted = model.predict(x), model.predict(X)
        assert np.isnan(got[7]).any() or not np.array_equal(got[7], wanted[7])
        rest = np.arange(90) != 7
        assert np.array_equal(got[rest], wanted[rest])
    if kind == "f8" and np.isfinite(bad):
        classifier(dtype="float64").fit(x, Y, verbose=0)


def test_overflow_of_float32_is_an_error():
    model = Model([Dense(3), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    with pytest.raises(FloatingPointError, match="^loss must .* before the first step: scale x"):
        model.fit(np.full((4, 2), 3e38, "f4"), np.zeros(4), verbose=0)


def test_data_that_changes_during_a_fit():
    """The result is unspecified, but the process does not crash and labels stay valid."""
    x, y = blobs(3000)
    x, y = np.repeat(x, 40, axis=1), y.astype(np.int32)
    model = classifier(hidden=64)
    over = threading.Event()

    def change():
        while not over.is_set():
            y[:], x[:] = 2**31 - 1, np.nan
            y[:], x[:] = -5, 1

    thread = threading.Thread(target=change)
    good = y.copy()
    model.fit(x, good, verbose=0)
    thread.start()
    try:
        for _ in range(20):
            y[:], x[:] = good, 0
            try:
                model.fit(x, y, epochs=3, verbose=0)
                model.evaluate(x, y)
            except (ValueError, FloatingPointError):
                pass
            model.predict(x)
    finally:
        over.set()
        thread.join()


def test_a_metric_that_cannot_take_the_targets_fails_before_the_first_step():
    model = classifier(metrics=["accuracy", "mse"])
    model.build(4)
    before = [part.copy() for part in model.get_weights()]
    for call in (
        lambda: model.fit(X, Y, verbose=0),
        lambda: model.fit(X, Y, validation_split=0.5, verbose=0),
        lambda: model.fit([(X, Y)], verbose=0),
        lambda: model.evaluate(X, Y),
    ):
        with pytest.raises(ValueError, match=r"^metric 'mse': y must have shape \(n, 3\), got"):
            call()
    one_hot = np.eye(3)[Y]
    for rows in ((X, one_hot), ([(X, one_hot)],)):
        with pytest.raises(ValueError, match="^validation_data: metric 'mse': y must have shape"):
            model.fit(*rows, validation_data=(X, Y), verbose=0)
    assert all(map(np.array_equal, before, model.get_weights())) and model.epochs == 0


def test_weights_whose_sum_overflows_are_refused():
    model = Model([Dense(3, "softmax")], dtype="float64")
    model.compile("sgd", "cross_entropy", ["accuracy"])
    with pytest.raises(ValueError, match=r"^sample_weight must have a finite sum, got .* 1e\+307"):
        model.fit(X, Y, sample_weight=np.full(90, 1e307), verbose=0)
    with pytest.raises(ValueError, match="^class_weight must"):
        model.fit(X, Y, sample_weight=np.full(90, 1e200), class_weight=[1e200] * 3, verbose=0)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("x", "convert them first, for example to float32; words of a table are encoded with "),
        ("sample_weight", "convert them first"),
        ("y", "encode the classes as whole numbers from 0 first"),
    ],
)
def test_strings_are_told_from_classes(name, advice):
    data = {"x": X, "y": Y, "sample_weight": np.ones(len(X))}
    data[name] = data[name].astype(str)
    said = rf"^{name} must hold numbers, got strings \(dtype <U\d+\): {advice}"
    with pytest.raises(TypeError, match=said):
        classifier().fit(**data, verbose=0)
