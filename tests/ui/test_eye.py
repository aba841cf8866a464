"""VGG-19 comes to the page: a press, megabytes, and the next portrait is seen with it."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from smart import weights
from tests.conftest import ROOT, Server
from tests.hub_server import Handler, LocalHub, Repository, all_of_vgg19
from tests.ui.conftest import Visitor, playwright

expect = playwright.expect


def test_vgg19_is_fetched_when_asked_and_paints(
    browser: playwright.Browser, tmp_path: Path
) -> None:
    hub = LocalHub()
    hub.repositories[weights.VGG19_REPOSITORY] = Repository()
    hub.repositories[weights.VGG19_REPOSITORY].commit({"model.safetensors": all_of_vgg19()})
    shutil.copytree(ROOT / "styles", tmp_path / "styles")
    running = Server(
        tmp_path / "styles", tmp_path / "log.txt", HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0",
        HF_HOME=str(tmp_path / "home"),
    )  # fmt: skip
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    try:
        visitor = Visitor(context.new_page(), running).open()
        line, button = visitor.page.locator("#eye"), visitor.page.locator("#fetch")
        expect(line).to_contain_text("The painter sees with VGG-16.")
        assert not [one for one in hub.requests if "vgg19" in one.path]
        visitor.shot("eye")

        def slow(handler: Handler) -> bool:
            time.sleep(0.3 if handler.where == "storage" else 0)
            return False

        hub.misbehave = slow
        button.click()
        expect(line).to_contain_text(re.compile(r"Fetching VGG-19: \d+ of 51 MB"), timeout=20_000)
        expect(button).to_contain_text("Stop fetching")
        visitor.shot("eye-fetching")
        # Whoever comes meanwhile sees it, too.
        other = Visitor(context.new_page(), running).open()
        expect(other.page.locator("#eye")).to_contain_text(re.compile("VGG-19"))
        expect(line).to_contain_text("it paints from the next portrait on", timeout=60_000)
        expect(button).to_be_hidden()
        visitor.quicken(10)
        visitor.page.locator("#paint").click()
        expect(visitor.page.locator("#status")).to_contain_text("seen with VGG-19", timeout=120_000)
        assert visitor.errors == []
    finally:
        context.close()
        running.stop()
        hub.close()
