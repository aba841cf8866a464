"""What the commands about sitters do: sliders, walk, and a sitter out of a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from smart import styles
from smart.options import (
    FACES,
    SamplingOptions,
    from_arguments,
    options_of,
    parse_sliders,
    sliders_text,
)
from smart.terminal import Bar, whole, writable


def sliders(arguments: argparse.Namespace) -> dict[str, Any]:
    """The sliders of a generator with what they do."""
    name = arguments.generator or FACES
    from smart import sitters

    found = sitters.sliders_of(name)
    width = max((len(one.name) for one in found), default=0)
    lines = [f"{one.name:<{width}}  -1 {one.less}, 1 {one.more}" for one in found]
    return {
        "sliders": [
            {"name": one.name, "label": one.label, "less": one.less, "more": one.more}
            for one in found
        ],
        "message": "\n".join(lines),
    }


def walk(arguments: argparse.Namespace) -> dict[str, Any]:
    """A film through several sitters and back to the first."""
    writable(arguments.out, (".mp4", ".webp"))
    seeds = [whole(seed, "seeds", 0, 2**32 - 1) for seed in arguments.seeds]
    frames = whole(arguments.frames, "frames", 1, 300)
    size = whole(arguments.size, "size", 64, 1024)
    base = sampling_of(arguments)
    choices = styles.scan().choose_all(arguments.style) if arguments.style else ()
    from smart import walk as walking

    samplings = [base.replace(seed=seed) for seed in seeds]
    with Bar(arguments) as on_progress:
        walking.film(samplings, arguments.out, on_progress, choices, frames, size)
    return {"out": str(arguments.out), "seeds": seeds, "message": f"Wrote {arguments.out}."}


def sampling_of(arguments: argparse.Namespace) -> SamplingOptions:
    """Who sits: the one in the picture that --sitter names, if any, and what the flags change."""
    picture: Path | None = getattr(arguments, "sitter", None)
    if picture is None:
        return from_arguments(SamplingOptions, arguments)
    from smart import provenance

    known = provenance.sitter_in(picture)
    changed = {
        name: getattr(arguments, name)
        for name in options_of(SamplingOptions)
        if hasattr(arguments, name)
    }
    if "sliders" in changed:  # what was asked for before stays, unless it is asked anew
        asked = {**known.asked(), **parse_sliders(changed["sliders"], zeros=True)}
        changed["sliders"] = sliders_text(asked)
    return SamplingOptions.from_dict({**known.to_dict(), **changed})


def likeness(arguments: argparse.Namespace) -> dict[str, Any]:
    """The sitter nearest to a photograph, as a PNG that `--sitter` takes."""
    writable(arguments.out)
    frame = None
    if arguments.frame is not None:
        left, top, side = (whole(v, "frame", -100_000, 100_000) for v in arguments.frame)
        if side < 16:
            raise ValueError(f"frame has a side of {side} px; it must be at least 16.")
        from smart.gan.face_frame import Frame

        frame = Frame(left, top, side)
    from smart import images, sitters
    from smart import likeness as likenesses

    photo = images.open_image(arguments.photo, likenesses.SMALLEST)
    with Bar(arguments) as on_progress:
        found = likenesses.find(photo, frame, on_progress)
    picture = images.to_pil(sitters.face(found.options))
    provenance = {"faces": {**found.options.told(), "count": 1, "size": picture.width}}
    images.save_png(picture, arguments.out, provenance)
    return {
        "out": str(arguments.out),
        "nearness": round(found.nearness, 3),
        "message": f"Wrote {arguments.out}. {found.words} `portrait --sitter {arguments.out}` "
        "paints it, and every slider works on it.",
    }
