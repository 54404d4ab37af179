"""The peers by name, and what each needs."""

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from .base import Peer


class PeerEntry(NamedTuple):
    """The module and class of a peer."""

    module: str
    class_name: str
    needs: tuple[str, ...]  # modules that must be installed
    trains: bool = True
    predicts: bool = True


PEERS = {
    "cynn": PeerEntry("cynn_peer", "Cynn", ("cynn",)),
    "cynn-float32": PeerEntry("cynn_peer", "CynnReal", ("cynn",), predicts=False),
    "cynn-kept": PeerEntry("cynn_peer", "CynnKept", ("cynn",), trains=False),
    "cynn-sparse": PeerEntry("cynn_peer", "CynnSparse", ("cynn",), predicts=False),
    "numpy": PeerEntry("numpy_peer", "NumPy", ("numpy",)),
    "torch": PeerEntry("torch_peer", "Torch", ("torch",)),
    "torch-compile": PeerEntry("torch_peer", "TorchCompiled", ("torch",), predicts=False),
    "jax": PeerEntry("jax_peer", "Jax", ("jax", "jaxlib")),
    "sklearn": PeerEntry("sklearn_peer", "ScikitLearn", ("sklearn",)),
    "onnxruntime": PeerEntry("onnx_peer", "OnnxRuntime", ("onnxruntime", "onnx"), trains=False),
}

OWN = tuple(name for name in PEERS if name.startswith("cynn"))
"""This library in several ways."""

USUAL = tuple(name for name in PEERS if name != "cynn-sparse")
INSTALL = "pip install torch jax scikit-learn onnxruntime onnx matplotlib"


def missing(name: str) -> str:
    """Return the first module that a peer needs and that is missing; empty if none is."""
    return next((module for module in PEERS[name].needs if find_spec(module) is None), "")


def make(name: str, threads: int) -> Peer:
    """Import a peer and construct it."""
    return peer_class(name)(threads)


def peer_class(name: str) -> type[Peer]:
    """Import a peer."""
    entry = PEERS[name]
    peer: type[Peer] = getattr(import_module(f".{entry.module}", __package__), entry.class_name)
    return peer
