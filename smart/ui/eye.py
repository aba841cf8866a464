"""The line that says which network the painter sees with, and how VGG-19 comes to this machine.

Nothing is fetched unless someone presses the button; only a Space, whose disk is empty at each
start, begins by itself.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import gradio as gr

from smart import serving, vgg19, weights
from smart.fetching import Fetch
from smart.progress import OnProgress
from smart.ui import home
from smart.ui.events import PRIVATE
from smart.ui.handlers import status

LOOK = 1.0  # s between two looks while it is fetched
FETCH, STOP = "Fetch VGG-19 (51 MB)", "Stop fetching"


def _pull(on_progress: OnProgress) -> None:
    vgg19.pull(on_progress)
    logging.getLogger(__name__).info("VGG-19 is here; it paints from the next portrait on.")


fetch = Fetch(_pull)


def allowed() -> bool:
    """Whether who sees the page may have it fetched: on one's own machine, or if the owner asks."""
    said = serving.current().fetch
    return said == "on" or (said == "auto" and home.own_machine())


def begin_on_a_space() -> bool:
    """Begin to fetch by itself where that is wanted; whether it began."""
    if not os.environ.get("SPACE_ID") or serving.current().fetch == "off":
        return False
    return weights.vgg19_file() is None and fetch.start()


def build(demo: gr.Blocks) -> None:
    """The line with its button; call inside the panel of the easel."""
    with gr.Row(elem_classes="tight", elem_id="eye-row", equal_height=True):
        words = gr.HTML(elem_id="eye", padding=False, min_width=200)
        button = gr.Button(FETCH, visible=False, size="sm", elem_id="fetch", scale=0, min_width=190)
    timer = gr.Timer(LOOK, active=False)
    shown: list[Any] = [words, button, timer]
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, **PRIVATE}
    button.click(press, None, shown, **quick)
    timer.tick(look, None, shown, **quick)
    demo.load(look, None, shown, **quick)


def press() -> list[Any]:
    """Begin to fetch, or stop."""
    if not allowed():  # hiding the button keeps no one from calling this
        raise gr.Error(
            "Fetching is off here; its owner turns it on by SMART_FETCH=on.",
            title="VGG-19", print_exception=False,
        )  # fmt: skip
    if fetch.state.running:
        fetch.stop()
    elif weights.vgg19_file() is None:
        fetch.start()
    return look()


def look() -> list[Any]:
    """The words, the button and the timer as things stand."""
    state, here = fetch.state, weights.vgg19_file() is not None
    may = allowed() and not here
    label = STOP if state.running else FETCH
    able = state.now != "stopping"
    return [
        _words(here), gr.Button(label, visible=may, interactive=able),
        gr.Timer(active=state.running),
    ]  # fmt: skip


def _words(here: bool) -> str:
    state = fetch.state
    if state.running:
        # The reason names the Hub's answers, and says nothing of this machine.
        reason = f", {state.words}" if state.words else ""
        return status(
            f"Fetching VGG-19: {state.done} of {state.total or 51} MB{reason}.", state.fraction
        )
    if here:
        came = state.now == "finished"
        return status(
            "VGG-19 is here; it paints from the next portrait on."
            if came
            else "The painter sees with VGG-19."
        )
    if state.now == "failed" and allowed():
        return status(state.words)
    if state.now == "stopped":
        return status(f"Stopped at {state.done} of {state.total} MB; it goes on there.")
    if allowed() and weights.vgg19_problem():
        return status("VGG-19 is damaged; fetch it again. The painter sees with VGG-16.")
    return status("The painter sees with VGG-16.")
