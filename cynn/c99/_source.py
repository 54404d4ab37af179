"""The C source that is written: its arrays, the functions that it needs, and its statements."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._specs.activation_table import TABLE
from ._functions import FUNCTIONS
from ._table_functions import TABLE_FUNCTIONS

MATHS = re.compile(r"\b(cos|erf|exp|expm1|fabs|log|log1p|rint|sin|sqrt|tanh)\(")
NUMBER = re.compile(r"\b(\d+\.\d+(?:e[+-]?\d+)?)\b")


class Source:
    """What a file will say.

    Parameters
    ----------
    real : dtype
        What the network computes in: float32 is C's float, float64 its double.

    Attributes
    ----------
    x : str
        Where the numbers are that come next: the name of an array of C.
    width, members : int
        How many they are, for each member, and how many members there are side by side.
    sizes : dict of str to int
        How many numbers the arrays of the function hold at most, by name.
    needs_maths : bool
        Whether a function of ``math.h`` is called.
    """

    def __init__(self, real: np.dtype[Any]) -> None:
        self.real = real
        self.word = "float" if real == np.float32 else "double"
        self.arrays: list[str] = []
        self.functions: dict[str, str] = {}
        self.needs_maths = False
        self.begin(0)

    @property
    def size(self) -> int:
        """How many numbers lie in the current array."""
        return self.width * self.members

    def begin(self, width: int) -> None:
        """Begin a function whose input, which is not written to, has so many numbers."""
        self.statements: list[str] = []
        self.sizes: dict[str, int] = {}
        self.x, self.width, self.members = "x", width, 1

    def typed(self, text: str) -> str:
        """Return a text in the type that is computed in: its name, functions and numbers."""
        self.needs_maths |= bool(MATHS.search(text))
        text = text.replace("REAL", self.word)
        if self.real == np.float32:
            text = NUMBER.sub(r"\1f", MATHS.sub(r"\1f(", text))
        return text

    def number(self, value: Any) -> str:
        """Return a number that C reads as the very same."""
        value = self.real.type(value)
        if not np.isfinite(value):
            raise ValueError(f"model must have finite numbers for C, got {value}")
        text = str(value)  # the shortest that is this number
        if not {".", "e"} & set(text):
            text += ".0"
        return f"{text}f" if self.real == np.float32 else text

    def array(self, name: str, values: NDArray[Any] | Any) -> str:
        """Add a constant array; return its name."""
        values = np.asarray(values)
        shape = " x ".join(map(str, values.shape))
        with np.errstate(over="ignore"):
            lines = list(_lines([self.number(value) for value in values.ravel()]))
        body = ",\n    ".join(lines)
        self.arrays.append(
            f"/* {shape} */\nstatic const {self.word} {name}[{values.size}] = {{\n    {body}\n}};"
        )
        return name

    def doubles(self, name: str, values: Any) -> str:
        """Add a constant array of double, whatever is computed in; return its name."""
        body = ",\n    ".join(_lines([repr(float(value)) for value in values]))
        self.arrays.append(f"static const double {name}[{len(values)}] = {{\n    {body}\n}};")
        return name

    def strings(self, name: str, literals: Iterable[str]) -> str:
        """Add a constant array of texts, which are literals of C; return its name."""
        values = list(literals)
        body = ",\n    ".join(_lines(values))
        self.arrays.append(f"static const char *const {name}[{len(values)}] = {{\n    {body}\n}};")
        return name

    def integers(self, name: str, values: Any) -> str:
        """Add a constant array of whole numbers; return its name."""
        values = [str(int(value)) for value in values]
        body = ",\n    ".join(_lines(values))
        self.arrays.append(f"static const int {name}[{len(values)}] = {{\n    {body}\n}};")
        return name

    def call(self, function: str, *arguments: Any) -> None:
        """Add a statement that calls a function, and that function once."""
        self.need(function)
        self.statements.append(f"{function}({', '.join(map(str, arguments))});")

    def need(self, function: str) -> None:
        """Add a function to the file, once."""
        if function in self.functions:
            return
        if function in FUNCTIONS:
            self.functions[function] = self.typed(FUNCTIONS[function])
        else:
            text = TABLE_FUNCTIONS[function]
            self.needs_maths |= bool(MATHS.search(text))
            self.functions[function] = text.replace("REAL", self.word)

    def next(self, width: int, members: int | None = None) -> tuple[str, str]:
        """Return the current array and the one that is written next, of so many numbers.

        That one is the current one from then on.
        """
        x, y = self.x, "b" if self.x == "a" else "a"
        self.x, self.width, self.members = y, width, members or self.members
        self.sizes[y] = max(self.sizes.get(y, 0), self.size)
        return x, y

    def writable(self) -> str:
        """Return the current array, which may be changed; the input is copied first."""
        if self.x == "x":
            size = self.size
            x, y = self.next(self.width)
            self.call("copy", x, y, size)
        return self.x

    def keep(self) -> str:
        """Copy the current numbers to an array that nothing else writes to; return its name."""
        name = f"kept{len(self.sizes)}"
        self.sizes[name] = self.size
        self.call("copy", self.x, name, self.size)
        return name

    def activation(self, name: str) -> None:
        """Apply an activation to the current numbers."""
        if name == "identity":
            return
        x = self.writable()
        if name == "softmax":
            self.call("softmax", x, self.members, self.width)
            return
        function = f"apply_{name}"
        if function not in self.functions:
            one = self.typed(TABLE[name].c)
            self.functions[function] = (
                f"static void {function}({self.word} *x, int n)\n{{\n"
                f"    for (int i = 0; i < n; i++) {{\n"
                f"        const {self.word} v = x[i];\n"
                f"        x[i] = {one};\n    }}\n}}"
            )
        self.statements.append(f"{function}({x}, {self.size});")

    def function(self, prototype: str) -> str:
        """Return a function of the statements so far."""
        arrays = "".join(f"    {self.word} {name}[{n}];\n" for name, n in self.sizes.items())
        body = "\n".join(f"    {statement}" for statement in self.statements)
        return f"{prototype}\n{{\n{arrays}{body}\n}}"


def _lines(words: list[str]) -> Iterator[str]:
    """Yield lines of a file of some width."""
    line = ""
    for word in words:
        if len(line) + len(word) > 90:
            yield line.removesuffix(" ").removesuffix(",")
            line = ""
        line += f"{word}, "
    yield line.removesuffix(", ")
