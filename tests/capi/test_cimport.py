"""What other Cython projects call: the functions of cynn.capi; and a project that does."""

import ctypes
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import numpy as np
import pytest

import calls
import cynn.capi
from calls import BACKWARDS, KERNELS, MATMULS, OUTPUTS, expected
from cynn import Model, _backend, reference
from cynn.layers import Dense, Flatten, MemberDense, Members, Rescale
from models import python
from networks import INPUTS, TWO_LAYERS
from places import ROOT
from targets import Target, assert_close, assert_guards_intact, guarded

EXAMPLE = ROOT / "examples" / "cimport"
COMPILED = [name for name in _backend.available_targets() if name != "reference"]
DECLARED = Path(cynn.capi.__file__).with_name("functions.pxi").read_text(encoding="utf-8")

# -- the functions, called by ctypes through the capsules that Cython looks them up in

TYPES = {
    "int": ctypes.c_int,
    "double": ctypes.c_double,
    "Py_ssize_t": ctypes.c_ssize_t,
    "PyObject *": ctypes.py_object,
}


def signature(capsule: object) -> str:
    name = ctypes.pythonapi.PyCapsule_GetName
    name.argtypes, name.restype = [ctypes.py_object], ctypes.c_char_p
    return name(capsule).decode()


def function(capsule: object):
    """Return the C function in a capsule, by the types that the capsule names."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.argtypes, pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
    text = signature(capsule)
    result, inside = text.rstrip(")").split("(")
    types = [TYPES.get(part, ctypes.c_void_p) for part in inside.split(", ")]
    kind = ctypes.PYFUNCTYPE if ctypes.py_object in types else ctypes.CFUNCTYPE
    made = kind(TYPES.get(result.strip(), ctypes.c_void_p), *types)
    return made(pointer(capsule, text.encode()))


class Functions:
    """The C functions of a target; arrays are passed as where their numbers begin."""

    def __init__(self, target: Target):
        self.capsules = {
            name.removeprefix("api_"): capsule
            for name, capsule in target.module.__pyx_capi__.items()
        }

    def __getattr__(self, name: str):
        called = function(self.capsules[name])
        return lambda *given: called(
            *(v.ctypes.data if isinstance(v, np.ndarray) else v for v in given)
        )


@pytest.fixture
def functions(compiled) -> Functions:
    return Functions(compiled)


def arguments(kernel: str, *size: int | str) -> dict:
    """As for the kernel for Python, but a loss in C has no number of its own."""
    given = calls.arguments(kernel, *size)
    if kernel in reference.LOSSES:
        return {name: v for name, v in given.items() if isinstance(v, np.ndarray)}
    return given


def c_name(kernel: str) -> str:
    if kernel in reference.LOSSES:
        return "loss"
    if kernel in BACKWARDS:
        return "activate_backward"
    return "activate" if kernel in reference.ACTIVATIONS else kernel


def call(functions: Functions, kernel: str, given: dict, m: int, k: int, n: int) -> float | None:
    """Call the C function of a kernel with the arguments of the kernel for Python."""
    total = ctypes.c_double(np.nan)
    values = list(given.values())
    if kernel in MATMULS:
        values += [m, n, k]
    elif kernel in reference.LOSSES:
        number = reference.LOSSES.index(kernel)
        values = [number, *values, ctypes.addressof(total), m, n]
    elif kernel == "sgd":
        values += [n]
    elif kernel.startswith("dense"):
        values = [reference.ACTIVATIONS.index(v) if isinstance(v, str) else v for v in values]
        values += [m, k, n]
    else:
        number = reference.ACTIVATIONS.index(kernel.removesuffix("_backward"))
        values = [number, *values, m, n]
    assert getattr(functions, c_name(kernel))(*values) == 0
    return total.value if kernel in reference.LOSSES else None


def both(compiled: Target, functions: Functions, kernel: str, size: tuple[int, int, int]) -> dict:
    """Call a C function and the kernel for Python, which must agree; return what was written."""
    given = {
        name: guarded(v, compiled.dtype) if isinstance(v, np.ndarray) else v
        for name, v in arguments(kernel, *size, compiled.dtype).items()
    }
    same = {name: v.copy() if isinstance(v, np.ndarray) else v for name, v in given.items()}
    got = call(functions, kernel, given, *size)
    np.testing.assert_equal(got, getattr(compiled.module, kernel)(**same))
    for name in OUTPUTS[kernel]:
        assert given[name].tobytes() == same[name].tobytes(), (kernel, size, name)
        assert_guards_intact(given[name], (kernel, size, name))
    return {"result": got, **{name: given[name] for name in OUTPUTS[kernel]}}


@pytest.mark.parametrize("kernel", KERNELS)
def test_each_is_the_kernel_of_its_name(compiled, functions, kernel, monkeypatch):
    monkeypatch.setattr("cynn.reference.canonical.EPSILON", float(np.finfo(compiled.dtype).eps))
    for size in ((1, 1, 1), (5, 6, 7), (17, 18, 19), (3, 40, 33), (2, 3, 1300)):
        got = both(compiled, functions, kernel, size)
        result, want = expected(kernel, arguments(kernel, *size, compiled.dtype))
        if result is not None:
            assert_close(got["result"], result, 8000 * compiled.u * abs(result), (kernel, size))
        for name, values in want.items():
            # Sums of at most 40 products below 4, or of 1300 below 1 that divide what they sum.
            assert_close(got[name], values, 8000 * compiled.u, (kernel, size, name))


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_rows_and_no_columns(compiled, functions, kernel):
    for size in ((0, 3, 2), (2, 3, 0), (2, 0, 3)):
        both(compiled, functions, kernel, size)


def test_what_is_written_may_be_what_is_read(compiled, functions):
    for kernel in (*MATMULS, "relu", "softmax", "tanh_backward"):
        given = arguments(kernel, 9, 9, 9, compiled.dtype)
        result = arguments(kernel, 9, 9, 9, compiled.dtype)
        call(functions, kernel, result, 9, 9, 9)
        first = next(iter(given))
        given["out"] = given[first]
        call(functions, kernel, given, 9, 9, 9)
        assert given[first].tobytes() == result["out"].tobytes(), kernel


def test_what_may_be_null(compiled, functions):
    dtype, u = compiled.dtype, compiled.u
    given = arguments("softmax_cross_entropy", 4, 1, 5, dtype)
    ones = given | {"weight": np.ones(4, dtype)}
    result, want = expected("softmax_cross_entropy", ones)
    got = call(functions, "softmax_cross_entropy", given | {"weight": None}, 4, 1, 5)
    assert_close(got, result, 100 * u * result)
    assert_close(given["delta"], want["delta"], 100 * u)

    given = arguments("dense_backward", 4, 3, 5, dtype)
    _, want = expected("dense_backward", given)
    call(functions, "dense_backward", given | {"grad_x": None}, 4, 3, 5)
    assert np.isnan(given["grad_x"]).all()
    for name in ("grad_w", "grad_b"):
        assert_close(given[name], want[name], 100 * u, name)

    given = arguments("sgd", 1, 1, 40, dtype) | {"momentum": 0.0}
    given["velocity"][:] = 0
    _, want = expected("sgd", given)
    call(functions, "sgd", given | {"velocity": None}, 1, 1, 40)
    assert_close(given["w"], want["w"], 100 * u)


def test_what_is_refused_has_written_nothing(compiled, functions):
    large = 1 << 41, 1 << 20  # more numbers than an address can reach: no memory is asked for
    x, out, total = (np.full(16, np.nan, compiled.dtype) for _ in range(3))
    refused = {
        "matmul": [(x, x, out, *sizes) for sizes in ((-1, 2, 2), (2, -1, 2), (2, 2, -1))]
        + [(x, x, out, *large, 1)],
        "matmul_nt": [(x, x, out, 2, 2, -1), (x, x, out, *large, 1)],
        "matmul_tn": [(x, x, out, 2, 2, -1), (x, x, out, *large, 1)],
        "activate": [
            (-1, x, out, 2, 2),
            (len(reference.ACTIVATIONS), x, out, 2, 2),
            (1, x, out, -2, 2),
            (1, x, out, *large),
        ],
        "activate_backward": [
            (-1, x, x, out, 2, 2),
            (len(reference.ACTIVATIONS), x, x, out, 2, 2),
            (1, x, x, out, 2, -2),
            (1, x, x, out, *large),
        ],
        "loss": [
            (-1, x, x, x, out, out, total, 2, 2),
            (len(reference.LOSSES), x, x, x, out, out, total, 2, 2),
            (0, x, x, x, out, out, total, -2, 2),
            (0, x, x, x, out, out, total, *large),
        ],
        "dense_forward": [
            (x, x, x, len(reference.ACTIVATIONS), out, 2, 2, 2),
            (x, x, x, 1, out, 2, -2, 2),
            (x, x, x, 1, out, *large, 1),
        ],
        "dense_backward": [(x, x, x, x, x, x, 2, 2, -2), (x, x, x, x, x, x, *large, 1)],
        "sgd": [(out, x, out, 0.1, 0.9, 0, 0.0, -1), (out, x, None, 0.1, 0.9, 0, 0.0, 4)],
    }
    assert set(refused) == {c_name(kernel) for kernel in KERNELS}
    for name, cases in refused.items():
        for given in cases:
            assert getattr(functions, name)(*given) == -1, (name, given)
    assert np.isnan(out).all() and np.isnan(total).all()


# -- a whole network


@pytest.mark.parametrize("rows", [0, 1, 47, 48, 49, 200])
def test_predict(compiled, functions, rows):
    network = TWO_LAYERS.make(compiled)  # scales its input by 0.5 and shifts it by -0.25
    predictor = compiled.module.Predictor(network)
    assert (predictor.n_inputs, predictor.n_outputs) == (INPUTS, 3)
    x = guarded(TWO_LAYERS.data(3, compiled.dtype, rows)[0], compiled.dtype)
    want = np.empty((rows, 3), compiled.dtype)
    network.predict(x, want, 1)
    out = guarded(np.full((rows, 3), np.nan), compiled.dtype)
    assert functions.predict(functions.network(predictor), x, out, rows) == 0
    assert out.tobytes() == want.tobytes()
    assert_guards_intact(out)


def test_the_predictor_keeps_the_network_and_sees_its_weights(compiled, functions):
    network = TWO_LAYERS.make(compiled)
    predictor = compiled.module.Predictor(network)
    address = functions.network(predictor)
    x = TWO_LAYERS.data(3, compiled.dtype)[0]
    want, out = np.empty((2, len(x), 3), compiled.dtype)
    network.set_params(np.zeros(network.n_params, compiled.dtype))
    network.predict(x, want, 1)
    del network
    others = [TWO_LAYERS.make(compiled) for _ in range(20)]  # what was freed would be theirs
    assert functions.predict(address, x, out, len(x)) == 0
    assert out.tobytes() == want.tobytes() and len(others) == 20


def test_predict_refuses(compiled, functions):
    predictor = compiled.module.Predictor(TWO_LAYERS.make(compiled))
    x, out = np.full((2, 16), np.nan, compiled.dtype)
    assert functions.predict(functions.network(predictor), x, out, -1) == -1
    assert np.isnan(out).all()
    for wrong in (None, 3, TWO_LAYERS.make(compiled), "predictor"):
        with pytest.raises(TypeError, match="Predictor"):
            functions.network(wrong)
    with pytest.raises(TypeError, match="Network"):
        compiled.module.Predictor(None)


def test_the_other_precision_is_refused(compiled):
    other = Target(compiled.name, "float64" if compiled.dtype == "float32" else "float32")
    predictor = other.module.Predictor(TWO_LAYERS.make(other))
    with pytest.raises(TypeError, match=f"{other}.*{compiled}"):
        Functions(compiled).network(predictor)


def test_predictions_from_many_threads(compiled, functions):
    """All call with one network; the GIL is released by a foreign call."""
    predictor = compiled.module.Predictor(TWO_LAYERS.make(compiled))
    address, call_it = functions.network(predictor), functions.predict
    x = TWO_LAYERS.data(3, compiled.dtype, 500)[0]
    want = np.empty((500, 3), compiled.dtype)
    call_it(address, x, want, 500)
    outs = np.full((4, 500, 3), np.nan, compiled.dtype)

    def work(out):
        for first in range(0, 500, 5):
            call_it(address, x[first:], out[first:], 5)

    together = [threading.Thread(target=work, args=[out]) for out in outs]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert all(out.tobytes() == want.tobytes() for out in outs)


@pytest.mark.parametrize("dtype", _backend.REALS)
def test_a_model_with_members(dtype):
    target = Target(_backend.target(), dtype)
    if target.is_reference:
        pytest.skip("CYNN_TARGET is the reference")
    model = Model([Dense(9), Members(20), MemberDense(4, 20)], dtype=dtype, seed=0)
    model.build(25)
    functions = Functions(target)
    x = np.random.default_rng(0).normal(size=(1500, 25)).astype(dtype)  # more than a block
    for n in (0, 1, 1500):
        out = guarded(np.full((n, 4), np.nan), dtype)
        assert functions.predict(functions.network(cynn.capi.predictor(model)), x, out, n) == 0
        assert out.tobytes() == model.predict(x[:n]).tobytes()
        assert_guards_intact(out)


@pytest.mark.parametrize("dtype", _backend.REALS)
def test_a_model(dtype):
    target = Target(_backend.target(), dtype)
    if target.is_reference:
        pytest.skip("CYNN_TARGET is the reference")
    model = Model([Flatten(), Rescale(1 / 255), Dense(9, "relu"), Dense(4)], dtype=dtype, seed=0)
    with pytest.raises(RuntimeError, match="no weights yet: call build"):
        cynn.capi.predictor(model)
    model.build((5, 5))
    functions = Functions(target)
    x = np.random.default_rng(0).integers(0, 256, (60, 25)).astype(dtype)
    out = np.empty((60, 4), dtype)
    assert functions.predict(functions.network(cynn.capi.predictor(model)), x, out, 60) == 0
    assert out.tobytes() == model.predict(x.reshape(60, 5, 5)).tobytes()


# -- what is declared


def declared(real: str) -> dict[str, str]:
    """Return the functions of functions.pxi, each with its signature as Cython writes it."""
    found = {}
    for result, name, inside in re.findall(
        r"^cdef (.+?)(\w+)\(([^)]*)\) (?:noexcept nogil|except NULL)$", DECLARED, re.MULTILINE
    ):
        kinds = []
        for part in (result + "_", *inside.split(",")):
            kind = re.sub(r"\w+$", "", part.strip()).strip().replace("real", real)
            kind = re.sub(r"(const )?(\w+)\*", lambda m: f"{m[2]} {m[1] or ''}*", kind)
            kinds.append({"bint": "int", "object": "PyObject *"}.get(kind, kind))
        found[name] = f"{kinds[0]} ({', '.join(kinds[1:])})".replace("* (", "*(")
    return found


def test_declarations_are_the_targets(compiled, functions):
    found = {name: signature(capsule) for name, capsule in functions.capsules.items()}
    assert len(found) >= 11
    assert found == declared("float" if compiled.dtype == "float32" else "double")


def test_numbers_are_the_places_of_the_names():
    enums = re.findall(r"^cdef enum:.*\n((?:    \w+(?:  #.*)?\n)+)", DECLARED, re.MULTILINE)
    names = [tuple(re.findall(r"^    (\w+)", text.lower(), re.MULTILINE)) for text in enums]
    for came, wanted in zip(names, (reference.ACTIVATIONS, reference.LOSSES), strict=True):
        assert came == wanted, "cynn/capi/functions.pxi: the enum does not hold these names"


@pytest.mark.parametrize("dtype", _backend.REALS)
def test_without_compiled_kernels(dtype):
    program = f"""
