"""Every reader of files, with small whole files of its kind to begin from: what a fuzzer needs."""

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cynn import Model, datasets, tables
from cynn.ensemble import Ensemble
from cynn.layers import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    MemberAffine,
    MemberDense,
    Members,
    Normalize,
    Residual,
)
from cynn.optimizers import SGD, Adam
from cynn.schedules import Cosine
from cynn.storage import ModelFileError
from cynn.tables import TableEncoder
from places import ROOT

SEEDS = ROOT / "tests" / "fuzz" / "seeds"
"""A folder for each reader: files that once did harm, and stay."""

TABLE = {
    "size": np.arange(8.0),
    "kind": np.array(list("abcabcab")),
    "y": np.array(list("nynynyny")),
}


@dataclass
class Reader:
    """A way in from a file: what it may raise of a damaged one, and files to begin from."""

    suffix: str
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    whole: Callable[[], list[bytes]]
    needs: str = ""

    def seeds(self, name: str) -> list[bytes]:
        """Return whole files of this kind, and those that are kept in the repository."""
        kept = sorted((SEEDS / name).glob("*")) if (SEEDS / name).is_dir() else []
        return self.whole() + [file.read_bytes() for file in kept]


def _written(write: Callable[[Path], object], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "seed" + suffix)
        write(path)
        return path.read_bytes()


def _models() -> Iterator[Model]:
    x, y = np.linspace(-1, 1, 24).reshape(8, 3), np.arange(8) % 2
    hidden = Residual([Dense(3, "relu"), BatchNorm()])
    for layers, optimizer in (
        ([Normalize.adapt(x), hidden, Dense(2, "softmax")], Adam()),
        ([Dense(2, "gelu"), Dropout(0.5), Dense(2, "softmax")], SGD(Cosine(0.1), 0.9)),
    ):
        model = Model(layers, seed=0)
        model.compile(optimizer, "cross_entropy", ["accuracy"])
        model.fit(x, y, verbose=0)
        yield model
    yield table_model()


def table_model() -> Model:
    """Return a model of a table of two columns."""
    encoder = TableEncoder.fit(TABLE, "y")
    model = Model([Dense(2, "softmax")], seed=0)
    model.compile("sgd", "cross_entropy")
    model.fit(encoder.encode(TABLE), encoder.target.encode(TABLE["y"]), verbose=0)
    model.table = encoder
    return model


def _model_files() -> list[bytes]:
    return [_written(model.save, ".safetensors") for model in _models()]


def _ensemble_files() -> list[bytes]:
    x = np.linspace(-1, 1, 24).reshape(8, 3)
    plain = []
    for seed in range(2):
        model = Model([Normalize.adapt(x), Dense(3, "relu"), BatchNorm(), Dense(2)], seed=seed)
        model.build(3)
        plain.append(model)
    ensembles = [Ensemble(plain), Ensemble([table_model()] * 2, {"estimator": "Other", "n": [1]})]
    return [_written(ensemble.save, ".safetensors") for ensemble in ensembles]


def _onnx_files() -> list[bytes]:
    import cynn.onnx

    plain = Model([Flatten(), Dense(3, "relu"), BatchNorm(), Dense(2, "softmax")], seed=0)
    plain.build((2, 2))
    several = Model([Members(2), MemberAffine(2, "relu"), MemberDense(2, 2)], seed=0)
    several.build(3)
    return [
        _written(lambda path, model=model: cynn.onnx.export(model, path), ".onnx")
        for model in (plain, several)
    ]


def _load_onnx(path: Path) -> object:
    import cynn.onnx

    return cynn.onnx.load(path)


def _npz() -> bytes:
    data = io.BytesIO()
    np.savez(data, **TABLE, x=np.ones((8, 2)))
    return data.getvalue()


def _npy() -> bytes:
    data = io.BytesIO()
    np.save(data, np.arange(16, dtype=np.uint8).reshape(1, 4, 4))
    return data.getvalue()


def _parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet

    data = io.BytesIO()
    parquet.write_table(pyarrow.table(TABLE), data)
    return data.getvalue()


def _read_image(path: Path) -> object:
    from cynn.cli._images import read_images

    return read_images(str(path), (4, 4))


def _onnx_errors() -> tuple[type[Exception], ...]:
    try:
        from cynn.onnx import OnnxFileError
    except ImportError:
        return (ValueError,)
    return (OnnxFileError,)


CSV = [
    b"size,kind,y\n1.5,a,n\n2,b,y\n,a,n\n",
    b'sep=;\nsize;kind;y\n"1,5";a;n\n2;"b;c";y\n',
    b"\xef\xbb\xbfsize\tkind\n1e5\tTrue\n#N/A\tFalse\n",
]

READERS = {
    "model": Reader(".safetensors", Model.load, (ModelFileError,), _model_files),
    "ensemble": Reader(".safetensors", Ensemble.load, (ModelFileError,), _ensemble_files),
    "onnx": Reader(".onnx", _load_onnx, _onnx_errors(), _onnx_files, "onnx"),
    "csv": Reader(".csv", tables.read, (ValueError,), lambda: CSV),
    "npz": Reader(".npz", tables.read, (ValueError,), lambda: [_npz()]),
    "parquet": Reader(".parquet", tables.read, (ValueError,), lambda: [_parquet()], "pyarrow"),
    "idx": Reader(
        "", datasets.read_idx, (datasets.IDXError,), lambda: [b"\0\0\x08\2\0\0\0\2\0\0\0\3abcdef"]
    ),
    "npy": Reader(".npy", _read_image, (ValueError,), lambda: [_npy()]),
}


def read(name: str, data: bytes, folder: str | os.PathLike[str]) -> bool:
    """Read bytes as a file of a kind; return whether they were accepted.

    Anything but a result or one of the reader's own errors, with a text, is raised.
    """
    reader = READERS[name]
    path = Path(folder, "file" + reader.suffix)
    path.write_bytes(data)
    try:
        reader.read(path)
    except reader.errors as error:
        assert str(error).strip(), "the error has no text"
        return False
    return True
