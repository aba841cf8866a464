"""Files into a zip."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from smart.images import atomic

MOST_BYTES = 2_000_000_000  # of all files in one; more is copied better as a folder
_PIECE = 1 << 20  # bytes copied at once


def pack(files: Mapping[str, Path], target: Path) -> Path:
    """Write files by the names they shall have into a zip, piece by piece, whole or not at all.

    PNGs are packed already, so they are only stored. Raises ValueError as images.atomic.
    """
    with atomic(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, path in files.items():
            with path.open("rb") as source, archive.open(name, "w") as entry:
                shutil.copyfileobj(source, entry, _PIECE)
    return target