try:
    import cynn.capi.{dtype}
except ImportError as error:
    print(error)
"""
    said = python(program, CYNN_TARGET="reference")
    assert "cynn.capi needs compiled kernels, but the target in use is 'reference'" in said
    assert COMPILED[0] in said


# -- the example project


def has_compiler() -> bool:
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cl")
    return shutil.which(command[0]) is not None


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> str:
    """Build the example outside the checkout; return the folder of its module."""
    for needed in ("Cython", "setuptools"):
        pytest.importorskip(needed)
    if not has_compiler():
        pytest.skip("no C compiler")
    if not EXAMPLE.is_dir():
        pytest.skip("examples/cimport is not beside the tests")
    folder = tmp_path_factory.mktemp("example") / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.c", "build"))
    ran = subprocess.run(
        [sys.executable, "-P", "setup.py", "build_ext", "--inplace"],
        cwd=folder,
        env=os.environ | {"CFLAGS": f"{os.environ.get('CFLAGS', '')} -O0"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return str(folder)


BEGIN = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import numpy as np
from cynn import _backend, reference
from models import blobs, trained
import scorer
"""

USED = (
    BEGIN
    + """
model = trained()
x = np.tile(blobs()[0], (50, 1))
found = scorer.Scorer(model)
labels = np.full(len(x), -1, np.int32)
found.labels(x, labels)
wanted = model.predict(x).argmax(axis=1)
print(_backend.target(), (labels == wanted).all(), len(set(wanted.tolist())))

a, b = x[:17], x[20:31]
out, plain = np.empty((17, 11), np.float32), [[0.0] * 11 for _ in range(17)]
scorer.products(a, b, out)
reference.matmul_nt(a.tolist(), b.tolist(), plain)
print(np.allclose(out, plain, rtol=1e-5, atol=1e-5))

outs = np.full((4, len(x)), -1, np.int32)
threads = [threading.Thread(target=found.labels, args=(x, out)) for out in outs]
for thread in threads: thread.start()
for thread in threads: thread.join()
print((outs == wanted).all())

steps, over = 0, threading.Event()
def count():
    global steps
    while not over.is_set():
        steps += 1
        over.wait(1e-4)
def lets_others_run(call):
    for _ in range(100):  # a call may be over before the other thread wakes up
        before = steps
        call()
        if steps > before:
            return True
    return False
sys.setswitchinterval(1000)  # only who lets go of the interpreter lets others run
counter = threading.Thread(target=count)
counter.start()
print(lets_others_run(lambda: found.labels(x, labels)))
over.set()
counter.join()

for call in (
    lambda: found.labels(x[:, :3].copy(), labels),
    lambda: found.labels(x, labels[1:]),
    lambda: scorer.Scorer(trained(dtype="float64")),
    lambda: scorer.products(a, b, out.T.copy()),
):
    try:
        call()
    except (TypeError, ValueError) as error:
        print(type(error).__name__)
"""
)


