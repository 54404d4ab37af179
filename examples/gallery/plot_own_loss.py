"""
A loss of your own
==================

A baker who has a loaf too few loses a customer; one too many is only a loaf. Where mistakes do
not cost the same in both directions, the squared error asks the wrong question. A function over
arrays that returns each row's loss and its gradient is a loss: ``compile(loss=function)``.
"""

import numpy as np
from matplotlib import pyplot

from cynn import Model
from cynn.layers import Dense


def linex(y_true, y_pred):
    """Return a loss that grows exponentially below the target and in a line above it."""
    a = 3.0
    missing = a * (y_true - y_pred)
    growth = np.exp(np.minimum(missing, 30))  # no overflow at the first steps
    return (growth - missing - 1).mean(axis=1), a * (1 - growth) / y_true.shape[1]


# %%
# The gradient is checked by finite differences: where they disagree, training goes astray quietly.

t, p, step = np.zeros((1, 1)), np.array([[0.4]]), 1e-6
numeric = (linex(t, p + step)[0] - linex(t, p - step)[0]) / (2 * step)
print(f"gradient {linex(t, p)[1].item():.6f}, by differences {numeric.item():.6f}")

# %%
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (2000, 1))
y = np.sin(3 * x[:, 0]) + rng.normal(0, 0.3, 2000)
line = np.linspace(-1, 1, 200)[:, None]
figure, ax = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
ax.plot(x, y, ".", color="0.7", markersize=3)
for name, loss in (("squared error", "mse"), ("linex", linex)):
    model = Model([Dense(32, "tanh"), Dense(1)], seed=0)
    model.compile("adam", loss)
    model.fit(x, y, epochs=60, verbose=0)
    too_few = np.mean(model.predict(x)[:, 0] < y)
    print(f"{name}: too few in {too_few:.0%} of the rows")
    ax.plot(line, model.predict(line), label=name)
ax.legend()
pyplot.show()
