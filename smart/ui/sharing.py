"""Whether the page is open to strangers: on a Space, or behind a share link."""

from __future__ import annotations

import os

policy: dict[str, bool] = {"shared": False}


def close_on_share() -> None:
    """The page is open to strangers now: they train nothing, and keep nothing here."""
    policy["shared"] = True


def at_home() -> bool:
    """Whether the page is on one's own machine: no Space, no share link."""
    return not (policy["shared"] or os.environ.get("SPACE_ID"))
