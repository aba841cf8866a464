"""How far work is and how long it still takes, in words."""

from __future__ import annotations

import time

from smart.progress import Progress
from smart.ui.jobs import WAITING


def in_line(progress: Progress) -> tuple[str, float, str] | None:
    """What one who waits is told: words, share, and what can be done; None where it has begun."""
    if progress.stage != WAITING:
        return None
    others = "One other is" if progress.total == 1 else f"{progress.total} others are"
    return f"{others} served before you", 0.0, "Stop leaves the line"


class Remaining:
    """Seconds left, from the work done since the first report of the same kind."""

    def __init__(self) -> None:
        self.first: tuple[str, float, float] | None = None

    def seconds(self, done: float, kind: str = "") -> float | None:
        """How long the rest takes; None as long as that cannot be told."""
        now = time.monotonic()
        if self.first is None or self.first[0] != kind:
            self.first = (kind, now, done)
        _, began, before = self.first
        if now - began <= 2 or done <= before:
            return None
        return (now - began) * (1 - done) / (done - before)


class Clock:
    """Time left of a portrait: what came before the first report was preparation."""

    def __init__(self) -> None:
        self.remaining = Remaining()

    def words(self, progress: Progress) -> tuple[str, float, str]:
        """What is being done, the share that is done (0..1), and the time left in words."""
        if waits := in_line(progress):
            return waits
        done = progress.step / progress.total if progress.fraction is None else progress.fraction
        seconds = self.remaining.seconds(done)
        left = ""
        if seconds is not None:
            left = f"at most {seconds:.0f} s left" if seconds >= 1 else "nearly done"
        if progress.step == 0:
            return "A sketch; the portrait grows out of it", done, left
        stage = progress.stage[:1].upper() + progress.stage[1:]
        return f"{stage}, step {progress.step} of at most {progress.total}", done, left
