# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # MNIST: handwritten digits as rows of numbers
#
# In `cynn.reference`: `arrays`
#
# Now something real. MNIST (LeCun, Bottou, Bengio and Haffner, 1998) holds 70,000 digits that
# people wrote by hand: 60,000 images to train with and 10,000 to test with, 28 x 28 pixels each,
# and for each its label, 0 to 9. `load_mnist` finds its files in the folder that `CYNN_DATA` names
# or in the user's cache, and else downloads them.

# %%
import timeit
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, reference
from cynn.datasets import load_mnist
from cynn.layers import Dense, Flatten, Rescale

(x_train, y_train), (x_test, y_test) = load_mnist()
print("training:", x_train.shape, x_train.dtype, y_train.shape, y_train.dtype)
print("test:    ", x_test.shape, x_test.dtype, y_test.shape, y_test.dtype)

# %% [markdown]
# A pixel is a byte, 0 for black to 255 for white. Look at the data before anything else:

# %%
figure, axes = plt.subplots(2, 8, figsize=(8, 2.4), layout="constrained")
for ax, image, label in zip(axes.flat, x_train, y_train, strict=False):
    ax.imshow(image, cmap="gray")
    ax.set_title(int(label), fontsize="medium")
    ax.set_axis_off()

# %%
counts = np.bincount(y_train)
figure, axes = plt.subplots(2, 5, figsize=(8, 3.4), layout="constrained")
for digit, ax in enumerate(axes.flat):
    ax.imshow(x_train[y_train == digit].mean(axis=0), cmap="gray")
    ax.set_title(f"{digit}: {counts[digit]:,}", fontsize="medium")
    ax.set_axis_off()

# %% [markdown]
# The mean image of each digit, and how many of it there are: about the same of all. So guessing is
# right in one case of ten, and an accuracy of 10 % is knowing nothing.
#
# **The test images are for the end.** They stand for all the digits that the network will meet
# later. Choose anything by them, a learning rate or the number of epochs, and they no longer
# measure what you think they do.
#
# ## Flatten, scale, one-hot
#
# A dense layer takes rows of numbers. So each image becomes a row of 784, one line of pixels after
# another (the network does not know that two pixels are neighbours; it can learn it). Then the
# bytes are divided by 255, to lie in 0 to 1: the first weights are made for inputs of about that
# size. And a label becomes a row of ten with a single 1. In plain Python, for one image:

# %%
image, label = x_train[0].tolist(), int(y_train[0])
row = [value / 255 for line in image for value in line]
one_hot = [1.0 if digit == label else 0.0 for digit in range(10)]
print(len(row), min(row), max(row))
print(label, one_hot)

# %% [markdown]
# In NumPy, for all of them. `reshape` only changes how the numbers are counted, and row $k$ of the
# identity matrix is class $k$, one-hot.

# %%
rows = x_train.reshape(60000, 784).astype(np.float32) / 255
targets = np.eye(10, dtype=np.float32)[y_train]
print(rows.shape, rows.dtype, rows.min(), rows.max(), f"{rows.nbytes / 1e6:.0f} MB")
print(targets.shape, targets[0])
print(np.allclose(rows[0], row), np.array_equal(targets[0], one_hot))

# %% [markdown]
# The matrices of the reference are lists of rows. `reference.arrays.rows` makes them from anything
# that holds rows, a NumPy array too.
#
# cynn takes the bytes as they are. `Flatten` and `Rescale` at the head of a model say what to do
# with them, and the kernels do it while they gather a batch, so that the 188 MB above need never
# exist. And the losses take labels: the one-hot rows need not exist either.

# %%
model = Model([Flatten(), Rescale(1 / 255), Dense(32, "relu"), Dense(10, "softmax")], seed=0)
model.build((28, 28))
model.summary()

# %% [markdown]
# ## At compiled speed
#
# The untrained network's answers for ten images in plain Python, and for 10,000 by NumPy and by
# cynn. It knows nothing yet, but the three agree.

# %%
w1, b1, w2, b2 = model.get_weights()


def in_plain_python(images):
    """Return the probabilities, layer by layer."""
    x = [[value / 255 for line in image for value in line] for image in images.tolist()]
    h = reference.forward(x, w1, b1, "relu")
    return reference.forward(h, w2, b2, "softmax")


def in_numpy(images):
    """Return the probabilities, layer by layer."""
    x = images.reshape(len(images), 784).astype(np.float32) / 255
    h = np.maximum(x @ w1 + b1, 0)
    powers = np.exp(h @ w2 + b2)
    return powers / powers.sum(axis=1, keepdims=True)


few = x_test[:10]
for name, call in (("plain Python", in_plain_python), ("NumPy", in_numpy), ("cynn", model.predict)):
    images = few if call is in_plain_python else x_test
    seconds = min(timeit.repeat(partial(call, images), number=1, repeat=2))
    difference = np.abs(np.array(call(few)) - model.predict(few)).max()
    print(f"{name:>12}: {1e6 * seconds / len(images):10.2f} microseconds an image", end=", ")
    print(f"{difference:.0e} from cynn")

accuracy = (model.predict(x_test).argmax(axis=1) == y_test).mean()
print(f"right: {accuracy:.1%} of the test images")

# %% [markdown]
# **To try.** How far do you get without a network? Take the mean images from above, and let each
# test image be the digit whose mean is nearest to it.
