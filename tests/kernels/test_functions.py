"""User-defined activations and losses: Python functions over arrays.

Each built-in one has a twin here, written over arrays: a network with the twins computes what the
network with the names does, to rounding, in every method of a model.
"""

import copy
import functools
import operator
import os
import pickle
import signal
import warnings

import numpy as np
import pytest

from cynn import Model, losses, set_num_threads
from cynn.activations import Custom
from cynn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, LayerNorm, Residual
from cynn.losses import LOSSES, CrossEntropy
from cynn.losses import Custom as CustomLoss
from cynn.optimizers import SGD, Adam
from cynn.storage import ModelFileError
from differences import ALLOWED, differences
from job import run_ranks
from targets import assert_close

N, INPUTS, OUTPUTS = 70, 4, 3
rng = np.random.default_rng(0)
X = rng.normal(size=(N, INPUTS))
Y = rng.normal(size=(N, OUTPUTS))
LABELS = rng.integers(OUTPUTS, size=N)
WEIGHT = rng.uniform(0.5, 2.0, N)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(x, gradient):
    p = softmax(x)
    return p * (gradient - (p * gradient).sum(axis=1, keepdims=True))


def slope_of_tanh(x):
    return 1 - np.tanh(x) ** 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def slope_of_silu(x):
    s = sigmoid(x)
    return s + x * s * (1 - s)


TWINS = {
    "identity": Custom(lambda x: x, np.ones_like),
    "relu": Custom(lambda x: np.maximum(x, 0), lambda x: x > 0),
    "tanh": Custom(np.tanh, slope_of_tanh),
    "silu": Custom(silu, slope_of_silu),
    "softmax": Custom(softmax, backward=softmax_backward),
}


def squared(y_true, y_pred):
    error = y_pred - y_true
    return (error**2).mean(axis=1), 2 * error / error.shape[1]


def log_loss(y_true, y_pred):
    """Return the cross-entropy of probabilities, for labels."""
    rows = np.arange(len(y_true))
    own = y_pred[rows, y_true[:, 0]]
    gradient = np.zeros_like(y_pred)
    gradient[rows, y_true[:, 0]] = -1 / own
    return -np.log(own), gradient


def names(model):
    """Return the same model with names in place of twins, and the same weights."""
    back = {id(twin): name for name, twin in TWINS.items()}

    def plain(layer):
        if isinstance(layer, Residual):
            return Residual([plain(each) for each in layer.layers])
        if isinstance(layer, Dense | Activation):
            return layer.replace(activation=back.get(id(layer.activation), layer.activation))
        return layer

    other = Model([plain(layer) for layer in model.layers], dtype=model.dtype, seed=model.seed)
    for each in (model, other):
        each.build(INPUTS)
    other.set_weights(model.get_weights())  # initial weights depend on the name
    return other


def deep(dtype="float64"):
    tanh, silu = TWINS["tanh"], TWINS["silu"]
    block = Residual([Dense(5, silu), LayerNorm(), Dense(18), Activation(tanh)])
    layers = [Dense(18, tanh, l2=0.01), BatchNorm(), Dropout(0.2), block, Dense(OUTPUTS)]
    return Model(layers, dtype=dtype, seed=0)


def compiled(model, loss, optimizer=None, metrics=("mae",)):
    model.compile(optimizer or SGD(0.1, 0.5), loss, metrics)
    return model


def all_of(model, x=X, y=Y):
    """Return the results of every method of a model."""
    measured = model.evaluate(x, y, sample_weight=WEIGHT)
    return [
        model.predict(x),
        model.predict(x[:2]),
        *model.layer_outputs(x),
        model.input_gradient(x, y),
        model.input_gradient(x, output=1),
        np.array(list(measured.values())),
        *model.get_weights(),
        *model.get_state(),
        *model.get_optimizer_state(),
    ]


def assert_alike(found, wanted, allowed):
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        assert_close(one, other, allowed * (1 + np.abs(other)))


