"""
Too small, right, too large
===========================

The learning rate is the one number that has to be right. A range test finds it in one short
training: it raises the rate at every step and writes down the loss (Smith, Cyclical learning
rates for training neural networks, WACV 2017). Good rates lie well below the one at which the
loss begins to rise.
"""

from matplotlib import pyplot

from cynn import Model
from cynn.callbacks import Callback
from cynn.datasets import make_digits
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD

x, y = make_digits(1500, seed=0)


def new(rate):
    """Return an untrained model with this learning rate."""
    model = Model([Flatten(), Rescale(1 / 255), Dense(64, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(SGD(rate, momentum=0.9), metrics=["accuracy"])
    return model


class RangeTest(Callback):
    """Raise the learning rate by a tenth at every step, until the loss has risen fourfold."""

    def on_train_begin(self, logs=None):
        """Begin anew."""
        self.rates, self.losses = [], []

    def on_batch_begin(self, batch, logs=None):
        """Raise the rate."""
        self.model.rate_factor = 1.1 ** len(self.rates)

    def on_batch_end(self, batch, logs=None):
        """Keep what came out."""
        self.rates.append(logs["learning_rate"])
        self.losses.append(logs["loss"])
        self.model.stop_training = logs["loss"] > 4 * self.losses[0]


test = RangeTest()
new(1e-4).fit(x, y, epochs=3, callbacks=[test], verbose=0)
least = min(zip(test.losses, test.rates, strict=True))
print(f"least loss {least[0]:.2f} at a rate of {least[1]:.2g}, in {len(test.rates)} steps")

# %%
# The picture on the left is the range test, that on the right three trainings.

figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].plot(test.rates, test.losses)
axes[0].set_xscale("log")
axes[0].set_xlabel("learning rate")
axes[0].set_ylabel("loss of the mini-batch")
for rate in (0.0005, 0.05, 0.6):
    history = new(rate).fit(x, y, epochs=8, verbose=0)
    axes[1].plot(history.epoch, history.history["loss"], label=f"rate {rate:g}")
axes[1].set_xlabel("epoch")
axes[1].set_ylabel("loss")
axes[1].legend()
pyplot.show()
