"""The Studio tab: six sitters, the painters, and the portrait that grows on the easel."""

from __future__ import annotations

import html
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, pipeline, styles
from smart.options import SEEDS, Option, PaintingOptions, SamplingOptions, default_of, options_of
from smart.progress import Progress
from smart.styles import Style, Work
from smart.ui.jobs import Desk, Job, workshop

SITTERS = 6
THUMBNAIL = 256  # px
EASEL = 512  # px; previews are shown at this size whatever they are painted at
PREVIEW_EVERY = 1.0  # s; encoding and sending one costs about 20 ms
FIRST_SEED = 0
SIZES = (256, 384, 512, 768, 1024)
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


@dataclass
class Studio:
    """The components of the tab that handlers read and write."""

    first_seed: gr.Number
    chosen: gr.Number
    psi: gr.Slider
    sitters: gr.Gallery
    painters: gr.Gallery
    slugs: gr.State
    painter: gr.Textbox
    work: gr.Dropdown
    credit: gr.HTML
    bad: gr.Markdown
    size: gr.Dropdown
    options: dict[str, gr.Slider]
    paint: gr.Button
    stop: gr.Button
    easel: gr.Image
    compare: gr.ImageSlider
    comparing: gr.State
    before_after: gr.Button
    download: gr.DownloadButton
    status: gr.HTML


def build() -> Studio:
    """Lay out the tab and wire it up; call inside gr.Blocks."""
    with gr.Row(equal_height=False, elem_id="studio"):
        with gr.Column(scale=5, min_width=260):
            first_seed, chosen, psi, sitters = _sitter_panel()
        with gr.Column(scale=6, min_width=260):
            gallery, slugs, painter, work, credit, bad = _painter_panel()
        with gr.Column(scale=10, min_width=260):
            rest = _easel_panel()
    studio = Studio(
        first_seed=first_seed, chosen=chosen, psi=psi, sitters=sitters, painters=gallery,
        slugs=slugs, painter=painter, work=work, credit=credit, bad=bad, **rest,
    )  # fmt: skip
    _wire(studio)
    return studio


def _step(number: int, title: str, text: str) -> gr.HTML:
    return gr.HTML(
        f"<h2><em>{number}</em>{title}</h2><p>{text}</p>", elem_classes="step", padding=False
    )


def slider(cls: Any, name: str) -> gr.Slider:
    """A slider with the bounds, label and help of an option."""
    spec: Option = options_of(cls)[name]
    label = f"{spec.label} ({spec.unit})" if spec.unit else spec.label
    return gr.Slider(
        spec.low, spec.high, value=default_of(cls, name), step=spec.step, label=label,
        info=spec.help[:1].upper() + spec.help[1:],
    )  # fmt: skip


def _sitter_panel() -> tuple[gr.Number, gr.Number, gr.Slider, gr.Gallery]:
    _step(1, "The sitter", "Six people who do not exist. Choose one.")
    sitters = gr.Gallery(
        columns=2, rows=3, allow_preview=False, show_label=False, label="Sitters", buttons=[],
        object_fit="cover", height="auto", elem_id="sitters", elem_classes="choice",
        interactive=False, selected_index=0,
    )  # fmt: skip
    with gr.Row(elem_classes="tight", equal_height=True):
        others = gr.Button("Six others", elem_id="others", scale=2, min_width=110)
        first_seed = gr.Number(
            FIRST_SEED, label="First seed", precision=0, minimum=0, maximum=SEEDS - 1, scale=2,
            min_width=110, elem_id="seed",
        )  # fmt: skip
    with gr.Accordion("Variety", open=False, elem_classes="plain-accordion"):
        psi = slider(SamplingOptions, "psi")
    chosen = gr.Number(FIRST_SEED, visible=False, precision=0)
    others.click(
        lambda: random.randrange(SEEDS - SITTERS), None, first_seed, api_visibility="private"
    )
    return first_seed, chosen, psi, sitters


