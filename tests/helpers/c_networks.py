"""Networks as C, compiled and called: what their tests share."""

import ctypes
import importlib.util
import re
import shutil
import subprocess
import sys
import uuid

import numpy as np
import pytest

from cynn import c99

FLAGS = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]


def _compilers():
    found = [[name] for name in ("gcc", "clang") if shutil.which(name)]
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


COMPILERS = _compilers() if sys.platform.startswith("linux") else []

needs_compiler = pytest.mark.skipif(not COMPILERS, reason="needs gcc, clang or ziglang, on Linux")


class Compiled:
    """A network in C: its header, and predictions by it."""

    def __init__(self, model, folder, compiler=None, **options):
        source = folder / "net.c"
        c99.export(model, source, **options)
        self.header = (folder / "net.h").read_text(encoding="ascii")
        library = folder / f"{uuid.uuid4().hex}.so"  # a loaded one is not written over
        command = [*(compiler or COMPILERS[0]), *FLAGS, str(source), "-o", str(library), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        self.library = ctypes.CDLL(str(library))
        self.n_outputs = int(re.search(r"NET_OUTPUTS (\d+)", self.header)[1])

    def _type(self, name):
        return np.float64 if re.search(rf"double \*{name}\b", self.header) else np.float32

    def predict(self, x):
        """Return the predictions of rows of numbers, and see that one row gives the same."""
        x = np.ascontiguousarray(x, self._type("x")).reshape(len(x), -1)
        return self._called(len(x), lambda i: x[i:].ctypes.data_as(ctypes.c_void_p))

    def predict_table(self, table, encoder):
        """Return those of rows of a table."""
        members = re.findall(r"^    (double|const char \*) ?(\w+);", self.header, re.MULTILINE)
        assert len(members) == len(encoder.columns)
        kinds = {"double": ctypes.c_double, "const char *": ctypes.c_char_p}
        fields = [(field, kinds[kind]) for kind, field in members]
        row = type("Row", (ctypes.Structure,), {"_fields_": fields})
        n = len(next(iter(table.values())))
        rows = (row * n)()
        for (kind, field), column in zip(members, encoder.columns, strict=True):
            for i, value in enumerate(table[column.name]):
                if kind != "double":
                    value = None if value is None else str(value).encode()
                setattr(rows[i], field, value if kind != "double" else float(value))
        return self._called(n, lambda i: ctypes.byref(rows, i * ctypes.sizeof(row)))

    def _called(self, n, at):
        y, alone = np.full((2, n, self.n_outputs), np.nan, self._type("y"))
        self.library.net_predict_rows(ctypes.c_int(n), at(0), y.ctypes.data_as(ctypes.c_void_p))
        for i in range(n):
            self.library.net_predict(at(i), alone[i:].ctypes.data_as(ctypes.c_void_p))
        assert alone.tobytes() == y.tobytes()
        return y
