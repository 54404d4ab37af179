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

from ._comm import ranks
from ._data.npy import map_npy
from ._runtime.input_files import open_regular
from ._specs.names import near
from ._specs.validation import file_path, integer, listed, real_dtype, shown, words

PARQUET_ROWS = 1 << 16  # read at a time

SIZES = (
    "PMI_SIZE",  # MPICH, Intel MPI, and Slurm for them
    "OMPI_COMM_WORLD_SIZE",  # Open MPI
    "MV2_COMM_WORLD_SIZE",  # MVAPICH
)
"""The variables by which launchers say how many ranks they have started."""
OF_SLURM = "SLURM_STEP_NUM_TASKS"  # of srun; ranks where PMIX_RANK is too, else any programs


def launched_ranks() -> int:
    """Return how many ranks a launcher has started, this one among them; 1 without a launcher.

    Returns
    -------
    int
        By the environment variables that MPICH, Open MPI, MVAPICH, Intel MPI and Slurm set.

    Examples
    --------
    >>> launched_ranks()
    1
    """
    for name in (*SIZES, *([OF_SLURM] if "PMIX_RANK" in os.environ else [])):
        value = os.environ.get(name, "")
        if value.isdecimal() and 0 < len(value) < 10 and int(value) > 0:
            return int(value)
    return 1


def world() -> Any:
    """Return the communicator of all ranks, ``mpi4py.MPI.COMM_WORLD``; this starts MPI.

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
        launcher of one MPI starts programs that use another: each would train alone. Or if MPI is
        not running, by ``mpi4py.rc.initialize = False`` or after ``MPI.Finalize``.

    See Also
    --------
    job : Do it only where a launcher has started several ranks.

    Examples
    --------
    >>> comm = world()  # doctest: +SKIP
    >>> history = model.fit(x, y, comm=comm)  # doctest: +SKIP
    """
    wanted = "pip install 'cynn-learn[mpi]'"
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(f"training on several ranks needs mpi4py: {wanted}") from error
    except RuntimeError as error:  # mpi4py is there, and MPI's own library is not
        raise ImportError(f"mpi4py found no MPI ({error}): {wanted}") from error
    if MPI.Is_finalized() or not MPI.Is_initialized():
        raise RuntimeError(
            "MPI must be running to train, got one that is not initialised yet, or finalised"
        )
    comm = MPI.COMM_WORLD
    started = launched_ranks()
    if started != comm.Get_size() and started > 1:
        raise RuntimeError(
            f"mpi4py must see the {started} ranks that the launcher started, got "
            f"{comm.Get_size()}: use the launcher of the MPI that mpi4py uses, "
            + MPI.Get_library_version().splitlines()[0]
        )
    return comm


@contextlib.contextmanager
def job() -> Iterator[Any]:
    """Enter the job of a launcher: `world` in a program that one has started, None in any other.

    Of several ranks only the first writes to standard output. An error that one rank raises alone,
    or an exit that says failure, ends all of them, for they would wait for it: it is shown, and
    says which rank it was. So does a rank that comes to its end while others train or load.

    Yields
    ------
    mpi4py.MPI.Intracomm or None
        The communicator, to be passed to ``Model.fit`` as ``comm``.

    Raises
    ------
    ImportError, RuntimeError
        As for `world`.

    Examples
    --------
    >>> with job() as comm:
    ...     print(comm)
    None
    """
    if launched_ranks() == 1:
        yield None
        return
    comm = world()
    with contextlib.ExitStack() as stack:
        if comm.Get_rank() > 0:
            devnull = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(devnull))
        try:
            yield comm
        except BaseException as error:
            exit_status = _exit_status(error)
            if not exit_status:
                ranks.leave(comm)
            elif not ranks.is_agreed(error):
                place = f"rank {comm.Get_rank()} of {comm.Get_size()}"
                ranks.end_all(comm, f"error: {place}: {_error_text(error)}", exit_status)
            raise
        ranks.leave(comm)


def _exit_status(error: BaseException) -> int:
    """Return the status that a program ends with by this error."""
    if not isinstance(error, SystemExit):
        return 1
    return error.code if isinstance(error.code, int) else int(error.code is not None)


def _error_text(error: BaseException) -> str:
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return f"exit with status {error.code}"
    return str(error) or type(error).__name__


