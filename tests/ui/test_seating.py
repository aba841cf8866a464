"""Who sits and who is kept, without a browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from smart import sitters
from smart.options import FACES, SamplingOptions
from smart.ui import seating, sitting, studio
from smart.ui.panels import Studio

VISITOR: Any = SimpleNamespace(session_hash="a")
PLAIN = (None, None, "fixed", *[0] * sitting.WISHES)


@pytest.fixture(scope="module")
def page() -> Studio:
    with gr.Blocks() as demo:
        return studio.build(demo)


def test_who_is_kept_is_not_lost_by_keeping_another_of_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seating, "gallery", lambda *_: None)
    tiles = [SamplingOptions(seed=seed).to_dict() for seed in range(6)]
    base = sitting.base_of(SamplingOptions(seed=0))
    slider = [one.name for one in sitters.sliders_of(FACES)].index("smile")
    kept: list[dict[str, Any]] = []
    for smile in (0.5, -0.5):
        asked = [smile if index == slider else 0 for index in range(sitting.WISHES)]
        kept, tiles, _, button, words = seating.keep(kept, tiles, base, None, None, "fixed", *asked)
        assert (button.value, "Sitter 0 stays" in words) == ("Let go", True)
    assert [one["sliders"] for one in kept] == ["smile=0.5", "smile=-0.5"]
    assert [one for one in tiles if one in kept] == kept
    kept, _, _, button, words = seating.keep(kept, tiles, base, None, None, "fixed", *asked)
    assert (len(kept), button.value, "Sitter 0 goes" in words) == (1, "Keep", True)


def test_who_sits_down_takes_the_portrait_and_its_buttons_away(page: Studio) -> None:
    who = SamplingOptions(seed=5)
    base = sitting.base_of(who)
    shown = seating.show(VISITOR, [who.to_dict()], base, *PLAIN)
    updates = dict(zip(page.chair(), shown, strict=True))
    assert "Sitter 5 sits" in updates[page.status]
    for gone in (
        page.before_after, page.download, page.go_on, page.film_button, page.compare, page.film,
        page.film_picture,
    ):  # fmt: skip
        assert not updates[gone].visible
    assert updates[page.keep].value == "Let go"
    # Leaving a field in which nothing was changed leaves the portrait where it is.
    seated = updates[page.seated]
    left = seating.show_changed(VISITOR, seated, [], base, *PLAIN)
    assert left == [gr.skip()] * len(page.chair())
    changed = seating.show_changed(VISITOR, seated, [], base, 7, *PLAIN[1:])
    assert "Sitter 5, mixed sits" in changed[page.chair().index(page.status)]
    assert len(seating.show_sitters(5, 0.7, FACES)) == len(page.wall())
