"""The command that sorts a museum: groups to look at, or a selection by a few examples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from smart.terminal import Bar, whole, writable

COLUMNS = 12
_EACH_GROUP = 24  # images of a group on its sheet


def sort(arguments: argparse.Namespace) -> dict[str, Any]:
    """Groups as contact sheets, or the images like those picked as a selection."""
    if arguments.keep is not None and arguments.threshold is not None:
        raise ValueError("--keep and --threshold are two ways to cut; give one of them.")
    if arguments.sheet:
        writable(arguments.sheet)
    count = None if arguments.keep is None else whole(arguments.keep, "keep", 1, 10**6)
    threshold = None if arguments.threshold is None else _threshold(arguments.threshold)
    from smart import sorting

    with Bar(arguments) as on_progress:
        museum = sorting.open_museum(arguments.source, arguments.crop, on_progress)
    if not arguments.like:
        return _groups(museum, arguments)
    like, unlike = museum.find(_names(arguments.like)), museum.find(_names(arguments.unlike or []))
    scores = museum.rank(like, unlike)
    if threshold is not None:
        keep = sorting.keep_above(scores, threshold)
    else:
        keep = sorting.keep_best(scores, min(count or max(1, len(museum) // 5), len(museum)))
    about = {
        "like": [museum.images.names[index] for index in like],
        "unlike": [museum.images.names[index] for index in unlike],
        "crop": arguments.crop,
        "threshold": float(scores[keep[-1]]) if keep else threshold,
    }
    target = sorting.save(museum, keep, arguments.source, about, arguments.out)
    message = f"Keeps {len(keep)} of {len(museum)} images in {target}."
    if arguments.sheet:
        _save(_cut_sheet(museum, scores, len(keep)), arguments.sheet)
        message += (
            f" {arguments.sheet}: above the best, then the last kept, then the first left out."
        )
    left_out = dict(museum.images.left_out)
    if left_out:
        message += f" {len(left_out)} could not be read."
    return {
        "out": str(target), "kept": len(keep), "of": len(museum), "left_out": left_out,
        "threshold": about["threshold"], "message": message,
    }  # fmt: skip


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise ValueError(f"threshold is {text!r}; it must be a number from -1 to 1.")
    return value


def _names(given: list[str]) -> list[str]:
    """Names as they are, and those in a text file that is named with an @."""
    names = []
    for one in given:
        if one.startswith("@"):
            try:
                lines = Path(one[1:]).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{one[1:]} cannot be read; give a text file of names.") from error
            names += [line.strip() for line in lines if line.strip()]
        else:
            names.append(one)
    return names


def _groups(museum: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    count = whole(arguments.groups, "groups", 1, 200)
    found = museum.groups(min(count, len(museum)))
    rows: list[dict[str, Any]] = [
        {"size": len(group), "typical": [museum.images.names[index] for index in group[:6]]}
        for group in found
    ]
    message = "\n".join(f"{row['size']:6}  {', '.join(row['typical'][:3])}" for row in rows)
    if arguments.sheet:
        shown = [index for group in found for index in _padded(group)]
        _save(museum.sheet(shown, _EACH_GROUP), arguments.sheet)
        message += f"\n{arguments.sheet}: a row for each group."
    message += "\nPick some you want: `sort IMAGES --like NAME NAME ...`"
    return {"groups": rows, "message": message}


def _padded(group: list[int]) -> list[int]:
    """As many as a row of the sheet takes; the last again where a group is smaller."""
    return (group + [group[-1]] * _EACH_GROUP)[:_EACH_GROUP]


def _cut_sheet(museum: Any, scores: Any, count: int) -> Any:
    from smart import sorting

    above, below = sorting.around(scores, count, 2 * COLUMNS)
    best = sorting.keep_best(scores, min(2 * COLUMNS, len(museum)))
    return museum.sheet([*best, *above, *below], COLUMNS)


def _save(sheet: Any, path: Path) -> None:
    from smart import images

    images.save_png(sheet, path)
