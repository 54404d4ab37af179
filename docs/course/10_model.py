# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A model of one's own
#
# In `cynn.reference`: `random`, `step`, `steps`, `plan`, `network`
#
# All the parts are there. This page puts them together: a class that trains in epochs and batches
# and reads handwriting, first in plain Python, then in NumPy, then in cynn.
#
# What it needs to be told:
#
# - **epochs**: how often to go through all the images;
# - **batch size**: how many images make a step. Small ones make many rough steps, large ones few
#   exact ones; 32 to 256 is usual;
# - **learning rate**: the length of a step.

# %%
import time

import numpy as np

from cynn import Model, plots, reference
from cynn.datasets import load_mnist
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD

(x_train, y_train), (x_test, y_test) = load_mnist()
x = x_train.reshape(-1, 784).astype(np.float32) / 255
targets = np.eye(10, dtype=np.float32)[y_train]

# %% [markdown]
# ## In plain Python
#
# In each epoch the rows come in another order, drawn at random: if they came always alike, the
# steps of an epoch would pull in the same order each time, and if all zeros came first, the
# network would forget them over the ones.


# %%
class PlainNetwork:
    """A hidden layer with relu and a softmax, on lists of numbers."""

    def __init__(self, n_inputs, n_hidden, n_classes):
        self.w1 = reference.initial_weights(n_inputs, n_hidden, seed=0, activation="relu")
        self.w2 = reference.initial_weights(n_hidden, n_classes, seed=1, activation="softmax")
        self.b1, self.b2 = [0.0] * n_hidden, [0.0] * n_classes

    def train_on_batch(self, x, target, rate):
        """Take a step; return the loss before it."""
        h = reference.forward(x, self.w1, self.b1, "relu")
        loss, grad_z = reference.error(reference.forward(h, self.w2, self.b2), target)
        grad_h, grad_w2, grad_b2 = reference.backward(h, self.w2, self.b2, grad_z)
        _, grad_w1, grad_b1 = reference.backward(x, self.w1, self.b1, grad_h, "relu")
        self.w1 = reference.updated(self.w1, grad_w1, rate)
        self.b1 = reference.updated(self.b1, grad_b1, rate)
        self.w2 = reference.updated(self.w2, grad_w2, rate)
        self.b2 = reference.updated(self.b2, grad_b2, rate)
        return loss

    def fit(self, x, target, epochs, batch_size, rate):
        """Train, and print the mean loss of each epoch."""
        order = [0] * len(x)
        for epoch in range(epochs):
            reference.permutation(order, seed=0, epoch=epoch)
            losses = []
            for start in range(0, len(x), batch_size):
                rows = order[start : start + batch_size]
                batch = [x[i] for i in rows], [target[i] for i in rows]
                losses.append(self.train_on_batch(*batch, rate))
            print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}")


# %% [markdown]
# It is slow, so it gets 60 images, and 4 hidden neurons:

# %%
started = time.perf_counter()
plain = PlainNetwork(784, 4, 10)
plain.fit(x[:60].tolist(), targets[:60].tolist(), epochs=2, batch_size=20, rate=0.1)
seconds = time.perf_counter() - started
print(f"{seconds:.2f} s; all images would take {seconds * 1000 / 2 / 60:.0f} minutes an epoch")

# %% [markdown]
# ## In NumPy
#
# The same class on arrays. Each line is the formula of the page on backpropagation.


# %%
class Network:
    """A hidden layer with relu and a softmax, on arrays."""

    def __init__(self, n_inputs, n_hidden, n_classes, seed=0):
        self.rng = np.random.default_rng(seed)
        self.w1 = self.drawn(n_inputs, n_hidden, np.sqrt(6 / n_inputs))
        self.w2 = self.drawn(n_hidden, n_classes, np.sqrt(6 / (n_hidden + n_classes)))
        self.b1, self.b2 = np.zeros(n_hidden, np.float32), np.zeros(n_classes, np.float32)

    def drawn(self, n_in, n_out, limit):
        """Return random weights, in 32 bits as the images are."""
        return self.rng.uniform(-limit, limit, (n_in, n_out)).astype(np.float32)

    def forward(self, x):
        """Return what the hidden layer gives, and the probabilities."""
        h = np.maximum(x @ self.w1 + self.b1, 0)
        z = h @ self.w2 + self.b2
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return h, powers / powers.sum(axis=1, keepdims=True)

    def train_on_batch(self, x, target, rate):
        """Take a step; return the loss before it."""
        h, p = self.forward(x)
        error = (p - target) / len(x)
        error_h = (error @ self.w2.T) * (h > 0)
        self.w2 -= rate * (h.T @ error)
        self.b2 -= rate * error.sum(axis=0)
        self.w1 -= rate * (x.T @ error_h)
        self.b1 -= rate * error_h.sum(axis=0)
        return -np.log(p[target == 1]).mean()

    def fit(self, x, target, epochs, batch_size, rate):
        """Train, and print the mean loss of each epoch."""
        for epoch in range(epochs):
            order = self.rng.permutation(len(x))
            batches = [order[i : i + batch_size] for i in range(0, len(x), batch_size)]
            losses = [self.train_on_batch(x[rows], target[rows], rate) for rows in batches]
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")

    def predict(self, x):
        """Return the probabilities of the classes."""
        return self.forward(x)[1]


# %% [markdown]
# A trap on the way: `error_h` must be computed before `w2` is changed. The gradient is that of the
# weights that went forward.

# %%
network = Network(784, 64, 10)
started = time.perf_counter()
network.fit(x, targets, epochs=1, batch_size=128, rate=0.3)
seconds = time.perf_counter() - started
rows = x_test.reshape(-1, 784).astype(np.float32) / 255
accuracy = (network.predict(rows).argmax(axis=1) == y_test).mean()
print(f"{accuracy:.2%} of the test images after {seconds:.2f} s")

# %% [markdown]
# That is a neural network from scratch which reads handwriting: some forty lines, and nothing in
# them that you have not derived.
#
# ## In cynn
#
# The same network as a `Model`. It says what the layers are; `compile` says how it learns, `fit`
# the epochs and the batch size. The kernels take the bytes as they are, and take all steps of an
# epoch without going back to Python.

# %%
model = Model([Flatten(), Rescale(1 / 255), Dense(64, "relu"), Dense(10, "softmax")], seed=0)
model.compile(SGD(0.3), loss="cross_entropy", metrics=["accuracy"])
started = time.perf_counter()
history = model.fit(x_train, y_train, epochs=3, batch_size=128, validation_split=0.1, verbose=0)
seconds = time.perf_counter() - started
measured = model.evaluate(x_test, y_test)
print(f"{measured['accuracy']:.2%} of the test images after {seconds:.2f} s, three epochs")

# %%
ax = plots.curve(history, "accuracy")

# %% [markdown]
# `validation_split` keeps a tenth of the training images aside and measures with them after each
# epoch. That is what the choices are made by, so that the test images can stay what they are for.
#
# `cynn.reference` has this class too, `Network`, which trains any stack of layers in plain Python.
# It takes the same arguments as the compiled one and is the specification that all compiled code
# is tested against; the environment variable `CYNN_TARGET=reference` makes `Model` use it.
#
# **To try.** Train `Network` with batches of 16 and of 1,024, and count the seconds it takes to
# reach 95 %.
