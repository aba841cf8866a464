"""What the page's library would do for strangers and shall not."""

from __future__ import annotations

import io
import re
import sys
from typing import Any, NoReturn, TextIO

import gradio as gr
from gradio import processing_utils

from smart import images
from smart.ui import photographs

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
MOST_BRUSHED, MOST_WAITING = 4_000_000, 20  # bytes of a picture, and pictures of editors
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
    # For the classes: of a component that was updated gradio makes another object.
    gr.Image.preprocess = _path_or_picture
    gr.ImageEditor.preprocess = _brushed
    gr.ImageEditor.accept_blobs = _accept
    images.hold_everyone()


_picture, _store = gr.Image.preprocess, gr.ImageEditor.accept_blobs


def _path_or_picture(image: gr.Image, payload: Any) -> Any:
    """Where an upload lies; gradio would open it before, whatever it is, in words of its own."""
    if image.type == "filepath":
        return getattr(payload, "path", None)
    return _picture(image, payload)


def _brushed(editor: gr.ImageEditor, payload: Any) -> Any:
    """The mask that was brushed; gradio would decode as many pictures as the caller names."""
    if payload is None:
        return None
    if getattr(payload, "id", None) is not None:
        stored = editor.blob_storage.pop(payload.id, None)
        return photographs.mask_of([one for one in stored.layers if one] if stored else [])
    return photographs.mask_of([one.path for one in payload.layers or []])


def _accept(editor: gr.ImageEditor, data: Any) -> Any:
    """One picture of the editor on its way, kept in memory until it is asked for: but not any."""
    index = str(data.data.get("index"))
    if index not in ("None", "", "null") and not (
        index.isdigit() and int(index) < photographs.LAYERS
    ):
        raise AddressError("A photograph has one layer to brush on.")
    if len(data.files[0][1]) > MOST_BRUSHED:
        raise AddressError("What was brushed is too large; give the photograph again.")
    while len(editor.blob_storage) >= MOST_WAITING:
        editor.blob_storage.pop(next(iter(editor.blob_storage)))
    return _store(editor, data)


# What gradio looks for, and the name the page calls it by.
_accept._is_server_fn = True  # type: ignore[attr-defined]
_accept.__name__ = "accept_blobs"


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
