"""What layers, losses, optimizers and schedules share: each is a declaration.

A spec is a class and the arguments that it was made with, each kept as the attribute of the same
name. From that alone come its ``repr`` (which makes it again), its equality, its plain dictionary
for files, and its way back. A spec is checked when it is made and does not change afterwards, so
that one object may serve several models; ``replace`` makes a changed one.
"""

import inspect
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar
from weakref import WeakKeyDictionary

from .names import Explained, near
from .validation import choice, shown

MOST_DEPTH = 32
"""How deep specs may lie within specs: what goes through them calls itself."""

MOST_PARTS = 1 << 16
"""How many specs may lie within one: the columns of a table, above all."""

T = TypeVar("T")
S = TypeVar("S", bound="Spec")


class Spec(Explained):
    """Base of the declarations: a class and its arguments.

    A subclass sets each parameter of its ``__init__`` once, as the attribute of the same name, to
    a checked value: a number, a string, a bool, None, another spec, a function, a tuple of these,
    or numbers by name (`cynn._specs.factors.ByName`). Anything derived from them is a property or a
    method.

    Examples
    --------
    >>> class Noise(Spec):
    ...     def __init__(self, width, shape="normal", *, seed=None):
    ...         self.width, self.shape, self.seed = width, shape, seed
    >>> Noise(0.5), Noise(0.5, "flat", seed=1)
    (Noise(0.5), Noise(0.5, 'flat', seed=1))
    >>> Noise(0.5) == Noise(0.5)
    True
    >>> Noise(0.5).to_dict()
    {'class': 'Noise', 'width': 0.5, 'shape': 'normal', 'seed': None}
    """

    def config(self) -> dict[str, Any]:
        """Return the arguments that make this object again, by name, in order.

        Returns
        -------
        dict
            Every parameter of the constructor, those at their default too.
        """
        return {name: getattr(self, name) for name in _parameters(type(self))}

    def to_dict(self) -> dict[str, Any]:
        """Return this object as a plain dictionary, fit for JSON; ``from_dict`` reads it.

        Returns
        -------
        dict
            ``"class"``, then the arguments; a spec inside is a dictionary in turn.
        """
        config = self.config().items()
        return {"class": type(self).__name__} | {name: _plain(value) for name, value in config}

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some arguments changed.

        Parameters
        ----------
        **changes
            Arguments by name.

        Returns
        -------
        Spec
            A new object of the same class, checked like any.

        Raises
        ------
        TypeError, ValueError
            If an argument is unknown, or not as its class describes it.

        Examples
        --------
        >>> from cynn.layers import Dense
        >>> Dense(10, "relu").replace(units=20)
        Dense(20, 'relu')
        """
        return type(self)(**(self.config() | changes))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an argument once; an unchecked change or a misspelt name is refused."""
        kind = type(self).__name__
        parameters = _parameters(type(self))
        if name not in parameters:
            raise AttributeError(f"{kind} has no argument {name!r}{near(name, parameters)}")
        if name in self.__dict__:
            raise AttributeError(f"{kind} cannot be changed: make another with replace({name}=...)")
        expect_few(name, _specs_among((value,)), MOST_PARTS)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        """Write the call that makes this object, without the arguments at their default.

        A function is written by its name.
        """
        parts = []
        in_order = True  # as long as no argument was left out, they need no name
        for name, parameter in _parameters(type(self)).items():
            value = getattr(self, name)
            if value == parameter.default:
                in_order = False
            elif in_order and parameter.kind is not parameter.KEYWORD_ONLY:
                parts.append(_written(value))
            else:
                parts.append(f"{name}={_written(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        """Compare by class and arguments."""
        if type(self) is not type(other):
            return NotImplemented
        return self.config() == other.config()

    def __hash__(self) -> int:
        """Hash by class and arguments."""
        return hash((type(self), *self.config().values()))


# Reading a signature takes longer than all else that is done for an argument.
_PARAMETERS: WeakKeyDictionary[type, Mapping[str, inspect.Parameter]] = WeakKeyDictionary()


def _parameters(kind: type) -> Mapping[str, inspect.Parameter]:
    known = _PARAMETERS.get(kind)
    if known is None:
        known = _PARAMETERS[kind] = inspect.signature(kind).parameters
    return known


def _written(value: Any) -> str:
    """Write an argument: where a function lies differs from process to process, so not that."""
    if callable(value) and not isinstance(value, Spec):
        return str(getattr(value, "__name__", type(value).__name__))
    return repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value.to_dict() if isinstance(value, Spec) else value


def subclasses_in(namespace: Mapping[str, Any], base: type[T]) -> list[type[T]]:
    """Return the subclasses of a class that a module's namespace holds, in order, without itself.

    Parameters
    ----------
    namespace : mapping of str to object
        The module's ``globals()``.
    base : type
        The class.

    Returns
    -------
    list of type
        Those whose names begin with no underscore, each once.

    Examples
    --------
    >>> subclasses_in({"bool": bool, "int": int, "_hidden": bool, "one": 1}, int)
    [<class 'bool'>]
    """
    return [
        found
        for name, found in namespace.items()
        if isinstance(found, type)
        and issubclass(found, base)
        and found is not base
        and not name.startswith("_")
    ]


def get(name: str, value: object, base: type[T], named: Mapping[str, type[T]]) -> T:
    """Return the object that is meant: by a name, or the object itself.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : str or object
        A key of `named`, or an instance of `base`.
    base : type
        The class of what is wanted.
    named : mapping of str to type
        The classes that go by a name; they are made with their defaults.

    Returns
    -------
    object
        An instance of `base`.

    Raises
    ------
    TypeError
        If `value` is something else.
    ValueError
        If no class goes by that name.

    Examples
    --------
    >>> get("real", "zero", float, {"zero": float})
    0.0
    >>> get("real", "one", float, {"zero": float})
    Traceback (most recent call last):
    ValueError: real must be one of 'zero', got 'one'
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        return named[choice(name, value, named)]()
    kind = base.__name__
    wanted = f"{name} must be a name or {'an' if kind[0] in 'AEIOU' else 'a'} {kind} object"
    if isinstance(value, type) and issubclass(value, base):
        raise TypeError(f"{wanted}, got a class: make an object of it, {value.__name__}(...)")
    raise TypeError(f"{wanted}, got {shown(value)}")


def expect_few(name: str, parts: Iterable[Any], most: int) -> None:
    """Raise an error where specs are too many, or nested too deep.

    The same rule holds for specs and for the dictionaries from which a file makes them, so that
    what can be made can be saved, and read again. It is asked before any is made.

    Parameters
    ----------
    name : str
        What they are, for messages.
    parts : iterable of Spec and of dict
        The specs; those in their lists count too.
    most : int
        How many there may be, on all levels together.

    Raises
    ------
    ValueError
        If there are more, or some lie deeper than `MOST_DEPTH`.

    Examples
    --------
    >>> from cynn.layers import Dense, Residual
    >>> expect_few("layers", [Residual([Dense(2), Dense(2)])], most=2)
    Traceback (most recent call last):
    ValueError: layers must be at most 2 with those inside of others, got more
    """
    level, count, depth = list(itertools.islice(parts, most + 1)), 0, 0
    while level:
        count += len(level)
        depth += 1
        if count > most:
            raise ValueError(f"{name} must be at most {most} with those inside of others, got more")
        if depth > MOST_DEPTH:
            raise ValueError(f"{name} must be nested at most {MOST_DEPTH} deep, got deeper ones")
        level = list(itertools.islice(_inside(level), most + 1 - count))


def _inside(parts: Iterable[Any]) -> Iterator[Any]:
    """Yield the specs, or their dictionaries, that others have for arguments, or in lists there."""
    for part in parts:
        yield from _specs_among((part if isinstance(part, dict) else vars(part)).values())


_PLAIN = frozenset((int, float, str, bool, type(None)))


def _specs_among(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        each = value if isinstance(value, tuple | list) else (value,)
        if not _PLAIN.issuperset(map(type, each)):  # of millions of numbers it is asked fast
            yield from (spec for spec in each if isinstance(spec, (Spec, dict)))


def from_dict(data: Any, classes: Iterable[type[S]], inner: Iterable[type["Spec"]] = ()) -> S:
    """Make a spec again from the dictionary that ``to_dict`` gave.

    Parameters
    ----------
    data : dict
        ``"class"`` and the arguments. It may come from a file, so that all of it is checked.
    classes : iterable of type
        The classes that it may name.
    inner : iterable of type, optional
        The classes that an argument may name in turn, and theirs. A list may hold what stands for
        `classes`.

    Returns
    -------
    Spec
        Equal to the one that was written.

    Raises
    ------
    ValueError
        If anything is wrong with it: not a dictionary, an unknown class, an argument that is
        unknown, missing or refused.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> from_dict({"class": "Dense", "units": 10}, [Dense])
    Dense(10)
    >>> from_dict({"class": "Dense", "unit": 10}, [Dense])
    Traceback (most recent call last):
    ValueError: arguments of Dense must be among units, ..., got 'unit': did you mean 'units'?
    """
    if isinstance(data, dict):
        expect_few("arguments", _inside([data]), MOST_PARTS)
    return _from_dict(data, classes, inner)


def _from_dict(data: Any, classes: Iterable[type[S]], inner: Iterable[type["Spec"]]) -> S:
    if not isinstance(data, dict):
        raise ValueError(f"a spec must be a dictionary with a 'class', got {shown(data)}")
    by_name = {cls.__name__: cls for cls in classes}
    arguments = dict(data)
    try:
        kind = by_name[choice("class", arguments.pop("class", None), by_name)]
        parameters = _parameters(kind)
        for name in arguments:
            if name not in parameters:
                known = ", ".join(parameters)
                raise ValueError(
                    f"arguments of {kind.__name__} must be among {known}, got {name!r:.100}"
                    f"{near(name, parameters)}"
                )
        for name, parameter in parameters.items():
            if parameter.default is parameter.empty and name not in arguments:
                raise ValueError(f"{kind.__name__} must have the argument {name!r}, got none")
            if isinstance(arguments.get(name), dict) and "class" in arguments[name]:
                arguments[name] = _from_dict(arguments[name], inner, inner)
            elif isinstance(arguments.get(name), list):
                arguments[name] = [
                    _from_dict(part, by_name.values(), inner) if isinstance(part, dict) else part
                    for part in arguments[name]
                ]
        return kind(**arguments)
    except TypeError as error:  # in a file this is a wrong value too
        raise ValueError(str(error)) from error
