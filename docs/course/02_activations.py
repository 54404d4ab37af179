# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Activations, and why
#
# In `cynn.reference`: `activations`, `smooth`
#
# The activation is the function at the end of a neuron, $y = f(z)$. Why have one at all? And why
# not the step of the page before? There are two reasons, and each decides what a good one looks
# like.

# %%
import math
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, reference
from cynn.layers import Activation

# %% [markdown]
# ## Without one, many layers are no more than one
#
# Say that a layer only forms weighted sums, $y = xW_1$, and the next one does so with what comes
# out, $yW_2$. Then both together are
#
# $$(x W_1) W_2 = x (W_1 W_2),$$
#
# a single layer with the weights $W_1 W_2$. However many you stack, you get one, and one can only
# draw straight lines. Something between them has to bend.

# %%
x = [[1.0, 2.0]]
w1 = [[1.0, -1.0, 0.5], [0.0, 2.0, 1.0]]
w2 = [[2.0], [1.0], [-1.0]]
two_layers = reference.product(reference.product(x, w1), w2)
one_layer = reference.product(x, reference.product(w1, w2))
print(two_layers, one_layer)

# %% [markdown]
# ## With a step, nothing can be learned
#
# Learning, later on, goes so: change a weight a little, see whether the result gets better, go on
# in that direction. With a step a little change of a weight mostly changes nothing. It is flat,
# and where it is not flat it jumps. So we want functions with a **slope**.
#
# Three of them have made most of the history of the field:
#
# $$\text{sigmoid}(z) = \frac{1}{1 + e^{-z}} \qquad
#   \tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}} \qquad
#   \text{relu}(z) = \max(z, 0)$$
#
# In plain Python each is a line:

# %%
z = 0.7
print("sigmoid", 1.0 / (1.0 + math.exp(-z)))
print("tanh   ", math.tanh(z))
print("relu   ", max(z, 0.0))

# %% [markdown]
# `reference.activated` applies one to every number of a matrix, by name. Here they are drawn, and
# with them their slopes $f'(z)$, which we measure: how much does $f$ change where $z$ changes by a
# little, $h$, to each side?
#
# $$f'(z) \approx \frac{f(z + h) - f(z - h)}{2h}$$


# %%
def values(name, z):
    """Return an activation of each number."""
    return np.array(reference.activated([z], name)[0])


def slopes(name, z, h=1e-5):
    """Return how fast an activation changes at each number, by two values beside it."""
    return (values(name, z + h) - values(name, z - h)) / (2 * h)


z = np.linspace(-4, 4, 161)
figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained", sharey=True)
for ax, name in zip(axes, ("sigmoid", "tanh", "relu"), strict=True):
    ax.plot(z, values(name, z), lw=2, label="$f(z)$")
    ax.plot(z, slopes(name, z), lw=1.5, ls="--", label="$f'(z)$")
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    ax.set(title=name, xlabel="$z$", ylim=(-1.2, 2.2))
axes[0].legend(frameon=False)
figure.align_labels()

# %% [markdown]
# - **sigmoid** squeezes everything into 0 to 1, which reads as a probability: good for an answer
#   of yes or no. Its slope is at most a quarter, and nearly nothing far out. Pass a correction
#   back through ten such layers and it has shrunk at least a million times.
# - **tanh** is the same curve stretched to −1 to 1. It is centred on zero and its slope reaches
#   1, so it trains better inside a network.
# - **relu** cuts off what is negative. Its slope is 0 or 1 and never fades, however many layers
#   there are, and it costs next to nothing. Since about 2010 it is what a hidden layer has unless
#   there is a reason for another.
#
# A pleasant detail: all three slopes can be told from the output alone. With $y = f(z)$ they are
# $y(1 - y)$, $1 - y^2$, and 1 where $y > 0$. So a network need not remember $z$ on its way
# forward.

# %%
away = z[np.abs(z) > 0.01]  # relu has a corner at zero
formulas = {
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y**2,
    "relu": lambda y: (y > 0).astype(float),
}
for name, formula in formulas.items():
    difference = np.abs(formula(values(name, away)) - slopes(name, away)).max()
    print(f"{name}: formula and measured slope differ by at most {difference:.0e}")

# %% [markdown]
# Others round off relu's corner, or let a little of what is negative through. `smooth` has them,
# each with the paper that it comes from.

# %%
figure, axes = plt.subplots(2, 4, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
others = ("leaky_relu", "elu", "selu", "softplus", "silu", "gelu", "mish", "hard_sigmoid")
for ax, name in zip(axes.flat, others, strict=True):
    ax.plot(z, values(name, z), lw=2)
    ax.axhline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_title(name, fontsize="medium")
figure.align_labels()

# %% [markdown]
# ## At compiled speed
#
# 100,000 numbers through a sigmoid: in plain Python, in NumPy, and as a layer of cynn, whose loop
# is compiled for the vector instructions of the processor.

# %%
numbers = np.random.default_rng(0).normal(size=(100, 1000))
model = Model([Activation("sigmoid")], dtype="float64")
model.build(1000)
results = {}
for name, repeat, call in (
    ("plain Python", 1, lambda: reference.activated(numbers, "sigmoid")),
    ("NumPy", 10, lambda: 1 / (1 + np.exp(-numbers))),
    ("cynn", 10, lambda: model.predict(numbers)),
):
    results[name] = np.array(call())
    seconds = min(timeit.repeat(call, number=1, repeat=repeat))
    print(f"{name:>12}: {1e3 * seconds:8.3f} milliseconds")

difference = max(np.abs(y - results["NumPy"]).max() for y in results.values())
print(f"the results differ by at most {difference:.0e}")

# %% [markdown]
# **To try.** Draw the slopes of the eight others too. Which of them have a slope below zero
# somewhere, and what does that mean for the neuron?
