"""What the app did and how long each part of it took: for its owner, and for who asks how long.

Nothing of anyone's pictures, texts or names is in it: kinds of work, stages, seconds, endings.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import NamedTuple

from smart.ui.logs import event

KEPT = 500  # durations of each stage
LATEST = 30  # pieces of work
STAGES = 200  # stages of their own; what comes beyond is counted together
USUAL = 30.0  # s, what long work is thought to take until some has been done
OTHER = "other stages"
ENDINGS = ("done", "stopped", "left", "refused", "failed")


class Row(NamedTuple):
    """One line of the owner's table: seconds of a stage."""

    stage: str
    times: int
    median: float
    p95: float
    longest: float


class Entry:
    """One piece of long work: when it came, began, and how long each of its stages took."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.came = time.monotonic()
        self.began: float | None = None
        self.stages: dict[str, float] = {}
        self._stage, self._since = "preparing", self.came

    def begin(self) -> None:
        """The wait in the line is over."""
        self.began = self._since = time.monotonic()

    def reached(self, stage: str) -> None:
        """The work reports this stage; what passed belongs to the one before."""
        now = time.monotonic()
        self.stages[self._stage] = self.stages.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def end(self) -> None:
        """Nothing more comes."""
        if self.began is not None:
            self.reached(self._stage)

    @property
    def waited(self) -> float:
        return (self.began or time.monotonic()) - self.came

    @property
    def seconds(self) -> float:
        return 0.0 if self.began is None else time.monotonic() - self.began


@dataclass(frozen=True)
class Done:
    """One of the latest pieces of work, as the owner sees it."""

    at: float  # seconds since 1970
    kind: str
    ending: str
    waited: float
    seconds: float


class Ledger:
    """Durations by stage, endings by kind, the latest work. Bounded, and safe to use by threads."""

    def __init__(self) -> None:
        self.since = time.time()
        self._lock = threading.Lock()
        self._durations: dict[str, deque[float]] = {}
        self._whole: deque[float] = deque(maxlen=20)
        self._endings: Counter[tuple[str, str]] = Counter()
        self._latest: deque[Done] = deque(maxlen=LATEST)

    def took(self, stage: str, seconds: float) -> None:
        """Something took so long."""
        with self._lock:
            if stage not in self._durations and len(self._durations) >= STAGES:
                stage = OTHER
            self._durations.setdefault(stage, deque(maxlen=KEPT)).append(seconds)

    def add(self, entry: Entry, ending: str) -> None:
        """A piece of long work came to one of ENDINGS."""
        entry.end()
        done = Done(time.time(), entry.kind, ending, entry.waited, entry.seconds)
        with self._lock:
            self._endings[entry.kind, ending] += 1
            self._latest.appendleft(done)
            if entry.began is not None:
                self._whole.append(done.seconds)
        if entry.began is not None:
            self.took("waiting", done.waited)
            self.took(entry.kind, done.seconds)
            for stage, seconds in entry.stages.items():
                self.took(f"{entry.kind}: {stage}", seconds)
        event(
            "work", kind=entry.kind, ending=ending, waited=round(done.waited, 2),
            seconds=round(done.seconds, 2),
        )  # fmt: skip

    def usual(self) -> float:
        """Seconds that long work takes of late."""
        with self._lock:
            return statistics.fmean(self._whole) if self._whole else USUAL

    def rows(self) -> list[Row]:
        """Every stage, sorted by name."""
        with self._lock:
            known = {stage: sorted(times) for stage, times in self._durations.items()}
        return [
            Row(stage, len(t), statistics.median(t), t[math.ceil(0.95 * len(t)) - 1], t[-1])
            for stage, t in sorted(known.items())
        ]

    def endings(self) -> dict[str, dict[str, int]]:
        """How often work of each kind came to which end."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (kind, ending), count in sorted(self._endings.items()):
                found.setdefault(kind, {})[ending] = count
        return found

    def latest(self) -> list[Done]:
        """The newest first."""
        with self._lock:
            return list(self._latest)


ledger = Ledger()