def _painter_panel() -> tuple[gr.Gallery, gr.State, gr.Textbox, gr.Dropdown, gr.HTML, gr.Markdown]:
    _step(2, "The painter", "Choose whose hand it shall be.")
    gallery = gr.Gallery(
        columns=3, allow_preview=False, show_label=False, label="Painters", buttons=[],
        object_fit="cover", height="auto", elem_id="painters", elem_classes="choice",
        interactive=False,
    )  # fmt: skip
    slugs = gr.State([])
    painter = gr.Textbox(visible=False)
    work = gr.Dropdown(label="After", visible=False, elem_id="work")
    credit = gr.HTML(elem_id="credit", padding=False)
    bad = gr.Markdown(visible=False)
    return gallery, slugs, painter, work, credit, bad


def _easel_panel() -> dict[str, Any]:
    _step(3, "The portrait", "It grows before your eyes. Stop whenever you like it.")
    easel = gr.Image(
        show_label=False, label="Portrait", interactive=False, format="jpeg", elem_id="easel",
        type="pil", buttons=["fullscreen"], alt_text="The portrait on the easel",
    )  # fmt: skip
    compare = gr.ImageSlider(
        show_label=False, label="Before and after", visible=False, elem_id="compare",
        interactive=False, max_height=900, buttons=["fullscreen"], format="png",
    )  # fmt: skip
    comparing = gr.State(False)
    status = gr.HTML(
        _status("Choose a sitter and a painter, then press Paint."), elem_id="status", padding=False
    )
    with gr.Row(elem_classes="tight"):
        paint = gr.Button("Paint", variant="primary", elem_id="paint", scale=3)
        stop = gr.Button("Stop", variant="stop", elem_id="stop", visible=False, scale=3)
        before_after = gr.Button("Before and after", visible=False, elem_id="before-after", scale=2)
        download = gr.DownloadButton("Download PNG", visible=False, elem_id="download", scale=2)
    with gr.Row(elem_classes="tight"):
        size = gr.Dropdown(
            [(f"{size} x {size} px", size) for size in SIZES], label="Size", filterable=False,
            value=default_of(PaintingOptions, "size"), elem_id="size", min_width=140,
        )  # fmt: skip
        likeness = slider(PaintingOptions, "content_weight")
    with gr.Accordion("The painter's hand", open=False, elem_classes="plain-accordion"):
        hidden = {
            name: slider(PaintingOptions, name)
            for name, spec in options_of(PaintingOptions).items()
            if spec.advanced
        }
    return {
        "easel": easel, "compare": compare, "comparing": comparing, "status": status,
        "paint": paint, "stop": stop, "before_after": before_after, "download": download,
        "size": size,
        "options": {"content_weight": likeness, **hidden},
    }  # fmt: skip


def _wire(studio: Studio) -> None:
    private = {"api_visibility": "private"}
    quick: dict[str, Any] = {"concurrency_id": "sitters", "concurrency_limit": 2, **private}
    row = [studio.sitters, studio.chosen, studio.easel]
    for change in (studio.first_seed.change, studio.psi.release):
        change(
            show_sitters, [studio.first_seed, studio.psi], row,
            show_progress_on=[studio.sitters], trigger_mode="always_last", **quick,
        )  # fmt: skip
    # Who is chosen is known at once, also to a Paint pressed right after; the picture follows.
    studio.sitters.select(
        choose_sitter, studio.first_seed, studio.chosen, queue=False, show_progress="hidden",
        **private,
    ).then(
        show_chosen, [studio.chosen, studio.psi], studio.easel, show_progress="hidden", **quick
    )  # fmt: skip
    studio.painters.select(
        choose_painter, studio.slugs, [studio.painter, studio.work, studio.credit],
        show_progress="hidden", queue=False, **private,
    )  # fmt: skip
    studio.work.input(
        choose_work, studio.work, [studio.painter, studio.credit],
        show_progress="hidden", queue=False, **private,
    )  # fmt: skip
    finish = [studio.comparing, studio.paint, studio.stop, studio.before_after, studio.download]
    studio.paint.click(
        paint,
        [studio.chosen, studio.psi, studio.painter, studio.size, *studio.options.values()],
        [studio.easel, studio.compare, studio.status, *finish],
        show_progress="hidden", concurrency_id="painter", concurrency_limit=1, **private,
    )  # fmt: skip
    studio.stop.click(stop, None, studio.stop, queue=False, show_progress="hidden", **private)
    studio.before_after.click(
        toggle, studio.comparing, [studio.comparing, studio.easel, studio.compare],
        queue=False, show_progress="hidden", **private,
    )  # fmt: skip


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
        gr.skip(), gr.skip(), gr.skip(),
    ]  # fmt: skip
    row = show_sitters(first_seed, psi, None)
    yield [gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip(), *row]


