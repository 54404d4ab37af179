# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The loss
#
# In `cynn.reference`: `softmax`, `losses`, `regression`, `hinge`
#
# Before weights can get better, somebody has to say what *better* is. The **loss** does: it is one
# number that says how wrong the answers are, 0 if they could not be better. All of training is the
# search for weights that make it small.

# %%
import math
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, reference
from cynn.layers import Activation

# %% [markdown]
# ## Numbers: the mean squared error
#
# If the answer is a number, such as a price, take the difference between the prediction $p$ and
# the target $t$, square it, and average over all $n$ of them:
#
# $$L = \frac{1}{n} \sum_i (p_i - t_i)^2$$
#
# The square makes both directions count, and makes one large error worse than several small ones.

# %%
prediction, target = [2.5, 0.0, 2.0], [3.0, -0.5, 2.0]
print(sum((p - t) ** 2 for p, t in zip(prediction, target, strict=True)) / 3)

loss, gradient = reference.error([prediction], [target], "mean_squared_error")
print(loss, gradient)

# %% [markdown]
# `reference.error` returns the loss, averaged over the rows, and beside it how it changes with
# each prediction, its **gradient**. For this loss that is $\frac{2}{n}(p_i - t_i)$: positive where
# the prediction should come down, negative where it should go up. On the next page all begins with
# it.
#
# ## Classes: one-hot, softmax, cross-entropy
#
# If the answer is one of several classes, such as a digit, the network gets an output for each
# class, and the target is **one-hot**: 1 for the class that is right, 0 for all others.
#
# The outputs can be any numbers. **Softmax** makes probabilities of them, positive and 1 in sum:
#
# $$p_j = \frac{e^{z_j}}{\sum_k e^{z_k}}$$
#
# What goes into it has a name, the *logits*. The larger a logit is than the others, the surer the
# network.


# %%
def softmax(z):
    """Return the probabilities that logits stand for."""
    top = max(z)  # it cancels, and keeps the powers from growing without bound
    powers = [math.exp(value - top) for value in z]
    return [power / sum(powers) for power in powers]


logits = [2.0, 1.0, -1.0]
print(softmax(logits))
print(reference.activated([logits], "softmax"))
print(softmax([1000.0, 1000.0]))

# %% [markdown]
# The loss that goes with it is the **cross-entropy**, the negative logarithm of the probability
# that the right class was given:
#
# $$L = -\sum_j t_j \log p_j = -\log p_{\text{right}}$$
#
# A network that gives the right class 100 % loses nothing. One that gives all of ten classes the
# same loses $\log 10 = 2.30$, a number to keep in mind: a first loss of about 2.3 on ten digits is
# knowing nothing. And one that is sure of what is wrong loses without bound.

# %%
probability = np.linspace(0.01, 1, 200)
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.plot(probability, -np.log(probability), lw=2, label="cross-entropy, $-\\log p$")
ax.plot(probability, (1 - probability) ** 2, lw=2, ls="--", label="squared, $(1 - p)^2$")
ax.set(xlabel="probability of the right class", ylabel="loss", ylim=(0, 4.7))
ax.legend(frameon=False)
ax.grid(color="0.9")

# %% [markdown]
# Why not the squared error here too? Look at the left of the picture. Where the network is badly
# wrong, the squared error is nearly flat, and gives training hardly a direction. The cross-entropy
# is steep exactly there. Together with softmax its gradient could not be simpler: what came minus
# what was wanted,
#
# $$\frac{\partial L}{\partial z_j} = p_j - t_j.$$

# %%
target = [1.0, 0.0, 0.0]
loss, gradient = reference.error([logits], [target], "softmax_cross_entropy")
print("loss        ", loss, -math.log(softmax(logits)[0]))
print("gradient    ", gradient[0])
print("p - t       ", [p - t for p, t in zip(softmax(logits), target, strict=True)])

# %% [markdown]
# Is that so? Move each logit by a little and see how the loss changes. This check, by **finite
# differences**, needs no mathematics, and finds nearly every mistake in a gradient.

# %%
h = 1e-5
measured = []
for j in range(3):
    up, down = list(logits), list(logits)
    up[j] += h
    down[j] -= h
    difference = reference.error([up], [target])[0] - reference.error([down], [target])[0]
    measured.append(difference / (2 * h))
print("measured    ", measured)

# %% [markdown]
# Which loss for what? Numbers: the mean squared error, or `huber` if some are far off. One class
# of several: softmax and cross-entropy. Yes or no, also several at once: sigmoid and the binary
# cross-entropy. All that cynn has are here, each with its formula and its source:

# %%
print(*reference.LOSSES, sep=", ")

# %% [markdown]
# ## At compiled speed
#
# The softmax and the cross-entropy of 5,000 rows of ten logits: in plain Python, in NumPy, and by
# the kernels, which go over each row once. (For cynn it is a network of a single layer, which does
# nothing but softmax.)

# %%
rng = np.random.default_rng(0)
logits = rng.normal(size=(5000, 10))
labels = rng.integers(0, 10, 5000)
targets = np.eye(10)[labels]  # one-hot: row k of the identity is class k


def in_numpy():
    """Return the mean cross-entropy."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(5000), labels].mean()


model = Model([Activation("softmax")], dtype="float64")
model.compile(loss="cross_entropy")
model.build(10)
for name, repeat, call in (
    ("plain Python", 1, lambda: reference.error(logits, targets)[0]),
    ("NumPy", 10, in_numpy),
    ("cynn", 10, lambda: model.evaluate(logits, labels)["loss"]),
):
    seconds = min(timeit.repeat(call, number=1, repeat=repeat))
    print(f"{name:>12}: {call():.12f} in {1e3 * seconds:8.3f} milliseconds")

# %% [markdown]
# **To try.** Make the network surer of itself: multiply the logits by 10. What happens to the loss
# if it is right, and what if it is wrong?