def share(n: int, comm: Any) -> slice:
    """Return this rank's share of n things in a row: all are given out, and as evenly as can be.

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

    Raises
    ------
    TypeError, ValueError
        If `n` is no whole number of at least 0, or `comm` is no communicator.

    Examples
    --------
    >>> share(10, None)
    slice(0, 10, None)
    """
    n = integer("n", n, 0)
    try:
        rank, size = (0, 1) if comm is None else (comm.Get_rank(), comm.Get_size())
    except AttributeError:
        raise TypeError(f"comm must be a communicator of mpi4py, got {shown(comm)}") from None
    return slice(n * rank // size, n * (rank + 1) // size)


def load_npy(path: str | os.PathLike[str], comm: Any) -> NDArray[Any]:
    """Read this rank's share of rows from a ``.npy`` file, or from a folder of such files.

    Parameters
    ----------
    path : path-like
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

    See Also
    --------
    load_parquet : Read from Parquet files.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(os.path.join(folder, "a.npy"), np.array([1.0, 2.0]))
    ...     np.save(os.path.join(folder, "b.npy"), np.array([3.0]))
    ...     load_npy(folder, None)
    array([1., 2., 3.])
    """
    with ranks.get(comm).agreed():
        arrays = [Saved(file) for file in _files(path, ".npy")]
        first = arrays[0]
        for array in arrays:
            if (array.shape[1:], array.dtype) != (first.shape[1:], first.dtype):
                raise ValueError(
                    f"{array.file} must hold {first.dtype} rows of shape {first.shape[1:]}, as the "
                    f"first file, got {array.dtype} of shape {array.shape}"
                )
        cuts = _cuts(path, arrays, comm)
        if len(cuts) == 1:
            array, cut = cuts[0]
            return _map(array.file)[cut]
        n = sum(cut.stop - cut.start for _, cut in cuts)
        out, start = np.empty((n, *first.shape[1:]), first.dtype), 0
        for array, cut in cuts:
            stop = start + cut.stop - cut.start
            out[start:stop] = _map(array.file)[cut]
            start = stop
        return out


class Saved:
    """An array in a file, which is open only while it is read: there may be thousands of them.

    Parameters
    ----------
    file : pathlib.Path
        A ``.npy`` file of rows.

    Attributes
    ----------
    file : pathlib.Path
        The file.
    shape : tuple of int
        The shape of the array.
    dtype : dtype
        Its type.
    n : int
        The number of rows.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or holds no array of rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(os.path.join(folder, "x.npy"), np.zeros((3, 2)))
    ...     saved = Saved(Path(folder, "x.npy"))
    >>> len(saved), saved.shape, saved.dtype
    (3, (3, 2), dtype('float64'))
    """

    def __init__(self, file: Path) -> None:
        array = _map(file)
        self.file, self.shape, self.dtype, self.n = file, array.shape, array.dtype, len(array)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n


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
    path : path-like
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
        The type of `x`: float32 or float64.

    Returns
    -------
    x : ndarray of dtype, shape (n, columns)
        The numbers of the columns; NaN where a value is missing.
    y : ndarray, shape (n,)
        The target.

    Raises
    ------
    OSError, ValueError, TypeError
        On all ranks, if a file cannot be read, lacks a column or has one that holds no numbers, or
        there are fewer rows than ranks.
    ImportError
        If pyarrow is not installed.

    See Also
    --------
    load_npy : Read from ``.npy`` files.

    Notes
    -----
    Only the row groups that hold rows of the share are read, some rows at a time.

    Examples
    --------
    >>> x, y = load_parquet("flowers.parquet", None, target="kind")  # doctest: +SKIP
    """
    real = real_dtype(dtype)
    if not isinstance(target, str):
        raise TypeError(f"target must be the name of a column, got {shown(target)}")
    columns = None if columns is None else words("columns", columns)
    with ranks.get(comm).agreed():
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            wanted = "pip install 'cynn-learn[tables]'"
            raise ImportError(f"reading Parquet needs pyarrow: {wanted}") from error
        groups: list[Group] = []
        for file in _files(path, ".parquet"):
            with _opened(file) as opened:
                schema, metadata = opened.schema_arrow, opened.metadata
            columns = columns or [name for name in schema.names if name != target]
            for name in (*columns, target):
                if name not in schema.names:
                    raise ValueError(
                        f"{file} must have the column {name!r}, got {listed(schema.names)}"
                        f"{near(name, schema.names)}"
                    )
            counts = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            groups += [Group(file, i, n) for i, n in enumerate(counts)]
        cuts = _cuts(path, groups, comm)
        names = list(columns or ())
        n = sum(cut.stop - cut.start for _, cut in cuts)
        x, targets, start = np.empty((n, len(names)), real), [], 0
        for group, cut in cuts:
            for rows in group.read([*names, target], cut):
                for j, name in enumerate(names):
                    x[start : start + len(rows), j] = _numbers(group.file, name, rows.column(name))
                targets.append(rows.column(target).to_numpy(zero_copy_only=False))
                start += len(rows)
        return x, np.concatenate(targets)


class Group:
    """A row group of a Parquet file, which is open only while it is read.

    Parameters
    ----------
    file : pathlib.Path
        The file.
    number : int
        The number of the group in the file, from 0.
    n : int
        The number of its rows.

    Examples
    --------
    >>> len(Group(Path("flowers.parquet"), 0, 1000))
    1000
    """

    def __init__(self, file: Path, number: int, n: int) -> None:
        self.file, self.number, self.n = file, number, n

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n

    def read(self, columns: list[str], cut: slice) -> Iterator[Any]:
        """Read some of the rows, a part of them at a time: a group may be larger than memory.

        Parameters
        ----------
        columns : list of str
            The columns to read.
        cut : slice
            The rows to read, from ``cut.start`` up to ``cut.stop``.

        Yields
        ------
        pyarrow.RecordBatch
            At most `PARQUET_ROWS` rows.

        Raises
        ------
        OSError, ValueError
            If the file cannot be read, or is damaged.
        """
        start = 0
        with _opened(self.file) as opened:
            for rows in opened.iter_batches(PARQUET_ROWS, [self.number], columns):
                overlap = slice(max(cut.start - start, 0), min(cut.stop - start, len(rows)))
                if overlap.start < overlap.stop:
                    yield rows.slice(overlap.start, overlap.stop - overlap.start)
                start += len(rows)
                if start >= cut.stop:
                    return


def _opened(file: Path) -> Any:
    """Open a Parquet file, to be closed by ``with``."""
    from pyarrow import parquet

    open_regular(file).close()  # of a pipe pyarrow would wait for the end
    try:
        return parquet.ParquetFile(file, memory_map=True)
    except OSError:
        raise
    except Exception as error:  # pyarrow has errors of its own for a damaged file
        raise ValueError(f"{file}: {error}") from error


def _numbers(file: Path, name: str, column: Any) -> NDArray[np.float64]:
    """Return a column of numbers, NaN where one is missing."""
    values = column.to_numpy(zero_copy_only=False)
    try:
        if values.dtype.kind in "mM":
            raise TypeError("times are no numbers")
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{file}: {name!r} must hold numbers, got {column.type}") from None


def _files(path: str | os.PathLike[str], ending: str) -> list[Path]:
    """Return the files of a folder, or the one file."""
    source = file_path("path", path)
    if not source.is_dir():
        return [source]
    files = sorted(file for file in source.iterdir() if file.suffix == ending)
    if not files:
        raise ValueError(f"{path} must hold {ending} files, got none")
    return files


def _map(file: Path) -> NDArray[Any]:
    """Open an array where it lies."""
    with open_regular(file) as opened:
        try:
            array = map_npy(opened)
        except ValueError as error:
            raise ValueError(f"{file} must be a .npy array, got another file: {error}") from error
    if array.ndim == 0:
        raise ValueError(f"{file} must hold rows, got a single number")
    return array


def _cuts(path: Any, parts: Sequence[Any], comm: Any) -> list[tuple[Any, slice]]:
    """Return the parts that hold rows of this rank's share, each with the slice of them."""
    total, size = sum(map(len, parts)), 1 if comm is None else comm.Get_size()
    if total < size:
        raise ValueError(f"{path} must have a row for each of {size} ranks, got {total} rows")
    own = share(total, comm)
    cuts, start = [], 0
    for piece in parts:
        first, stop = max(own.start - start, 0), min(own.stop - start, len(piece))
        if first < stop:
            cuts.append((piece, slice(first, stop)))
        start += len(piece)
    return cuts
