"""Watching and directing a training in the School tab: words, pictures, curves, buttons."""

from __future__ import annotations

import math
from typing import Any

import gradio as gr
import pandas

from smart import images, school
from smart.gan import run as run_folder
from smart.gan.run import Run
from smart.gan.trainer import TICK
from smart.ui import teaching
from smart.ui.handlers import status
from smart.ui.jobs import workshop

NONE_YET = "No training yet."
NO_RUN = "There is no training yet."
GONE = "This training is gone; choose another."
STARTING = "The training is being started; that takes some seconds."
FAILED = "It cannot go on: {reason}"
DELETED = "{name} is deleted. What was kept of it among the weights stays."
DELETE, SURE = "Delete", "Delete for good?"
DOINGS = ("pause", "run", "stop", "resume", "delete")  # a button for each, in this order
NAMES = {"gone": "interrupted; Resume goes on", "waiting": "waiting for room on the disk"}
# What is told between asking and doing, by the state and what is wanted.
ON_THE_WAY = {("training", "pause"): "pausing ...", ("paused", "run"): "going on ..."}
CURVES = {"learnt": "training images", "held_out": "images held out", "made": "generated"}
MEASURES = {"kernel": "VGG kernel", "swd": "sliced Wasserstein"}


def found(name: str | None) -> Run | None:
    """The training of this name, if there is one."""
    try:
        return run_folder.find(name) if name else None
    except ValueError:
        return None


def _the(name: str | None) -> Run:
    teaching.refuse_strangers()
    run = found(name)
    if run is None:
        raise gr.Error(GONE if name else NO_RUN, title="School", print_exception=False)
    return run


def look(request: gr.Request, name: str | None, seen: dict[str, Any]) -> list[Any]:
    """Words, four pictures, a button for each of DOINGS, the sure one, and what is seen now.

    What has not changed is left as it is. While images are prepared for another training, it is
    their status that is told.
    """
    if teaching.preparing(request):
        return [*[gr.skip()] * 11, seen]
    run = found(name) if teaching.allowed() else None
    words = _words(run) if run else status(_missing(name))
    can = _doings(run)
    marks = {"run": run and run.name, "files": _changed(run), "can": can}
    pictures, buttons = [gr.skip()] * 4, [gr.skip()] * 6
    other = marks["run"] != seen.get("run", "")
    if other or marks["files"] != seen.get("files"):
        pictures = _pictures(run)
    if other or can != seen.get("can"):
        buttons = [*_buttons(can), None]
    return [words, *pictures, *buttons, marks]


def _missing(name: str | None) -> str:
    if not name:
        return NONE_YET
    if reason := teaching.failure(name):
        return FAILED.format(reason=reason)
    return STARTING if teaching.starting(name) else GONE


def _words(run: Run) -> str:
    now, wanted = run.status(), run.wanted()
    state, seen, total = now["state"], now.get("seen", 0), now.get("images", 0)
    what = ON_THE_WAY.get((state, wanted)) or NAMES.get(state, state)
    message, right = now.get("message", ""), ""
    if run.alive and wanted == "stop":
        what = "stopping ..."
    elif not run.alive and teaching.starting(run.name):
        return status(STARTING, seen / max(1, total))
    elif state in ("stopped", "gone", "new") and (reason := teaching.failure(run.name)):
        message = FAILED.format(reason=reason)
    elif what == "training" and now.get("seconds_left"):
        right = f"{now['speed']:.0f} images a second, {now['seconds_left'] / 60:.0f} min left"
    what += "" if what.endswith("...") else ":"
    text = f"{what.capitalize()} {seen:,} of {total:,} images shown. {message}"
    return status(text.strip(), seen / max(1, total), right)


def _doings(run: Run | None) -> list[str]:
    """Which of DOINGS make sense now."""
    if run is None or (not run.alive and teaching.starting(run.name)):
        return []
    state, wanted = run.status()["state"], run.wanted()
    if not run.alive:
        return ["delete"] if state == "finished" else ["resume", "delete"]
    if wanted == "stop":
        return []
    if wanted == "pause":
        return ["run", "stop"]
    return ["stop"] if state == "waiting" else ["pause", "stop"]


def _buttons(can: list[str]) -> list[Any]:
    updates = [gr.Button(visible=doing in can) for doing in DOINGS[:-1]]
    return [*updates, gr.Button(DELETE, variant="secondary", visible="delete" in can)]


