"""Who may use a model at once: any number of predictions, or one fit."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Guard:
    """Lets readers in side by side and a writer alone; whoever comes at the wrong time gets an error.

    The writer's own thread may read: a callback predicts in the midst of a fit. A child process
    starts afresh, whatever the parent was doing when it forked.

    Examples
    --------
    >>> guard = Guard()
    >>> with guard.alone("fit"):
    ...     with guard.beside("predict"):
    ...         pass
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._readers = 0
        self._writer: tuple[int, str] | None = None  # its thread, and what it does

    def _afresh(self) -> None:
        if self._process != os.getpid():
            self._start()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Change the model for the length of the context.

        Raises
        ------
        RuntimeError
            If it is in use.
        """
        self._afresh()
        me = threading.get_ident()
        with self._lock:
            if self._writer is not None:
                raise RuntimeError(f"cannot {what}: the model is busy with a {self._writer[1]}")
            if self._readers:
                raise RuntimeError(f"cannot {what}: predictions are running on the model")
            self._writer = (me, what)
        try:
            yield
        finally:
            self._afresh()
            with self._lock:
                self._writer = None

    @contextmanager
    def beside(self, what: str) -> Iterator[None]:
        """Read the model for the length of the context.

        Raises
        ------
        RuntimeError
            If another thread is changing it.
        """
        self._afresh()
        with self._lock:
            if self._writer is not None and self._writer[0] != threading.get_ident():
                raise RuntimeError(f"cannot {what}: the model is busy with a {self._writer[1]}")
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1

    def __reduce__(self) -> tuple[type["Guard"], tuple[()]]:
        """Copy as a guard that nobody has passed."""
        return Guard, ()
