"""Training on several machines over MPI: the communicator, and each rank's share of the data.

``Model.fit(..., comm=world())`` in a script that ``mpirun -n 4 python script.py`` starts, or
``mpirun -n 4 cynn train``. MPI comes with the extra ``cynn-learn[mpi]``; docs/distributed.md says
what is done with it.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import ranks
from .checks import real_dtype

SIZES = (
    "PMI_SIZE",  # MPICH, Intel MPI, and Slurm for them
    "OMPI_COMM_WORLD_SIZE",  # Open MPI
    "MV2_COMM_WORLD_SIZE",  # MVAPICH
)
"""The variables by which launchers say how many ranks they have started."""


def launched_ranks() -> int:
    """Give how many ranks a launcher has started, this one among them; 1 without a launcher.

    Examples
    --------
    >>> launched_ranks()
    1
    """
    for name in SIZES:
        said = os.environ.get(name, "")
        if said.isdecimal() and 0 < len(said) < 10 and int(said) > 0:
            return int(said)
    return 1


def world() -> Any:
    """Give the communicator of all ranks, ``mpi4py.MPI.COMM_WORLD``; this starts MPI.

    Returns
    -------
    mpi4py.MPI.Intracomm
        To be given to ``Model.fit`` as ``comm``.

    Raises
    ------
    ImportError
        If mpi4py, or the library that it needs, is not installed.
    RuntimeError
        If mpi4py sees another number of ranks than the launcher has started, as where the
        launcher of one MPI starts programs that use another: each would train alone.
    """
    wanted = "pip install 'cynn-learn[mpi]'"
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(f"training on several ranks needs mpi4py: {wanted}") from error
    except RuntimeError as error:  # mpi4py is there, and MPI's own library is not
        raise ImportError(f"mpi4py found no MPI ({error}): {wanted}") from error
    comm = MPI.COMM_WORLD
    started = launched_ranks()
    if started != comm.Get_size() and started > 1:
        raise RuntimeError(
            f"the launcher has started {started} ranks, mpi4py sees {comm.Get_size()}: take the "
            "launcher of the MPI that mpi4py uses, " + MPI.Get_library_version().splitlines()[0]
        )
    return comm


@contextlib.contextmanager
def job() -> Iterator[Any]:
    """Give `world` in a program started by a launcher, None in any other, while a body runs.

    Of several ranks only the first writes to standard output. An error that one rank raises alone,
    or an exit that says failure, ends all of them, for they would wait for it: it is shown, and
    says which rank it was.
    """
    if launched_ranks() == 1:
        yield None
        return
    comm = world()
    with contextlib.ExitStack() as stack:
        if comm.Get_rank() > 0:
            nothing = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(nothing))
        try:
            yield comm
        except BaseException as error:
            status = _status(error)
            if status and not ranks.is_agreed(error):
                place = f"rank {comm.Get_rank()} of {comm.Get_size()}"
                ranks.end_all(comm, f"error: {place}: {_said(error)}", status)
            raise


def _status(error: BaseException) -> int:
    """Give the status that a program ends with by this error."""
    if not isinstance(error, SystemExit):
        return 1
    return error.code if isinstance(error.code, int) else int(error.code is not None)


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return f"exit with status {error.code}"
    return str(error) or type(error).__name__


def share(n: int, comm: Any) -> slice:
    """Give this rank's share of n things in a row: all are given out, and as evenly as can be.

    Parameters
    ----------
    n : int
        How many there are.
    comm : mpi4py.MPI.Intracomm or None
        The ranks; None: this process alone.

    Returns
    -------
    slice
        Of neighbours, in order of rank.

    Examples
    --------
    >>> share(10, None)
    slice(0, 10, None)
    """
    rank, size = (0, 1) if comm is None else (comm.Get_rank(), comm.Get_size())
    return slice(n * rank // size, n * (rank + 1) // size)


def load_npy(path: str | os.PathLike[str], comm: Any) -> NDArray[Any]:
    """Read this rank's share of rows from a ``.npy`` file, or from a folder of such files.

    Parameters
    ----------
    path : path
        The file; or a folder, whose ``.npy`` files hold the rows one after the other, in order of
        name.
    comm : mpi4py.MPI.Intracomm or None
        The ranks, all of which call this; None: this process alone.

    Returns
    -------
    ndarray
        Neighbouring rows. From one file a memory map, of which only what is used is read; from
        several files a copy.

    Raises
    ------
    OSError, ValueError
        On all ranks, if a file cannot be read, files do not fit together, or there are fewer rows
        than ranks.
    """
    with ranks.get(comm).agreed():
        parts = [_map(file) for file in _files(path, ".npy")]
        for file, part in zip(_files(path, ".npy"), parts, strict=True):
            if (part.shape[1:], part.dtype) != (parts[0].shape[1:], parts[0].dtype):
                raise ValueError(
                    f"{file} holds {part.dtype} of shape {part.shape}, the first file "
                    f"{parts[0].dtype} of shape {parts[0].shape}"
                )
        taken = [part[cut] for part, cut in _cuts(path, parts, comm)]
        return taken[0] if len(taken) == 1 else np.concatenate(taken)


def load_parquet(
    path: str | os.PathLike[str],
    comm: Any,
    *,
    target: str,
    columns: Sequence[str] | None = None,
    dtype: DTypeLike = "float32",
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read this rank's share of rows from a Parquet file, or from a folder of such files.

    Parameters
    ----------
    path : path
        The file; or a folder, whose ``.parquet`` files hold the rows one after the other, in order
        of name.
    comm : mpi4py.MPI.Intracomm or None
        The ranks, all of which call this; None: this process alone.
    target : str
        The column to predict.
    columns : sequence of str, optional
        The columns to predict it from, all of numbers; by default all others, in the first file's
        order.
    dtype : dtype, default "float32"
        float32 or float64.

    Returns
    -------
    x : ndarray of dtype, shape (n, columns)
    y : ndarray, shape (n,)

    Raises
    ------
    OSError, ValueError, TypeError
        On all ranks, if a file cannot be read, lacks a column or has one that holds no numbers, or
        there are fewer rows than ranks.
    ImportError
        If pyarrow is not installed.

    Notes
    -----
    Only the row groups that hold rows of the share are read, one after the other.
    """
    real = real_dtype(dtype)
    with ranks.get(comm).agreed():
        try:
            from pyarrow import parquet
        except ImportError as error:
            wanted = "pip install 'cynn-learn[tables]'"
            raise ImportError(f"reading Parquet needs pyarrow: {wanted}") from error
        groups = []
        for file in _files(path, ".parquet"):
            try:
                opened = parquet.ParquetFile(file, memory_map=True)
            except OSError:
                raise
            except Exception as error:  # pyarrow has errors of its own for a damaged file
                raise ValueError(f"{file}: {error}") from error
            columns = columns or [n for n in opened.schema_arrow.names if n != target]
            for name in (*columns, target):
                if name not in opened.schema_arrow.names:
                    raise ValueError(f"{file} has no column {name!r}")
            rows = [opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)]
            groups += [Group(opened, i, n) for i, n in enumerate(rows)]
        names = [*(columns or ()), target]
        tables = [
            group.file.read_row_group(group.number, names).slice(cut.start, cut.stop - cut.start)
            for group, cut in _cuts(path, groups, comm)
        ]
        x = np.empty((sum(map(len, tables)), len(names) - 1), real)
        done = 0
        for table in tables:
            for j, name in enumerate(names[:-1]):
                try:
                    x[done : done + len(table), j] = table[name].to_numpy()
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{path}: {name!r} must hold numbers: {error}") from None
            done += len(table)
        return x, np.concatenate([table[target].to_numpy() for table in tables])


