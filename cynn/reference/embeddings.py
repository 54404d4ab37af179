"""Embeddings: some columns of the input, each as several learned numbers.

The columns that stay as they are come first in the output, in order; then, for each embedded column
in turn, its numbers.
"""

import math

from .arrays import Flat, Rows, zeros
from .call import Call, Place
from .step import Step

MOST_FREQUENCIES = 256
MOST_BINS = 256
LEAST_WIDTH = 1e-37


class _Columns(Step):
    """What embeddings share: which columns they embed, and which stay."""

    def __init__(
        self, n_in: int, columns: tuple[int, ...] | None, all_stay: bool, units: int
    ) -> None:
        self.columns = list(range(n_in)) if columns is None else list(columns)
        distinct = set(self.columns)
        if not distinct or len(distinct) < len(self.columns) or not distinct <= set(range(n_in)):
            raise ValueError(
                f"steps: columns must be different ones of the {n_in} of a row, got {columns}"
            )
        if not 1 <= units <= 1 << 20:
            raise ValueError(f"steps: units of an embedding must be from 1 to 2^20, got {units}")
        self.n_in, self.units = n_in, units
        self.staying = [c for c in range(n_in) if all_stay or c not in distinct]
        self.n_out = len(self.staying) + len(self.columns) * units

    def join(self, x: Rows, embedded: list[Rows]) -> Rows:
        """Return what stays of x, then each column's numbers."""
        return [
            [row[c] for c in self.staying] + [value for numbers in parts for value in numbers]
            for row, *parts in zip(x, *embedded, strict=True)
        ]

    def staying_back(self, grad_y: Rows) -> Rows:
        """Return the gradient for x by way of what stays."""
        grad_x = zeros(len(grad_y), self.n_in)
        for row, grads in zip(grad_x, grad_y, strict=True):
            for c, g in zip(self.staying, grads, strict=False):
                row[c] = g
        return grad_x

    def part(self, rows: Rows, j: int) -> Rows:
        """Cut the numbers of the j-th embedded column out of rows of the output."""
        first = len(self.staying) + j * self.units
        return [row[first : first + self.units] for row in rows]


class Embedding(_Columns):
    """Whole numbers as the rows of tables; ``("embedding", columns, sizes, units)``.

    A number x from 0 to size - 1 gives row x of its column's table. It counts as the nearest whole
    number, of two that are as near the even one. What is none of the table, or NaN, is unknown: it
    gives zeros. In the flat parameters the tables lie one after the other, row by row.
    """

    def __init__(
        self, n_in: int, place: Place, columns: tuple[int, ...], sizes: tuple[int, ...], units: int
    ) -> None:
        super().__init__(n_in, columns, False, units)
        if len(sizes) != len(self.columns):
            raise ValueError(
                f"steps: embedding must have {len(self.columns)} sizes, got {len(sizes)}"
            )
        for size in sizes:
            if not 1 <= size <= 1 << 24:
                raise ValueError(f"steps: sizes of embedding must be from 1 to 2^24, got {size}")
        self.sizes, self.n_params = sizes, sum(sizes) * units
        self.first = [place.params + sum(sizes[:j]) * units for j in range(len(sizes))]

    def place_of(self, value: float, j: int) -> int | None:
        """Return where in the flat parameters a number's row begins; None: it is unknown."""
        number = round(value) if math.isfinite(value) else -1
        if not 0 <= number < self.sizes[j]:
            return None
        return self.first[j] + number * self.units

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Look each number up in its table."""
        embedded = []
        for j, c in enumerate(self.columns):
            places = [self.place_of(row[c], j) for row in x]
            embedded.append(
                [
                    [0.0] * self.units if at is None else params[at : at + self.units]
                    for at in places
                ]
            )
        return self.join(x, embedded)

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Add up the gradients of each row of a table; the numbers themselves have none."""
        first = self.first[0]
        gradient[first : first + self.n_params] = [0.0] * self.n_params
        for j, c in enumerate(self.columns):
            for row, grads in zip(x, self.part(grad_y, j), strict=True):
                at = self.place_of(row[c], j)
                if at is not None:
                    for u, g in enumerate(grads):
                        gradient[at + u] += g
        return self.staying_back(grad_y)


