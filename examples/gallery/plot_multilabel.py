"""
Several labels for a row
========================

A film may be a comedy and a love story. Each label is a question of its own, answered by an
output of its own with a sigmoid; ``binary_cross_entropy`` is the mean loss of all these
questions.
"""

import numpy as np
from matplotlib import pyplot

from cynn import Model
from cynn.layers import Dense

rng = np.random.default_rng(0)
topics = ["comedy", "love", "crime", "war", "space"]
x = rng.normal(size=(2000, 12)).astype("float32")
pull = rng.normal(size=(12, 5)) / 2
y = (x @ pull + x[:, :1] * x[:, 1:6] + rng.normal(0, 0.3, (2000, 5)) > 0.8).astype(int)
print(f"{y.mean(axis=0).round(2)} of the rows have each label; {y.sum(axis=1).mean():.1f} a row")

# %%
model = Model([Dense(64, "relu"), Dense(5, "sigmoid")], seed=0)
model.compile("adam", "binary_cross_entropy", ["binary_accuracy", "multi_label_f1"])
model.fit(x[:1500], y[:1500], epochs=40, verbose=0)
print(model.evaluate(x[1500:], y[1500:]))

# %%
# An output above 0.5 is a yes. Of each label: how many of those said are right (precision), and how
# many of those that are there were found (recall).

said = model.predict(x[1500:]) > 0.5
true = y[1500:] == 1
right = (said & true).sum(axis=0)
figure, ax = pyplot.subplots(figsize=(8, 4), layout="constrained")
place = np.arange(len(topics))
ax.bar(place - 0.2, right / said.sum(axis=0), 0.4, label="precision")
ax.bar(place + 0.2, right / true.sum(axis=0), 0.4, label="recall")
ax.set_xticks(place, topics)
ax.set_ylim(0, 1)
ax.legend(loc="lower right")
pyplot.show()
