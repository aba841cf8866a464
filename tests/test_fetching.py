"""A fetch beside everything else: state, stop, go on, failure, from a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from smart import hub_tensors, networks, serving, vgg19, weights
from smart.fetching import Fetch
from smart.hub import Patience
from smart.progress import Progress
from smart.ui import eye, home
from tests.hub_server import Handler, LocalHub, Repository, all_of_vgg19


@pytest.fixture(scope="module")
def content() -> bytes:
    return all_of_vgg19()


@pytest.fixture
def hub(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub with VGG-19 that this process asks, and an empty cache."""
    running = LocalHub()
    running.repositories[weights.VGG19_REPOSITORY] = Repository()
    running.repositories[weights.VGG19_REPOSITORY].commit({"model.safetensors": content})
    address = running.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    close_session()
    yield running
    running.close()


def slow(handler: Handler) -> bool:
    if handler.where == "storage":
        time.sleep(0.05)
    return False


def wait_for(fetch: Fetch, megabytes: int) -> None:
    deadline = time.monotonic() + 30
    while fetch.state.done < megabytes and time.monotonic() < deadline:
        time.sleep(0.01)
    assert fetch.state.done >= megabytes


def test_started_stopped_and_gone_on_with(hub: LocalHub) -> None:
    fetch = Fetch(vgg19.pull)
    assert fetch.state.now == "idle"
    hub.misbehave = slow
    assert fetch.start()
    assert not fetch.start(), "it is at work already"
    wait_for(fetch, 10)
    assert (fetch.state.now, fetch.state.total) == ("fetching", 51)
    fetch.stop()
    assert fetch.wait(5)
    assert fetch.state.now == "stopped"
    came = fetch.state.done
    assert weights.vgg19_file() is None
    sent = hub.sent()
    assert fetch.start()
    assert fetch.wait(30)
    assert (fetch.state.now, fetch.state.done, fetch.state.fraction) == ("finished", 51, 1.0)
    assert hub.sent() - sent < (52 - came) * 1e6 + 100_000
    assert networks.feature_network().name == "VGG-19"
    names = [one.name for one in threading.enumerate()]
    assert "smart-fetch" not in names


def test_waiting_is_told_and_failure_is_a_sentence(hub: LocalHub) -> None:
    def busy(handler: Handler) -> bool:
        handler.answer(429, Retry_After="1")
        return True

    hub.misbehave = busy
    patience = Patience(tries=2, first=0.1, longest=3)
    fetch = Fetch(lambda on_progress: vgg19.pull(on_progress, patience))
    fetch.start()
    deadline = time.monotonic() + 5
    while not fetch.state.words and time.monotonic() < deadline:
        time.sleep(0.01)
    assert fetch.state.words == "waiting (it answers 429)"
    assert fetch.wait(10)
    assert fetch.state.now == "failed"
    assert "check the network and try again" in fetch.state.words


def test_an_accident_is_told_too() -> None:
    def work(_: Any) -> None:
        raise RuntimeError("never thought of")

    fetch = Fetch(work)
    fetch.start()
    assert fetch.wait(5)
    assert fetch.state.words == "It ended by an accident (RuntimeError); try again."


@pytest.mark.parametrize(
    ("said", "space", "shared", "may", "begins"),
    [
        ("auto", False, False, True, False),
        ("off", False, False, False, False),
        ("auto", False, True, False, False),
        ("on", False, True, True, False),
        ("auto", True, False, False, True),
        ("on", True, False, True, True),
        ("off", True, False, False, False),
    ],
)
def test_who_may_fetch_and_where_it_begins_by_itself(
    hub: LocalHub,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    space: bool,
    shared: bool,
    may: bool,
    begins: bool,
) -> None:
    monkeypatch.setenv(serving.variable("fetch"), said)
    if space:
        monkeypatch.setenv("SPACE_ID", "someone/smart")
    monkeypatch.setitem(home._policy, "shared", shared)
    monkeypatch.setattr(eye, "fetch", Fetch(vgg19.pull))
    assert eye.allowed() is may
    assert eye.look()[1].visible is may
    assert eye.begin_on_a_space() is begins
    if begins:
        eye.fetch.stop()
        eye.fetch.wait(10)
    else:
        assert hub.requests == [], "nothing is asked for unless someone asks"
    if not may:
        with pytest.raises(Exception, match="Fetching is off here"):
            eye.press()


def test_the_line_on_the_page(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye, "fetch", Fetch(vgg19.pull))
    words, button, timer = eye.look()
    assert "The painter sees with VGG-16." in words
    assert (button.value, button.visible, timer.active) == (eye.FETCH, True, False)
    hub.misbehave = slow
    words, button, timer = eye.press()
    assert (button.value, timer.active) == (eye.STOP, True)
    wait_for(eye.fetch, 4)
    assert "of 51 MB." in eye.look()[0]
    eye.press()
    eye.fetch.wait(10)
    assert "it goes on there" in eye.look()[0]
    eye.press()
    eye.fetch.wait(30)
    words, button, timer = eye.look()
    assert "it paints from the next portrait on" in words
    assert (button.visible, timer.active) == (False, False)
    # Damaged between two runs: it counts as not there, and can be fetched again.
    monkeypatch.setattr(eye, "fetch", Fetch(vgg19.pull))
    path = weights.vgg19_file()
    assert path is not None
    path.write_bytes(path.read_bytes()[:-4])
    assert weights.vgg19_file() is None
    words, button, _ = eye.look()
    assert "VGG-19 is damaged" in words
    assert button.visible
    assert networks.feature_network().name == "VGG-16"
    eye.press()
    eye.fetch.wait(30)
    assert weights.vgg19_file() is not None


def test_progress_is_never_of_more_than_there_is(hub: LocalHub) -> None:
    seen: list[Progress] = []
    vgg19.pull(seen.append)
    steps = [one.step for one in seen]
    assert steps == sorted(steps)
    assert seen[-1].total == 51
    assert {one.stage for one in seen} == {hub_tensors.FETCHING}
