"""Names that are none here: what is meant, by another library's words or by how it is spelt."""

import importlib.util
import inspect
import opcode
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import wraps
from types import FrameType
from typing import Any, NoReturn, ParamSpec, TypeVar

from . import aliases

P = ParamSpec("P")
T = TypeVar("T")

LONGEST = 100
"""No name is longer; what is, is compared with none."""


def near(word: object, names: Iterable[str]) -> str:
    """Return ``": did you mean 'name'?"`` where a name is spelt much like the word, else nothing.

    Parameters
    ----------
    word : object
        What came.
    names : iterable of str
        What there is.

    Returns
    -------
    str
        The end of a message.

    Examples
    --------
    >>> near("prise", ["size", "price"]), near("colour", ["size", "price"])
    (": did you mean 'price'?", '')
    """
    close = nearest(word, names)
    return "" if close is None else f": did you mean {close!r}?"


def nearest(word: object, names: Iterable[str]) -> str | None:
    """Return the name that is spelt much like a word, if there is one.

    Parameters
    ----------
    word : object
        What came.
    names : iterable of str
        What there is.

    Returns
    -------
    str or None
        One of `names`, the first of those that differ in case, dashes and underscores alone.

    Examples
    --------
    >>> nearest("Batch_Size", ["batch-size", "rows"]), nearest("colour", ["size", "price"])
    ('batch-size', None)
    """
    if not isinstance(word, str) or len(word) > LONGEST:
        return None
    import difflib

    alike: dict[str, str] = {}
    for name in names:
        if isinstance(name, str) and len(name) <= LONGEST:
            alike.setdefault(folded(name), name)
    close = difflib.get_close_matches(folded(word), alike, 1)
    return alike[close[0]] if close else None


def folded(word: str) -> str:
    """Return a word without what people spell in several ways: case, dashes and underscores.

    Examples
    --------
    >>> folded("Leaky_ReLU")
    'leakyrelu'
    """
    return "".join(c for c in word.casefold() if c not in "-_ ")


def synonym(kind: str, word: str, names: Iterable[str]) -> str:
    """Return the name here of what another library calls so, or the word itself.

    Parameters
    ----------
    kind : str
        A key of `aliases.SYNONYMS`, or any other kind of name, which has no synonyms.
    word : str
        What came.
    names : iterable of str
        What there is.

    Returns
    -------
    str
        One of `names`, if the word or what it is here is among them.

    Examples
    --------
    >>> synonym("activation", "swish", ["silu"]), synonym("activation", "swish", ["relu"])
    ('silu', 'swish')
    """
    meant = aliases.SYNONYMS.get(kind, {}).get(word, word)
    return meant if meant in names else word


def hint(kind: str, word: object, names: Iterable[str]) -> str:
    """Return what is to be written in place of a name that is unknown, as the end of a message.

    Parameters
    ----------
    kind : str
        A key of `aliases.NAMES`, or any other kind of name.
    word : object
        What came.
    names : iterable of str
        What there is.

    Returns
    -------
    str
        With a colon in front, or empty.

    Examples
    --------
    >>> hint("metric", "rmse", ["mse"])
    ": here it is 'mse', and its root"
    >>> hint("metric", "msee", ["mse"])
    ": did you mean 'mse'?"
    """
    known = [*names, *aliases.SYNONYMS.get(kind, {})]
    entries = aliases.NAMES.get(kind, {})
    entry = entries.get(word) if isinstance(word, str) else None
    if entry is None and isinstance(word, str) and folded(word) not in map(folded, known):
        entry = {folded(name): said for name, said in entries.items()}.get(folded(word))
    return _said(entry, word, lambda: known)


def sentence(entry: str) -> str:
    """Return an entry of the tables as a sentence.

    Examples
    --------
    >>> sentence("Model"), sentence("none here")
    ('here it is Model', 'there is none here')
    """
    return f"there is {entry}" if entry.startswith("none") else f"here it is {entry}"


def missing_from(
    module: str,
    kind: str = "",
    written: Callable[[str], str] = str,
    names: Collection[str] = (),
) -> Any:
    """Return the ``__getattr__`` of a module: it says what a name is that is not there.

    Parameters
    ----------
    module : str
        The module's name.
    kind : str, optional
        The kind of name that goes with what the module holds, a key of `aliases.SYNONYMS`.
    written : callable, optional
        How that is written which goes by a name here.
    names : collection of str, optional
        The names of that kind, which are looked for too.

    Returns
    -------
    callable
        It raises AttributeError, and ImportError where ``from module import name`` asks, as Python
        would put words of its own in place of the other.
    """

    def __getattr__(name: str) -> NoReturn:
        if name.startswith("__"):  # Python asks for many of these
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        entry = aliases.ATTRIBUTES.get(module, {}).get(name)
        meant = aliases.SYNONYMS.get(kind, {}).get(name, name if name in names else None)
        if entry is None and meant is not None:
            entry = written(meant)
        if entry is None:
            entry = aliases.NAMES.get(kind, {}).get(name)
        if entry is None and module == "cynn":
            entry = _place_in_cynn(name)
        text = _said(entry, name, lambda: public_names(sys.modules[module]))
        if _imports(sys._getframe(1)):
            raise ImportError(f"cannot import name {name!r} from {module!r}{text}", name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}{text}")

    return __getattr__


def _said(entry: str | None, word: object, names: Callable[[], Iterable[str]]) -> str:
    """Return the end of a message: what a word is here, else which name is near to it."""
    return near(word, names()) if entry is None else f": {sentence(entry)}"


def _imports(frame: FrameType) -> bool:
    """Return whether a frame stands at ``from module import name``."""
    code, place = frame.f_code.co_code, frame.f_lasti
    return 0 <= place < len(code) and code[place] == opcode.opmap["IMPORT_FROM"]


