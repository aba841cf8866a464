"""What happens at the easel: painting, stopping, going on, comparing, the film of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from smart import images, movie, networks, pipeline
from smart.options import PaintingOptions, SamplingOptions
from smart.progress import Cancelled, Progress
from smart.provenance import who_sat
from smart.settings import Settings
from smart.ui import hanging, home, janitor, own_painters, photographs
from smart.ui.clock import Clock
from smart.ui.handlers import status
from smart.ui.jobs import Job, workshop
from smart.ui.photographs import Upload
from smart.ui.sitting import EASEL, WISHES, busy, caption, checked, desk, face, person
from smart.wall import readable_name

if TYPE_CHECKING:
    from smart.ui.panels import Studio

PREVIEW_EVERY = 1.0  # s; encoding and sending one costs about 20 ms
FILM_SIZE = 512  # px
FILM_FRAMES = 160  # about 15 MB until the next portrait of the session

Values = dict[str, Any]
Updates = dict[Any, Any]


@dataclass(frozen=True)
class Finished:
    """The last portrait of a session with the pictures of how it came to be."""

    portrait: pipeline.Portrait
    frames: movie.Frames
    photo: Upload | None
    title: str


def settings_of(studio: Studio, values: Values) -> Settings:
    """All that the controls say."""
    painting = checked(PaintingOptions, **{name: values[name] for name in studio.options})
    share = values["share"]
    try:
        return Settings(
            sitter_of(values), str(values["painter"]), painting, str(values["second"] or ""),
            str(values["role"] or "mix"), 50.0 if share is None else share,
        )  # fmt: skip
    except ValueError as error:
        raise gr.Error(str(error), title="Settings", print_exception=False) from error


def paint(studio: Studio, request: gr.Request, values: Values) -> Iterator[Updates]:
    """Paint the sitter or the photograph; the easel shows the picture as it grows."""
    settings = settings_of(studio, values)
    try:
        home.within_limits(settings.painting.size)
        choices, ground = settings.choices(own_painters.catalogue(request.session_hash))
    except ValueError as error:
        raise gr.Error(str(error), title="Portrait", print_exception=False) from error
    photo: Upload | None = None
    by = " and ".join(one.name for one in choices)
    if ground:
        by += f", {ground[0].name} behind"
    if not values["use_photo"]:
        sampling = sitter_of(values)
        work = partial(pipeline.paint_seed, sampling, choices, settings.painting, ground=ground)
        title = f"{caption(sampling)} after {by}"
        shown = face(sampling, EASEL)
    else:
        whole = photographs.opened(values["camera"], pipeline.SMALLEST_PHOTO)
        shown = images.shrunk(whole, EASEL)
        del whole  # it may wait for minutes, and be large
        photo = Upload(str(values["camera"]), values["photo"])
        work = partial(photographs.paint, photo, choices, settings.painting, ground=ground)
        title = f"Your photograph after {by}"
    frames = movie.Frames(FILM_FRAMES, FILM_SIZE)
    yield from _work(studio, request, work, shown, title, photo, frames)


def go_on(studio: Studio, request: gr.Request, values: Values) -> Iterator[Updates]:
    """Paint on where the last portrait was stopped, or larger, as the chosen size says."""
    last: Finished | None = values["last"]
    if last is None:
        raise gr.Error("There is no portrait to go on with; press Paint.", print_exception=False)
    now = max(leg["painting"]["size"] for leg in _legs(last.portrait.provenance))
    try:
        size = home.within_limits(max(now, int(values["size"])))
    except ValueError as error:
        raise gr.Error(str(error), title="Portrait", print_exception=False) from error
    work = partial(
        photographs.go_on, last.portrait, last.photo, size=size,
        catalogue=own_painters.catalogue(request.session_hash),
    )  # fmt: skip
    yield from _work(
        studio, request, work, last.portrait.image, last.title, last.photo, last.frames
    )


def sitter_of(values: Values) -> SamplingOptions:
    """Who sits, with all that was asked for."""
    names = ("features_from", "colors_from", "face_noise")
    wishes = [values[f"wish_{index}"] for index in range(WISHES)]
    return person(values["chosen"], [*(values[name] for name in names), *wishes])


def _legs(provenance: dict[str, Any]) -> list[dict[str, Any]]:
    return [*provenance.get("earlier", []), provenance]


def _work(
    studio: Studio,
    request: gr.Request,
    work: Callable[..., pipeline.Portrait],
    shown: Image.Image,
    title: str,
    photo: Upload | None,
    frames: movie.Frames,
) -> Iterator[Updates]:
    def filmed(progress: Progress) -> None:
        if progress.preview is not None:
            frames.add(images.to_pil(progress.preview))

    session = request.session_hash or ""
    job: Job[pipeline.Portrait] = Job(work, "portrait", filmed, apart=True)
    desk.put(session, job)
    try:
        with janitor.hold(photo.path if photo else None):
            yield from easel_at_work(studio, job, shown)
            portrait = job.result()
    except ValueError as error:
        raise gr.Error(str(error), title="Portrait", print_exception=False) from error
    except Cancelled:
        yield left_the_line(studio)
        return
    finally:
        desk.remove(session, job)
    seconds = time.monotonic() - job.started
    finished = Finished(portrait, frames, photo, title)
    # The page takes its own copies, which it deletes after a while; ours go at once.
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield {
            **_finished(studio, finished, seconds, Path(folder)),
            **hanging.hang(studio.portraits, request, portrait),
        }


def easel_at_work(
    studio: Studio, job: Job[Any], shown: Image.Image, words: str = ""
) -> Iterator[Updates]:
    """Start a job, and show on the easel how it comes on until its end."""
    if not words:
        network = workshop.quick(networks.feature_network).name
        words = f"Mixing the colours. Seen with {network}."
    reports = job.watch(PREVIEW_EVERY)  # before anything changes: there may be no place in the line
    try:
        yield _cleared(studio, shown, words)
        clock = Clock()
        for progress in reports:
            update: Updates = {studio.status: status(*clock.words(progress))}
            if progress.preview is not None:
                # The small early sizes, too, fill the easel.
                small = images.to_pil(progress.preview)
                size = images.fitted_size(*small.size, EASEL)
                update[studio.easel] = small.resize(size, Image.Resampling.BICUBIC)
            yield update
    finally:
        job.stop()


def _cleared(studio: Studio, shown: Image.Image, words: str) -> Updates:
    """The easel with a new picture on it, and nothing but Stop to press."""
    return {
        studio.easel: gr.Image(shown, visible=True),
        studio.compare: gr.ImageSlider(visible=False),
        studio.film: gr.Video(visible=False),
        studio.film_picture: gr.Image(visible=False),
        studio.status: status(words, 0.0),
        studio.comparing: False,
        studio.paint: gr.Button(visible=False),
        studio.stop: gr.Button("Stop", visible=True, interactive=True),
        studio.before_after: gr.Button(visible=False),
        studio.download: gr.DownloadButton(visible=False),
        studio.go_on: gr.Button(visible=False),
        studio.film_button: gr.Button(visible=False),
    }


def alone(request: gr.Request) -> None:
    """Raises gr.Error where something is already under way at the easel of this session."""
    if busy(request):
        raise gr.Error(
            "Your easel is in use; press Stop, or wait until it is done.",
            title="Easel", print_exception=False,
        )  # fmt: skip


def left_the_line(studio: Studio) -> Updates:
    """What the easel shows when someone did not wait any longer."""
    return {
        studio.status: status("You left the line. Press Paint whenever you like."),
        studio.paint: gr.Button(visible=True),
        studio.stop: gr.Button(visible=False),
    }


def _finished(studio: Studio, made: Finished, seconds: float, folder: Path) -> Updates:
    portrait = made.portrait
    path = portrait.save(folder / f"{readable_name(portrait.provenance)}.png")
    subject = before(made).resize(portrait.image.size, Image.Resampling.LANCZOS)
    before_path = images.save_png(subject, folder / "sitter.png")
    words = "stopped and kept as it stood" if portrait.stopped else "finished"
    width, height = portrait.image.size
    text = f"{made.title}, {words} after {seconds:.0f} s. {width} x {height} px, {portrait.manner}."
    return on_the_easel(studio, made, path, (before_path, path), text)


def on_the_easel(
    studio: Studio, made: Finished, path: Path, pair: tuple[Path, Path] | None, text: str
) -> Updates:
    """The portrait in the file path, to be downloaded, compared (with a pair) and gone on with."""
    compared = None if pair is None else (str(pair[0]), str(pair[1]))
    has_subject = made.photo is not None or "sitter" in made.portrait.provenance
    return {
        studio.easel: gr.Image(str(path), visible=True),
        studio.compare: gr.ImageSlider(compared, visible=False),
        studio.film: gr.Video(visible=False),
        studio.film_picture: gr.Image(visible=False),
        studio.status: status(text),
        studio.comparing: False,
        studio.paint: gr.Button(visible=True),
        studio.stop: gr.Button(visible=False),
        studio.before_after: gr.Button(visible=compared is not None),
        studio.download: gr.DownloadButton(value=str(path), visible=True),
        studio.go_on: gr.Button(visible=has_subject),
        studio.film_button: gr.Button(visible=len(made.frames) > 1),
        studio.last: made,
    }


def before(made: Finished) -> Image.Image:
    """What was painted, as it was."""
    if made.photo is not None:
        return made.photo.open().picture
    large = max(made.portrait.image.size) > EASEL
    return face(who_sat(made.portrait.provenance["sitter"]), None if large else EASEL)


def toggle(comparing: bool) -> list[Any]:
    """The portrait alone, or sitter and portrait under a slider."""
    return [not comparing, gr.Image(visible=comparing), gr.ImageSlider(visible=not comparing)]


def stop(request: gr.Request) -> gr.Button:
    """End the running portrait of this session; the picture stays as it stands."""
    desk.stop(request.session_hash or "")
    return gr.Button("Stopping ...", interactive=False)


def show_film(last: Finished | None) -> Iterator[list[Any]]:
    """The film of how the last portrait came to be: MP4 where it can be written, else WebP."""
    if last is None or len(last.frames) < 2:
        raise gr.Error("There is no film yet; paint a portrait first.", print_exception=False)
    moving = movie.can_write_mp4()
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        try:
            path = movie.save(last.frames, f"{folder}/portrait.{'mp4' if moving else 'webp'}")
        except ValueError as error:
            raise gr.Error(str(error), title="Film", print_exception=False) from error
        yield [
            gr.Video(str(path) if moving else None, visible=moving),
            gr.Image(None if moving else str(path), visible=not moving),
        ]
