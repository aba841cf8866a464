"""The Studio tab: six sitters, the painters, and the portrait that grows on the easel."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import gradio as gr

from smart.options import Option, PaintingOptions, SamplingOptions, default_of, options_of
from smart.ui import handlers

SIZES = (256, 384, 512, 768, 1024)


@dataclass
class Studio:
    """The components of the tab that handlers read and write."""

    first_seed: gr.Number
    others: gr.Button
    shown: gr.State
    chosen: gr.Number
    psi: gr.Slider | gr.Radio
    sitters: gr.Gallery
    painters: gr.Gallery
    slugs: gr.State
    painter: gr.Textbox
    work: gr.Dropdown
    credit: gr.HTML
    bad: gr.Markdown
    size: gr.Dropdown
    options: dict[str, gr.Slider | gr.Radio]
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
            first_seed, others, shown, chosen, psi, sitters = _sitter_panel()
        with gr.Column(scale=6, min_width=260):
            gallery, slugs, painter, work, credit, bad = _painter_panel()
        with gr.Column(scale=10, min_width=260):
            rest = _easel_panel()
    studio = Studio(
        first_seed=first_seed, others=others, shown=shown, chosen=chosen, psi=psi,
        sitters=sitters, painters=gallery, slugs=slugs, painter=painter,
        work=work, credit=credit, bad=bad, **rest,
    )  # fmt: skip
    _wire(studio)
    return studio


def _step(number: int, title: str, text: str) -> gr.HTML:
    return gr.HTML(
        f"<h2><em>{number}</em>{title}</h2><p>{text}</p>", elem_classes="step", padding=False
    )


def control(cls: Any, name: str) -> gr.Slider | gr.Radio:
    """A slider or a choice with the bounds, label and help of an option."""
    spec: Option = options_of(cls)[name]
    label = f"{spec.label} ({spec.unit})" if spec.unit else spec.label
    if spec.choices:
        return gr.Radio(
            [(choice.capitalize(), choice) for choice in spec.choices],
            value=default_of(cls, name), label=label, info=spec.help[:1].upper() + spec.help[1:],
        )  # fmt: skip
    return gr.Slider(
        spec.low, spec.high, value=default_of(cls, name), step=spec.step, label=label,
        info=spec.help[:1].upper() + spec.help[1:],
    )  # fmt: skip


def _sitter_panel() -> tuple[
    gr.Number, gr.Button, gr.State, gr.Number, gr.Slider | gr.Radio, gr.Gallery
]:
    _step(1, "The sitter", "Six people who do not exist. Choose one.")
    sitters = gr.Gallery(
        columns=2, rows=3, allow_preview=False, show_label=False, label="Sitters", buttons=[],
        object_fit="cover", height="auto", elem_id="sitters", elem_classes="choice",
        interactive=False, selected_index=0,
    )  # fmt: skip
    with gr.Row(elem_classes="tight", equal_height=True):
        others = gr.Button("Six others", elem_id="others", scale=2, min_width=110)
        first_seed = gr.Number(
            handlers.FIRST_SEED, label="First seed", scale=2, min_width=110, elem_id="seed",
        )  # fmt: skip
    with gr.Accordion("Variety", open=False, elem_classes="plain-accordion"):
        psi = control(SamplingOptions, "psi")
    chosen = gr.Number(handlers.FIRST_SEED, visible=False, precision=0)
    shown = gr.State(None)
    return first_seed, others, shown, chosen, psi, sitters


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
        handlers.status("Press Paint, or choose another sitter and painter first."),
        elem_id="status",
        padding=False,
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
        with gr.Column(min_width=240):
            likeness = control(PaintingOptions, "content_weight")
    with gr.Accordion("The painter's hand", open=False, elem_classes="plain-accordion"):
        hidden = {
            name: control(PaintingOptions, name)
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
    row = [studio.shown, studio.sitters, studio.chosen, studio.easel]
    settings = [studio.shown, studio.first_seed, studio.psi]
    # Enter, leaving the field, the slider, or new ones: never in the middle of typing.
    for change in (studio.first_seed.submit, studio.first_seed.blur, studio.psi.release):
        change(
            handlers.show_others, settings, row, show_progress="minimal",
            show_progress_on=[studio.sitters], trigger_mode="always_last", **quick,
        )  # fmt: skip
    studio.others.click(
        # Short enough to be read, remembered and typed again.
        lambda: random.randrange(1_000_000), None, studio.first_seed, queue=False, **private
    ).then(
        handlers.show_others, settings, row, show_progress="minimal",
        show_progress_on=[studio.sitters], **quick,
    )  # fmt: skip
    # Who is chosen is known at once, also to a Paint pressed right after; the picture follows.
    studio.sitters.select(
        handlers.choose_sitter, studio.first_seed, studio.chosen, queue=False,
        show_progress="hidden",
        **private,
    ).then(
        handlers.show_chosen, [studio.chosen, studio.psi], studio.easel, show_progress="hidden",
        **quick,
    )  # fmt: skip
    studio.painters.select(
        handlers.choose_painter, studio.slugs, [studio.painter, studio.work, studio.credit],
        show_progress="hidden", queue=False, **private,
    )  # fmt: skip
    studio.work.input(
        handlers.choose_work, studio.work, [studio.painter, studio.credit],
        show_progress="hidden", queue=False, **private,
    )  # fmt: skip
    finish = [studio.comparing, studio.paint, studio.stop, studio.before_after, studio.download]
    studio.paint.click(
        handlers.paint,
        [studio.chosen, studio.psi, studio.painter, studio.size, *studio.options.values()],
        [studio.easel, studio.compare, studio.status, *finish],
        show_progress="hidden", concurrency_id="painter", concurrency_limit=1, **private,
    )  # fmt: skip
    studio.stop.click(
        handlers.stop, None, studio.stop, queue=False, show_progress="hidden", **private
    )
    studio.before_after.click(
        handlers.toggle, studio.comparing, [studio.comparing, studio.easel, studio.compare],
        queue=False, show_progress="hidden", **private,
    )  # fmt: skip
