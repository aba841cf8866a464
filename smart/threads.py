"""How the threads of the processor wait for each other; to be said before torch is loaded."""

from __future__ import annotations

import os


def wait_in_peace() -> None:
    """Let threads that wait for others sleep, where the environment says nothing else.

    They spin otherwise, and on cores that are shared they spin in the way of those they wait for:
    beside one busy process a portrait then takes many times as long (benchmarks/threads.py).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
