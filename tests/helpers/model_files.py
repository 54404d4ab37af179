"""Model files that every later version must load: ``python model_files.py NAME`` writes one.

``tests/files/NAME.safetensors`` is a file as the version of its day wrote it, and
``tests/files/index.json`` has its checksum, the rows' shape and what the model predicted of `rows`.
An existing file is never written again: a change of the format adds a file.
"""

import hashlib
import json
import sys

import numpy as np

from cynn import Model
from cynn.layers import Activation, Dense, Flatten, Rescale
from cynn.losses import CrossEntropy
from cynn.optimizers import SGD, Adam
from cynn.schedules import Cosine
from places import FILES

INDEX = FILES / "index.json"


def rows(shape):
    """Return five rows that do not depend on a library's random numbers."""
    numbers = np.arange(5 * int(np.prod(shape)), dtype=np.float64)
    return (numbers * 37 % 101 / 50 - 1).reshape(5, *shape)


def trained(layers, shape, optimizer, loss, dtype="float32", metrics=()):
    model = Model(layers, dtype=dtype, seed=7)
    model.compile(optimizer, loss, metrics)
    model.fit(rows(shape), [0, 1, 2, 1, 0], epochs=2, batch_size=2, verbose=0)
    return model


def bare():
    model = Model([Dense(2, "sigmoid")], seed=2**70)
    model.build(3)
    return model


# 0.1.0: format version "1"
MODELS = {
    "1-classifier": lambda: trained(
        [Flatten(name="é"), Rescale(1 / 3, -0.1), Dense(6, "relu"), Dense(3, "softmax")],
        (2, 3),
        SGD(0.1, 0.9, nesterov=True, weight_decay=1e-4),
        "cross_entropy",
        metrics=["accuracy"],
    ),
    "1-float64": lambda: trained(
        [
            Dense(5, "leaky_relu", kernel_initializer="he_normal"),
            Activation("tanh"),
            Dense(3, bias_initializer="lecun_uniform"),
        ],
        (4,),
        SGD(Cosine(0.1, warmup=0.1)),
        CrossEntropy(from_logits=True),
        "float64",
    ),
    "1-not-compiled": bare,
    "1-adam": lambda: trained(
        [Dense(5, "tanh", l1=1e-4, l2=1e-3), Dense(3, "softmax")],
        (4,),
        Adam(0.01, amsgrad=True, clip_norm=1.0),
        "cross_entropy",
    ),
}


def index():
    return json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.exists() else {}


def write(name):
    path = FILES / f"{name}.safetensors"
    if path.exists():
        raise SystemExit(f"{path} is there: a file that was published does not change")
    FILES.mkdir(exist_ok=True)
    model = MODELS[name]()
    model.save(path)
    known = index()
    known[name] = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input_shape": model.input_shape,
        "epochs": model.epochs,
        "predictions": model.predict(rows(model.input_shape)).tolist(),
    }
    INDEX.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        write(each)