@pytest.fixture
def on(target, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", target.name)
    return target


@pytest.mark.parametrize("activation", TWINS)
@pytest.mark.parametrize("where", ["dense", "layer", "head", "residual"])
def test_user_defined_activations_match_the_built_in_ones(on, activation, where):
    twin = TWINS[activation]
    layers = {
        "dense": [Dense(17, twin), Dense(OUTPUTS, twin)],
        "layer": [Dense(17), Activation(twin), Dense(OUTPUTS)],
        "head": [Activation(twin), Dense(OUTPUTS, "tanh")],
        "residual": [Residual([Activation(twin), Dense(INPUTS)]), Dense(OUTPUTS)],
    }[where]
    model = Model(layers, dtype=on.dtype, seed=0)
    other = names(model)
    for each in (model, other):
        compiled(each, "mse").fit(X, Y, batch_size=20, epochs=2, verbose=0)
    assert_alike(all_of(model), all_of(other), 100 * on.u)


@pytest.mark.parametrize("batch_size", [16, 70])
def test_fit_matches_the_built_in_functions(on, batch_size):
    model = deep(on.dtype)
    other = names(model)
    histories = []
    for each, loss in ((model, squared), (other, "mse")):
        compiled(each, loss, Adam(0.01, clip_norm=1.0))
        history = each.fit(
            X, Y, batch_size=batch_size, epochs=3, sample_weight=WEIGHT, validation_split=0.2,
            verbose=0,
        )  # fmt: skip
        histories.append(history.history)
        each.train_on_batch(X[:7], Y[:7])
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, 1e3 * on.u)
    assert_alike(all_of(model), all_of(other), 1e4 * on.u)


def test_user_defined_loss_matches_the_built_in_one(on):
    found = []
    for loss in (log_loss, "cross_entropy"):
        model = Model([Dense(9, "tanh"), Dense(OUTPUTS, "softmax")], dtype=on.dtype, seed=0)
        compiled(model, loss, metrics=["accuracy"])
        weights = {"class_weight": "balanced", "sample_weight": WEIGHT}
        history = model.fit(X, LABELS, epochs=3, verbose=0, **weights).history
        found.append([*all_of(model, X, LABELS), *map(np.array, history.values())])
    assert_alike(*found, 1e3 * on.u)


def test_gradients_match_finite_differences(target64):
    """A network with functions everywhere, and a user-defined loss for targets of one column."""

    def gaussian(y_true, y_pred):
        """Return the negative log-likelihood of a mean and the logarithm of a variance."""
        mean, log_variance = y_pred[:, :1], y_pred[:, 1:]
        error, precision = mean - y_true, np.exp(-log_variance)
        loss = 0.5 * (log_variance + error**2 * precision)
        slope = 0.5 * (1 - error**2 * precision)
        return loss[:, 0], np.hstack([error * precision, slope])

    steps = [
        ("activation", TWINS["tanh"]),
        ("dense", 17, TWINS["silu"]),
        ("residual", (("dense", 5, TWINS["softmax"]), ("dense", 17, "gelu"))),
        ("batch_norm", 0.9, 1e-3),
        ("dense", 2, "identity"),
    ]
    network = target64.module.Network(INPUTS, steps, 0.5, -0.25)
    network.compile(("function", CustomLoss(gaussian)))
    params = rng.uniform(-1.0, 1.0, network.n_params)
    x, y, weight = X[:6].copy(), Y[:6, :1].copy(), WEIGHT[:6].copy()
    out = np.empty_like(params)

    def f() -> float:
        network.set_params(params)
        return network.evaluate(x, y, weight, None, 1)[0]

    wanted = differences(f, params)
    loss = f()
    got = network.gradients(x, y, weight, out, 1)
    assert_close(got, (loss, weight.sum()), 1e-12)
    assert_close(out, wanted, ALLOWED)
    weight[:] = 1
    reached = np.empty_like(x)
    network.input_gradient(x, y, None, reached, 1)
    assert_close(reached, differences(f, x), ALLOWED)