def _place_in_cynn(name: str) -> str | None:
    """Return where in the package a name is that its root does not have."""
    if name.startswith("_"):
        return None
    if importlib.util.find_spec(f"cynn.{name}") is not None:
        return f"a module of its own: import cynn.{name}"
    for module_name, module in list(sys.modules.items()):
        if (
            module_name.startswith("cynn.")
            and module_name.count(".") == 1
            and "._" not in module_name
        ):
            if name in getattr(module, "__all__", ()):
                return f"{module_name}.{name}"
    return None


def missing_attribute(value: object, name: str) -> AttributeError:
    """Return the error of an attribute that an object has not, for its ``__getattr__`` to raise.

    Parameters
    ----------
    value : object
        The object; its class, or a base of it, has a table in `aliases.ATTRIBUTES`.
    name : str
        What was looked for.

    Returns
    -------
    AttributeError
        It says what the name is here.
    """
    kind = type(value)
    entry = _entry(aliases.ATTRIBUTES, kind, name)
    own = [each for each in vars(value) if not each.startswith("_")]
    text = _said(entry, name, lambda: [*public_names(kind), *own])
    return AttributeError(f"{kind.__name__!r} object has no attribute {name!r}{text}")


def public_names(owner: Any) -> list[str]:
    """Return the names of the public attributes of a class or a module."""
    names = vars(owner).get("__all__") or dir(owner)  # getattr would ask `missing_from`
    return [name for name in names if not name.startswith("_")]


def explained(function: Callable[P, T]) -> Callable[P, T]:
    """Mark a function whose unknown arguments by name are explained.

    Parameters
    ----------
    function : callable
        A constructor or a method, of a class that has a table in `aliases.ARGUMENTS`.

    Returns
    -------
    callable
        It does the same, but for its error.

    Raises
    ------
    TypeError
        By the function, for an argument that it does not have; the message says what is meant.

    Examples
    --------
    >>> @explained
    ... def halve(number):
    ...     return number / 2
    >>> halve(numbers=2)
    Traceback (most recent call last):
    TypeError: arguments of halve must be among number, got 'numbers': did you mean 'number'?
    """

    @wraps(function)
    def called(*args: P.args, **named: P.kwargs) -> T:
        try:
            return function(*args, **named)
        except TypeError:
            owner = args[0] if args else None
            if named:
                expect_arguments(function, owner, named)
            _expect_few(function, owner, args)
            raise

    return called


class Explained:
    """Base of classes whose constructors explain the arguments that they do not know.

    Examples
    --------
    >>> class Half(Explained):
    ...     def __init__(self, number):
    ...         self.value = number / 2
    >>> Half(numbre=2)
    Traceback (most recent call last):
    TypeError: arguments of Half must be among number, got 'numbre': did you mean 'number'?
    """

    @explained
    def __init__(self) -> None:  # in place of Python's own, which says no more than "no arguments"
        super().__init__()

    def __init_subclass__(cls, **named: Any) -> None:
        """Mark the constructor of a subclass, if it takes something: a fit makes a `History`."""
        super().__init_subclass__(**named)
        if "__init__" in vars(cls) and len(inspect.signature(cls).parameters) > 0:
            cls.__init__ = explained(cls.__init__)  # type: ignore[method-assign]


def expect_arguments(function: Callable[..., Any], owner: object, named: Iterable[str]) -> None:
    """Refuse arguments by name that a function does not have, and say what is meant.

    Parameters
    ----------
    function : callable
        What was called.
    owner : object
        Its object, or its class.
    named : iterable of str
        The names of the arguments.

    Raises
    ------
    TypeError
        If one is unknown.
    """
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    known = [name for name in parameters if name not in ("self", "cls")]
    for name in named:
        if name in known:
            continue
        kind, suffix = _called(function, owner)
        entry = _entry(aliases.ARGUMENTS, kind, name, suffix)
        text = _said(entry, name, lambda: known)
        raise TypeError(
            f"arguments of {_title(function, owner)} must be among "
            f"{', '.join(known) or 'none'}, got {name!r}{text}"
        ) from None


def _expect_few(function: Callable[..., Any], owner: object, values: Sequence[object]) -> None:
    """Refuse more values without a name than there are places for them, and name these.

    Raises
    ------
    TypeError
        If there are more.
    """
    places = inspect.signature(function).parameters.values()
    if any(place.kind is place.VAR_POSITIONAL for place in places):
        return
    by_place = [place.name for place in places if place.kind is not place.KEYWORD_ONLY]
    if len(values) > len(by_place):
        own = [name for name in by_place if name not in ("self", "cls")]
        count = len(values) - (len(by_place) - len(own))
        which = f" ({', '.join(own)})" if own else ""
        raise TypeError(
            f"arguments of {_title(function, owner)} without a name must be {len(own)} at most"
            f"{which}, got {count}"
        ) from None


def _called(function: Callable[..., Any], owner: object) -> tuple[type, str]:
    """Return the class of what was called, and a dot and its method, nothing for a constructor."""
    kind = owner if isinstance(owner, type) else type(owner)
    return kind, "" if function.__name__ == "__init__" else f".{function.__name__}"


def _title(function: Callable[..., Any], owner: object) -> str:
    """Return how people call what was called."""
    kind, suffix = _called(function, owner)
    return f"{kind.__name__}{suffix}" if "." in function.__qualname__ else function.__name__


def _entry(table: dict[str, dict[str, str]], kind: type, name: str, suffix: str = "") -> str | None:
    """Return what a table says of a name, by a class or the nearest of its bases."""
    for base in kind.__mro__:
        entry = table.get(base.__name__ + suffix, {}).get(name)
        if entry is not None:
            return entry
    return None
