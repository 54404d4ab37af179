# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The update and the learning rate
#
# In `cynn.reference`: `sgd`
#
# The gradient points to where the loss grows fastest. So go the other way, a small step:
#
# $$W \leftarrow W - \eta \, \frac{\partial L}{\partial W}$$
#
# This is **gradient descent**, and $\eta$, the length of the step, is the **learning rate**. It is
# the one number that is most worth getting right.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, plots, reference
from cynn.layers import Dense
from cynn.optimizers import SGD

# %% [markdown]
# ## One weight
#
# Take the simplest loss, a bowl: $L = (w - 3)^2$, with the gradient $2(w - 3)$. From $w = 0$ we
# take ten steps, with a rate that is too small, a right one, and one that is too large.


# %%
def descend(rate, steps=10):
    """Return the weight before each step and after the last."""
    w, path = 0.0, [0.0]
    for _ in range(steps):
        gradient = 2 * (w - 3)
        w = w - rate * gradient
        path.append(w)
    return np.array(path)


figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
bowl = np.linspace(-2, 8, 101)
rates = {"too small": 0.02, "right": 0.3, "too large": 1.03}
for ax, (name, rate) in zip(axes, rates.items(), strict=True):
    path = descend(rate)
    ax.plot(bowl, (bowl - 3) ** 2, color="0.7")
    ax.plot(path, (path - 3) ** 2, "o-", ms=4)
    ax.set(title=f"{name}: {rate}", xlabel="$w$", ylim=(-1, 26))
axes[0].set(ylabel="loss")
figure.align_labels()

# %% [markdown]
# Too small, and it takes for ever. Too large, and each step lands further up on the other side,
# until the numbers overflow. In between it is there in a few steps. In a network the bowl has
# thousands of dimensions, steep in some and flat in others, and the rate must suit the steep ones.
#
# ## A network
#
# Two moons that lie in one another, which no straight line can part:


# %%
def moons(n, rng):
    """Return points of two half moons, and one-hot rows that say of which."""
    angle = np.pi * rng.random(n)
    which = np.arange(n) % 2
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x[which == 1] = [1.0, 0.5] - x[which == 1]
    return x + 0.1 * rng.normal(size=(n, 2)), np.eye(2)[which]


def train(rate, steps=60):
    """Return the loss before each step, in plain Python."""
    w1 = reference.initial_weights(2, 8, seed=0, activation="tanh")
    w2 = reference.initial_weights(8, 2, seed=1, activation="identity")
    b1, b2 = [0.0] * 8, [0.0] * 2
    losses = []
    for _ in range(steps):
        h = reference.forward(x, w1, b1, "tanh")
        loss, grad_z = reference.error(reference.forward(h, w2, b2), target)
        grad_h, grad_w2, grad_b2 = reference.backward(h, w2, b2, grad_z)
        _, grad_w1, grad_b1 = reference.backward(x, w1, b1, grad_h, "tanh")
        w1, b1 = reference.updated(w1, grad_w1, rate), reference.updated(b1, grad_b1, rate)
        w2, b2 = reference.updated(w2, grad_w2, rate), reference.updated(b2, grad_b2, rate)
        losses.append(loss)
    return losses


x, target = moons(30, np.random.default_rng(0))
rates = {"too small": 0.01, "right": 1.0, "too large": 30.0}
losses = {name: train(rate) for name, rate in rates.items()}

figure, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for (name, values), style in zip(losses.items(), (":", "-", "--"), strict=True):
    ax.plot(np.minimum(values, 3), style, lw=2, label=f"{name}: {rates[name]}")
ax.set(xlabel="step", ylabel="loss (cut off at 3)")
ax.legend(frameon=False)
ax.grid(color="0.9")

# %% [markdown]
# How to find the right one? Try powers of ten. A loss that falls steadily but slowly: larger. One
# that jumps about, or becomes NaN: smaller. The best rate is usually a little below the one at
# which it starts to jump.
#
# ## At compiled speed
#
# A thousand points, in batches of 32: each step looks at 32 rows alone, so its gradient is only
# roughly that of all rows. It is a good deal, because 30 rough steps get further than one exact
# step at the same price. This is **stochastic** gradient descent, `SGD`, and one pass over all
# rows is an **epoch**.

# %%
x, target = moons(1000, np.random.default_rng(1))
x_test, target_test = moons(1000, np.random.default_rng(2))
for rate in (0.001, 0.5, 30.0):
    model = Model([Dense(8, "tanh"), Dense(2, "softmax")], seed=0)
    model.compile(SGD(rate), loss="cross_entropy", metrics=["accuracy"])
    history = model.fit(x, target, epochs=30, verbose=0)
    measured = model.evaluate(x_test, target_test)
    print(f"rate {rate:6}: loss {measured['loss']:.3f}, accuracy {measured['accuracy']:.1%}")

model = Model([Dense(8, "tanh"), Dense(2, "softmax")], seed=0)
model.compile(SGD(0.5), loss="cross_entropy", metrics=["accuracy"])
history = model.fit(x, target, epochs=30, validation_data=(x_test, target_test), verbose=0)
ax = plots.curve(history)

# %% [markdown]
# The border that it has learned:

# %%
across, up = np.meshgrid(np.linspace(-1.6, 2.6, 85), np.linspace(-1.2, 1.7, 59))
points = np.stack([across.ravel(), up.ravel()], axis=1)
p = model.predict(points)[:, 1].reshape(across.shape)
figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ax.contourf(across, up, p, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.7)
for k, marker in enumerate("os"):
    moon = x_test[target_test[:, k] == 1]
    ax.plot(*moon.T, marker, ms=3, mec="white", mew=0.3, color=f"C{1 - k}")
ax.set(xlabel="$x_1$", ylabel="$x_2$")
figure.align_labels()

# %% [markdown]
# And the time of a step with 32 rows, plain and compiled. The compiled one enters Python once an
# epoch, so we time an epoch of 32 steps and divide.

# %%
x, target = x[:32], target[:32]
plain = min(timeit.repeat(lambda: train(0.5, steps=1), number=1, repeat=3))
many, wanted = np.tile(x, (32, 1)), np.tile(target, (32, 1))
compiled = min(timeit.repeat(lambda: model.fit(many, wanted, verbose=0), number=1, repeat=5)) / 32
print(f"plain Python: {1e6 * plain:8.1f} microseconds a step")
print(f"        cynn: {1e6 * compiled:8.1f} microseconds a step")

# %% [markdown]
# **To try.** Give the network 64 hidden neurons, or 2, and look at the border again. Then draw
# moons with more noise.
