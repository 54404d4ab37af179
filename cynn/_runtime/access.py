"""Access to a model: any number of predictions at once, or one fit."""

import inspect
import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .._specs.names import expect_arguments

P = ParamSpec("P")
T = TypeVar("T")


class Users:
    """The readers and the writer that are inside, in one process.

    There is no lock: from CPython 3.14 on Ctrl-C can come between the taking of a lock and the
    block that gives it back, and the lock then stays taken for good. Each of two that come at once
    says so first and looks for the other then; so at most one is let in.

    Attributes
    ----------
    readers : set
        A token for each.
    writers : dict
        Empty, or the token of one.
    """

    def __init__(self) -> None:
        self.readers: set[object] = set()
        self.writers: dict[str, tuple[int, str]] = {}

    @property
    def writer(self) -> tuple[int, str] | None:
        """Its thread, and what it does."""
        return self.writers.get("one")

    def admit_writer(self, token: tuple[int, str], nested: bool) -> None:
        """Let a writer in; where `nested`, also within another of its own thread.

        The caller takes its token back, also after an error.
        """
        writer = self.writers.setdefault("one", token)
        if writer is token:
            if self.readers:
                raise RuntimeError(f"cannot {token[1]}: predictions are running on the model")
        elif not (nested and writer[0] == token[0]):
            raise RuntimeError(f"cannot {token[1]}: the model is busy with a {writer[1]}")

    def expect_own(self, writer: tuple[int, str], what: str) -> None:
        """Refuse a reader, unless the writer is of its own thread."""
        if writer[0] != threading.get_ident():
            raise RuntimeError(f"cannot {what}: the model is busy with a {writer[1]}")


class Guard:
    """Admits concurrent readers or one writer; any other access raises an error.

    The writer's own thread may read: a callback predicts in the midst of a fit. A child process
    starts afresh, whatever the parent was doing when it forked.
    """

    def __init__(self) -> None:
        self._by_process: dict[int, Users] = {}

    def users(self) -> Users:
        """Return the users in this process, the same object for all concurrent threads."""
        users = self._by_process.get(_forks)
        return users or self._by_process.setdefault(_forks, Users())


_forks = 0
"""Forks on the way to this process: its own number would cost a call to the system each time."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


def exclusive(nested: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark a method that changes its object: it runs while no other marked method does.

    Parameters
    ----------
    nested : bool
        Whether it may run within another one of its own thread, as from a callback of a fit.

    Raises
    ------
    RuntimeError
        By the method, if the object is in use. The object has a `Guard` as ``_guard``.
    """

    def mark(method: Callable[P, T]) -> Callable[P, T]:
        @wraps(method)
        def guarded(*args: P.args, **named: P.kwargs) -> T:
            users = _users(args[0])
            token = (threading.get_ident(), method.__name__)
            try:
                users.admit_writer(token, nested)
                return method(*args, **named)
            except TypeError:
                if named:
                    expect_arguments(method, args[0], named)
                raise
            finally:  # nothing is called here first, so that no Ctrl-C can come in between
                if "one" in users.writers and users.writers["one"] is token:
                    del users.writers["one"]

        return readable(guarded, method)

    return mark


def shared(method: Callable[P, T]) -> Callable[P, T]:
    """Mark a method that reads its object: it runs concurrently with others that do.

    Raises
    ------
    RuntimeError
        By the method, if another thread is changing the object.

    Examples
    --------
    >>> class Counter:
    ...     def __init__(self):
    ...         self._guard, self.n = Guard(), 0
    ...     @exclusive()
    ...     def add(self):
    ...         self.n += 1
    ...         return self.read()
    ...     @shared
    ...     def read(self):
    ...         return self.n
    >>> Counter().add()
    1
    """

    @wraps(method)
    def guarded(*args: P.args, **named: P.kwargs) -> T:
        users = _users(args[0])
        token = object()
        try:
            users.readers.add(token)
            writer = users.writer
            if writer is not None:
                users.expect_own(writer, method.__name__)
            return method(*args, **named)
        except TypeError:
            if named:
                expect_arguments(method, args[0], named)
            raise
        finally:
            users.readers.discard(token)

    return readable(guarded, method)


def readable(wrapper: Callable[P, T], method: Callable[P, T]) -> Callable[P, T]:
    """Return a wrapper with the signature of its method, without the types.

    ``help`` shows it first, and a dozen unions of types hide the names; the docstring has them.
    """
    signature = inspect.signature(method)
    names = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    plain = signature.replace(parameters=names, return_annotation=signature.empty)
    wrapper.__signature__ = plain  # type: ignore[attr-defined]
    return wrapper


def _users(guarded: Any) -> Users:
    guard: Guard = guarded._guard
    return guard.users()
