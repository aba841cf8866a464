"""`weights list | pull | push | verify`: what lies here, and the way to the Hub and back."""

from __future__ import annotations

import argparse
from typing import Any

from smart.terminal import Bar


def handle(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"list": _list, "pull": _pull}[arguments.action](arguments)


def _list(_: argparse.Namespace) -> dict[str, Any]:
    from smart import weights

    rows = weights.listing()
    lines = [
        f"{row.name:<20} {row.megabytes:6.1f} MB  {row.architecture:<18} "
        + (row.problem or row.licence)
        for row in rows
    ]
    found = [
        {
            "name": row.name,
            "architecture": row.architecture,
            "megabytes": round(row.megabytes, 1),
            "licence": row.licence,
            "problem": row.problem,
        }
        for row in rows
    ]
    return {"weights": found, "message": "\n".join(lines)}


def _pull(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.name != "vgg19":
        raise ValueError(f"{arguments.name!r} cannot be pulled; `weights pull vgg19` can.")
    from smart import vgg19

    with Bar(arguments) as on_progress:
        folder = vgg19.pull(on_progress)
    return {
        "folder": str(folder),
        "message": f"VGG-19 lies in {folder}; it paints from now on.",
    }
