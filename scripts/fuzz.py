"""Gives the readers of files what nobody should, for as long as one likes, and counts.

python scripts/fuzz.py [--minutes 1] [--only zip ...] [--seed 0]

The same readers and inputs as tests/test_hostile_files.py, a minute for each. Prints a table of
reader, tries, how many were accepted, and what broke the law (tests/hostile.py); ends with 1 when
anything did. --keep writes the first input of each finding into a folder.
"""

from __future__ import annotations

import argparse
import pickle
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import hostile_pictures, hostile_weights
from tests.hostile import LawError, Reader, hold

BATCH = 200  # tries between two looks at the clock


class Tally:
    """What came of the tries of one reader."""

    def __init__(self, reader: Reader, keep: Path | None) -> None:
        self.reader, self.keep = reader, keep
        self.tries = self.accepted = 0
        self.findings: dict[str, int] = {}

    def batch(self, number: int, until: float) -> None:
        @seed(number)
        @settings(
            max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(self.reader.inputs)
        def many(value: Any) -> None:
            if time.monotonic() < until:
                self.one(value)

        many()

    def one(self, value: Any) -> None:
        self.tries += 1
        with tempfile.TemporaryDirectory(prefix="smart-fuzz-") as folder:
            try:
                self.accepted += hold(self.reader, value, Path(folder))
            except LawError as broken:
                what = str(broken)
                self.findings[what] = self.findings.get(what, 0) + 1
                if self.keep and self.findings[what] == 1:
                    name = f"{self.reader.name}-{len(self.findings)}".replace("/", "-")
                    (self.keep / name).write_bytes(pickle.dumps((what, value)))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="for each reader")
    parser.add_argument("--only", nargs="*", default=[], help="readers so named, in part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    readers = [*hostile_pictures.READERS, *hostile_weights.READERS]
    chosen = [r for r in readers if not arguments.only or any(w in r.name for w in arguments.only)]
    print(f"{'reader':32} {'tries':>7} {'accepted':>9} {'findings':>9}", flush=True)
    broken = 0
    for reader in chosen:
        tally, numbers = Tally(reader, arguments.keep), random.Random(arguments.seed)
        if reader.valid is not None:
            with tempfile.TemporaryDirectory() as folder:
                reader.read(reader.valid, Path(folder))  # what is loaded late counts for nobody
        until = time.monotonic() + 60 * arguments.minutes
        while time.monotonic() < until:
            tally.batch(numbers.getrandbits(60), until)
        counts = f"{tally.tries:7,} {tally.accepted:9,} {len(tally.findings):9}"
        print(f"{reader.name:32} {counts}", flush=True)
        for what, times in sorted(tally.findings.items()):
            print(f"    {times:5} x {what}", flush=True)
        broken += len(tally.findings)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
