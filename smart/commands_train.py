"""The commands of the school: train, and runs to watch and direct a training."""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart.options import TrainingOptions, from_arguments, options_of
from smart.progress import OnProgress
from smart.terminal import Keeping

if TYPE_CHECKING:
    from smart.gan.dataset import ImageSet
    from smart.gan.run import Run


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Begin a training, or go on with one."""
    from smart import school

    if arguments.resume:
        return _resume(arguments)
    if arguments.source is None:
        raise ValueError("No images are named; add a folder or a zip, or --resume NAME.")
    options = from_arguments(TrainingOptions, arguments)
    name = arguments.name or _name_of(arguments.source)
    about = {
        "source": str(arguments.source.resolve()),
        "crop": arguments.crop,
        "selection": str(arguments.selection.resolve()) if arguments.selection else None,
        "data": arguments.source.stem,
        "licence": arguments.licence,
    }
    from smart.gan.run import refuse_taken

    refuse_taken(name)
    with _Lesson(arguments) as on_progress:
        pictures = _load(options, about, on_progress)
        run = school.begin(name, options, pictures, about, on_progress, arguments.start_from)
    return _finish(run, arguments)


def _resume(arguments: argparse.Namespace) -> dict[str, Any]:
    from smart import school

    given = [n for n in ("source", "name", "start_from", "selection") if getattr(arguments, n)]
    if given:
        raise ValueError(
            f"--resume knows the images and the name of {arguments.resume}; leave "
            f"{given[0].replace('_', '-').replace('source', 'the images')} out."
        )
    # Checked one by one, so that what stays as it was need not be given again.
    named = {n: getattr(arguments, n) for n in options_of(TrainingOptions) if hasattr(arguments, n)}
    checked = TrainingOptions.from_dict(named)
    changes = {name: getattr(checked, name) for name in named}
    with _Lesson(arguments) as on_progress:
        run = school.resume(
            arguments.resume,
            lambda options, about: _load(options, about, on_progress),
            on_progress,
            **changes,
        )
    return _finish(run, arguments)


def _load(options: TrainingOptions, about: dict[str, Any], on_progress: OnProgress) -> ImageSet:
    from smart import likeness
    from smart.gan import dataset

    selection = about.get("selection")
    return dataset.load(
        Path(about["source"]),
        options.resolution,
        crop=about.get("crop") or "center",
        selection=Path(selection) if selection else None,
        on_progress=on_progress,
        find_face=likeness.face_in,
    )


def _name_of(source: Path) -> str:
    from smart.gan.run import checked_name

    return checked_name(source.stem.replace(" ", "-").replace(".", "-"))


def _finish(run: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    status = run.status()
    minutes = (time.perf_counter() - arguments.started) / 60
    message = f"{run.name}: {status['seen']:,} of {status['images']:,} images shown, "
    message += f"{minutes:.1f} min this time. Its pictures: {run.path / 'latest.png'}."
    if status["state"] == "stopped":
        message += f" `train --resume {run.name}` goes on."
    if status.get("message"):
        message += f" {status['message']}"
    known = {name: status[name] for name in ("state", "seen", "images")}
    return {"name": run.name, "folder": str(run.path), **known, "message": message}


class _Lesson(Keeping):
    apart = True
    signals = (signal.SIGINT, signal.SIGTERM)  # a polite kill stops and keeps, too


def runs(arguments: argparse.Namespace) -> dict[str, Any]:
    """List the trainings, or direct one."""
    from smart import school
    from smart.gan import run as run_folder

    if arguments.action == "list":
        return _listed()
    if not arguments.name:
        raise ValueError(f"Which training? `runs {arguments.action} NAME`; `runs` lists them.")
    run = run_folder.find(arguments.name)
    if arguments.action == "keep":
        target = school.keep(run, arguments.to or run.name, best=not arguments.last)
        message = f"{target} is a set of weights now, and can be a model repository on the Hub."
        return {"folder": str(target), "message": message}
    if arguments.action == "eye":
        return _eye(run, arguments)
    if arguments.action == "delete":
        gone = [str(path) for path in run_folder.delete(run)]
        return {"name": run.name, "deleted": gone, "message": f"Deleted {' and '.join(gone)}."}
    if not run.alive:
        raise ValueError(
            f"{run.name} is not being trained ({run.status()['state']}); "
            f"`train --resume {run.name}` goes on."
        )
    run.want({"pause": "pause", "go": "run", "stop": "stop"}[arguments.action])
    said = {"pause": "pauses", "go": "goes on", "stop": "stops and keeps everything"}
    return {"name": run.name, "message": f"{run.name} {said[arguments.action]}."}


def _listed() -> dict[str, Any]:
    from smart.gan.run import runs as all_runs

    rows, lines = [], []
    for run in all_runs():
        status = run.status()
        seen, images = status.get("seen", 0), status.get("images", 0)
        rows.append({"name": run.name, **status})
        share = f"{seen / images:.0%}" if images else ""
        lines.append(f"{run.name:<24} {status['state']:<10} {seen:>10,} images {share:>5}")
        if status.get("message"):
            lines.append(f"    {status['message']}")
    return {"runs": rows, "message": "\n".join(lines) or "There is no training yet."}


def _eye(run: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """A sheet: eight pictures, and under each what the critic saw in it."""
    from smart import images, school
    from smart.terminal import writable

    out = arguments.out or Path(f"{run.name}-eye.png")
    writable(out)
    pictures, overlays, logits = school.eye(run.path / "generator")
    big = images.resize(pictures, overlays.shape[-1], overlays.shape[-2])
    sheet = images.sheet([images.to_pil(one) for one in (*big, *overlays)], len(big))
    images.save_png(sheet, out)
    return {
        "out": str(out),
        "logits": [round(float(one), 3) for one in logits],
        "message": f"Wrote {out}: below each picture what looked real (teal) and false (red).",
    }
