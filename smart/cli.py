"""python -m smart faces | portrait | paint | styles | weights"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from smart import __version__, styles
from smart.options import (
    PaintingOptions,
    SamplingOptions,
    add_arguments,
    from_arguments,
)
from smart.progress import OnProgress, Progress, ignore

FACE_SIZES = (256, 512, 1024)
COLUMNS = 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, or 2 for bad input (one sentence on stderr)."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        result = arguments.run(arguments)
    except ValueError as error:
        print(f"smart: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsmart: stopped; nothing was written.", file=sys.stderr)
        return 130
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    elif line := result.get("message"):
        print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smart", description="Faces that nobody has, painted in an artist's manner."
    )
    parser.add_argument("--version", action="version", version=f"SMART {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    faces = _command(commands, "faces", _faces, "sample faces as a sheet")
    faces.add_argument("--count", default="6", help="how many, 1 to 200 (default 6)")
    faces.add_argument("--size", default="256", help="256, 512 or 1024 px each (default 256)")
    faces.add_argument("--out", type=Path, default=Path("faces.png"), help="the PNG to write")
    add_arguments(faces, SamplingOptions)

    portrait = _command(commands, "portrait", _portrait, "paint the sitter of a seed")
    portrait.add_argument(
        "--style", action="append", metavar="NAME[:WEIGHT]",
        help="hokusai, hokusai/great-wave or renoir:0.4; again for more painters",
    )  # fmt: skip
    portrait.add_argument(
        "--like", type=Path, metavar="PNG", help="make this portrait again, pixel by pixel"
    )
    portrait.add_argument("--out", type=Path, default=Path("portrait.png"), help="the PNG to write")
    add_arguments(portrait, SamplingOptions)
    add_arguments(portrait, PaintingOptions)

    paint = _command(commands, "paint", _paint, "paint a photograph of your own")
    paint.add_argument("photo", type=Path, metavar="PHOTO")
    paint.add_argument(
        "--style", action="append", metavar="NAME[:WEIGHT]", required=True,
        help="hokusai, hokusai/great-wave or renoir:0.4; again for more painters",
    )  # fmt: skip
    paint.add_argument("--out", type=Path, default=Path("painted.png"), help="the PNG to write")
    add_arguments(paint, PaintingOptions)

    _command(commands, "styles", _styles, "list the painters")

    weights = _command(commands, "weights", _weights, "list weights, or pull vgg19 from the Hub")
    weights.add_argument("action", nargs="?", choices=("list", "pull"), default="list")
    weights.add_argument("name", nargs="?", default="vgg19", help="vgg19")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], dict[str, Any]], help: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help="print one JSON object, no progress")
    parser.set_defaults(run=run)
    return parser


def _faces(arguments: argparse.Namespace) -> dict[str, Any]:
    count = _whole(arguments.count, "count", 1, 200)
    size = _whole(arguments.size, "size", 64, 4096)
    if size not in FACE_SIZES:
        raise ValueError(f"size is {size}; it must be one of 256, 512, 1024.")
    sampling = from_arguments(SamplingOptions, arguments)
    _writable(arguments.out)
    from smart import images, pipeline

    with _Bar(arguments) as on_progress:
        made = list(pipeline.sitters(sampling, count, size, on_progress))
    sheet = images.sheet([face for _, face in made], COLUMNS)
    provenance = {"faces": {**sampling.to_dict(), "count": count, "size": size}}
    images.save_png(sheet, arguments.out, provenance)
    seeds = [one.seed for one, _ in made]
    return {"out": str(arguments.out), "seeds": seeds, "message": f"Wrote {arguments.out}."}


def _portrait(arguments: argparse.Namespace) -> dict[str, Any]:
    _writable(arguments.out)
    if arguments.like:
        given = [name for name in ("style", "seed", "psi", *PaintingOptions.__dataclass_fields__)
                 if getattr(arguments, name, None) is not None]  # fmt: skip
        if given:
            raise ValueError(f"--like takes everything from the picture; leave --{given[0]} out.")
        from smart import pipeline

        recipe = pipeline.like(arguments.like)
        with _Bar(arguments) as on_progress:
            return _finish(pipeline.repeat(recipe, on_progress), arguments)
    if not arguments.style:
        raise ValueError("No painter is chosen; add --style hokusai (`styles` lists them).")
    sampling = from_arguments(SamplingOptions, arguments)
    painting = from_arguments(PaintingOptions, arguments)
    choices = styles.scan().choose_all(arguments.style)
    from smart import pipeline

    with _Bar(arguments) as on_progress:
        return _finish(pipeline.paint_seed(sampling, choices, painting, on_progress), arguments)


def _paint(arguments: argparse.Namespace) -> dict[str, Any]:
    _writable(arguments.out)
    painting = from_arguments(PaintingOptions, arguments)
    choices = styles.scan().choose_all(arguments.style)
    from smart import images, pipeline

    photo = images.open_image(arguments.photo, pipeline.SMALLEST_PHOTO)
    with _Bar(arguments) as on_progress:
        return _finish(pipeline.paint_photo(photo, choices, painting, on_progress), arguments)


def _finish(portrait: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    portrait.save(arguments.out)
    seconds = round(time.perf_counter() - arguments.started, 1)
    message = f"Wrote {arguments.out} ({portrait.image.width} x {portrait.image.height} px) "
    message += f"in {seconds:g} s, {portrait.manner}."
    return {
        "out": str(arguments.out),
        "seconds": seconds,
        "provenance": portrait.provenance,
        "message": message,
    }


def _styles(arguments: argparse.Namespace) -> dict[str, Any]:
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


def _weights(arguments: argparse.Namespace) -> dict[str, Any]:
    from smart import weights

    if arguments.action == "pull":
        if arguments.name != "vgg19":
            raise ValueError(f"{arguments.name!r} cannot be pulled; `weights pull vgg19` can.")
        from smart.painting.vgg import BLOCKS, tensor_shapes

        with _Bar(arguments) as on_progress:
            folder = weights.pull_vgg19(tensor_shapes(BLOCKS["vgg19"]), on_progress)
        return {
            "folder": str(folder),
            "message": f"VGG-19 lies in {folder}; it paints from now on.",
        }
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


def _whole(text: str, name: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ValueError(f"{name} is {text!r}; it must be a whole number from {low} to {high}.")
    return value


def _writable(out: Path) -> None:
    """Refuse a target that cannot be written before minutes are spent on the picture."""
    if out.is_dir():
        raise ValueError(f"{out} is a folder; name a file in it, such as {out / 'portrait.png'}.")
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out} is no PNG; the settings travel in a PNG, so name it *.png.")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ValueError(
            f"{out} cannot be written ({error.strerror}); choose a folder that exists, may be "
            "written and has room."
        ) from error


class _Bar:
    """A progress bar on a terminal; silent in a pipe and with --json."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        arguments.started = time.perf_counter()
        self.shown = sys.stderr.isatty() and not arguments.json
        self.bar: Any = None

    def __enter__(self) -> OnProgress:
        return self._report if self.shown else ignore

    def _report(self, progress: Progress) -> None:
        if self.bar is None:
            from tqdm import tqdm

            self.bar = tqdm(
                total=1.0,
                bar_format="{desc} |{bar}| {percentage:3.0f} % {remaining} left",
                ncols=shutil.get_terminal_size().columns,  # 80 where none is known
            )
        share = progress.fraction
        self.bar.n = progress.step / progress.total if share is None else share
        self.bar.set_description_str(f"{progress.stage} ({progress.step}/{progress.total})", False)
        self.bar.refresh()

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()
