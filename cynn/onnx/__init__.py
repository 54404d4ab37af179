"""ONNX: models as files that other runtimes read, and such files as models.

Needs the ``onnx`` package: ``pip install cynn-learn[onnx]``. `export` writes what a model computes
when it predicts; `load` reads a file of the operators that `export` writes. Both go by tables: what
a layer is in ONNX, and an operator here, stands in ``_layers``, and the activations, which serve
both ways, in ``_specs.activation_table``.
"""

# A way in and out: imports `model` and below; imported by nobody.

from ._reading import OnnxFileError, load
from ._writing import export

__all__ = ["OnnxFileError", "export", "load"]
