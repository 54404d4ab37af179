# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Backpropagation, by hand
#
# In `cynn.reference`: `backprop`
#
# The loss says how wrong a network is. Which of its weights are to blame, and by how much? The
# answer is the **gradient**: for every weight, how fast the loss changes with it.
# **Backpropagation** finds all of them in one pass from the output back to the input, for about
# the price of two forward passes. It is nothing but the chain rule, a layer at a time (Rumelhart,
# Hinton and Williams, 1986), and this page does it by hand.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

from cynn import Model, reference
from cynn.layers import Dense
from cynn.optimizers import SGD
from cynn.reference import product, transposed

# %% [markdown]
# ## A small network
#
# Five rows of three inputs, four hidden neurons with tanh, two classes.

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(5, 3)).tolist()
target = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
w1, b1 = rng.normal(size=(3, 4)).tolist(), [0.1, -0.2, 0.3, 0.0]
w2, b2 = rng.normal(size=(4, 2)).tolist(), [0.0, 0.1]

# %% [markdown]
# Forward, as before. We keep $H$, the way back needs it.
#
# $$H = \tanh(X W_1 + b_1) \qquad Z = H W_2 + b_2 \qquad P = \text{softmax}(Z)$$

# %%
h = reference.forward(x, w1, b1, "tanh")
z = reference.forward(h, w2, b2)
p = reference.activated(z, "softmax")

# %% [markdown]
# ## Step 1: the error at the output
#
# For softmax with cross-entropy it is what came minus what was wanted (the page before), here
# divided by the number of rows, as the loss is their mean:
#
# $$E = \frac{P - T}{n}$$

# %%
n = len(x)
error = [
    [(p_j - t_j) / n for p_j, t_j in zip(*pair, strict=True)]
    for pair in zip(p, target, strict=True)
]
print(*error, sep="\n")

# %% [markdown]
# ## Step 2: the gradient of W2
#
# The weight from hidden neuron $i$ to output $j$ takes part in $z_j$ by $h_i W_{ij}$. So where
# $h_i$ is large, the weight had much to do with the error of output $j$, and where $h_i = 0$
# nothing. Multiply both, and add up over the rows of the batch. Written for all weights at once it
# is a product:
#
# $$\frac{\partial L}{\partial W_2} = H^\top E$$
#
# The bias is a weight whose input is always 1: its gradient is the sum of each column of $E$.

# %%
grad_w2 = product(transposed(h), error)
grad_b2 = [sum(column) for column in transposed(error)]
print(*grad_w2, sep="\n")

# %% [markdown]
# ## Step 3: the error of the hidden layer
#
# Nobody told the hidden neurons what they should have given. But each has reached the outputs
# through its weights, and by the same weights the errors come back:
#
# $$\frac{\partial L}{\partial H} = E\, W_2^\top$$
#
# and then through the activation, whose slope says how much of it arrives. For tanh that is $1 -
# H^2$ (multiplied number by number, $\odot$):
#
# $$E_H = \frac{\partial L}{\partial H} \odot (1 - H^2)$$

# %%
grad_h = product(error, transposed(w2))
error_h = [
    [g * (1 - y * y) for g, y in zip(*pair, strict=True)] for pair in zip(grad_h, h, strict=True)
]

# %% [markdown]
# ## Step 4: the gradient of W1
#
# From here everything repeats. The error of the hidden layer is to $W_1$ what $E$ was to $W_2$,
# and the inputs of this layer are $X$:
#
# $$\frac{\partial L}{\partial W_1} = X^\top E_H$$
#
# With more layers one would go on in the same way, down to the first.

# %%
grad_w1 = product(transposed(x), error_h)
grad_b1 = [sum(column) for column in transposed(error_h)]
print(*grad_w1, sep="\n")

# %% [markdown]
# ## Is it right?
#
# Never believe a gradient that you have not checked. Move one weight by a little, $\pm h$, go
# forward again, and see how the loss changes; then the next weight, and so on for all of them. It
# takes two forward passes for each weight, which is why nobody trains so; but it cannot be wrong
# in the same way as our derivation.


# %%
def loss():
    """Return the loss with the weights as they are now."""
    z = reference.forward(reference.forward(x, w1, b1, "tanh"), w2, b2)
    return reference.error(z, target)[0]


def measured(row, j, h=1e-5):
    """Return how fast the loss changes with one number, by two values beside it."""
    kept = row[j]
    row[j] = kept + h
    above = loss()
    row[j] = kept - h
    below = loss()
    row[j] = kept
    return (above - below) / (2 * h)


