"""A Space whose GPU is lent for each portrait, in a forked process."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextvars import copy_context
from functools import partial
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from smart import images, pipeline, styles
from smart.options import PaintingOptions, SamplingOptions
from smart.ui import zero_gpu
from tests.conftest import Server
from tests.ui.conftest import Visitor, playwright

LENDER = Path(__file__).parent / "lender"


@pytest.fixture(scope="module")
def lent(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lent")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "SPACES_ZERO_GPU": "true", "SPACE_ID": "someone/space", "PYTHONPATH": str(LENDER),
            "LENT": str(folder / "lent.txt"),
        }.items():  # fmt: skip
            patch.setenv(name, value)
        running = Server(server.styles, folder / "log.txt")
    yield running
    running.stop()


def lendings(server: Server) -> list[str]:
    return (server.log.parent / "lent.txt").read_text().splitlines()


def test_a_portrait_is_painted_where_the_gpu_is(lent: Server) -> None:
    client = Client(lent.url, verbose=False)
    path = client.predict(seed=7, style="durer", size=64, api_name="/portrait")
    assert pipeline.like(path).sampling == SamplingOptions(seed=7)
    assert lendings(lent)[-1] == "30 s, a visitor"
    # The face needs no GPU, and its thread was not in the fork's way.
    assert images.read_provenance(client.predict(seed=3, size=256, api_name="/face"))["faces"]
    again = client.predict(seed=7, style="durer", size=64, api_name="/portrait")
    assert Path(again).read_bytes() == Path(path).read_bytes()
    with pytest.raises(AppError, match="at most 1024 px"):
        client.predict(seed=7, style="durer", size=2048, api_name="/portrait")


def test_stop_keeps_the_portrait_as_it_stands(browser: playwright.Browser, lent: Server) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    visitor = Visitor(context.new_page(), lent).open()
    page = visitor.page
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_text(re.compile(r"step \d+ of")).wait_for(timeout=90_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("stopped and kept as it stood", exact=False).wait_for(timeout=60_000)
    context.close()
    assert visitor.errors == []
    with urllib.request.urlopen(f"{lent.url}health") as answer:
        assert not json.load(answer)["working"]


def test_elsewhere_work_runs_where_it_is_called() -> None:
    assert not zero_gpu.HERE
    assert zero_gpu.run(lambda on_progress: 7, copy_context(), print, print) == 7


@pytest.mark.parametrize(("size", "seconds"), [(64, 30), (1024, 30), (1536, 67), (4096, 120)])
def test_the_gpu_is_asked_for_as_long_as_a_portrait_may_take(size: int, seconds: int) -> None:
    choices = styles.scan().choose_all(["durer"])
    painting = PaintingOptions(size=size)
    work = partial(pipeline.paint_seed, SamplingOptions(), choices, painting, ground=())
    assert zero_gpu.seconds_for(work) == seconds
    assert zero_gpu.seconds_for(partial(pipeline.go_on, None, size=size)) == seconds
