"""JSON that may be anyone's: bounded, and with one kind of complaint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 4_000_000


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError in a few words, whatever is wrong with it."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error}"[:120]) from error
    except ValueError as error:
        raise ValueError("it holds a number that is too long") from error


def json_file(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """The value of a JSON file.

    Raises OSError where it cannot be read, ValueError for what is no JSON or no such file.
    """
    size = path.stat().st_size
    if not path.is_file():  # a pipe would never end
        raise ValueError("it is no file")
    if size > most_bytes:
        raise ValueError(f"it is larger than {most_bytes / 10**6:g} MB")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is no UTF-8") from error
    return parse_json(text)
