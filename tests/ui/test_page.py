"""The page for everyone: by keyboard, read aloud, in other languages, with others before you."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from smart.options import PaintingOptions, SamplingOptions, TrainingOptions, options_of
from smart.ui import languages
from tests.conftest import Server
from tests.ui.conftest import Visitor, go_to, playwright, rooms

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = playwright.expect
SERIOUS = ("serious", "critical")


def enter(page: playwright.Page, name: str) -> None:
    """Go to a tab and open everything in it."""
    go_to(page, name)
    page.wait_for_timeout(1500)
    closed = page.locator(".plain-accordion > .label-wrap:visible:not(.open)")
    while closed.count():
        closed.first.click()
    page.wait_for_timeout(1500)


def audit(page: playwright.Page, where: str) -> list[str]:
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{where}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_an_accessibility_audit_of_every_tab_finds_nothing_serious(
    browser: playwright.Browser, server: Server, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    visitor = Visitor(context.new_page(), server).open(f"?__theme={theme}")
    page, found = visitor.page, []
    assert rooms(page)[0] == "Studio"
    for name in rooms(page):
        enter(page, name)
        visitor.shot(f"{name.lower().replace(' ', '-')}-{width}-{theme}")
        found += audit(page, f"{name}, {theme}, {width} px")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"
    context.close()
    assert found == []


def test_keys(visitor: Visitor) -> None:
    page = visitor.open().page
    page.locator("body").click(position={"x": 5, "y": 5})
    chosen = page.locator("#sitters .thumbnail-item.selected")
    easel = page.locator("#easel img")
    for key, sitter in (("ArrowRight", 13), ("ArrowDown", 15)):
        before = easel.get_attribute("src") or ""
        page.keyboard.press(key)
        expect(chosen).to_contain_text(f"Sitter {sitter}")
        expect(chosen).to_have_attribute("aria-label", f"Sitter {sitter}")
        expect(easel).not_to_have_attribute("src", before, timeout=30_000)
    page.get_by_text("Katsushika Hokusai").first.click()
    works, lists = page.locator("#work input"), page.locator("[role=listbox]")
    works.focus()
    expect(lists).to_have_count(1)
    for key in ("Tab", "Shift+Tab", "Shift+Tab"):  # whoever goes on leaves no list open
        page.keyboard.press(key)
    expect(lists).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#stop")).to_be_visible(timeout=30_000)
    expect(page.locator("#status")).to_contain_text("step", timeout=60_000)
    works.focus()
    expect(lists).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_contain_text("stopped", timeout=30_000)
    expect(page.locator("#status")).to_contain_text("Sitter 15")


def test_others_are_served_first_and_one_may_leave_the_line(
    browser: playwright.Browser, server: Server
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    first = Visitor(context.new_page(), server).open()
    second = Visitor(context.new_page(), server).open()
    box = second.page.locator("#paint").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800, "Paint is in sight without scrolling"
    first.page.locator("#paint").click()
    expect(first.page.locator("#status")).to_contain_text("step", timeout=60_000)
    second.page.locator("#paint").click()
    status = second.page.locator("#status")
    expect(status).to_contain_text("One other is served before you", timeout=30_000)
    second.shot("in-the-line")
    second.page.locator("#stop").click()
    expect(status).to_contain_text("You left the line", timeout=5_000)
    expect(second.page.locator("#paint")).to_be_visible()
    first.page.locator("#stop").click()
    expect(first.page.locator("#status")).to_contain_text("stopped", timeout=30_000)
    context.close()


@pytest.mark.parametrize("code", sorted(languages.tables()))
def test_a_language_is_complete(code: str) -> None:
    table = languages.tables()[code]
    assert table[""].strip(), "under '' stands what the language calls itself"
    for key, value in table.items():
        assert value.strip(), key
        if key:
            assert languages.fields(key) == languages.fields(value), key
            tags = re.compile(r"</?\w+")
            assert sorted(tags.findall(key)) == sorted(tags.findall(value)), key
    texts = set()
    for cls in (SamplingOptions, PaintingOptions, TrainingOptions):
        for spec in options_of(cls).values():
            label = f"{spec.label} ({spec.unit})" if spec.unit else spec.label
            texts |= {label, spec.help[:1].upper() + spec.help[1:]} - {""}
    assert sorted(texts - set(table)) == []


@pytest.mark.parametrize("code", sorted(languages.tables()))
def test_the_page_speaks_it(browser: playwright.Browser, server: Server, code: str) -> None:
    """Every text in every tab is translated, but for names and what needs no translation."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=f"{code}-MX")
    visitor = Visitor(context.new_page(), server).open()
    page = visitor.page
    assert page.evaluate("document.documentElement.lang") == code
    english = set()
    for name in rooms(page):
        enter(page, name)
        visitor.shot(f"{code}-{name.lower()}")
        english |= set(page.evaluate(LEFT_IN_ENGLISH, list(languages.tables()[code])))
    context.close()
    assert not english, "\n".join(sorted(english))


# Texts in sight that are keys of the table still, or hold words that only English has.
def test_what_the_server_says_is_translated_too(
    browser: playwright.Browser, server: Server
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="es-ES")
    visitor = Visitor(context.new_page(), server).open()
    page, status = visitor.page, visitor.page.locator("#status")
    page.locator("#paint").click()
    expect(status).to_contain_text(re.compile("boceto|paso"), timeout=60_000)
    page.locator("#stop").click()
    expect(status).to_contain_text(
        re.compile(r"Modelo 12 según .*, parado y conservado tal como estaba a los \d+ s\."),
        timeout=60_000,
    )
    expect(page.locator("#wall .caption-label").first).to_contain_text("Modelo 12 según")
    page.get_by_text("De dónde vienen", exact=True).first.click()
    page.wait_for_timeout(1500)
    page.locator("#seed input").fill("-1")
    page.locator("#seed input").press("Enter")
    toast = page.locator(".toast-body").first
    expect(toast).to_contain_text("tiene que ser un número entero de 0 a", timeout=30_000)
    visitor.shot("es-toast")
    context.close()


LEFT_IN_ENGLISH = r"""(keys) => {
  const known = new Set(keys.map((key) => key.replace(/\s+/g, " ").trim()).filter(Boolean));
  const words = /\b(the|and|with|of|from|you|your|is|are|it|press|choose|how)\b/i;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement: parent, data } = walker.currentNode;
    if (!parent || parent.closest("script, style, [translate=no], #credit, footer")) continue;
    if (!parent.checkVisibility({ visibilityProperty: true })) continue;
    const text = data.replace(/\s+/g, " ").trim();
    if (words.test(text)) found.push(text);
  }
  return found;
}"""


def test_the_tables_cannot_end_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xx.json").write_text(json.dumps({"": "X", "a": "</script><b>"}))
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    languages.tables.cache_clear()
    try:
        script = languages.script()
    finally:
        languages.tables.cache_clear()
    assert script.count("</script>") == 1
