"""The one thread in which everything heavy runs, and the line before it."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from smart import serving
from smart.ui.ledger import ledger

_R = TypeVar("_R")


class RefusedError(ValueError):
    """Long work that is not taken on: the line is full, or the app ends."""


class Workshop:
    """The one thread in which everything heavy runs.

    Each thread that computes brings its own team of OpenMP threads; two teams on two cores put
    each other to sleep and take twice as long (measured: 30 s instead of 18 s for a portrait). So
    quick work, such as a face, is done between two steps of the portrait that is being painted.
    """

    def __init__(self) -> None:
        self._quick: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._line: list[Callable[[], None]] = []  # what runs, and behind it what waits
        self._closed = False
        self._wake = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def quick(self, work: Callable[[], _R], kind: str = "quick work") -> _R:
        """Do something short, at the latest after the next step of what runs; its result.

        kind is what the owner's page counts it under.
        """
        if threading.current_thread() is self._thread:
            return work()
        future: Future[_R] = Future()

        def timed() -> None:
            began = time.perf_counter()
            fulfil(future, work)
            ledger.took(kind, time.perf_counter() - began)

        self._quick.put(timed)
        self._begin()
        return future.result()

    def long(self, work: Callable[[], None]) -> None:
        """Do something long when what was put before is done; returns at once.

        Raises RefusedError where too many wait already (SMART_WAITING), or the app is about to end.
        """
        with self._lock:
            if self._closed:
                raise RefusedError("SMART is about to close; open the page again in a minute.")
            if len(self._line) > serving.current().waiting:
                minutes = math.ceil(len(self._line) * ledger.usual() / 60)
                raise RefusedError(
                    f"The studio is full: {len(self._line)} are served before you. Come back in "
                    f"about {minutes} minute{'s' if minutes > 1 else ''}."
                )
            self._line.append(work)
        self._begin()

    def close(self) -> None:
        """Take nothing long on any more."""
        with self._lock:
            self._closed = True

    @property
    def length(self) -> int:
        """How many pieces of long work there are, what runs included."""
        with self._lock:
            return len(self._line)

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken on."""
        return self._closed

    def ahead(self, work: Callable[[], None]) -> int:
        """How many pieces of long work are done before this one; 0 for what runs or is done."""
        with self._lock:
            return self._line.index(work) if work in self._line else 0

    def leave(self, work: Callable[[], None]) -> bool:
        """Take long work out of the line; False where it has begun already, or is done."""
        with self._lock:
            waits = work in self._line[1:]
            if waits:
                self._line.remove(work)
            return waits

    def between_steps(self) -> None:
        """Called by long work now and then: do what is quick and waits."""
        while True:
            try:
                work = self._quick.get_nowait()
            except queue.Empty:
                return
            work()

    def _begin(self) -> None:
        self._wake.release()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, daemon=True, name="workshop")
                self._thread.start()

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            self.between_steps()
            with self._lock:
                work = self._line[0] if self._line else None
            if work is None:
                continue
            try:
                work()
            finally:
                with self._lock:
                    self._line.remove(work)


def fulfil(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do work, and give its result or what it raised to who waits for the future."""
    try:
        future.set_result(work())
    except BaseException as error:  # handed to the one who waits, whatever it is
        future.set_exception(error)


workshop = Workshop()
