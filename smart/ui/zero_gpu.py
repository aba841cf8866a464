"""Portraits on a ZeroGPU Space: a GPU is lent for one piece of work, in a forked process.

Everywhere else the same work runs where it is called. Outside the fork such a Space has no GPU, so
faces and sliders are computed on its processor.
"""

from __future__ import annotations

import contextvars
import dataclasses
import multiprocessing
import os
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import torch

from smart.device import best_device
from smart.options import PaintingOptions
from smart.progress import Cancelled, OnProgress, Progress

_R = TypeVar("_R")
_Spoken = tuple[str, Any]  # "report" and a Progress, "result", or "error"

HERE = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")
LOOK = 0.2  # s between two looks at who waits
LEAST, MOST = 30, 120  # s of the GPU that are asked for
# Made before any fork, so that it reaches into it. The workshop has one piece of work at a time.
_stopped = multiprocessing.get_context("fork").Event() if HERE else threading.Event()


def run(
    work: Callable[..., _R],
    context: contextvars.Context,
    idle: Callable[[], None],
    on_progress: OnProgress,
) -> _R:
    """work(on_progress=) where the GPU is; its result, or what it raised.

    context is that of the visitor's event: whose quota it is stands in there. idle is called now
    and then while nothing is told; what it raises ends the waiting.
    """
    if not HERE:
        return work(on_progress=on_progress)
    _stopped.clear()
    told: queue.SimpleQueue[_Spoken] = queue.SimpleQueue()
    # Until the GPU is there minutes may pass, in which faces are drawn and Stop is heard here.
    threading.Thread(
        target=context.run, args=(_listen, work, told), daemon=True, name="smart-gpu"
    ).start()
    while True:
        try:
            kind, value = told.get(timeout=LOOK)
        except queue.Empty:
            try:
                idle()
            except Cancelled:
                _stopped.set()  # should it still begin
                raise
            continue
        if kind == "result":
            return value  # type: ignore[no-any-return]
        if kind == "error":
            raise value
        try:
            on_progress(value)
        except Cancelled:
            _stopped.set()  # it still gives the picture as it stands


def _listen(work: Callable[..., Any], told: queue.SimpleQueue[_Spoken]) -> None:
    """Borrow the GPU, and hand on what is told there."""
    kind = "report"
    try:
        for kind, value in _on_gpu(work, seconds_for(work)):
            told.put((kind, value))
    except Exception as error:  # such as a quota that is used up
        words = getattr(error, "message", None) or str(error)
        told.put(("error", ValueError(f"The GPU was not lent ({words}); try again in a moment.")))
    else:
        if kind == "report":
            gone = ValueError("The GPU was taken away; press Paint again in a moment.")
            told.put(("error", gone))


def seconds_for(work: Callable[..., Any]) -> int:
    """How long the GPU is asked for: a quota is used up by what is asked, not by what is taken."""
    given = [*work.args, work.keywords.get("size")] if isinstance(work, partial) else []
    sizes = [one.size for one in given if isinstance(one, PaintingOptions)]
    size = max([512, *sizes, *(one for one in given if isinstance(one, int))])
    return int(min(MOST, LEAST * max(1.0, (size / 1024) ** 2)))


def _duration(_: Callable[..., Any], seconds: int) -> int:
    return seconds


def _steps(work: Callable[..., Any], _: int) -> Iterator[_Spoken]:
    """In the fork: do the work in a thread, and tell what it reports and how it ends."""
    os.environ["SMART_DEVICE"] = "cuda" if torch.cuda.is_available() else "cpu"
    best_device.cache_clear()
    torch.set_num_threads(1)  # those of the process that was forked are not here
    told: queue.SimpleQueue[_Spoken] = queue.SimpleQueue()

    def report(progress: Progress) -> None:
        if progress.preview is not None:
            progress = dataclasses.replace(progress, preview=progress.preview.cpu())
        told.put(("report", progress))
        if _stopped.is_set():
            raise Cancelled

    def whole() -> None:
        try:
            told.put(("result", work(on_progress=report)))
        except Exception as error:  # said where it was called
            told.put(("error", error))

    threading.Thread(target=whole, daemon=True).start()
    while True:
        kind, value = told.get()
        yield kind, value
        if kind != "report":
            return


_on_gpu = _steps
if HERE:
    import spaces  # type: ignore[import-not-found]

    os.environ.setdefault("SMART_DEVICE", "cpu")
    _on_gpu = spaces.GPU(duration=_duration)(_steps)
