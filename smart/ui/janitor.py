"""Keeps what pages leave on the disk within bounds: uploads, previews, portraits on their way.

gradio deletes such a file an hour after it was made; many visitors make many in an hour.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

from smart import serving
from smart.ui.logs import event

EVERY = 30.0  # s between two looks
YOUNG = 180.0  # s in which a file is surely still in use


def files_folder() -> Path:
    """Where gradio keeps the files of all pages."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def tidy(folder: Path, most: int, young: float = YOUNG) -> int:
    """Delete the oldest files below folder until they hold at most `most` bytes; how many went.

    Files younger than young seconds stay, whatever they hold.
    """
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        except OSError:  # deleted meanwhile
            continue
    total, gone, now = sum(size for _, size, _ in found), 0, time.time()
    for made, size, path in sorted(found, key=lambda one: one[0]):
        if total <= most or now - made < young:
            break
        try:
            path.unlink()
        except OSError:
            continue
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
