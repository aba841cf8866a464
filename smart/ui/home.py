"""Whose machine this is: one's own, or one that strangers come to."""

from __future__ import annotations

import os

from smart import serving
from smart.device import best_device
from smart.options import LARGEST_PRINT

LARGEST_FOR_STRANGERS = {"cpu": 1024, "mps": 1024, "cuda": 2048}  # px
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_policy: dict[str, bool] = {"shared": False, "reachable": False}


def opened(host: str | None, share: bool, root_path: str | None = None) -> None:
    """The page is about to be served at this address, with a public link or behind a proxy."""
    address = host or os.environ.get("GRADIO_SERVER_NAME") or LOOPBACK[0]
    _policy["shared"] = _policy["shared"] or share or bool(root_path or serving.current().root_path)
    _policy["reachable"] = address not in LOOPBACK


def open_to_strangers() -> bool:
    """Whether anyone can come: over a share link or a proxy, or because it is a Space.

    SMART_PUBLIC says it where it cannot be known.
    """
    said = serving.current().public
    if said != "auto":
        return said == "on"
    return _policy["shared"] or bool(os.environ.get("SPACE_ID"))


def own_machine() -> bool:
    """Whether whoever sees the page sits at this very machine."""
    return not (open_to_strangers() or _policy["reachable"])


def largest() -> int:
    """The longer side of the largest portrait that is painted here, px: minutes are others' too."""
    if not open_to_strangers():
        return serving.current().largest or LARGEST_PRINT
    return serving.current().largest or LARGEST_FOR_STRANGERS.get(best_device().type, 1024)


def within_limits(size: int) -> int:
    """size in px, or ValueError where it is larger than what is painted here."""
    if size > largest():
        raise ValueError(
            f"size is {size}; portraits here have at most {largest()} px, choose a smaller size."
        )
    return size
