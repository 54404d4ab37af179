"""Models from PyTorch's modules: what the module predicts, of real ones and of objects alike."""

from types import SimpleNamespace

import numpy as np
import pytest

from cynn import convert
from cynn.layers import Activation, BatchNorm, Clip, Dense, Dropout, Flatten, LayerNorm


def fake(kind, **attributes):
    """Return an object of a class of that name."""
    return type(kind, (SimpleNamespace,), {})(**attributes)


def sequential(*modules):
    return type("Sequential", (list,), {})(modules)


def linear(n, m, seed=0, dtype="float32", bias=True):
    rng = np.random.default_rng(seed)
    b = rng.normal(size=m).astype(dtype) if bias else None
    return fake("Linear", weight=rng.normal(size=(m, n)).astype(dtype), bias=b)


def test_objects_with_the_same_attributes():
    first, last = linear(3, 4), linear(4, 2, 1, bias=False)
    module = sequential(
        fake("Flatten", start_dim=1, end_dim=-1),
        sequential(first, fake("Tanh")),
        fake("Dropout", p=0.25),
        fake("Identity"),
        last,
        fake("Softmax", dim=-1),
    )
    model = convert.from_torch(module)
    assert model.layers == (
        Flatten(), Dense(4, "tanh"), Dropout(0.25), Dense(2, "softmax", use_bias=False)
    )  # fmt: skip
    x = np.random.default_rng(2).normal(size=(5, 3))
    z = np.tanh(x @ first.weight.T + first.bias) @ last.weight.T
    wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(x), wanted, atol=1e-6)
    assert model.dtype == np.float32
    assert convert.from_torch(linear(3, 4, dtype="float64")).dtype == np.float64


def test_settings_of_layers():
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    norm = {"weight": 2 * ones, "bias": ones, "running_mean": ones, "running_var": 4 * ones}
    module = sequential(
        fake("BatchNorm1d", **norm, momentum=0.25, eps=1e-5, track_running_stats=True),
        fake("LayerNorm", weight=None, bias=None, normalized_shape=(3,), eps=0.5),
        fake("ReLU6"),
        fake("Hardtanh", min_val=-0.5, max_val=0.25),
        fake("GELU", approximate="tanh"),
    )
    model = convert.from_torch(module)
    assert model.layers == (
        BatchNorm(0.75, 1e-5), LayerNorm(0.5), Clip(0.0, 6.0), Clip(-0.5, 0.25),
        Activation("gelu_tanh"),
    )  # fmt: skip
    for found, wanted in zip(model.get_weights(), (2 * ones, ones, ones, zeros), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(model.get_state(), (ones, 4 * ones), strict=True):
        np.testing.assert_array_equal(found, wanted)


REFUSED = {
    "no module": (3, TypeError, "module must be a Sequential of BatchNorm1d, .*, got int"),
    "a convolution": (
        sequential(linear(3, 4), fake("Conv2d")), TypeError, r"module\[1\] must be .*, got Conv2d"
    ),
    "another slope": (
        sequential(linear(3, 4), fake("LeakyReLU", negative_slope=0.2)), ValueError,
        r"module\[1\].negative_slope must be 0.01, got 0.2",
    ),
    "another axis": (
        sequential(linear(3, 4), sequential(fake("Softmax", dim=0))), ValueError,
        r"module\[1\]\[0\].dim must be 1 or -1, got 0",
    ),
    "no running statistics": (
        fake("BatchNorm1d", track_running_stats=False), ValueError, "track_running_stats must be"
    ),
    "two axes": (
        fake("LayerNorm", normalized_shape=(3, 4), eps=1), ValueError, "must have one axis"
    ),
    "nothing": (sequential(fake("Identity")), ValueError, "must have a layer that computes"),
    "no attributes": (fake("Linear"), TypeError, "must be a module of PyTorch, got a Linear where"),
    "other sizes": (sequential(linear(3, 4), linear(5, 2)), ValueError, "shape"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what):
    module, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        convert.from_torch(module)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_modules_of_pytorch(dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    nn = torch.nn
    torch.manual_seed(0)
    activations = [
        nn.ReLU(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.ELU(), nn.SELU(), nn.SiLU(), nn.Mish(),
        nn.Softplus(), nn.Hardsigmoid(), nn.LeakyReLU(), nn.ReLU6(), nn.Hardtanh(-0.5, 2.0),
        nn.Sigmoid(),
    ]  # fmt: skip
    parts = [nn.Flatten()]
    for i, each in enumerate(activations):
        norm = [nn.BatchNorm1d(6), nn.LayerNorm(6), nn.Dropout(0.5), nn.Identity()][i % 4]
        parts += [nn.Sequential(nn.Linear(6, 6, bias=i % 2 == 0), norm), each]
    module = nn.Sequential(*parts, nn.Linear(6, 3), nn.Softmax(1)).to(getattr(torch, dtype))
    x = torch.randn(200, 2, 3, dtype=getattr(torch, dtype))
    module(x)  # running statistics
    model = convert.from_torch(module)
    assert model.dtype == dtype
    with torch.no_grad():
        wanted = module.eval()(x).numpy()
    allowed = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(model.predict(x.numpy()), wanted, rtol=0, atol=allowed)
