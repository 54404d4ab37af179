# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A layer, layers, and their shapes
#
# In `cynn.reference`: `matmul`
#
# Neurons side by side that all see the same inputs are a **layer**. Each has weights of its own
# and gives one output, so a layer turns some numbers into some others. This page is about writing
# that down well: most of what goes wrong in a first network is a shape.

# %%
import timeit

import numpy as np

from cynn import Model, plots, reference
from cynn.layers import Dense
from cynn.reference.neuron import step

# %% [markdown]
# ## From neurons to a matrix
#
# Two neurons with three inputs each:

# %%
layer = reference.Layer(
    [
        reference.Neuron([1.0, 2.0, 3.0], 0.5, step),
        reference.Neuron([4.0, 5.0, 6.0], -4.5, step),
    ]
)
print(layer.outputs([1.0, 0.0, 0.0]))

# %% [markdown]
# Write the weights of each neuron as a **column**, and the columns side by side: a matrix $W$ with
# a row for each input and a column for each neuron. The biases make a vector $b$.

# %%
w, b = layer.matrix()
print("W =", *w, sep="\n    ")
print("b =", b)

# %% [markdown]
# Now the weighted sums of all neurons at once are a product of a row and a matrix, $z = xW + b$:
#
# $$z_j = \sum_i x_i W_{ij} + b_j$$
#
# And nothing changes if there are many rows of inputs, one below the other, a **batch**: $X$ has a
# row for each example, and so has $Z$.
#
# | | shape | |
# |---|---|---|
# | $X$ | (rows, inputs) | the batch |
# | $W$ | (inputs, neurons) | the weights |
# | $b$ | (neurons,) | the biases, added to every row |
# | $Z = XW + b$ | (rows, neurons) | the weighted sums |
#
# The rule to remember: **the inner sizes must agree and vanish**. (rows, *inputs*) times
# (*inputs*, neurons) gives (rows, neurons). If an error speaks of shapes, write the two below each
# other and look at the inner pair.
#
# The product itself is three loops:


# %%
def multiplied(a, b):
    """Return the product of two matrices."""
    out = [[0.0] * len(b[0]) for _ in a]
    for i in range(len(a)):
        for j in range(len(b[0])):
            for k in range(len(b)):
                out[i][j] += a[i][k] * b[k][j]
    return out


batch = [[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
print(multiplied(batch, w))
print(reference.product(batch, w))

# %% [markdown]
# ## Layers
#
# What one layer gives is what the next one sees. So its number of neurons is the next one's number
# of inputs, and the shapes form a chain: with 4 inputs, 5 hidden neurons and 3 outputs, $W_1$ is
# (4, 5) and $W_2$ is (5, 3). *Hidden* are the layers whose outputs nobody asks for.

# %%
model = Model([Dense(5, "relu"), Dense(3, "softmax")], seed=0)
model.build(4)
for name, array in model.named_weights().items():
    print(f"{name}: {array.shape}")
model.summary()

# %%
ax = plots.network(model)

# %% [markdown]
# A circle for each neuron and a line for each weight, the thicker the larger, blue where it is
# positive and orange where it is negative. That is a network: 20 + 5 + 15 + 3 = 43 numbers.
#
# Depth or width? A wide hidden layer has many straight lines to bend the plane with; a further
# layer can bend what is bent already. For tables and small images one to three hidden layers of
# some dozens to some hundreds of neurons are a good beginning.
#
# ## At compiled speed
#
# The product is where nearly all of the time of a network goes. 64 images of 784 numbers, 32
# neurons: 1.6 million multiplications. This is what kernels are written for.

# %%
rng = np.random.default_rng(0)
images, w, b = rng.random((64, 784)), rng.normal(size=(784, 32)), np.zeros(32)
model = Model([Dense(32)], dtype="float64")
model.build(784)
model.set_weights([w, b])
a, right = images.tolist(), w.tolist()

results = {}
for name, repeat, call in (
    ("three loops", 1, lambda: multiplied(a, right)),
    ("reference", 1, lambda: reference.product(a, right)),
    ("NumPy", 20, lambda: images @ w),
    ("cynn", 20, lambda: model.predict(images)),
):
    results[name] = np.array(call())
    seconds = min(timeit.repeat(call, number=1, repeat=repeat))
    print(f"{name:>12}: {1e3 * seconds:8.3f} milliseconds")

difference = max(np.abs(z - results["NumPy"]).max() for z in results.values())
print(f"the results differ by at most {difference:.0e}")

# %% [markdown]
# The four answers differ only in the last digits: the sums are added up in different orders, and
# the computer rounds after each step.
#
# **To try.** Give `multiplied` matrices whose inner sizes do not agree, then `reference.product`.
# Which of the two would you rather debug?