class Group:
    """A row group of a Parquet file."""

    def __init__(self, file: Any, number: int, n: int) -> None:
        self.file, self.number, self.n = file, number, n

    def __len__(self) -> int:
        """Give the number of rows."""
        return self.n


def _files(path: str | os.PathLike[str], ending: str) -> list[Path]:
    """Give the files of a folder, or the one file."""
    found = Path(path)
    if not found.is_dir():
        return [found]
    files = sorted(file for file in found.iterdir() if file.suffix == ending)
    if not files:
        raise ValueError(f"{path} holds no {ending} files")
    return files


def _map(file: Path) -> NDArray[Any]:
    """Open an array where it lies."""
    with open(file, "rb"):  # the plain reason first, if there is one: missing, forbidden
        pass
    try:
        found: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{file} is no array: {error}") from error
    if found.ndim == 0:
        raise ValueError(f"{file} holds a number, not rows")
    return found


def _cuts(path: Any, parts: Sequence[Any], comm: Any) -> list[tuple[Any, slice]]:
    """Give what of parts, one after the other, is this rank's share."""
    total, size = sum(map(len, parts)), 1 if comm is None else comm.Get_size()
    if total < size:
        raise ValueError(f"{path} has {total} rows for {size} ranks, wanted one for each at least")
    mine = share(total, comm)
    found, start = [], 0
    for part in parts:
        first, past = max(mine.start - start, 0), min(mine.stop - start, len(part))
        if first < past:
            found.append((part, slice(first, past)))
        start += len(part)
    return found
