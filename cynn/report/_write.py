"""Writing the page on a model or an estimator."""

import os
from collections.abc import Sequence
from typing import Any

from .._runtime import atomic_files
from .._specs.validation import file_path, shown
from ..model import Model
from ._contents import Classified, Contents, Predicted, inputs_of, of_columns, of_training
from ._page import page
from ._pictures import expect_matplotlib
from ._subject import subject_of


def write(
    path: str | os.PathLike[str],
    model: Any,
    x: Any,
    y: Any,
    history: Any = None,
    *,
    title: str = "Training report",
    classes: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
    notes: str | None = None,
    command: str | None = None,
) -> None:
    """Write a report on a trained network: one HTML file, which needs no other and no network.

    It shows the data, the network, the curves of its training, how good it is on the rows given,
    and where it is wrong: of classes the confusion matrix and the worst mistakes, of numbers
    predicted against true and the largest errors. Last come the seed, the versions and the
    processor.

    Parameters
    ----------
    path : path-like
        Where to. What was there is replaced when the page is whole.
    model : Model, Ensemble or estimator
        Trained; an estimator of `cynn.estimators`.
    x : array_like, shape (n, ...), or table
        Rows to measure on, such as were not trained on: as ``model.predict`` takes them; for a
        model with a `table` columns by name or a data frame.
    y : array_like, shape (n,), (n, 1) or (n, k)
        Their targets, as the loss or the estimator takes them; for a model with a `table` the
        values of its target column.
    history : History or mapping of str to list of float, optional
        What ``fit`` returned; by default what the model itself knows.
    title : str, default "Training report"
        The heading.
    classes : sequence of str, optional
        The names of the classes; by default their numbers, or the labels of the estimator or the
        table.
    shape : tuple of int, optional
        The height and the width of an image where the rows of x are flat.
    notes : str, optional
        What is to be said at the top; its lines stay lines.
    command : str, optional
        How to do the same again.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not as described, or x and y do not go with the model.
    RuntimeError
        If the model has no weights yet.
    OSError
        If the file cannot be written; what was there before is still there.

    See Also
    --------
    cynn.plots : The pictures, one by one.

    Examples
    --------
    >>> from cynn import Model, report
    >>> from cynn.datasets import make_digits
    >>> from cynn.layers import Dense, Flatten, Rescale
    >>> x, y = make_digits(200, seed=0)
    >>> model = Model([Flatten(), Rescale(1 / 255), Dense(10, "softmax")], seed=0)
    >>> model.compile("adam", "cross_entropy", ["accuracy"])
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> report.write("report.html", model, *make_digits(100, seed=1))  # doctest: +SKIP
    """
    file = file_path("path", path)
    for name, value in (("title", title), ("notes", notes), ("command", command)):
        if not isinstance(value, str) and (value is not None or name == "title"):
            raise TypeError(f"{name} must be a text, got {shown(value)}")
    expect_matplotlib()
    atomic_files.try_to_write(file)
    subject = subject_of(model, x, y, classes, shape)
    answers, encoder, models = subject.answers, subject.encoder, subject.models
    n = [] if answers is None else [("rows measured", f"{len(answers.true):,}")]
    contents = Contents(
        title=title,
        models=models,
        part="rows",
        seed=subject.seed,
        data=[*n, *subject.data],
        measures={"rows": subject.measures} if subject.measures else {},
        columns=[] if encoder is None else of_columns(encoder),
        answers=answers,
        missing=subject.missing,
        history=subject.history if history is None else history,
        training=of_training(models),
        inputs=None if encoder is None else inputs_of(encoder),
        outputs=outputs_of(models[0], answers),
        notes=notes,
        command=command,
    )
    write_page(file, contents)


def write_page(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write a page whole, or leave what was there."""
    atomic_files.replace(path, page(contents).encode())


def outputs_of(model: Model, answers: Classified | Predicted | None) -> Sequence[str] | None:
    """Return what stands beside the last neurons: the classes, where there is one for each."""
    if isinstance(answers, Classified) and model._network.n_outputs == len(answers.labels):
        return answers.labels
    return None