def test_same_bits_on_any_number_of_threads():
    found = []
    for threads in (1, 3):
        set_num_threads(threads)
        try:
            layers = [Dense(600, TWINS["tanh"]), Dense(500, "relu"), Dense(OUTPUTS)]
            model = compiled(Model(layers, seed=0), squared)
            model.fit(np.tile(X, (10, 1)), np.tile(Y, (10, 1)), batch_size=350, verbose=0)
            found.append(b"".join(part.tobytes() for part in all_of(model)))
        finally:
            set_num_threads(None)
    assert found[0] == found[1]


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1500])
def test_rows_in_blocks(on, n):
    """For any number of rows, each is computed once and written to its own place."""
    x = np.arange(n, dtype=on.dtype)[:, np.newaxis]
    model = Model([Dense(1, Custom(np.negative, lambda x: -np.ones_like(x)))], dtype=on.dtype)
    compiled(model, lambda t, p: ((p - t)[:, 0] ** 2, 2 * (p - t)), SGD(0.0))
    model.build(1)
    model.set_weights([[[1]], [0.5]])
    assert np.array_equal(model.predict(x), -x - on.real.type(0.5))
    assert np.array_equal(model.input_gradient(x, -x - 1), np.full_like(x, -1))
    assert model.evaluate(x, -x - 1)["loss"] == 0.25
    # beyond what a network takes as one batch too
    history = model.fit(x, -x - 1, batch_size=1100, verbose=0).history
    assert history["loss"] == pytest.approx([0.25], rel=1e-6)


def test_rows_by_order_and_sparse_ones(on):
    """The loss receives the targets of its rows, in any order of the rows."""
    sparse = pytest.importorskip("scipy.sparse")
    seen = []

    def look(y_true, y_pred):
        seen.append((y_true[:, 1].copy(), y_pred[:, 0].copy()))
        return np.zeros(len(y_pred)), np.zeros_like(y_pred)

    x = np.zeros((40, 3))
    x[:, 1] = np.arange(40)
    model = Model([Dense(2, TWINS["identity"])], dtype=on.dtype, seed=0)
    compiled(model, look, metrics=())
    model.build(3)
    model.set_weights([np.ones((3, 2)), np.zeros(2)])
    y = np.stack([np.zeros(40), np.arange(40), np.zeros(40)], axis=1)
    for rows in (x, sparse.csr_matrix(x)):
        model.fit(rows, y, batch_size=16, verbose=0)
        model.evaluate(rows, y)
    for wanted, predicted in seen:
        assert np.array_equal(wanted, predicted)
    assert [len(wanted) for wanted, _ in seen] == [16, 16, 8, 40] * 2
    assert not np.array_equal(seen[0][0], np.arange(16))


@pytest.mark.parametrize(
    "y, columns, kind",
    [
        (np.arange(N) % 5, 1, np.int64),  # labels, as many as there may be
        (np.arange(N) % 5 / 2, 1, None),
        ((np.arange(N) % 2 == 0), 1, np.int64),
        (np.arange(N)[:, np.newaxis], 1, None),
        (np.ones((N, 5)), 5, None),
    ],
)
def test_targets_passed_to_the_loss(on, y, columns, kind):
    def look(y_true, y_pred):
        assert y_true.shape == (N, columns) and y_pred.shape == (N, 2)
        # the reference computes in float64
        wanted = "float64" if on.is_reference else on.dtype
        assert y_pred.dtype == wanted
        assert y_true.dtype == (kind or on.dtype)
        assert np.array_equal(y_true, np.asarray(y).reshape(N, columns))
        y_true[:] = 0  # the array is the function's own
        return np.zeros(N), np.zeros((N, 2))

    model = compiled(Model([Dense(2)], dtype=on.dtype, seed=0), look, metrics=())
    before = np.array(y)
    model.fit(X, y, batch_size=N, shuffle=False, verbose=0)
    model.evaluate(X, y)
    assert np.array_equal(y, before)


