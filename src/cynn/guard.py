"""Who may use a model at once: any number of predictions, or one fit."""

import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Users:
    """Those that are inside, in one process.

    Attributes
    ----------
    readers : set
        A token for each.
    writer : (int, str) or None
        Its thread, and what it does.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers: set[object] = set()
        self.writer: tuple[int, str] | None = None

    def admit_writer(self, token: tuple[int, str], nested: bool) -> None:
        """Let a writer in; where `nested`, also within another of its own thread."""
        with self.lock:
            if self.writer is None:
                if self.readers:
                    raise RuntimeError(f"cannot {token[1]}: predictions are running on the model")
                self.writer = token
            elif not (nested and self.writer[0] == token[0]):
                raise RuntimeError(f"cannot {token[1]}: the model is busy with a {self.writer[1]}")

    def expect_own(self, writer: tuple[int, str], what: str) -> None:
        """Refuse a reader, unless the writer is of its own thread."""
        if writer[0] != threading.get_ident():
            raise RuntimeError(f"cannot {what}: the model is busy with a {writer[1]}")


class Guard:
    """Lets readers in side by side and a writer alone; who comes at a wrong time gets an error.

    The writer's own thread may read: a callback predicts in the midst of a fit. A child process
    starts afresh, whatever the parent was doing when it forked.
    """

    def __init__(self) -> None:
        self._by_process: dict[int, Users] = {}

    def users(self) -> Users:
        """Give the users in this process, the same to all threads that ask at once."""
        found = self._by_process.get(_forks)
        return found or self._by_process.setdefault(_forks, Users())


_forks = 0
"""Forks on the way to this process: its own number would cost a call to the system each time."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


def alone(nested: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
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
            finally:  # nothing is called here first, so that no Ctrl-C can come in between
                if users.writer is token:
                    users.writer = None

        return guarded

    return mark


def beside(method: Callable[P, T]) -> Callable[P, T]:
    """Mark a method that reads its object: it runs beside others that do.

    Raises
    ------
    RuntimeError
        By the method, if another thread is changing the object.

    Examples
    --------
    >>> class Counter:
    ...     def __init__(self):
    ...         self._guard, self.n = Guard(), 0
    ...     @alone()
    ...     def add(self):
    ...         self.n += 1
    ...         return self.read()
    ...     @beside
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
            with users.lock:
                if users.writer is not None:
                    users.expect_own(users.writer, method.__name__)
                users.readers.add(token)
            return method(*args, **named)
        finally:
            users.readers.discard(token)

    return guarded


def _users(guarded: Any) -> Users:
    guard: Guard = guarded._guard
    return guard.users()
