"""
Regression with intervals
=========================

How sure is a prediction? ``loss="quantile"`` learns several quantiles of the target in one
network: between the 5 % and the 95 % quantile nine in ten targets should lie. The spread of these
data grows from left to right, and the interval with it.
"""

import numpy as np
from matplotlib import pyplot

from cynn.estimators import RealMLPRegressor

rng = np.random.default_rng(0)


def draw(n):
    """Return n rows of one column, and targets whose spread grows with it."""
    x = rng.uniform(0, 1, n)
    return x[:, None], np.sin(6 * x) + 0.6 * x * rng.normal(size=n)


x, y = draw(1000)
model = RealMLPRegressor(
    loss="quantile", quantiles=(0.05, 0.5, 0.95), n_epochs=64, random_state=0
).fit(x, y)

# %%
# On rows that the training has not seen: how many lie in their interval?

x_new, y_new = draw(1000)
low, high = model.predict_interval(x_new, coverage=0.9).T
print(f"{np.mean((low <= y_new) & (y_new <= high)):.1%} of 1,000 new targets lie in the interval")

# %%
line = np.linspace(0, 1, 200)[:, None]
low, middle, high = model.predict_quantiles(line).T
figure, ax = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
ax.plot(x_new, y_new, ".", color="0.6", markersize=3, label="new rows")
ax.fill_between(line[:, 0], low, high, alpha=0.3, label="5 % to 95 %")
ax.plot(line, middle, label="median")
ax.legend()
pyplot.show()
