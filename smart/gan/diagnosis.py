"""Says in words how a training goes, what is wrong with it, and what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLLAPSED = 0.5  # of the real images' diversity
BY_HEART = 0.6  # of what the critic tells apart, over several ticks
RUNAWAY = 6.0  # mean loss of the generator
IDLE = 0.3  # of all images since the best measure
RECENT = 4  # ticks


@dataclass(frozen=True)
class Finding:
    """kind is "learning", "early", "collapsing", "overfitting", "runaway", "idle" or "broken"."""

    kind: str
    message: str

    @property
    def good(self) -> bool:
        """Whether there is nothing to do."""
        return self.kind in ("learning", "early")


def diagnose(stats: Sequence[Mapping[str, Any]], images: int) -> list[Finding]:
    """What the numbers of a training (see Run.stats) mean; images is how many it will show.

    Never empty: where nothing is wrong it says what is getting better.
    """
    if not stats:
        return [Finding("early", "Nothing is measured yet.")]
    last = stats[-1]
    if not all(math.isfinite(last.get(name, 0.0)) for name in ("critic_loss", "generator_loss")):
        return [
            Finding(
                "broken",
                "The losses are no longer numbers. Go on from the last state with half the "
                "learning rate or twice the stability.",
            )
        ]
    measured = [row for row in stats if "swd" in row]
    found = [
        finding
        for finding in (_collapse(measured), _by_heart(stats), _runaway(stats),
                        _idle(measured, images))
        if finding
    ]  # fmt: skip
    return found or [_well(measured)]


def _collapse(measured: Sequence[Mapping[str, Any]]) -> Finding | None:
    """The generator makes few different pictures, later than it takes to begin."""
    if len(measured) < 2 or measured[-1]["diversity"] >= COLLAPSED:
        return None
    return Finding(
        "collapsing",
        f"Its pictures differ only {measured[-1]['diversity']:.0%} as much as real ones: it is "
        "collapsing onto a few. Take the best snapshot and begin from it with twice the stability; "
        "with fewer than a thousand images, add more.",
    )


def _by_heart(stats: Sequence[Mapping[str, Any]]) -> Finding | None:
    """The critic knows the training images from others by having learnt them."""
    recent = [row["overfit"] for row in stats[-RECENT:]]
    if len(recent) < RECENT or min(recent) < BY_HEART:
        return None
    remedy = "switch the variation to auto" if stats[-1]["augmentation"] == 0 else (
        "add images, or stop here and take the best snapshot"
    )  # fmt: skip
    return Finding(
        "overfitting",
        f"The critic knows {sum(recent) / len(recent):.0%} of the difference by heart: it judges "
        f"held-out images like generated ones. To help, {remedy}.",
    )


def _runaway(stats: Sequence[Mapping[str, Any]]) -> Finding | None:
    """The critic is so sure that the generator learns nothing from it."""
    recent = [row["generator_loss"] for row in stats[-RECENT:]]
    if len(recent) < RECENT or min(recent) < RUNAWAY:
        return None
    return Finding(
        "runaway",
        "The critic is sure of every picture, so the generator learns little from it. Double the "
        "stability.",
    )


def _idle(measured: Sequence[Mapping[str, Any]], images: int) -> Finding | None:
    """No better for a long while."""
    if len(measured) < 5:
        return None
    best = best_of(measured)
    since = measured[-1]["seen"] - best["seen"]
    if since < IDLE * images:
        return None
    return Finding(
        "idle",
        f"It was best {since:,} images ago and has not become better since. Stop and take the best "
        "snapshot; more can come from more images or larger networks.",
    )


def _well(measured: Sequence[Mapping[str, Any]]) -> Finding:
    if len(measured) < 2:
        return Finding("early", "It has just begun; first shapes come after some 20,000 images.")
    name = measure_of(measured[-1])
    first, now = measured[0][name], measured[-1][name]
    best = best_of(measured)
    words = {"kernel": "VGG kernel distance", "swd": "sliced Wasserstein distance"}[name]
    state = "best so far" if best is measured[-1] else f"best {best[name]:.3g}"
    return Finding(
        "learning", f"It learns: the {words} fell from {first:.3g} to {now:.3g} ({state})."
    )


def measure_of(row: Mapping[str, Any]) -> str:
    """The measure that decides: VGG's kernel distance where it was taken."""
    return "kernel" if "kernel" in row else "swd"


def best_of(measured: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row of the best measure."""
    name = measure_of(measured[-1])
    return min((row for row in measured if name in row), key=lambda row: float(row[name]))
