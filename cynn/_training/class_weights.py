"""What the rows of each class count in a training."""

from typing import Any

import numpy as np

from .._comm.shards import SingleProcess
from .._data.inputs import balanced, class_weight_array
from .._model.loops import Batches
from .._specs.validation import choice


def class_weighted(
    model: Any, data: Batches, class_weight: Any, input_shape: tuple[int, ...], ranks: SingleProcess
) -> Batches:
    """Return the rows with what those of each class count.

    Raises
    ------
    TypeError, ValueError
        If `class_weight` is not as `Model.fit` says.
    """
    kind = class_weight if isinstance(class_weight, str | None) else "numbers"
    ranks.expect_same({"class_weight": kind})  # what follows asks all ranks, or none
    if class_weight is None:
        return data
    rows = slice(None) if data.rows is None else data.rows
    n_classes = max(2, model._n_outputs(input_shape))
    with ranks.agreed():
        classes = model.loss.classes(data.y[rows])
        if isinstance(class_weight, str):
            choice("class_weight", class_weight, ("balanced",))
    if isinstance(class_weight, str):  # by the rows of all ranks
        class_weight = balanced(ranks.total(np.bincount(classes, minlength=n_classes)))
    weight = np.ones(len(data.x), model.dtype)
    with ranks.agreed():
        weight_by_class = class_weight_array(
            class_weight, np.arange(n_classes), n_classes, None, np.float64
        )
        row_weight = None if data.weight is None else data.weight[rows]
        weight[rows] = class_weight_array(
            weight_by_class, classes, n_classes, row_weight, model.dtype
        )
    ranks.expect_same({"class_weight": weight_by_class.tolist()})
    return data._replace(weight=weight)
