"""What the command line shows and checks beside the work itself."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from smart.progress import Cancelled, OnProgress, Progress, ignore


def whole(text: str, name: str, low: int, high: int) -> int:
    """text as a whole number from low to high, or ValueError."""
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ValueError(f"{name} is {text!r}; it must be a whole number from {low} to {high}.")
    return value


def writable(out: Path, suffixes: tuple[str, ...] = (".png",)) -> None:
    """Refuse a target that cannot be written before minutes are spent on the picture."""
    if out.is_dir():
        raise ValueError(f"{out} is a folder; name a file in it, such as {out / 'portrait.png'}.")
    if out.suffix.lower() not in suffixes:
        if suffixes == (".png",):
            raise ValueError(f"{out} is no PNG; the settings travel in a PNG, so name it *.png.")
        raise ValueError(f"{out} should end in {' or '.join(suffixes)}; name it so.")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"{out} cannot be written ({error.strerror}); choose a folder that exists, may be "
            "written and has room."
        ) from error


class Bar:
    """A progress bar on a terminal; silent in a pipe and with --json."""

    apart = False  # a bar for each stage: reading images says nothing of how long training takes

    def __init__(self, arguments: argparse.Namespace) -> None:
        arguments.started = time.perf_counter()
        self.shown = sys.stderr.isatty() and not arguments.json
        self.bar: Any = None
        self.stage = ""

    def __enter__(self) -> OnProgress:
        return self._report if self.shown else ignore

    def _report(self, progress: Progress) -> None:
        share = progress.fraction
        share = progress.step / max(1, progress.total) if share is None else share
        if self.apart and self.bar is not None and self.stage != progress.stage:
            self.bar.close()
            self.bar = None
        self.stage = progress.stage
        if self.bar is None:
            from tqdm import tqdm

            self.bar = tqdm(
                total=1.0,
                initial=share,  # what was there before does not tell how long the rest takes
                bar_format="{desc} |{bar}| {percentage:3.0f} % {remaining} left",
                ncols=shutil.get_terminal_size().columns,  # 80 where none is known
            )
        self.bar.n = share
        self.bar.set_description_str(f"{progress.stage} ({progress.step}/{progress.total})", False)
        self.bar.refresh()

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


class Keeping(Bar):
    """A bar for work that keeps what is there: Ctrl-C once ends it so, twice gives up."""

    signals: tuple[signal.Signals, ...] = (signal.SIGINT,)  # that end it

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments)
        self.interrupted = False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> OnProgress:
        shown = super().__enter__()

        def interrupt(*_: object) -> None:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True

        if threading.current_thread() is threading.main_thread():
            for number in self.signals:
                self.before[number] = signal.signal(number, interrupt)

        def report(progress: Progress) -> None:
            shown(progress)
            if self.interrupted:
                raise Cancelled

        return report

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for number, handler in self.before.items():
            signal.signal(number, handler)
