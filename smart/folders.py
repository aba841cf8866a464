"""What a folder of weights holds, and the lock file that says whether it still is what it was.

lock.json: {"files": {name: {"size", "sha256"}}, "source": {...}}. Where the time of a file is kept,
too ("mtime_ns", on one machine only), an untouched file need not be read to be trusted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from smart.images import atomic

CONFIG = "config.json"
MODEL = "model.safetensors"
HEADS = "heads.safetensors"  # of a generator that can show previews; may be absent
LOCK = "lock.json"
CARD = "README.md"
SHEET = "sheet.png"
# All that a folder of weights may hold, and what goes to the Hub and comes from it.
SHARED = (
    CONFIG, MODEL, HEADS, "directions.safetensors", "readings.safetensors", "critic.safetensors",
    CARD, SHEET, "curves.svg", LOCK,
)  # fmt: skip
# What makes pictures; cards and sheets may be rewritten.
LOCKED = tuple(name for name in SHARED if name == CONFIG or name.endswith(".safetensors"))
_SHA256 = re.compile(r"[0-9a-f]{64}")


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another kind; the message names the remedy."""


@dataclass(frozen=True)
class Locked:
    """What a lock file says of one file."""

    size: int
    sha256: str
    mtime_ns: int | None = None


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock(
    folder: Path, source: Mapping[str, Any] | None = None, here_only: bool = False
) -> Path:
    """Write lock.json for what lies in a folder now.

    source is kept as it is (repository, commit, etag); here_only adds the times of the files.
    Raises ValueError when it cannot be written.
    """
    content: dict[str, Any] = {"files": locked(folder, here_only)}
    if source:
        content["source"] = dict(source)
    with atomic(folder / LOCK) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return folder / LOCK


def locked(folder: Path, here_only: bool = False) -> dict[str, dict[str, Any]]:
    """What a lock file says of the files that lie in a folder now."""
    files: dict[str, dict[str, Any]] = {}
    for name in LOCKED:
        path = folder / name
        if path.is_file():
            known = path.stat()
            files[name] = {"size": known.st_size, "sha256": sha256_of(path)}
            if here_only:
                files[name]["mtime_ns"] = known.st_mtime_ns
    return files


def read_lock(folder: Path) -> dict[str, Locked] | None:
    """What lock.json says of each file; None where there is none. Raises WeightsError."""
    try:
        content = json.loads((folder / LOCK).read_text(encoding="utf-8"))
        return {str(name): _locked(entry) for name, entry in content["files"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{folder / LOCK} cannot be read ({first_line(error)}); fetch the weights again."
        ) from error


def _locked(entry: Mapping[str, Any]) -> Locked:
    size, digest, time = entry["size"], entry["sha256"], entry.get("mtime_ns")
    if not isinstance(size, int) or not _SHA256.fullmatch(digest):
        raise ValueError("no size or no SHA-256")
    return Locked(size, digest, time if isinstance(time, int) else None)


def source_of(folder: Path) -> dict[str, Any]:
    """Where a folder's files came from, as its lock file says; {} where it does not."""
    try:
        source = json.loads((folder / LOCK).read_text(encoding="utf-8")).get("source")
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return source if isinstance(source, dict) else {}


def damaged(folder: Path, fully: bool = True, names: Iterable[str] | None = None) -> list[str]:
    """What differs from the lock file, as "model.safetensors (2 bytes short)"; [] where nothing.

    names are the files that count (default: all in the lock file). fully reads every file; else
    only sizes are compared, and files read whose time is kept and differs. Raises WeightsError for
    a lock file that cannot be read.
    """
    found = []
    for name, known in (read_lock(folder) or {}).items():
        if names is not None and name not in names:
            continue
        if name not in LOCKED:  # never a path out of the folder
            found.append(f"{name[:80]!r} (no file of weights)")
        elif reason := _difference(folder / name, known, fully):
            found.append(f"{name} ({reason})")
    return found


def _difference(path: Path, locked: Locked, fully: bool) -> str:
    try:
        known = path.stat()
        if known.st_size != locked.size:
            much = abs(known.st_size - locked.size)
            return f"{much:,} bytes {'short' if known.st_size < locked.size else 'too long'}"
        if fully:
            same = sha256_of(path) == locked.sha256
        else:
            trusted = locked.mtime_ns in (None, known.st_mtime_ns)
            same = trusted or _digest(path, known.st_size, known.st_mtime_ns) == locked.sha256
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if same else "other content"


@lru_cache(maxsize=64)
def _digest(path: Path, _: int, __: int) -> str:
    """The SHA-256 of a file of this size and time: read once."""
    return sha256_of(path)
