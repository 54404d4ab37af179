"""What the columns and the target of a table are, in words for people."""

from typing import Any

from ._coded import Coded
from ._columns import Categorical, Column, Numeric
from ._dates import Dates
from ._quantiles import QuantileNumeric
from ._targets import Quantity


def of_column(each: Column) -> str:
    """Return what a column is, and what of it the network takes."""
    if isinstance(each, QuantileNumeric):
        low, high = each.quantiles[0], each.quantiles[-1]
        return f"a number by its quantiles, from {low:.4g} to {high:.4g}"
    if isinstance(each, Numeric):
        if not each.clip:
            return of_number(each)
        scale = f"a number: median {each.mean:.4g}, quartiles {each.std:.4g} apart"
        return f"{scale}, bent in smoothly to {each.clip:g} times that"
    if isinstance(each, Coded):
        return f"one of {len(each.categories):,} or another, embedded: {some(each.categories)}"
    if isinstance(each, Categorical):
        return f"one of {len(each.categories):,}: {some(each.categories)}"
    if isinstance(each, Dates):
        return f"a date: {', '.join([*each.parts, *(['weekday'] if each.weekday else [])])}"
    return type(each).__name__.lower()


def of_number(each: Numeric | Quantity) -> str:
    """Return how a column or a target of numbers is scaled."""
    text = f"mean {each.mean:.4g}, deviation {each.std:.4g}"
    if isinstance(each, Numeric):
        return f"a number: {text}"
    text = {
        "linear": f"a number: {text}",
        "log": f"a number whose logarithm is learned: {text}",
    }.get(each.scale, f"a number, the logarithm of 1 + which is learned: {text}")
    if each.low is not None and each.high is not None:
        text += f"; predicted from {each.low:.4g} to {each.high:.4g}"
    return text


def some(words: Any) -> str:
    """Return the first few of many words."""
    return ", ".join(repr(word)[:40] for word in words[:8]) + (", ..." if len(words) > 8 else "")
