"""The wall without a browser: whose it is, and settings into the controls and out again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image

from smart import images, pipeline, settings, sitters
from smart.options import FACES, PaintingOptions, SamplingOptions, sliders_text
from smart.settings import Settings
from smart.ui import hanging, home, painting, recalling, studio, wall
from smart.ui.panels import Studio
from tests.test_settings import any_settings, known_of
from tests.test_wall import portrait_of


@pytest.fixture(scope="module")
def page() -> Studio:
    with gr.Blocks() as demo:
        return studio.build(demo)


def visitor(name: str) -> Any:
    return SimpleNamespace(session_hash=name, query_params={})


def values_after(page: Studio, updates: dict[Any, Any]) -> dict[str, Any]:
    """What the page would send after these updates."""
    values = {}
    for name, component in page.values().items():
        update = updates.get(component, component.value)
        values[name] = update.value if isinstance(update, gr.components.Component) else update
    return values


def test_whose_machine_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_policy", {"shared": False, "reachable": False})
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    home.opened(None, False)
    assert home.own_machine()
    home.opened("0.0.0.0", False)
    assert not home.own_machine()
    assert not home.open_to_strangers()
    home.opened("127.0.0.1", True)
    assert not home.own_machine()
    assert home.open_to_strangers()
    monkeypatch.setattr(home, "_policy", {"shared": False, "reachable": False})
    monkeypatch.setenv("SPACE_ID", "someone/smart")
    assert not home.own_machine()


def test_strangers_do_not_see_each_others_walls(
    page: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMART_PORTRAITS", str(tmp_path / "mine"))
    monkeypatch.setenv("SPACE_ID", "someone/smart")
    shown = hanging.hang(page.portraits, visitor("a"), pipeline.Portrait(*portrait_of()))
    (name,) = shown[page.portraits.names]
    assert not (tmp_path / "mine").exists()
    assert wall.found(visitor("a"), name).known == portrait_of()[1]
    for session in ("b", ""):
        with pytest.raises(gr.Error, match="hangs here no more"):
            wall.found(visitor(session), name)
        with pytest.raises(gr.Error, match="Nothing hangs here yet"):
            next(wall.download_all(visitor(session)))
    monkeypatch.delenv("SPACE_ID")
    hanging.hang(page.portraits, visitor("c"), pipeline.Portrait(*portrait_of()))
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_a_full_disk_does_not_cost_the_portrait(
    page: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SMART_PORTRAITS", str(tmp_path / "file" / "portraits"))
    warned: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda words, **_: warned.append(words))
    portrait = pipeline.Portrait(*portrait_of())
    assert hanging.hang(page.portraits, visitor("a"), portrait) == {}
    assert "cannot be made" in warned[0]


@budget(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(made=any_settings(), turn=st.floats(-1, 1))
def test_a_portrait_into_the_controls_and_out_again(
    page: Studio, few_styles: Path, made: Settings, turn: float
) -> None:
    """What would be painted after a recall is what the portrait says."""
    assert made.sampling is not None
    slider = sitters.sliders_of(FACES)[0].name
    who = made.sampling.replace(sliders=sliders_text({slider: turn}))
    made = Settings(who, made.painter, made.painting, made.second, made.role, made.share)
    known = known_of(made)
    back, notes = settings.of_portrait(known, "it")
    with pytest.MonkeyPatch.context() as patched:  # drawing them is tried in the browser
        patched.setattr(recalling, "face", lambda *_: Image.new("RGB", (8, 8)))
        patched.setattr(recalling, "gallery", lambda *_: None)
        now = {"tiles": [], "kept": [], "slugs": [], "first_seed": 12}
        updates = recalling.controls(page, back, now, "a")
    assert notes == []
    assert known_of(painting.settings_of(page, values_after(page, updates))) == known
    assert set(updates) <= set(recalling.outputs(page))


def test_whoever_is_recalled_takes_a_place(page: Studio, few_styles: Path) -> None:
    tiles = [SamplingOptions(seed=seed).to_dict() for seed in range(6)]
    now = {"tiles": tiles, "kept": tiles[:1], "slugs": ["hokusai", "red-noise"], "first_seed": 0}
    new = SamplingOptions(seed=9, sliders="smile=0.5")
    updates = recalling.controls(page, Settings(new, "hokusai"), now, "a")
    shown = updates[page.tiles]
    assert [one["seed"] for one in shown] == [0, 9, 2, 3, 4, 5]
    asked = SamplingOptions(seed=0, sliders="smile=-0.5")
    updates = recalling.controls(page, Settings(asked, "hokusai"), now, "a")
    # Whoever is kept stays, and the same sitter as recalled comes beside.
    assert updates[page.tiles][:2] == [tiles[0], asked.to_dict()]
    assert updates[page.kept] == tiles[:1]
    odd = Settings(new, "hokusai", PaintingOptions(size=640))
    assert updates[page.options["size"]] == 512
    sizes = recalling.controls(page, odd, now, "a")[page.options["size"]]
    assert (sizes.value, ("640 px", 640) in sizes.choices) == (640, True)
    for bad in ("wings=1", "smile=7"):
        with pytest.raises(gr.Error, match="wings|smile is 7"):
            recalling.controls(page, Settings(SamplingOptions(sliders=bad), "hokusai"), now, "a")


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"sitter": {"seed": 1, "likeness": "AAAA"}}, "found for another generator"),
        ({"sitter": {"seed": 1, "generator": "nobody"}}, "which is not here"),
        ({"painting": {"size": 10**6}}, "size is 1000000"),
        ({"painting": {"wings": 2}}, "Unknown option 'wings'"),
    ],
)
def test_a_strangers_picture_is_refused_in_one_sentence(
    page: Studio, few_styles: Path, tmp_path: Path, known: dict[str, Any], message: str
) -> None:
    whole = known_of(Settings(SamplingOptions(seed=1), "hokusai"))
    path = images.save_png(Image.new("RGB", (64, 64)), tmp_path / "x.png", {**whole, **known})
    now = {"tiles": [], "kept": [], "slugs": [], "first_seed": 12, "given": str(path)}
    with pytest.raises(gr.Error, match=message):
        list(wall.recall_file(page, visitor("a"), now))


@pytest.mark.parametrize(
    ("painter", "called"),
    [({"slug": "maria-s/one", "name": "Maria Schürmann"}, "Maria Schürmann"),
     ({"slug": "maria-s"}, "Maria S")],
)  # fmt: skip
def test_a_portrait_of_a_painter_who_is_gone_comes_back_as_far_as_it_can(
    page: Studio, few_styles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    painter: dict[str, Any], called: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SMART_PORTRAITS", str(tmp_path / "wall"))
    made = Settings(SamplingOptions(seed=1), "hokusai", PaintingOptions(size=768))
    known = {**known_of(made), "styles": [{"weight": 1.0, "works": {}, **painter}]}
    picture = Image.new("RGB", (64, 64))
    now = {"tiles": [], "kept": [], "slugs": [], "first_seed": 12}
    now["name"] = hanging.wall_of(visitor("a")).hang(picture, known)
    (updates,) = wall.recall(page, visitor("a"), now)
    assert page.painter not in updates
    assert (updates[page.chosen]["seed"], updates[page.options["size"]]) == (1, 768)
    assert updates[page.easel].value["path"]
    assert f"{called} does not paint here any more" in updates[page.status]
    assert updates[page.download].visible
    assert not updates[page.go_on].visible
    shown = hanging.show(page.portraits, visitor("a"))[page.portraits.tiles]
    assert f"Sitter 1 after {called}, 64 px" in str(shown.value)
    with pytest.raises(gr.Error, match=f"{called} does not paint here any more"):
        wall.vary(page, visitor("a"), now)


def test_text_without_end_is_refused(page: Studio, few_styles: Path, tmp_path: Path) -> None:
    whole = known_of(Settings(SamplingOptions(seed=1), "hokusai"))
    long = {**whole, "more": "x" * 70_000}
    path = images.save_png(Image.new("RGB", (64, 64)), tmp_path / "x.png", long)
    with pytest.raises(gr.Error, match="carries no SMART settings"):
        list(wall.recall_file(page, visitor("a"), {"given": str(path)}))


def test_a_face_brings_back_who_sits(page: Studio, few_styles: Path, tmp_path: Path) -> None:
    faces = {"faces": {"seed": 5, "psi": 0.5, "count": 1, "size": 256}}
    path = images.save_png(Image.new("RGB", (64, 64)), tmp_path / "x.png", faces)
    now = {"tiles": [], "kept": [], "slugs": [], "first_seed": 12, "given": str(path)}
    (updates,) = wall.recall_file(page, visitor("a"), now)
    assert (updates[page.chosen]["seed"], updates[page.psi]) == (5, 0.5)
    assert page.painter not in updates
    assert "holds no painter" in updates[page.status]


def test_vary_stays_near() -> None:
    made = Settings(SamplingOptions(seed=5, psi=0.5), "hokusai", PaintingOptions(size=768))
    near = recalling.varied(made)
    assert near.sampling is not None
    assert near.sampling.relative > 0
    assert near.sampling.replace(relative=0) == made.sampling
    assert near.painting == made.painting
    likeness = Settings(SamplingOptions(likeness="AAAA"), "hokusai")
    near = recalling.varied(likeness)
    assert near.sampling == likeness.sampling
    assert near.painting.start == "noise"
    with pytest.raises(ValueError, match="give the photograph again"):
        recalling.varied(Settings(None, "hokusai"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"utm_source": "x"}, None),
        ({"painter": "nobody"}, "could not be read (There is no style 'nobody'"),
        ({"painter": "hokusai", "seed": "x"}, "could not be read (seed is 'x'"),
        ({"painter": "hokusai", "generator": "../x", "seed": "1"}, "This generator is gone"),
        ({"painter": "red-noise", "seed": "7"}, "came with the link: Sitter 7 after Red Noise"),
    ],
)
def test_links(
    page: Studio, few_styles: Path, query: dict[str, str], words: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(gr, "Warning", lambda *_, **__: None)
    now = {"tiles": [], "kept": [], "slugs": [], "first_seed": 12}
    request = SimpleNamespace(session_hash="a", query_params=query)
    updates = wall.open_link(page, request, now)
    status = updates[page.status]
    assert (words is None) if not isinstance(status, str) else (words or "") in _plain(status)


def _plain(text: str) -> str:
    import html

    return html.unescape(text)
