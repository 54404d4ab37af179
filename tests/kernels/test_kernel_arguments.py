"""Arguments that kernels take and refuse; every target has the same functions and signatures."""

import inspect
import itertools
import re
from types import ModuleType

import numpy as np
import pytest

from calls import KERNELS, OUTPUTS, arguments, expected, shapes_of
from cynn import reference
from targets import assert_close, assert_guards_intact, guarded

SIZES = [(5, 6, 7), (17, 18, 19)]
every_kernel = pytest.mark.parametrize("kernel", KERNELS)


def parameters(function) -> list[str]:
    """Return the names of a function's parameters, or of a method's without self."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled without a signature: it opens the docstring then
        text = getattr(function, "__text_signature__", None) or function.__doc__ or ""
        inside = re.search(r"\((.*)\)", text.splitlines()[0]).group(1)
        inside = re.sub(r"\[[^]]*\]|\([^)]*\)", "", inside)  # axes, and tuples that are defaults
        names = [re.split(r"[:=]", part)[0].split()[-1] for part in inside.split(",")]
    return [name for name in names if name not in ("self", "$self", "/")]


def public(of) -> dict[str, object]:
    return {name: getattr(of, name) for name in dir(of) if not name.startswith("_")}


def test_names_and_signatures_are_the_references(compiled):
    module = compiled.module
    for name in (*KERNELS, "Network", "ACTIVATIONS", "FROM_INPUT", "LOSSES"):
        assert hasattr(module, name), f"{name} is missing"
    assert module.ACTIVATIONS == reference.ACTIVATIONS
    assert module.FROM_INPUT == reference.FROM_INPUT
    assert module.LOSSES == reference.LOSSES, (
        "cynn/reference/losses.py (__all__) and cynn/kernels/ops/losses.pxi (LOSSES) differ in "
        f"{set(module.LOSSES) ^ set(reference.LOSSES)}"
    )
    assert module.OPTIMIZERS == reference.OPTIMIZERS
    functions = (*KERNELS, "optimizer_step", "permutation")
    own = {"keep_threads"}  # the reference has none
    for kernel in functions:
        wanted = parameters(getattr(reference, kernel))
        assert parameters(getattr(module, kernel)) == wanted, kernel
    calls = {n for n, v in public(module).items() if callable(v) and not inspect.isclass(v)}
    assert calls - own == set(functions)


def test_network_methods_and_signatures_are_the_references(compiled):
    wanted, found = (public(m.Network) for m in (reference, compiled.module))
    methods = {name for name, value in wanted.items() if callable(value)}
    found_methods = {name for name, value in found.items() if callable(value)}
    assert found_methods - {"splits"} == methods  # the reference has no threads to share anything
    for name in methods:
        assert parameters(found[name]) == parameters(wanted[name]), name


def check(module: ModuleType, kernel: str, given: dict, want: dict, u: float, case="") -> None:
    """Call with valid arguments and compare with the reference's results."""
    getattr(module, kernel)(*given.values())
    for name, values in want.items():
        # Sums of at most 20 products below 4, and what little comes after them.
        assert_close(given[name], values, 2000 * u, (kernel, case, name))


@every_kernel
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_keyword_arguments_and_return_value(target, kernel, size):
    given = arguments(kernel, *size, target.dtype)
    result, want = expected(kernel, given)
    got = getattr(target.module, kernel)(**given)
    if result is None:
        assert got is None
    else:
        assert_close(got, result, 2000 * target.u * abs(result))
    for name, values in want.items():
        assert_close(given[name], values, 2000 * target.u, (kernel, name))


def every_second(v: np.ndarray) -> np.ndarray:
    """Return the same numbers, each followed by a NaN in memory, in every dimension."""
    wide = np.full([2 * n for n in v.shape], np.nan, v.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in v.shape)]
    view[...] = v
    return view


def backwards(v: np.ndarray) -> np.ndarray:
    """Return the same numbers with negative strides."""
    flipped = tuple(slice(None, None, -1) for _ in v.shape)
    return np.ascontiguousarray(v[flipped])[flipped]


def by_column(v: np.ndarray) -> np.ndarray:
    """Return the same numbers in column-major order."""
    return np.ascontiguousarray(v.T).T


def rows_apart(v: np.ndarray) -> np.ndarray:
    """Return the same numbers, contiguous within a row, with NaN between rows."""
    wide = np.full((*v.shape[:-1], v.shape[-1] + 3), np.nan, v.dtype)
    wide[..., : v.shape[-1]] = v
    return wide[..., : v.shape[-1]]


