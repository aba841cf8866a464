"""Whose machine this is: one's own, or one that strangers come to."""

from __future__ import annotations

import os

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_policy: dict[str, bool] = {"shared": False, "reachable": False}


def opened(host: str | None, share: bool) -> None:
    """The page is about to be served at this address, and with a public link or not."""
    address = host or os.environ.get("GRADIO_SERVER_NAME") or LOOPBACK[0]
    _policy["shared"] = _policy["shared"] or share
    _policy["reachable"] = address not in LOOPBACK


def open_to_strangers() -> bool:
    """Whether anyone can come: over a share link, or because it is a Space."""
    return _policy["shared"] or bool(os.environ.get("SPACE_ID"))


def own_machine() -> bool:
    """Whether whoever sees the page sits at this very machine."""
    return not (open_to_strangers() or _policy["reachable"])