@pytest.mark.parametrize("name", COMPILED)
def test_the_example_runs_on_every_target(example, name):
    said = python(USED, example, CYNN_TARGET=name).split("\n")
    assert said[0] == f"{name} True 3"
    assert said[1:4] == ["True"] * 3
    assert said[4:] == ["ValueError", "ValueError", "TypeError", "ValueError", ""]


def refusal(example: str, before: str = "", **environment: str) -> str:
    """Say why the example cannot be imported."""
    program = f"""
import sys
sys.path.insert(0, sys.argv[1])
{before}
try:
    import scorer
except Exception as error:
    print(type(error).__name__, error)
"""
    return python(program, example, **environment)


def test_the_example_says_why_it_cannot_be_imported(example):
    said = refusal(example, CYNN_TARGET="reference")
    assert said.startswith("ImportError cynn.capi needs compiled kernels")
    said = refusal(example, CYNN_TARGET="abacus")
    assert said.startswith("ValueError CYNN_TARGET must be one of")
    capi = "from cynn.capi import float32; found = float32.__pyx_capi__;"
    said = refusal(example, f"{capi} del found['predict']")
    assert said.startswith("ImportError") and "expected C function predict" in said
    said = refusal(example, f"{capi} found['predict'] = found['sgd']")
    assert said.startswith("TypeError") and "predict has wrong signature (expected int" in said


def test_the_page_shows_the_example(example):
    page = ROOT / "docs" / "cimport.md"
    if not page.exists():
        pytest.skip("docs/cimport.md is not beside the tests")
    text = page.read_text(encoding="utf-8")
    for name in ("scorer.pyx", "setup.py", "pyproject.toml"):
        assert (EXAMPLE / name).read_text(encoding="utf-8") in text, name
    *_, used = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    said = python(used + "\nprint(*labels)", PYTHONPATH=example, CYNN_TARGET=COMPILED[-1])
    assert set(said.split()) <= {"0", "1", "2"} and len(said.split()) == 5


def test_odd_arguments_are_refused_by_name():
    from cynn import capi

    for odd in (None, 3, np.ones(3), object()):
        with pytest.raises(TypeError, match="model must be a cynn.Model, got "):
            capi.predictor(odd)
        with pytest.raises(TypeError, match="dtype must be one of 'float32', 'float64', got "):
            capi.functions(odd)
    with pytest.raises(ValueError, match="got 'float23': did you mean 'float32'"):
        capi.functions("float23")
