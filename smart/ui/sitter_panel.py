"""The Sitter panel: six to choose from, what they are asked for, mixing, a walk, a photograph."""

from __future__ import annotations

from typing import Any

import gradio as gr

from smart.options import FACES, SamplingOptions, options_of
from smart.ui import sitting
from smart.ui.panels import control, step, told

MASK_COLOR = "#c8502f"


def sitter_panel() -> dict[str, Any]:
    """Six sitters, or a photograph."""
    step(1, "The sitter", "Six people who do not exist. Choose one.")
    parts: dict[str, Any] = {"wishes": []}
    parts["sitters"] = gr.Gallery(
        columns=2, rows=3, allow_preview=False, show_label=False, label="Sitters", buttons=[],
        object_fit="cover", height="auto", elem_id="sitters", elem_classes="choice",
        interactive=False, selected_index=0,
    )  # fmt: skip
    with gr.Row(elem_classes="tight", equal_height=True):
        parts["others"] = gr.Button("Six others", elem_id="others", scale=2, min_width=110)
        parts["keep"] = gr.Button("Keep", elem_id="keep", scale=1, min_width=80)
    parts["keep_words"] = gr.HTML(elem_id="keep-words", elem_classes="note", padding=False)
    with gr.Accordion("Ask the sitter", open=False, elem_classes="plain-accordion", elem_id="ask"):
        # The easel is far away on a phone: there the face is shown above the sliders (see the CSS).
        parts["asked"] = gr.Image(
            show_label=False, label="The sitter", interactive=False, format="jpeg", type="pil",
            buttons=[], elem_id="asked", alt_text="The sitter as asked",
        )  # fmt: skip
        for index in range(sitting.WISHES):
            parts["wishes"].append(
                gr.Slider(-1, 1, 0, step=0.05, label=f"Wish {index + 1}", elem_classes="wish",
                          buttons=[], elem_id=f"wish-{index}")
            )  # fmt: skip
        parts["as_they_came"] = gr.Button("As they came", elem_id="as-they-came", size="sm")
    with gr.Accordion("Relatives and mixing", open=False, elem_classes="plain-accordion"):
        _family(parts)
    with gr.Accordion("A walk", open=False, elem_classes="plain-accordion"):
        gr.HTML(
            "<p>From each of the six to the next and back to the first, as a film.</p>",
            elem_classes="note", padding=False,
        )  # fmt: skip
        parts["walk_painted"] = gr.Checkbox(
            False, label="Sketched by the chosen painter", elem_id="walk-painted"
        )
        parts["walk"] = gr.Button("Walk", elem_id="walk", size="sm")
    with gr.Accordion("Where they come from", open=False, elem_classes="plain-accordion"):
        parts["first_seed"] = gr.Number(sitting.FIRST_SEED, label="First seed", elem_id="seed")
        parts["psi"] = control(SamplingOptions, "psi")
        parts["generator"] = gr.Dropdown(
            [("Photographic faces", FACES)], value=FACES, label="Generator",
            filterable=False, elem_id="generator",
        )  # fmt: skip
        parts["face_noise"] = gr.Radio(
            [("As it is", "fixed"), ("New", "seed"), ("Without", "off")], value="fixed",
            label="Noise", info=told(options_of(SamplingOptions)["face_noise"]),
            elem_id="face-noise",
        )  # fmt: skip
    with gr.Accordion("Your own photograph", open=False, elem_classes="plain-accordion"):
        _photograph(parts)
    for name, start in (
        ("chosen", None),
        ("shown", None),
        ("tiles", []),
        ("kept", []),
        ("free", True),
        ("seated", None),
    ):
        parts[name] = gr.State(start)
    return parts


def _family(parts: dict[str, Any]) -> None:
    parts["distance"] = control(SamplingOptions, "distance")
    parts["relatives"] = gr.Button("Relatives", elem_id="relatives", size="sm")
    with gr.Row(elem_classes="tight"):
        for name, info in (
            ("features_from", "Features and hair come from the sitter of this seed."),
            ("colors_from", "Colours and light come from the sitter of this seed."),
        ):
            parts[name] = gr.Number(
                None, label=options_of(SamplingOptions)[name].label, info=info, min_width=110,
                elem_id=name.replace("_", "-"), placeholder="nobody else",
            )  # fmt: skip


def _photograph(parts: dict[str, Any]) -> None:
    parts["camera"] = gr.Image(
        label="Photograph", show_label=False, type="filepath", image_mode=None, height=220,
        buttons=[], sources=["upload", "webcam", "clipboard"], elem_id="camera",
        placeholder="Drop a photograph here, or click",
    )  # fmt: skip
    # Nothing listens to the strokes: each would send three pictures. Paint fetches them.
    parts["photo"] = gr.ImageEditor(
        label="What should stay true", show_label=False, type="pil", layers=False,
        transforms=(), sources=(), elem_id="photo", visible=False,
        brush=gr.Brush(default_size=12, colors=[MASK_COLOR], color_mode="fixed"),
        eraser=gr.Eraser(default_size=24),
    )  # fmt: skip
    gr.HTML(
        "<p>Brush over what should stay true: the eyes, the mouth. <b>Face</b> under "
        "<b>The painter&rsquo;s hand</b> says how firmly. Nothing of it is kept.</p>",
        elem_classes="note", padding=False,
    )  # fmt: skip
    parts["use_photo"] = gr.Checkbox(False, label="Paint the photograph", elem_id="use-photo")
    parts["likeness"] = gr.Button("Find its likeness", elem_id="likeness", size="sm")
    with gr.Column(visible=False) as parts["framing"]:
        parts["frame_words"] = gr.HTML(elem_classes="note", padding=False)
        parts["guide"] = gr.Image(
            show_label=False, label="Frame", interactive=False, format="jpeg", elem_id="guide",
            buttons=[], alt_text="The photograph with the frame around the face",
        )  # fmt: skip
        for name, label, low, high in (
            ("frame_x", "Left and right", 0, 100),
            ("frame_y", "Up and down", 0, 100),
            ("frame_side", "Size", 10, 200),
        ):
            parts[name] = gr.Slider(
                low, high, 50, step=0.5, label=label, elem_classes="wish", buttons=[],
                elem_id=name.replace("_", "-"),
            )  # fmt: skip
        parts["search"] = gr.Button("Search", variant="primary", elem_id="search", size="sm")
