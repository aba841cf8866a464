"""The School tab: choose images, sort them, train, watch the critic teach the painter."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from smart.options import TrainingOptions, options_of
from smart.ui import museum, teaching, watching
from smart.ui.events import LONG, PRIVATE
from smart.ui.panels import control, step

NEAR = ("resolution", "images", "stability", "mirror")  # options in sight
LOOK = 2.0  # s between two looks at a training


def build(tab: gr.Tab, demo: gr.Blocks) -> None:
    """Lay out the tab and wire it up; call inside it."""
    with gr.Row(equal_height=False, elem_id="school"):
        with gr.Column(scale=8, min_width=280):
            entry = _images()
            sorter = _sorter()
            options = _options()
        with gr.Column(scale=10, min_width=280):
            desk = _desk()
    _wire_sorter(entry, sorter)
    values = [options[name] for name in options_of(TrainingOptions)]
    entry_values = [entry[name] for name in ("path", "files", "name", "crop")]
    begun = desk["begin"].click(
        teaching.begin, [*entry_values, sorter["selection"], *values],
        [desk["run"], desk["status"], desk["halt"]], show_progress="hidden",
        trigger_mode="multiple", **LONG,  # a second press is answered, too
    )  # fmt: skip
    begun.then(teaching.halt, None, desk["halt"], queue=False, **PRIVATE)
    entry["path"].blur(
        teaching.there, entry["path"], entry["there"], show_progress="hidden", **PRIVATE
    )
    _wire_desk(desk)
    demo.load(
        teaching.open_tab, None, [tab, desk["run"]], show_progress="hidden", queue=False, **PRIVATE
    )


def _images() -> dict[str, Any]:
    step(1, "The images", "A folder or a zip on this machine, or an upload. A thousand do well.")
    return {
        "path": gr.Textbox(label="Folder or zip", elem_id="school-path"),
        "there": gr.HTML(padding=False, visible=False, elem_classes="told"),
        "files": gr.File(
            label="Or upload images or a zip", file_count="multiple", height=150,
            file_types=["image", ".zip"],
        ),
        "name": gr.Textbox("my-painters", label="Name of the training", elem_id="school-name"),
        "crop": gr.Radio(
            [("Centre", "center"), ("Top", "top"), ("Around the face", "face")], value="center",
            label="Which square of each image",
        ),
    }  # fmt: skip


def _sorter() -> dict[str, Any]:
    with gr.Accordion("Sort them first", open=False, elem_classes="plain-accordion"):
        gr.HTML(
            "<p>Pick a few images you want more of, and some you want fewer of; the rest is "
            "ranked by them. No file is changed.</p>", elem_classes="note", padding=False,
        )  # fmt: skip
        parts: dict[str, Any] = {
            "groups": gr.Button("Show groups", elem_id="school-groups"),
            "status": gr.HTML(padding=False, elem_classes="told"),
            "meaning": gr.Radio(
                [("More like these", "like"), ("Fewer like those", "unlike")], value="like",
                label="A click means",
            ),
            "tiles": gr.Gallery(
                columns=8, allow_preview=False, show_label=False, label="Images", buttons=[],
                object_fit="cover", height="auto", elem_id="museum", elem_classes="choice",
                interactive=False, visible=False,
            ),
            "count": gr.Slider(1, 1000, 200, step=1, label="How many to keep"),
            "sort": gr.Button("Sort and keep", elem_id="school-sort"),
            "sorted": gr.HTML(padding=False, elem_classes="told"),
            "selection": gr.Textbox(label="Train only on this selection", elem_id="selection"),
            "picked": gr.State({}),
        }  # fmt: skip
    return parts


def _options() -> dict[str, Any]:
    step(2, "The training", "Minutes for first shapes, hours for faces. Nothing is lost by Stop.")
    controls = {name: control(TrainingOptions, name) for name in NEAR}
    with gr.Accordion("For those who know", open=False, elem_classes="plain-accordion"):
        for name in options_of(TrainingOptions):
            if name not in controls:
                controls[name] = control(TrainingOptions, name)
    return controls


def _desk() -> dict[str, Any]:
    step(3, "The school", "The same 64 latents again and again, as the critic teaches the painter.")
    with gr.Row(elem_classes="tight", equal_height=True):
        run = gr.Dropdown(label="Training", elem_id="run", filterable=False, scale=3)
        begin = gr.Button("Begin", variant="primary", elem_id="begin", scale=2, min_width=110)
    words = gr.HTML(elem_id="school-status", padding=False, elem_classes="told")
    parts: dict[str, Any] = {
        "run": run, "begin": begin, "status": words, **_buttons(),
        "grid": gr.Image(
            show_label=False, label="64 pictures of the same latents", interactive=False,
            buttons=["fullscreen", "download"], elem_id="grid", format="png", visible=False,
            alt_text="64 pictures that the generator makes now",
        ),
    }  # fmt: skip
    with gr.Row(elem_classes="tight"):
        for key, title, y, color in (
            ("distances", "How far from real images (less is better)", "distance", "measure"),
            ("judged", "How real it looks to the critic", "how real", "to the critic"),
        ):
            parts[key] = gr.LinePlot(
                x="images", y=y, color=color, title=title, height=230, buttons=[], min_width=240,
                visible=False,
            )  # fmt: skip
    parts["curves"] = gr.HTML(padding=False, visible=False, elem_classes="note")
    with gr.Accordion("The critic’s eye", open=False, elem_classes="plain-accordion"):
        parts["look"] = gr.Button("What does the critic see?", elem_id="look")
        parts["eye"] = gr.Image(
            show_label=False, label="Pictures, and what the critic saw in them",
            interactive=False, buttons=["fullscreen"], format="png", visible=False,
            elem_id="critics-eye",
            alt_text="Eight generated pictures, and below each what looked real and what false",
        )  # fmt: skip
        gr.HTML(
            "<p>Teal: what spoke for the picture. Vermilion: what gave it away.</p>",
            elem_classes="note", padding=False,
        )  # fmt: skip
    with gr.Accordion("Use it", open=False, elem_classes="plain-accordion"):
        gr.HTML(
            "<p>A training can sit in the Studio at once: <b>Where they come "
            "from</b>, after a reload. Keep copies its best snapshot among the weights.</p>",
            elem_classes="note", padding=False,
        )  # fmt: skip
        parts["target"] = gr.Textbox(label="What the weights shall be called")
        parts["keep"] = gr.Button("Keep the best", elem_id="school-keep")
        parts["kept"] = gr.HTML(padding=False)
    parts["seen"], parts["sure"] = gr.State({}), gr.State(None)
    parts["timer"] = gr.Timer(LOOK)
    return parts


def _buttons() -> dict[str, Any]:
    """What can be done with a training, each in sight when it makes sense."""
    hidden: dict[str, Any] = {"visible": False, "min_width": 100, "size": "md"}
    with gr.Row(elem_classes="tight", elem_id="doings"):
        return {
            "halt": gr.Button("Stop preparing", elem_id="halt", **hidden),
            "pause": gr.Button("Pause", elem_id="pause", **hidden),
            "run_on": gr.Button("Go on", elem_id="run-on", **hidden),
            "stop": gr.Button("Stop", elem_id="stop-training", **hidden),
            "resume": gr.Button("Resume", elem_id="resume", **hidden),
            "delete": gr.Button("Delete", elem_id="delete-training", **hidden),
        }


def _wire_sorter(entry: dict[str, Any], sorter: dict[str, Any]) -> None:
    tiles, picked, words, done = (sorter[key] for key in ("tiles", "picked", "status", "sorted"))
    sorter["groups"].click(
        museum.groups, [entry[name] for name in ("path", "files", "name", "crop")],
        [tiles, picked, sorter["count"], words, done], show_progress="hidden", **LONG,
    )  # fmt: skip
    tiles.select(
        museum.pick, [picked, sorter["meaning"]], [tiles, picked, done],
        show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    sorter["sort"].click(
        museum.sort, [picked, sorter["count"]], [tiles, picked, sorter["selection"], done],
        show_progress="hidden", **PRIVATE,
    )  # fmt: skip


def _wire_desk(desk: dict[str, Any]) -> None:
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, **PRIVATE}
    pictures = [desk[key] for key in ("grid", "distances", "judged", "curves")]
    buttons = [desk[key] for key in ("pause", "run_on", "stop", "resume", "delete")]
    shown = [desk["status"], *pictures, *buttons, desk["sure"], desk["seen"]]
    for event in (desk["timer"].tick, desk["run"].change):
        event(watching.look, [desk["run"], desk["seen"]], shown, **quick)
    for button, doing in zip(buttons[:-1], watching.DOINGS[:-1], strict=True):
        button.click(
            partial(watching.direct, wanted=doing), desk["run"], [desk["status"], *buttons], **quick
        )
    desk["delete"].click(
        watching.delete, [desk["run"], desk["sure"]],
        [desk["run"], desk["delete"], desk["sure"]], show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    desk["halt"].click(teaching.stop_preparing, None, [desk["status"], desk["halt"]], **quick)
    desk["keep"].click(watching.keep, [desk["run"], desk["target"]], desk["kept"], **PRIVATE)
    desk["look"].click(watching.eye, desk["run"], desk["eye"], show_progress="minimal", **PRIVATE)
