"""A selection: which images of a folder or zip to train on, as a file beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smart.images import atomic
from smart.reading import json_file

_MOST_BYTES = 64_000_000
_KIND = "smart selection 1"


class SelectionError(ValueError):
    """A selection that cannot be read or written; the message names the remedy."""


@dataclass(frozen=True)
class Selection:
    """keep are the names of the images to train on; about is how they were chosen."""

    keep: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


def beside(source: Path) -> Path:
    """Where the selection of a folder or zip lies."""
    if source.is_dir():
        return source / "smart-selection.json"
    return source.with_name(f"{source.stem}.selection.json")


def write_selection(path: Path, selection: Selection) -> Path:
    """Write it, as a whole or not at all. Raises ValueError when the place cannot be written."""
    known = {"kind": _KIND, "keep": list(selection.keep), "about": dict(selection.about)}
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(known, indent=0), encoding="utf-8")
    return path


def read_selection(path: Path) -> Selection:
    """Read one. Raises SelectionError: the file may be anyone's."""
    wrong = f"{path.name} is no selection that SMART wrote; make one with `sort`."
    try:
        known = json_file(path, _MOST_BYTES)
    except OSError as error:
        raise SelectionError(
            f"{path} cannot be read ({error.strerror}); make a selection with `sort`."
        ) from error
    except ValueError as error:
        raise SelectionError(wrong) from error
    if not isinstance(known, dict) or known.get("kind") != _KIND:
        raise SelectionError(wrong)
    keep, about = known.get("keep"), known.get("about")
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        raise SelectionError(wrong)
    return Selection(tuple(keep), about if isinstance(about, dict) else {})
