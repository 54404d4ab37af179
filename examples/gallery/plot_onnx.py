"""
Through ONNX to another program
===============================

An ONNX file holds what a model computes when it predicts. ONNX Runtime, and much else that runs
networks, reads it. Here both are asked and compared.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
from matplotlib import pyplot

from cynn import Model, onnx
from cynn.datasets import make_digits
from cynn.layers import Dense, Flatten, Rescale

x, y = make_digits(1000, seed=0)
model = Model([Flatten(), Rescale(1 / 255), Dense(64, "gelu"), Dense(10, "softmax")], seed=0)
model.compile("adam", metrics=["accuracy"])
model.fit(x, y, epochs=5, verbose=0)

# %%
# The graph takes rows of the model's dtype, so bytes are converted before.

with TemporaryDirectory() as folder:
    path = Path(folder, "digits.onnx")
    onnx.export(model, path, metadata={"classes": "0123456789"})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    again = onnx.load(path)
for end in (*session.get_inputs(), *session.get_outputs()):
    print(end.name, end.shape, end.type)
(theirs,) = session.run(None, {"input": x.astype(np.float32)})

# %%
# They differ by rounding alone, and the file comes back as a model, which can be trained further.

ours = model.predict(x)
print(f"largest difference {abs(ours - theirs).max():.1e}; {again}")
figure, ax = pyplot.subplots(figsize=(8, 4), layout="constrained")
ax.hist(np.log10(abs(ours - theirs).max(axis=1) + 1e-12), bins=40)
ax.set_xlabel("largest difference of a row's probabilities, as a power of ten")
ax.set_ylabel("rows")
pyplot.show()
