"""Tables from Parquet files."""

import json
import re
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .._runtime.input_files import expect_size
from ._frames import array_of_arrow
from ._table import Table, named

_FIELD = 8  # bytes that a value takes at least once it is read

# The names that pandas gives to an index without one.
_NAMELESS_INDEX = r"__index_level_\d+__"


def read_parquet(file: BinaryIO, max_bytes: int) -> Table:
    """Read a table from a Parquet file; see `read`.

    Texts are read as a dictionary of the different ones, which the rows share: a file of a few
    kilobytes may repeat a long one a million times.

    Parameters
    ----------
    file : BinaryIO
        A regular file, at its start.
    max_bytes : int
        The most that the columns may take.

    Returns
    -------
    Table
        Its `index` are the columns that pandas wrote as the index of a data frame and that have a
        name; one without a name is left out. Columns of lists and the like are not read: they come
        as bytes without a meaning.
    """
    try:
        from pyarrow import concat_tables, parquet, types
    except ImportError as error:
        wanted = "pip install 'cynn-learn[tables]'"
        raise ImportError(f"reading Parquet needs pyarrow: {wanted}") from error
    closed = parquet.ParquetFile(file)
    metadata, schema = closed.metadata, closed.schema_arrow
    expect_size("its columns", _size(metadata), max_bytes)
    kinds = named(schema.names, schema.types)
    flat = [name for name in kinds if not types.is_nested(kinds[name])]
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    file.seek(0)
    opened = parquet.ParquetFile(file, read_dictionary=[name for name in texts if name in flat])
    groups, n_bytes = [opened.schema_arrow.empty_table().select(flat)], 0
    for i in range(metadata.num_row_groups):
        # Without threads: after an error some would still read what is closed by then.
        group = opened.read_row_group(i, columns=flat, use_threads=False).select(flat)
        group.validate(full=True)
        groups.append(group)
        n_bytes += group.nbytes  # what the file says may be less
        expect_size("its columns", n_bytes, max_bytes)
    table = concat_tables(groups)
    n = table.num_rows if flat else metadata.num_rows
    unread = np.broadcast_to(np.zeros(1, "V1"), (max(n, 0),))
    columns = {
        name: _values(table.column(name), types) if name in flat else unread
        for name in kinds
        if not re.fullmatch(_NAMELESS_INDEX, name)
    }
    return Table(columns, index=_index(schema.metadata) & set(columns))


def _values(column: Any, types: Any) -> NDArray[Any]:
    """Return the values of a column; texts that are equal are one object."""
    if types.is_dictionary(column.type) and not types.is_primitive(column.type.value_type):
        parts = [np.empty(0, object)]
        for chunk in column.chunks:
            words = np.append(chunk.dictionary.to_numpy(zero_copy_only=False), [None])
            parts.append(words[chunk.indices.fill_null(len(words) - 1).to_numpy()])
        return np.concatenate(parts)
    return array_of_arrow(column)


def _index(metadata: dict[bytes, bytes] | None) -> set[str]:
    """Return the columns that pandas says are the index of its data frame.

    A range, the usual one, is described there and is no column.
    """
    try:
        described = json.loads((metadata or {}).get(b"pandas", b"{}"))
        columns = described.get("index_columns", [])
        return {name for name in columns if isinstance(name, str)}
    except (ValueError, TypeError, AttributeError, RecursionError):  # of another writer
        return set()


def _size(metadata: Any) -> int:
    """Return the memory that the columns take, as the file says before it is unpacked.

    What it says of single columns is not asked for: in pyarrow that ends the process where it is
    damaged.
    """
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    row = sum(max(_FIELD, leaf.length or 0) for leaf in leaves)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return sum(max(group.total_byte_size, 0) + row * max(group.num_rows, 0) for group in groups)
