"""Lists of the same names in several places: each omission is named, with the line to add."""

import inspect
import json
import math
import re
from pathlib import Path

import pytest

import cynn.capi
from cynn import _backend, optimizers, reference
from cynn._specs.activation_table import ACTIVATIONS, TABLE
from places import ROOT
from targets import TARGETS

COMPILED = [target for target in TARGETS if not target.is_reference]
DECLARED = Path(cynn.capi.__file__).with_name("functions.pxi")
KERNELS = "cynn/kernels/ops/activations.pxi"
SPECS = "cynn/_specs/activation_table.py"


def page(name: str) -> list[str]:
    """Return the lines of a page of docs."""
    path = ROOT / "docs" / name
    if not path.exists():
        pytest.skip("docs is not beside the tests")
    return path.read_text(encoding="utf-8").splitlines()


def rows(lines: list[str], columns: int) -> dict[str, list[str]]:
    """Return the rows of tables that begin with one name, by that name."""
    cells = ([part.strip() for part in line.split("|")[1:-1]] for line in lines)
    return {
        row[0].strip("`"): row
        for row in cells
        if len(row) == columns and re.fullmatch(r"`\w+`", row[0])
    }


def known() -> set[str]:
    """Return all activations that any of the places has."""
    return {
        *ACTIVATIONS,
        *reference.ACTIVATIONS,
        *(n for t in COMPILED for n in t.module.ACTIVATIONS),
    }


def assert_all(place: str, have: tuple[str, ...]) -> None:
    """Demand every activation, in the order of the numbers."""
    for name in sorted(known()):
        assert name in have, f"{place}: add {name!r}"
    assert have == tuple(ACTIVATIONS), f"{place}: the order is that of the numbers in {SPECS}"


def test_activations_of_the_table():
    assert_all(f"{SPECS}, TABLE", ACTIVATIONS)


def test_activations_of_the_reference():
    place = "cynn/reference/smooth.py, a function and its way back, in this order"
    assert_all(place, reference.ACTIVATIONS)


@pytest.mark.parametrize("target", COMPILED, ids=str)
def test_activations_of_the_kernels(target):
    assert_all(f"{KERNELS}, ACTIVATIONS", target.module.ACTIVATIONS)
    for name in reference.FROM_INPUT:
        assert name in target.module.FROM_INPUT, f"{KERNELS}, FROM_INPUT: add {name!r}"
    assert target.module.FROM_INPUT == reference.FROM_INPUT