class Periodic(_Columns):
    """Numbers as waves: described by ``("periodic", columns, frequencies, units, ...)``.

    With the activation f, whether there is a phase, and whether x itself is among the units::

        c_k = cos(2 pi w_k x + b_k)             for k below `frequencies`; without a phase half of
        c_k = cos(2 pi w_k x), sin(2 pi w_k x)  them are cosines, then as many sines
        y_u = f(sum over k of c_k W_ku + B_u)

    Gorishniy, Rubachev and Babenko, *On embeddings for numerical features in tabular deep
    learning*, 2022; with a phase Holzmüller, Grinsztajn and Steinwart, *Better by default*, 2024.
    x itself stays where it is, among the first columns of the output. In the flat parameters come
    all w, all b, all W and all B, each with one number for each embedded column side by side.
    """

    def __init__(
        self,
        n_in: int,
        place: Place,
        columns: tuple[int, ...] | None,
        frequencies: int,
        units: int,
        activation: str,
        has_phase: bool,
        with_input: bool,
    ) -> None:
        super().__init__(n_in, columns, with_input, units - int(with_input))
        if not 1 <= frequencies <= MOST_FREQUENCIES or (not has_phase and frequencies % 2):
            raise ValueError(
                f"steps: frequencies of periodic must be from 1 to {MOST_FREQUENCIES}, even "
                f"without a phase, got {frequencies}"
            )
        if activation not in ("identity", "relu"):
            raise ValueError(
                f"steps: activation of periodic must be identity or relu, got {activation!r}"
            )
        self.inner, self.has_phase, self.waves = activation, has_phase, frequencies
        self.frequencies = frequencies if has_phase else frequencies // 2
        self.first_map = (2 if has_phase else 1) * self.frequencies
        self.first = place.params
        self.n_params = (self.first_map + (self.waves + 1) * self.units) * len(self.columns)

    def place_of(self, row: int, j: int) -> int:
        """Return where in the flat parameters a number of the j-th embedded column lies."""
        return self.first + row * len(self.columns) + j

    def map_of(self, k: int, j: int, params: Flat) -> Flat:
        """Return the weights by which wave k goes into each unit; past the last wave the biases."""
        first = self.first_map + k * self.units
        return [params[self.place_of(first + u, j)] for u in range(self.units)]

    def angles(self, value: float, j: int, params: Flat) -> Flat:
        """Return ``2 pi w_k x + b_k`` for each frequency; NaN where that is not finite."""
        angles = []
        for k in range(self.frequencies):
            w = params[self.place_of(k, j)]
            b = params[self.place_of(self.frequencies + k, j)] if self.has_phase else 0.0
            angle = 2 * math.pi * w * value + b
            angles.append(angle if math.isfinite(angle) else math.nan)
        return angles

    def waves_of(self, angles: Flat) -> Flat:
        """Return the waves of those angles."""
        sines = [] if self.has_phase else list(map(math.sin, angles))
        return [*map(math.cos, angles), *sines]

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Compute the waves of each number, and what their map makes of them."""
        embedded = []
        for j, c in enumerate(self.columns):
            maps = [self.map_of(k, j, params) for k in range(self.waves + 1)]
            rows = []
            for row in x:
                z = list(maps[-1])
                waves = self.waves_of(self.angles(row[c], j, params))
                for wave, weights in zip(waves, maps[:-1], strict=True):
                    z = [v + wave * w for v, w in zip(z, weights, strict=True)]
                rows.append([0.0 if self.inner == "relu" and v < 0 else v for v in z])
            embedded.append(rows)
        return self.join(x, embedded)

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the activation, the map, the waves and the angles."""
        gradient[self.first : self.first + self.n_params] = [0.0] * self.n_params
        grad_x = self.staying_back(grad_y)
        for j, c in enumerate(self.columns):
            maps = [self.map_of(k, j, params) for k in range(self.waves)]
            rows = zip(x, grad_x, self.part(y, j), self.part(grad_y, j), strict=True)
            for row, back, outputs, grads in rows:
                is_cut = [self.inner == "relu" and v <= 0 for v in outputs]
                delta = [0.0 if cut else g for cut, g in zip(is_cut, grads, strict=True)]
                angles = self.angles(row[c], j, params)
                waves = self.waves_of(angles)
                for k, wave in enumerate([*waves, 1.0]):  # the last is that of the biases
                    for u, d in enumerate(delta):
                        at = self.place_of(self.first_map + k * self.units + u, j)
                        gradient[at] += wave * d
                of_waves = [
                    sum(w * d for w, d in zip(weights, delta, strict=True)) for weights in maps
                ]
                for k, angle in enumerate(angles):
                    slope = -math.sin(angle) * of_waves[k]
                    if self.has_phase:
                        gradient[self.place_of(self.frequencies + k, j)] += slope
                    else:
                        slope += math.cos(angle) * of_waves[self.frequencies + k]
                    gradient[self.place_of(k, j)] += 2 * math.pi * slope * row[c]
                    back[c] += 2 * math.pi * slope * params[self.place_of(k, j)]
        return grad_x


