"""
Distilling a boosted model into a small network
===============================================

Gradient boosting is often good and seldom small: hundreds of trees for each row. A network can
learn from its *probabilities*, which say more than labels do, on as many rows as can be drawn,
labelled or not (Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, 2015).
What is left is a few matrices that answer in microseconds.
"""

import time

import numpy as np
from matplotlib import pyplot
from sklearn.ensemble import GradientBoostingClassifier

from cynn import Model
from cynn.layers import Dense
from cynn.optimizers import AdamW
from cynn.schedules import Cosine

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (6000, 20)).astype("float32")
y = (x[:, :3] > [0.5, -0.3, 0.0]).sum(axis=1)  # three thresholds; the other columns are noise
labelled, unlabelled, test = slice(0, 1000), slice(1000, 5000), slice(5000, 6000)

# %%
# The teacher learns from the thousand rows whose labels are known.

teacher = GradientBoostingClassifier(n_estimators=40, random_state=0).fit(x[labelled], y[labelled])

# %%
# Two networks of the same shape: one learns from the same labels, the other from what the teacher
# says of those rows and of four thousand more. ``cross_entropy`` takes rows of probabilities as it
# takes labels.


def network(rows, targets):
    """Return a small network that was trained on these rows."""
    model = Model([Dense(64, "silu"), Dense(64, "silu"), Dense(4, "softmax")], seed=0)
    model.compile(AdamW(Cosine(0.005), weight_decay=0.02), "cross_entropy")
    model.fit(rows, targets, epochs=30, verbose=0)
    return model


alone = network(x[labelled], y[labelled])
more = np.concatenate([x[labelled], x[unlabelled]])
student = network(more, teacher.predict_proba(more))

# %%
# Their accuracy on new rows, and the time of a prediction of one row:


def microseconds(predict, n=50):
    """Return the median time of a prediction of one row."""
    times = []
    for i in range(n):
        start = time.perf_counter()
        predict(x[i : i + 1])
        times.append(time.perf_counter() - start)
    return 1e6 * np.median(times)


found = {
    "teacher": (teacher.predict(x[test]), microseconds(teacher.predict)),
    "network, labels": (alone.predict(x[test]).argmax(axis=1), microseconds(alone.predict)),
    "network, teacher": (student.predict(x[test]).argmax(axis=1), microseconds(student.predict)),
}
names = list(found)
accuracies = [np.mean(said == y[test]) for said, _ in found.values()]
times = [each for _, each in found.values()]
for name, accuracy, each in zip(names, accuracies, times, strict=True):
    print(f"{name:18} accuracy {accuracy:.3f}, {each:8.1f} microseconds for a row")

# %%
figure, axes = pyplot.subplots(1, 2, figsize=(10, 3), layout="constrained", sharey=True)
axes[0].barh(names, accuracies)
axes[0].set_xlabel("accuracy on new rows")
axes[1].barh(names, times)
axes[1].set_xscale("log")
axes[1].set_xlabel("microseconds for one row")
pyplot.show()
