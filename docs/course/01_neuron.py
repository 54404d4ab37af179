# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A neuron
#
# In `cynn.reference`: `neuron`
#
# A neuron takes some numbers $x_1, x_2, \dots, x_n$. It multiplies each by a **weight** $w_i$,
# adds the products up, and adds one more number, the **bias** $b$:
#
# $$z = w_1 x_1 + w_2 x_2 + \dots + w_n x_n + b$$
#
# Then it passes this weighted sum through a function $f$, the **activation**. The result is its
# output:
#
# $$y = f(z)$$
#
# That is all. A network that reads handwriting is some hundreds of these, and a way to find
# weights that are good for something. By the end of this course you will have written both.

# %%
import inspect
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, reference
from cynn.layers import Dense
from cynn.reference.neuron import step

# %% [markdown]
# ## In plain Python
#
# Let the activation be the oldest one, a step: the neuron fires (1) if the sum is positive, and
# else does not (0). Rosenblatt's perceptron of 1958 was this.


# %%
def neuron(inputs, weights, bias):
    """Return 1 if the weighted sum is positive, otherwise 0."""
    z = bias
    for value, weight in zip(inputs, weights, strict=True):
        z += weight * value
    return 1.0 if z > 0.0 else 0.0


# %% [markdown]
# Should we go for a walk? The inputs are three facts, each 0 or 1: the sun shines, it is windy, a
# friend comes along. We love sun (weight 2), dislike wind (weight −1), and like company (weight
# 1). The bias −1.5 says how hard it is to get us off the sofa.

# %%
weights, bias = [2.0, -1.0, 1.0], -1.5
for facts in ([1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]):
    print(facts, "walk" if neuron(facts, weights, bias) else "stay at home")

# %% [markdown]
# A weight says how much its input counts, and in which direction. The bias moves the point at
# which the neuron fires: raise it, and less is needed.
#
# `cynn.reference` is all the arithmetic of this library written to be read, in plain Python. Its
# neuron is the one above with any activation in the place of the step:

# %%
print(inspect.getsource(reference.Neuron.output))

# %%
walker = reference.Neuron(weights, bias, step)
print(walker.output([1, 1, 1]), walker.output([1, 1, 0]))

# %% [markdown]
# ## What a neuron sees
#
# Where $z = 0$ the neuron changes its mind. With two inputs that is a straight line, $w_1 x_1 +
# w_2 x_2 + b = 0$, across the plane of all inputs. The weights are the direction in which it
# faces, and the bias shifts it. On one side the neuron fires, on the other it does not. With the
# weights 1 and 1, a bias of −0.5 makes "either", a bias of −1.5 makes "both".

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
for ax, (name, bias) in zip(axes, {"either": -0.5, "both": -1.5}.items(), strict=True):
    fires = [neuron(corner, [1.0, 1.0], bias) for corner in corners]
    line = np.array([-0.5, 1.5])
    ax.fill_between(line, -bias - line, 2, color="C0", alpha=0.15)
    ax.plot(line, -bias - line, color="C0")
    for corner, fired in zip(corners, fires, strict=True):
        ax.plot(*corner, "o", ms=11, mec="C0", mfc="C0" if fired else "white")
    ax.set(title=f"{name}: bias {bias}", xlabel="$x_1$", xlim=(-0.5, 1.5), ylim=(-0.5, 1.5))
axes[0].set(ylabel="$x_2$")
figure.align_labels()

# %% [markdown]
# One thing a straight line cannot do: have (0, 1) and (1, 0) on one side, and (0, 0) and (1, 1) on
# the other. "Either, but not both" is beyond any single neuron. Two layers of them can, as we
# shall see.
#
# ## At compiled speed
#
# An image of a handwritten digit is 784 numbers, so let us take a neuron with 784 inputs, and an
# activation that is smooth. First the plain one, then NumPy's `@`, which is the weighted sum of
# arrays, and then cynn's layer, `Dense`, with a single neuron in it. All three give the same
# number.


# %%
def microseconds(call):
    """Return the time of a call, the shortest of some."""
    return 1e6 * min(timeit.repeat(call, number=1, repeat=20))


def sigmoid(z):
    """Return a number between 0 and 1."""
    return 1.0 / (1.0 + np.exp(-z))


rng = np.random.default_rng(0)
x, w, b = rng.random(784), 0.1 * rng.normal(size=784), 0.5

plain = reference.Neuron(w.tolist(), b, sigmoid)
inputs = x.tolist()
model = Model([Dense(1, "sigmoid")], dtype="float64")
model.build(784)
model.set_weights([w[:, np.newaxis], [b]])
row = x[np.newaxis]

for name, call in {
    "plain Python": lambda: plain.output(inputs),
    "NumPy": lambda: sigmoid(x @ w + b),
    "cynn": lambda: model.predict(row)[0, 0],
}.items():
    print(f"{name:>12}: {call():.12f} in {microseconds(call):7.1f} microseconds")

# %% [markdown]
# A single neuron hardly shows the difference: most of the time goes into the call itself. The gap
# opens as soon as there are many neurons and many rows of inputs, two pages from here.
#
# **To try.** Find weights and a bias for "neither": a neuron that fires only for (0, 0). Then for
# "at least two of three".
