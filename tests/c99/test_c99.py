"""Networks as C99: a compiler takes them without a warning, and they say what `predict` does."""

import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c_networks import COMPILERS, FLAGS, Compiled, needs_compiler
from cynn import Model, c99
from cynn._specs.activation_table import ACTIVATIONS
from cynn.activations import Custom
from cynn.ensemble import Ensemble
from cynn.layers import (
    Activation,
    BatchNorm,
    Clip,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Rescale,
    Residual,
    Scale,
)
from layer_examples import COLUMNS, EXAMPLES

ALLOWED = {"float32": 1e-5, "float64": 1e-6}
DTYPES = tuple(ALLOWED)


def built(layers, row, dtype="float32", seed=0):
    """Return a model whose weights and running statistics are none that a first one has."""
    model = Model(layers, dtype=dtype, seed=seed)
    model.build(row)
    rng = np.random.default_rng(seed)
    model.set_weights([w + 0.3 * rng.normal(size=w.shape) for w in model.get_weights()])
    model.set_state([rng.uniform(0.5, 2, s.shape) for s in model.get_state()])
    return model


def expect_same(model, x, folder, **options):
    found = Compiled(model, folder, **options).predict(x)
    wanted = model.predict(x)
    allowed = ALLOWED[str(model.dtype)]  # of the largest numbers, which others may be sums of
    np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed * max(1, np.abs(wanted).max()))


@needs_compiler
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(tmp_path, name):
    x = np.concatenate([4 * np.random.default_rng(0).normal(size=(20, 3)), np.zeros((1, 3))])
    expect_same(built([Dense(5), Activation(name), Dense(4)], 3), x, tmp_path)
    expect_same(built([Dense(5, name)], 3, "float64"), x, tmp_path)


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_mean_of_several_models(tmp_path, dtype):
    x = np.random.default_rng(0).normal(size=(20, 3))
    models = Ensemble(built([Dense(5, "tanh"), Dense(4)], 3, dtype, seed) for seed in range(3))
    found = Compiled(models, tmp_path).predict(x)
    np.testing.assert_allclose(found, models.predict(x), rtol=0, atol=ALLOWED[dtype])


@needs_compiler
@pytest.mark.parametrize("layer", EXAMPLES, ids=lambda layer: type(layer).__name__)
def test_every_layer(tmp_path, layer):
    x = np.random.default_rng(1).normal(size=(9, COLUMNS))
    x[:, 3], x[:, 2] = np.arange(9), np.arange(9) % 4 - 1  # whole numbers, some unknown
    expect_same(built([layer], COLUMNS), x, tmp_path)
    expect_same(built([Rescale(1.0), layer, Dense(3)], COLUMNS, "float64"), x, tmp_path)


@needs_compiler
@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda words: words[-1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_members_and_every_compiler(tmp_path, compiler, dtype):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 6))
    model = built(
        [
            PiecewiseLinearEmbedding.adapt(x, [0, 3], 4),
            Members(5, "normal"),
            Residual([Dense(12, "gelu"), MemberAffine(5, "mish"), LayerNorm()]),
            BatchNorm(),
            MemberDense(3, 5),
            MemberAffine(5, "softmax", use_scale=False),
        ],
        6,
        dtype,
    )
    expect_same(model, 2 * x, tmp_path, compiler=compiler)


@needs_compiler
def test_images_and_numbers_far_from_zero(tmp_path):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (7, 4, 5))
    expect_same(built([Flatten(), Rescale(1 / 255), Dense(3)], (4, 5)), images, tmp_path)
    far = 1e6 + 1e-3 * rng.normal(size=(30, 3))
    model = built([Rescale(2.0, 1.0), Normalize.adapt(2 * far + 1), Dense(2, "tanh")], 3)
    compiled = Compiled(model, tmp_path)
    assert "const double *x, float *y" in compiled.header
    np.testing.assert_allclose(compiled.predict(far), model.predict(far), rtol=1e-5, atol=1e-5)


