"""What the School tab does: images in, beginning a training, watching and directing it.

A training is a process of its own, in a folder of its own (see smart.gan.run): closing the page, or
the app, stops nothing, and whoever comes back finds it again.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pandas

from smart import images, likeness, school, serving, weights
from smart.gan import dataset
from smart.gan import run as run_folder
from smart.gan.run import Run
from smart.options import TrainingOptions
from smart.ui import home
from smart.ui.handlers import status
from smart.ui.jobs import Job, workshop
from smart.ui.sitting import checked

PREPARING = "The images are still being prepared; the training begins right after."
_preparing: set[str] = set()  # sessions whose images are being read for a training
CURVES = {"learnt": "training images", "held_out": "images held out", "made": "generated"}


def allowed() -> bool:
    """Whether trainings may be begun here: at home, and elsewhere if SMART_TRAINING is on."""
    said = serving.current().training
    if said in ("on", "off"):
        return said == "on"
    return not home.open_to_strangers()


def refuse_strangers() -> None:
    """In every function of the tab: hiding the page keeps no one from calling it."""
    if not allowed():
        raise gr.Error(
            "Training is off here; its owner turns it on by SMART_TRAINING=on.",
            title="School", print_exception=False,
        )  # fmt: skip


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """What the file system says of the folder of trainings, as one sentence."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"The folder {weights.runs_folder().name}/ cannot be written "
            f"({error.strerror or error}); make room in it, or set SMART_RUNS to another one."
        ) from error


def source_of(path: str, files: Sequence[str] | None, name: str) -> Path:
    """Where the images are: a folder or zip by its path, or uploads, which are kept."""
    if files and path.strip():
        raise ValueError("There are a path and uploaded files; give one of them.")
    if path.strip():
        return Path(path.strip()).expanduser()
    if not files:
        raise ValueError("There are no images yet; give a folder, a zip, or upload some.")
    target = weights.runs_folder() / ".uploads" / run_folder.checked_name(name)
    with _writing():
        if len(files) == 1 and files[0].lower().endswith(".zip"):
            target = target.with_suffix(".zip")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[0], target)
            return target
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, target / Path(file).name)
    return target


def begin(
    request: gr.Request,
    path: str,
    files: list[str] | None,
    name: str,
    crop: str,
    selection: str,
    *values: Any,
) -> Iterator[list[Any]]:
    """Read the images, then train in a process of its own; values are TrainingOptions in order."""
    refuse_strangers()
    session = request.session_hash or ""
    if session in _preparing:
        raise gr.Error(PREPARING, title="School", print_exception=False)
    _preparing.add(session)
    try:
        yield from _begun(path, files, name, crop, selection, values)
    finally:
        _preparing.discard(session)


def _begun(
    path: str,
    files: list[str] | None,
    name: str,
    crop: str,
    selection: str,
    values: tuple[Any, ...],
) -> Iterator[list[Any]]:
    names = list(TrainingOptions.__dataclass_fields__)
    options = checked(TrainingOptions, **dict(zip(names, values, strict=True)))
    try:
        run_folder.refuse_taken(name.strip())
        source = source_of(path, files, name.strip())
        chosen = Path(selection) if selection else None
        job = Job(lambda report: dataset.load(
            source, options.resolution, crop=crop, selection=chosen, on_progress=report,
            find_face=likeness.face_in,
        ), "preparing images")  # fmt: skip
        for progress in job.watch(0.5):
            share = progress.step / max(1, progress.total)
            yield [gr.skip(), status(f"{progress.stage.capitalize()} ...", share)]
        loaded = job.result()
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in options.to_dict().items()]
        if chosen:
            flags.append(f"--selection={chosen}")
        _start("train", str(source), f"--name={name.strip()}", f"--crop={crop}", *flags)
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title="School", print_exception=False) from error
    words = f"{len(loaded.names):,} images"
    unused = "could not be read"
    if crop == dataset.FACE:
        unused = "hold no face that could be used"
    for count, what in ((len(loaded.left_out), unused),
                        (len(loaded.duplicates), "were there twice")):  # fmt: skip
        words += f", {count} {what}" if count else ""
    yield [_runs_choice(name.strip()), status(f"{words}. The training begins.", 0.0)]


def _start(*arguments: str) -> None:
    """A training in a process of its own that goes on when the app ends."""
    with _writing():
        weights.runs_folder().mkdir(parents=True, exist_ok=True)
        log = (weights.runs_folder() / "log.txt").open("a")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "smart", *arguments], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
            cwd=Path(school.__file__).parent.parent,
        )  # fmt: skip
    threading.Thread(target=process.wait, daemon=True).start()  # so that none stays a zombie


