"""What the page's library would do for strangers and shall not."""

from __future__ import annotations

import io
import re
import sys
from typing import NoReturn, TextIO

from gradio import processing_utils

from smart import images

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
UPLOAD = "Files are uploaded here, not fetched from addresses; send the file itself."


class AddressError(ValueError):
    """A file was given by an address; nothing was asked for it."""


async def _refuse(*_: object, **__: object) -> NoReturn:
    raise AddressError(UPLOAD)


def close() -> None:
    """Fetch nothing that a caller names by an address, and open no picture but of our formats.

    Gradio asks no private address, but any public one, and reads the answer whole into memory.
    """
    processing_utils.async_ssrf_protected_download = _refuse
    processing_utils.async_ssrf_protected_get = _refuse
    images.hold_everyone()


class Plain(io.TextIOBase):
    """A stream in which nobody's text begins a line of its own or moves the cursor.

    What is written at once is one entry: its further lines are indented.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        body, end = (text[:-1], "\n") if text.endswith("\n") else (text, "")
        lines = [_CONTROL.sub("\N{REPLACEMENT CHARACTER}", line) for line in body.split("\n")]
        self._stream.write("\n    ".join(lines) + end)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


def log_plainly() -> None:
    """Hold what the library prints of errors, with the words of callers in them, to the above."""
    if not isinstance(sys.stderr, Plain):
        sys.stderr = Plain(sys.stderr)  # type: ignore[assignment]
