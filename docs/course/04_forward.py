# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Forward propagation
#
# In `cynn.reference`: `by_hand`
#
# To compute what a network answers is to go through its layers from first to last. It is called
# **forward propagation**, or the forward pass, and for one hidden layer it is two lines:
#
# $$H = f(X W_1 + b_1) \qquad Y = g(H W_2 + b_2)$$
#
# $H$ is what the hidden layer gives, $f$ its activation, $g$ that of the output. This page solves
# by hand what no single neuron can, "either, but not both" (exclusive or, *xor*).

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, plots, reference
from cynn.layers import Dense

# %% [markdown]
# ## Through W1 and W2
#
# Two hidden neurons with relu add both inputs up. The first has no bias, the second has a bias of
# −1, so that only (1, 1) gets through it. The output takes the first, and twice the second away:
#
# | $x$ | $h_1 = \text{relu}(x_1 + x_2)$ | $h_2 = \text{relu}(x_1 + x_2 - 1)$ | $y = h_1 - 2 h_2$ |
# |---|---|---|---|
# | 0, 0 | 0 | 0 | 0 |
# | 0, 1 | 1 | 0 | 1 |
# | 1, 0 | 1 | 0 | 1 |
# | 1, 1 | 2 | 1 | 0 |

# %%
x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
w1, b1 = [[1.0, 1.0], [1.0, 1.0]], [0.0, -1.0]
w2, b2 = [[1.0], [-2.0]], [0.0]

# %% [markdown]
# Neuron by neuron, for one row:


# %%
def dense(x, w, b, activation):
    """Return the output of a layer for one row of inputs."""
    outputs = []
    for j in range(len(b)):
        z = b[j] + sum(x[i] * w[i][j] for i in range(len(x)))
        outputs.append(activation(z))
    return outputs


def relu(z):
    """Return the number, or 0 if it is negative."""
    return max(z, 0.0)


for row in x:
    h = dense(row, w1, b1, relu)
    y = dense(h, w2, b2, lambda z: z)
    print(row, h, y)

# %% [markdown]
# `reference.forward` does it for all rows, a layer a line:

# %%
h = reference.forward(x, w1, b1, "relu")
y = reference.forward(h, w2, b2)
print(y)

# %% [markdown]
# ## What the hidden layer is for
#
# Draw the four points as the inputs are, and then as the hidden layer sees them. On the left no
# straight line has the two filled points on one side. On the right one has: the hidden layer has
# folded the plane, and two of the points have come to lie on one another. This is what all hidden
# layers do. They move the data until a straight line is enough.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
for ax, points, title in ((axes[0], x, "inputs"), (axes[1], h, "hidden layer")):
    for (across, up), (answer,) in zip(points, y, strict=True):
        ax.plot(across, up, "o", ms=12, mec="C0", mfc="C0" if answer else "white")
    ax.set(title=title, xlim=(-0.5, 2.5), ylim=(-0.5, 1.5), aspect="equal")
axes[0].set(xlabel="$x_1$", ylabel="$x_2$")
axes[1].set(xlabel="$h_1$", ylabel="$h_2$")
line = np.array([-0.5, 2.5])
axes[1].plot(line, (line - 0.5) / 2, color="C1", lw=1.5)
figure.align_labels()

# %% [markdown]
# The orange line is where $h_1 - 2 h_2 = \frac{1}{2}$, the border of the output. Back in the plane
# of the inputs it is two lines, and the answer is yes between them:

# %%
grid = np.linspace(-0.5, 1.5, 41)
plane = [[x1, x2] for x2 in grid for x1 in grid]
answers = reference.forward(reference.forward(plane, w1, b1, "relu"), w2, b2)
figure, ax = plt.subplots(figsize=(4.2, 3.6), layout="constrained")
ax.pcolormesh(
    grid, grid, np.reshape(answers, (41, 41)), cmap="RdBu", vmin=-1, vmax=2, shading="gouraud"
)
ax.contour(grid, grid, np.reshape(answers, (41, 41)), levels=[0.5], colors="C1")
for corner, (answer,) in zip(x, y, strict=True):
    ax.plot(*corner, "o", ms=11, mec="black", mfc="black" if answer else "white")
ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
figure.align_labels()

# %% [markdown]
# ## At compiled speed
#
# The same network as a `Model` of cynn: two `Dense` layers, given our weights. It is drawn with a
# line for each weight.

# %%
model = Model([Dense(2, "relu"), Dense(1)], dtype="float64")
model.build(2)
model.set_weights([w1, b1, w2, b2])
print(model.predict(x).ravel())
ax = plots.network(model)

# %% [markdown]
# And a larger one, by NumPy the same two lines again: 64 rows of 100 numbers through 50 hidden
# neurons to 10 outputs.

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 100))
w1, b1 = 0.1 * rng.normal(size=(100, 50)), np.zeros(50)
w2, b2 = 0.1 * rng.normal(size=(50, 10)), np.zeros(10)


def in_plain_python():
    """Return the output, layer by layer."""
    h = reference.forward(x, w1, b1, "relu")
    return reference.forward(h, w2, b2)


def in_numpy():
    """Return the output, layer by layer."""
    h = np.maximum(x @ w1 + b1, 0.0)
    return h @ w2 + b2


model = Model([Dense(50, "relu"), Dense(10)], dtype="float64")
model.build(100)
model.set_weights([w1, b1, w2, b2])

results = {}
for name, repeat, call in (
    ("plain Python", 1, in_plain_python),
    ("NumPy", 20, in_numpy),
    ("cynn", 20, lambda: model.predict(x)),
):
    results[name] = np.array(call())
    seconds = min(timeit.repeat(call, number=1, repeat=repeat))
    print(f"{name:>12}: {1e3 * seconds:8.3f} milliseconds")

difference = max(np.abs(y - results["NumPy"]).max() for y in results.values())
print(f"the results differ by at most {difference:.0e}")

# %% [markdown]
# We knew the weights here, because we thought of them. Nobody can think of those of a network that
# reads handwriting. The rest of the course is how they are found: say how wrong the answers are,
# find out which weights are to blame, change them a little, and go on.
#
# **To try.** Change `w2` to `[[1.0], [-1.0]]`. Which function of two inputs is it now?