def _runs_choice(chosen: str | None = None) -> gr.Dropdown:
    names = [run.name for run in run_folder.runs()]
    if chosen and chosen not in names:  # its folder comes in a second
        names.insert(0, chosen)
    return gr.Dropdown(names, value=chosen or (names[0] if names else None))


def open_tab() -> list[Any]:
    """The tab as a visitor finds it: only where it may be used, with the trainings there are."""
    return [gr.Tab(visible=allowed()), _runs_choice()]


def _found(name: str | None) -> Run | None:
    if not name:
        return None
    try:
        return run_folder.find(name)
    except ValueError:
        return None


def look(request: gr.Request, name: str | None, seen: dict[str, Any]) -> list[Any]:
    """Status, grid and curves of a training; what has not changed is left as it is.

    While images are prepared for another one, it is their status that is told.
    """
    if (request.session_hash or "") in _preparing:
        return [*[gr.skip()] * 5, seen]
    run = _found(name)
    if not allowed() or run is None:
        words = "No training yet." if not name else "It is being prepared."
        return [status(words), *[gr.skip()] * 4, seen]
    now = run.status()
    update: list[Any] = [_words(now), gr.skip(), gr.skip(), gr.skip(), _buttons(now)]
    grid = run.path / "latest.png"
    marks = {"run": name, "grid": grid.stat().st_mtime if grid.is_file() else 0}
    if marks["grid"] and marks != {key: seen.get(key) for key in marks}:
        rows = run.stats()
        update[1:4] = [gr.Image(images.open_image(grid), visible=True), *_curves(rows)]
    return [*update, marks]


def _words(now: dict[str, Any]) -> str:
    state, seen, total = now["state"], now.get("seen", 0), now.get("images", 0)
    names = {"gone": "interrupted; Resume goes on", "waiting": "waiting for room on the disk"}
    text = f"{names.get(state, state).capitalize()}: {seen:,} of {total:,} images shown."
    right = ""
    if state == "training" and now.get("seconds_left"):
        right = f"{now['speed']:.0f} images a second, {now['seconds_left'] / 60:.0f} min left"
    return status(f"{text} {now.get('message', '')}", seen / max(1, total), right)


def _buttons(now: dict[str, Any]) -> gr.Radio:
    alive = now["state"] not in (*run_folder.ENDED, "gone", "new")
    choices = [("Pause", "pause"), ("Go on", "run"), ("Stop", "stop")] if alive else []
    if not alive and now["state"] != "finished":
        choices = [("Resume", "resume")]
    return gr.Radio(choices, value=None, visible=bool(choices))


def _curves(rows: list[dict[str, Any]]) -> list[Any]:
    measured = [row for row in rows if "swd" in row]
    distances = [
        {"images": row["seen"], "distance": row[key], "measure": label}
        for row in measured
        for key, label in (("kernel", "VGG kernel"), ("swd", "sliced Wasserstein"))
        if key in row
    ]
    judged = [
        {"images": row["seen"], "how real": row[key], "to the critic": label}
        for row in rows
        for key, label in CURVES.items()
    ]
    return [
        pandas.DataFrame(distances or None, columns=["images", "distance", "measure"]),
        pandas.DataFrame(judged or None, columns=["images", "how real", "to the critic"]),
    ]


def direct(name: str | None, wanted: str | None) -> None:
    """Pause, go on, stop or resume a training."""
    refuse_strangers()
    run = _found(name)
    if run is None or not wanted:
        return
    try:
        if wanted == "resume":
            _start("train", "--resume", run.name)
        else:
            run.want(wanted)
    except ValueError as error:
        raise gr.Error(str(error), title="School", print_exception=False) from error


def keep(name: str | None, target: str) -> str:
    """Copy the best snapshot to weights/, where the Studio finds it as a sitter."""
    refuse_strangers()
    run = _found(name)
    if run is None:
        raise gr.Error("There is no training yet.", print_exception=False)
    try:
        folder = school.keep(run, target.strip() or run.name)
    except ValueError as error:
        raise gr.Error(str(error), title="Keep", print_exception=False) from error
    return status(f"Kept in {folder}, which can be a model repository on the Hub, too.")


def eye(name: str | None) -> Any:
    """Eight generated pictures, and under each what the critic saw in it."""
    refuse_strangers()
    run = _found(name)
    if run is None:
        raise gr.Error("There is no training yet.", print_exception=False)
    try:
        pictures, overlays, _ = workshop.quick(lambda: school.eye(run.path / "generator"))
    except ValueError as error:
        raise gr.Error(str(error), title="Critic", print_exception=False) from error
    big = images.resize(pictures, overlays.shape[-1], overlays.shape[-2])
    tiles = [images.to_pil(one) for one in (*big, *overlays)]
    return gr.Image(images.sheet(tiles, len(big), gap=4), visible=True)
