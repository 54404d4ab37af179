"""
An autoencoder
==============

A network that has to say its own input again, through a layer of a few numbers, learns to pack an
image into these. Here 784 pixels go through 16 numbers. What an image is packed into is the
output of that layer: ``layer_outputs`` gives it.
"""

import numpy as np
from matplotlib import pyplot

from cynn import Model
from cynn.datasets import make_digits
from cynn.layers import Dense

images, labels = make_digits(1500, seed=0)
x = images.reshape(-1, 784).astype("float32") / 255
layers = [Dense(128, "relu"), Dense(16), Dense(128, "relu"), Dense(784, "sigmoid")]
model = Model(layers, seed=0)
model.compile("adam", "mean_squared_error")
history = model.fit(x[:1400], x[:1400], epochs=30, validation_data=(x[1400:], x[1400:]), verbose=0)
print(f"squared error a pixel: {history.history['val_loss'][-1]:.4f}")
print(f"of the mean image:     {np.mean((x[1400:] - x[:1400].mean(axis=0)) ** 2):.4f}")

# %%
# Images that it has not seen, above, and what it makes of them, below.

said = model.predict(x[1400:1410])
figure, axes = pyplot.subplots(2, 10, figsize=(10, 2.4), layout="constrained")
for column in range(10):
    for row, pixels in enumerate((x[1400 + column], said[column])):
        axes[row, column].imshow(pixels.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
        axes[row, column].axis("off")
pyplot.show()

# %%
# Two of the directions in which the 16 numbers vary most: images of a digit lie together, although
# nobody said which is which.

code = model.layer_outputs(x)[1]
code = code - code.mean(axis=0)
directions = np.linalg.svd(code, full_matrices=False)[2][:2]
figure, ax = pyplot.subplots(figsize=(6, 5), layout="constrained")
shown = ax.scatter(*(code @ directions.T).T, c=labels, cmap="tab10", s=6)
figure.colorbar(shown, ticks=range(10), label="digit")
pyplot.show()
