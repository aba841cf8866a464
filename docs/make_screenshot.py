"""Makes the README's picture of the Studio: python docs/make_screenshot.py URL (needs Chromium)."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright


def main(url: str) -> None:
    """Paint the fourth sitter after Kandinsky in a running app and photograph the page."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 960}, locale="en-US")
        page.goto(url)
        page.locator("#sitters img").nth(5).wait_for()
        page.locator("#sitters .thumbnail-item").nth(3).click()
        page.get_by_text("Wassily Kandinsky").first.click()
        page.wait_for_timeout(1500)
        page.locator("#paint").click()
        page.locator("#download").wait_for(timeout=300_000)
        page.wait_for_timeout(1500)
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    shot.save(Path(__file__).parent / "studio.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
