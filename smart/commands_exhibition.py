"""What the command exhibition does: several sitters by several painters, on one sheet."""

from __future__ import annotations

import argparse
import time
from typing import Any

from smart import styles
from smart.commands_sitter import sampling_of
from smart.options import SEEDS, PaintingOptions, from_arguments
from smart.terminal import Keeping, whole, writable


class _Stages(Keeping):
    apart = True  # a sketch takes a second, refining it many: each has a bar of its own


def exhibition(arguments: argparse.Namespace) -> dict[str, Any]:
    """Hang the exhibition; the sheet, and each portrait in a file of its own if wanted."""
    writable(arguments.out)
    seeds = [whole(seed, "seeds", 0, SEEDS - 1) for seed in arguments.seeds]
    base = sampling_of(arguments)
    choices = styles.scan().choose_all(arguments.styles)
    painting = from_arguments(PaintingOptions, arguments)
    from smart import exhibition as exhibitions
    from smart import exhibition_sheet

    shown = exhibitions.Exhibition(
        tuple(base.replace(seed=seed) for seed in seeds), choices, painting
    )
    with _Stages(arguments) as on_progress:
        stopped = shown.hang(on_progress, arguments.refine)
    if not shown.cells:
        raise ValueError("The exhibition was stopped before the first sketch; start it again.")
    exhibition_sheet.save(shown, arguments.out)
    files = exhibitions.save_cells(shown, arguments.cells) if arguments.cells else []
    seconds = round(time.perf_counter() - arguments.started, 1)
    message = f"Wrote {arguments.out} with {len(shown.cells)} portraits in {seconds:g} s."
    if files:
        message += f" Each of them is in {arguments.cells}."
    if stopped:
        message += " It was stopped; what was there by then is kept."
    return {
        "out": str(arguments.out),
        "cells": [str(path) for path in files],
        "portraits": len(shown.cells),
        "refined": sum(exhibitions.refined(one) for one in shown.cells.values()),
        "stopped": stopped,
        "seconds": seconds,
        "message": message,
    }
