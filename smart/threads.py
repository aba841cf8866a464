"""Threads of the processor: how many, and how they wait for each other.

To be said before torch is loaded.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from smart import serving

# Turns of the loop in which one thread waits for another. Sleeping at once doubles the time of a
# portrait on idle cores; many more turns, as by default, spin in the way of those that are waited
# for: beside one busy process a portrait takes ten times as long (benchmarks/threads.py).
TURNS = "4000"
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def prepare() -> None:
    """Let threads that wait for others soon sleep, and be as many as the machine has cores for us.

    What the environment says of OpenMP stands. Raises ValueError for wrong SMART_ variables.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", TURNS)
    wanted = serving.current().threads or cores()
    if serving.current().threads or wanted < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(wanted))


def cores(control_group: Path = _CONTROL_GROUP) -> int:
    """The processor cores this process may use, at least 1.

    A container shows all of the machine's and grants a share of them (cgroup cpu.max): threads
    beyond that are put to sleep in the midst of their work, and all others wait for them.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    here = len(affinity(0)) if affinity else os.cpu_count() or 1
    granted = _numbers(control_group / "cpu.max")  # "200000 100000": microseconds in a period
    if len(granted) == 2 and granted[1] > 0:
        here = min(here, math.ceil(granted[0] / granted[1]))
    return max(here, 1)


def memory_limit(control_group: Path = _CONTROL_GROUP) -> int | None:
    """Bytes of memory the container may use; None where it sets no limit."""
    limit = _numbers(control_group / "memory.max")
    return limit[0] if limit else None


def _numbers(path: Path) -> list[int]:
    try:
        return [int(part) for part in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):  # not a container, another kind of one, or "max"
        return []
