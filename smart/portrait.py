"""A portrait as a picture with all that made it, and a photograph to be painted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from smart import images
from smart.provenance import SKETCHER


@dataclass(frozen=True)
class Portrait:
    """A finished picture and everything that made it (see provenance.read)."""

    image: Image.Image
    provenance: dict[str, Any]
    stopped: bool = False

    @property
    def manner(self) -> str:
        """How it was made, as people write it: "seen with VGG-16", "sketched in one pass"."""
        name = str(self.provenance["network"])
        if name == SKETCHER:
            return "sketched in one pass"
        return "seen with " + name.upper().replace("VGG", "VGG-")

    def save(self, path: str | Path) -> Path:
        """Write a PNG with the provenance inside. Raises ValueError."""
        return images.save_png(self.image, path, self.provenance)


def load_portrait(path: str | Path) -> Portrait:
    """A portrait from its PNG. Raises images.ImageError for any other picture."""
    known = images.read_provenance(path)
    return Portrait(images.open_image(path), known, "stopped_after" in known)


@dataclass(frozen=True)
class Photo:
    """A photograph to paint, with masks in grey that are stretched over it.

    keep is white where options.face_weight holds the photograph more firmly; figure is white
    where the figure's painters paint and black where the ground's do (None: found as in a
    portrait).
    """

    picture: Image.Image
    keep: Image.Image | None = None
    figure: Image.Image | None = None

    def source(self) -> dict[str, dict[str, str]]:
        """What the provenance holds of it: checksums, not names."""
        parts = {"sha256": self.picture, "keep_sha256": self.keep, "figure_sha256": self.figure}
        return {
            "photo": {
                name: hashlib.sha256(part.tobytes()).hexdigest()
                for name, part in parts.items()
                if part is not None
            }
        }
