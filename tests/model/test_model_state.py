"""The state of a model: building, compiling, weights, summary, repr, copies."""

import copy
import pickle

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn.layers import Activation, Dense, Flatten, Rescale
from cynn.losses import CrossEntropy
from cynn.optimizers import SGD
from models import bits, blobs, classifier, image_model, trained

X, Y = blobs()


def test_build():
    model = classifier()
    assert model.input_shape is None
    model.build(4)
    assert model.input_shape == (4,)
    first = model.get_weights()
    assert [w.shape for w in first] == [(4, 8), (8,), (8, 3), (3,)]
    assert not first[1].any() and first[0].std() > 0.1
    model.build((4,))  # once is enough
    model.build(np.int64(4))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), first, strict=True))
    with pytest.raises(
        RuntimeError, match=r"must be \(4,\), for which the model is built, got \(5,\)"
    ):
        model.build(5)
    by_fit = classifier()
    by_fit.fit(X, Y, epochs=0, verbose=0)
    assert bits(by_fit) == bits(model)
    image_model().build([8, 8])


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (0, ValueError, "input_shape must be a positive integer, got 0"),
        (4.0, TypeError, "input_shape must be a positive integer, got 4.0"),
        (True, TypeError, "input_shape"),
        ("4", TypeError, "input_shape"),
        (None, TypeError, "input_shape"),
        ((4, -1), ValueError, r"input_shape\[1\]"),
        ((2, 2), ValueError, "put Flatten"),
        ((), ValueError, "put Flatten"),
        (2**45, ValueError, "at most 2\\^40 weights"),
        (10**30, ValueError, "layers must fit into memory, got .* for rows of shape"),
    ],
)
def test_build_refuses(shape, error, message):
    model = classifier()
    with pytest.raises(error, match=message):
        model.build(shape)
    assert model.input_shape is None
    model.build(4)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "at least one layer"),
        (Dense(3), TypeError, "a list of layers"),
        (None, TypeError, "a list of layers"),
        ([Dense], TypeError, r"layers\[0\] must be a layer such as Dense\(10\)"),
        ([Dense(3), "relu"], TypeError, r"layers\[1\]"),
        ([Dense(3), 10], TypeError, r"layers\[1\]"),
    ],
)
def test_invalid_models(layers, error, message):
    with pytest.raises(error, match=message):
        Model(layers)


@pytest.mark.parametrize(
    "named",
    [{"dtype": "int32"}, {"dtype": "float16"}, {"dtype": None}, {"dtype": "real"}]
    + [{"seed": -1}, {"seed": 1.5}, {"seed": True}, {"seed": "0"}],
)
def test_bad_settings(named):
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(named))} must be"):
        Model([Dense(3)], **named)


