"""Reading tables: delimiters, what is left aside, and what hostile files may not do."""

import csv
import gzip
import io
import os
import struct
import sys
import threading
import zipfile

import numpy as np
import pytest

from cynn import tables
from cynn.tables import TableEncoder
from cynn.tables._rows import encodable


def put(path, text, encoding="utf-8"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def lists(table):
    return {name: list(values) for name, values in table.items()}


# ---- what stands between fields -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (
            "price (EUR, net, 2024);size;y\n1,5;2;a\n2;3;b\n",
            {"price (EUR, net, 2024)": ["1,5", "2"], "size": ["2", "3"], "y": ["a", "b"]},
        ),
        ("weight, kg;y\n1,5;2\n2,5;3\n", {"weight, kg": ["1,5", "2,5"], "y": ["2", "3"]}),
        ("price (EUR, net)\n1\n2\n", {"price (EUR, net)": ["1", "2"]}),
        ("a (b, c, d);e\n1,5;2\n3;4\n", {"a (b, c, d)": ["1,5", "3"], "e": ["2", "4"]}),
        ("x\n1,5\n2,5\n", {"x": ["1,5", "2,5"]}),
        ('"a;b","c;d"\n"1;2",3\n', {"a;b": ["1;2"], "c;d": ["3"]}),
        ('"a,b";"c,d"\n"1,2";3\n', {"a,b": ["1,2"], "c,d": ["3"]}),
        (
            "n,tags,y\nx,a;b,1\ny,c;d,2\n",
            {"n": ["x", "y"], "tags": ["a;b", "c;d"], "y": ["1", "2"]},
        ),
        ("a|b\n1|2\n", {"a": ["1"], "b": ["2"]}),
        ("sep=;\na,b;c\n1,2;3\n", {"a,b": ["1,2"], "c": ["3"]}),
        ('\ufeff"SEP=\t"\r\na\tb\r\n1\t2\r\n', {"a": ["1"], "b": ["2"]}),
        ("sep=;;;\na;b\n1;2\n", {"a": ["1"], "b": ["2"]}),
        ("sep=\n1\n", {"sep=": ["1"]}),
        ("\n\na,b\n\n1,2\n", {"a": ["1"], "b": ["2"]}),
        ('a,b\n5" pipe,6"\n', {"a": ['5" pipe'], "b": ['6"']}),
    ],
)
def test_the_rows_elect_the_delimiter(tmp_path, text, columns):
    assert lists(tables.read(put(tmp_path / "t.csv", text))) == columns


def test_excel_names_the_delimiter_of_many_rows(tmp_path):
    table = tables.read(put(tmp_path / "t.csv", "sep=;\na,b;c\n" + "1,2;3\n" * 500))
    assert list(table) == ["a,b", "c"] and len(table["c"]) == 500


def test_a_row_too_many_is_no_other_delimiter(tmp_path):
    with pytest.raises(ValueError, match="line 2 must have 2 fields, as the first, got 3"):
        tables.read(put(tmp_path / "t.csv", "a,b\n1,2,\n3,4,\n"))
    with pytest.raises(ValueError, match="line 3 must have 2 fields"):
        tables.read(put(tmp_path / "t.csv", "sep=;\na;b\n1;2;3\n"))
    with pytest.raises(ValueError, match="line 3 must have ';' after a quoted field"):
        tables.read(put(tmp_path / "t.csv", 'sep=;\na;b\n"1"x;2\n'))


# ---- long fields and wide tables ----------------------------------------------------------------

LONG = "x" * 200_000


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"a,b\n{LONG},2\n3,4\n", [[LONG, "3"], ["2", "4"]]),
        (f'a,b\n1, "{LONG}""q\r\n{LONG}"\r\n3,4\r\n', [["1", "3"], [f'{LONG}"q\r\n{LONG}', "4"]]),
        (f'a,b\n1,"{LONG}"', [["1"], [LONG]]),
        (f"a,b\n\n1, {LONG}", [["1"], [LONG]]),
    ],
)
def test_long_fields(tmp_path, text, wanted):
    limit = csv.field_size_limit()
    table = tables.read(put(tmp_path / "t.csv", text))
    assert list(lists(table).values()) == wanted
    assert csv.field_size_limit() == limit


