"""What stands in the Studio: the panels of the sitter, the painter and the easel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from smart.options import (
    Option,
    PaintingOptions,
    default_of,
    options_of,
)
from smart.ui import handlers
from smart.ui.sizes import sizes, usual_size

if TYPE_CHECKING:
    from smart.ui.wall_panel import WallPanel

NEAR = ("content_weight", "strength")  # options in sight; the others are one click away
MANY = 10**6


@dataclass
class Studio:
    """The components of the tab that handlers read and write."""

    first_seed: gr.Number
    others: gr.Button
    keep: gr.Button
    keep_words: gr.HTML
    kept: gr.State
    shown: gr.State
    tiles: gr.State
    chosen: gr.State
    psi: Any
    generator: gr.Dropdown
    sitters: gr.Gallery
    features_from: gr.Number
    colors_from: gr.Number
    face_noise: gr.Radio
    wishes: list[gr.Slider]
    asked: gr.Image
    free: gr.State
    seated: gr.State  # who was shown on the easel last, before it was painted
    as_they_came: gr.Button
    relatives: gr.Button
    distance: gr.Slider
    walk: gr.Button
    walk_painted: gr.Checkbox
    camera: gr.Image
    photo: gr.ImageEditor
    use_photo: gr.Checkbox
    likeness: gr.Button
    framing: gr.Column
    frame_words: gr.HTML
    guide: gr.Image
    frame_x: gr.Slider
    frame_y: gr.Slider
    frame_side: gr.Slider
    search: gr.Button
    painters: gr.Gallery
    slugs: gr.State
    painter: gr.Textbox
    work: gr.Dropdown
    credit: gr.HTML
    second: gr.Dropdown
    role: gr.Radio
    share: gr.Slider
    options: dict[str, Any]  # a component for each of PaintingOptions
    paint: gr.Button
    stop: gr.Button
    easel: gr.Image
    compare: gr.ImageSlider
    comparing: gr.State
    before_after: gr.Button
    download: gr.DownloadButton
    go_on: gr.Button
    film_button: gr.Button
    film: gr.Video
    film_picture: gr.Image
    last: gr.State
    status: gr.HTML
    portraits: WallPanel

    def controls(self) -> list[Any]:
        """What the chosen sitter is asked for, in the order of sitting.person."""
        return [self.features_from, self.colors_from, self.face_noise, *self.wishes]

    def wall(self) -> list[Any]:
        """What changes when other sitters come, in the order of seating.show_sitters."""
        return [
            self.shown, self.sitters, self.tiles, self.chosen, *self.chair(), self.kept,
            *self.controls(),
        ]  # fmt: skip

    def painters_wall(self) -> list[Any]:
        """What changes when other painters come, in the order of handlers.painter_wall."""
        return [self.painters, self.slugs, self.painter, self.work, self.credit, self.second]

    def chair(self) -> list[Any]:
        """What changes when someone else sits down, in the order of seating."""
        return [
            self.keep, self.keep_words, self.seated, self.easel, self.asked, self.film,
            self.film_picture, self.compare, self.comparing, self.status, self.before_after,
            self.download, self.go_on, self.film_button,
        ]  # fmt: skip

    def values(self) -> dict[str, Any]:
        """Everything that a portrait depends on, by name."""
        named = {f"wish_{index}": slider for index, slider in enumerate(self.wishes)}
        return {
            "chosen": self.chosen, "tiles": self.tiles, "camera": self.camera,
            "photo": self.photo, "use_photo": self.use_photo, "painter": self.painter,
            "second": self.second, "role": self.role, "share": self.share, "last": self.last,
            "features_from": self.features_from, "colors_from": self.colors_from,
            "face_noise": self.face_noise, "walk_painted": self.walk_painted,
            "frame_x": self.frame_x, "frame_y": self.frame_y, "frame_side": self.frame_side,
            "kept": self.kept,
            **named, **self.options,
        }  # fmt: skip

    def at_the_easel(self) -> list[Any]:
        """Everything that changes while a portrait is painted."""
        return [
            self.easel, self.compare, self.film, self.film_picture, self.status, self.comparing,
            self.paint, self.stop, self.before_after, self.download, self.go_on,
            self.film_button, self.last, *self.portraits.hung(), *self.portraits.looked_at(),
        ]  # fmt: skip


def step(number: int, title: str, text: str) -> gr.HTML:
    """The heading of a panel."""
    return gr.HTML(
        f"<h2><em>{number}</em>{title}</h2><p>{text}</p>", elem_classes="step", padding=False
    )


def told(spec: Option) -> str:
    """An option's help as a sentence on the page."""
    return spec.help[:1].upper() + spec.help[1:]


