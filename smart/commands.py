"""What each command of the command line does; it returns what --json prints."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from smart import movie, styles
from smart.commands_sitter import sampling_of
from smart.options import (
    FACES,
    LARGEST_PRINT,
    PaintingOptions,
    SamplingOptions,
    following,
    from_arguments,
)
from smart.progress import OnProgress, Progress
from smart.terminal import Bar, Keeping, whole, writable

FACE_SIZES = (256, 512, 1024)
COLUMNS = 6
FILM_SIZE = 768  # px, the longer side


def faces(arguments: argparse.Namespace) -> dict[str, Any]:
    count = whole(arguments.count, "count", 1, 200)
    sampling = sampling_of(arguments)
    size = _face_size(arguments.size, sampling)
    writable(arguments.out)
    from smart import images, sitters

    with Bar(arguments) as on_progress:
        made = list(sitters.faces(sampling, count, size, on_progress))
    sheet = images.sheet([face for _, face in made], COLUMNS)
    provenance = {"faces": {**sampling.told(), "count": count, "size": size}}
    images.save_png(sheet, arguments.out, provenance)
    seeds = [one.seed for one, _ in made]
    return {"out": str(arguments.out), "seeds": seeds, "message": f"Wrote {arguments.out}."}


def _face_size(given: str | None, sampling: SamplingOptions) -> int | None:
    """The size of each face; None is that of a generator one trained oneself."""
    bundled = sampling.generator == FACES
    if given is None:
        return FACE_SIZES[0] if bundled else None
    size = whole(given, "size", 16, 4096)
    if bundled and size not in FACE_SIZES:
        raise ValueError(f"size is {size}; it must be one of 256, 512, 1024.")
    return size


def paint_portrait(arguments: argparse.Namespace) -> dict[str, Any]:
    writable(arguments.out)
    if arguments.like:
        names = [*SamplingOptions.__dataclass_fields__, *PaintingOptions.__dataclass_fields__]
        names = ["style", "ground", "count", "sitter", *names]
        given = [name for name in names if getattr(arguments, name, None) is not None]
        if given:
            flag = given[0].replace("_", "-")
            raise ValueError(f"--like takes everything from the picture; leave --{flag} out.")
        from smart import pipeline

        recipe = pipeline.like(arguments.like)
        if recipe.photo is not None:
            raise ValueError(
                f"{arguments.like.name} was painted after a photograph, which it does not "
                "contain; use `paint PHOTO` with the same options."
            )
        with _Film(arguments) as on_progress:
            made = pipeline.repeat(recipe, on_progress)
        return _finish(made, arguments)
    choices, ground = _painters(arguments)
    sampling = sampling_of(arguments)
    painting = from_arguments(PaintingOptions, arguments)
    if arguments.count is not None:
        return _portraits(arguments, sampling, painting, choices, ground)
    from smart import pipeline

    with _Film(arguments) as on_progress:
        made = pipeline.paint_seed(sampling, choices, painting, on_progress, ground=ground)
    return _finish(made, arguments)


def _portraits(
    arguments: argparse.Namespace,
    sampling: SamplingOptions,
    painting: PaintingOptions,
    choices: tuple[styles.Choice, ...],
    ground: tuple[styles.Choice, ...],
) -> dict[str, Any]:
    """Several sitters at once, each in a file of his or her own."""
    count = whole(arguments.count, "count", 1, 100)
    if arguments.timelapse:
        raise ValueError("A film shows one portrait; leave --timelapse or --count out.")
    from smart import pipeline

    samplings = [following(sampling, index) for index in range(count)]
    written = []
    with Bar(arguments) as on_progress:
        made = pipeline.paint_seeds(samplings, choices, painting, on_progress, ground=ground)
        for one, each in zip(samplings, made, strict=True):
            who = f"{one.seed}-{one.relative}" if one.relative else f"{one.seed}"
            name = arguments.out.with_stem(f"{arguments.out.stem}-{who}")
            written.append(str(each.save(name)))
    seconds = round(time.perf_counter() - arguments.started, 1)
    message = f"Wrote {len(written)} portraits, {written[0]} to {written[-1]}, in {seconds:g} s."
    return {"out": written, "seconds": seconds, "message": message}


def paint(arguments: argparse.Namespace) -> dict[str, Any]:
    writable(arguments.out)
    painting = from_arguments(PaintingOptions, arguments)
    choices, ground = _painters(arguments)
    if arguments.figure and not ground:
        raise ValueError("--figure needs someone who paints the ground; add --ground renoir.")
    from smart import pipeline

    photo = _photo(arguments)
    with _Film(arguments) as on_progress:
        made = pipeline.paint_photo(photo, choices, painting, on_progress, ground)
    return _finish(made, arguments)


def go_on(arguments: argparse.Namespace) -> dict[str, Any]:
    writable(arguments.out)
    size = None
    if arguments.size is not None:
        size = whole(arguments.size, "size", 64, LARGEST_PRINT)
    from smart import pipeline

    pipeline.like(arguments.portrait)  # says by name what is wrong with the file
    portrait = pipeline.load_portrait(arguments.portrait)
    photo = _photo(arguments) if arguments.photo else None
    with _Film(arguments) as on_progress:
        made = pipeline.go_on(portrait, on_progress, size, photo)
    return _finish(made, arguments)


def _photo(arguments: argparse.Namespace) -> Any:
    """The photograph with its masks."""
    from smart import images, pipeline

    keep, figure = (
        images.open_image(mask).convert("L") if mask else None
        for mask in (arguments.keep, arguments.figure)
    )
    picture = images.open_image(arguments.photo, pipeline.SMALLEST_PHOTO)
    return pipeline.Photo(picture, keep, figure)


def _painters(
    arguments: argparse.Namespace,
) -> tuple[tuple[styles.Choice, ...], tuple[styles.Choice, ...]]:
    """Who paints the figure (or everything), and who the ground."""
    if not arguments.style:
        raise ValueError("No painter is chosen; add --style hokusai (`styles` lists them).")
    catalogue = styles.scan()
    ground = catalogue.choose_all(arguments.ground) if arguments.ground else ()
    return catalogue.choose_all(arguments.style), ground


class _Film(Keeping):
    """A progress bar that keeps the previews when a film of them is wanted.

    Ctrl-C once ends the painting and keeps the picture as it stands; twice gives up.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments)
        self.target: Path | None = arguments.timelapse
        self.frames: movie.Frames | None = None
        if self.target is not None:
            writable(self.target, (".mp4", ".webp"))
            if self.target.suffix.lower() == ".mp4":
                movie.require_mp4()
            self.frames = movie.Frames(size=FILM_SIZE)

    def __enter__(self) -> OnProgress:
        shown = super().__enter__()

        def report(progress: Progress) -> None:
            if self.frames is not None and progress.preview is not None:
                from smart import images

                self.frames.add(images.to_pil(progress.preview))
            shown(progress)

        return report

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if error[0] is None and self.frames and self.target is not None:
            movie.save(self.frames, self.target)


