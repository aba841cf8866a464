"""How long work tells its caller where it stands, and how the caller ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One report of a long piece of work.

    step counts to total; 0 is what stands there before the first. stage names the part of the
    work in a few words; loss is the value of the objective where there is one. preview, when not
    None, is the picture as it stands: float tensor [1, 3, H, W] in 0..1 (typed Any so that this
    module needs no torch). fraction, when not None, is the share of the work that is done, 0..1,
    where steps do not cost the same.
    """

    step: int
    total: int
    stage: str
    loss: float | None = None
    preview: Any = None
    fraction: float | None = None


class Cancelled(Exception):  # noqa: N818 - no error: someone pressed Stop
    """Raised by an on_progress callback to end the work; what is done so far is kept."""


OnProgress = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """The callback of a caller who does not want to know."""
