# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # How good is it?
#
# A trained network gives ten probabilities for an image. This page turns them into what one wants
# to know: how often it is right, what it confuses with what, and where it is sure of what is
# wrong.

# %%
import timeit
from collections import Counter

from cynn import Model, plots
from cynn.datasets import load_mnist
from cynn.layers import Dense, Flatten, Rescale
from cynn.metrics import confusion_matrix
from cynn.optimizers import SGD

(x_train, y_train), (x_test, y_test) = load_mnist()
model = Model([Flatten(), Rescale(1 / 255), Dense(64, "relu"), Dense(10, "softmax")], seed=0)
model.compile(SGD(0.3), loss="cross_entropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=3, batch_size=128, verbose=0)
p = model.predict(x_test)

# %% [markdown]
# ## Accuracy
#
# The answer is the class of the largest probability, the *argmax*. The **accuracy** is the share
# of the answers that are right. In plain Python:

# %%
rows, labels = p.tolist(), y_test.tolist()
answers = [row.index(max(row)) for row in rows]
right = [answer == label for answer, label in zip(answers, labels, strict=True)]
accuracy = sum(right) / len(right)
print(f"{accuracy:.2%}: {len(right) - sum(right)} mistakes in {len(right):,} images")

# %% [markdown]
# Is a difference between two networks real, or luck? With $n$ test images and an accuracy of $a$
# the standard error is $\sqrt{a(1 - a)/n}$. Two networks whose accuracies lie within twice that of
# each other are hard to tell apart.

# %%
print(f"{accuracy:.2%} give or take {(accuracy * (1 - accuracy) / len(right)) ** 0.5:.2%}")

# %% [markdown]
# And on the images that it has been trained with? Where that is far better than on the test
# images, the network has learned them by heart: it **overfits**. More data, a smaller network, or
# what the next page does help.

# %%
for name, images, wanted in (("training", x_train, y_train), ("test", x_test, y_test)):
    measured = model.evaluate(images, wanted)
    print(f"{name:>8}: loss {measured['loss']:.3f}, accuracy {measured['accuracy']:.2%}")

# %% [markdown]
# ## Confusion
#
# What is taken for what? Count the pairs of the true digit and the answer:

# %%
pairs = Counter(zip(labels, answers, strict=True))
for (true, answer), n in pairs.most_common():
    if true != answer and n >= 12:
        print(f"{n} times a {true} was taken for a {answer}")

# %% [markdown]
# All pairs as a table make the **confusion matrix**: a row for each true digit, a column for each
# answer. What is right lies on the diagonal.

# %%
print(confusion_matrix(y_test, p))
ax = plots.confusion(y_test, p)

# %% [markdown]
# From it come two more numbers for each class. **Recall**: of all the nines, how many were found?
# **Precision**: of all that were called nine, how many are? Where classes are rare, these say more
# than the accuracy: a test that never finds a disease that one in a thousand has is right in 99.9
# % of the cases.

# %%
counts = confusion_matrix(y_test, p)
for digit in range(10):
    found, called = counts[digit].sum(), counts[:, digit].sum()
    recall, precision = counts[digit, digit] / found, counts[digit, digit] / called
    print(f"{digit}: recall {recall:.1%}, precision {precision:.1%}")

# %% [markdown]
# ## The worst mistakes
#
# Those in which the network gave the truth the least probability. Look at them: here one finds
# labels that are wrong, images that nobody could read, and now and then a mistake in one's own
# program.

# %%
ax = plots.mistakes(x_test, y_test, p, count=15)

# %% [markdown]
# What does it look at? The weights of a hidden neuron are an image too, as there is one for each
# pixel: the neuron answers to what is bright where it is blue, and dark where it is orange.

# %%
ax = plots.weights(model, count=25)

# %% [markdown]
# ## At compiled speed
#
# The counting in plain Python, in NumPy, and all of the evaluation, forward pass included, by
# `Model.evaluate`:


# %%
def in_plain_python():
    """Return the accuracy of the answers."""
    hits = [row.index(max(row)) == label for row, label in zip(rows, labels, strict=True)]
    return sum(hits) / len(hits)


for name, call in (
    ("plain Python, counting", in_plain_python),
    ("NumPy, counting", lambda: (p.argmax(axis=1) == y_test).mean()),
    ("cynn, all of it", lambda: model.evaluate(x_test, y_test)["accuracy"]),
):
    seconds = min(timeit.repeat(call, number=1, repeat=3))
    print(f"{name:>23}: {call():.4f} in {1e3 * seconds:7.2f} milliseconds")

# %% [markdown]
# **To try.** Let the network say "I do not know" where its largest probability is below 0.9. How
# many images does it decline, and how good is it on the rest?