def _finish(made: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    made.save(arguments.out)
    seconds = round(time.perf_counter() - arguments.started, 1)
    message = f"Wrote {arguments.out} ({made.image.width} x {made.image.height} px) "
    message += f"in {seconds:g} s, {made.manner}."
    if made.stopped:
        message += f" It was stopped; `continue {arguments.out}` goes on."
    if arguments.timelapse:
        message += f" How it came to be is in {arguments.timelapse}."
    return {
        "out": str(arguments.out),
        "seconds": seconds,
        "provenance": made.provenance,
        "message": message,
    }


def list_styles(arguments: argparse.Namespace) -> dict[str, Any]:
    catalogue = styles.scan()
    lines = []
    for style in catalogue.styles:
        lines.append(f"{style.slug:<28} {style.name}" + (f" ({style.year})" if style.year else ""))
        if len(style.works) > 1 or style.works[0].slug != style.slug:
            for work in style.works:
                year = f", {work.year}" if work.year else ""
                lines.append(f"  {work.slug:<26} {work.title}{year}")
    lines += [f"{bad.slug:<28} cannot be used: {bad.reason}" for bad in catalogue.bad]
    return {
        "styles": [
            {
                "slug": style.slug,
                "name": style.name,
                "artist": style.artist,
                "year": style.year,
                "licence": style.licence,
                "source": style.source,
                "works": [
                    {"slug": work.slug, "title": work.title, "year": work.year}
                    for work in style.works
                ],
            }
            for style in catalogue.styles
        ],
        "bad": [{"slug": bad.slug, "reason": bad.reason} for bad in catalogue.bad],
        "message": "\n".join(lines)
        or f"{styles.styles_folder()} holds no style or does not exist.",
    }
