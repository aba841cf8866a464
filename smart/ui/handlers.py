"""What the Studio tab does: choosing, painting, stopping, comparing."""

from __future__ import annotations

import html
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, pipeline, styles
from smart.options import SEEDS, PaintingOptions, SamplingOptions, options_of
from smart.progress import Progress
from smart.styles import Style, Work
from smart.ui.jobs import Desk, Job, workshop

SITTERS = 6
THUMBNAIL = 256  # px
EASEL = 512  # px; previews are shown at this size whatever they are painted at
PREVIEW_EVERY = 1.0  # s; encoding and sending one costs about 20 ms
FIRST_SEED = 12
ALL_WORKS = "All works together"

desk = Desk()


@lru_cache(maxsize=96)
def face(seed: int, psi: float, size: int) -> Image.Image:
    """The sitter of a seed; kept, since people come back to the ones they saw."""
    options = SamplingOptions(seed=seed, psi=psi)
    return workshop.quick(lambda: images.to_pil(pipeline.sitter(options, size)))


@lru_cache(maxsize=256)
def _thumbnail(key: tuple[str, ...], works: tuple[Work, ...]) -> Image.Image:
    return styles.contact_picture(works, THUMBNAIL)


def painters() -> tuple[Style, ...]:
    """The painters that can be used now."""
    return styles.scan().styles


def painter_tiles(found: tuple[Style, ...]) -> list[tuple[Image.Image, str]]:
    """Thumbnail and name of each painter."""
    tiles = []
    for style in found:
        one = style.works[:1]
        tiles.append((_thumbnail(tuple(work.sha256 for work in one), one), style.name))
    return tiles


def open_page(psi: float, first_seed: int) -> Iterator[list[Any]]:
    """What a new visitor sees: the painters at once, then the six sitters."""
    catalogue = styles.scan()
    found = catalogue.styles
    first = _painter_shown(found[0].slug) if found else ["", gr.skip(), _no_painter()]
    bad = "\n".join(f"- **{item.slug}**: {item.reason}" for item in catalogue.bad)
    bad = f"These could not be used:\n\n{bad}" if bad else ""
    yield [
        gr.Gallery(painter_tiles(found), selected_index=0 if found else None),
        [style.slug for style in found],
        *first,
        gr.Markdown(bad, visible=bool(bad)),
        *[gr.skip()] * 4,
    ]  # fmt: skip
    row = show_sitters(first_seed, psi)
    yield [gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), *row]


def _no_painter() -> str:
    return "<p>There is no painter yet: put a picture into the folder styles/ and reload.</p>"


def show_others(
    shown: list[float] | None, first_seed: float | None, psi: float, request: gr.Request
) -> list[Any]:
    """Six other faces, unless these very ones are shown already."""
    if shown == [first_seed, psi]:
        return [gr.skip()] * 4
    return show_sitters(first_seed, psi, request)


