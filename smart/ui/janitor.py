"""Keeps what pages leave on the disk within bounds: uploads, previews, portraits on their way.

gradio deletes such a file an hour after it was made; many visitors make many in an hour.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from smart import serving
from smart.ui.logs import event

EVERY = 30.0  # s between two looks
YOUNG = 180.0  # s in which a file is surely still in use
VARIABLE = "GRADIO_TEMP_DIR"
_held: Counter[str] = Counter()


def files_folder() -> Path:
    """Where gradio keeps the files of all pages: of ours alone, unless its own variable says so."""
    if VARIABLE not in os.environ:
        user = os.getuid() if hasattr(os, "getuid") else ""
        os.environ[VARIABLE] = str(Path(tempfile.gettempdir()) / f"smart-pages-{user}")
    return Path(os.environ[VARIABLE])


@contextlib.contextmanager
def hold(path: str | None) -> Iterator[None]:
    """As long as this lasts, the file stays, however old it is."""
    if path is None:
        yield
        return
    key = os.path.realpath(path)
    _held[key] += 1
    try:
        yield
    finally:
        _held[key] -= 1
        if not _held[key]:
            del _held[key]


def tidy(folder: Path, most: int, young: float = YOUNG) -> int:
    """Delete the oldest files below folder until they hold at most `most` bytes; how many went.

    Files younger than young seconds stay, whatever they hold, and those that are held.
    """
    found = []
    for place, folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):  # deleted meanwhile
                stat = os.lstat(path)
                found.append((stat.st_mtime, stat.st_size, path))
        if not (folders or names) and place != str(folder):
            with contextlib.suppress(OSError):  # only one that is empty goes
                if time.time() - os.lstat(place).st_mtime > young:
                    os.rmdir(place)
    total, gone, now = sum(size for _, size, _ in found), 0, time.time()
    for made, size, path in sorted(found):
        if total <= most or now - made < young:
            break
        if os.path.realpath(path) in _held:
            continue
        with contextlib.suppress(OSError):
            os.unlink(path)
            total, gone = total - size, gone + 1
    return gone


def begin() -> None:
    """Look after the files of this app's pages from now on, in a thread of its own."""
    threading.Thread(target=_watch, daemon=True, name="smart-janitor").start()


def _watch() -> None:
    while True:
        time.sleep(EVERY)
        if gone := tidy(files_folder(), serving.current().files * 1_000_000):
            event("tidied", files=gone)
