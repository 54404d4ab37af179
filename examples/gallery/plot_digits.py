"""
Digits: train, look, save
=========================

A dense network learns to read digits, and pictures say how well: the training, what is taken for
what, the worst mistakes. `cynn.datasets.make_digits` draws the digits, so that nothing has to be
downloaded; ``load_mnist`` gives real ones of the same shape.
"""

from matplotlib import pyplot

from cynn import Model, plots
from cynn.datasets import make_digits
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD
from cynn.schedules import Cosine

x, y = make_digits(2000, seed=0)
x_test, y_test = make_digits(500, seed=1)
print(x.shape, x.dtype, y[:10])

# %%
# Pixels are bytes. `Rescale` brings them to 0..1 on their way into the network, which costs
# nothing, and the array stays a quarter of the size of floats.

model = Model([Flatten(), Rescale(1 / 255), Dense(64, "relu"), Dense(10, "softmax")], seed=0)
model.compile(SGD(Cosine(0.2), momentum=0.9), "cross_entropy", ["accuracy"])
history = model.fit(x, y, epochs=10, validation_data=(x_test, y_test), verbose=0)
print(model.evaluate(x_test, y_test))

# %%
# The curves, the confusion matrix, the weights of the first layer as images, and the mistakes in
# which the true class got the least probability:

y_pred = model.predict(x_test)
figure, axes = pyplot.subplots(2, 2, figsize=(11, 9), layout="constrained")
plots.curve(history, "accuracy", ax=axes[0, 0])
plots.confusion(y_test, y_pred, ax=axes[0, 1])
plots.weights(model, count=36, ax=axes[1, 0])
plots.mistakes(x_test, y_test, y_pred, ax=axes[1, 1])
pyplot.show()
