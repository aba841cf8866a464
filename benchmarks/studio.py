"""How the Studio feels, measured where one feels it: in the browser, on the app's own page.

python benchmarks/studio.py [--runs 3] [--chromium /usr/bin/chromium]

Prints one table against the limits. A moment counts when the picture is there: decoded in the
page, not only sent. What previews cost is measured beside it, as the time of a portrait with the
page's previews against the same portrait without, one after the other.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.browsing import app, chromium_page
from benchmarks.measures import table

SIZE = 512  # px
# Every picture that comes to a place, with the time when it is decoded and what is said then.
WATCH = """(place) => {
  const box = document.querySelector(place), log = (window.log = []), seen = new Set();
  const look = () => {
    const picture = box.querySelector("img");
    if (!picture || !picture.src || seen.has(picture.src)) return;
    seen.add(picture.src);
    picture.decode().catch(() => 0).then(() =>
      log.push([performance.now(), document.querySelector("#status").textContent]));
  };
  look();
  new MutationObserver(look).observe(box, { subtree: true, childList: true, attributes: true });
}"""
USABLE = """() => {
  const pictures = [...document.querySelectorAll("#sitters img, #painters img")];
  const paint = document.querySelector("#paint");
  if (pictures.length < 12 || !pictures.every((one) => one.complete) || !paint) return false;
  return performance.now() - performance.getEntriesByType("navigation")[0].responseStart;
}"""
WEIGHT = """() => performance.getEntries().filter((one) => "transferSize" in one)
  .reduce((sum, one) => sum + one.transferSize, 0)"""
BEGUN = ("A sketch", "step")  # what is said once the sitter made way for the portrait


def opened(page: Any, url: str) -> tuple[float, float, int]:
    """Seconds from the first byte until all can be used, MB by then, requests to others."""
    strangers: list[str] = []
    page.on(
        "request",
        lambda one: None if one.url.startswith((url, "data:", "blob:")) else strangers.append(one),
    )
    page.goto(url)
    usable = page.wait_for_function(USABLE, timeout=60_000, polling=20).json_value() / 1000
    return usable, page.evaluate(WEIGHT) / 1e6, len(strangers)


def dragged(page: Any, drags: int = 7) -> float:
    """Median seconds from a slider's move to the face that follows it."""
    page.get_by_text("Ask the sitter", exact=True).click()
    slider = page.locator(".wish input[type=range]").first
    slider.wait_for()
    page.wait_for_timeout(1500)
    page.evaluate(WATCH, "#asked")
    times = []
    for drag in range(drags):
        known = page.evaluate("log.length")
        moved = slider.evaluate(
            """(slider, value) => { slider.value = value; const now = performance.now();
               slider.dispatchEvent(new Event("input", { bubbles: true })); return now; }""",
            -0.9 + 0.25 * drag,
        )
        page.wait_for_function(f"log.length > {known}", timeout=20_000, polling=5)
        times.append(page.evaluate(f"log[{known}][0]") - moved)
        page.wait_for_timeout(500)
    return statistics.median(times) / 1000


def painted(page: Any) -> tuple[float, float]:
    """Seconds from Paint to the sketch, and the longest between two previews after it."""
    page.locator("#size input").click()
    page.get_by_role("option", name=f"{SIZE} px").click()
    page.wait_for_timeout(1000)
    page.evaluate(WATCH, "#easel")
    pressed = page.evaluate(
        "() => { const now = performance.now(); document.querySelector('#paint').click();"
        " return now; }"
    )
    page.wait_for_function(
        "/finished/.test(document.querySelector('#status').textContent)", timeout=600_000
    )
    log = page.evaluate("log")
    first = next(when for when, said in log if any(one in said for one in BEGUN))
    after = [when for when, _ in log if when >= first]
    return (first - pressed) / 1000, max(b - a for a, b in itertools.pairwise(after)) / 1000


def cost_of_previews(runs: int) -> float:
    """By how much the page's previews lengthen a portrait, as a share of its time."""
    from smart import images, networks, pipeline, styles
    from smart.options import PaintingOptions, SamplingOptions
    from smart.ui.jobs import Job
    from smart.ui.painting import PREVIEW_EVERY
    from smart.ui.sitting import EASEL

    networks.stylizer()
    choices, painting = (styles.scan().choose("hokusai"),), PaintingOptions(size=SIZE)
    sampling = SamplingOptions(seed=7)

    def shown() -> None:
        job = Job(lambda report: pipeline.paint_seed(sampling, choices, painting, report))
        for progress in job.watch(PREVIEW_EVERY):
            if progress.preview is not None:
                images.data_uri(images.to_pil(progress.preview).resize((EASEL, EASEL)))
        job.result()

    def alone() -> None:
        job = Job(lambda report: pipeline.paint_seed(sampling, choices, painting, report))
        for _ in job.watch(1e9):
            pass
        job.result()

    alone()  # warm
    ratios = []
    for _ in range(runs):
        times = []
        for work in (shown, alone):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="%(default)s")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    figures = []
    with app() as url:
        for run in range(options.runs + 1):
            with chromium_page(options.chromium) as page:
                row = (*opened(page, url), dragged(page), *painted(page))
            if run:  # the first visitor finds the networks cold
                figures.append(row)
    usable, weight, strangers, slider, sketch, between = (
        statistics.median(column) for column in zip(*figures, strict=True)
    )
    cost = cost_of_previews(options.runs)
    print(f"median of {options.runs}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    rows = [
        [f"first sketch after Paint, {SIZE} px", f"{sketch:.1f} s", "2 s"],
        ["a slider's move to the face", f"{slider:.2f} s", "0.3 s"],
        ["longest between two previews", f"{between:.1f} s", "2 s"],
        ["what previews add to the time", f"{100 * cost:.1f} %", "5 %"],
        ["page usable after its first byte", f"{usable:.1f} s", "3 s"],
        ["sent by then", f"{weight:.1f} MB", ""],
        ["requests to others", f"{strangers:.0f}", "0"],
    ]
    print(table(["what", "measured", "limit"], rows))


if __name__ == "__main__":
    main()