for name, weights, gradient in (
    ("W1", w1, grad_w1),
    ("b1", [b1], [grad_b1]),
    ("W2", w2, grad_w2),
    ("b2", [b2], [grad_b2]),
):
    worst = max(
        abs(measured(row, j) - gradient[i][j])
        for i, row in enumerate(weights)
        for j in range(len(row))
    )
    print(f"{name}: backpropagation and measurement differ by at most {worst:.0e}")

# %% [markdown]
# What we have computed, as a picture: the loss along one weight, all others held. The gradient is
# the slope of the curve at the point where the weight is.

# %%
kept, slope = w1[0][0], grad_w1[0][0]
along = np.linspace(kept - 3, kept + 3, 61)
curve = []
for value in along:
    w1[0][0] = float(value)
    curve.append(loss())
w1[0][0] = kept

figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
near = np.array([kept - 1.5, kept + 1.5])
ax.plot(along, curve, lw=2)
ax.plot(near, loss() + slope * (near - kept), ls="--", label=f"slope {slope:.3f}, the gradient")
ax.plot(kept, loss(), "o", color="C1")
ax.set(xlabel="first weight of $W_1$", ylabel="loss")
ax.legend(frameon=False)
ax.grid(color="0.9")

# %% [markdown]
# ## In one line a layer
#
# `reference.backward` takes what `reference.forward` took, and how the loss changes with what it
# returned. It gives back how the loss changes with the inputs, the weights and the biases.

# %%
_, grad_z = reference.error(z, target)
grad_h, *found2 = reference.backward(h, w2, b2, grad_z)
_, *found1 = reference.backward(x, w1, b1, grad_h, "tanh")
print(np.allclose(found2[0], grad_w2), np.allclose(found1[0], grad_w1))

# %% [markdown]
# ## At compiled speed
#
# In NumPy each step is again a line. And cynn? It does not show the gradient, it uses it: a step
# of plain gradient descent with learning rate 1 is $W \leftarrow W - \partial L / \partial W$. So
# the weights before the step minus the weights after it *are* the gradient, and we can look
# whether the compiled kernels find what we found.

# %%
model = Model([Dense(4, "tanh"), Dense(2, "softmax")], dtype="float64")
model.compile(SGD(1.0), loss="cross_entropy")
model.build(3)
before = [np.array(array) for array in (w1, b1, w2, b2)]
model.set_weights(before)
model.train_on_batch(np.array(x), np.array(target))
found = [old - new for old, new in zip(before, model.get_weights(), strict=True)]
wanted = (grad_w1, grad_b1, grad_w2, grad_b2)
print(max(np.abs(a - np.array(b)).max() for a, b in zip(found, wanted, strict=True)))

# %% [markdown]
# With a batch of 32 images of 784 pixels and 32 hidden neurons, forward and back:

# %%
x = rng.random((32, 784))
target = np.eye(10)[rng.integers(0, 10, 32)]
w1, b1 = 0.05 * rng.normal(size=(784, 32)), np.zeros(32)
w2, b2 = 0.2 * rng.normal(size=(32, 10)), np.zeros(10)


def in_plain_python():
    """Return the gradients of the weights, a line a layer."""
    h = reference.forward(x, w1, b1, "tanh")
    _, grad_z = reference.error(reference.forward(h, w2, b2), target)
    grad_h, grad_w2, grad_b2 = reference.backward(h, w2, b2, grad_z)
    _, grad_w1, grad_b1 = reference.backward(x, w1, b1, grad_h, "tanh")
    return grad_w1, grad_b1, grad_w2, grad_b2


def in_numpy():
    """Return the gradients of the weights, by the formulas above."""
    h = np.tanh(x @ w1 + b1)
    powers = np.exp(h @ w2 + b2)
    error = (powers / powers.sum(axis=1, keepdims=True) - target) / len(x)
    error_h = (error @ w2.T) * (1 - h**2)
    return x.T @ error_h, error_h.sum(axis=0), h.T @ error, error.sum(axis=0)


model = Model([Dense(32, "tanh"), Dense(10, "softmax")], dtype="float64")
model.compile(SGD(1.0), loss="cross_entropy")
model.build(784)
model.set_weights([w1, b1, w2, b2])

for name, repeat, call in (
    ("plain Python", 1, in_plain_python),
    ("NumPy", 20, in_numpy),
    ("cynn, with the step", 20, lambda: model.train_on_batch(x, target)),
):
    seconds = min(timeit.repeat(call, number=1, repeat=repeat))
    print(f"{name:>20}: {1e3 * seconds:9.3f} milliseconds")

# %% [markdown]
# **To try.** Put a mistake into one of the formulas, such as $1 - h$ in place of $1 - h^2$, and
# see what the check says.
