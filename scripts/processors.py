"""Run the package on emulated processors, and check which target it chooses there.

    processors.py QEMU NUMPY

QEMU is qemu-x86_64. NUMPY is a folder with a NumPy for the processors below x86-64-v2, which the
newest ones do not support. On each processor small networks train and predict, with every target
that is available, and compared with the reference; every other target must be refused by name. The
next faster target is run there without the check, and must end in an illegal instruction, or the
emulator would prove nothing.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLE = runpy.run_path(str(Path(__file__).parents[1] / "cynn" / "kernels" / "targets.py"))
TARGETS = {name: row for name, row in TABLE["TARGETS"].items() if row.machine == "x86_64"}
NAMES = [*TARGETS, "reference"]  # the fastest first
REALS = {"float32": 1e-4, "float64": 1e-10}  # how far a prediction may be from the reference's

# What the emulated processors have of the features that targets need.
SSSE3 = {"SSE3", "SSSE3", "CMPXCHG16B", "LAHF"}
NEHALEM = SSSE3 | {"SSE4_1", "SSE4_2", "POPCNT"}
SANDY_BRIDGE = NEHALEM | {"AVX", "XCR0_AVX"}
HASWELL = SANDY_BRIDGE | {"AVX2", "FMA"}

# qemu's name for a processor; what it has; whether qemu is as strict as the processor, so that the
# slowest target that it cannot run must fail on it; the processors that it represents.
PROCESSORS = [
    ("qemu64", {"SSE3", "CMPXCHG16B"}, True, "x86-64 as it began, AMD"),
    ("core2duo", SSSE3, True, "SSSE3, no SSE4.1"),
    ("Penryn", SSSE3 | {"SSE4_1"}, False, "SSE4.1, no SSE4.2"),
    ("Haswell,-popcnt", HASWELL - {"POPCNT"}, False, "AVX2 without all of x86-64-v2"),
    ("Nehalem", NEHALEM, True, "x86-64-v2"),
    ("SandyBridge", SANDY_BRIDGE, True, "AVX, no AVX2"),
    ("Haswell,-avx", HASWELL - {"AVX"}, True, "AVX2 without AVX, as a virtual machine may say"),
    ("Haswell,-fma", HASWELL - {"FMA"}, True, "AVX2 without FMA"),
    ("Haswell,-xsave", HASWELL - {"XCR0_AVX"}, True, "AVX2, its registers not saved by the system"),
    (
        "Haswell,level=4",
        HASWELL - {"AVX2"},
        False,
        "AVX2, but CPUID ends before the leaf that says so",
    ),
    ("Haswell", HASWELL, True, "AVX2 and FMA"),
    ("EPYC", HASWELL, True, "AVX2 and FMA, AMD"),
    ("Skylake-Server", HASWELL, True, "AVX-512, which qemu lacks and takes out of CPUID"),
    ("max", HASWELL, True, "all that qemu has"),
]

UNASKED = """
import importlib
import numpy as np, cynn
print("ready", flush=True)
kernels = importlib.import_module("cynn.kernels.{target}_float32")
kernels.matmul(*np.ones((3, 8, 8), np.float32))
"""


# -- in the emulator


def predictions(target: str, dtype: str) -> Any:
    """Train small networks with a target; return what they predict."""
    import numpy as np

    from cynn import Model
    from cynn.augmentation import Augment
    from cynn.layers import BatchNorm, Dense, Dropout, Flatten, LayerNorm
    from cynn.optimizers import SGD, Adam

    os.environ["CYNN_TARGET"] = target
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3, 7)), rng.integers(0, 3, 50)
    hidden, last = Dense(19, "tanh"), Dense(3, "softmax")
    plain = [Flatten(), hidden, Dense(17, "relu"), last]
    more = [Flatten(), hidden, BatchNorm(), Dense(17, "relu"), LayerNorm(), Dropout(0.2), last]
    found = []
    for layers, optimizer, augment in (
        (plain, SGD(0.05, 0.9), None),
        (more, Adam(0.01), Augment(1, 5.0, 0.1)),
    ):
        model = Model(layers, dtype=dtype, seed=0)
        model.compile(optimizer)
        model.fit(x, y, batch_size=16, epochs=2, verbose=0, augment=augment)
        found.append(model.predict(x))
    return np.concatenate(found)


def probe() -> dict[str, Any]:
    """Return the target in use here, and its results."""
    import numpy as np

    from cynn import _backend

    found: dict[str, Any] = {"numpy": np.__version__, "target": _backend.target(), "error": {}}
    found["available"] = _backend.available_targets()
    for dtype in REALS:
        wanted = predictions("reference", dtype)
        for target in found["available"]:
            error = float(np.abs(predictions(target, dtype) - wanted).max())
            found["error"][f"{target} {dtype}"] = error
    found["refused"] = []
    for target in NAMES:
        os.environ["CYNN_TARGET"] = target
        try:
            _backend.target()
        except ValueError:
            found["refused"].append(target)
    return found


# -- outside of the emulator


@dataclass
class Processor:
    """An emulated processor."""

    qemu: str
    name: str
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Python on it, without settings of another processor in the environment."""
        speaks = ("OPENBLAS_", "NPY_", "CYNN_", "PYTHON", "QEMU_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(speaks)}
        return subprocess.run(
            [self.qemu, "-cpu", self.name, sys.executable, *arguments],
            env=environment | self.variables,
            capture_output=True,
            text=True,
        )

    def has_numpy(self) -> bool:
        """Return whether NumPy can be imported there."""
        return self.run("-P", "-c", "import numpy").returncode == 0

    def dies_of(self, target: str) -> bool:
        """Return whether a target run without the check ends in an illegal instruction there."""
        ran = self.run("-P", "-c", UNASKED.format(target=target))
        return ran.stdout == "ready\n" and ran.returncode == -signal.SIGILL


def runnable(features: set[str]) -> list[str]:
    """Return the targets that a processor with these features runs, the fastest first."""
    return [name for name in NAMES if name == "reference" or features >= {*TARGETS[name].needs}]


def look(processor: Processor, right: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Run the probe; return its result, and the errors where these targets should run."""
    ran = processor.run(__file__)
    if ran.returncode:
        last = ran.stderr.strip().splitlines()[-1:]
        return {}, [f"ended with {ran.returncode}: {''.join(last)}"]
    found = json.loads(ran.stdout)
    wrong = []
    if found["available"] != right or found["target"] != right[0]:
        wrong.append(f"took {found['target']} of {found['available']}, wanted the first of {right}")
    lacking = [target for target in NAMES if target not in right]
    if found["refused"] != lacking:
        wrong.append(f"refused {found['refused']}, wanted {lacking}")
    for what, error in found["error"].items():
        bound = REALS[what.split()[1]]
        if not error <= bound:
            wrong.append(f"{what} is {error:.1e} from the reference, wanted at most {bound:.1e}")
    return found, wrong


def main(qemu: str, old_numpy: str) -> int:
    """Check all processors and print a table; return the exit status."""
    bad = False
    print(f"{'processor':16}{'taken':11}{'NumPy':8}{'from the reference':20}what it is")
    for name, features, strict, what in PROCESSORS:
        processor = Processor(qemu, name)
        right = runnable(features)
        deadly = [target for target in NAMES if target not in right][-1]
        if not processor.has_numpy():
            processor.variables["PYTHONPATH"] = old_numpy
        found, wrong = look(processor, right)
        if strict and not processor.dies_of(deadly):
            wrong.append(f"{deadly} does not die there: the emulator shows nothing")
        taken, numpy = found.get("target", "-"), found.get("numpy", "-")
        error = f"{max(found['error'].values()):.1e}" if found else "-"
        print(f"{name:16}{taken:11}{numpy:8}{error:20}{what}", flush=True)
        for line in wrong:
            print(f"    FAILED: {line}", flush=True)
        bad = bad or bool(wrong)
    return bad


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(*sys.argv[1:]))
    print(json.dumps(probe()))
