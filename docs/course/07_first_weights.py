# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Weights to begin with
#
# In `cynn.reference`: `initializers`
#
# Training changes weights that are there. Which ones should be there at first? "All zero" looks
# fair, and it fails. "Random" works, if the numbers have the right size. This page shows why.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, initializers, reference
from cynn.layers import Dense

# %% [markdown]
# ## What zeros do
#
# Let us train the network for xor, with eight hidden neurons, from three beginnings: all weights
# zero, eight neurons that are alike, and random weights. The update is that of the next page, a
# small step against the gradient. All else is the lines of the pages before:


# %%
def train(w1, w2, steps=150, rate=0.5):
    """Train on xor; return the losses and the weights of the hidden layer."""
    x = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
    target = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
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
    return losses, w1


losses = {}
losses["zeros"], _ = train([[0.0] * 8, [0.0] * 8], [[0.0, 0.0]] * 8)
losses["alike"], alike = train([[0.8] * 8, [-0.4] * 8], [[0.5, -0.5]] * 8)
losses["random"], different = train(
    reference.initial_weights(2, 8, seed=0, activation="tanh"),
    reference.initial_weights(8, 2, seed=1, activation="identity"),
)

figure, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for (name, values), style in zip(losses.items(), ("-", ":", "--"), strict=True):
    ax.plot(values, style, lw=2, label=name)
ax.set(xlabel="step", ylabel="loss", ylim=(0, 0.8))
ax.legend(frameon=False)
ax.grid(color="0.9")

# %% [markdown]
# From zeros the loss stays at $\log 2 = 0.69$, the loss of knowing nothing. The gradient of $W_1$
# comes back through $W_2$, which is zero, and that of $W_2$ is a multiple of $H$, which is zero
# too: nothing moves at all.
#
# It is not the zero alone that is to blame. Neurons that begin **alike** see the same inputs, give
# the same output, get the same correction, and stay alike for ever. They do learn, but eight of
# them do the work of one, and one cannot do xor. Here is the first weight of each, after the
# training:

# %%
print("alike: ", [round(w, 3) for w in alike[0]])
print("random:", [round(w, 3) for w in different[0]])

# %% [markdown]
# Random numbers break the symmetry. (Biases may begin at zero: the weights are different already.)
#
# ## How large?
#
# A weighted sum of $n$ inputs with random weights of variance $v$ has $n v$ times the variance of
# an input. Pass that through ten layers and the numbers have grown, or shrunk, ten times over. So
# choose $v$ so that they stay as they are: about $1/n$; with relu, which cuts off half, $2/n$.
#
# - Glorot and Bengio (2010), for tanh and the like: uniform in $\pm\sqrt{6 / (n_{in} + n_{out})}$
# - He and others (2015), for relu and its kin: uniform in $\pm\sqrt{6 / n_{in}}$
#
# Here is what comes out of each of ten layers of 64 relu neurons, with weights that are as He
# says, a third of that, and three times that:

# %%
x = np.random.default_rng(0).normal(size=(20, 64))
figure, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
for name, factor in (("three times", 3.0), ("as He says", 1.0), ("a third", 1 / 3)):
    y, spreads = x, []
    for layer in range(10):
        w = factor * np.array(reference.initial_weights(64, 64, seed=layer, activation="relu"))
        y = np.maximum(y @ w, 0.0)
        spreads.append(y.std())
    ax.semilogy(range(1, 11), spreads, "o-", ms=4, label=name)
ax.set(xlabel="layer", ylabel="standard deviation of the outputs")
ax.legend(frameon=False)
ax.grid(color="0.9")

# %% [markdown]
# Too large, and they explode. Too small, and the last layers see nothing of the input, nor the
# first ones anything of the error on its way back.
#
# The reference draws them with Python's own random numbers:

# %%
w = reference.initial_weights(6, 4, seed=0, activation="relu")
print(*w, sep="\n")

# %% [markdown]
# The **seed** is the number from which all the random ones come. The same seed gives the same
# weights, so that an experiment can be repeated.
#
# ## At compiled speed
#
# `Dense` draws by the activation that it has, as above, unless told otherwise. The time of 784 x
# 128 weights, plain and by NumPy's generator, which cynn uses:

# %%
model = Model([Dense(128, "relu"), Dense(10, "softmax")], seed=0)
model.build(784)
limit = np.sqrt(6 / 784)
first = model.get_weights()[0]
print(f"first layer: from {first.min():.4f} to {first.max():.4f}, the limit is {limit:.4f}")

rng = np.random.default_rng(0)
for name, call in (
    ("plain Python", lambda: reference.initial_weights(784, 128, seed=0)),
    ("cynn", lambda: initializers.he_uniform((784, 128), rng=rng)),
):
    seconds = min(timeit.repeat(call, number=1, repeat=2))
    print(f"{name:>12}: {1e3 * seconds:8.3f} milliseconds")

# %% [markdown]
# **To try.** In the picture of the ten layers, take `np.tanh` in the place of relu. Which of the
# three lines change, and why does none of them explode?
