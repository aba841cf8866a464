"""VGG-19 from the Hub: by ranges, through every accident, from a real server on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import close_session
from safetensors.torch import load, load_file

from smart import hub_tensors, verifying, vgg19, weights
from smart.folders import WeightsError
from smart.hub import Patience, Remote
from smart.painting.vgg import BLOCKS, tensor_shapes
from smart.progress import Cancelled, Progress, ignore
from tests.hub_server import Handler, LocalHub, Proxy, Repository, all_of_vgg19, whole

ROOT = Path(__file__).resolve().parent.parent
NAME, MODEL = "timm/vgg19.tv_in1k", "model.safetensors"
QUICK = Patience(tries=4, first=0.01, longest=2.0)
SHAPES = {
    "features.0.weight": (64, 3, 3, 3),
    "features.10.weight": (128, 512),
    "features.2.bias": (40,),
}


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Hub with nothing on it."""
    running = LocalHub()
    yield running
    running.close()


@pytest.fixture
def small(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> LocalHub:
    """A Hub with a small network on it, asked by this process, in pieces of 50 kB."""
    hub.repositories[NAME] = Repository()
    others = {"features.1.unwanted": (30, 1000), "head.fc.weight": (500, 500)}
    hub.repositories[NAME].commit({MODEL: whole(SHAPES, **others)})
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_tensors, "CHUNK", 50_000)
    monkeypatch.setattr(hub_tensors, "HEAD", 2_000)
    close_session()
    return hub


