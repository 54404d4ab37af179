"""
Texts as sparse rows
====================

A bag of words has a column for each word and is nearly all zeros. `cynn` takes SciPy's sparse
matrices as they are, and its first layer multiplies only what is not zero. The messages here are
made up by the program; with real ones nothing else changes.
"""

import numpy as np
from matplotlib import pyplot
from sklearn.feature_extraction.text import TfidfVectorizer

from cynn import Model
from cynn.layers import Dense, Dropout

rng = np.random.default_rng(0)
everyday = "the a to of and we you it is for on at with this that please today".split()
subjects = {
    "invoice": "invoice payment due account amount bank transfer total tax receipt".split(),
    "meeting": "meeting agenda room monday calendar minutes call schedule invite noon".split(),
    "travel": "flight hotel train ticket airport booking luggage gate passport seat".split(),
}


def message(words):
    """Return a text with some words of a subject among everyday ones."""
    return " ".join(rng.permutation([*rng.choice(words, 3), *rng.choice(everyday, 12)]))


names = list(subjects)
y = rng.integers(0, 3, 1500)
texts = [message(subjects[names[label]]) for label in y]
print(texts[0], "->", names[y[0]])

# %%
vectorizer = TfidfVectorizer()
x = vectorizer.fit_transform(texts).astype("float32")
print(f"{x.shape[0]} rows of {x.shape[1]} columns, {x.nnz / np.prod(x.shape):.0%} not zero")
model = Model([Dense(32, "relu"), Dropout(0.3), Dense(3, "softmax")], seed=0)
model.compile("adam", "cross_entropy", ["accuracy"])
model.fit(x[:1200], y[:1200], epochs=20, verbose=0)
print(model.evaluate(x[1200:], y[1200:]))

# %%
# Which words speak for a subject? A message of one word alone, for every word:

single = model.predict(np.eye(x.shape[1], dtype="float32"))
words = vectorizer.get_feature_names_out()
figure, axes = pyplot.subplots(1, 3, figsize=(10, 4), layout="constrained")
for label, ax in enumerate(axes):
    best = np.argsort(single[:, label])[-8:]
    ax.barh(words[best], single[best, label])
    ax.set_title(names[label])
    ax.set_xlim(0, 1)
pyplot.show()
