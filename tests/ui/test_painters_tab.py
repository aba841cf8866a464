"""The Painters tab in the browser: search, add, rename, remove; and visitors' own painters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from smart import styles
from smart.ui import adding, home, own_painters, painter_details
from smart.ui.handlers import choice, painter_wall
from smart.ui.own_painters import OwnPainters
from tests.conftest import Server
from tests.ui.conftest import Visitor, go_to, playwright


class Request:
    """What the functions read of gr.Request."""

    def __init__(self, session: str | None) -> None:
        self.session_hash = session


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "blue_dunes.png"
    noise = [Image.effect_noise((120, 90), 90) for _ in range(3)]
    Image.merge("RGB", noise).resize((240, 180)).save(path)
    return path


@pytest.fixture
def visiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnPainters]:
    """The page is open to strangers."""
    fresh = OwnPainters(sessions=2)
    monkeypatch.setattr(own_painters, "own_painters", fresh)
    monkeypatch.setenv("SPACE_ID", "someone/smart")
    yield fresh
    fresh.clear()


def save(session: str | None, picture: Path, name: str) -> list[object]:
    table = [[picture.name, "Dunes", "1999"]]
    return adding.save(
        Request(session),
        [(str(picture), None)],
        table,
        name,
        "Me",
        "",
        "CC0",
        "",
        "",
        "",
        "",  # type: ignore[arg-type]
    )


def slugs(session: str | None) -> set[str]:
    return {style.slug for style in own_painters.catalogue(session).styles}


def test_a_visitors_painters_are_the_visitors_alone(
    visiting: OwnPainters, few_styles: Path, picture: Path
) -> None:
    before = sorted(few_styles.rglob("*"))
    ended = save("one", picture, "Mine")[0]
    assert ended == "one"
    assert slugs("one") == {"hokusai", "red-noise", "mine"}
    assert slugs("two") == slugs("") == slugs(None) == {"hokusai", "red-noise"}
    assert choice("mine", "one").works[0].title == "Dunes"
    with pytest.raises(gr.Error, match="no style"):
        choice("mine", "two")
    assert "mine" in painter_wall("one")[1]
    assert "mine" not in painter_wall("two")[1]
    assert sorted(few_styles.rglob("*")) == before  # nothing of it is kept
    (folder,) = visiting.folders("one")
    for change in (
        lambda: painter_details.remove(Request("two"), "", "mine", "", ""),  # type: ignore[arg-type]
        lambda: painter_details.rename(Request("two"), "", "mine", "", "", "Yours"),  # type: ignore[arg-type]
        lambda: painter_details.remove(Request("one"), "", "hokusai", "", ""),  # type: ignore[arg-type]
    ):
        with pytest.raises(gr.Error, match="was not added here"):
            change()
    visiting.forget("one")
    assert not folder.exists()
    assert slugs("one") == {"hokusai", "red-noise"}


def test_visitors_fill_no_disk(visiting: OwnPainters, few_styles: Path, picture: Path) -> None:
    for number in range(own_painters.VISITOR.styles):
        save("one", picture, f"Mine {number}")
    with pytest.raises(gr.Error, match="8 painters already"):
        save("one", picture, "One more")
    many = [(str(picture), None)] * 13
    with pytest.raises(gr.Error, match="13 pictures; give at most 12"):
        adding.save(Request("one"), many, None, "x", "", "", None, "", "", "", "")  # type: ignore[arg-type]
    for session in ("", None):
        with pytest.raises(gr.Error, match="no session"):
            save(session, picture, "x")
    (first,) = visiting.folders("one")
    save("two", picture, "x")
    save("../three", picture, "x")  # the third one: the longest unused has to go
    assert not first.exists()
    assert "x" in slugs("two")
    assert all(one.parent == first.parent for one in visiting.folders("../three"))


def test_at_home_it_is_saved_for_good(few_styles: Path, picture: Path) -> None:
    assert home.own_machine()
    assert save("one", picture, "Mine")[0] == ""
    assert (few_styles / "mine" / "dunes.jpg").is_file()
    assert "mine" in slugs("two")
    painter_details.rename(Request("two"), "", "mine", "", "", "Ours")  # type: ignore[arg-type]
    assert {style.name for style in styles.scan().styles} >= {"Ours"}
    painter_details.remove(Request("two"), "", "mine", "mine", "mine")  # type: ignore[arg-type]
    assert slugs(None) == {"hokusai", "red-noise"}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, [("", ""), ("", "")]),
        (
            [["b.png", "B", "2"], ["a.png", "A", 1], ["a.png", "again", ""]],
            [("A", "1"), ("B", "2")],
        ),
        ([["a.png"], [], [None, None, None], ["a.png", {"x": 1}, True]], [("", ""), ("", "")]),
    ],
)
def test_titles_find_their_pictures(table: object, told: list[tuple[str, str]]) -> None:
    assert adding._told([Path("/x/a.png"), Path("/y/b.png")], table) == told  # type: ignore[arg-type]


def test_only_what_lies_in_the_form_is_sketched(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sketched: list[int] = []

    def draw(works: tuple[object, ...]) -> Image.Image:
        sketched.append(len(works))
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(adding, "_sketched", draw)
    pictures: adding.Pictures = [(str(picture), None)] * 6
    shown, table, current = adding.given(pictures, None)
    assert [caption for _, caption in shown] == ["blue_dunes.png"] * 6
    assert table.value["data"][0] == ["blue_dunes.png", "Blue dunes", ""]
    _, words, seen = adding.sketch(pictures, current, [])
    assert "the first four" in words
    for late in ((pictures, current, seen), (pictures, [], []), (None, current, seen)):
        assert adding.sketch(*late) == [gr.skip()] * 3
    assert "Give a picture" in adding.sketch(None, [], seen)[1]
    assert sketched == [4]


def test_what_is_shown_is_escaped(few_styles: Path, picture: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    table = [[picture.name, evil, evil]]
    source = 'https://example.org/"onmouseover="x <b>'
    told = (f"A {evil}", evil, evil, evil, source, "", "", "")
    adding.save(Request("one"), [(str(picture), None)], table, *told)  # type: ignore[arg-type]
    slug = next(slug for slug in slugs("one") if slug.startswith("a-img"))
    _, head, _, credit, *_ = painter_details.details("one", slug)
    assert "<img" not in head + credit
    assert 'href="https://example.org/' in credit
    assert "<b>" not in credit
    assert '"onmouseover' not in credit


def open_painters(visitor: Visitor) -> playwright.Page:
    page = visitor.open().page
    go_to(page, "Painters")
    page.locator("#works img").first.wait_for(timeout=30_000)
    return page


def test_search_and_paint_with(visitor: Visitor) -> None:
    page = open_painters(visitor)
    tiles = page.locator("#all-painters .thumbnail-item")
    playwright.expect(tiles).to_have_count(12)
    visitor.shot("painters")
    page.get_by_label("Search").press_sequentially("durer")
    playwright.expect(tiles).to_have_count(1)
    page.get_by_label("Search").fill("wave 1831")
    playwright.expect(tiles).to_have_text(["Katsushika Hokusai, 7\N{NO-BREAK SPACE}works"])
    tiles.first.click()
    playwright.expect(page.locator("#painter-head")).to_contain_text("Katsushika Hokusai")
    playwright.expect(page.locator("#works img")).to_have_count(7)
    playwright.expect(page.locator("#works")).to_contain_text("off Kanagawa, c. 1831")
    playwright.expect(page.locator("#painter-credits")).to_contain_text("public domain")
    assert page.locator("#rename").count() == 0  # a bundled one stays as it is
    page.get_by_label("Search").fill("nobody at all")
    page.get_by_text("No painter is called so").wait_for()
    page.locator("#paint-with").click()
    playwright.expect(page.locator("#credit")).to_contain_text("Katsushika Hokusai")
    playwright.expect(page.locator("#painters .thumbnail-item.selected")).to_contain_text("Hokusai")
    assert page.locator("#easel").is_visible()
    assert visitor.strangers == []
    assert visitor.errors == []


def test_broken_ones_are_explained_here_and_new_ones_are_there(visitor: Visitor) -> None:
    folder = visitor.server.styles
    page = open_painters(visitor)
    assert not page.locator("#broken-painters").is_visible()
    (folder / "cut-off.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.effect_noise((64, 64), 90).convert("RGB").save(folder / "zz my own.png")
    try:
        page.locator("#look-again").click()
        playwright.expect(page.locator("#broken-painters")).to_contain_text("cut-off")
        playwright.expect(page.locator("#broken-painters")).to_contain_text("give a JPEG or PNG")
        visitor.shot("painters-broken")
        go_to(page, "Studio")
        page.locator("#painters").get_by_text("Zz my own").wait_for()
        assert page.get_by_text("cut-off").locator("visible=true").count() == 0
    finally:
        (folder / "cut-off.png").unlink()
        (folder / "zz my own.png").unlink()


def test_one_is_added_renamed_and_removed(visitor: Visitor, picture: Path) -> None:
    page = open_painters(visitor)
    form = page.locator("#new-painter")
    form.locator("#new-pictures input[type=file]").set_input_files(picture)
    page.locator("#new-sketch img").wait_for(timeout=60_000)
    form.get_by_label("Name").fill("Maria Schürmann")
    form.get_by_label("Artist").fill("Maria S.")
    form.get_by_label("Licence").fill("CC BY-NC 4.0")
    visitor.shot("painters-form")
    page.get_by_test_id("cell-0-1").get_by_text("Blue dunes").dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("Dunes at night")
    page.keyboard.press("Enter")
    page.locator("#save-painter").click()
    words = page.locator("#new-status")
    playwright.expect(words).to_contain_text("Maria Schürmann is here now", timeout=30_000)
    playwright.expect(page.locator("#painter-head")).to_contain_text("Maria Schürmann")
    playwright.expect(page.locator("#works")).to_contain_text("Dunes at night")
    playwright.expect(page.locator("#painter-credits")).to_contain_text("CC BY-NC 4.0")
    playwright.expect(form.get_by_label("Name")).to_have_value("")
    assert (visitor.server.styles / "maria-schurmann" / "dunes-at-night.jpg").is_file()
    go_to(page, "Studio")
    page.locator("#painters").get_by_text("Maria Schürmann").wait_for()
    go_to(page, "Painters")
    page.locator("#painter-name input, #painter-name textarea").fill("Maria")
    page.locator("#rename").click()
    playwright.expect(page.locator("#painter-head h2")).to_have_text("Maria")
    page.locator("#remove").click()
    visitor.shot("painters-added")
    page.locator("#really").click()
    playwright.expect(page.locator("#all-painters .thumbnail-item")).to_have_count(12)
    assert not (visitor.server.styles / "maria-schurmann").exists()
    assert visitor.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone(browser: playwright.Browser, server: Server, theme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    visitor = Visitor(context.new_page(), server)
    page = visitor.open(f"?__theme={theme}").page
    go_to(page, "Painters")
    page.locator("#works img").first.wait_for(timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot(f"painters-phone-{theme}")
    context.close()