def _no_painter() -> str:
    return "<p>There is no painter yet: put a picture into the folder styles/ and reload.</p>"


def show_sitters(
    first_seed: float | None, psi: float, request: gr.Request | None = None
) -> list[Any]:
    """The six faces from first_seed on; the first of them takes the chair."""
    options = _checked(SamplingOptions, seed=0 if first_seed is None else first_seed, psi=psi)
    seeds = [(options.seed + index) % SEEDS for index in range(SITTERS)]
    faces = [face(seed, options.psi, THUMBNAIL) for seed in seeds]
    tiles = [(picture, f"Sitter {seed}") for picture, seed in zip(faces, seeds, strict=True)]
    return [gr.Gallery(tiles, selected_index=0), seeds[0], show_chosen(seeds[0], psi, request)]


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
    request: gr.Request, seed: float, psi: float, slug: str, size: int, *values: float
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
    yield _finished(portrait, sampling, seconds)


def _advanced() -> list[str]:
    return [name for name, spec in options_of(PaintingOptions).items() if spec.advanced]


def _painting(job: Job[Any], sampling: SamplingOptions) -> Iterator[list[Any]]:
    running = [gr.Button(visible=False), gr.Button("Stop", visible=True, interactive=True)]
    hidden = [gr.Button(visible=False), gr.DownloadButton(visible=False)]
    network = workshop.quick(pipeline.feature_network).name
    yield [
        gr.Image(face(sampling.seed, sampling.psi, EASEL), visible=True),
        gr.ImageSlider(visible=False),
        _status(f"Mixing the colours. Seen with {network}.", 0.0), False, *running, *hidden,
    ]  # fmt: skip
    clock = Clock()
    for progress in job.watch(PREVIEW_EVERY):
        shown = gr.skip()
        if progress.preview is not None:
            # The small early sizes, too, fill the easel.
            small = images.to_pil(progress.preview)
            shown = small.resize((EASEL, EASEL), Image.Resampling.BICUBIC)
        yield [shown, gr.skip(), _status(*clock.words(progress)), *[gr.skip()] * 5]


def _finished(portrait: pipeline.Portrait, sampling: SamplingOptions, seconds: float) -> list[Any]:
    folder = Path(tempfile.mkdtemp(prefix="smart-portrait-"))
    slug = portrait.provenance["styles"][0]["slug"].replace("/", "-")
    path = portrait.save(folder / f"portrait-{sampling.seed}-{slug}.png")
    native = max(pipeline.generator().sizes)
    before = face(sampling.seed, sampling.psi, native).resize(
        portrait.image.size, Image.Resampling.LANCZOS
    )
    before_path = images.save_png(before, folder / "sitter.png")
    words = "Stopped; kept as it stands" if portrait.stopped else "Finished"
    network = portrait.provenance["network"].upper().replace("VGG", "VGG-")
    width, height = portrait.image.size
    text = f"{words} after {seconds:.0f} s. {width} x {height} px, seen with {network}."
    return [
        gr.Image(str(path), visible=True),
        gr.ImageSlider((str(before_path), str(path)), visible=False),
        _status(text), False,
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
        stage = progress.stage[:1].upper() + progress.stage[1:]
        return f"{stage}, step {progress.step} of {progress.total}", done, left


def _status(text: str, share: float | None = None, right: str = "") -> str:
    bar = ""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
    return (
        f'<div class="line" role="status"><span>{html.escape(text)}</span>'
        f"<b>{html.escape(right)}</b></div>{bar}"
    )
