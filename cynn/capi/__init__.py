"""The kernels for other Cython projects: C functions over plain arrays, without the GIL.

``from cynn.capi cimport float32`` or ``float64``, then ``float32.matmul(...)``: ``functions.pxi``
declares what there is, ``docs/cimport.md`` shows how it is used.

A compiled module looks for the functions of another in that one's ``__pyx_capi__``, by name and
signature, when it is imported. Here that dictionary is the chosen target's own: so a project that
is compiled against these declarations is tied to no instruction set and calls the kernels directly.
"""

# A way out, to C: imports `_backend` and `model`; imported by nobody in Python.

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from .. import _backend
from .._specs.validation import choice, shown
from ..model import Model

if TYPE_CHECKING:
    from ..kernels._target import Predictor


def _target(dtype: str) -> ModuleType:
    """Return the target in use, which must be a compiled one."""
    if _backend.target() == "reference":
        *compiled, _ = _backend.available_targets()
        raise ImportError(
            "cynn.capi needs compiled kernels, but the target in use is 'reference', plain Python; "
            f"compiled here: {', '.join(compiled) or 'none'}"
        )
    return cast(ModuleType, _backend.kernels(dtype))


def get_include() -> str:
    """Return the folder in which Cython finds the declarations of cynn.

    Returns
    -------
    str
        For ``include_path`` of ``Cython.Build.cythonize``. Where the package is installed in the
        usual way Cython finds it without; an editable install is on no path.

    Examples
    --------
    >>> import os
    >>> os.path.isfile(os.path.join(get_include(), "cynn", "capi", "float32.pxd"))
    True
    """
    return str(Path(__file__).resolve().parents[2])


def functions(dtype: str) -> dict[str, object]:
    """Return the C functions of the target in use, as Cython looks for them.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    dict of str to PyCapsule
        Each function under its name; the capsule's own name is the signature.

    Raises
    ------
    TypeError, ValueError
        If `dtype` is something else.
    ImportError
        If the target in use is the reference.

    Examples
    --------
    >>> "matmul" in functions("float32")
    True
    """
    exported = _target(choice("dtype", dtype, ("float32", "float64"))).__pyx_capi__
    return {name.removeprefix("api_"): capsule for name, capsule in exported.items()}


def predictor(model: Model) -> "Predictor":
    """Return the object that ``network`` and ``predict`` of the C interface take of a model.

    Parameters
    ----------
    model : Model
        With weights: built, fitted or loaded.

    Returns
    -------
    Predictor
        It has ``n_inputs`` and ``n_outputs``, and keeps the network alive. What later changes the
        model's weights is seen by it, but must not happen while a prediction runs.

    Raises
    ------
    TypeError
        If it is no model.
    RuntimeError
        If the model has no weights yet.
    ImportError
        If the target in use is the reference.

    Examples
    --------
    >>> from cynn import Model
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(3, "softmax")])
    >>> model.build(4)
    >>> found = predictor(model)
    >>> found.n_inputs, found.n_outputs
    (4, 3)
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a cynn.Model, got {shown(model)}")
    if model._network is None:
        raise RuntimeError("the model has no weights yet: call build(input_shape) or fit first")
    return cast("Predictor", _target(model.dtype.name).Predictor(model._network))
