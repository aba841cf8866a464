"""The photograph that a visitor gave, opened as every picture is: its kind and size are checked."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from smart import images

NONE = "There is no photograph yet; upload one, or choose a sitter."


def path_of(payload: Any) -> str | None:
    """Where the upload lies, which gradio has made sure is among the page's own."""
    return getattr(payload, "path", None)


def opened(path: str | None, smallest: int = 1) -> Image.Image:
    """The picture of an upload. Raises gr.Error where there is none or it cannot be used.

    The page keeps a path: a large picture is in memory only while it is used.
    """
    if not path:
        raise gr.Error(NONE, title="Photograph", print_exception=False)
    try:
        return images.open_image(path, smallest, "The photograph")
    except ValueError as error:
        raise gr.Error(str(error), title="Photograph", print_exception=False) from error