def test_functions_may_keep_and_change_their_arguments(on):
    """A function may keep its arrays, and write into them."""
    kept = []

    def spoil(x):
        kept.append(x)
        y = np.tanh(x)
        x[:] = np.nan
        return y

    def spoiled(y_true, y_pred):
        found = squared(y_true, y_pred.copy())
        y_pred[:] = np.nan
        return found

    layers = [Dense(17, Custom(spoil, slope_of_tanh)), Dense(OUTPUTS)]
    model = compiled(Model(layers, dtype=on.dtype, seed=0), spoiled)
    other = compiled(Model([Dense(17, "tanh"), Dense(OUTPUTS)], dtype=on.dtype, seed=0), "mse")
    for each in (model, other):
        each.fit(X, Y, epochs=2, verbose=0)
    assert_alike(all_of(model), all_of(other), 1e3 * on.u)
    assert all(np.isnan(x).all() for x in kept)


def test_arrays_of_other_types(on):
    """The result need not be contiguous, nor of the model's dtype."""
    model = Model([Dense(4, Custom(lambda x: np.asfortranarray(x > 0), lambda x: x * 0))], seed=0)
    compiled(model, lambda t, p: (list(np.zeros(len(p), int)), np.zeros(p.shape, np.float16)))
    model.build(INPUTS)
    assert np.array_equal(model.predict(X), model.predict(X) > 0)
    model.fit(X, np.zeros((N, 4)), verbose=0)


# ---- errors -------------------------------------------------------------------------------------


class Stop(Exception):
    pass


def late(function, calls, error):
    """A function that fails in a chosen way after some number of calls."""
    count = 0

    def wrapped(*rows):
        nonlocal count
        count += 1
        if count > calls:
            return error(*rows)
        return function(*rows)

    return wrapped


def fail(*rows):
    raise Stop("no more")


def interrupt(*rows):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # the signal arrives between two of them
        np.zeros(1)
    return rows[0]


@pytest.mark.parametrize("where", ["function", "derivative", "loss"])
@pytest.mark.parametrize("error, kind", [(fail, Stop), (interrupt, KeyboardInterrupt)])
@pytest.mark.parametrize("batch_size", [16, 1100])
def test_an_error_leaves_the_model_of_the_last_whole_batch(on, where, error, kind, batch_size):
    """Weights, running statistics and the optimizer: all as two whole batches left them."""
    x, y = (np.tile(part, (50, 1))[: 3 * batch_size] for part in (X, Y))
    calls = 2
    norm = [BatchNorm()]
    if batch_size > 1024:  # in blocks, but for the reference's
        calls *= 1 if on.is_reference else 2
        norm = []  # it needs the mini-batch in one piece

    def made(fails):
        def maybe(name, function):
            return late(function, calls, error) if fails == name else function

        tanh = Custom(maybe("function", np.tanh), maybe("derivative", slope_of_tanh))
        model = Model([Dense(5), *norm, Activation(tanh), Dense(OUTPUTS)], dtype=on.dtype, seed=0)
        return compiled(model, maybe("loss", squared), Adam(0.01), metrics=())

    model = made(where)
    with pytest.raises(kind) as raised:
        model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    if kind is Stop:
        assert str(raised.value) == "no more"
    other = made("")
    end = 2 * batch_size
    other.fit(x[:end], y[:end], batch_size=batch_size, shuffle=False, verbose=0)
    for one, wanted in zip(
        [*model.get_weights(), *model.get_state(), *model.get_optimizer_state()],
        [*other.get_weights(), *other.get_state(), *other.get_optimizer_state()],
        strict=True,
    ):
        assert np.array_equal(one, wanted)


def nan_in_row_1(x):
    y = np.array(x, np.float64)
    y[1] = np.nan
    return y


