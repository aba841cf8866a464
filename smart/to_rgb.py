"""Whatever kind of pixels a picture has, as 8-bit RGB: band by band, as it may be large."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

from PIL import Image, ImageCms

_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_BAND = 2_000_000  # pixels converted at once


def to_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture as RGB; itself where it is.

    16 bits (or more) are scaled to 8, CMYK is converted by its profile where it has one,
    transparency goes on white.
    """
    if image.mode in _DEEP:
        white = _white(image)
        return _by_bands(image, lambda band: _to_8_bits(band, white))
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            converted = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
    if image.has_transparency_data:
        return _by_bands(image, _on_white)
    return image if image.mode == "RGB" else image.convert("RGB")


def _by_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    made = Image.new("RGB", image.size)
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        made.paste(convert(image.crop((0, top, image.width, bottom))), (0, top))
    return made


def _on_white(band: Image.Image) -> Image.Image:
    band = band.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", band.size, "white"), band).convert("RGB")


def _white(image: Image.Image) -> float:
    """The value that is white: a picture of 32 bits or of floats does not say."""
    if image.mode not in ("I", "F"):
        return 65535.0
    most = float(image.getextrema()[1])  # type: ignore[arg-type]
    if image.mode == "F":
        return 1.0 if most <= 1 else 255.0
    return 255.0 if most <= 255 else 65535.0


def _to_8_bits(band: Image.Image, white: float) -> Image.Image:
    """Grey, scaled; Pillow's own conversion would clip instead."""
    import numpy as np

    values = np.asarray(band, dtype=np.float32)
    grey = (values * np.float32(255 / white)).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
