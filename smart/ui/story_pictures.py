"""Pictures of How it works as HTML: figures, strips, the curves of the losses."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from smart import images
from smart.gan.critics_eye import FALSE, REAL
from smart.story import Parts

PIXELATED = 96  # px; smaller pictures show their pixels, and travel as they are
LARGEST = 512  # px that are sent of a larger one
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 520, 190, 46, 26, 12


def source(picture: Image.Image) -> str:
    """A picture as a data URI: the small ones exact, the large ones as JPEG."""
    picture = images.shrunk(picture, LARGEST)
    return images.data_uri(picture, "png" if max(picture.size) <= PIXELATED else "jpeg")


def figure(picture: Tensor | Image.Image, alt: str, caption: str = "", crisp: bool = False) -> str:
    """A picture [1, 3, H, W] in 0..1 (or from Pillow) with its caption; crisp shows its pixels."""
    shown = picture if isinstance(picture, Image.Image) else images.to_pil(picture)
    style = ' class="crisp"' if crisp or max(shown.size) <= 48 else ""
    words = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img{style} src="{source(shown)}" alt="{html.escape(alt)}">{words}</figure>'


def waiting(caption: str = "") -> str:
    """The place of a picture that is not there yet."""
    words = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="waiting"><span></span>{words}</figure>'


def strip(figures: Sequence[str], kind: str = "") -> str:
    """Figures beside each other."""
    return f'<div class="strip {kind}">{"".join(figures)}</div>'


def code(numbers: Tensor, spread: float) -> Image.Image:
    """Numbers [512] as squares, 32 in a row: teal below 0, vermilion above, paper at 0.

    spread is the size of a number that has the full colour.
    """
    amount = (numbers.float() / spread).clamp(-1, 1).reshape(-1, 32, 1)
    paper = torch.tensor([0.984, 0.973, 0.949])
    colour = torch.where(amount > 0, torch.tensor(FALSE), torch.tensor(REAL))
    return images.to_pil(torch.lerp(paper.expand_as(colour), colour, amount.abs()).permute(2, 0, 1))


def channel(values: Tensor) -> Image.Image:
    """A map [h, w] in 0..1: dark where the channel is silent, light where it answers."""
    share = values.float().sqrt().numpy()[..., None]  # weak answers can be seen, too
    silent, loud = np.array([33, 30, 25]), np.array([250, 216, 160])
    return Image.fromarray((silent + (loud - silent) * share).round().astype(np.uint8))


def wish(direction: Tensor) -> Image.Image:
    """A change of pixels [1, 3, H, W] around grey: brighter where they shall become brighter."""
    scale = direction.abs().flatten().quantile(0.99).clamp_min(1e-12)
    return images.to_pil(0.5 + 0.5 * direction / scale)


def curves(falls: Sequence[Parts], total: int, label: str) -> str:
    """Both losses over the steps, as an SVG with the colours of the page."""
    if len(falls) < 2:
        return ""
    top = max(max(parts.style, parts.content) for parts in falls) or 1.0
    wide, high = _WIDTH - _LEFT - 70, _HEIGHT - _BOTTOM - _TOP

    def place(step: int, value: float) -> tuple[float, float]:
        return _LEFT + wide * step / max(1, total - 1), _TOP + high * (1 - value / top)

    lines = []
    for name in ("style", "content"):
        values = [getattr(parts, name) for parts in falls]
        points = " ".join("{:.1f},{:.1f}".format(*place(i, v)) for i, v in enumerate(values))
        x, y = place(len(values) - 1, values[-1])
        lines.append(
            f'<polyline class="{name}" points="{points}"/>'
            f'<text class="{name}" x="{x + 7:.0f}" y="{y + 4:.0f}">{name}</text>'
        )
    ground = _TOP + high
    axes = (
        f'<path class="axis" d="M{_LEFT} {_TOP}V{ground}H{_LEFT + wide}"/>'
        f'<text x="{_LEFT - 8}" y="{_TOP + 9}" text-anchor="end">{top:.2g}</text>'
        f'<text x="{_LEFT - 8}" y="{ground + 4}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">0</text>'
        f'<text x="{_LEFT + wide}" y="{_HEIGHT - 6}" text-anchor="end">{total}</text>'
    )
    return (
        f'<svg class="curves" role="img" aria-label="{html.escape(label)}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{axes}{"".join(lines)}</svg>'
    )
