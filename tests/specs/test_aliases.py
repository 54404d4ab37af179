"""Words of other libraries are taken where they mean the same; else an error says what they are."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import cynn
from cynn import Model, activations, callbacks, initializers, layers, losses, metrics, optimizers
from cynn._specs import aliases, names
from cynn._specs.validation import listed, shown
from cynn.layers import Dense
from cynn.schedules import Schedule

GET = {
    "activation": lambda name: Dense(1, name).activation,
    "loss": losses.get,
    "metric": lambda name: repr(metrics.get(name)),
    "optimizer": optimizers.get,
    "initializer": initializers.get,
}


@pytest.mark.parametrize("kind", GET)
def test_synonyms_are_taken(kind):
    assert set(GET) == set(aliases.SYNONYMS) == set(aliases.NAMES)
    for word, here in aliases.SYNONYMS[kind].items():
        assert GET[kind](word) == GET[kind](here)


@pytest.mark.parametrize("kind", GET)
def test_other_words_are_explained_whole(kind):
    for word, entry in aliases.NAMES[kind].items():
        with pytest.raises(ValueError, match=f"^{kind} must be one of ") as caught:
            GET[kind](word)
        assert str(caught.value).endswith(f", got {word!r}: {names.sentence(entry)}")


@pytest.mark.parametrize(
    ("kind", "word", "meant"),
    [
        ("activation", "rleu", "relu"),
        ("activation", "Relu", "relu"),
        ("activation", "HardSigmoid", "hard_sigmoid"),
        ("optimizer", "adam_w", "adamw"),
        ("loss", "cross_entrpy", "cross_entropy"),
        ("loss", "sparse_categorical_crossentropie", "sparse_categorical_crossentropy"),
        ("metric", "acuracy", "accuracy"),
        ("optimizer", "adamm", "adam"),
        ("initializer", "he_unifrom", "he_uniform"),
    ],
)
def test_misspelt_names(kind, word, meant):
    with pytest.raises(ValueError, match=f"got '{word}': did you mean '{meant}'[?]$"):
        GET[kind](word)


@pytest.mark.parametrize(
    ("kind", "word", "said"),
    [  # near in letters to names that mean something else
        ("loss", "logloss", "log_loss"),
        ("activation", "hardswish", "hard_swish"),
        ("activation", "logsigmoid", "log_sigmoid"),
        ("activation", "prelu", "PReLU"),
        ("optimizer", "rprop", "Rprop"),
    ],
)
def test_other_words_are_known_in_any_spelling(kind, word, said):
    sentence = names.sentence(aliases.NAMES[kind][said])
    with pytest.raises(ValueError) as caught:
        GET[kind](word)
    assert str(caught.value).endswith(f", got {word!r}: {sentence}")


def test_a_name_like_no_other_has_no_hint():
    with pytest.raises(ValueError, match=r", got 'xyzzy'$"):
        Dense(1, "xyzzy")
    with pytest.raises(ValueError, match=r", got '" + "a" * 97):
        Dense(1, "a" * 100_000)


def test_an_activation_may_be_none_or_a_function_of_that_name():
    assert Dense(1, None) == Dense(1)
    with pytest.raises(TypeError, match="got a function without its derivative: write 'tanh'$"):
        Dense(1, np.tanh)
    with pytest.raises(TypeError, match="got a function without its derivative$"):
        activations.checked("activation", abs)


MODULES = [owner for owner in aliases.ATTRIBUTES if owner.startswith("cynn")]


@pytest.mark.parametrize("module", MODULES)
def test_what_is_looked_for_in_a_module(module):
    loaded = importlib.import_module(module)
    for word, entry in aliases.ATTRIBUTES[module].items():
        text = f"{word!r} from {module!r}: {names.sentence(entry)}"
        with pytest.raises(ImportError) as caught:
            exec(f"from {module} import {word}")
        assert str(caught.value) == f"cannot import name {text}"
        with pytest.raises(AttributeError) as caught:
            getattr(loaded, word)
        assert str(caught.value).endswith(f"no attribute {word!r}: {names.sentence(entry)}")
        assert not hasattr(loaded, word)


@pytest.mark.parametrize(
    ("module", "word", "said"),
    [
        (cynn, "Dense", "here it is cynn.layers.Dense"),
        (cynn, "Mdoel", "did you mean 'Model'"),
        (layers, "ReLU", r"here it is Activation\('relu'\)"),
        (layers, "Denes", "did you mean 'Dense'"),
        (losses, "SparseCategoricalCrossentropy", "here it is CrossEntropy$"),
        (losses, "KLDivLoss", "there is none here; write cynn.losses.Custom"),
        (metrics, "TopKCategoricalAccuracy", r"here it is TopKAccuracy\(5\)"),
        (optimizers, "Nadam", "here it is NAdam$"),
        (optimizers, "Adamm", "did you mean 'Adam'"),
        (initializers, "GlorotUniform", "here it is glorot_uniform$"),
        (callbacks, "EarlyStoping", "did you mean 'EarlyStopping'"),
    ],
)
def test_classes_go_by_other_names(module, word, said):
    with pytest.raises(AttributeError, match=f"no attribute '{word}'(: )?{said}"):
        getattr(module, word)


def test_a_module_that_is_not_loaded_is_named(monkeypatch):
    import cynn.capi  # noqa: F401

    monkeypatch.delattr(cynn, "capi")  # as where nobody has imported it
    with pytest.raises(AttributeError, match="here it is a module of its own: import cynn.capi"):
        cynn.capi  # noqa: B018


def test_what_is_looked_for_in_a_model():
    model = Model([Dense(2)], seed=0)
    for word, entry in aliases.ATTRIBUTES["Model"].items():
        with pytest.raises(AttributeError) as caught:
            getattr(model, word)
        text = f"'Model' object has no attribute {word!r}: {names.sentence(entry)}"
        assert str(caught.value) == text
    with pytest.raises(AttributeError, match="no attribute 'fitt': did you mean 'fit'"):
        model.fitt  # noqa: B018


def test_what_is_looked_for_in_a_layer():
    layer = Dense(2)
    for word, entry in aliases.ATTRIBUTES["Layer"].items():
        with pytest.raises(AttributeError) as caught:
            getattr(layer, word)
        text = f"'Dense' object has no attribute {word!r}: {names.sentence(entry)}"
        assert str(caught.value) == text
    with pytest.raises(AttributeError, match="no attribute 'unit': did you mean 'units'"):
        layer.unit  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute '_units'$"):
        layer._units  # noqa: B018
    assert copy.deepcopy(layer) == layer and pickle.loads(pickle.dumps(layer)) == layer


def test_misspelt_estimators_and_functions_of_tables():
    pytest.importorskip("sklearn")
    with pytest.raises(ImportError, match="did you mean 'MLPClassifier'"):
        from cynn.estimators import MLPClasifier  # noqa: F401
    with pytest.raises(ImportError, match="did you mean 'TableEncoder'"):
        from cynn.tables import TableEncodr  # noqa: F401


def classes_of(owner):
    """Return the classes whose constructors the table of an owner is for."""
    table = {
        "Optimizer": optimizers.OPTIMIZERS.values(),
        "Layer": [kind for kind in layers.LAYERS],
        "Loss": losses.LOSSES.values(),
        "Callback": [callbacks.EarlyStopping, callbacks.ModelCheckpoint, callbacks.CSVLogger],
        "Schedule": Schedule.__subclasses__(),
        "Model": [Model],
    }
    return [kind for kind in table[owner] if kind.__init__ is not object.__init__]


@pytest.mark.parametrize("owner", ["Optimizer", "Layer", "Loss", "Callback", "Schedule", "Model"])
def test_arguments_of_constructors(owner):
    for word, entry in aliases.ARGUMENTS[owner].items():
        explained = 0
        for kind in classes_of(owner):
            try:
                kind(**{word: 1})  # some classes have it
            except (TypeError, ValueError) as error:
                explained += str(error).endswith(f"got {word!r}: {names.sentence(entry)}")
        assert explained, word


METHODS = [owner for owner in aliases.ARGUMENTS if owner.startswith("Model.")]


@pytest.mark.parametrize("owner", METHODS)
def test_arguments_of_methods(owner):
    model = Model([Dense(2)], seed=0)
    for word, entry in aliases.ARGUMENTS[owner].items():
        with pytest.raises(TypeError) as caught:
            getattr(model, owner.partition(".")[2])(**{word: 1})
        message = str(caught.value)
        assert message.startswith(f"arguments of {owner} must be among ")
        assert message.endswith(f", got {word!r}: {names.sentence(entry)}")


def test_a_type_error_from_within_is_its_own():
    model = Model([Dense(2)], seed=0)
    model.compile(loss="mse")
    with pytest.raises(TypeError, match="^x must hold numbers, got strings"):
        model.fit(x=[["a"]], y=[1], verbose=0)


def test_a_class_of_the_users_own_is_explained_too():
    class Mine(layers.Layer):
        def __init__(self, width, *, name=None):
            self.width = width
            super().__init__(name=name)

    assert Mine(3) == Mine(width=3)
    with pytest.raises(TypeError, match="arguments of Mine must be among width, name, got 'widht'"):
        Mine(widht=3)

    class Any(callbacks.Callback):
        def __init__(self, **settings):
            self.settings = settings

    assert Any(verbose=1).settings == {"verbose": 1}


def test_one_metric_or_none_is_a_list_of_them():
    model = Model([Dense(2, "softmax")], seed=0)
    for given, kept in ((None, []), ("acc", ["accuracy"]), (metrics.F1("micro"), ["micro_f1"])):
        model.compile(metrics=given)
        assert [metric.name for metric in model.metrics] == kept


def test_verbose_is_taken_where_keras_has_it(capsys):
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile(metrics="accuracy")
    x, y = np.eye(2), [0, 1]
    model.fit(x, y, verbose=False)
    for verbose in (0, 1, "auto"):
        model.predict(x, verbose=verbose)
    model.evaluate(x, y, verbose=0)
    assert capsys.readouterr().out == ""
    measured = model.evaluate(x, y, verbose=2)
    line = f"loss {measured['loss']:.4f}  accuracy {measured['accuracy']:.4f}\n"
    assert capsys.readouterr().out == line
    model.fit(x, y, verbose=True)
    assert "epoch 1/1" in "".join(capsys.readouterr())
    for use in (lambda: model.predict(x, verbose=3), lambda: model.evaluate(x, y, verbose=3)):
        with pytest.raises(ValueError, match="verbose must be 'auto', 0, 1 or 2, got 3"):
            use()


class Broken:
    def __repr__(self):
        raise ZeroDivisionError


def test_what_came_is_shown_whole_within_reason():
    assert shown("sparse_categorical_crossentropy") == "'sparse_categorical_crossentropy'"
    assert shown("two  spaces") == "'two  spaces'"
    assert shown(np.zeros((200, 200))) == "an array of shape (200, 200)"
    assert len(shown("a" * 10_000)) <= 200
    assert "Broken" in shown(Broken())
    assert listed(["price", "size"]) == "'price', 'size'"
    assert listed(["a" * 30] * 100).count("a" * 30) == 6


def test_values_without_a_name_are_counted():
    """`Model(Dense(2), Dense(1))`, as PyTorch's Sequential is called; classes of no settings."""
    with pytest.raises(TypeError, match=r"^arguments of Model without a name must be 1 at most "):
        Model(Dense(2), Dense(1))
    for kind in (losses.MeanSquaredError, metrics.Accuracy):
        with pytest.raises(TypeError, match="without a name must be 0 at most, got 1$"):
            kind(3)
        with pytest.raises(TypeError, match=f"arguments of {kind.__name__} must be among none"):
            kind(reduction="sum")


def test_the_axis_of_rows_is_no_part_of_a_shape():
    with pytest.raises(TypeError, match="got \\(None, 3\\): leave out the axis of rows$"):
        Model([Dense(1)]).build((None, 3))


def test_what_is_looked_for_in_an_optimizer():
    adam = optimizers.Adam()
    with pytest.raises(AttributeError, match="'lr': here it is model.learning_rate"):
        _ = adam.lr
    with pytest.raises(AttributeError, match="'zero_grad': here it is model.fit"):
        adam.zero_grad()
    assert pickle.loads(pickle.dumps(adam)) == copy.deepcopy(adam) == adam
