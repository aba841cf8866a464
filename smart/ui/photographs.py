"""The photograph that a visitor gave, opened as every picture is: its kind and size are checked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from PIL import Image

from smart import images, pipeline
from smart.options import PaintingOptions
from smart.progress import OnProgress
from smart.styles import Catalogue, Choice

NONE = "There is no photograph yet; upload one, or choose a sitter."
CANVAS = 1024  # px; what one brushes over, on a phone, too
LAYERS = 4  # of the brush; the page makes one
WEAK_MASK = 16  # of 255; a stroke less opaque than that was not meant
Choices = tuple[Choice, ...]


@dataclass(frozen=True)
class Upload:
    """A photograph on the disk, with the mask of what is kept; in memory only while it is used."""

    path: str
    keep: Image.Image | None = None
    name: str = "The photograph"

    def open(self) -> pipeline.Photo:
        """The photograph. Raises ImageError, also where the page has deleted it since."""
        if not Path(self.path).is_file():
            raise images.ImageError(f"{self.name} is here no more; give it again.")
        picture = images.open_image(Path(self.path), pipeline.SMALLEST_PHOTO, self.name)
        return pipeline.Photo(picture, self.keep)


def paint(
    upload: Upload,
    choices: Choices,
    painting: PaintingOptions,
    on_progress: OnProgress,
    ground: Choices,
) -> pipeline.Portrait:
    """A portrait after an upload, which is opened only now."""
    return pipeline.paint_photo(upload.open(), choices, painting, on_progress, ground)


def go_on(
    portrait: pipeline.Portrait,
    upload: Upload | None,
    on_progress: OnProgress,
    size: int,
    catalogue: Catalogue,
) -> pipeline.Portrait:
    """Go on with a portrait, after an upload or of a sitter."""
    photo = None if upload is None else upload.open()
    return pipeline.go_on(portrait, on_progress, size=size, photo=photo, catalogue=catalogue)


def mask_of(layers: Sequence[str | bytes]) -> Image.Image | None:
    """What was brushed over, as the alpha of the editor's layers, 8 bits; None for nothing.

    layers are files or their contents; of more than LAYERS the first ones count.
    """
    keep: Image.Image | None = None
    for layer in layers[:LAYERS]:
        alpha = _alpha(layer)
        if alpha.getbbox():
            keep = alpha if keep is None else Image.composite(alpha, keep, alpha)
    return keep


def _alpha(source: str | bytes) -> Image.Image:
    file = source if isinstance(source, str) else io.BytesIO(source)
    try:
        with Image.open(file, formats=["PNG", "WEBP"]) as layer:
            if max(layer.size) > 2 * CANVAS:
                raise ValueError
            alpha = layer.convert("RGBA").getchannel("A")
    except (OSError, ValueError, SyntaxError) as error:
        raise gr.Error(
            "What was brushed cannot be read; give the photograph again.",
            title="Photograph", print_exception=False,
        ) from error  # fmt: skip
    return alpha.point(lambda a: 255 if a > WEAK_MASK else 0)


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
