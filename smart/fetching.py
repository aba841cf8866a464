"""Something that is fetched beside everything else: one thread, its state, start and stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from smart.progress import Cancelled, OnProgress, Progress


@dataclass(frozen=True)
class State:
    """Where a fetch stands.

    now is "idle", "fetching", "stopping", "stopped", "failed" or "finished"; done counts to total,
    in megabytes; words say what is waited for, or why it failed, as one sentence.
    """

    now: str = "idle"
    done: int = 0
    total: int = 0
    fraction: float = 0.0
    words: str = ""

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self.now in ("fetching", "stopping")


class Fetch:
    """Work with an on_progress callback that is done in one daemon thread, when it is asked for.

    It may be started again after it has ended, however it did; work has to go on where it was.
    """

    def __init__(self, work: Callable[[OnProgress], object]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._state = State()
        self._stop = threading.Event()
        self._ended = threading.Event()

    @property
    def state(self) -> State:
        """Where it stands now."""
        with self._lock:
            return self._state

    def start(self) -> bool:
        """Begin, unless it is at work already; whether it began."""
        with self._lock:
            if self._state.running:
                return False
            self._state = State("fetching", self._state.done, self._state.total)
            self._stop.clear()
            self._ended.clear()
        threading.Thread(target=self._run, daemon=True, name="smart-fetch").start()
        return True

    def stop(self) -> None:
        """End it at its next sign of life; what came stays."""
        with self._lock:
            if self._state.now == "fetching":
                self._state = replace(self._state, now="stopping")
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; whether it has."""
        return not self.state.running or self._ended.wait(seconds)

    def _run(self) -> None:
        try:
            self._work(self._report)
        except Cancelled:
            self._end("stopped")
        except ValueError as error:
            self._end("failed", str(error))
        except Exception as error:
            # Whoever waits must hear of it, also where nobody thought of it.
            logging.getLogger(__name__).exception("A fetch ended by an accident.")
            self._end("failed", f"It ended by an accident ({type(error).__name__}); try again.")
        else:
            self._end("finished")

    def _report(self, progress: Progress) -> None:
        with self._lock:
            words = progress.stage if progress.stage.startswith(WAITING) else ""
            share = progress.fraction or 0.0
            now = self._state.now
            self._state = State(now, progress.step, progress.total, share, words)
        if self._stop.is_set():
            raise Cancelled

    def _end(self, now: str, words: str = "") -> None:
        with self._lock:
            self._state = replace(self._state, now=now, words=words)
        self._ended.set()


WAITING = "waiting"  # a stage that begins so tells what is waited for
