"""Writing a network as C99: the source file and its header."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import layers
from .._runtime import atomic_files
from .._specs.validation import flag, real_dtype, shown
from .._version import VERSION
from ..ensemble import Ensemble, models_of
from ..layers._far import far_layers
from ..layers._stack import members_by_layer
from ..model import Model
from ..tables import Classes, Quantity, TableEncoder
from ..tables._written import expect_writable
from ._layers import LAYERS, comment, write_layers
from ._source import Source
from ._tables import expect_short, quoted, write_encoder, write_quantity, write_struct

MOST_WEIGHTS = 1 << 24
"""What compilers take in some seconds, and what still is a source file."""


def export(
    model: Model | Ensemble | Any,
    path: str | os.PathLike[str],
    *,
    dtype: DTypeLike | None = None,
    network_only: bool = False,
) -> None:
    """Write a network as a C99 source file, and its header beside it.

    Parameters
    ----------
    model : Model, Ensemble or estimator
        With weights; of several models it is their mean. Of one that has a table, as an estimator
        of tables has, a row is a struct with a member for each column.
    path : path-like
        The source file, whose name ends in ``.c``. The header has the same name with ``.h``, and
        what both define begins with that name: `net_predict` in ``net.c``.
    dtype : {"float32", "float64"}, optional
        What is computed in, float or double of C; by default as the model.
    network_only : bool, default False
        Whether a table is left out: rows are then as ``model.table.encode`` returns them.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, a layer is of a user-defined class or has an activation
        that is a Python function, there are more than 2**24 weights, or a table has dates, a column
        of a user-defined class, or texts of more than 4,000 bytes.
    RuntimeError
        If the model has no weights yet.
    OSError
        If a file cannot be written; what was there before is still there.

    See Also
    --------
    cynn.onnx.export : Write a file that ONNX Runtime and others read.

    Notes
    -----
    The header says what there is: ``NAME_INPUTS`` and ``NAME_OUTPUTS``, ``NAME_predict`` of one row
    and ``NAME_predict_rows`` of n rows that lie one after the other. No memory is allocated, and
    nothing is called but functions of ``math.h``, and those only where an activation needs them. A
    row is worked on in arrays on the stack, so that any number of threads may predict at once.
    Numbers are as exact as in `cynn.Model.predict`, whose sums have another order. Where the first
    layers bring to size numbers far from 0, of which float would lose digits, rows are of double.

    Of a table numbers are double, NAN where one is missing, and categories strings in UTF-8, a null
    pointer or empty where one is missing. For classes the outputs are probabilities in the order of
    ``NAME_labels``; a quantity, or its quantiles, are in the units of the table, as double.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(8, "relu"), Dense(3, "softmax")], seed=0)
    >>> model.build(4)
    >>> export(model, "iris.c")  # doctest: +SKIP
    >>> print(Path("iris.h").read_text().splitlines()[-9])  # doctest: +SKIP
    void iris_predict(const float *x, float *y);
    """
    models = models_of(model)
    if not models:
        fit = ": call fit first" if hasattr(model, "fit") else ""
        raise TypeError(
            "model must be a cynn Model, an Ensemble or a fitted estimator of tables, such as "
            f"RealMLPClassifier, got {type(model).__name__}{fit}"
        )
    source = Path(path)
    if source.suffix != ".c":
        raise ValueError(f"path must end in .c, got {shown(str(source))}")
    real = models[0].dtype if dtype is None else real_dtype(dtype)
    size = 0
    for each in models:
        size += sum(part.size for part in each.get_weights())  # refuses one that is not built
        for i, layer in enumerate(each.layers):
            _expect_known(f"layers[{i}]", layer)
    if size > MOST_WEIGHTS:
        raise ValueError(f"model must have at most {MOST_WEIGHTS:,} weights for C, got {size:,}")
    name = re.sub(r"\W", "_", source.stem, flags=re.ASCII)
    name = f"net_{name}" if not name[:1].isalpha() else name
    table = None if flag("network_only", network_only) else models[0].table
    if table is not None:
        row = models[0]._built_shape()
        n_outputs = layers.output_shapes(models[0].layers, row)[-1][0]
        expect_writable(table, row, n_outputs, "C")
    header, text = _files(models, real, name, source.with_suffix(".h").name, table)
    atomic_files.replace(source.with_suffix(".h"), header.encode())
    atomic_files.replace(source, text.encode())


def _expect_known(name: str, layer: layers.Layer) -> None:
    if type(layer) not in LAYERS:
        raise ValueError(f"{name} must be one of cynn's own layers for C, got {shown(layer)}")
    activation = getattr(layer, "activation", "")
    if not isinstance(activation, str):
        raise ValueError(f"{name} must have a built-in activation for C, got {shown(activation)}")
    for i, inner in enumerate(getattr(layer, "layers", ())):
        _expect_known(f"{name}.layers[{i}]", inner)


def _files(
    models: Sequence[Model], real: np.dtype[Any], name: str, header: str, table: TableEncoder | None
) -> tuple[str, str]:
    """Return the header and the source."""
    row = models[0]._built_shape()
    outputs = layers.output_shapes(models[0].layers, row)[-1]
    n_inputs, n_outputs = int(np.prod(row)), int(np.prod(outputs))
    c = Source(real)
    far = [far_layers(model.layers) if real == np.float32 else 0 for model in models]
    given = "double" if any(far) and table is None else c.word
    bodies = [
        _network(c, model, i, n_far if given != c.word else 0, n_inputs, given)
        for i, (model, n_far) in enumerate(zip(models, far, strict=True))
    ]
    bodies.append(_mean(c, len(models), given, n_outputs))
    defined = [f"#define {name.upper()}_OUTPUTS {n_outputs}"]
    if table is None:
        defined.insert(0, f"#define {name.upper()}_INPUTS {n_inputs}")
        seen = _Seen(given, c.word, n_inputs, f"{name.upper()}_INPUTS numbers")
        body = "    network(x, y);"
    else:
        seen = _Seen(f"{name}_row", c.word, 1, "as above")
        defined.append("\n" + write_struct(table, f"{name}_row"))
        bodies.append(write_encoder(c, table, f"{name}_row"))
        steps = [
            f"    {c.word} given[{n_inputs}];",
            "    encode(x, given);",
            "    network(given, y);",
        ]
        if isinstance(table.target, Quantity):
            seen = seen._replace(word="double")
            bodies.append(write_quantity(c, table.target))
            steps.insert(1, f"    {c.word} z[{n_outputs}];")
            steps[-1:] = ["    network(given, z);", "    quantity(z, y);"]
        else:
            assert isinstance(table.target, Classes)
            labels = ", ".join(map(quoted, table.target.labels))
            expect_short(table.target.labels)
            defined.append(f"\nextern const char *const {name}_labels[{n_outputs}];")
            bodies.append(f"const char *const {name}_labels[{n_outputs}] = {{{labels}}};")
        body = "\n".join(steps)
    one = f"void {name}_predict(const {seen.given} *x, {seen.word} *y)"
    many = f"void {name}_predict_rows(int n, const {seen.given} *x, {seen.word} *y)"
    bodies.append(f"{one}\n{{\n{body}\n}}")
    bodies.append(
        f"{many}\n{{\n    for (int i = 0; i < n; i++)\n        {name}_predict("
        f"x + (long)i * {seen.apart}, y + (long)i * {n_outputs});\n}}"
    )
    shown = "\n".join(f" *   {comment(layer)}" for layer in models[0].layers)
    says = f"/* A network of cynn {VERSION}, {row} to {outputs}:\n{shown}\n */"
    top = HEADER.format(
        says=says, guard=f"{name.upper()}_H", defined="\n".join(defined), one=one, many=many,
        row=seen.said, outputs=f"{name.upper()}_OUTPUTS",
    )  # fmt: skip
    includes = ["#include <math.h>"] * c.needs_maths + [f'#include "{header}"']
    parts = [says, "\n".join(includes), *c.arrays, *c.functions.values(), *bodies]
    return top, "\n\n".join(parts) + "\n"


class _Seen(NamedTuple):
    """What a caller gives and gets: the type of a row, how many of it, and that of the outputs."""

    given: str
    word: str
    apart: int
    said: str


HEADER = """\
{says}
#ifndef {guard}
#define {guard}

