"""The Exhibition tab: several sitters by several painters, a wall that fills as one looks on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from smart.exhibition import LARGEST, MOST
from smart.options import SEEDS
from smart.ui import exhibiting, painting
from smart.ui.events import LONG, PRIVATE, QUICK
from smart.ui.handlers import status
from smart.ui.panels import step

SIZES = (256, 384, 512, 768, LARGEST)
FROM_SEED, FROM_STUDIO = "seed", "studio"
SKETCHES, REFINED = "sketches", "refined"
SEEN = """() => document.querySelector("#exhibition-large")?.scrollIntoView({ block: "nearest" })"""
# Which picture was clicked: the server is told its place and nothing else.
CLICK = """
element.addEventListener("click", (event) => {
  const cell = event.target.closest("button[data-row]");
  if (!cell) return;
  trigger("click", { row: Number(cell.dataset.row), column: Number(cell.dataset.column) });
});
"""


def build(tab: gr.Tab, demo: gr.Blocks, tiles: gr.State) -> None:
    """Lay out the tab and wire it up; call inside it. tiles are the Studio's six."""
    with gr.Row(equal_height=False, elem_id="exhibition"):
        with gr.Column(scale=6, min_width=260):
            order = _order()
        with gr.Column(scale=15, min_width=260):
            wall = _wall()
    _wire(tab, demo, tiles, order, wall)


def _order() -> dict[str, Any]:
    step(1, "The sitters", "Up to eight, one row each.")
    parts: dict[str, Any] = {
        "whence": gr.Radio(
            [("From a seed on", FROM_SEED), ("The six of the Studio", FROM_STUDIO)],
            value=FROM_SEED, show_label=False, label="Which sitters",
        )
    }  # fmt: skip
    with gr.Row(elem_classes="tight") as seeds:
        parts["first"] = gr.Number(
            12, precision=0, minimum=0, maximum=SEEDS - 1, label="First seed", min_width=110,
            elem_id="exhibition-first",
        )  # fmt: skip
        parts["count"] = gr.Slider(
            1, MOST, 4, step=1, label="How many", min_width=170, elem_id="exhibition-count"
        )
    parts["seeds"] = seeds
    step(2, "The painters", "Up to eight, one column each.")
    parts["thumbnails"] = gr.HTML(padding=False, elem_classes="unseen")
    parts["painters"] = gr.CheckboxGroup(
        [], show_label=False, label="Painters", elem_id="exhibition-painters", container=False
    )
    with gr.Row(elem_classes="tight"):
        parts["size"] = gr.Dropdown(
            [(f"{size} px", size) for size in SIZES], value=512, label="Size of each",
            filterable=False, min_width=110, elem_id="exhibition-size",
        )  # fmt: skip
        parts["how"] = gr.Radio(
            [("Sketches only", SKETCHES), ("Refine them after", REFINED)], value=SKETCHES,
            label="How far", min_width=200, elem_id="exhibition-how",
        )  # fmt: skip
    parts["hang"] = gr.Button("Hang", variant="primary", elem_id="hang")
    parts["stop"] = gr.Button("Stop", variant="stop", visible=False, elem_id="exhibition-stop")
    return parts


def _wall() -> dict[str, Any]:
    step(3, "The exhibition", "It fills portrait by portrait. Click one to see it large.")
    parts: dict[str, Any] = {
        "hung": gr.State(None, time_to_live=3600),
        "status": gr.HTML(
            status(exhibiting.INVITATION), elem_classes="exhibition-status", padding=False
        ),
        "wall": gr.HTML(
            exhibiting.EMPTY, elem_id="exhibition-wall", padding=False, js_on_load=CLICK,
            apply_default_css=False,
        ),
    }  # fmt: skip
    with gr.Row(elem_classes="tight"):
        parts["sheet"] = gr.DownloadButton(
            "The sheet (PNG)", visible=False, elem_id="exhibition-sheet", min_width=140
        )
        parts["archive"] = gr.DownloadButton(
            "All portraits (zip)", visible=False, elem_id="exhibition-zip", min_width=140
        )
    with gr.Column(elem_id="exhibition-look"):
        parts["words"] = gr.HTML(padding=False, elem_classes="exhibition-words")
        parts["large"] = gr.Image(
            show_label=False, label="The chosen portrait", visible=False, interactive=False,
            format="png", elem_id="exhibition-large", buttons=["fullscreen"],
            alt_text="The portrait that was chosen, large",
        )  # fmt: skip
        parts["download"] = gr.DownloadButton(
            "Download this portrait", visible=False, elem_id="exhibition-download"
        )
    return parts


def _wire(
    tab: gr.Tab, demo: gr.Blocks, tiles: gr.State, order: dict[str, Any], wall: dict[str, Any]
) -> None:
    painters = [order["painters"], order["thumbnails"]]
    for arrives in (demo.load, tab.select):  # a painter dropped in meanwhile is there, too
        arrives(
            exhibiting.painters, [order["painters"]], painters, show_progress="hidden",
            trigger_mode="always_last", **QUICK,
        )  # fmt: skip
    order["whence"].input(
        lambda whence: gr.Row(visible=whence == FROM_SEED), order["whence"], order["seeds"],
        queue=False, show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    parts = exhibiting.Parts(
        wall["wall"], wall["status"], wall["hung"], order["hang"], order["stop"], wall["sheet"],
        wall["archive"], wall["large"], wall["words"], wall["download"],
    )  # fmt: skip

    def hang(
        request: gr.Request, whence: str, first: float | None, count: float, six: Any,
        slugs: Any, size: float, how: str,
    ) -> Iterator[dict[Any, Any]]:  # fmt: skip
        painting.alone(request)
        if whence == FROM_STUDIO:
            samplings = exhibiting.six_sitters(six)
        else:
            samplings = exhibiting.sitters_from(first, count)
        shown = exhibiting.ordered(samplings, slugs, size, request.session_hash)
        yield from exhibiting.hang(parts, request, shown, how == REFINED)

    order["hang"].click(
        hang,
        [
            order["whence"], order["first"], order["count"], tiles, order["painters"],
            order["size"], order["how"],
        ],
        parts.all(), show_progress="hidden", **LONG,
    )  # fmt: skip
    order["stop"].click(
        painting.stop, None, order["stop"], queue=False, show_progress="hidden", **PRIVATE
    )
    wall["wall"].click(
        exhibiting.look, wall["hung"], [wall["large"], wall["words"], wall["download"]],
        queue=False, show_progress="hidden", trigger_mode="always_last", **PRIVATE,
    ).success(None, None, None, js=SEEN, **PRIVATE)  # fmt: skip