PARTS = st.one_of(
    st.builds(Dense, st.integers(1, 9), st.sampled_from(ACTIVATIONS), use_bias=st.booleans()),
    st.builds(Activation, st.sampled_from(ACTIVATIONS)),
    st.builds(ParametricActivation, st.sampled_from(["selu", "mish"])),
    st.builds(Clip, st.floats(-3, -0.5), st.floats(0.5, 3)),
    st.builds(Rescale, st.sampled_from([-2.0, 0.25, 1.5]), st.floats(-2, 2, width=16)),
    st.builds(Dropout, st.just(0.5)),
    st.builds(lambda: Residual([LayerNorm(), Scale()])),
    st.builds(BatchNorm),
    st.builds(PeriodicEmbedding, frequencies=st.just(4), with_input=st.booleans()),
)


@needs_compiler
@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(PARTS, min_size=1, max_size=6), st.integers(1, 7), st.sampled_from(DTYPES))
def test_random_networks(tmp_path_factory, parts, n, dtype):
    model = built([*parts, Dense(2, "tanh")], n, dtype)
    x = np.random.default_rng(4).normal(size=(6, n))
    if np.isfinite(model.predict(x)).all():  # a sum of exponentials may be beyond the type
        expect_same(model, x, tmp_path_factory.mktemp("net"))


@needs_compiler
def test_a_program_of_another_language_includes_the_header(tmp_path):
    """It is C++ too, calls no allocation, and the constants say the sizes."""
    model = built([Dense(3, "relu"), Dense(2)], 4)
    c99.export(model, tmp_path / "9 lives.c")
    source = (tmp_path / "9 lives.c").read_text(encoding="ascii")
    header = (tmp_path / "9 lives.h").read_text(encoding="ascii")
    assert "#include <" not in source and "malloc" not in source  # relu needs no math.h
    assert "#define NET_9_LIVES_INPUTS 4\n#define NET_9_LIVES_OUTPUTS 2" in header
    main = tmp_path / "main.c"
    main.write_text(
        '#include "9 lives.h"\n#include <stdio.h>\n#include "9 lives.h"\n'
        "int main(void) { float x[NET_9_LIVES_INPUTS] = {1, 2, 3, 4}, y[NET_9_LIVES_OUTPUTS];\n"
        'net_9_lives_predict(x, y); printf("%.9g %.9g\\n", y[0], y[1]); return 0; }\n'
    )
    flags = [flag for flag in FLAGS if flag not in ("-shared", "-fPIC")]
    program = tmp_path / "main"
    subprocess.run(
        [*COMPILERS[0], *flags, str(main), str(tmp_path / "9 lives.c"), "-o", str(program)],
        check=True,
    )
    said = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    wanted = model.predict(np.array([[1.0, 2, 3, 4]]))[0]
    np.testing.assert_allclose(np.array(said.split(), float), wanted, rtol=1e-5)


class Own(Layer):
    def step(self):
        return ("rescale", 2.0, 0.0)


def test_what_c_cannot_say(tmp_path):
    path = tmp_path / "net.c"
    own = Custom(lambda x: x, lambda x: 1 + 0 * x)
    for layer, message in (
        (Own(), r"layers\[0\] must be one of cynn's own layers for C, got Own"),
        (Dense(2, own), r"layers\[0\] must have a built-in activation for C"),
        (Residual([Dense(2, own)]), r"layers\[0\].layers\[0\] must have a built-in activation"),
    ):
        model = Model([layer])
        model.build(2)
        with pytest.raises(ValueError, match=message):
            c99.export(model, path)
    with pytest.raises(RuntimeError):
        c99.export(Model([Dense(2)]), path)
    good = built([Dense(2)], 2)
    for wrong in (None, 3, "model", [good]):
        with pytest.raises(TypeError, match="model must be a cynn Model"):
            c99.export(wrong, path)
    with pytest.raises(ValueError, match=r"path must end in \.c, got"):
        c99.export(good, tmp_path / "net.onnx")
    with pytest.raises((TypeError, ValueError), match="dtype"):
        c99.export(good, path, dtype="int8")
    wide = Model([Dense(5000), Dense(5000)])
    wide.build(5000)
    with pytest.raises(ValueError, match="at most 16,777,216 weights for C, got 50,010,000"):
        c99.export(wide, path)
    large = built([Dense(2)], 2, "float64")
    large.set_weights([np.full((2, 2), 1e300), np.zeros(2)])
    with pytest.raises(ValueError, match="must have finite numbers for C"):
        c99.export(large, path, dtype="float32")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError):
        c99.export(built([Dense(2)], 2), tmp_path / "nowhere" / "net.c")