{defined}

#ifdef __cplusplus
extern "C" {{
#endif

/* Predict one row x, {row}, to {outputs} numbers y. */
{one};

/* Predict n rows, one after the other in both arrays. */
{many};

#ifdef __cplusplus
}}
#endif
#endif
"""


def _network(c: Source, model: Model, i: int, n_far: int, n_inputs: int, given: str) -> str:
    """Write the arrays of a model; return the function that predicts a row by it."""
    shape = model._built_shape()
    names = (*layers.weight_shapes(model.layers, shape), *layers.state_shapes(model.layers, shape))
    arrays: tuple[NDArray[Any], ...] = (*model.get_weights(), *model.get_state())
    prefix = f"net{i}_layer"
    named = {
        f"{prefix}{name.removeprefix('layer')}": array
        for name, array in zip(names, arrays, strict=True)
    }
    c.begin(n_inputs)
    if given != c.word:
        _write_far(c, model.layers[:n_far], f"net{i}")
    write_layers(c, model.layers[n_far:], prefix, named, n_far)
    if members_by_layer(model.layers)[-1] > 1:
        k = c.members
        x, y = c.next(c.width, 1)
        c.call("mean", x, k, c.width, y)
    c.call("copy", c.x, "y", c.size)
    return c.function(f"static void net{i}(const {given} *x, {c.word} *y)")


def _write_far(c: Source, parts: Sequence[layers.Layer], name: str) -> None:
    """Bring the input to size in double, by all layers that do so at once."""
    scale, offset = np.ones(c.width), np.zeros(c.width)
    for layer in parts:
        c.statements.append(f"/* {comment(layer)} */")
        if isinstance(layer, layers.Rescale):
            scale, offset = scale * layer.scale, offset * layer.scale + layer.offset
        elif isinstance(layer, layers.Normalize):
            std = np.array(layer.std)
            scale, offset = scale / std, (offset - np.array(layer.mean)) / std
    of_input = [
        c.doubles(f"{name}_{part}", v) for part, v in (("scale", scale), ("offset", offset))
    ]
    size = c.size
    x, y = c.next(c.width)
    c.call("begin", x, y, size, *of_input)


def _mean(c: Source, count: int, given: str, n_outputs: int) -> str:
    """Return the function of all models: their mean, in double as `Ensemble.predict` has it."""
    prototype = f"static void network(const {given} *x, {c.word} *y)"
    if count == 1:
        return f"{prototype}\n{{\n    net0(x, y);\n}}"
    calls = "\n".join(
        f"    net{i}(x, y);\n    for (int i = 0; i < {n_outputs}; i++)\n        sums[i] += y[i];"
        for i in range(count)
    )
    return (
        f"{prototype}\n{{\n    double sums[{n_outputs}] = {{0}};\n{calls}\n"
        f"    for (int i = 0; i < {n_outputs}; i++)\n"
        f"        y[i] = ({c.word})(sums[i] / {count});\n}}"
    )
