"""What it costs that threads sleep while they wait, and what it gains beside other work.

python benchmarks/threads.py [--size 256] [--runs 3]

Each row is the median of portraits in fresh processes, alone and beside a process that keeps one
core busy: with threads that spin while they wait for each other, as OpenMP has it by default, with
threads that sleep at once, and with threads that spin for a moment and then sleep, as SMART has it.
A run that takes more than 90 s is ended there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.browsing import ROOT
from benchmarks.measures import table
from smart.threads import TURNS

BUSY = "while True: pass"
PORTRAIT = """
import sys, time
from smart import networks, pipeline, styles
from smart.options import PaintingOptions, SamplingOptions
size = int(sys.argv[1])
choices = (styles.scan().choose("hokusai"),)
pipeline.paint_seed(SamplingOptions(seed=7), choices, PaintingOptions(size=256, effort=10))  # warm
began = time.perf_counter()
pipeline.paint_seed(SamplingOptions(seed=7), choices, PaintingOptions(size=size))
print(time.perf_counter() - began)
"""


WAYS = {
    "spinning": {},
    "sleeping": {"OMP_WAIT_POLICY": "PASSIVE"},
    "SMART": {"GOMP_SPINCOUNT": TURNS},
}
MOST = 90  # s


def portrait(way: dict[str, str], size: int, busy: bool) -> float:
    """Seconds of one portrait in a process whose threads wait in this way; MOST is the most."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    other = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    try:
        done = subprocess.run(
            [sys.executable, "-c", PORTRAIT, str(size)], cwd=ROOT, env={**environment, **way},
            check=True, capture_output=True, text=True, timeout=MOST,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return float(MOST)
    finally:
        if other is not None:
            other.kill()
            other.wait()
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="px (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="%(default)s")
    options = parser.parse_args()
    rows = []
    for busy in (False, True):
        medians = [
            statistics.median(portrait(way, options.size, busy) for _ in range(options.runs))
            for way in WAYS.values()
        ]
        where = "beside a busy process" if busy else "alone"
        rows.append([where, *(f"{one:.1f}" for one in medians)])
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(table([f"a portrait of {options.size} px, s", *WAYS], rows))


if __name__ == "__main__":
    main()
