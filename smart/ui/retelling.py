"""What is painted in How it works: rebuilt from a layer, painted anew, and gone through."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import gradio as gr

from smart import networks, story
from smart.progress import Cancelled
from smart.story import Repainting
from smart.ui import story_pictures as pictures
from smart.ui import story_words as words
from smart.ui.handlers import status
from smart.ui.jobs import WAITING, Desk, Job, workshop
from smart.ui.telling import said, seed_of

LEAST, MOST = -1.0, 3.0  # the slider: powers of ten by which style outweighs content
PREVIEW_EVERY = 0.4  # s

bench = Desk()  # of this tab: its Stop ends no portrait of the Studio


def rebuild(
    request: gr.Request, seed: Any, psi: float, slug: str | None, layer: str
) -> Iterator[list[Any]]:
    """What a layer keeps of the face, and of the painting's manner: (pictures, status, buttons)."""
    number, amount = seed_of(seed), float(psi)
    session = request.session_hash or ""
    with said("Layers"):
        content = workshop.quick(lambda: story.face(number, amount, story.EYE))
        style = workshop.quick(lambda: story.painting(slug or ""))
        job = Job(lambda report: story.rebuild(content, style, layer, report), "layers")
        bench.put(session, job)
        try:
            reports = job.watch(PREVIEW_EVERY)
            yield [gr.skip(), status(words.BEGINNING, 0.0), *_busy(True)]
            for progress in reports:
                if progress.preview is None:
                    waits = progress.stage == WAITING  # others are served first
                    words_now = status(words.WAITING, 0.0) if waits else gr.skip()
                    yield [gr.skip(), words_now, gr.skip(), gr.skip()]
                    continue
                stage = f"{progress.stage[:1].upper()}{progress.stage[1:]}"
                bar = status(stage, progress.step / progress.total)
                content_kept, style_kept = progress.preview.split(1)
                yield [_kept(content_kept, style_kept, layer), bar, gr.skip(), gr.skip()]
            both = job.result()
        except Cancelled:  # while it still waited
            yield [gr.skip(), "", *_busy(False)]
            return
        finally:
            job.stop()
            bench.remove(session, job)
    yield [_kept(both[0], both[1], layer), "", *_busy(False)]


def _kept(content: Any, style: Any, layer: str) -> str:
    alt = words.REBUILT_ALT.format(layer=layer)
    texture = words.TEXTURE_ALT.format(layer=layer)
    both = [
        pictures.figure(content, alt, words.KEEPS_CONTENT.format(layer=layer)),
        pictures.figure(style, texture, words.KEEPS_STYLE.format(layer=layer)),
    ]
    return pictures.strip(both, "two")


def _busy(working: bool) -> list[Any]:
    """The button that begins, and Stop."""
    return [gr.Button(visible=not working), gr.Button("Stop", visible=working, interactive=True)]


def stop(request: gr.Request) -> None:
    """End what this session does in this tab; it stays as it stands."""
    bench.stop(request.session_hash or "")


def stop_for_next(request: gr.Request) -> str:
    """As stop, because something else is to begin."""
    stop(request)
    return status(words.WAITING, 0.0)


def repaint(
    request: gr.Request, seed: Any, psi: float, slug: str | None, power: float
) -> Iterator[list[Any]]:
    """The face painted anew: (picture, curves, status, two buttons, portrait, its step slider)."""
    if not LEAST <= float(power) <= MOST:
        raise gr.Error("The slider stands nowhere; move it.", print_exception=False)
    number, amount = seed_of(seed), float(psi)
    made = Repainting(number, amount, slug or "", math.pow(10, float(power)))
    session = request.session_hash or ""
    with said("Portrait"):
        start = workshop.quick(lambda: story.face(number, amount))
        job = Job(lambda report: story.repaint(made, report), "repainting")
        bench.put(session, job)
        try:
            reports = job.watch(PREVIEW_EVERY)
            yield [_portrait(start), "", status(words.MIXING, 0.0), *_busy(True),
                   gr.skip(), gr.skip()]  # fmt: skip
            for progress in reports:
                if progress.preview is None:
                    waits = progress.stage == WAITING
                    words_now = status(words.WAITING, 0.0) if waits else gr.skip()
                    yield [gr.skip(), gr.skip(), words_now, *[gr.skip()] * 4]
                    continue
                falls = list(made.falls)
                text = words.LOSSES.format(
                    step=len(falls), total=progress.total, **_losses(falls[-1])
                )
                bar = status(text, progress.step / progress.total)
                drawn = pictures.curves(falls, progress.total, words.CURVES)
                yield [_portrait(progress.preview), drawn, bar, *[gr.skip()] * 4]
            with contextlib.suppress(Cancelled):  # while it still waited
                job.result()
        finally:
            job.stop()
            bench.remove(session, job)
    yield _painted(made)


def _painted(made: Repainting) -> list[Any]:
    if not made.falls:  # stopped before the first step
        return [gr.skip(), "", "", *_busy(False), None, gr.skip()]
    text = words.STOPPED if made.stopped else words.FINISHED
    sentence = text.format(
        steps=made.steps, seconds=f"{made.seconds:.1f}", before=f"{made.falls[0].style:.3f}",
        **_losses(made.falls[-1]),
    )  # fmt: skip
    drawn = pictures.curves(made.falls, story.REPAINT_STEPS, words.CURVES)
    slider = gr.Slider(0, made.steps, value=0, interactive=True)
    portrait = _portrait(made.frame(made.steps))
    return [portrait, drawn, status(sentence), *_busy(False), made, slider]


def _losses(parts: Any) -> dict[str, str]:
    return {"style": f"{parts.style:.3f}", "content": f"{parts.content:.3f}"}


def _portrait(picture: Any) -> str:
    return pictures.figure(picture, words.PORTRAIT_ALT)


def show_step(made: Repainting | None, step: float) -> str:
    """A step of the last portrait, and where the loss wanted its pixels to go."""
    if made is None:
        return f"<p class='legend'>{words.NO_PORTRAIT}</p>"
    number = made.nearest(min(max(0, int(step)), made.steps))
    with said("Step"):
        direction = workshop.quick(lambda: story.wish(made, number))
    frame, alt = made.frame(number), words.STEP_ALT.format(step=number)
    pull = words.WISH.format(step=number)
    both = [
        pictures.figure(frame, alt, words.STEP.format(step=number)),
        pictures.figure(pictures.wish(direction), pull, pull),
    ]
    return pictures.strip(both, "two")


def sketched(seed: Any, psi: float, slug: str | None, made: Repainting | None) -> str:
    """The same face in one pass, with the time it took."""
    number, amount = seed_of(seed), float(psi)
    if made is not None:  # to be compared, also when another face was chosen since
        number, amount, slug = made.seed, made.psi, made.slug
    with said("Sketch"):
        workshop.quick(lambda: networks.stylizer("portraits"))  # loading is no part of the time
        picture, seconds = workshop.quick(lambda: story.sketched(number, amount, slug or ""))
    figures = [
        pictures.figure(picture, words.SKETCH_ALT, words.SKETCHED.format(seconds=f"{seconds:.2f}"))
    ]
    if made is not None:
        caption = words.PAINTED.format(steps=made.steps, seconds=f"{made.seconds:.1f}")
        figures.append(pictures.figure(made.frame(made.steps), words.PAINTED_ALT, caption))
    return pictures.strip(figures, "two")
