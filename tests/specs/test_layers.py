"""Layers, and what all specs share: repr, equality, dictionaries, names."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cynn import initializers, layers, losses, optimizers, schedules
from cynn._specs.activation_table import TABLE
from cynn.activations import Custom
from cynn.layers import (
    Activation,
    Clip,
    Dense,
    Embedding,
    Flatten,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Rescale,
    Residual,
)
from layer_examples import EXAMPLES


def bins(edges, columns=None, **changes):
    return PiecewiseLinearEmbedding(columns, edges, **changes)


SPECS = [
    (layers, Dense(128, "relu"), "Dense(128, 'relu')"),
    (layers, Dense(10), "Dense(10)"),
    (
        layers,
        Dense(3, kernel_initializer="he_normal", name="last"),
        "Dense(3, kernel_initializer='he_normal', name='last')",
    ),
    (layers, Dense(3, use_bias=False), "Dense(3, use_bias=False)"),
    (layers, Normalize([1, 0.5], [2, 1e-30]), "Normalize((1.0, 0.5), (2.0, 1e-30))"),
    (layers, Activation("tanh"), "Activation('tanh')"),
    (
        layers,
        Residual([Dense(2, "gelu"), Residual([Activation("relu")]), Dense(3)]),
        "Residual((Dense(2, 'gelu'), Residual((Activation('relu'),)), Dense(3)))",
    ),
    (layers, Flatten(), "Flatten()"),
    (layers, Rescale(1 / 255), "Rescale(0.00392156862745098)"),
    (layers, Rescale(2, -1), "Rescale(2.0, -1.0)"),
    (losses, losses.CrossEntropy(), "CrossEntropy()"),
    (losses, losses.BinaryCrossEntropy(from_logits=True), "BinaryCrossEntropy(True)"),
    (losses, losses.MeanSquaredError(), "MeanSquaredError()"),
    (optimizers, optimizers.SGD(), "SGD()"),
    (
        optimizers,
        optimizers.SGD(schedules.Cosine(0.1, warmup=0.05), 0.9, nesterov=True),
        "SGD(Cosine(0.1, warmup=0.05), 0.9, nesterov=True)",
    ),
    (
        optimizers,
        optimizers.SGD(momentum=0.9, weight_decay=1e-4),
        "SGD(momentum=0.9, weight_decay=0.0001)",
    ),
    (schedules, schedules.Constant(0.5), "Constant(0.5)"),
]
SPECS += [(layers, layer, repr(layer)) for layer in EXAMPLES if layer != Flatten()]


@pytest.mark.parametrize(("module", "spec", "text"), SPECS, ids=[text for *_, text in SPECS])
def test_specs_survive_repr_dictionary_pickle_and_copy(module, spec, text):
    assert repr(spec) == text
    assert eval(text, {**vars(schedules), **vars(module)}) == spec
    again = module.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert repr(again) == text
    for other in (again, pickle.loads(pickle.dumps(spec)), copy.deepcopy(spec), spec.replace()):
        assert other == spec and hash(other) == hash(spec) and type(other) is type(spec)


def test_specs_are_equal_by_configuration_alone():
    assert len({spec for _, spec, _ in SPECS}) == len(SPECS)
    assert Dense(np.int64(3)) == Dense(3) and type(Dense(np.int64(3)).units) is int
    assert Dense(3) != Dense(4) and Dense(3) != "Dense(3)"
    assert losses.CrossEntropy() != losses.BinaryCrossEntropy()  # of the same arguments
    assert json.dumps(Rescale(np.float32(0.5)).to_dict())


def test_a_spec_does_not_change():
    layer = Dense(3)
    with pytest.raises(AttributeError, match=r"cannot be changed: .* replace\(units="):
        layer.units = 4
    with pytest.raises(AttributeError, match="SGD has no argument 'lr'"):
        optimizers.SGD().lr = 0.1
    assert layer.replace(units=4) == Dense(4) and layer == Dense(3)
    with pytest.raises(ValueError, match="units must be a positive integer"):
        layer.replace(units=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "a spec must be a dictionary"),
        ([], "a spec must be a dictionary"),
        (
            {},
            "class must be one of 'Activation', 'BatchNorm', 'Clip', 'Dense', .*, got None",
        ),
        ({"class": "os.system"}, "class must be one of .* got 'os.system'"),
        ({"class": ["Dense"]}, "class must be one of"),
        ({"class": "Dense"}, "must have the argument 'units'"),
        (
            {"class": "Dense", "units": 1, "colour": 2},
            "arguments of Dense must be among .*, got 'colour'",
        ),
        ({"class": "Dense", "units": 1, 2: 2}, "must be among .*, got 2"),
        ({"class": "Dense", "units": "1"}, "units must be a positive integer, got '1'"),
        ({"class": "Dense", "units": 1.0}, "units must be a positive integer, got 1.0"),
        ({"class": "Dense", "units": -5}, "units must be a positive integer, got -5"),
        ({"class": "Rescale", "scale": float("nan")}, "scale must be a finite number, got nan"),
        ({"class": "Dense", "units": {"class": "Flatten"}}, "class must be one of"),
        ({"class": "SGD"}, "class must be one of"),
        ({"class": "Residual", "layers": [{"class": "SGD"}]}, "class must be one of"),
        ({"class": "Residual", "layers": [[]]}, "must be a layer"),
        ({"class": "Residual", "layers": {"class": "Dense", "units": 3}}, "class must be one of"),
    ],
)
def test_bad_dictionaries_are_value_errors(data, message):
    with pytest.raises(ValueError, match=message):
        layers.from_dict(data)


def test_an_inner_spec_must_be_a_schedule():
    inner = {"class": "SGD", "learning_rate": {"class": "SGD"}}
    with pytest.raises(ValueError, match="class must be one of 'Constant', 'Cosine'"):
        optimizers.from_dict(inner)


@pytest.mark.parametrize("units", [0, -1, np.int32(0)])
def test_units_out_of_bounds(units):
    with pytest.raises(ValueError, match=rf"^units must be a positive integer, got {units}$"):
        Dense(units)


@pytest.mark.parametrize("units", [True, np.True_, 1.0, np.nan, "3", None, (3,), np.array([3])])
def test_units_of_the_wrong_type(units):
    with pytest.raises(TypeError, match="^units must be a positive integer, got "):
        Dense(units)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(3, "Relu"), ValueError, "activation must be one of 'identity', 'relu'"),
        (lambda: Dense(3, kernel_initializer="he"), ValueError, "kernel_initializer must be one"),
        (lambda: Dense(3, bias_initializer="auto"), ValueError, "bias_initializer must be one of"),
        (lambda: Dense(3, name=""), TypeError, "name must be a string"),
        (lambda: Flatten(name=3), TypeError, "name must be a string"),
        (lambda: Activation("gelus"), ValueError, "activation must be one of .*, got 'gelus'"),
        (lambda: Dense(3, use_bias=1), TypeError, "use_bias must be True or False, got 1"),
        (
            lambda: Normalize([1], [0]),
            ValueError,
            r"std\[0\] must be .* at least 1e-37",
        ),
        (lambda: Normalize([1], [np.inf]), ValueError, r"std\[0\] must be a finite number, at"),
        (
            lambda: Normalize([np.nan], [1]),
            ValueError,
            r"mean\[0\] must be a finite number, got",
        ),
        (lambda: Normalize([1, 2], [1]), ValueError, "std must hold 2 numbers like mean, got 1"),
        (lambda: Normalize([], []), ValueError, "mean must hold at least one number"),
        (lambda: Normalize(1, 1), TypeError, "mean must be a list of numbers, got 1"),
        (lambda: Normalize.adapt([]), ValueError, "x must hold rows of numbers"),
        (lambda: Normalize.adapt([[1, np.nan]]), ValueError, "x must hold finite numbers"),
        (lambda: Normalize.adapt([["a"]]), TypeError, "x"),
        (lambda: Residual([]), ValueError, "layers must hold at least one layer, got none"),
        (lambda: Residual(Dense(3)), TypeError, "layers must be a list of layers, got Dense"),
        (lambda: Residual([3]), TypeError, r"layers\[0\] must be a layer such as .*, got 3"),
        (lambda: Residual([Dense]), TypeError, r"layers\[0\] must be a layer such as"),
        (lambda: Embedding([], []), ValueError, "columns must hold at least one number, got none"),
        (
            lambda: Embedding([0, 0], [1, 1]),
            ValueError,
            "columns must name each column once, got 0",
        ),
        (lambda: Embedding([-1], [1]), ValueError, r"columns\[0\] must be a non-negative integer"),
        (lambda: Embedding([0.0], [1]), TypeError, r"columns\[0\] must be a non-negative integer"),
        (lambda: Embedding(0, 1), TypeError, "columns must be a list of whole numbers, got 0"),
        (
            lambda: Embedding([0], [1, 2]),
            ValueError,
            "sizes must hold 1 numbers like columns, got 2",
        ),
        (lambda: Embedding([0], [1 << 25]), ValueError, "sizes must be at most 16777216, got"),
        (lambda: Embedding([0], [1], 1 << 21), ValueError, "units must be at most 1048576, got"),
        (lambda: PeriodicEmbedding(units=1), ValueError, "units must be an integer of at least 2"),
        (lambda: PeriodicEmbedding(frequencies=257), ValueError, "frequencies must be at most 256"),
        (
            lambda: PeriodicEmbedding(frequencies=3, cos_bias=False),
            ValueError,
            "frequencies must be even without cos_bias, .*, got 3",
        ),
        (lambda: PeriodicEmbedding(sigma=0), ValueError, "sigma must be a finite number above 0"),
        (lambda: PeriodicEmbedding(activation="tanh"), ValueError, "activation must be one of"),
        (lambda: bins([]), TypeError, "bins must be a list with the edges of each column, got "),
        (lambda: bins("ab"), TypeError, "bins must be a list with the edges of each column, got"),
        (lambda: bins([0, 1]), TypeError, r"bins\[0\] must be a list of numbers, got 0"),
        (
            lambda: bins([[0, 1], [2]]),
            ValueError,
            r"bins\[1\] must hold from 2 to 257 edges, got 1",
        ),
        (lambda: bins([range(258)]), TypeError, r"bins\[0\] must be a list of numbers, got range"),
        (lambda: bins([[*range(258)]]), ValueError, "must hold from 2 to 257 edges, got 258"),
        (lambda: bins([[0, 1, 1]]), ValueError, r"bins\[0\] must ascend, .* got 1.0 after 1.0"),
        (lambda: bins([[-1e308, 1e308]]), ValueError, r"bins\[0\] must ascend, by a finite width"),
        (
            lambda: bins([[0, np.inf]]),
            ValueError,
            r"bins\[0\]\[1\] must be a finite number, got inf",
        ),
        (lambda: bins([[0, 1]], [0, 1]), ValueError, "bins must hold those of 2 columns, .* got 1"),
        (lambda: bins([[0, 1]], version="C"), ValueError, "version must be one of 'A', 'B', got"),
        (lambda: bins([[0, 1]], activation="tanh"), ValueError, "activation must be one of"),
        (lambda: bins([[0, 1]], units=0), ValueError, "units must be a positive integer, got 0"),
        (lambda: PiecewiseLinearEmbedding.adapt([1, 2]), ValueError, "x must hold rows of numbers"),
        (
            lambda: PiecewiseLinearEmbedding.adapt([[1, 2], [1, 3]]),
            ValueError,
            "x must have different numbers in each embedded column, got 1.0 alone in column 0: "
            "leave it out of columns",
        ),
        (
            lambda: PiecewiseLinearEmbedding.adapt([[np.nan, 2], [np.nan, 3]], [0]),
            ValueError,
            "x must have different numbers .* got none in column 0",
        ),
        (
            lambda: PiecewiseLinearEmbedding.adapt([[1, np.inf], [2, 1]]),
            ValueError,
            "x must hold finite numbers, .* got inf in row 0, column 1",
        ),
        (
            lambda: PiecewiseLinearEmbedding.adapt([[1], [2]], n_bins=257),
            ValueError,
            "n_bins must be at most 256, got 257",
        ),
        (
            lambda: PiecewiseLinearEmbedding.adapt([[1], [2]], [1]),
            ValueError,
            "columns must be below the 1 of x, got 1",
        ),
        (lambda: ParametricActivation("none"), ValueError, "activation must be one of"),
        (
            lambda: ParametricActivation(Custom(np.sin, np.cos)),
            TypeError,
            "activation must be a name for ParametricActivation, got the user-defined",
        ),
        (lambda: Clip(1, 0), ValueError, "low must be at most high, got 1.0 and 0.0"),
        (lambda: Clip([0, 2], 1), ValueError, "low must be at most high, got 2.0 and 1.0"),
        (lambda: Clip([0], [1, 1]), ValueError, "high must hold 1 numbers like low, got 2"),
        (lambda: Clip(0, np.inf), ValueError, "high must be a finite number, got inf"),
        (lambda: Clip("0", 1), TypeError, "low must be a finite number, got '0'"),
        (lambda: Rescale(np.inf), ValueError, "scale must be a finite number, got inf"),
        (lambda: Rescale(1, np.nan), ValueError, "offset must be a finite number, got nan"),
        (lambda: Rescale(True), TypeError, "scale must be a finite number, got True"),
        (lambda: Rescale(10**400), ValueError, "scale must be a finite number, got inf"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_shapes_and_steps():
    shape = (28, 28)
    steps = []
    for layer in [Rescale(1 / 255), Flatten(), Dense(5, "relu"), Activation("softmax")]:
        shape = layer.output_shape(shape)
        steps.append((shape, layer.step()))
    assert steps == [
        ((28, 28), ("rescale", 1 / 255, 0.0)),
        ((784,), None),
        ((5,), ("dense", 5, "relu")),
        ((5,), ("activation", "softmax")),
    ]
    assert Flatten().output_shape(()) == (1,)


@pytest.mark.parametrize("layer", [Dense(5), Activation("softmax")])
@pytest.mark.parametrize("shape", [(28, 28), ()])
def test_layers_that_need_rows_of_numbers(layer, shape):
    with pytest.raises(ValueError, match=r"put Flatten\(\) before it"):
        layer.output_shape(shape)


def test_where_the_numbers_of_an_embedding_come_from():
    assert Embedding([2, 0], [3, 3], 2).sources(4) == [1, 3, 2, 2, 0, 0]
    assert PeriodicEmbedding([2, 0], units=3).sources(3) == [0, 1, 2, 2, 2, 0, 0]
    assert PeriodicEmbedding([2], units=1, with_input=False).sources(3) == [0, 1, 2]
    assert bins([[0, 1], [2, 3]], [2, 0], units=2).sources(3) == [1, 2, 2, 0, 0]
    assert bins([[0, 1], [2, 3]], units=2).sources(2) == [0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"rows must have 1 numbers, as the bins of .*, got 2"):
        bins([[0, 1]]).output_shape((2,))
    of_bins = bins([[0, 1], [0, 1]], [0, 2])
    for layer in (Embedding([2, 0], [3, 3], 2), PeriodicEmbedding([0, 2]), of_bins):
        with pytest.raises(ValueError, match="columns of .* must be below the 2 of a row, got 2"):
            layer.output_shape((2,))
    with pytest.raises(ValueError, match="rows must have 2 numbers, as the limits of Clip"):
        Clip([0, 0], 1).output_shape((3,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_weights_of_embeddings(dtype):
    rng = np.random.default_rng(0)
    (table,) = Embedding([1], [4000], 5).initial_weights(2, rng, dtype)
    w, b, of_map, bias = PeriodicEmbedding(frequencies=64, sigma=0.25).initial_weights(
        300, rng, dtype
    )
    assert {part.dtype for part in (table, w, b, of_map, bias)} == {np.dtype(dtype)}
    assert abs(table.std() - 1) < 0.02 and abs(table.mean()) < 0.02
    assert abs(w.std() - 0.25) < 0.01 and abs(w.mean()) < 0.01
    for part, bound in ((b, np.pi), (of_map, 1 / 8), (bias, 1 / 8)):
        assert 0.95 * bound < part.max() <= bound and -bound <= part.min() < -0.95 * bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_weights_of_bins(dtype):
    """Version B begins as a line, whose weights have the deviation of a layer of one input."""
    rng, edges = np.random.default_rng(0), np.arange(17.0)
    many = np.tile(edges, (200, 1))
    linear, bias, weight = bins(many, units=64).initial_weights(200, rng, dtype)
    assert linear.shape == bias.shape == (200, 64) and weight.shape == (16 * 200, 64)
    assert not weight.any()
    of_a = bins([*many[:-1], edges[:3]], units=64, version="A").initial_weights(200, rng, dtype)
    assert [part.shape for part in of_a] == [(200, 64), (16 * 199 + 2, 64)]
    assert {part.dtype for part in (linear, bias, weight, *of_a)} == {np.dtype(dtype)}
    for part, bound in ((linear, 1 / 8), (bias, 1 / 8), (of_a[0], 1 / 4), (of_a[1], 1 / 4)):
        assert 0.95 * bound < part.max() <= bound and -bound <= part.min() < -0.95 * bound


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-20, 20), min_size=2, max_size=60).filter(lambda x: len(set(x)) > 1),
    st.integers(1, 20),
)
def test_bins_adapt_to_the_data(eighths, n_bins):
    x = np.array(eighths) / 8
    layer = PiecewiseLinearEmbedding.adapt(np.column_stack([x * 0, x]), [1], 3, n_bins=n_bins)
    (edges,) = layer.bins
    assert (layer.columns, layer.units, layer.version) == ((1,), 3, "B")
    assert edges[0] == x.min() and edges[-1] == x.max() and (np.diff(edges) > 0).all()
    wanted = np.quantile(x, np.linspace(0, 1, n_bins + 1))
    assert len(edges) <= n_bins + 1
    assert all(abs(wanted - edge).min() < 1e-12 for edge in edges)
    assert all(abs(np.array(edges) - each).min() < 1e-12 for each in wanted)
    assert len(edges) == len(np.unique(wanted.round(9)))  # none twice by rounding


def test_adapt_hands_on_what_it_is_told():
    x = [[1.0, np.nan], [3.0, 2.0], [2.0, 4.0]]
    settings = {"version": "A", "activation": "relu", "learning_rate_factor": 2.0, "name": "first"}
    layer = PiecewiseLinearEmbedding.adapt(x, n_bins=2, weight_decay_factor=0.0, **settings)
    wanted = bins([[1, 2, 3], [2, 3, 4]], weight_decay_factor=0.0, **settings)
    assert layer == wanted and layer.units == 16
    assert bins(np.array([[0, 1], [2, 3]])).bins == ((0.0, 1.0), (2.0, 3.0))


@pytest.mark.parametrize("shape", [5, None, "ab", (2.0,), (True,)])
def test_shapes_of_the_wrong_type(shape):
    with pytest.raises(TypeError, match="input_shape"):
        Flatten().output_shape(shape)


def test_sizes_must_be_positive():
    with pytest.raises(ValueError, match=r"input_shape\[1\] must be a positive integer, got 0"):
        Flatten().output_shape((3, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", layers.ACTIVATIONS)
def test_auto_is_what_the_table_says(activation, dtype):
    draw = initializers.get(TABLE[activation].first_weights)
    w, b = Dense(30, activation).initial_weights(20, np.random.default_rng(7), dtype)
    np.testing.assert_array_equal(w, draw((20, 30), np.random.default_rng(7), dtype))
    assert w.dtype == b.dtype == dtype and b.shape == (30,) and not b.any()
    assert [w.shape, b.shape] == Dense(30, activation).weight_shapes(20)


def test_initializers_by_name():
    layer = Dense(3, kernel_initializer="zeros", bias_initializer="lecun_normal")
    w, b = layer.initial_weights(2, np.random.default_rng(0))
    assert not w.any() and b.all() and b.shape == (3,)


def test_layers_without_weights_have_none():
    assert Flatten().initial_weights(3, np.random.default_rng(0)) == []
    assert Rescale(1).weight_shapes(3) == []


@pytest.mark.parametrize(
    ("module", "name", "wanted"),
    [
        (losses, "cross_entropy", losses.CrossEntropy()),
        (losses, "binary_cross_entropy", losses.BinaryCrossEntropy()),
        (losses, "mse", losses.get("mean_squared_error")),
        (optimizers, "sgd", optimizers.SGD()),
    ],
)
def test_get_takes_names_and_objects(module, name, wanted):
    kinds = {losses: "a Loss", optimizers: "an Optimizer"}
    assert module.get(name) == wanted
    assert module.get(wanted) is wanted
    with pytest.raises(ValueError, match=f"must be one of .*'{name}'.*, got 'Other'"):
        module.get("Other")
    with pytest.raises(TypeError, match="got a class: make an object"):
        module.get(type(wanted))
    with pytest.raises(TypeError, match=f"must be a name or {kinds[module]} object, got 3"):
        module.get(3)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", ">f8"])
def test_normalize_adapts_to_the_data(dtype, monkeypatch):
    monkeypatch.setattr(layers._scaling, "ADAPT_BLOCK", 50)
    x = np.random.default_rng(0).integers(0, 256, (101, 4, 3)).astype(dtype)
    x[:, 2, 1] = 7
    layer = Normalize.adapt(x[:, ::-1], name="first")
    flat = x[:, ::-1].reshape(101, 12).astype(np.float64)
    std = flat.std(axis=0)
    std[std == 0] = 1
    np.testing.assert_allclose(layer.mean, flat.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.std, std, rtol=1e-12)
    assert layer.output_shape((4, 3)) == (4, 3) and layer.name == "first"
    with pytest.raises(ValueError, match=r"must have 12 numbers, .*, got shape \(4,\)"):
        layer.output_shape((4,))


@pytest.mark.parametrize("first", [9e15, -9e15, 1.7e18, 1e100])
def test_normalize_adapts_to_numbers_whose_sum_is_rounded(first, monkeypatch):
    monkeypatch.setattr(layers._scaling, "ADAPT_BLOCK", 50)
    k = np.arange(101)
    x = np.column_stack([first + k * 4 * np.spacing(abs(first)), k])
    layer = Normalize.adapt(x)
    middle, deviation = x[50, 0], 4 * np.spacing(abs(first)) * k.std()
    assert layer.mean == (middle, 50.0)
    np.testing.assert_allclose(layer.std, (deviation, k.std()), rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, 1 / 3, -202411.7, 1e-40, 5e-324, 1e200, -1e308])
def test_a_constant_column_counts_as_of_deviation_1(value, monkeypatch):
    """Whatever the rounding of its mean says, at once and in blocks."""
    for block in (1 << 20, 4):
        monkeypatch.setattr(layers._scaling, "ADAPT_BLOCK", block)
        for n in (1, 2, 3, 10, 100, 997):
            x = np.column_stack([np.full(n, value), np.arange(n)])
            layer = Normalize.adapt(x)
            assert layer.std[0] == 1 and layer.mean[0] == value, (n, block)
            assert layer.std[1] == pytest.approx(np.arange(n).std() if n > 1 else 1)
    whole = np.full((9, 1), 2**53, np.int64)
    assert Normalize.adapt(whole).std == (1.0,)
    whole[4] += 1  # equal only in float64
    assert Normalize.adapt(whole).mean == (2.0**53,)
    with pytest.raises(ValueError, match="x must hold finite numbers"):
        Normalize.adapt(np.full((3, 1), np.inf))
