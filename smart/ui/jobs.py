"""Long work beside the page: one thread for all of it, its line, the latest report, and Stop."""

from __future__ import annotations

import dataclasses
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from smart import serving
from smart.progress import Cancelled, OnProgress, Progress
from smart.ui.ledger import Entry, ledger

WAITING = "waiting"  # the stage of work before which others are served
# s; so often at least a watcher hears something. Whoever has gone is noticed only then.
PULSE = 1.0

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
            _fulfil(future, work)
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


def _fulfil(future: Future[Any], work: Callable[[], Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # handed to the one who waits, whatever it is
        future.set_exception(error)


workshop = Workshop()


class Job(Generic[_R]):
    """Long work in the workshop that can be watched and stopped.

    work takes an on_progress callback and returns its result, also when the callback raised
    Cancelled. Only the newest report is kept: a slow watcher sees fewer, never old ones.
    """

    def __init__(self, work: Callable[[OnProgress], _R], kind: str = "other work") -> None:
        self.started = time.monotonic()
        self._entry = Entry(kind)
        self._work = work
        self._news = threading.Condition()
        self._latest: Progress | None = None
        self._stopped = False
        self._finished = False
        self._future: Future[_R] = Future()

    def _run(self) -> None:
        self._entry.begin()
        _fulfil(self._future, lambda: self._work(self._report))
        error = self._future.exception()
        left = error is None or isinstance(error, Cancelled)
        ledger.add(self._entry, "failed" if not left else "stopped" if self._stopped else "done")
        _under_way.discard(self)
        with self._news:
            self._finished = True
            self._news.notify_all()

    def _report(self, progress: Progress) -> None:
        self._entry.reached(progress.stage)
        with self._news:
            if progress.preview is None and self._latest is not None:
                # What was not shown yet is still the newest to be seen.
                progress = dataclasses.replace(progress, preview=self._latest.preview)
            self._latest = progress
            self._news.notify_all()
            if self._stopped:
                raise Cancelled
        workshop.between_steps()

    def stop(self) -> None:
        """End the work at its next report; its result is what is done by then.

        Work that still waits leaves the line, and its result is Cancelled.
        """
        with self._news:
            self._stopped = True
        if workshop.leave(self._run):
            self._future.set_exception(Cancelled())
            ledger.add(self._entry, "left")
            _under_way.discard(self)
            with self._news:
                self._finished = True
                self._news.notify_all()

    def watch(self, every: float) -> Iterator[Progress]:
        """Take a place in the line, and give the newest report at most once in `every` seconds.

        While others are served first, the reports are of the stage WAITING, with as many steps
        to go as there are others. A watcher that goes away (closes the generator) stops the work;
        one that never began to look has to stop it. Raises RefusedError at once where it is full.
        """
        try:
            workshop.long(self._run)
        except RefusedError:
            ledger.add(self._entry, "refused")
            raise
        _under_way.add(self)
        return self._reports(every)

    def _reports(self, every: float) -> Iterator[Progress]:
        try:
            yield from self._in_line()
            before: Progress | None = None
            while True:
                with self._news:
                    news = self._news.wait_for(
                        lambda: self._finished or self._latest is not None, PULSE
                    )
                    if self._finished:
                        return
                    latest, self._latest = self._latest, None
                shown = time.monotonic()
                if latest is not None:
                    yield latest
                    before = dataclasses.replace(latest, preview=None)
                elif not news and before is not None:
                    yield before
                # Previews must not cost much, however fast the steps are.
                with self._news:
                    pause = every - (time.monotonic() - shown)
                    self._news.wait_for(lambda: self._finished, max(pause, 0))
        finally:
            self.stop()

    def _in_line(self) -> Iterator[Progress]:
        said, when = 0, 0.0
        while ahead := workshop.ahead(self._run):
            now = time.monotonic()
            if ahead != said or now - when > PULSE:
                yield Progress(0, ahead, WAITING)
                said, when = ahead, now
            with self._news:
                self._news.wait_for(lambda: self._finished, 0.2)

    def result(self) -> _R:
        """What the work returned, or what it raised; waits for the end."""
        return self._future.result()


_under_way: set[Job[Any]] = set()


def stop_all() -> None:
    """End everything long at its next report, as Stop does, and take nothing on any more."""
    workshop.close()
    for job in list(_under_way):
        job.stop()


class Desk:
    """The running job of each session, so that Stop finds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[Any]] = {}

    def put(self, session: str, job: Job[Any]) -> None:
        with self._lock:
            self._jobs[session] = job

    def remove(self, session: str, job: Job[Any]) -> None:
        with self._lock:
            if self._jobs.get(session) is job:
                del self._jobs[session]

    def stop(self, session: str) -> None:
        with self._lock:
            job = self._jobs.get(session)
        if job is not None:
            job.stop()

    def busy(self, session: str) -> bool:
        with self._lock:
            return session in self._jobs
