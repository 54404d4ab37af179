"""
A table as it is
================

Numbers, strings, dates, missing values: `RealMLPClassifier` takes a table without any
preparation, and its defaults were tuned on many tables. Here the table is made by the program,
with a rule that the network has to find.
"""

import numpy as np
from matplotlib import pyplot

from cynn import plots
from cynn.estimators import RealMLPClassifier

rng = np.random.default_rng(0)
n = 800
size = rng.lognormal(4, 0.4, n)
age = rng.integers(0, 90, n).astype(float)
district = rng.choice(["north", "south", "harbour", "hills"], n)
listed = np.datetime64("2026-01-01") + rng.integers(0, 300, n)
worth = size / 50 - age / 60 + np.where(district == "harbour", 1.2, 0) + rng.normal(0, 0.3, n)
sold = np.where(worth > np.median(worth), "fast", "slow")
age[rng.random(n) < 0.1] = np.nan  # of every tenth the age is not known
table = {"size": size, "age": age, "district": district, "listed": listed}

# %%
# The first 600 rows are for training, the others for measuring. A part of the first is held out by
# the estimator itself, to choose the best epoch.

train = {name: column[:600] for name, column in table.items()}
test = {name: column[600:] for name, column in table.items()}
model = RealMLPClassifier(n_epochs=64, random_state=0).fit(train, sold[:600])
print(f"accuracy on 200 new rows: {model.score(test, sold[600:]):.3f}")

# %%
# A row may be a dict, a district may be new, and what is not known may be missing.

for row in (
    {"size": 90.0, "age": 5.0, "district": "harbour", "listed": "2026-05-01"},
    {"size": 40.0, "age": None, "district": "airport", "listed": None},
):
    probabilities = model.predict_proba([row])[0]
    print(row, dict(zip(model.classes_, probabilities.round(3), strict=True)))

# %%
figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
plots.curve(model.histories_[0], ax=axes[0])
labels = np.searchsorted(model.classes_, sold[600:])
plots.confusion(labels, model.predict_proba(test), classes=list(model.classes_), ax=axes[1])
pyplot.show()