WRONG = {
    "a string": (lambda x: "no", TypeError, "real numbers, got str"),
    "nothing": (lambda x: None, TypeError, "real numbers, got NoneType"),
    "complex": (lambda x: x + 1j, TypeError, "real numbers, got dtype complex"),
    "a number": (lambda x: 1.0, ValueError, r"shape \(16, 5\), got shape \(\)"),
    "a row": (lambda x: x[0], ValueError, r"shape \(16, 5\), got shape \(5,\)"),
    "ragged": (lambda x: [[1.0], [1.0, 2.0]], ValueError, "regular array"),
    "nan": (nan_in_row_1, ValueError, "finite numbers for finite ones, got nan in row 1 of 16"),
    "infinity": (lambda x: x * 0 - np.inf, ValueError, "got -inf in row 0 of 16"),
    "too large": (lambda x: np.full(x.shape, 1e300), ValueError, "got inf in row 0 of 16"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("place", ["function", "derivative", "backward"])
def test_invalid_results_of_an_activation(on, place, what):
    function, kind, message = WRONG[what]
    if what == "too large" and (on.dtype == "float64" or on.is_reference):
        pytest.skip("a number of float64")
    wrong = {
        "function": Custom(function, np.ones_like),
        "derivative": Custom(np.tanh, function),
        "backward": Custom(np.tanh, backward=lambda x, gradient: function(x)),
    }[place]
    model = compiled(Model([Dense(5, wrong), Dense(OUTPUTS)], dtype=on.dtype, seed=0), "mse")
    model.build(INPUTS)
    before = model.get_learned()
    with pytest.raises(kind, match=f"{place} of Custom.* must return .*{message}"):
        model.fit(X, Y, batch_size=16, verbose=0)
    assert np.array_equal(model.get_learned(), before)


@pytest.mark.parametrize(
    "function, kind, message",
    [
        (lambda t, p: p - t, TypeError, r"a pair: the loss of each row, of shape \(16,\).*ndarray"),
        (lambda t, p: (1, 2, 3), TypeError, "must return a pair"),
        (lambda t, p: (0.5, p - t), ValueError, r"losses of .* shape \(16,\), got shape \(\)"),
        (lambda t, p: (p[:, 0], p[:, 0]), ValueError, r"gradient of .* shape \(16, 3\), got shape"),
        (lambda t, p: (p[:, 0] * np.nan, p), ValueError, "losses of .* got nan in row 0 of 16"),
        (lambda t, p: (p[:, 0], nan_in_row_1(p)), ValueError, "gradient of .* got nan in row 1"),
        (lambda t, p: (["a"] * len(p), p), TypeError, "losses of .* real numbers"),
    ],
)
def test_invalid_results_of_a_loss(on, function, kind, message):
    model = compiled(Model([Dense(OUTPUTS)], dtype=on.dtype, seed=0), function)
    model.build(INPUTS)
    before = model.get_learned()
    for call in (model.fit, model.train_on_batch, model.evaluate, model.input_gradient):
        more = {"batch_size": 16, "verbose": 0} if call == model.fit else {}
        with pytest.raises(kind, match=message):
            call(X[:16], Y[:16], **more)
    assert np.array_equal(model.get_learned(), before)


def test_non_finite_values_propagate(on):
    """NaN in a row gives NaN, and a training that diverges ends as usual."""
    model = Model([Dense(5, TWINS["tanh"]), Dense(OUTPUTS)], dtype=on.dtype, seed=0)
    compiled(model, squared)
    model.build(INPUTS)
    x = X[:3].copy()
    x[1, 2] = np.nan
    assert np.array_equal(np.isnan(model.predict(x)).any(axis=1), [False, True, False])
    assert np.isnan(model.evaluate(x, Y[:3])["loss"])
    model.set_weights([np.full_like(w, np.inf) for w in model.get_weights()])
    with (
        pytest.raises(FloatingPointError, match="loss must be finite, got"),
        np.errstate(all="ignore"),
    ):
        model.fit(X, Y, verbose=0)


def test_a_loss_that_overflows(on):
    model = compiled(Model([Dense(OUTPUTS)], dtype=on.dtype, seed=0), squared)
    model.build(INPUTS)
    if on.is_reference and on.dtype == "float32":
        pytest.skip("it computes in float64")
    largest = np.finfo(on.dtype).max / 1e3
    model.set_weights([np.full((INPUTS, OUTPUTS), largest), np.zeros(OUTPUTS)])
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="losses of .* got inf in row"):
        model.fit(X, Y, verbose=0)


def test_no_activation():
    for arguments, named in (((np.tanh,), {}), ((np.tanh, np.cos), {"backward": np.multiply})):
        with pytest.raises(TypeError, match="either derivative.* or backward.* must be given"):
            Custom(*arguments, **named)
    with pytest.raises(TypeError, match="function must be a function over arrays, got 'tanh'"):
        Custom("tanh", np.cos)
    for make in (Activation, functools.partial(Dense, 3)):
        with pytest.raises(TypeError, match=r"activations.Custom\(function, derivative\)"):
            make(np.tanh)
        with pytest.raises(TypeError, match="activation must be one of"):
            make(3)
    with pytest.raises(TypeError, match="function must be a function over arrays, got 3"):
        CustomLoss(3)
    with pytest.raises(TypeError, match="got a class: make an object"):
        Model([Dense(2)]).compile(loss=CrossEntropy)


@pytest.mark.parametrize("step", [("activation", 3), ("dense", 2, None), ("function", 3)])
def test_no_step(target, step):
    with pytest.raises(ValueError, match="steps:"):
        target.module.Network(3, [step])


def test_labels_that_class_weight_cannot_take():
    model = compiled(Model([Dense(2)], seed=0), lambda t, p: (p[:, 0], p), metrics=())
    with pytest.raises(ValueError, match="class_weight must have a weight for each class"):
        model.fit(X, np.arange(N) % 5, class_weight={0: 2.0}, verbose=0)
    with pytest.raises(ValueError, match="y must hold labels from 0 for class_weight, got -1"):
        model.fit(X, np.arange(N) - 1, class_weight={0: 2.0}, verbose=0)
    with pytest.raises(ValueError, match=r"y must have shape \(n,\) or \(n, k\), got shape"):
        model.fit(X, np.zeros((N, 2, 2)), verbose=0)


# ---- around the model ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CustomLoss(lambda y: y), r"function must take \(y_true, y_pred\), .* takes \(y\)"),
        (lambda: Custom(lambda x, y: x, np.cos), r"function must take \(x\), .* takes \(x, y\)"),
        (lambda: Custom(np.sin, lambda: 1), r"derivative must take \(x\), .* takes \(\)"),
        (lambda: Custom(np.sin, backward=lambda x: x), r"backward must take \(x, gradient\), "),
    ],
)
def test_a_function_of_other_arguments(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_specs():
    """The repr of a function is its name: its address differs from process to process."""
    assert repr(Custom(np.tanh, slope_of_tanh)) == "Custom(tanh, slope_of_tanh)"
    assert repr(Custom(softmax, backward=softmax_backward)) == (
        "Custom(softmax, backward=softmax_backward)"
    )
    partial = functools.partial(operator.mul, 2)
    assert repr(Custom(partial, np.cos)) == "Custom(partial, cos)"
    tanh = TWINS["tanh"]
    assert Dense(3, tanh) == Dense(3, Custom(np.tanh, slope_of_tanh)) != Dense(3, "tanh")
    assert hash(Dense(3, tanh)) == hash(Dense(3, Custom(np.tanh, slope_of_tanh)))
    assert losses.get(squared) == CustomLoss(squared) != CustomLoss(log_loss)
    for one in (tanh, CustomLoss(squared), Dense(3, tanh)):
        assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert "Custom" not in {kind.__name__ for kind in LOSSES.values()}


def test_a_copy_resumes_as_the_model_does(on):
    model = compiled(deep(on.dtype), squared)
    model.fit(X, Y, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        # the reference computes in float64, whatever it returns
        assert_alike(all_of(other), all_of(model), 10 * on.u if on.is_reference else 0.0)
        other.fit(X, Y, verbose=0)


def test_files(tmp_path):
    path = tmp_path / "model.safetensors"
    model = compiled(deep(), squared)
    model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"layers\[0\] must be .*user-defined.*get_weights"):
        model.save(path)
    assert not path.exists()
    plain = compiled(names(model), squared)
    plain.fit(X, Y, verbose=0)
    with pytest.warns(UserWarning, match=r"Custom\(squared\): they are left out, call compile"):
        plain.save(path)
    loaded = Model.load(path)
    assert loaded.loss is None
    assert np.array_equal(loaded.predict(X), plain.predict(X))
    assert issubclass(ModelFileError, ValueError)


def test_onnx(tmp_path):
    pytest.importorskip("onnx")
    from cynn import onnx

    model = deep()
    model.build(INPUTS)
    with pytest.raises(ValueError, match=r"Custom\(tanh, slope_of_tanh\)"):
        onnx.export(model, tmp_path / "model.onnx")


def test_for_c():
    from cynn import _backend

    if _backend.target() == "reference":
        pytest.skip("nothing is compiled")
    kernels = _backend.kernels("float64")
    with pytest.raises(ValueError, match="user-defined activations"):
        kernels.Predictor(kernels.Network(3, [("dense", 2, TWINS["tanh"])]))


def test_summary(capsys):
    model = Model([Flatten(), Dense(3, TWINS["tanh"]), Activation(TWINS["softmax"])])
    model.build((2, 2))
    model.summary()
    written = capsys.readouterr().out
    assert "Dense(3, Custom(tanh, slope_of_tanh))" in written and "15" in written
    assert "Custom(tanh, slope_of_tanh)" in repr(model)


def test_no_warning_where_the_output_activation_is_a_function():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Model([Dense(3, TWINS["softmax"])]).compile(loss="cross_entropy")
        Model([Dense(3, TWINS["tanh"])]).compile(loss=CrossEntropy(from_logits=True))
    with pytest.warns(UserWarning, match="takes probabilities"):
        Model([Dense(3)]).compile(loss="cross_entropy")


def test_first_weights():
    model, other = (Model([Dense(3, f)], seed=0) for f in (TWINS["relu"], "identity"))
    for each in (model, other):
        each.build(4)
    assert np.array_equal(model.get_weights()[0], other.get_weights()[0])


def test_ranks():
    def work(comm, batch_size=8):
        model = compiled(deep(), squared)
        history = model.fit(X, Y, batch_size=batch_size, epochs=2, verbose=0, comm=comm)
        return model.get_weights(), history.history["loss"]

    def rid_of_norm(comm, batch_size=8):
        layers = [Dense(7, TWINS["tanh"]), Dropout(0.2), Dense(OUTPUTS, TWINS["silu"])]
        model = compiled(Model(layers, dtype="float64", seed=0), squared)
        history = model.fit(X, Y, batch_size=batch_size, epochs=2, verbose=0, comm=comm)
        return model.get_weights(), history.history["loss"]

    for training in (work, rid_of_norm):
        found = run_ranks(2, training)
        assert_alike(found[0][0], found[1][0], 0.0)
        assert found[0][1] == found[1][1]
    alone = rid_of_norm(None, 16)
    assert_alike(found[0][0], alone[0], 1e-9)


def test_concurrent_predictions(on):
    """Each call has its own arrays; several threads call the function at once."""
    import threading

    model = deep(on.dtype)
    model.build(INPUTS)
    rows = np.tile(X, (8 if not on.is_reference else 1, 1))
    wanted = model.predict(rows)
    found = [None] * 4

    def predict(i):
        found[i] = model.predict(rows)

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(each, wanted) for each in found)


def test_a_function_may_read_the_model():
    """During a fit; what would change the model is refused."""
    asked = []

    def look(y_true, y_pred):
        asked.append(model.predict(X[:2]))
        with pytest.raises(RuntimeError, match="the model is busy with a fit"):
            model.compile("sgd", "mse")
        return squared(y_true, y_pred)

    model = compiled(Model([Dense(OUTPUTS)], seed=0), look)
    model.fit(X, Y, verbose=0)
    assert len(asked) == 3 and not np.array_equal(asked[0], asked[1])
