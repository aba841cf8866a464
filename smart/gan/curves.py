"""The curves of a training as an SVG picture, for the card of its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

FILE = "curves.svg"
MOST = 240  # points of a curve
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 460, 250, 56, 34, 34
_INK, _COLORS = "#463f35", ("#c8502f", "#2f6f73", "#a99d8a", "#6f2a1e")
# Titles of the two panels, and the columns of a training's statistics that they show.
PANELS = (
    ("Distance from held-out images", {"kernel": "VGG kernel", "swd": "sliced Wasserstein"}),
    (
        "How real it looks to the critic",
        {"learnt": "learnt from", "held_out": "held out", "made": "made"},
    ),
)


def svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Two panels beside each other over the images shown; rows are those of Run.stats."""
    parts = []
    for index, (title, columns) in enumerate(PANELS):
        lines = {
            label: [(float(row["seen"]), float(row[key])) for row in rows if key in row]
            for key, label in columns.items()
        }
        inside = _panel(title, {label: line for label, line in lines.items() if len(line) > 1})
        parts.append(f'<g transform="translate({index * _WIDTH} 0)">{inside}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">'
        f'<rect width="100%" height="100%" fill="#fbf8f2"/>{"".join(parts)}</svg>\n'
    )


def _panel(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    parts = [f'<text x="{_LEFT}" y="16" font-size="13">{escape(title)}</text>']
    points = [point for line in lines.values() for point in line]
    if not points:
        return "".join(parts)
    right, low, high = (
        max(x for x, _ in points), min(y for _, y in points), max(y for _, y in points)
    )  # fmt: skip
    low, high = min(low, 0.0), high if high > low else low + 1
    wide, tall = _WIDTH - _LEFT - 16, _HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + wide * x / right, _TOP + tall * (high - y) / (high - low)

    for step in range(5):
        value = low + (high - low) * step / 4
        _, y = place(0, value)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}h{wide}" stroke="#e8e0d1"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        x, _ = place(share * right, low)
        anchor = "end" if share == 1 else "middle"  # the last number must not leave the picture
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 16}" text-anchor="{anchor}">'
            f"{share * right:,.0f}</text>"
        )
    for index, (label, line) in enumerate(lines.items()):
        thinned = line[:: max(1, len(line) // MOST)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in thinned))
        color = _COLORS[index % len(_COLORS)]
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="1.6"/>'
            f'<text x="{_WIDTH - 16}" y="{_TOP + 14 + 15 * index}" text-anchor="end" '
            f'fill="{color}">{escape(label)}</text>'
        )
    return "".join(parts)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"
