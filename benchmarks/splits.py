"""What the kernels' count says of sharing a mini-batch among 1 to 64 threads.

Nothing is measured: it is the count by which a training chooses how threads share the product of
each dense step (``cynn/kernels/ops/split.pxi``), of rows of float32.
"""

from itertools import pairwise

from cynn import _backend

from .cases import Sizes, shape_name

THREADS = (1, 2, 4, 8, 16, 32, 64)
CASES: tuple[tuple[Sizes, int], ...] = (  # and the rows of a mini-batch
    ((784, 128, 10), 32),
    ((784, 128, 10), 128),
    ((784, 512, 256, 10), 128),
    ((784, 1024, 1024, 10), 512),
)


def main() -> int:
    """Print the table; return 0."""
    print("Threads, as parts of rows x parts of columns of the first step, and how many times as")
    print(
        "fast the count says a mini-batch is; in bold where more threads gain less than a tenth.\n"
    )
    print("| network |", *(f"{n} |" for n in THREADS))
    print("|---" * (1 + len(THREADS)) + "|")
    for sizes, rows in CASES:
        name = f"{shape_name(sizes)}, B = {rows}"
        print(f"| {name} |", *(f"{cell} |" for cell in cells(sizes, rows)))
    return 0


def cells(sizes: Sizes, rows: int) -> list[str]:
    """Return what the count says for each number of threads."""
    steps = [("dense", n_out, "relu") for n_out in sizes[1:]]
    network = _backend.kernels("float32").Network(sizes[0], steps)
    said = [network.splits(rows, n) for n in THREADS]
    times = [said[0][1] / cost for _, cost in said]
    stops = [i for i, (few, more) in enumerate(pairwise(times)) if more < 1.1 * few]
    stop = stops[0] if stops else None
    made = []
    for i, (n, (parts, _), faster) in enumerate(zip(THREADS, said, times, strict=True)):
        columns = parts[0][0]
        text = f"{faster:.1f}"
        made.append(f"{n // columns} x {columns}: " + (f"**{text}**" if i == stop else text))
    return made
