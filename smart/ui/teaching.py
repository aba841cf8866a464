"""What the School tab does before a training: images in, preparing them, beginning.

A training is a process of its own, in a folder of its own (see smart.gan.run): closing the page, or
the app, stops nothing, and whoever comes back finds it again.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from smart import likeness, school, serving, weights
from smart.gan import dataset, sources
from smart.gan import run as run_folder
from smart.options import TrainingOptions
from smart.progress import Cancelled, Progress
from smart.ui import clock, home
from smart.ui.handlers import status
from smart.ui.jobs import Job
from smart.ui.sitting import checked

PREPARING = "The images are still being prepared; the training begins right after."
LEAVING = "What is prepared is still being stopped; press Begin again in a moment."
FIRST = "Looking at the images ..."
NOT_BEGUN = "Stopped; no training was begun."
TAKEN = (
    "There is a training called {name} already; give this one another name, or choose that one "
    "under Training to go on with it."
)
READ = 1.0  # s in which the last words can be read before those of a training come
BAD_INPUT = 2  # the exit code of a command that could not begin


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
def writing() -> Iterator[None]:
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
    target = run_folder.uploads_folder() / run_folder.checked_name(name)
    with writing():
        if len(files) == 1 and files[0].lower().endswith(".zip"):
            target = target.with_suffix(".zip")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[0], target)
            return target
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, target / Path(file).name)
    return target


def there(path: str) -> Any:
    """How many images the folder or zip holds that was typed, or what is wrong with it."""
    refuse_strangers()
    if not path.strip():
        return gr.HTML(visible=False)
    try:
        count = len(sources.entries(source_of(path, None, "")))
    except ValueError as error:
        return gr.HTML(status(str(error)), visible=True)
    words = f"{count:,} images are there." if count > 1 else "One image is there."
    return gr.HTML(status(words), visible=True)


@dataclass
class Preparation:
    """Images that a session has read before its training begins."""

    job: Job[dataset.ImageSet] | None = None
    stopped: bool = False
    shown: bool = False  # the button that stops it


_preparations: dict[str, Preparation] = {}  # by session
# The last process of each training, and when it was started.
_processes: dict[str, tuple[subprocess.Popen[bytes], float]] = {}


def preparing(request: gr.Request) -> bool:
    """Whether images are being prepared for this session."""
    return (request.session_hash or "") in _preparations


def begin(
    request: gr.Request,
    path: str,
    files: list[str] | None,
    name: str,
    crop: str,
    selection: str,
    *values: Any,
) -> Iterator[list[Any]]:
    """Read the images, then train in a process of its own; values are TrainingOptions in order.

    Yields the trainings, the status, and the button that stops the preparation (see halt).
    """
    refuse_strangers()
    session = request.session_hash or ""
    if session in _preparations:
        stopped = _preparations[session].stopped
        gr.Info(LEAVING if stopped else PREPARING, title="School", duration=5)
        yield [gr.skip()] * 3  # without it the page would empty what it shows
        return
    names = list(TrainingOptions.__dataclass_fields__)
    options = checked(TrainingOptions, **dict(zip(names, values, strict=True)))
    preparation = _preparations[session] = Preparation()
    try:
        refuse_taken(name.strip())
        preparation.shown = True
        yield [gr.skip(), status(FIRST, 0.0), gr.Button(visible=True)]
        source = source_of(path, files, name.strip())
        chosen = Path(selection) if selection else None
        yield from _prepared(preparation, source, crop, chosen, options)
        if preparation.stopped:
            yield [gr.skip(), status(NOT_BEGUN), gr.skip()]
            time.sleep(READ)
            return
        words = _usable(preparation, crop)
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in options.to_dict().items()]
        if chosen:
            flags.append(f"--selection={chosen}")
        start(
            name.strip(), "train", str(source), f"--name={name.strip()}", f"--crop={crop}", *flags
        )
        said = status(f"{words}. The training begins.", 0.0)
        yield [runs_choice(name.strip()), said, gr.Button(visible=False)]
        time.sleep(READ)
    except (ValueError, OSError) as error:
        if preparation.shown:  # nothing is left to be stopped
            yield [gr.skip(), gr.skip(), gr.Button(visible=False)]
        raise gr.Error(str(error), title="School", print_exception=False) from error
    finally:
        _preparations.pop(session, None)


def refuse_taken(name: str) -> None:
    """As run_folder.refuse_taken, in the words of the page."""
    try:
        run_folder.refuse_taken(name)
    except run_folder.TakenError as error:
        raise ValueError(TAKEN.format(name=name)) from error


def _prepared(
    preparation: Preparation, source: Path, crop: str, chosen: Path | None, options: TrainingOptions
) -> Iterator[list[Any]]:
    """Read the images; how far that is."""
    job = preparation.job = Job(lambda report: dataset.load(
        source, options.resolution, crop=crop, selection=chosen, on_progress=report,
        find_face=likeness.face_in,
    ), "preparing images")  # fmt: skip
    if preparation.stopped:  # while uploads were still copied
        return
    for progress in job.watch(0.5):
        if not preparation.stopped:
            yield [gr.skip(), status(*counted(progress)), gr.skip()]
    try:
        job.result()
    except Cancelled:
        preparation.stopped = True


def counted(progress: Progress) -> tuple[str, float]:
    """What is done with the images and the share that is done; or who is served first."""
    if waits := clock.in_line(progress):
        return waits[0], 0.0
    what = progress.stage.capitalize()
    words = f"{what}: {progress.step:,} of {progress.total:,}"
    return words, progress.step / max(1, progress.total)


def halt(request: gr.Request) -> gr.Button:
    """The button that stops a preparation, as long as there is one to be stopped."""
    preparation = _preparations.get(request.session_hash or "")
    return gr.Button(visible=preparation is not None and not preparation.stopped)


def stop_preparing(request: gr.Request) -> list[Any]:
    """Stop was pressed before the training began: nothing is begun; the status and the button."""
    preparation = _preparations.get(request.session_hash or "")
    if preparation is None:
        return [gr.skip(), gr.Button(visible=False)]
    preparation.stopped = True
    if preparation.job:
        preparation.job.stop()
    return [status("Stopping ..."), gr.Button(visible=False)]


def _usable(preparation: Preparation, crop: str) -> str:
    """How many images there are, and why not more."""
    assert preparation.job is not None
    loaded = preparation.job.result()
    words = f"{len(loaded.names):,} images"
    unused = "hold no face that could be used" if crop == dataset.FACE else "could not be read"
    for count, what in ((len(loaded.left_out), unused),
                        (len(loaded.duplicates), "were there twice")):  # fmt: skip
        words += f", {count} {what}" if count else ""
    return words


def start(name: str, *arguments: str) -> None:
    """A training in a process of its own that goes on when the app ends."""
    with writing():
        weights.runs_folder().mkdir(parents=True, exist_ok=True)
        log = _log().open("a")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "smart", *arguments], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
            cwd=Path(school.__file__).parent.parent,
        )  # fmt: skip
    _processes[name] = process, time.time()
    threading.Thread(target=process.wait, daemon=True).start()  # so that none stays a zombie


def _log() -> Path:
    return weights.runs_folder() / "log.txt"


def starting(name: str) -> bool:
    """Whether the process of a training runs, but has not said yet how far it is."""
    process, began = _processes.get(name, (None, 0.0))
    if process is None or process.poll() is not None:
        return False
    said = run_folder.Run(weights.runs_folder() / name).status()
    return float(said.get("updated", 0.0)) < began


def failure(name: str) -> str:
    """Why the process of a training would not begin, as it said; nothing where it did."""
    process, _ = _processes.get(name, (None, 0.0))
    if process is None or process.poll() != BAD_INPUT:
        return ""
    with contextlib.suppress(OSError):
        lines = _log().read_text(encoding="utf-8", errors="replace")[-2000:].strip().splitlines()
        return lines[-1].removeprefix("smart: ") if lines else ""
    return ""


def runs_choice(chosen: str | None = None) -> gr.Dropdown:
    """The trainings there are, the newest first; chosen is one of them or comes in a second."""
    names = [run.name for run in run_folder.runs()]
    if chosen and chosen not in names:
        names.insert(0, chosen)
    return gr.Dropdown(names, value=chosen or (names[0] if names else None))


def open_tab() -> list[Any]:
    """The tab as a visitor finds it: only where it may be used, with the trainings there are."""
    return [gr.Tab(visible=allowed()), runs_choice()]