def control(cls: Any, name: str) -> Any:
    """A slider, a choice or a number with the bounds, label and help of an option."""
    spec: Option = options_of(cls)[name]
    label = f"{spec.label} ({spec.unit})" if spec.unit else spec.label
    more = {
        "value": default_of(cls, name), "label": label,
        "info": told(spec),
    }  # fmt: skip
    if spec.choices:
        return gr.Radio([(str(choice).capitalize(), choice) for choice in spec.choices], **more)
    if spec.high is not None and spec.high > MANY:  # no one finds a seed on a slider
        return gr.Number(precision=0, **more)
    return gr.Slider(spec.low, spec.high, step=spec.step, **more)


def painter_panel() -> dict[str, Any]:
    """The painters, the works of the chosen one, and a second painter."""
    step(2, "The painter", "Choose whose hand it shall be.")
    parts: dict[str, Any] = {}
    parts["painters"] = gr.Gallery(
        columns=3, allow_preview=False, show_label=False, label="Painters", buttons=[],
        object_fit="cover", height="auto", elem_id="painters", elem_classes="choice",
        interactive=False,
    )  # fmt: skip
    parts["slugs"] = gr.State([])
    parts["painter"] = gr.Textbox(visible=False)
    parts["work"] = gr.Dropdown(label="After", visible=False, elem_id="work", filterable=False)
    parts["credit"] = gr.HTML(elem_id="credit", padding=False)
    with gr.Accordion("A second painter", open=False, elem_classes="plain-accordion"):
        parts["second"] = gr.Dropdown(
            [("Nobody", "")], value="", label="Second painter", elem_id="second", filterable=False
        )
        parts["role"] = gr.Radio(
            [("Paints with the first", "mix"), ("Paints what is behind the sitter", "ground")],
            value="mix", label="What for", visible=False, elem_id="role",
        )  # fmt: skip
        parts["share"] = gr.Slider(
            0, 100, 50, step=5, label="Share of the second (%)", visible=False, elem_id="share"
        )
    return parts


def easel_panel() -> dict[str, Any]:
    """The portrait with what one does with it, and how it is painted."""
    step(3, "The portrait", "It grows before your eyes. Stop whenever you like it.")
    parts: dict[str, Any] = {
        "comparing": gr.State(False),
        "last": gr.State(None, time_to_live=3600),
    }
    with gr.Row(elem_classes="tight", elem_id="paint-row"):
        parts["paint"] = gr.Button("Paint", variant="primary", elem_id="paint", scale=3)
        parts["stop"] = gr.Button("Stop", variant="stop", elem_id="stop", visible=False, scale=3)
    parts["status"] = gr.HTML(handlers.status(handlers.INVITATION), elem_id="status", padding=False)
    parts["easel"] = gr.Image(
        show_label=False, label="Portrait", interactive=False, format="jpeg", elem_id="easel",
        type="pil", buttons=["fullscreen"], alt_text="The portrait on the easel",
    )  # fmt: skip
    parts["compare"] = gr.ImageSlider(
        show_label=False, label="Before and after", visible=False, elem_id="compare",
        interactive=False, max_height=900, buttons=["fullscreen"], format="png",
    )  # fmt: skip
    parts["film"] = gr.Video(
        show_label=False, label="How it came to be", visible=False, autoplay=True, loop=True,
        elem_id="film", buttons=["download"],
    )  # fmt: skip
    parts["film_picture"] = gr.Image(
        show_label=False, label="How it came to be", visible=False, interactive=False,
        elem_id="film-picture", buttons=["download"], format="webp",
    )  # fmt: skip
    with gr.Row(elem_classes="tight"):
        small: dict[str, Any] = {"visible": False, "min_width": 120}
        parts["download"] = gr.DownloadButton("Download", elem_id="download", **small)
        parts["before_after"] = gr.Button("Compare", elem_id="before-after", **small)
        parts["go_on"] = gr.Button("Go on", elem_id="go-on", **small)
        parts["film_button"] = gr.Button("Film", elem_id="film-button", **small)
    controls: dict[str, Any] = {}
    with gr.Row(elem_classes="tight", elem_id="near-hand", equal_height=True):
        controls["size"] = gr.Dropdown(
            sizes(), label="Size", filterable=False,
            value=usual_size(), elem_id="size", min_width=140,
        )  # fmt: skip
        for name in NEAR:
            with gr.Column(min_width=210):
                controls[name] = control(PaintingOptions, name)
    with gr.Accordion("The painter's hand", open=False, elem_classes="plain-accordion"):
        # What people reach for comes first, what only some need last.
        specs = options_of(PaintingOptions)
        for name in sorted(specs, key=lambda name: specs[name].advanced):
            if name not in controls:
                controls[name] = control(PaintingOptions, name)
    parts["options"] = controls
    return parts
