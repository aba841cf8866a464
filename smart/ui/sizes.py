"""How large a portrait may be here, as people choose it."""

from __future__ import annotations

from smart.options import LARGEST_PRINT, PaintingOptions, default_of
from smart.ui import home

SIZES = (256, 384, 512, 768, 1024, 1536, 2048, LARGEST_PRINT)


def sizes(also: int = 0) -> list[tuple[str, int]]:
    """The sizes offered, in words and px; also is a further one."""
    offered = {size for size in SIZES if size <= home.largest()} | {home.largest()}
    return [(size_words(size), size) for size in sorted(offered | ({also} if also else set()))]


def usual_size() -> int:
    """The default, or the largest there is where that is smaller."""
    return min(int(default_of(PaintingOptions, "size")), home.largest())


def size_words(size: int) -> str:
    """A size as people read it."""
    if size == LARGEST_PRINT:
        return f"{size} px, to print on A3"
    return f"{size} px" + (", takes minutes" if size > 1024 else "")