def test_activations_of_the_c_interface():
    (text,) = re.findall(
        r"^cdef enum:  # activations\n((?:    .+\n)+)", DECLARED.read_text(encoding="utf-8"), re.M
    )
    lines = [line.strip() for line in text.splitlines()]
    names = tuple(line.split()[0].lower() for line in lines)
    assert_all("cynn/capi/functions.pxi, the enum of activations, in capitals", names)
    for name, line in zip(names, lines, strict=True):
        wanted = name.upper() + "  # the gradient takes x" * (name in reference.FROM_INPUT)
        assert line == wanted, f"cynn/capi/functions.pxi, the enum of activations: write {wanted!r}"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_first_weights_are_those_of_the_reference(name):
    """By the bounds of the draws, which the same seed makes proportional to them."""
    n_in, n_out = 3, 5
    wanted = {
        "glorot_uniform": math.sqrt(6 / (n_in + n_out)),
        "he_uniform": math.sqrt(6 / n_in),
        "lecun_uniform": math.sqrt(3 / n_in),
    }
    drawn = reference.initial_weights(n_in, n_out, 0, name)[0][0]
    unit = reference.initial_weights(n_in, n_out, 0, "identity")[0][0] / wanted["glorot_uniform"]
    found = min(wanted, key=lambda rule: abs(wanted[rule] * unit - drawn))
    assert TABLE[name].first_weights == found, (
        f"{SPECS} says {TABLE[name].first_weights} of {name!r}, the reference draws {found}: "
        "KIN_OF_RELU in cynn/reference/smooth.py lists those of he_uniform"
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_said_of_onnx(name):
    entry = TABLE[name]
    assert entry.operator or entry.gate, f"{SPECS}, {name!r}: say its operator or its gate in ONNX"
    assert set(entry.gate) <= set(ACTIVATIONS)


WEIGHTS = {"glorot_uniform": "Glorot", "he_uniform": "He", "lecun_uniform": "LeCun"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_the_pages(name):
    entry = TABLE[name]
    operators = [entry.operator] if entry.operator else [TABLE[n].operator for n in entry.gate]
    onnx = ", ".join(operators + ["Mul"] * (not entry.operator))
    onnx = {"Identity": "none"}.get(onnx, onnx) + f", version {entry.opset}" * bool(entry.opset)
    row = rows(page("layers.md"), 5).get(name)
    wanted = f"| `{name}` | f(x) | {WEIGHTS[entry.first_weights]} | {onnx} | |"
    assert row is not None, f"docs/layers.md, the table under Activations: add {wanted}"
    assert row[2:4] == [WEIGHTS[entry.first_weights], onnx], f"docs/layers.md: wanted {wanted}"


def test_the_pages_know_no_other_activations():
    lines = page("layers.md")
    section = lines[lines.index("## Activations") : lines.index("## User-defined activations")]
    assert set(rows(section, 5)) == set(ACTIVATIONS)


# -- optimizers


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_optimizers_have_their_rules(name):
    kernel = str(optimizers.OPTIMIZERS[name]().kernel()[0])
    assert kernel in reference.OPTIMIZERS, f"cynn/reference/optimizers.py, _ENTRIES: add {kernel!r}"
    for target in COMPILED:
        have = target.module.OPTIMIZERS
        assert kernel in have, f"cynn/kernels/optim: a file of rules has to enter {kernel!r}"


@pytest.mark.parametrize("name", reference.OPTIMIZERS)
def test_rules_have_their_optimizers(name):
    for target in COMPILED:
        have = target.module.OPTIMIZERS.get(name)
        wanted = reference.OPTIMIZERS[name]
        assert have == wanted, f"cynn/kernels/optim: {name!r} is to be entered with {wanted}"
    kinds = optimizers.OPTIMIZERS.values()
    flags = ("amsgrad", "centered", "decoupled_weight_decay")
    made = [kind() for kind in kinds]
    made += [
        kind(**{flag: True})
        for kind in kinds
        for flag in flags
        if flag in inspect.signature(kind).parameters
    ]
    names = {one.kernel()[0] for one in made}
    assert name in names or name.endswith("_sklearn"), (
        f"cynn/optimizers: no optimizer listed in the __all__ of its file is {name!r}"
    )


def test_every_file_of_optimizers_is_listed():
    folder = Path(optimizers.__file__).parent
    for path in sorted(folder.glob("_[a-z]*.py")):
        listed = re.findall(r"^class ([A-Z]\w+)\(Optimizer\)", path.read_text("utf-8"), re.M)
        for name in listed:
            place = f"cynn/optimizers/{path.name}, __all__: add {name!r}"
            assert name in optimizers.__all__, place
            assert getattr(optimizers, name) in optimizers.OPTIMIZERS.values(), place


def settings(kind: type) -> str:
    """Return what a row of the page says of an optimizer beside its rate."""
    common = {"learning_rate", "clip_value", "clip_norm", "average"}
    found = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name not in common and (name != "weight_decay" or parameter.default):
            value = repr(parameter.default)
            mantissa, e, exponent = value.partition("e-0")
            found.append(f"`{name}={f'{mantissa}e-{exponent}' if e else value}`")
    return ", ".join(found)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_optimizers_of_the_pages(name):
    kind = optimizers.OPTIMIZERS[name]
    wanted = f'| `{kind.__name__}` | `"{name}"` | {kind().learning_rate} | {settings(kind)} |'
    assert wanted in page("optimizers.md"), f"docs/optimizers.md, its first table: add {wanted}"


def test_every_optimizer_has_a_trajectory():
    path = ROOT / "tests" / "kernels" / "trajectories.json"
    have = {
        case["class"] for case in json.loads(path.read_text(encoding="utf-8"))["cases"].values()
    }
    for kind in optimizers.OPTIMIZERS.values():
        if kind is not optimizers.Lion:  # PyTorch has none: test_lion_by_its_paper
            command = f"scripts/trajectories.py {kind.__name__!r} {kind.__name__} lr=0.01"
            assert kind.__name__ in have, f"tests/kernels/trajectories.json: {command}"


def test_targets_are_compared_where_there_are_any():
    assert len(COMPILED) == 2 * (len(_backend.available_targets()) - 1)
