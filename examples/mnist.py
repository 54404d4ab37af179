"""Trains a dense network on MNIST to about 99 % of the test images.

    python examples/mnist.py              trains, and says how long it took
    python examples/mnist.py --plots DIR  and draws the training and the mistakes there

The digits are found as `cynn.datasets.load_mnist` finds them: in the folder that CYNN_DATA names,
in the user's cache, else by download. The network hardly sees an image twice: in each epoch every
one is turned by up to ten degrees and moved by up to a pixel each way (Simard, Steinkraus and
Platt, Best practices for convolutional neural networks applied to visual document analysis, 2003).
The test images take no part in the training, and the last network is the one that is measured.
"""

import argparse
import time
from pathlib import Path

from cynn import Model, get_num_threads
from cynn.augmentation import Augment
from cynn.datasets import load_mnist
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD
from cynn.schedules import Cosine


def train(images, labels, epochs=20, batch_size=128, seed=0):
    """Return a trained model and its history."""
    layers = [Dense(512, "relu"), Dense(256, "relu"), Dense(10, "softmax")]
    model = Model([Flatten(), Rescale(1 / 255), *layers], seed=seed)
    rate = Cosine(0.1, warmup=0.1)
    optimizer = SGD(rate, momentum=0.9, nesterov=True, weight_decay=1e-5)
    model.compile(optimizer, "cross_entropy", ["accuracy"])
    augment = Augment(shift=1, rotate=10)
    history = model.fit(images, labels, batch_size=batch_size, epochs=epochs, augment=augment)
    return model, history


def draw(folder, model, history, images, labels):
    """Write pictures of the network, its training and its mistakes."""
    from cynn import plots

    said = model.predict(images)
    folder.mkdir(parents=True, exist_ok=True)
    for name, ax in (
        ("network", plots.network(model)),
        ("loss", plots.curve(history)),
        ("confusion", plots.confusion(labels, said)),
        ("weights", plots.weights(model)),
        ("mistakes", plots.mistakes(images, labels, said)),
    ):
        ax.figure.savefig(folder / f"{name}.png")


def main():
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description="Train a dense network on MNIST.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plots", type=Path, metavar="DIR")
    options = parser.parse_args()
    (x, y), (x_test, y_test) = load_mnist()
    started = time.perf_counter()
    model, history = train(x, y, options.epochs, seed=options.seed)
    seconds = time.perf_counter() - started
    accuracy = model.evaluate(x_test, y_test)["accuracy"]
    print(f"test accuracy {accuracy:.2%} after {seconds:.0f} s on {get_num_threads()} threads")
    if options.plots is not None:
        draw(options.plots, model, history, x_test, y_test)


if __name__ == "__main__":
    main()
