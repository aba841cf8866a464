"""The wall below the Studio: what hangs there, and what one does with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from smart.ui import hanging, recalling, wall
from smart.ui.events import LONG, PRIVATE, by_name

if TYPE_CHECKING:
    from smart.ui.panels import Studio

HANGING: dict[str, Any] = {
    "concurrency_id": "wall", "concurrency_limit": 2, "show_progress": "hidden", **PRIVATE,
}  # fmt: skip
GIVE = "Settings from a picture"
GIVE_HELP = "Drop a PNG that SMART saved: all its settings, and the portrait, come back."
# What a press on the real button would do; the file is there only now.
FETCH = "() => setTimeout(() => document.querySelector('#wall-file').click(), 100)"
# The easel is far above the wall, on a phone even more so. And a link in the address bar is no
# longer what the page shows; names that begin with two lines are the page's own, as its theme.
LOOK_UP = """() => {
  document.querySelector('#easel, #compare').scrollIntoView({
    block: "center",
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
  const url = new URL(window.location.href);
  if (!url.searchParams.has("painter")) return;
  const kept = [...url.searchParams].filter(([name]) => name === "lang" || name.startsWith("__"));
  url.search = new URLSearchParams(kept).toString();
  window.history.replaceState(window.history.state, "", url);
}"""
# A clipboard may be denied.
SHARE = f"""async (query) => {{
  const url = new URL(window.location.href);
  const kept = [...url.searchParams].filter(([name]) => name.startsWith("__"));
  url.search = [query, new URLSearchParams(kept).toString()].filter(Boolean).join("&");
  window.history.replaceState(window.history.state, "", url);
  let copied = true;
  try {{ await navigator.clipboard.writeText(url.href); }} catch (denied) {{ copied = false; }}
  return [url.href, copied ? "{wall.LINK_HERE}" : "{wall.LINK_FIELD}"];
}}"""


@dataclass
class WallPanel:
    """The components of the wall that handlers read and write."""

    words: gr.HTML
    tiles: gr.Gallery
    more: gr.Button
    actions: gr.Column
    about: gr.HTML
    recall: gr.Button
    vary: gr.Button
    compare: gr.Button
    download: gr.Button
    delete: gr.Button
    pair: gr.ImageSlider
    given: gr.File
    link: gr.Button
    address: gr.Textbox
    link_words: gr.HTML
    everything: gr.Button
    file: gr.DownloadButton  # out of sight: what is fetched through it
    names: gr.State  # of the portraits that are shown, in order
    chosen: gr.State
    pairing: gr.State  # whether the next click says with what the chosen one is compared
    sure: gr.State  # the portrait of which Delete was pressed once
    query: gr.Textbox

    def hung(self) -> list[Any]:
        """What changes when portraits come or go."""
        return [self.tiles, self.names, self.words, self.more, self.everything]

    def looked_at(self) -> list[Any]:
        """What changes when a portrait is chosen, compared or deleted."""
        return [
            self.chosen, self.pairing, self.sure, self.about, self.actions, self.pair,
            self.compare, self.delete,
        ]  # fmt: skip


def build() -> WallPanel:
    """Lay out the wall; call inside gr.Blocks, below the panels."""
    states = {name: gr.State(None) for name in ("names", "chosen", "pairing", "sure")}
    with gr.Column(elem_id="wall"):
        gr.HTML("<h2>The wall</h2>", elem_classes="step", padding=False)
        words = gr.HTML(elem_id="wall-words", elem_classes="note", padding=False)
        tiles = gr.Gallery(
            allow_preview=False, show_label=False, label="The wall", buttons=[], visible=False,
            object_fit="cover", height="auto", elem_id="wall-tiles", elem_classes="choice",
            interactive=False, format="jpeg", columns=8,
        )  # fmt: skip
        more = gr.Button("Show older ones", size="sm", visible=False, elem_id="wall-more")
        with gr.Column(visible=False, elem_id="wall-chosen") as actions:
            parts = _actions()
        with gr.Row(elem_id="wall-ways", equal_height=False):
            parts |= _ways()
    return WallPanel(words=words, tiles=tiles, more=more, actions=actions, **parts, **states)


def _actions() -> dict[str, Any]:
    """What one does with the chosen portrait."""
    small: dict[str, Any] = {"min_width": 96, "size": "sm"}
    parts: dict[str, Any] = {}
    with gr.Row(elem_classes="tight", elem_id="wall-actions"):
        parts["recall"] = gr.Button("Recall", variant="primary", elem_id="wall-recall", **small)
        parts["vary"] = gr.Button("Vary", elem_id="wall-vary", **small)
        parts["compare"] = gr.Button(wall.COMPARE, elem_id="wall-compare", **small)
        parts["download"] = gr.Button("Download", elem_id="wall-download", **small)
        parts["delete"] = gr.Button(wall.DELETE, elem_id="wall-delete", **small)
    with gr.Row(equal_height=False, elem_id="wall-look"):
        parts["about"] = gr.HTML(elem_id="wall-about", padding=False)
        parts["pair"] = gr.ImageSlider(
            show_label=False, label="Two portraits", visible=False, elem_id="wall-pair",
            interactive=False, max_height=620, buttons=["fullscreen"], format="png",
        )  # fmt: skip
    return parts


def _ways() -> dict[str, Any]:
    """What comes from elsewhere, and what one takes along."""
    parts: dict[str, Any] = {}
    with gr.Column(min_width=260):
        gr.HTML(f"<p><b>{GIVE}</b><br>{GIVE_HELP}</p>", elem_classes="note", padding=False)
        parts["given"] = gr.File(
            label=GIVE, show_label=False, file_types=[".png"], type="filepath", height=84,
            elem_id="wall-given",
        )  # fmt: skip
    with gr.Column(min_width=260):
        gr.HTML(
            "<p><b>Take them along</b><br>A link opens the page with the sitter, the painter and "
            "the hand as they are set now.</p>",
            elem_classes="note", padding=False,
        )  # fmt: skip
        with gr.Row(elem_classes="tight"):
            parts["link"] = gr.Button("Link to these settings", size="sm", elem_id="wall-link")
            parts["everything"] = gr.Button(
                "Download all portraits", size="sm", elem_id="wall-all", visible=False
            )
        parts["address"] = gr.Textbox(
            label="Link", show_label=False, visible=False, interactive=False, buttons=["copy"],
            elem_id="wall-address", max_lines=1,
        )  # fmt: skip
        parts["link_words"] = gr.HTML(elem_id="wall-link-words", elem_classes="note", padding=False)
        parts["query"] = gr.Textbox(visible=False)
        parts["file"] = gr.DownloadButton("File", visible="hidden", elem_id="wall-file")
    return parts


def wire(studio: Studio, paint: Callable[..., Any]) -> None:
    """Connect the wall with the Studio; paint is what its Paint button does."""
    panel = studio.portraits
    named = {
        "name": panel.chosen, "names": panel.names, "pairing": panel.pairing, "sure": panel.sure,
        "given": panel.given, **recalling.inputs(studio),
    }  # fmt: skip
    called = partial(by_name, studio, named)
    inputs, everything = set(named.values()), recalling.outputs(studio)

    def choose(values: dict[Any, Any], event: gr.SelectData, request: gr.Request) -> Any:
        yield from wall.choose(studio, request, event, {n: values[c] for n, c in named.items()})

    panel.tiles.select(choose, inputs, panel.looked_at(), **HANGING)
    panel.compare.click(called(wall.begin_pairing), inputs, panel.looked_at(), **HANGING)
    recalled = {**HANGING, "show_progress": "minimal", "show_progress_on": [studio.status]}
    look_up: dict[str, Any] = {"fn": None, "js": LOOK_UP, "queue": False, **PRIVATE}
    panel.recall.click(called(wall.recall), inputs, everything, **recalled).success(**look_up)
    given = panel.given.upload(
        called(wall.recall_file), inputs, [*everything, panel.given], **recalled
    )
    given.success(**look_up)
    given.failure(lambda: None, None, panel.given, queue=False, show_progress="hidden", **PRIVATE)
    values = studio.values()
    varied = panel.vary.click(called(wall.vary), inputs, everything, **recalled)
    varied.success(**look_up)
    varied.success(
        paint, set(values.values()), studio.at_the_easel(), show_progress="hidden",
        **LONG,
    )  # fmt: skip
    panel.delete.click(called(wall.delete), inputs, [*panel.hung(), *panel.looked_at()], **HANGING)
    panel.more.click(called(wall.show_more), inputs, panel.hung(), **HANGING)
    for button, fetch, which in (
        (panel.download, wall.download, panel.chosen), (panel.everything, wall.download_all, None),
    ):  # fmt: skip
        button.click(fetch, which, panel.file, **HANGING).success(
            None, None, None, js=FETCH, queue=False, **PRIVATE
        )
    _wire_link(studio)


def _wire_link(studio: Studio) -> None:
    panel = studio.portraits
    heavy = ("camera", "photo", "last", "tiles", "kept")
    named = {name: part for name, part in studio.values().items() if name not in heavy}

    def link(values: dict[Any, Any]) -> Any:
        query = wall.link(studio, {name: values[part] for name, part in named.items()})
        return [query, gr.Textbox(visible=True)]

    panel.link.click(link, set(named.values()), [panel.query, panel.address], **HANGING).success(
        None, panel.query, [panel.address, panel.link_words], js=SHARE, queue=False, **PRIVATE
    )


def on_load(demo: gr.Blocks, opened: Any, studio: Studio) -> None:
    """The wall as a visitor finds it, and the settings of a link once the page stands."""
    panel = studio.portraits
    named = recalling.inputs(studio)

    def show(request: gr.Request) -> dict[Any, Any]:
        return hanging.show(panel, request)

    demo.load(show, None, panel.hung(), **HANGING)
    opened.then(
        by_name(studio, named, wall.open_link), set(named.values()), recalling.outputs(studio),
        **HANGING,
    )  # fmt: skip
    demo.unload(hanging.leave)