@every_kernel
@pytest.mark.parametrize("layout", [every_second, backwards, by_column, rows_apart])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_arrays_of_any_layout(target, kernel, layout, size):
    names = list(shapes_of(kernel, *size))
    _, want = expected(kernel, arguments(kernel, *size, target.dtype))
    for changed in [*([name] for name in names), names]:
        given = arguments(kernel, *size, target.dtype)
        given |= {name: layout(given[name]) for name in changed}
        check(target.module, kernel, given, want, target.u, changed)


@pytest.mark.parametrize("layout", [every_second, rows_apart])
def test_nothing_is_written_between_the_numbers_of_an_output(target, layout):
    given = arguments("matmul", 17, 18, 19, target.dtype)
    given["out"] = layout(given["out"])
    target.module.matmul(**given)
    assert np.isnan(given["out"].base).sum() == given["out"].base.size - given["out"].size


@every_kernel
def test_read_only_inputs_are_taken(target, kernel):
    given = arguments(kernel, 5, 6, 7, target.dtype)
    _, want = expected(kernel, given)
    for name, value in given.items():
        if isinstance(value, np.ndarray) and name not in OUTPUTS[kernel]:
            value.setflags(write=False)
    check(target.module, kernel, given, want, target.u)


@every_kernel
def test_a_broadcast_input_is_taken(target, kernel):
    """All its strides are 0: every element is the same one in memory."""
    for name in shapes_of(kernel, 5, 6, 7):
        if name not in OUTPUTS[kernel]:
            given = arguments(kernel, 5, 6, 7, target.dtype)
            given[name] = np.broadcast_to(np.asarray(0.5, target.dtype), given[name].shape)
            _, want = expected(kernel, given)
            check(target.module, kernel, given, want, target.u, name)


def assert_refused(module, kernel, given, error, case) -> None:
    """Check that the call raises and writes nothing."""
    before = [repr(np.asarray(given[name]).tolist()) for name in OUTPUTS[kernel]]
    try:
        getattr(module, kernel)(*given.values())
    except error as caught:
        assert str(caught), case
    else:
        pytest.fail(f"{kernel}: {case}: was not refused")
    after = [repr(np.asarray(given[name]).tolist()) for name in OUTPUTS[kernel]]
    assert after == before, (kernel, case)


@every_kernel
def test_read_only_outputs_are_refused(target, kernel):
    for name in OUTPUTS[kernel]:
        given = arguments(kernel, 5, 6, 7, target.dtype)
        given[name].setflags(write=False)
        # The reference finds out when it writes, and may have written another output by then.
        before = {} if target.is_reference else given
        with pytest.raises((ValueError, TypeError)):
            getattr(target.module, kernel)(*given.values())
        if before and kernel != "sgd":
            assert all(np.isnan(given[output]).all() for output in OUTPUTS[kernel])


@every_kernel
def test_a_shape_that_does_not_fit_is_refused(target, kernel):
    """Any one argument, longer or shorter by one in any one dimension."""
    for name, shape in shapes_of(kernel, 5, 6, 7).items():
        for axis, change in itertools.product(range(len(shape)), (-1, 1)):
            given = arguments(kernel, 5, 6, 7, target.dtype)
            wrong = [n + change * (i == axis) for i, n in enumerate(shape)]
            given[name] = np.ones(wrong, target.dtype)
            assert_refused(target.module, kernel, given, ValueError, (name, wrong))


@every_kernel
def test_an_error_names_the_function_and_an_argument(target, kernel):
    given = arguments(kernel, 5, 6, 7, target.dtype)
    name = next(iter(shapes_of(kernel, 5, 6, 7)))
    given[name] = np.ones([n + 1 for n in given[name].shape], target.dtype)
    with pytest.raises(ValueError, match=rf"^{kernel}: ") as caught:
        getattr(target.module, kernel)(*given.values())
    assert any(re.search(rf"\b{n}\b", str(caught.value)) for n in shapes_of(kernel, 1, 1, 1))


@every_kernel
def test_a_wrong_number_of_dimensions_is_refused(target, kernel):
    for name in shapes_of(kernel, 5, 6, 7):
        for dims in (-1, 1):
            given = arguments(kernel, 5, 6, 7, target.dtype)
            given[name] = np.array(given[name][0]) if dims < 0 else given[name][None]
            assert_refused(target.module, kernel, given, (ValueError, TypeError), (name, dims))


