"""The way from nothing to a portrait, measured: one run, one table.

python benchmarks/main_job.py [--runs 3] [--chromium /usr/bin/chromium]

Every figure is a median over the runs, each in a fresh process with no network. The page is opened
in headless Chromium, so a figure of the page ends when the pictures are on the screen.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.browsing import ENVIRONMENT, ROOT, app, chromium_page


def smart(*arguments: str) -> tuple[float, float]:
    """Seconds and peak memory in GB of one `python -m smart` process."""
    code = (
        "import resource, subprocess, sys, time\n"
        "began = time.perf_counter()\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(time.perf_counter() - began, peak)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "smart", *arguments],
        cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, peak = map(float, done.stdout.split())
    # Linux counts kilobytes, macOS bytes.
    return seconds, peak / (1e9 if sys.platform == "darwin" else 1e6)


def face_seconds() -> float:
    """Seconds for one 1024 px face in a warm process, the median of seven."""
    code = (
        "import time, statistics\n"
        "from smart import sitters\n"
        "from smart.options import SamplingOptions\n"
        "times = []\n"
        "for seed in range(8):\n"
        "    began = time.perf_counter()\n"
        "    sitters.face(SamplingOptions(seed=seed), 1024)\n"
        "    times.append(time.perf_counter() - began)\n"
        "print(statistics.median(times[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    return float(done.stdout)


def page_seconds(chromium: str) -> tuple[float, float]:
    """From `python app.py` to its page, and from there to six sitters on the screen."""
    with chromium_page(chromium) as page:
        began = time.perf_counter()
        with app() as url:
            page.goto(url)
            page.locator("#paint").wait_for(timeout=60_000)
            opened = time.perf_counter()
            page.wait_for_function(
                "[...document.querySelectorAll('#sitters img')].filter(i => i.complete).length >= 6"
            )
            return opened - began, time.perf_counter() - opened


def medians(measure: Callable[[], tuple[float, ...]], runs: int) -> list[float]:
    return [
        statistics.median(column) for column in zip(*(measure() for _ in range(runs)), strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    out = str(folder / "p.png")
    portrait = ("portrait", "--seed", "7", "--style", "hokusai", "--out", out, "--size")
    rows: list[tuple[str, str, str]] = []
    if arguments.chromium:
        opened, sitters = medians(lambda: page_seconds(arguments.chromium), arguments.runs)
        rows.append(("from `python app.py` to the page", f"{opened:.1f} s", "12 s"))
        rows.append(("six sitters on the page after that", f"{sitters:.1f} s", "4 s"))
    rows.append(("one 1024 px face", f"{face_seconds():.2f} s", "0.6 s"))
    small = medians(lambda: smart(*portrait, "256"), arguments.runs)
    rows.append(("`portrait --size 256`, whole process", f"{small[0]:.0f} s", "60 s"))
    large = medians(lambda: smart(*portrait, "512"), arguments.runs)
    rows.append(("`portrait --size 512`, whole process", f"{large[0]:.0f} s", ""))
    rows.append(("peak memory of a 512 px portrait", f"{large[1]:.1f} GB", "3 GB"))
    ENVIRONMENT["SMART_PRECISION"] = "float32"
    exact = medians(lambda: smart(*portrait, "256"), arguments.runs)
    rows.append(("`portrait --size 256` in float32 (no AMX)", f"{exact[0]:.0f} s", "60 s"))
    exact = medians(lambda: smart(*portrait, "512"), arguments.runs)
    rows.append(("`portrait --size 512` in float32 (no AMX)", f"{exact[0]:.0f} s", ""))
    rows.append(("its peak memory", f"{exact[1]:.1f} GB", "3 GB"))
    print("| what | measured | limit |\n|---|---|---|")
    for row in rows:
        print(f"| {row[0]} | {row[1]} | {row[2]} |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
