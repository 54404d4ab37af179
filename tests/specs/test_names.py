"""Every layer, loss and metric that is written is public, and goes by its name."""

import importlib
import pkgutil

import numpy as np
import pytest

from cynn import layers, losses, metrics

ROOMS = [
    (layers, layers.Layer, layers.LAYERS),
    (
        losses,
        losses.Loss,
        (*losses.LOSSES.values(), losses.Custom),
    ),  # that of functions has no name
    (metrics, metrics.Metric, metrics.METRICS.values()),
]
by_room = pytest.mark.parametrize(
    ("room", "base", "table"), ROOMS, ids=[room.__name__ for room, *_ in ROOMS]
)


def written(room, base):
    """The classes of the room's files that no other of them is made of."""
    names = [f"{room.__name__}.{found.name}" for found in pkgutil.iter_modules(room.__path__)]
    return [
        found
        for module in map(importlib.import_module, names)
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, base)
        and found.__module__ == module.__name__
        and not any(other.__module__ in names for other in found.__subclasses__())
    ]


@by_room
def test_what_is_written_is_in_the_table(room, base, table):
    found = written(room, base)
    assert len(found) >= 9
    for kind in found:
        assert kind in table, (
            f"{kind.__module__}: {kind.__name__} is missing in its __all__, has no name, or "
            f"{room.__name__} does not import the file"
        )


@by_room
def test_what_is_in_the_table_is_public(room, base, table):
    for kind in table:
        assert getattr(room, kind.__name__) is kind and kind.__name__ in room.__all__
    assert len(set(room.__all__)) == len(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)


EYE = np.eye(6)
RIGHT_AND_WRONG = [  # targets, right predictions, wrong ones: the first that a metric takes
    (np.arange(6), EYE, -EYE),
    (np.array([0, 1, 0, 1]), EYE[[0, 1, 0, 1], :2], EYE[[1, 0, 1, 0], :2]),
    (
        np.array([[0.0], [1.0], [0.0]]),
        np.array([[0.0], [1.0], [0.0]]),
        np.array([[1.0], [0.0], [1.0]]),
    ),
]


@pytest.mark.parametrize("name", metrics.METRICS)
def test_a_metric_says_whether_more_of_it_is_better(name):
    def value(y, outputs):
        metric = metrics.get(name)
        metric.reset()
        metric.update(y, outputs, None)
        return metric.result()

    for y, right, wrong in RIGHT_AND_WRONG:
        try:
            more = value(y, right) > value(y, wrong)
        except (TypeError, ValueError):
            continue
        kind = metrics.METRICS[name]
        assert kind.more_is_better is more, f"{kind.__name__}.more_is_better must be {more}"
        assert metrics.more_is_better(f"val_{name}") is more
        return
    pytest.fail(f"no targets here suit {name}: add some to RIGHT_AND_WRONG")
