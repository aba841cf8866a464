"""Long work beside the page: its latest report, Stop, and who may stop it."""

from __future__ import annotations

import contextvars
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeVar

from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.ui import zero_gpu
from smart.ui.ledger import Entry, ledger
from smart.ui.workshop import RefusedError, fulfil
from smart.ui.workshop import workshop as workshop

WAITING = "waiting"  # the stage of work before which others are served
# s; so often at least a watcher hears something. Whoever has gone is noticed only then.
PULSE = 1.0

_R = TypeVar("_R")


class Job(Generic[_R]):
    """Long work in the workshop that can be watched and stopped.

    work takes an on_progress callback and returns its result, also when the callback raised
    Cancelled. Only the newest report is kept: a slow watcher sees fewer, never old ones; seen is
    called with every one. apart says that work and its result can be pickled, and may be done in
    another process where that one has the GPU (see smart.ui.zero_gpu); it is called by
    on_progress= then.
    """

    def __init__(
        self,
        work: Callable[..., _R],
        kind: str = "other work",
        seen: OnProgress = ignore,
        apart: bool = False,
    ) -> None:
        self.started = time.monotonic()
        self._entry = Entry(kind)
        self._seen = seen
        if apart:
            work = partial(zero_gpu.run, work, contextvars.copy_context(), self._idle)
        self._work = work
        self._news = threading.Condition()
        self._latest: Progress | None = None
        self._stopped = self._reported = False
        self._finished = False
        self._future: Future[_R] = Future()

    def _run(self) -> None:
        self._entry.begin()
        fulfil(self._future, lambda: self._work(self._report))
        error = self._future.exception()
        left = error is None or isinstance(error, Cancelled)
        ledger.add(self._entry, "failed" if not left else "stopped" if self._stopped else "done")
        _under_way.discard(self)
        with self._news:
            self._finished = True
            self._news.notify_all()

    def _report(self, progress: Progress) -> None:
        self._reported = True
        self._entry.reached(progress.stage)
        self._seen(progress)
        with self._news:
            if progress.preview is None and self._latest is not None:
                # What was not shown yet is still the newest to be seen.
                progress = dataclasses.replace(progress, preview=self._latest.preview)
            self._latest = progress
            self._news.notify_all()
            if self._stopped:
                raise Cancelled
        workshop.between_steps()

    def _idle(self) -> None:
        """Nothing has come yet: others' quick work, and Stop, which has nothing to keep."""
        workshop.between_steps()
        if self._stopped and not self._reported:
            raise Cancelled

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
        _under_way.add(self)  # first: short work is done before one looks round
        try:
            workshop.long(self._run)
        except RefusedError:
            _under_way.discard(self)
            ledger.add(self._entry, "refused")
            raise
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
