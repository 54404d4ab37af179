"""How good a model is: its measures, those of a constant answer, and what it takes for what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics import confusion_matrix
from ..tables import Classes, Quantity, Target
from ..tables._choosing import mean_and_std

DIVERGED = "outputs are NaN: the training has diverged; try a lower --learning-rate"

MOST_CLASSES = 30  # of a matrix that is printed; of more the most frequent errors alone
LONGEST_LABEL = 12  # characters


def plain_targets(target: Target, values: NDArray[Any]) -> NDArray[Any]:
    """Return a column of targets as places of classes, or as numbers in the table's units."""
    if isinstance(target, Quantity):
        return Quantity(target.name, 0.0, 1.0, *target.notation).encode(values)
    return target.encode(values)


class Measured:
    """How a model is measured on a table's rows: on the table's scale, whatever the model's is.

    One that learned a quantity by its logarithm, and says nothing beyond what it was trained on, is
    compared with any numbers, and with their mean, as others are.

    Parameters
    ----------
    target : Target
        The model's.
    known : ndarray
        The targets that the baseline knows, as `plain_targets` returns them.

    Attributes
    ----------
    target : Target
        In whose units `of` and `outputs` are.
    known : ndarray
        In these.
    """

    def __init__(self, target: Target, known: NDArray[Any]) -> None:
        self._model = self.target = target
        if isinstance(target, Quantity) and target != _unbound(target):
            what = f"target {target.name!r}"
            self.target = Quantity(target.name, *mean_and_std(what, known), *target.notation)
        self.known = self.of(known)

    def of(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets in these units."""
        return self.target.encode(y) if isinstance(self.target, Quantity) else y

    def outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return outputs of the model in these units."""
        model, plain = self._model, self.target
        if model is plain or not (isinstance(model, Quantity) and isinstance(plain, Quantity)):
            return outputs
        said = model.middle(np.where(np.isfinite(outputs), outputs, np.nan))
        return (said[:, np.newaxis] - plain.mean) / plain.std


def _unbound(target: Quantity) -> Quantity:
    """Return a quantity on a linear scale, without limits."""
    return Quantity(target.name, target.mean, target.std, *target.notation)


def of_table(target: Target, y: NDArray[Any], outputs: NDArray[Any]) -> str:
    """Return the measures of a table's model on rows of it, as a line shows them."""
    if not np.isfinite(outputs).all():
        return DIVERGED
    return "  ".join(f"{name} {value:.4g}" for name, value in measure(target, y, outputs).items())


def measure(target: Target, y: NDArray[Any], outputs: NDArray[Any]) -> dict[str, float]:
    """Return the measures of a table's model on rows of it that there are; none of no numbers."""
    if not np.isfinite(outputs).all():
        return {}
    measures = target.measure(y, outputs)
    return {name: value for name, value in measures.items() if not np.isnan(value)}


def baseline(target: Target, y: NDArray[Any], known: NDArray[Any]) -> str:
    """Return the measures on `y` of always saying one thing; see `constant`."""
    outputs, answer = constant(target, len(y), known)
    return f"{of_table(target, y, outputs)}  (always {answer})"


def constant(target: Target, n: int, known: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Return outputs that always say one thing, which the rows `known` tell, and what that is.

    Of classes it is the most frequent one, of a quantity the mean.
    """
    outputs = np.zeros((n, target.n_outputs))
    if isinstance(target, Classes):
        most_frequent = int(np.bincount(known, minlength=target.n_outputs).argmax())
        outputs[:, most_frequent] = 1
        answer = repr(target.labels[most_frequent])
    else:
        outputs[:] = known.mean()
        [(answer, *_)] = target.as_text(outputs[:1])
    return outputs, answer


def print_table(
    name: str,
    target: Target,
    y: NDArray[Any],
    outputs: NDArray[Any],
    known: NDArray[Any],
    width: int = 0,
) -> None:
    """Print the measures on the rows of a table, the baseline, and the confusion of classes."""
    print(f"{name + ':':{width}} {of_table(target, y, outputs)}")
    print(f"{'baseline:':{width}} {baseline(target, y, known)}")
    if isinstance(target, Classes) and np.isfinite(outputs).all():
        print_confusion(y, outputs, target.labels)


def print_images(name: str, measured: dict[str, float]) -> None:
    """Print what a model of images was measured by."""
    text = "  ".join(
        f"{metric} {value:.2%}" if metric.endswith("accuracy") else f"{metric} {value:.4f}"
        for metric, value in measured.items()
    )
    print(f"{name + ':':9} {text}")


def print_image_baseline(y: NDArray[Any], known: NDArray[Any]) -> tuple[int, float]:
    """Print and return the most frequent class of `known`, and the accuracy of it on `y`."""
    most_frequent = int(np.bincount(known.astype(np.intp)).argmax())
    accuracy = float((y == most_frequent).mean())
    print(f"baseline: accuracy {accuracy:.2%}  (always {most_frequent})")
    return most_frequent, accuracy


def print_confusion(
    y: NDArray[Any], predicted: NDArray[Any], labels: Sequence[str] | None = None
) -> None:
    """Print the confusion matrix, the most frequent errors last."""
    if np.isnan(predicted).any():
        print(DIVERGED)
        return
    matrix = confusion_matrix(y, predicted, predicted.shape[1])
    names = [_short(name) for name in labels or map(str, range(len(matrix)))]
    if len(matrix) <= MOST_CLASSES:
        longest = max(map(len, names))
        left, width = max(4, longest), max(5, longest + 1, len(str(matrix.max())) + 1)
        print("\nconfusion matrix (rows: true, columns: predicted)")
        print(" " * (left + 1) + "".join(f"{name:>{width}}" for name in names))
        for name, line in zip(names, matrix, strict=True):
            print(f"{name:>{left}} " + "".join(f"{n if n else '.':>{width}}" for n in line))
    mistakes = matrix - np.diag(np.diag(matrix))
    worst = [
        divmod(int(k), len(matrix)) for k in np.argsort(-mistakes, axis=None, kind="stable")[:3]
    ]
    pairs = [f"{names[i]} as {names[j]}: {mistakes[i, j]}" for i, j in worst if mistakes[i, j]]
    print("most frequent errors: " + (", ".join(pairs) if pairs else "none"))


def _short(label: str) -> str:
    """Return a label on one line, cut where it is long."""
    text = "".join(c if c.isprintable() else "?" for c in label)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 3]}..."