class Piecewise(_Columns):
    """Numbers by bins: described by ``("piecewise", columns, bins, units, version, activation)``.

    Of a column the bins are given by their edges, each bin t from ``e_t`` to ``e_(t+1)``. With the
    activation f::

        c_t = (x - e_t) / (e_(t+1) - e_t)   within [0, 1], but the first also below 0, and the last
                                            also above 1
        y_u = f(B_u + sum over t of c_t W_tu)               version "A"
        y_u = w_u x + B_u + f(sum over t of c_t W_tu)       version "B"

    Gorishniy, Rubachev and Babenko, *On embeddings for numerical features in tabular deep
    learning*, 2022; version B Gorishniy, Kotelnikov and Babenko, *TabM*, 2025. At an edge the slope
    is that of the bin that begins there. In the flat parameters come in version B w of each column,
    then B of each column, then W of the first column, bin by bin, of the second, and so on.
    """

    def __init__(
        self,
        n_in: int,
        place: Place,
        columns: tuple[int, ...] | None,
        bins: tuple[tuple[float, ...], ...],
        units: int,
        version: str,
        activation: str,
    ) -> None:
        super().__init__(n_in, columns, False, units)
        n = len(self.columns)
        if len(bins) != n:
            raise ValueError(f"steps: piecewise must have bins of {n} columns, got {len(bins)}")
        for edges in bins:
            if not 1 <= len(edges) - 1 <= MOST_BINS:
                raise ValueError(
                    f"steps: bins of piecewise must be from 1 to {MOST_BINS}, got {len(edges) - 1}"
                )
            for low, high in zip(edges, edges[1:], strict=False):
                if not LEAST_WIDTH <= high - low < math.inf:
                    raise ValueError(
                        f"steps: edges of piecewise must ascend by {LEAST_WIDTH} at least, got "
                        f"{low} and {high}"
                    )
        if version not in ("A", "B"):
            raise ValueError(f"steps: version of piecewise must be A or B, got {version!r}")
        if activation not in ("identity", "relu"):
            raise ValueError(
                f"steps: activation of piecewise must be identity or relu, got {activation!r}"
            )
        self.edges, self.inner, self.has_linear = bins, activation, version == "B"
        self.first = place.params
        self.first_bias = n if self.has_linear else 0
        counts = [len(edges) - 1 for edges in bins]
        self.first_bin = [self.first_bias + n + sum(counts[:j]) for j in range(n)]
        self.n_params = (self.first_bias + n + sum(counts)) * units

    def line(self, row: int, flat: Flat) -> Flat:
        """Return one number for each unit, of those that lie in rows."""
        at = self.first + row * self.units
        return flat[at : at + self.units]

    def add(self, row: int, factor: float, grads: Flat, gradient: Flat) -> None:
        """Add a factor times some gradients to a line."""
        at = self.first + row * self.units
        for u, g in enumerate(grads):
            gradient[at + u] += factor * g

    def parts(self, value: float, j: int) -> Flat:
        """Return how much of each bin lies below a number; NaN of NaN."""
        edges, parts = self.edges[j], []
        for t, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
            part = (value - low) / (high - low)
            if part < 0 and t > 0:
                part = 0.0
            if part > 1 and t + 2 < len(edges):
                part = 1.0
            parts.append(part)
        return parts

    def sums(self, value: float, j: int, params: Flat) -> Flat:
        """Return what f is applied to."""
        sums = [0.0] * self.units if self.has_linear else self.line(self.first_bias + j, params)
        for t, part in enumerate(self.parts(value, j)):
            weights = self.line(self.first_bin[j] + t, params)
            sums = [s + part * w for s, w in zip(sums, weights, strict=True)]
        return sums

    def numbers(self, value: float, j: int, params: Flat) -> Flat:
        """Return what a number of the j-th embedded column becomes."""
        sums = self.sums(value, j, params)
        numbers = [0.0 if self.inner == "relu" and s < 0 else s for s in sums]
        if self.has_linear:
            w, bias = self.line(j, params), self.line(self.first_bias + j, params)
            parts = zip(numbers, w, bias, strict=True)
            numbers = [number + (a * value + b) for number, a, b in parts]
        return numbers

    def forward(self, x: Rows, params: Flat, call: Call) -> Rows:
        """Find the bins of each number, and what their map makes of them."""
        columns = enumerate(self.columns)
        return self.join(x, [[self.numbers(row[c], j, params) for row in x] for j, c in columns])

    def backward(
        self, x: Rows, y: Rows, grad_y: Rows, params: Flat, gradient: Flat, call: Call
    ) -> Rows:
        """Go back through the activation, the map and the bins."""
        gradient[self.first : self.first + self.n_params] = [0.0] * self.n_params
        grad_x = self.staying_back(grad_y)
        for j, c in enumerate(self.columns):
            edges = self.edges[j]
            for row, back, grads in zip(x, grad_x, self.part(grad_y, j), strict=True):
                value = row[c]
                sums = self.sums(value, j, params)
                cut = [self.inner == "relu" and s <= 0 for s in sums]
                delta = [0.0 if none else g for none, g in zip(cut, grads, strict=True)]
                for t, part in enumerate(self.parts(value, j)):
                    self.add(self.first_bin[j] + t, part, delta, gradient)
                own = sum(not value < edge for edge in edges[1:-1])  # the bin of the number
                weights = self.line(self.first_bin[j] + own, params)
                slope = sum(w * d for w, d in zip(weights, delta, strict=True))
                back[c] += slope / (edges[own + 1] - edges[own])
                if self.has_linear:
                    weights = self.line(j, params)
                    back[c] += sum(w * g for w, g in zip(weights, grads, strict=True))
                    self.add(j, value, grads, gradient)
                self.add(self.first_bias + j, 1.0, grads if self.has_linear else delta, gradient)
        return grad_x
