"""How the threads of the processor wait for each other; to be said before torch is loaded."""

from __future__ import annotations

import os

# Turns of the loop in which one thread waits for another. Sleeping at once doubles the time of a
# portrait on idle cores; many more turns, as by default, spin in the way of those that are waited
# for: beside one busy process a portrait takes ten times as long (benchmarks/threads.py).
TURNS = "4000"


def wait_briefly() -> None:
    """Let threads that wait for others soon sleep, where the environment says nothing else."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", TURNS)
