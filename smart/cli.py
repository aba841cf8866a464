"""python -m smart faces | portrait | paint | continue | exhibition | walk | styles ..."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from smart import (
    __version__,
    commands,
    commands_exhibition,
    commands_serve,
    commands_sitter,
    commands_sort,
    commands_train,
    commands_weights,
)
from smart.options import PaintingOptions, SamplingOptions, TrainingOptions, add_arguments
from smart.threads import prepare


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0, or 2 for bad input (one sentence on stderr)."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        prepare()
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
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")

    faces = _command(kinds, "faces", commands.faces, "sample faces as a sheet")
    faces.add_argument("--count", default="6", help="how many, 1 to 200 (default 6)")
    faces.add_argument(
        "--size", help="px each: 256, 512 or 1024 (default 256), of other generators any (default "
        "their own)",
    )  # fmt: skip
    faces.add_argument("--out", type=Path, default=Path("faces.png"), help="the PNG to write")
    _add_sitter(faces)

    portrait = _command(kinds, "portrait", commands.paint_portrait, "paint the sitter of a seed")
    _add_painters(portrait)
    portrait.add_argument(
        "--like", type=Path, metavar="PNG", help="make this portrait again, pixel by pixel"
    )
    portrait.add_argument(
        "--count", help="paint so many sitters from the seed on, 1 to 100; their seeds are put "
        "into the names of the files",
    )  # fmt: skip
    _add_outputs(portrait, "portrait.png")
    _add_sitter(portrait)
    add_arguments(portrait, PaintingOptions)

    paint = _command(kinds, "paint", commands.paint, "paint a photograph of your own")
    paint.add_argument("photo", type=Path, metavar="PHOTO")
    _add_painters(paint)
    _add_masks(paint)
    _add_outputs(paint, "painted.png")
    add_arguments(paint, PaintingOptions)

    further = _command(
        kinds, "continue", commands.go_on,
        "go on with a portrait that was stopped, or make one larger, up to a print",
    )  # fmt: skip
    further.add_argument("portrait", type=Path, metavar="PNG")
    further.add_argument(
        "--photo", type=Path, help="the photograph, if the portrait was painted after one"
    )
    _add_masks(further)
    further.add_argument("--size", help="longer side in px, up to 4961 (default: as it is)")
    _add_outputs(further, "continued.png")

    _add_sitters(kinds)
    _add_exhibition(kinds)
    _command(kinds, "styles", commands.list_styles, "list the painters")

    weights = _command(
        kinds, "weights", commands_weights.handle,
        "list weights, pull them from the Hub, push one's own there, or verify what is here",
    )  # fmt: skip
    commands_weights.add_flags(weights)
    _add_school(kinds)
    _add_serving(kinds)
    return parser


def _add_sitters(kinds: Any) -> None:
    sliders = _command(
        kinds, "sliders", commands_sitter.sliders, "list what a sitter can be asked for"
    )
    sliders.add_argument("--generator", help="of which generator (default faces)")

    walk = _command(
        kinds, "walk", commands_sitter.walk,
        "a film from sitter to sitter and back to the first; Ctrl-C keeps what is there",
    )  # fmt: skip
    walk.add_argument("--seeds", nargs="+", required=True, metavar="SEED", help="two or more")
    walk.add_argument(
        "--frames", default="24", help="from one sitter to the next, 1 to 300 (default 24)"
    )
    walk.add_argument("--size", default="512", help="px, 64 to 1024 (default 512)")
    walk.add_argument(
        "--style", action="append", metavar="NAME[:WEIGHT]", help="paint each frame after this one"
    )
    walk.add_argument(
        "--out", type=Path, default=Path("walk.webp"), help="the .webp or .mp4 to write"
    )
    add_arguments(walk, SamplingOptions, skip=("seed", "likeness"))

    likeness = _command(
        kinds, "likeness", commands_sitter.likeness,
        "find the sitter nearest to a photograph; nothing of the photograph is kept",
    )  # fmt: skip
    likeness.add_argument("photo", type=Path, metavar="PHOTO")
    likeness.add_argument(
        "--frame", nargs=3, metavar=("LEFT", "TOP", "SIDE"),
        help="the square around the face in px (default: found)",
    )  # fmt: skip
    likeness.add_argument("--out", type=Path, default=Path("likeness.png"), help="the PNG to write")


def _add_exhibition(kinds: Any) -> None:
    exhibition = _command(
        kinds, "exhibition", commands_exhibition.exhibition,
        "several sitters by several painters on one sheet; Ctrl-C keeps what is there",
    )  # fmt: skip
    exhibition.add_argument(
        "--seeds", nargs="+", required=True, metavar="SEED", help="the sitters, one to eight"
    )
    exhibition.add_argument(
        "--styles", nargs="+", required=True, metavar="NAME",
        help="the painters or works, one to eight: hokusai, hokusai/great-wave",
    )  # fmt: skip
    exhibition.add_argument(
        "--refine", action="store_true", help="refine each sketch step by step after all hang"
    )
    exhibition.add_argument(
        "--out", type=Path, default=Path("exhibition.png"), help="the PNG of the sheet to write"
    )
    exhibition.add_argument(
        "--cells", type=Path, metavar="FOLDER", help="write each portrait as a PNG into it, too"
    )
    add_arguments(exhibition, SamplingOptions, skip=("seed", "likeness"))
    add_arguments(exhibition, PaintingOptions, skip=("engine", "start", "noise_seed"))


def _add_sitter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sitter", type=Path, metavar="PNG",
        help="whoever sits in this picture that SMART made, with what other flags change",
    )  # fmt: skip
    add_arguments(parser, SamplingOptions, skip=("likeness",))


def _add_school(kinds: Any) -> None:
    sort = _command(
        kinds, "sort", commands_sort.sort,
        "sort images: groups that look alike, or those like the ones you pick",
    )  # fmt: skip
    sort.add_argument("source", type=Path, metavar="IMAGES", help="a folder or a zip")
    sort.add_argument(
        "--like", nargs="+", metavar="NAME",
        help="images you want more of, by name; @list.txt names a file of names",
    )  # fmt: skip
    sort.add_argument("--unlike", nargs="+", metavar="NAME", help="images you want fewer of")
    sort.add_argument("--keep", help="how many to keep (default a fifth)")
    sort.add_argument("--threshold", help="or how like they must be, -1 to 1")
    sort.add_argument("--out", type=Path, help="the selection (default: beside the images)")
    sort.add_argument(
        "--sheet", type=Path, help="a PNG to look at: groups, or both sides of the cut"
    )
    sort.add_argument("--groups", default="12", help="without --like: how many (default 12)")
    sort.add_argument(
        "--crop", choices=("center", "top"), default="center",
        help="which square of an image that is none (default center)",
    )  # fmt: skip
    train = _command(
        kinds, "train", commands_train.train,
        "train a generator on your own images; Ctrl-C keeps everything",
    )  # fmt: skip
    train.add_argument("source", nargs="?", type=Path, metavar="IMAGES", help="a folder or a zip")
    train.add_argument("--name", help="of the training (default: that of the folder)")
    train.add_argument("--resume", metavar="NAME", help="go on with a training where it was left")
    train.add_argument(
        "--start-from", metavar="NAME", help="begin with what another training of the same size "
        "has learnt: its name, or weights such as painted-portraits",
    )  # fmt: skip
    train.add_argument(
        "--crop", choices=("center", "top", "face"), default="center",
        help="which square of an image that is none; face: head and shoulders, and only "
        "images in which a face is found (default center)",
    )  # fmt: skip
    train.add_argument(
        "--selection", type=Path, metavar="JSON", help="only these images, as `sort` saved them"
    )
    train.add_argument("--licence", default="", help="of the images, for the model's card")
    add_arguments(train, TrainingOptions)

    runs = _command(kinds, "runs", commands_train.runs, "list the trainings, or direct one")
    runs.add_argument(
        "action", nargs="?", default="list",
        choices=("list", "pause", "go", "stop", "keep", "eye", "delete"),
        help="keep copies the best snapshot to weights/; eye draws what the critic sees; delete "
        "removes a training for good",
    )  # fmt: skip
    runs.add_argument("name", nargs="?", help="of the training")
    runs.add_argument("--to", metavar="NAME", help="keep: what the weights shall be called")
    runs.add_argument("--last", action="store_true", help="keep: the last snapshot, not the best")
    runs.add_argument("--out", type=Path, help="eye: the PNG to write")


def _add_serving(kinds: Any) -> None:
    deploy = _command(
        kinds, "deploy", commands_serve.deploy,
        "make a Hugging Face Space of this copy, or bring it up to date",
    )  # fmt: skip
    deploy.add_argument("--space", required=True, metavar="USER/NAME")
    deploy.add_argument(
        "--hardware",
        help="cpu-basic, zero-a10g, t4-small, ... (default: as it is, or cpu-basic)",
    )
    deploy.add_argument("--private", action="store_true", help="only you see it, if it is new")
    deploy.add_argument(
        "--sleep", metavar="SECONDS", help="without visitors it sleeps after so long; -1 never"
    )
    deploy.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="a setting (see docs/server.md)"
    )
    deploy.add_argument(
        "--secret", action="append", metavar="NAME=VALUE",
        help="a setting that no one sees, such as SMART_OWNER=password",
    )  # fmt: skip
    deploy.add_argument(
        "--replace", action="store_true", help="delete another app that lies in this Space"
    )
    deploy.add_argument(
        "--dry-run", action="store_true", help="show exactly what would be sent, send nothing"
    )
    settings = _command(
        kinds, "settings", commands_serve.settings, "list the settings of the environment"
    )
    settings.add_argument("--markdown", action="store_true", help="as a table for docs/server.md")


def _add_painters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--style", action="append", metavar="NAME[:WEIGHT]",
        help="hokusai, hokusai/great-wave or renoir:0.4; again for more painters",
    )  # fmt: skip
    parser.add_argument(
        "--ground", action="append", metavar="NAME[:WEIGHT]",
        help="who paints what is behind the figure; --style paints the figure then",
    )  # fmt: skip


def _add_masks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", type=Path, metavar="MASK",
        help="a picture, white where the photograph is held more firmly (see --face-weight); "
        "stretched over it",
    )  # fmt: skip
    parser.add_argument(
        "--figure", type=Path, metavar="MASK",
        help="a picture, white where --style paints and black where --ground does (default: "
        "found, as in a portrait)",
    )  # fmt: skip


def _add_outputs(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--out", type=Path, default=Path(name), help="the PNG to write")
    parser.add_argument(
        "--timelapse", type=Path, metavar="FILE", help="a film of how it came to be, .mp4 or .webp"
    )


def _command(
    kinds: Any, name: str, run: Callable[[argparse.Namespace], dict[str, Any]], help: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help="print one JSON object, no progress")
    parser.set_defaults(run=run)
    return parser
