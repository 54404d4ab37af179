"""The tiles of targets with 64-byte vectors, compiled for AVX2: their logic runs without AVX-512.

The compiler makes two 32-byte vectors of each 64-byte one; slow, but with the same branches.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from cynn import _backend
from cynn.kernels.targets import TARGETS
from places import ROOT

WIDE = [name for name, target in TARGETS.items() if target.vector_bytes == 64]

pytestmark = pytest.mark.skipif(
    "avx2" not in _backend.available_targets() or not (ROOT / "setup.py").exists(),
    reason="needs AVX2 and a checkout",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder with the modules of wide targets, built with the flags of avx2."""
    for needed in ("Cython", "setuptools"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("wide")
    run = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--build-lib", folder, "--build-temp", folder],
        cwd=ROOT,
        env=os.environ
        | {"CYNN_BUILD_WIDE": " ".join(WIDE)}
        | {"CYNN_BUILD_KEPT": str(ROOT / "build" / "kept")},  # compiled again when they change
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(
    scope="module", params=[f"{name}_{real}" for name in WIDE for real in _backend.REALS]
)
def wide(request, built):
    """Return a wide module, and its precision."""
    name = request.param
    (path,) = built.rglob(f"{name}*.so")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, np.dtype(name.rpartition("_")[2])


@pytest.mark.parametrize("rows", [*range(1, 30), 97, 145, 300])
def test_products(wide, rows):
    module, real = wide
    rng = np.random.default_rng(rows)
    for depth, columns in ((1, 1), (15, 33), (17, 97), (64, 16), (33, 160)):
        a = rng.normal(size=(rows, depth)).astype(real)
        b = rng.normal(size=(depth, columns)).astype(real)
        bound = 4 * depth * np.finfo(real).eps * (np.abs(a) @ np.abs(b)).max()
        for function, left, right in (
            (module.matmul, a, b),
            (module.matmul_nt, a, np.ascontiguousarray(b.T)),
            (module.matmul_tn, np.ascontiguousarray(a.T), b),
        ):
            out = np.full((rows, columns), np.nan, real)
            function(left, right, out)
            np.testing.assert_allclose(out, a.astype(float) @ b, rtol=0, atol=bound)


def test_training_agrees_with_avx2(wide):
    module, real = wide
    other = _backend.load("avx2", real.name)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (300, 50)).astype(np.uint8)
    y = rng.integers(0, 10, 300).astype(np.int32)
    params = rng.normal(size=50 * 70 + 70 + 70 * 10 + 10).astype(real) * real.type(0.1)
    results = []
    for each, threads in ((other, 1), (module, 1), (module, 3)):
        network = each.Network(50, [("dense", 70, "tanh"), ("dense", 10, "softmax")], 1 / 255)
        network.set_params(params)
        network.compile("softmax_cross_entropy", ("sgd", True, 1e-4))
        steps = -(-300 // 37)
        network.train_epoch(
            x, y, None, np.arange(300), (np.full(steps, 0.1),
            np.full(steps, 0.9)), 37, 0, np.inf, None, threads,
        )  # fmt: skip
        found = np.empty_like(params)
        network.get_params(found)
        results.append(found)
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=3e3 * np.finfo(real).eps)
    assert results[1].tobytes() == results[2].tobytes()