def test_long_fields_as_csv_reads_short_ones(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    parts = ["ab", " ", ",", '"', '""', "\n", "\r\n", '"c"', "1.5", '"d,e"', '"f\ng"']
    n_read = 0
    for _ in range(300):
        text = "a,b\n" + "".join(rng.choice(parts, rng.integers(1, 12)))
        put(tmp_path / "t.csv", text)
        results = []
        for limit in (131_072, 1):
            before = csv.field_size_limit(limit)
            try:
                results.append(lists(tables.read(tmp_path / "t.csv")))
            except ValueError as error:
                results.append(str(error))
            finally:
                csv.field_size_limit(before)
        assert results[0] == results[1], text
        n_read += isinstance(results[0], dict)
    assert 10 < n_read < 290


def test_the_limit_of_other_threads_stays(tmp_path):
    put(tmp_path / "t.csv", f"a,b\n{LONG},2\n" * 20)
    seen, begun, done = set(), threading.Event(), threading.Event()

    def watch():
        while not done.wait(0.001):
            seen.add(csv.field_size_limit())
            begun.set()

    thread = threading.Thread(target=watch)
    thread.start()
    begun.wait()
    tables.read(tmp_path / "t.csv")
    done.set()
    thread.join()
    assert seen == {csv.field_size_limit()}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_twelve_thousand_columns(tmp_path, delimiter):
    names = [f"gene_number_{i}" for i in range(12_000)]
    rows = [[str(i + j) for i in range(12_000)] for j in range(3)]
    text = "\n".join(map(delimiter.join, [names, *rows]))
    table = tables.read(put(tmp_path / "t.csv", text))
    assert list(table) == names
    assert list(table["gene_number_11999"]) == ["11999", "12000", "12001"]


def test_more_rows_than_a_block(tmp_path):
    n = 70_000
    text = "a,b\n" + "".join(f"{i},{-i}\n" for i in range(n))
    table = tables.read(put(tmp_path / "t.csv", text))
    assert table["a"].tolist() == [str(i) for i in range(n)] and table["b"][-1] == str(1 - n)


# ---- packed, encoded, from the standard input ---------------------------------------------------

TEXT = "größe;b\n1,5;é\n"


@pytest.mark.parametrize("name", ["t.csv", "t.CSV.GZ", "t.csv.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_packed_is_told_by_the_first_bytes(tmp_path, name, pack):
    table = tables.read(put(tmp_path / name, pack(TEXT.encode())))
    assert lists(table) == {"größe": ["1,5"], "b": ["é"]}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_tsv_has_tabs(tmp_path, pack):
    data = pack(b"a,b,c\td\n1,2,3\t4\n")
    for name in ("t.tsv", "t.tsv.gz"):
        assert lists(tables.read(put(tmp_path / name, data))) == {"a,b,c": ["1,2,3"], "d": ["4"]}


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    put(tmp_path / "t.csv", TEXT, encoding)
    table = tables.read(tmp_path / "t.csv", encoding=encoding)
    assert lists(table) == {"größe": ["1,5"], "b": ["é"]}


def test_unknown_encodings(tmp_path):
    put(tmp_path / "t.csv", TEXT)
    for encoding in ("zip", "nope", "a\0b", ""):
        with pytest.raises(ValueError, match="encoding must be one that Python knows"):
            tables.read(tmp_path / "t.csv", encoding=encoding)
    with pytest.raises(TypeError, match="encoding must be a string"):
        tables.read(tmp_path / "t.csv", encoding=None)


def as_input(monkeypatch, data):
    stream = io.TextIOWrapper(io.BytesIO(data))
    monkeypatch.setattr(sys, "stdin", stream)
    return stream


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(monkeypatch, pack):
    stream = as_input(monkeypatch, pack(TEXT.encode("latin-1")))
    table = tables.read("-", encoding="latin-1")
    assert lists(table) == {"größe": ["1,5"], "b": ["é"]}
    assert not stream.buffer.closed
    as_input(monkeypatch, pack(TEXT.encode()))
    with pytest.raises(ValueError, match="^-: .* must take at most max_bytes=5 bytes"):
        tables.read("-", max_bytes=5)


def test_arrays_from_standard_input(monkeypatch):
    file = io.BytesIO()
    np.savez(file, a=[1, 2])
    as_input(monkeypatch, file.getvalue())
    assert lists(tables.read("-")) == {"a": [1, 2]}
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="standard input must be open"):
        tables.read("-")


# ---- rows that are left out ---------------------------------------------------------------------


def test_bad_rows_are_skipped_and_named(tmp_path):
    put(tmp_path / "t.csv", 'a,b\n1,2\n3\n\n4,5\n"x"y,6\n7,8,9\n0,0\n')
    with pytest.raises(ValueError, match="line 3 must have 2 fields, as the first, got 1"):
        tables.read(tmp_path / "t.csv")
    table = tables.read(tmp_path / "t.csv", skip_bad_rows=True)
    assert lists(table) == {"a": ["1", "4", "0"], "b": ["2", "5", "0"]}
    assert table.rows.tolist() == [1, 3, 6]
    assert [reason[:6] for reason in table.skipped] == ["line 3", "line 6", "line 7"]
    for text, message in [
        ("a,b\n1\n2\n3,4,5\n", "got none that has: line 2"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 4 must close the quotes it opens"),
    ]:
        with pytest.raises(ValueError, match=message):
            tables.read(put(tmp_path / "t.csv", text), skip_bad_rows=True)


def test_rows_with_a_value():
    words = np.array(["a", "", None, "b"], object)
    table = {"w": words, "n": np.array(["1", "NA", "?", "2"], object), "x": np.array([1, np.nan])}
    assert tables.rows_with(table, "w").tolist() == [0, 3]
    assert tables.rows_with(table, "n").tolist() == [0, 3]
    assert tables.rows_with(table, "x").tolist() == [0]
    with pytest.raises(ValueError, match="must have the column 'z'"):
        tables.rows_with(table, "z")


@pytest.mark.parametrize("bad", [[], [0], [3, 4, 9], range(10)])
def test_rows_that_cannot_be_encoded(bad):
    values = np.arange(10).astype(str).astype(object)
    table = tables.Table({"a": values, "y": np.array(list("pq" * 5), object)})
    encoder = TableEncoder.fit(table, "y")
    values[list(bad)] = "x"
    rows, faults = encodable(table, encoder)
    assert rows.tolist() == [i for i in range(10) if i not in bad]
    assert faults == [f"row {i + 1}: column 'a' must hold numbers, got 'x'" for i in bad]
    with pytest.raises(ValueError, match="must have the column 'a'"):
        encodable(tables.Table({"b": values}), encoder)


# ---- the index of a data frame ------------------------------------------------------------------


def test_the_index_of_pandas_is_no_input(tmp_path):
    pandas = pytest.importorskip("pandas", exc_type=ImportError)
    pytest.importorskip("pyarrow", exc_type=ImportError)
    frame = pandas.DataFrame({"a": [1.0, 2.0, 4.0], "y": list("pqp")})
    path = tmp_path / "t.parquet"
    for index, read, left_out in [
        (pandas.RangeIndex(3), ["a", "y"], []),
        (pandas.Index([5, 9, 7]), ["a", "y"], []),
        (pandas.Index([5, 9, 7], name="id"), ["a", "y", "id"], ["id"]),
        (pandas.Index(list("uvw")), ["a", "y"], []),
        (
            pandas.MultiIndex.from_arrays([[1, 2, 3], [4, 5, 7]], names=["k", None]),
            ["a", "y", "k"],
            ["k"],
        ),
    ]:
        frame.set_index(index).to_parquet(path)
        table = tables.read(path)
        assert list(table) == read and table.index == set(left_out)
        encoder = TableEncoder.fit(table, "y")
        assert [each.name for each in encoder.columns] == ["a"]
        assert [each.name for each in encoder.left_out] == left_out
    named = frame.set_index(pandas.Index([5, 9, 7], name="id"))
    named.to_parquet(path)
    encoder = TableEncoder.fit(tables.read(path), "y", categorical=["id"])
    assert [each.name for each in encoder.columns] == ["a", "id"]
    encoder = TableEncoder.fit(tables.read(path), tables.target_of(tables.read(path), "id"))
    assert encoder.target.name == "id"
    frame.to_csv(tmp_path / "t.csv")
    pandas.read_csv(tmp_path / "t.csv").to_csv(tmp_path / "t.csv", index=False)
    encoder = TableEncoder.fit(tables.read(tmp_path / "t.csv"), "y")
    assert [(each.name, each.why) for each in encoder.left_out] == [
        ("Unnamed: 0", "it has no name")
    ]


@pytest.mark.parametrize("metadata", [b"[" * 100_000, b"\xff", b"3", b'{"index_columns": 3}'])
def test_metadata_that_are_not_those_of_pandas(tmp_path, metadata):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    table = pa.table({"a": [1, 2]}).replace_schema_metadata({b"pandas": metadata})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert lists(tables.read(tmp_path / "t.parquet")) == {"a": [1, 2]}


# ---- hostile files ------------------------------------------------------------------------------


def npy(header, data=b"", version=1):
    text = header.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def header(descr="<f8", shape="(2,)"):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"


HOSTILE = {
    "8 TB": npy(header(shape="(1000000000000,)")),
    "recursion": npy(header(shape=f"({'-' * 9000}1,)")),
    "brackets": npy("(" * 9000),
    "long header": npy(" " * 60_000),
    "longer header": npy(header(), version=2)[:8] + b"\xff" * 4,
    "cut header": npy(header())[:40],
    "no array": b"",
    "other version": b"\x93NUMPY\x09\x00" + bytes(80),
    "strings of 16 GB": npy(header("<U4294967295", "(1,)")),
    "strings of 4 GB": npy(header("<U999999999", "(1,)")),
    "no character": npy(header("<U1", "(1,)"), b"\xff" * 4),
    "half a character": npy(header("<U1", "(1,)"), struct.pack("<I", 0xD800)),
    "empty strings": npy(header("<U0", "(1000000000,)")),
    "empty bytes": npy(header("|V0", "(1,1000000000)")),
    "no rows of a billion": npy(header(shape="(0,1000000000)")),
    "a million bools in a row": npy(header("|b1", "(1,5000000)"), bytes(5_000_000)),
    "no bool": npy(header("|b1"), b"\1\7"),
    "negative": npy(header(shape="(-1,)")),
    "30 digits": npy(header(shape=f"({'9' * 30},)")),
    "100 dimensions": npy(header(shape=f"({'1,' * 100})"), bytes(8)),
    "objects": npy(header("|O", "(1,)"), b"x"),
    "fields": npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", bytes(8)),
    "unknown type": npy(header("<q9")),
    "escape": npy(header("\\d")),
    "a key twice": npy("{'shape': (2,), 'fortran_order': False, 'shape': (2,)}", bytes(16)),
    "too short": npy(header(), bytes(15)),
    "too long": npy(header(), bytes(17)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays(tmp_path, name, monkeypatch):
    taken = []
    real = np.empty
    monkeypatch.setattr(
        np, "empty", lambda *of, **more: taken.append(real(*of, **more)) or taken[-1]
    )
    path = tmp_path / "t.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", HOSTILE[name])
    with pytest.raises(ValueError) as caught:
        tables.read(path)
    assert str(caught.value).startswith(f"{path}: its array") and "\n" not in str(caught.value)
    assert sum(array.nbytes for array in taken) < 100


def test_sizes_that_a_zip_file_lies_about(tmp_path, monkeypatch):
    data = npy(header(shape="(1000000,)"))
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("a.npy", data)
    whole = (tmp_path / "t.npz").read_bytes()
    directory = whole.rindex(b"PK\1\2") + 24  # there lies the size once it is unpacked
    lie = struct.pack("<I", len(data) + 8_000_000)
    put(tmp_path / "t.npz", whole[:directory] + lie + whole[directory + 4 :])
    monkeypatch.setattr(np, "empty", lambda *of, **more: pytest.fail("memory was taken"))
    with pytest.raises(ValueError, match=f"must have 8,000,0.* got at most {len(data)}"):
        tables.read(tmp_path / "t.npz")


def test_a_dimension_of_0_hides_no_other(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("a.npy", npy(header(shape="(0,9999999999,9999999999)")))
    with pytest.raises(ValueError, match="shape must be one that memory can hold"):
        tables.read(tmp_path / "t.npz")


def test_any_order_of_an_arrays_header(tmp_path):
    text = "{'shape': (2L,), \"descr\": '>i4', 'fortran_order':True}"
    for version in (1, 2, 3):
        with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
            archive.writestr("a.npy", npy(text, struct.pack(">2i", 3, -4), version))
        values = tables.read(tmp_path / "t.npz")["a"]
        assert values.tolist() == [3, -4] and values.dtype.isnative


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_arrays_packed_in_another_way(tmp_path, packing):
    try:
        archive = zipfile.ZipFile(tmp_path / "t.npz", "w", packing)
    except RuntimeError:
        pytest.skip("this Python lacks the library")
    with archive:
        archive.writestr("a.npy", npy(header(), bytes(16)))
    with pytest.raises(ValueError, match="must be stored or deflated"):
        tables.read(tmp_path / "t.npz")


def test_what_is_no_array_in_an_npz(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"parts must be arrays \(.npy\), got 'readme.txt'"):
        tables.read(tmp_path / "t.npz")


def test_max_bytes(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", a=np.zeros(1000), b=np.zeros(1000))
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 1000)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    (tmp_path / "fields.csv").write_text("a" + "," * 99 + "\n" + "," * 99 + "\n")
    for name, most in [("t.npz", 16_000), ("t.csv", 1001 * 20), ("t.csv.gz", 1001 * 20)]:
        assert len(tables.read(tmp_path / name, max_bytes=most)["a"]) == 1000
        for less in (most - 1, most // 10, 1):
            with pytest.raises(ValueError, match=rf"at most max_bytes={less:,} bytes, got .*--max"):
                tables.read(tmp_path / name, max_bytes=less)
    with pytest.raises(ValueError, match="max_bytes=999 bytes"):
        tables.read(tmp_path / "fields.csv", max_bytes=999)
    for max_bytes in (0, 1.5, None):
        with pytest.raises((TypeError, ValueError), match="max_bytes must be"):
            tables.read(tmp_path / "t.csv", max_bytes=max_bytes)


def test_a_packed_text_is_not_unpacked_past_the_limit(tmp_path, monkeypatch):
    data = gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000)
    seen = 0
    real = gzip.GzipFile.readinto

    def counting(self, buffer):
        nonlocal seen
        n = real(self, buffer)
        seen += n
        return n

    monkeypatch.setattr(gzip.GzipFile, "readinto", counting)
    with pytest.raises(ValueError, match="what it unpacks to must take at most"):
        tables.read(put(tmp_path / "t.csv.gz", data), max_bytes=100_000)
    assert seen < 3_000_000


@pytest.mark.parametrize("damage", [lambda d: d[:-6], lambda d: d[:20], lambda d: d + b"rubbish"])
def test_damaged_packing(tmp_path, damage):
    data = damage(gzip.compress(b"a,b\n1,2\n3,4\n5,6\n"))
    with pytest.raises(ValueError, match="t.csv.gz: "):
        tables.read(put(tmp_path / "t.csv.gz", data))


def test_texts_of_parquet_are_shared(tmp_path):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    long = "x" * 10_000
    words = pa.array([long, None, "b"] * 1000)
    parquet.write_table(pa.table({"a": words}), tmp_path / "t.parquet", row_group_size=700)
    values = tables.read(tmp_path / "t.parquet", max_bytes=200_000)["a"]
    assert list(values[:4]) == [long, None, "b", long] and len(values) == 3000
    assert len({id(value) for value in values}) <= 1 + 2 * 5
    with pytest.raises(ValueError, match="its columns must take at most max_bytes=9,999 bytes"):
        tables.read(tmp_path / "t.parquet", max_bytes=9_999)


def test_damaged_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow", exc_type=ImportError)
    from pyarrow import parquet

    n = 20
    columns = {
        "a": pa.array([1, None] * n),
        "s": pa.array(["x", None] * n),
        "f": pa.array([b"abc", None] * n, pa.binary(3)),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 5)):
            data[at] = rng.integers(256)
        path = put(tmp_path / "d.parquet", bytes(data[: rng.choice([len(data), len(data) // 2])]))
        try:
            tables.read(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.npz", "t.parquet"])
def test_pipes_and_devices_are_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="must be a regular file, got a pipe"):
        tables.read(tmp_path / name)
    os.unlink(tmp_path / name)
    os.symlink("/dev/zero", tmp_path / name)
    with pytest.raises(ValueError, match="must be a regular file, got a device"):
        tables.read(tmp_path / name)


def test_the_table_keeps_what_it_knows():
    table = tables.Table({"a": np.arange(4), "i": np.arange(4)}, index=["i"], skipped=["x"])
    part = table.take(np.array([1, 3])).take(np.array([False, True]))
    assert part.rows.tolist() == [4] and part.index == {"i"} and part.skipped == ("x",)
    assert lists(part) == {"a": [3], "i": [3]}