@every_kernel
def test_objects_that_are_not_arrays_are_refused(target, kernel):
    for name in shapes_of(kernel, 5, 6, 7):
        for wrong in (None, 1.0, "a word"):
            given = arguments(kernel, 5, 6, 7, target.dtype)
            given[name] = wrong
            with pytest.raises((ValueError, TypeError)):
                getattr(target.module, kernel)(*given.values())


@every_kernel
def test_a_wrong_dtype_is_refused(compiled, kernel):
    """Nothing is converted silently: not the other precision, whole numbers or swapped bytes."""
    other = "float64" if compiled.dtype == "float32" else "float32"
    swapped = compiled.real.newbyteorder()
    for name in shapes_of(kernel, 5, 6, 7):
        for dtype in (other, "int32", "int64", "complex64", "object", swapped):
            given = arguments(kernel, 5, 6, 7, compiled.dtype)
            given[name] = np.ones(given[name].shape, dtype)
            assert_refused(compiled.module, kernel, given, (ValueError, TypeError), (name, dtype))


def pairs(kernel: str) -> list[tuple[str, str]]:
    """An output, and any other array argument."""
    names = shapes_of(kernel, 1, 1, 1)
    return [(out, name) for out in OUTPUTS[kernel] for name in names if name != out]


@every_kernel
def test_overlapping_outputs_are_refused(target, kernel):
    """By one element at either end; adjacent arrays are allowed."""
    for out, other in pairs(kernel):
        for out_first, shared in itertools.product((False, True), (0, 1)):
            given = arguments(kernel, 5, 6, 7, target.dtype)
            _, want = expected(kernel, given)
            a, b = (out, other) if out_first else (other, out)
            size_a, size_b = given[a].size, given[b].size
            memory = np.empty(size_a + size_b - shared, target.dtype)
            views = {
                a: memory[:size_a].reshape(given[a].shape),
                b: memory[size_a - shared :].reshape(given[b].shape),
            }
            # The output's own numbers last: for sgd they matter too.
            for name in (other, out):
                views[name][...] = 0.5 if shared else given[name]
            given |= views
            if shared:
                assert_refused(target.module, kernel, given, ValueError, (a, b))
            else:
                check(target.module, kernel, given, want, target.u, (a, b))


@every_kernel
def test_an_output_that_is_an_input_is_refused(target, kernel):
    size = (6, 6, 6)
    shapes = shapes_of(kernel, *size)
    for out, other in pairs(kernel):
        if shapes[out] == shapes[other]:
            views = [lambda v: v, lambda v: v[::-1], lambda v: v.T]
            for view in views:
                given = arguments(kernel, *size, target.dtype)
                given[other][...] = 0.5
                given[out] = view(given[other])
                assert_refused(target.module, kernel, given, ValueError, (out, other))


def test_the_reference_refuses_lists_that_are_outputs_twice():
    row = [1.0, 2.0]
    for x, out in (([row], [row]), (a := [row], a)):
        with pytest.raises(ValueError, match="relu: out must not share memory with x"):
            reference.relu(x, out)
    with pytest.raises(ValueError, match="unequal"):
        reference.relu([[1.0], [1.0, 2.0]], [[0.0], [0.0, 0.0]])


@pytest.mark.parametrize("activation", ["maxout", "", "ReLU", None, 3])
def test_an_unknown_activation_is_refused(target, activation):
    given = arguments("dense_forward", 5, 6, 7, target.dtype)
    given["activation"] = activation
    assert_refused(target.module, "dense_forward", given, (ValueError, TypeError), activation)


@every_kernel
@pytest.mark.parametrize("size", [(0, 6, 7), (0, 1, 1), (5, 0, 7), (0, 0, 7)], ids=str)
def test_empty_arrays(target, kernel, size):
    """No rows, or no inputs: sums of nothing are 0 and written as such."""
    given = arguments(kernel, *size, target.dtype)
    given |= {
        name: guarded(value, target.dtype)
        for name, value in given.items()
        if isinstance(value, np.ndarray)
    }
    plain = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in given.items()}
    result = getattr(reference, kernel)(*plain.values())
    got = getattr(target.module, kernel)(*given.values())
    if size[0] == 0:
        assert got == result
    for name in OUTPUTS[kernel]:
        assert_close(given[name], plain[name], 2000 * target.u, (kernel, name))
        assert_guards_intact(given[name], (kernel, name))
