"""The app as its owner runs it: behind a proxy, watched, limited, logged, and told to stop."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from smart import pipeline
from smart.ui import home, janitor, ledger, owner
from tests.conftest import Server
from tests.ui.conftest import Visitor, playwright
from tests.ui.proxy import Proxy

SECRET = "a long word"


@pytest.fixture(scope="module")
def away(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own, set up as on a server, under the path /smart."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "OWNER": SECRET, "LOGS": "json", "WAITING": "1", "LARGEST": "320", "GRACE": "8",
            "ROOT_PATH": "/smart",
        }.items():  # fmt: skip
            patch.setenv(f"SMART_{name}", value)
        running = Server(server.styles, tmp_path_factory.mktemp("away") / "log.txt")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def proxy(away: Server) -> Iterator[Proxy]:
    running = Proxy(away.port, "/smart")
    yield running
    running.stop()


def get(url: str, user: str = "", password: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url)
    if user:
        coded = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {coded}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def lines(server: Server) -> list[dict[str, Any]]:
    """What the log says; every line of it but the first, the address, is JSON."""
    found = server.log.read_text().splitlines()
    return [json.loads(line) for line in found if not line.startswith("SMART is open")]


def test_health_answers_everyone(away: Server, proxy: Proxy) -> None:
    for url in (away.url, proxy.url):
        code, text = get(f"{url}health")
        known = json.loads(text)
        assert (code, known["status"], known["problems"]) == (200, "ok", [])
        assert known["room"] == 2 - known["working"] - known["waiting"]


def test_the_owners_page_asks_for_the_password(away: Server) -> None:
    url = f"{away.url}owner"
    assert get(url)[0] == 401
    for wrong in (("owner", "guess"), ("visitor", SECRET), ("owner", ""), ("owner", SECRET + "x")):
        assert get(url, *wrong)[0] == 401
    code, page = get(url, "owner", SECRET)
    assert code == 200
    assert "VGG-16" in page
    request = urllib.request.Request(url, headers={"Authorization": "Basic %%%"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request)


def test_without_a_password_only_ones_own_machine_shows_it(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    assert get(f"{server.url}owner")[0] == 200
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert not home.own_machine()


def test_a_password_for_the_page_leaves_health_open(server: Server, tmp_path: Path) -> None:
    locked = Server(server.styles, tmp_path / "log.txt", "--auth", "visitor:secret")
    try:
        assert get(f"{locked.url}health")[0] == 200
        assert get(f"{locked.url}gradio_api/info")[0] == 401
    finally:
        locked.stop()


def test_programs_reach_it_behind_the_proxy(away: Server, proxy: Proxy) -> None:
    client = Client(proxy.url, verbose=False)
    assert client.predict(api_name="/styles")
    path = client.predict(seed=7, style="hokusai", size=64, api_name="/portrait")
    assert Image.open(path).size == (64, 64)
    assert pipeline.like(path).sampling is not None
    done = [one for one in lines(away) if one["event"] == "work"][-1]
    assert (done["kind"], done["ending"], done["level"]) == ("portrait", "done", "info")
    page = get(f"{away.url}owner", "owner", SECRET)[1]
    assert "portrait: painting" in page


def test_the_page_works_behind_the_proxy(
    browser: playwright.Browser, server: Server, proxy: Proxy
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    visitor = Visitor(context.new_page(), server)
    visitor.server = type("Behind", (), {"url": proxy.url})()  # type: ignore[assignment]
    page = visitor.open().page
    page.locator("#size input").click()
    offered = page.get_by_role("option").all_text_contents()
    page.keyboard.press("Escape")
    context.close()
    assert [text.strip("✓ ") for text in offered] == ["256 px", "320 px"]
    assert visitor.errors == []
    assert visitor.strangers == []


def test_larger_than_the_owner_allows(away: Server) -> None:
    client = Client(f"{away.url}", verbose=False)
    with pytest.raises(AppError, match="at most 320 px, choose a smaller size"):
        client.predict(seed=7, style="hokusai", size=512, api_name="/portrait")


def test_who_finds_no_place_is_told_when_to_come_back(away: Server) -> None:
    ended: list[str] = []

    clients = [Client(away.url, verbose=False) for _ in range(4)]

    def ask(seed: int) -> None:
        try:
            made = clients[seed].predict(seed=seed, style="hokusai", size=128, api_name="/portrait")
            known = pipeline.like(made)
            ended.append(f"painted {known.sampling.seed if known.sampling else ''}")
        except AppError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    painted = [one for one in ended if one.startswith("painted")]
    refused = [one for one in ended if one.startswith("The studio is full: 2 are served before")]
    assert len(painted) == 2
    assert len(refused) == 2, ended
    assert all("Come back in about" in one for one in refused)


LEAVER = """
import sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False)
print("ready", flush=True)
sys.stdin.readline()
client.predict(seed=1, style="hokusai", size=320, api_name="/portrait")
"""


def test_a_program_that_is_killed_leaves_the_easel_and_the_line(away: Server) -> None:
    def status() -> dict[str, Any]:
        return dict(json.loads(get(f"{away.url}health")[1]))

    until(lambda: not status()["working"])
    command = [sys.executable, "-c", LEAVER, away.url]
    first, second = (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    for process, asks in ((first, "working"), (second, "waiting")):
        assert process.stdin
        assert process.stdout
        process.stdout.readline()  # it has come, and asks when it is told to
        process.stdin.write("\n")
        process.stdin.flush()
        until(lambda asks=asks: status()[asks])  # type: ignore[misc]
    second.kill()
    until(lambda: status()["waiting"] == 0)
    assert status()["working"]
    first.kill()
    until(lambda: not status()["working"])
    ended = [one["ending"] for one in lines(away) if one["event"] == "work"]
    assert ended[-2:] == ["left", "stopped"]
    for process in (first, second):
        process.wait()


def test_told_to_stop_it_gives_what_it_has_and_ends(server: Server, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMART_LOGS", "json")
        running = Server(server.styles, tmp_path / "log.txt")
    made: list[str] = []
    client = Client(running.url, verbose=False)
    thread = threading.Thread(
        target=lambda: made.append(
            client.predict(seed=7, style="hokusai", size=1024, api_name="/portrait")
        )
    )
    thread.start()
    until(lambda: json.loads(get(f"{running.url}health")[1])["working"])
    time.sleep(3)
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0
    assert time.monotonic() - began < 14
    thread.join(20)
    assert Image.open(made[0]).size[0] > 0
    said = [one for one in lines(running) if one["event"] != "ready"]
    assert [one["event"] for one in said] == ["closing", "work", "closed"]
    assert said[1]["ending"] == "stopped"


def until(true: Any) -> None:
    for _ in range(900):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("It did not happen within a minute and a half.")


def test_the_ledger_is_bounded_and_counts() -> None:
    book = ledger.Ledger()
    for number in range(1000):
        book.took(f"stage {number}", 1.0)
        book.took("often", number / 1000)
    rows = {row.stage: row for row in book.rows()}
    assert len(rows) <= ledger.STAGES + 1
    assert rows["often"].times == ledger.KEPT
    assert rows["often"].longest == 0.999
    entry = ledger.Entry("portrait")
    entry.begin()
    entry.reached("sketching")
    book.add(entry, "done")
    assert book.endings() == {"portrait": {"done": 1}}
    assert book.latest()[0].kind == "portrait"


def test_the_oldest_files_of_pages_go_when_there_are_too_many(tmp_path: Path) -> None:
    now = time.time()
    for age in range(10):
        path = tmp_path / f"upload{age}" / "picture.png"
        path.parent.mkdir()
        path.write_bytes(bytes(1000))
        os.utime(path, (now - 100 * age, now - 100 * age))
    outside = tmp_path.parent / "kept.png"
    outside.write_bytes(bytes(9000))
    (tmp_path / "link.png").symlink_to(outside)
    assert janitor.tidy(tmp_path, 10_200, young=250) == 0
    with janitor.hold(str(tmp_path / "upload9" / "picture.png")):
        assert janitor.tidy(tmp_path, 6200, young=250) == 4
        assert (tmp_path / "upload9" / "picture.png").exists(), "someone waits with it"
    assert janitor.tidy(tmp_path, 0, young=250) == 3, "the young stay"
    assert sorted(p.parent.name for p in tmp_path.glob("*/picture.png")) == [
        "upload0", "upload1", "upload2",
    ]  # fmt: skip
    assert outside.exists()


def test_what_is_damaged_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(owner.problems, "weights", "weights/faces is <damaged>; restore it.")
    assert owner.state()["status"] == "damaged"
    assert "weights/faces is &lt;damaged&gt;; restore it." in owner.page()


def test_the_95th_of_a_hundred_lies_above_the_median_of_few() -> None:
    book = ledger.Ledger()
    for seconds in (1.0, 3.0):
        book.took("few", seconds)
    for number in range(100):
        book.took("many", float(number + 1))
    few, many = book.rows()
    assert (few.median, few.p95) == (2.0, 3.0)
    assert many.p95 == 95.0