def fetch(
    folder: Path,
    on_progress: Callable[[Progress], None] = ignore,
    patience: Patience = QUICK,
    revision: str = "main",
    on_wait: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    remote = Remote(NAME, MODEL, revision, patience, on_wait)
    return load_file(hub_tensors.fetch(remote, SHAPES, folder, on_progress))


def right(hub: LocalHub, found: dict[str, Any]) -> bool:
    """Whether these are the wanted tensors of the newest commit."""
    there = load(hub.repositories[NAME].commits[-1][1][MODEL])
    return found.keys() == SHAPES.keys() and all(torch.equal(found[k], there[k]) for k in SHAPES)


def data_requests(hub: LocalHub) -> list[str]:
    return [one.headers.get("range", "") for one in hub.requests if one.where == "storage"]


def test_one_request_for_the_header_then_only_what_is_wanted(
    small: LocalHub, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    assert right(small, fetch(tmp_path, seen.append))
    ranges = data_requests(small)
    assert ranges[0] == "bytes=0-1999"
    assert {one.headers["accept-encoding"] for one in small.requests} == {"identity"}
    # 64*27 + 128*512 + 40 floats: neighbours are asked for together, in pieces of 50 kB
    assert len(ranges) == 1 + 7
    assert small.sent() < 2000 + 4 * (64 * 27 + 128 * 512 + 40) + 1000
    sha = small.repositories[NAME].commits[0][0]
    assert {one.path.split("/resolve/")[1] for one in small.requests[2:] if one.where == "hub"} == {
        f"{sha}/{MODEL}"
    }
    assert [seen[0].step, seen[-1].fraction] == [0, 1.0]
    source = json.loads((tmp_path / "lock.json").read_text())["source"]
    assert (source["commit"], source["total"]) == (sha, len(small.stored[source["etag"]]))
    assert not list(tmp_path.glob("*partial*"))
    before = len(small.requests)
    fetch(tmp_path)
    assert len(small.requests) == before, "what is here and sound is not asked for again"


def test_a_cut_connection_is_taken_up_where_it_broke(small: LocalHub, tmp_path: Path) -> None:
    def cut(handler: Handler) -> bool:
        if handler.where == "hub" or len(data_requests(small)) % 2:
            return False
        start, last = (int(x) for x in handler.headers["range"][6:].split("-"))
        content = small.stored[handler.path.rpartition("/")[2]]
        handler.cut(
            206, content[start : start + (last - start) // 2], last + 1 - start,
            Content_Range=f"bytes {start}-{last}/{len(content)}",
        )  # fmt: skip
        return True

    small.misbehave = cut
    assert right(small, fetch(tmp_path))
    wanted = 4 * (64 * 27 + 128 * 512 + 40)
    assert small.sent() < 2000 + wanted + 1000, "nothing came twice"


def test_after_a_stop_it_goes_on(small: LocalHub, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if (progress.fraction or 0) > 0.5:
            raise Cancelled

    small.repositories[NAME].commit({MODEL: whole({**SHAPES, "features.10.weight": (1280, 512)})})
    shapes = {**SHAPES, "features.10.weight": (1280, 512)}
    remote = Remote(NAME, MODEL, "main", QUICK, lambda _: None)
    with pytest.raises(Cancelled):
        hub_tensors.fetch(remote, shapes, tmp_path, stop)
    done = json.loads((tmp_path / "partial.json").read_text())["done"]
    assert done > 0.5 * 2_621_440
    small.requests.clear()
    again = Remote(NAME, MODEL, "main", QUICK, lambda _: None)
    first: list[Progress] = []
    found = load_file(hub_tensors.fetch(again, shapes, tmp_path, first.append))
    assert found["features.10.weight"].shape == (1280, 512)
    assert first[0].fraction is not None
    assert first[0].fraction > 0.5
    assert small.sent() < 2_621_440 - done + 20_000


def half_way(small: LocalHub, folder: Path) -> int:
    """Fetch until the Hub is gone for good; how many bytes lie there."""
    small.misbehave = lambda _: len(data_requests(small)) > 4 and (_.answer(500), True)[1]
    with pytest.raises(WeightsError, match="500"):
        fetch(folder)
    small.misbehave = lambda _: False
    small.requests.clear()
    return (folder / "model.partial").stat().st_size


def test_half_way_nothing_is_used_and_another_file_starts_anew(
    small: LocalHub, tmp_path: Path
) -> None:
    assert half_way(small, tmp_path) > 100_000
    assert not (tmp_path / MODEL).exists()
    small.repositories[NAME].commit({MODEL: whole(SHAPES, seed=1)})
    assert right(small, fetch(tmp_path))
    assert small.sent() > 4 * (64 * 27 + 128 * 512 + 40)


def test_a_new_commit_with_the_same_file_goes_on(small: LocalHub, tmp_path: Path) -> None:
    there = half_way(small, tmp_path)
    small.repositories[NAME].commit({"README.md": b"new"})
    assert right(small, fetch(tmp_path))
    assert small.sent() < 4 * (64 * 27 + 128 * 512 + 40) - there + 5_000


@pytest.mark.parametrize("harm", ["flipped", "cut", "notes", "no notes"])
def test_a_partial_file_that_was_harmed_starts_anew(
    small: LocalHub, tmp_path: Path, harm: str
) -> None:
    half_way(small, tmp_path)
    partial, notes = tmp_path / "model.partial", tmp_path / "partial.json"
    if harm == "flipped":
        partial.write_bytes(partial.read_bytes()[:-9] + b"\0" * 9)
    elif harm == "cut":
        partial.write_bytes(partial.read_bytes()[:-9])
    elif harm == "notes":
        notes.write_text("[[[")
    else:
        notes.unlink()
    assert right(small, fetch(tmp_path))


def once(small: LocalHub, **headers: str) -> Callable[[Handler], bool]:
    """The third request is answered 429."""
    told = []

    def misbehave(handler: Handler) -> bool:
        if len(small.requests) != 3 or told:
            return False
        told.append(1)
        handler.answer(429, **headers)
        return True

    return misbehave


@pytest.mark.parametrize("headers", [{"Retry_After": "1"}, {"RateLimit": '"api";r=0;t=1'}])
def test_rate_limited_it_waits_as_long_as_it_is_asked_to(
    small: LocalHub, tmp_path: Path, headers: dict[str, str]
) -> None:
    small.misbehave = once(small, **headers)
    reasons: list[str] = []
    began = time.monotonic()
    assert right(small, fetch(tmp_path, on_wait=reasons.append))
    assert 1.0 <= time.monotonic() - began < 3
    assert set(reasons) == {"it answers 429"}
    assert len(reasons) >= 4


def test_asked_to_wait_too_long_it_says_so_at_once(small: LocalHub, tmp_path: Path) -> None:
    small.misbehave = once(small, Retry_After="3600")
    began = time.monotonic()
    with pytest.raises(WeightsError, match="429; it asks to wait 3600 s.; try again then"):
        fetch(tmp_path)
    assert time.monotonic() - began < 1


def test_waiting_can_be_stopped(small: LocalHub, tmp_path: Path) -> None:
    def stop(_: str) -> None:
        raise Cancelled

    small.misbehave = once(small, Retry_After="2")
    with pytest.raises(Cancelled):
        fetch(tmp_path, on_wait=stop)


def whole_file(handler: Handler) -> bool:
    if handler.where == "storage":
        content = handler.hub.stored[handler.path.rpartition("/")[2]]
        handler.answer(200, content)
    return handler.where == "storage"


def other_range(handler: Handler) -> bool:
    if handler.where == "storage":
        handler.answer(206, b"x" * 100, Content_Range="bytes 5-104/999999")
    return handler.where == "storage"


def too_much(handler: Handler) -> bool:
    if handler.where == "storage":
        handler.answer(206, b"x" * 9000, Content_Range="bytes 0-1999/999999")
    return handler.where == "storage"


def packed(handler: Handler) -> bool:
    if handler.where == "storage":
        told = "bytes 0-99/999999"
        handler.answer(206, b"x" * 100, Content_Range=told, Content_Encoding="gzip")
    return handler.where == "storage"


def a_page(handler: Handler) -> bool:
    if handler.where == "storage":
        handler.part(b"<!doctype html><title>Sign in to the hotel's network</title>" * 50)
    return handler.where == "storage"


def circle(handler: Handler) -> bool:
    handler.answer(302, Location=handler.path)
    return True


def status(code: int) -> Callable[[Handler], bool]:
    return lambda handler: (handler.answer(code), True)[1]


@pytest.mark.parametrize(
    ("misbehave", "reason"),
    [
        (whole_file, "it does not answer ranges of the file.*check HF_ENDPOINT"),
        (packed, "it does not answer ranges of the file"),
        (other_range, "sends another range than was asked for"),
        (too_much, "sends more than was asked for"),
        (a_page, "is not the file of weights it should be"),
        (circle, "redirects in a circle"),
        (status(401), "it asks for a token.*set HF_TOKEN"),
        (status(403), "lets only some people read this.*set HF_TOKEN"),
        (status(404), "has no such file at 'main'"),
        (status(410), "answers 410"),
        (status(416), "shorter than it should be"),
        (status(500), "answers 500.*try again"),
        (status(503), "answers 503.*try again"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_leaves_no_weights(
    small: LocalHub, tmp_path: Path, misbehave: Callable[[Handler], bool], reason: str
) -> None:
    small.misbehave = misbehave
    with pytest.raises(WeightsError, match=reason) as caught:
        fetch(tmp_path)
    assert str(caught.value).count("\n") == 0
    assert "VGG-16 paints meanwhile" in str(caught.value)
    assert small.sent() < 4_000_000
    assert not (tmp_path / MODEL).exists()
    small.misbehave = lambda _: False
    assert right(small, fetch(tmp_path))


@pytest.mark.parametrize(
    "tensors",
    [
        {**SHAPES, "features.0.weight": (64, 3, 3, 4)},
        {**SHAPES, "features.10.weight": (512, 128)},
        {"features.0.weight": (64, 3, 3, 3)},
    ],
)
def test_other_shapes_and_missing_tensors_are_refused(
    small: LocalHub, tmp_path: Path, tensors: dict[str, tuple[int, ...]]
) -> None:
    small.repositories[NAME].commit({MODEL: whole(tensors)})
    with pytest.raises(WeightsError, match="not the file of weights"):
        fetch(tmp_path)


def test_a_file_that_is_cut_off_on_the_hub_is_refused(small: LocalHub, tmp_path: Path) -> None:
    content = small.repositories[NAME].commits[0][1][MODEL]
    small.repositories[NAME].commit({MODEL: content[:200_000]})
    with pytest.raises(WeightsError, match="cut off"):
        fetch(tmp_path)


def test_a_file_that_changes_meanwhile_is_refused(small: LocalHub, tmp_path: Path) -> None:
    def changed(handler: Handler) -> bool:
        if handler.where == "storage" and len(data_requests(small)) > 3:
            content = whole(SHAPES, seed=2, **{"head.fc.weight": (500, 501)})
            handler.part(content)
            return True
        return False

    small.misbehave = changed
    with pytest.raises(WeightsError, match="changed meanwhile.; try again"):
        fetch(tmp_path)


def test_silence_is_waited_for_and_then_told(
    small: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    silent: list[int] = []

    def silence(handler: Handler) -> bool:
        if len(small.requests) in (3, 4):
            silent.append(1)
            time.sleep(0.5)
        return False

    small.misbehave = silence
    assert right(small, fetch(tmp_path))
    assert silent
    small.misbehave = lambda _: time.sleep(0.5) or False
    small.repositories[NAME].commit({MODEL: whole(SHAPES, seed=3)})
    with pytest.raises(WeightsError, match="no answer within 0.2 s"):
        fetch(tmp_path / "other")


def test_a_slow_answer_reports_and_can_be_stopped(
    small: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_tensors, "SIGN", 0.1)

    def trickle(handler: Handler) -> bool:
        if handler.where == "hub" or len(data_requests(small)) < 2:
            return False
        start, last = (int(x) for x in handler.headers["range"][6:].split("-"))
        content = small.stored[handler.path.rpartition("/")[2]]
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        handler.send_header("Content-Length", str(last + 1 - start))
        handler.end_headers()
        try:
            for at in range(start, last + 1):
                handler.wfile.write(content[at : at + 1])
                time.sleep(0.02)
        except OSError:
            pass
        handler.close_connection = True
        return True

    small.misbehave = trickle
    seen: list[Progress] = []

    def watch(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 5:
            raise Cancelled

    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch(tmp_path, watch)
    assert time.monotonic() - began < 3


def test_the_token_goes_to_the_hub_only(
    small: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.repositories[NAME].private = True
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert right(small, fetch(tmp_path))
    given = {one.where: one.headers.get("authorization") for one in small.requests}
    assert given == {"hub": "Bearer hf_right", "storage": None}
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(WeightsError, match="it refuses the token.; renew HF_TOKEN"):
        fetch(tmp_path / "other")


def test_a_pinned_revision(small: LocalHub, tmp_path: Path) -> None:
    repository = small.repositories[NAME]
    first = repository.commits[0][0]
    repository.commit({MODEL: whole(SHAPES, seed=4)})
    repository.branches["stable"] = first
    found = {rev: fetch(tmp_path / rev, revision=rev) for rev in ("main", first, "stable")}
    assert right(small, found["main"])
    assert not right(small, found[first])
    assert torch.equal(found[first]["features.2.bias"], found["stable"]["features.2.bias"])
    # The same folder, asked for another revision, gets that.
    assert not right(small, fetch(tmp_path / "main", revision=first))
    with pytest.raises(WeightsError, match="no such file at 'gone'"):
        fetch(tmp_path / "gone", revision="gone")


def test_a_mirror_that_gives_another_commit_is_refused(small: LocalHub, tmp_path: Path) -> None:
    first = small.repositories[NAME].commits[0][0]
    small.repositories[NAME].commit({MODEL: whole(SHAPES, seed=5)})
    small.repositories[NAME].branches[first] = small.repositories[NAME].commits[-1][0]
    with pytest.raises(WeightsError, match="it gives commit"):
        fetch(tmp_path, revision=first)


def test_a_disk_that_is_full(small: LocalHub, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, before[1]))
    try:
        with pytest.raises(ValueError, match="cannot be written .File too large.*make room"):
            fetch(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    noted = json.loads((tmp_path / "partial.json").read_text())["done"]
    small.requests.clear()
    assert right(small, fetch(tmp_path))
    assert small.sent() < 4 * (64 * 27 + 128 * 512 + 40) - noted + 5_000


def environment(hub: str, home: Path, **more: str) -> dict[str, str]:
    """Another Hub and another cache, and neither token nor proxy of who runs the tests."""
    left_out = ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    kept = {key: value for key, value in os.environ.items() if key.upper() not in left_out}
    return {**kept, "HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", **more}


def smart(hub: str, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "smart", *arguments], cwd=ROOT, text=True, timeout=120,
        env=environment(hub, home, **more), capture_output=True, check=False,
    )  # fmt: skip


def pull(hub: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`smart weights pull vgg19`."""
    return smart(hub, home, "weights", "pull", "vgg19", "--json", **more)


@pytest.fixture(scope="module")
def whole_vgg19() -> bytes:
    """VGG-19 as the Hub has it."""
    return all_of_vgg19()


@pytest.fixture
def large(hub: LocalHub, whole_vgg19: bytes) -> LocalHub:
    """A Hub with VGG-19."""
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit({MODEL: whole_vgg19})
    return hub


def test_killed_it_goes_on_and_is_used(large: LocalHub, tmp_path: Path) -> None:
    def slow(handler: Handler) -> bool:
        if handler.where == "storage":
            time.sleep(0.15)
        return False

    large.misbehave = slow
    folder = tmp_path / "home" / "assets" / "smart" / "vgg19"
    process = subprocess.Popen(
        [sys.executable, "-m", "smart", "weights", "pull", "vgg19"], cwd=ROOT,
        env=environment(large.url, tmp_path / "home"),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(data_requests(large)) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    noted = json.loads((folder / "partial.json").read_text())["done"]
    assert noted > 12_000_000
    assert not (folder / MODEL).exists()
    large.misbehave = lambda _: False
    large.requests.clear()
    done = pull(large.url, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(folder)
    assert large.sent() < vgg19.SIZE - noted + 100_000
    there = load_file(folder / MODEL)
    full = load(large.repositories[NAME].commits[0][1][MODEL])
    assert there.keys() == tensor_shapes(BLOCKS["vgg19"]).keys()
    assert all(torch.equal(there[name], full[name]) for name in there)
    code = "from smart.painting.vgg import load_vgg; print(load_vgg().name, load_vgg().key)"
    for harm, name in ((False, "VGG-19 vgg19"), (True, "VGG-16 vgg16")):
        if harm:
            content = bytearray((folder / MODEL).read_bytes())
            content[20_000_000] ^= 1
            (folder / MODEL).write_bytes(content)
        used = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
            env=environment(large.url, tmp_path / "home"),
        )  # fmt: skip
        assert used.stdout.strip() == name
        verified = smart(large.url, tmp_path / "home", "weights", "verify", "vgg19")
        assert verified.returncode == (2 if harm else 0)
        assert ("other content" if harm else "sound") in verified.stdout + verified.stderr


def test_two_at_once_fetch_once(large: LocalHub, tmp_path: Path) -> None:
    def slow(handler: Handler) -> bool:
        if handler.where == "storage":
            time.sleep(0.1)
        return False

    large.misbehave = slow
    answers: list[subprocess.CompletedProcess[str]] = []
    both = [
        threading.Thread(target=lambda: answers.append(pull(large.url, tmp_path))) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.returncode for one in answers] == [0, 0], answers
    assert large.sent() < 1.01 * vgg19.SIZE + 100_000


def test_offline_proxy_mirror_and_nobody_there(large: LocalHub, tmp_path: Path) -> None:
    def said(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 2
        assert done.stderr.startswith("smart: timm/vgg19.tv_in1k could not be fetched from ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    offline = said(pull(large.url, tmp_path, HF_HUB_OFFLINE="1"))
    assert "(HF_HUB_OFFLINE is set); unset it to go online" in offline
    assert large.requests == []
    proxy = Proxy()
    secret = proxy.url.replace("http://", "http://user:secret@")
    closed = said(pull("https://hub.invalid", tmp_path, HTTPS_PROXY=secret))
    assert proxy.asked[0] == "hub.invalid:443"
    assert "check the network and HTTPS_PROXY" in closed
    assert "secret" not in closed
    began = time.monotonic()
    assert "check the network and try again" in said(pull("http://127.0.0.1:9", tmp_path))
    assert time.monotonic() - began < 20
    assert "check HF_ENDPOINT" in said(pull("nonsense", tmp_path))
    assert "secret" not in said(pull("http://user:secret@127.0.0.1:9", tmp_path))
    # The proxy in front of a mirror, which is asked through it and never directly.
    proxy.asked.clear()
    mirror = large.url.replace("127.0.0.1", "localhost")
    done = pull(mirror, tmp_path, HTTP_PROXY=proxy.url)
    assert done.returncode == 0, done.stderr
    assert f"{mirror}/{NAME}/resolve/main/{MODEL}" in proxy.asked
    assert len(proxy.asked) == len(large.requests)
    proxy.shutdown()


def test_the_whole_file_in_the_hubs_cache_is_used(
    large: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import hf_hub_download

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    close_session()
    assert weights.vgg19_file() is None
    path = hf_hub_download(NAME, MODEL, endpoint=large.url)
    assert weights.vgg19_file() == Path(path)
    assert verifying.vgg19_problems(Path(path)) == []
    monkeypatch.setenv("SMART_VGG19_REVISION", "another")
    assert weights.vgg19_file() is None
