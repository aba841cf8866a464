"""The tab How it works: five chapters, each with pictures that the networks make on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from smart import story
from smart.ui import events, retelling, telling
from smart.ui import story_words as words
from smart.ui.panels import step

HIDDEN: dict[str, Any] = {"show_progress": "hidden", **events.PRIVATE}
QUICK: dict[str, Any] = {**events.QUICK, **HIDDEN}
LONG: dict[str, Any] = {**events.LONG, **HIDDEN}
SEED, PSI, LAYER, POWER = 12, 0.7, "relu3_1", 1.0


def build(tab: gr.Tab) -> None:
    """Lay out the tab and wire it up; call inside it. Nothing is computed before it is opened."""
    with gr.Column(elem_id="story"):
        gr.HTML(f"<p>{words.OPENING}</p>", elem_classes="opening", padding=False)
        parts = {**_growing(), **_duel(), **_seeing(), **_balancing(), **_pixels()}
        parts["opened"] = gr.State(0)
    _wire_opening(tab, parts)
    _wire_growing(parts)
    _wire_duel(parts)
    _wire_seeing(parts)
    _wire_painting(parts)


def _text(paragraphs: Sequence[str], formula: str = "", note: str = "") -> None:
    inside = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    if formula:
        inside += f'<p class="formula">{formula}</p>'
    if note:
        inside += f'<p class="legend">{note}</p>'
    gr.HTML(inside, elem_classes="telling", padding=False)


def _pictures(name: str) -> gr.HTML:
    return gr.HTML(elem_id=f"story-{name}", elem_classes="pictures", padding=False)


def _chapter() -> gr.Row:
    return gr.Row(equal_height=False, elem_classes="chapter")


def _growing() -> dict[str, Any]:
    with _chapter():
        with gr.Column(scale=5, min_width=280):
            step(1, "From noise to a face", "A picture that nobody took, of nobody.")
            _text(words.GROWING)
        with gr.Column(scale=8, min_width=280):
            with gr.Row(elem_classes="tight", equal_height=True):
                seed = gr.Number(SEED, label="Seed", precision=0, minimum=0, elem_id="story-seed")
                new = gr.Button("New noise", variant="primary", elem_id="story-new", min_width=120)
            with gr.Row(elem_classes="path"):
                path, face = _pictures("path"), _pictures("face")
            growth = _pictures("growth")
            _text([words.GROWING_PSI], words.FORMULA_PSI)
            psi = gr.Slider(
                0, story.LARGEST_PSI, PSI, step=0.05, elem_id="story-psi",
                label="ψ: from the average face to a caricature",
            )  # fmt: skip
            row = _pictures("row")
    return {"seed": seed, "new": new, "psi": psi, "path": path, "face": face,
            "growth": growth, "row": row}  # fmt: skip


def _duel() -> dict[str, Any]:
    with _chapter():
        with gr.Column(scale=5, min_width=280):
            step(2, "Painter and critic", "Two networks that teach each other.")
            _text(words.DUEL, words.FORMULA_DUEL)
        with gr.Column(scale=8, min_width=280):
            parts: dict[str, Any] = {
                "round": gr.State(0),
                "portraits": gr.Gallery(
                    columns=6, allow_preview=False, show_label=False, label="Made portraits",
                    buttons=[], object_fit="cover", height="auto", interactive=False,
                    elem_id="story-portraits", elem_classes="choice", format="jpeg",
                ),
            }  # fmt: skip
            with gr.Row(elem_classes="tight"):
                parts["others"] = gr.Button("Six others", elem_id="story-others", min_width=120)
                parts["reveal"] = gr.Button(
                    "Show the critic’s eye", elem_id="story-reveal", min_width=160
                )
            parts["verdict"] = _pictures("verdict")
    return parts


def _seeing() -> dict[str, Any]:
    with _chapter():
        with gr.Column(scale=5, min_width=280):
            step(3, "What VGG sees", "The eyes of the painter, layer by layer.")
            _text(words.SEEING, words.FORMULA_GRAM)
        with gr.Column(scale=8, min_width=280):
            slug = gr.Dropdown([], label="Painting", filterable=False, elem_id="story-painting")
            layer = gr.Radio(
                list(words.LAYER_NAMES), value=LAYER, label="Layer", elem_id="story-layer"
            )
            maps = _pictures("maps")
            with gr.Row(elem_classes="tight"):
                rebuild = gr.Button("What does this layer keep?", variant="primary",
                                    elem_id="story-rebuild")  # fmt: skip
                stop = gr.Button("Stop", visible=False, elem_id="story-rebuild-stop")
            said = gr.HTML(padding=False, elem_classes="line-of-work")
            kept = _pictures("kept")
    return {"slug": slug, "layer": layer, "maps": maps, "rebuild": rebuild, "rebuild_stop": stop,
            "rebuild_said": said, "kept": kept}  # fmt: skip


def _balancing() -> dict[str, Any]:
    with _chapter():
        with gr.Column(scale=5, min_width=280):
            step(4, "Content against style", "One slider, two wishes.")
            _text(words.BALANCING, words.FORMULA_LOSS, words.FORMULA_LOSS_NOTE)
        with gr.Column(scale=8, min_width=280):
            power = gr.Slider(
                retelling.LEAST, retelling.MOST, POWER, step=0.25, elem_id="story-balance",
                label="The face … the painter (powers of ten by which style outweighs content)",
            )  # fmt: skip
            with gr.Row(elem_classes="tight"):
                paint = gr.Button("Paint", variant="primary", elem_id="story-paint")
                stop = gr.Button("Stop", visible=False, elem_id="story-stop")
            said = gr.HTML(padding=False, elem_classes="line-of-work", elem_id="story-said")
            with gr.Row(elem_classes="easel"):
                portrait, curves = _pictures("portrait"), _pictures("curves")
    return {"power": power, "paint": paint, "stop": stop, "said": said, "portrait": portrait,
            "curves": curves, "made": gr.State(None)}  # fmt: skip


def _pixels() -> dict[str, Any]:
    with _chapter():
        with gr.Column(scale=5, min_width=280):
            step(5, "The picture learns", "Why it is the pixels that are optimised.")
            count = f"{3 * story.CANVAS**2:,}"
            paragraphs = [text.format(count=count) for text in words.PIXELS]
            _text(paragraphs, words.FORMULA_STEP, words.FORMULA_STEP_NOTE)
        with gr.Column(scale=8, min_width=280):
            number = gr.Slider(
                0, story.REPAINT_STEPS, 0, step=1, label="Step of your last portrait",
                elem_id="story-step",
            )  # fmt: skip
            frames = gr.HTML(
                f"<p class='legend'>{words.NO_PORTRAIT}</p>", elem_id="story-frames",
                elem_classes="pictures", padding=False,
            )  # fmt: skip
            sketch = gr.Button("Sketch it in one pass", elem_id="story-sketch")
            sketched = _pictures("sketched")
    return {"number": number, "frames": frames, "sketch": sketch, "sketched": sketched}


def _wire_opening(tab: gr.Tab, parts: dict[str, Any]) -> None:
    """The first three chapters have pictures when the tab is opened for the first time."""
    who, times = [parts["seed"], parts["psi"]], parts["opened"]
    shown = [parts[key] for key in ("path", "face", "growth", "row")]
    opened = tab.select(
        telling.open_tab, times, [times, parts["slug"]], queue=False, **HIDDEN
    )  # fmt: skip
    grown = opened.then(telling.first_grow, [times, *who], shown, **QUICK)
    played = grown.then(
        telling.first_round, times, [parts["round"], parts["portraits"], parts["verdict"]], **QUICK
    )
    played.then(
        telling.first_look, [times, *who, parts["slug"], parts["layer"]], parts["maps"], **QUICK
    )


def _wire_growing(parts: dict[str, Any]) -> None:
    seed, psi = parts["seed"], parts["psi"]
    shown = [parts[key] for key in ("path", "face", "growth", "row")]
    look: dict[str, Any] = {
        "fn": telling.look, "inputs": [seed, psi, parts["slug"], parts["layer"]],
        "outputs": parts["maps"], **QUICK,
    }  # fmt: skip
    grow: dict[str, Any] = {"fn": telling.grow, "inputs": [seed, psi], "outputs": shown, **QUICK}
    parts["new"].click(telling.new_seed, None, seed, queue=False, **HIDDEN).then(**grow).then(
        **look
    )
    for change in (seed.submit, seed.blur, psi.release):
        change(trigger_mode="always_last", **grow).then(**look)
    psi.input(telling.sketch, [seed, psi], parts["face"], trigger_mode="always_last", **QUICK)
    for change in (parts["slug"].input, parts["layer"].input):
        change(trigger_mode="always_last", **look)


def _wire_duel(parts: dict[str, Any]) -> None:
    first, verdict = parts["round"], parts["verdict"]
    parts["others"].click(telling.new_round, None, [first, parts["portraits"], verdict], **QUICK)
    parts["portraits"].select(telling.guess, first, verdict, **QUICK)
    parts["reveal"].click(telling.reveal, first, verdict, **QUICK)


def _wire_seeing(parts: dict[str, Any]) -> None:
    parts["rebuild"].click(
        retelling.stop_for_next, None, parts["rebuild_said"], queue=False, **HIDDEN
    ).then(
        retelling.rebuild, [parts[key] for key in ("seed", "psi", "slug", "layer")],
        [parts[key] for key in ("kept", "rebuild_said", "rebuild", "rebuild_stop")], **LONG,
    )  # fmt: skip
    parts["rebuild_stop"].click(retelling.stop, None, None, queue=False, **HIDDEN)


def _wire_painting(parts: dict[str, Any]) -> None:
    painted = [
        parts[key]
        for key in ("portrait", "curves", "said", "paint", "stop", "made", "number")
    ]  # fmt: skip
    for begin in (parts["paint"].click, parts["power"].release):
        begin(
            retelling.stop_for_next, None, parts["said"], queue=False, **HIDDEN
        ).then(
            retelling.repaint, [parts[key] for key in ("seed", "psi", "slug", "power")], painted,
            trigger_mode="always_last", **LONG,
        ).then(
            retelling.show_step, [parts["made"], parts["number"]], parts["frames"], **QUICK
        )  # fmt: skip
    parts["stop"].click(retelling.stop, None, None, queue=False, **HIDDEN)
    parts["number"].input(
        retelling.show_step, [parts["made"], parts["number"]], parts["frames"],
        trigger_mode="always_last", **QUICK,
    )  # fmt: skip
    parts["sketch"].click(
        retelling.sketched, [parts[key] for key in ("seed", "psi", "slug", "made")],
        parts["sketched"], **QUICK,
    )  # fmt: skip