def _changed(run: Run | None) -> list[float]:
    """When what is shown of a training was written."""
    paths = [run.path / "latest.png", run.path / run_folder.STATS] if run else []
    return [path.stat().st_mtime if path.is_file() else 0.0 for path in paths]


def _pictures(run: Run | None) -> list[Any]:
    """The grid, two curves, and when they come; what is not there yet takes no room."""
    grid = gr.Image(visible=False)
    if run is None:
        return [
            grid,
            gr.LinePlot(visible=False),
            gr.LinePlot(visible=False),
            gr.HTML(visible=False),
        ]
    if (run.path / "latest.png").is_file():
        grid = gr.Image(images.open_image(run.path / "latest.png"), visible=True)
    rows = run.stats()
    when = _when_curves_come(run, rows)
    return [grid, *_curves(rows), gr.HTML(when, visible=bool(when))]


def _curves(rows: list[dict[str, Any]]) -> list[Any]:
    """How far from real images, and the critic's marks, each as soon as it is a line.

    An empty frame would tell the page to take all that follows as names, not as numbers.
    """
    measured = [row for row in rows if "swd" in row]
    distances = [
        {"images": row["seen"], "distance": row[key], "measure": label}
        for row in measured
        for key, label in MEASURES.items()
        if key in row
    ]
    judged = [
        {"images": row["seen"], "how real": row[key], "to the critic": label}
        for row in rows
        for key, label in CURVES.items()
    ]
    return [
        gr.LinePlot(pandas.DataFrame(points), visible=True) if lines else gr.LinePlot(visible=False)
        for points, lines in ((distances, len(measured) > 1), (judged, len(rows) > 1))
    ]


def _when_curves_come(run: Run, rows: list[dict[str, Any]]) -> str:
    """As HTML, from how many images on there are curves; nothing where all are there."""
    try:
        options = run.options()[0]
    except ValueError:
        return ""
    lines = []
    if len(rows) < 2 and options.images >= 2 * TICK:
        lines.append(f"What the critic thinks is drawn from {2 * TICK:,} images on.")
    second = math.ceil(2 * options.evaluate_every / TICK) * TICK
    if sum("swd" in row for row in rows) < 2 and second <= options.images:
        lines.append(f"How far they are from real images is drawn from {second:,} images on.")
    return "".join(f"<p>{line}</p>" for line in lines)


def direct(name: str | None, wanted: str) -> list[Any]:
    """Pause, go on ("run"), stop or resume a training: what it does now, and the buttons."""
    run = _the(name)
    try:
        if wanted != "resume":
            run.want(wanted)
        elif not run.alive and not teaching.starting(run.name):
            teaching.start(run.name, "train", "--resume", run.name)
    except ValueError as error:
        raise gr.Error(str(error), title="School", print_exception=False) from error
    return [_words(run), *_buttons(_doings(run))]


def delete(name: str | None, sure: str | None) -> list[Any]:
    """The first press asks, the second one deletes for good: trainings, button, the sure one."""
    run = _the(name)
    if run.alive or teaching.starting(run.name):
        words = f"{run.name} is being trained; stop it first."
        raise gr.Error(words, title="School", print_exception=False)
    if sure != run.name:
        return [gr.skip(), gr.Button(SURE, variant="stop"), run.name]
    try:
        run_folder.delete(run)
    except ValueError as error:
        raise gr.Error(str(error), title="School", print_exception=False) from error
    gr.Info(DELETED.format(name=run.name), title="School", duration=6)
    return [teaching.runs_choice(), gr.Button(DELETE, variant="secondary"), None]


def keep(name: str | None, target: str) -> str:
    """Copy the best snapshot to weights/, where the Studio finds it as a sitter."""
    run = _the(name)
    try:
        folder = school.keep(run, target.strip() or run.name)
    except ValueError as error:
        raise gr.Error(str(error), title="Keep", print_exception=False) from error
    return status(f"Kept in {folder}, which can be a model repository on the Hub, too.")


def eye(name: str | None) -> Any:
    """Eight generated pictures, and under each what the critic saw in it."""
    run = _the(name)
    try:
        pictures, overlays, _ = workshop.quick(lambda: school.eye(run.path / "generator"))
    except ValueError as error:
        raise gr.Error(str(error), title="Critic", print_exception=False) from error
    big = images.resize(pictures, overlays.shape[-1], overlays.shape[-2])
    tiles = [images.to_pil(one) for one in (*big, *overlays)]
    return gr.Image(images.sheet(tiles, len(big), gap=4), visible=True)
