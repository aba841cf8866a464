"""How long an exhibition of sketches takes, against the limit of the page.

python benchmarks/exhibition.py [--size 512] [--rows 4] [--columns 4] [--threads 2] [--runs 3]

Prints the median of several runs as a table: the whole wall, each sitter and each painter new in
every run, as a visitor has it, and the sheet. Processor time is that of the same runs, all
threads together; where it is much less than the time on the clock times the threads, something
else was running beside.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import table
from smart import exhibition_sheet, networks, pipeline, styles
from smart.exhibition import Exhibition
from smart.options import PaintingOptions, SamplingOptions
from smart.painting import painter

LIMIT = 20.0  # s, of 4 x 4 sketches on two cores


def hang(run: int, rows: int, columns: int, size: int) -> tuple[Exhibition, float, float]:
    """An exhibition of sitters no one saw before, its seconds on the clock and of processors."""
    found = styles.scan().styles
    first = run * rows
    samplings = tuple(SamplingOptions(seed=first + index) for index in range(rows))
    catalogue = styles.scan()
    choices = tuple(catalogue.choose(found[index % len(found)].slug) for index in range(columns))
    shown = Exhibition(samplings, choices, PaintingOptions(size=size))
    painter._codes.clear()  # as if no one had painted yet
    clock, processor = time.perf_counter(), time.process_time()
    shown.hang()
    return shown, time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4, help="sitters (%(default)s)")
    parser.add_argument("--columns", type=int, default=4, help="painters (%(default)s)")
    parser.add_argument("--size", type=int, default=512, help="px of each (%(default)s)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--runs", type=int, default=3, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    # As on the page, where the networks are there before anyone presses Hang.
    networks.stylizer()
    pipeline.drawn(SamplingOptions(seed=2**31))
    wall, cpu, sheet = [], [], []
    for run in range(options.runs):
        shown, seconds, processor = hang(run, options.rows, options.columns, options.size)
        wall.append(seconds)
        cpu.append(processor)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            exhibition_sheet.save(shown, Path(folder) / "sheet.png")
        sheet.append(time.perf_counter() - start)
    print(
        f"torch {torch.__version__}, {options.threads} threads, median of {options.runs}, ", end=""
    )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    what = f"{options.rows} x {options.columns} sketches at {options.size} px"
    rows = [
        [what, f"{statistics.median(wall):.1f}", f"{LIMIT:.0f}"],
        ["processor time of it, all threads", f"{statistics.median(cpu):.1f}", ""],
        ["the sheet as a PNG", f"{statistics.median(sheet):.1f}", ""],
    ]
    print(table(["what", "seconds", "limit"], rows))


if __name__ == "__main__":
    main()