def test_compile_refuses_and_changes_nothing():
    model = trained()
    before, was = bits(model), (model.optimizer, model.loss, model.metrics)
    for named, message in (
        ({"optimizer": "ada"}, "optimizer must be one of 'sgd'"),
        ({"optimizer": SGD}, "optimizer must be .* got a class: make an object"),
        ({"loss": "hubert"}, "loss must be one of"),
        ({"loss": CrossEntropy(from_logits=True)}, "must be 'identity' for from_logits=True"),
        ({"metrics": 3}, r"metrics must be a list such as \['accuracy'\]"),
        ({"metrics": ["speed"]}, "metric must be one of"),
        ({"metrics": [None]}, "metric must be a name"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            model.compile(**named)
    assert (model.optimizer, model.loss, model.metrics) == was and bits(model) == before
    model.compile(SGD(0.1, 0.9))
    assert not any(part.any() for part in model.get_optimizer_state())  # starts again at zero


def test_methods_called_too_early():
    model = Model([Dense(3, "softmax")])
    for call in (lambda: model.fit(X, Y), lambda: model.evaluate(X, Y)):
        with pytest.raises(RuntimeError, match="no loss and optimizer yet: call compile first"):
            call()
    model.compile()
    for call in (
        lambda: model.predict(X),
        lambda: model.evaluate(X, Y),
        model.get_weights,
        model.get_optimizer_state,
        lambda: model.set_weights([]),
        lambda: model.save("never-written"),
    ):
        with pytest.raises(RuntimeError, match=r"no weights yet: call build\(input_shape\) or fit"):
            call()
    model = Model([Dense(3, "softmax")], seed=0)
    model.build(4)
    assert model.predict(X).shape == (90, 3)  # a loss is not needed for that


# ---- weights ------------------------------------------------------------------------------------


def test_weights_round_trip():
    one, other = trained(), classifier(seed=5)
    other.build(4)
    given = one.get_weights()
    other.set_weights([np.asfortranarray(given[0]), given[1].tolist(), *given[2:]])
    other.set_optimizer_state(tuple(one.get_optimizer_state()))
    assert bits(other) == bits(one)
    assert other.predict(X).tobytes() == one.predict(X).tobytes()
    for array in one.get_weights():
        array[...] = 0  # a copy
    assert bits(one) == bits(other)


@pytest.mark.parametrize("method", ["set_weights", "set_optimizer_state"])
def test_weights_that_do_not_fit(method):
    model = trained()
    good, before = model.get_weights(), bits(model)
    for bad, message in (
        (good[:-1], "must hold 4 arrays, got 3"),
        ([*good, good[0]], "must hold 4 arrays, got 5"),
        ([good[0].T, *good[1:]], r"\[0\] must have shape \(4, 8\), got \(8, 4\)"),
        ([*good[:3], good[3][:, None]], r"\[3\] must have shape \(3,\), got \(3, 1\)"),
        ([*good[:3], ["a", "b", "c"]], r"\[3\] must hold numbers"),
        ([*good[:3], None], r"\[3\] must hold numbers"),
        (np.ones(3), "must be a list of arrays, got ndarray"),
        (None, "must be a list of arrays, got NoneType"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            getattr(model, method)(bad)
    assert bits(model) == before


# ---- looks --------------------------------------------------------------------------------------


def test_summary(capsys):
    model = Model([Flatten(), Rescale(1 / 255), Dense(128, "relu"), Dense(10, "softmax")], seed=0)
    model.summary()
    assert "not built yet" in capsys.readouterr().out
    model.build((28, 28))
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[2:6]] == ["0", "0", "100,480", "1,290"]
    assert lines[0].split() == ["layer", "output", "parameters"]
    assert lines[-1].split() == ["total", "101,770"] and "(784,)" in lines[2]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    "model",
    [
        Model([Dense(3)], seed=1),
        Model([Flatten(), Rescale(0.5, -1), Activation("tanh")], dtype="float64", seed=2**70),
    ],
)
def test_repr_recreates_the_model(model):
    made = eval(repr(model))
    assert repr(made) == repr(model)
    assert (made.layers, made.dtype, made.seed) == (model.layers, model.dtype, model.seed)


# ---- copies -------------------------------------------------------------------------------------

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_trains_independently(how):
    model = trained()
    twin = COPIES[how](model)
    before = bits(model)
    assert bits(twin) == before and twin.predict(X).tobytes() == model.predict(X).tobytes()
    assert twin.epochs == 3 and twin.history.history == model.history.history
    twin.fit(X, Y, epochs=2, verbose=0)
    assert bits(model) == before
    model.fit(X, Y, epochs=2, verbose=0)
    assert bits(twin) == bits(model)


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_model_that_is_not_built_or_compiled(how):
    twin = COPIES[how](classifier())
    twin.fit(X, Y, epochs=3, verbose=0)
    assert bits(twin) == bits(trained())
    raw = Model([Dense(3, "softmax")], seed=0)
    raw.build(4)
    assert np.array_equal(COPIES[how](raw).predict(X), raw.predict(X))


def test_layers_are_shared_without_harm():
    layers = [Dense(8, "relu"), Dense(3, "softmax")]
    one, other = Model(layers, seed=0), Model(layers, seed=0)
    one.compile(SGD(0.1, 0.9), metrics=["accuracy"])
    one.fit(X, Y, verbose=0)
    other.build(4)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


class Wider(Model):
    """A subclass with the same arguments and one more method."""

    def best(self, x):
        return self.predict(x).argmax(axis=1)


def test_a_subclass(tmp_path):
    model = Wider([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    model.compile(SGD(0.1, 0.9), metrics=["accuracy"])
    model.note = "mine"
    model.fit(X, Y, epochs=3, verbose=0)
    assert bits(model) == bits(trained())
    model.save(tmp_path / "wider")
    for twin in (copy.deepcopy(model), Wider.load(tmp_path / "wider")):
        assert type(twin) is Wider and np.array_equal(twin.best(X), model.best(X))
    assert copy.deepcopy(model).note == "mine"


class Digits(Model):
    """A subclass whose constructor takes other arguments."""

    def __init__(self, hidden, *, classes):
        super().__init__([Dense(hidden, "relu"), Dense(classes, "softmax")], seed=0)


def test_a_subclass_with_arguments_of_its_own(tmp_path):
    model = Digits(8, classes=3)
    model.compile(SGD(0.1, 0.9), metrics=["accuracy"])
    model.fit(X, Y, epochs=3, verbose=0)
    model.save(tmp_path / "digits")
    for twin in (copy.deepcopy(model), Digits.load(tmp_path / "digits")):
        assert type(twin) is Digits and bits(twin) == bits(model) == bits(trained())
        twin.fit(X, Y, epochs=4, initial_epoch=3, verbose=0)


def test_package_metadata():
    assert cynn.__all__ == [
        "Model",
        "__version__",
        "get_num_threads",
        "keep_threads",
        "set_num_threads",
    ]
    assert all(hasattr(cynn, name) for name in cynn.__all__)