def show_sitters(
    first_seed: float | None, psi: float, request: gr.Request | None = None
) -> list[Any]:
    """The six faces from first_seed on; the first of them takes the chair."""
    if first_seed is None:
        raise gr.Error(
            f"The seed is empty; type a whole number from 0 to {SEEDS - 1}.",
            title="Seed", print_exception=False,
        )  # fmt: skip
    options = _checked(SamplingOptions, seed=first_seed, psi=psi)
    seeds = [(options.seed + index) % SEEDS for index in range(SITTERS)]
    # Drawn at the easel's size, so that whoever is chosen next is there at once.
    faces = [face(seed, options.psi, EASEL).reduce(EASEL // THUMBNAIL) for seed in seeds]
    tiles = [(picture, f"Sitter {seed}") for picture, seed in zip(faces, seeds, strict=True)]
    chair = show_chosen(seeds[0], psi, request)
    return [[first_seed, psi], gr.Gallery(tiles, selected_index=0), seeds[0], chair]


def choose_sitter(first_seed: float | None, event: gr.SelectData) -> int:
    """The seed of the sitter one clicked."""
    options = _checked(SamplingOptions, seed=first_seed or 0)
    return int((options.seed + int(event.index) % SITTERS) % SEEDS)


def show_chosen(seed: float, psi: float, request: gr.Request | None = None) -> Any:
    """The chosen sitter takes the chair, unless the easel is in use."""
    if request is not None and desk.busy(request.session_hash or ""):
        return gr.skip()
    options = _checked(SamplingOptions, seed=seed, psi=psi)
    return gr.Image(face(options.seed, options.psi, EASEL))


def choose_painter(slugs: list[str], event: gr.SelectData) -> list[Any]:
    """The painter one clicked, with the works to choose from where there are several."""
    index = int(event.index)
    if not 0 <= index < len(slugs):
        raise gr.Error("This painter is gone; reload the page.")
    return _painter_shown(slugs[index])


def _painter_shown(slug: str) -> list[Any]:
    style = next((style for style in painters() if style.slug == slug), None)
    if style is None:
        raise gr.Error("This painter is gone; reload the page.")
    if len(style.works) == 1:
        return [slug, gr.Dropdown(visible=False), credit(slug)]
    together = (f"{ALL_WORKS} ({len(style.works)})", slug)
    choices = [together, *((work.title, work.slug) for work in style.works)]
    return [slug, gr.Dropdown(choices, value=slug, visible=True), credit(slug)]


def choose_work(slug: str) -> list[str]:
    """One work of the painter, or all of them."""
    return [slug, credit(slug)]


def credit(slug: str) -> str:
    """Who made the works that are painted after, as HTML."""
    choice = _choice(slug)
    style = next(style for style in painters() if style.slug == slug.split("/")[0])
    titles = [f"<i>{html.escape(w.title)}</i>{_year(w)}" for w in choice.works[:8]]
    who = html.escape(style.artist or style.name)
    who += f" ({html.escape(style.year)})" if style.year else ""
    licence = f"<p>{html.escape(style.licence)}.</p>" if style.licence else ""
    return f"<p><b>{who}</b>: {'; '.join(titles)}.</p>{licence}"


def _year(work: Work) -> str:
    return f", {html.escape(work.year)}" if work.year else ""


def _choice(slug: str) -> styles.Choice:
    try:
        return styles.scan().choose(slug)
    except ValueError as error:
        raise gr.Error(str(error), title="Painter", print_exception=False) from error


def _checked(cls: Any, **values: Any) -> Any:
    try:
        return cls(**values)
    except ValueError as error:
        raise gr.Error(str(error), title="Settings", print_exception=False) from error


def paint(
    request: gr.Request, seed: float, psi: float, slug: str, size: int, *values: float | str
) -> Iterator[list[Any]]:
    """Paint the chosen sitter; the easel shows the picture as it grows."""
    names = ["content_weight", *_advanced()]
    sampling = _checked(SamplingOptions, seed=seed, psi=psi)
    painting = _checked(PaintingOptions, size=size, **dict(zip(names, values, strict=True)))
    choice = _choice(slug)
    session = request.session_hash or ""
    job: Job[Any] = Job(
        lambda on_progress: pipeline.paint_seed(sampling, (choice,), painting, on_progress)
    )
    desk.put(session, job)
    try:
        yield from _painting(job, sampling)
        portrait = job.result()
    except ValueError as error:
        raise gr.Error(str(error), title="Portrait", print_exception=False) from error
    finally:
        desk.remove(session, job)
    seconds = time.monotonic() - job.started
    # The page takes its own copies, which it deletes after a while; ours go at once.
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield _finished(portrait, sampling, seconds, Path(folder))


def _advanced() -> list[str]:
    return [name for name, spec in options_of(PaintingOptions).items() if spec.advanced]


def _painting(job: Job[Any], sampling: SamplingOptions) -> Iterator[list[Any]]:
    running = [gr.Button(visible=False), gr.Button("Stop", visible=True, interactive=True)]
    hidden = [gr.Button(visible=False), gr.DownloadButton(visible=False)]
    network = workshop.quick(pipeline.feature_network).name
    yield [
        gr.Image(face(sampling.seed, sampling.psi, EASEL), visible=True),
        gr.ImageSlider(visible=False),
        status(f"Mixing the colours. Seen with {network}.", 0.0), False, *running, *hidden,
    ]  # fmt: skip
    clock = Clock()
    for progress in job.watch(PREVIEW_EVERY):
        shown = gr.skip()
        if progress.preview is not None:
            # The small early sizes, too, fill the easel.
            small = images.to_pil(progress.preview)
            shown = small.resize((EASEL, EASEL), Image.Resampling.BICUBIC)
        yield [shown, gr.skip(), status(*clock.words(progress)), *[gr.skip()] * 5]


def _finished(
    portrait: pipeline.Portrait, sampling: SamplingOptions, seconds: float, folder: Path
) -> list[Any]:
    slug = portrait.provenance["styles"][0]["slug"]
    path = portrait.save(folder / f"portrait-{sampling.seed}-{slug.replace('/', '-')}.png")
    large = max(portrait.image.size) > EASEL
    native = max(pipeline.generator().sizes) if large else EASEL
    before = face(sampling.seed, sampling.psi, native).resize(
        portrait.image.size, Image.Resampling.LANCZOS
    )
    before_path = images.save_png(before, folder / "sitter.png")
    words = "stopped and kept as it stood" if portrait.stopped else "finished"
    width, height = portrait.image.size
    names = {style.slug: style.name for style in painters()}
    title = f"Sitter {sampling.seed} after {names.get(slug.split('/')[0], slug)}"
    text = f"{title}, {words} after {seconds:.0f} s. {width} x {height} px, {portrait.manner}."
    return [
        gr.Image(str(path), visible=True),
        gr.ImageSlider((str(before_path), str(path)), visible=False),
        status(text), False,
        gr.Button(visible=True), gr.Button(visible=False),
        gr.Button(visible=True), gr.DownloadButton(value=str(path), visible=True),
    ]  # fmt: skip


def toggle(comparing: bool) -> list[Any]:
    """The portrait alone, or sitter and portrait under a slider."""
    return [not comparing, gr.Image(visible=comparing), gr.ImageSlider(visible=not comparing)]


def stop(request: gr.Request) -> gr.Button:
    """End the running portrait of this session; the picture stays as it stands."""
    desk.stop(request.session_hash or "")
    return gr.Button("Stopping ...", interactive=False)


class Clock:
    """Time left, from the work done since the first report: what came before was preparation."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None

    def words(self, progress: Progress) -> tuple[str, float, str]:
        """What is being done, the share that is done (0..1), and the time left in words."""
        done = progress.step / progress.total if progress.fraction is None else progress.fraction
        now = time.monotonic()
        self.first = self.first or (now, done)
        began, before = self.first
        left = ""
        if now - began > 2 and done > before:
            remaining = (now - began) * (1 - done) / (done - before)
            left = f"about {remaining:.0f} s left" if remaining >= 1 else "nearly done"
        if progress.step == 0:
            return "A sketch; the portrait grows out of it", done, left
        stage = progress.stage[:1].upper() + progress.stage[1:]
        return f"{stage}, step {progress.step} of {progress.total}", done, left


def status(text: str, share: float | None = None, right: str = "") -> str:
    bar = ""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
    return (
        f'<div class="line" role="status"><span>{html.escape(text)}</span>'
        f"<b>{html.escape(right)}</b></div>{bar}"
    )
