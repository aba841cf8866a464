"""The running app as an attacker finds it: every way in, and what it must not give or do."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from smart import images
from smart.options import PaintingOptions
from tests import hostile_pictures
from tests.conftest import ROOT, Server
from tests.hostile import refuse_bad_words
from tests.ui.caller import Caller, Listener, all_files

# What may be asked without the queue: each only shows something, or is checked in the function.
AT_ONCE = {
    "styles", "reset", "choose", "clear_photo", "choose_painter", "choose_work", "stop", "toggle",
    "look", "open_tab", "look_again", "paint_with", "rename", "remove", "given", "new_seed",
    "stop_for_next", "partial", "halt", "stop_preparing", "lambda", "js_fn", "press",
}  # fmt: skip
SCHOOL = ("groups", "pick", "sort", "begin", "there", "keep_1", "eye", "partial", "delete")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as strangers reach it over the network, without trainings, in folders of its own."""
    home = tmp_path_factory.mktemp("guarded")
    shutil.copytree(ROOT / "styles" / "hokusai", home / "styles" / "hokusai")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("runs", "portraits", "tmp"):
            (home / name).mkdir()
        patch.setenv("SMART_TRAINING", "off")
        patch.setenv("SMART_WAITING", "2")
        patch.setenv("SMART_RUNS", str(home / "runs"))
        patch.setenv("SMART_PORTRAITS", str(home / "portraits"))
        patch.setenv("GRADIO_TEMP_DIR", str(home / "tmp"))
        running = Server(home / "styles", home / "log.txt", "--host", "0.0.0.0")
    yield running
    running.stop()


@pytest.fixture
def caller(guarded: Server) -> Caller:
    return Caller(guarded)


def home_of(server: Server) -> Path:
    return server.styles.parent


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture on the server that nobody uploaded."""
    path = tmp_path / "secret.png"
    Image.effect_noise((80, 80), 90).save(path)
    return path


def test_what_waits_in_line_answers_nowhere_else(caller: Caller) -> None:
    for number, event in caller.events.items():
        name = event["api_name"]
        if not event["queue"]:
            assert re.sub(r"_\d+$", "", name) in AT_ONCE, name
            continue
        for way in (f"gradio_api/run/{name}", f"gradio_api/api/{name}", f"gradio_api/run/{name}/"):
            body = {"data": caller.usual(number), "session_hash": caller.session}
            assert caller.http.post(way, json=body).status_code == 404, way
        body = {"data": [], "fn_index": number, "session_hash": caller.session}
        assert caller.http.post("gradio_api/run/predict", json=body).status_code == 404, name


@pytest.mark.parametrize("event", SCHOOL)
def test_the_school_refuses_inside_its_functions(
    guarded: Server, caller: Caller, event: str
) -> None:
    number = caller.number(event)
    data = caller.usual(number)
    for place, kind in enumerate(caller.kinds(number)):
        if kind == "textbox":
            data[place] = str(ROOT / "styles")
    done, words = caller.ask(number, data, event_data={"index": 0, "value": {}})
    assert not done
    assert "Training is off here" in words
    assert not all_files(home_of(guarded) / "runs")


@pytest.mark.parametrize(
    "path",
    [
        "app.py", "../app.py", "smart/weights.py", str(ROOT / "app.py"), str(ROOT / "weights"),
        "/etc/passwd", "/proc/self/environ", "/../../../../etc/passwd", "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd", "%252e%252e%252fetc%252fpasswd", "/etc/passwd%00.png",
        "..\\..\\etc\\passwd", "file:///etc/passwd", "//etc/passwd", "TMP/../../../etc/passwd",
        "TMP/../styles/hokusai/style.toml", "http://127.0.0.1:1/x", "LOG",
    ],
)  # fmt: skip
def test_no_file_of_the_server_is_given(guarded: Server, path: str) -> None:
    home = home_of(guarded)
    path = path.replace("TMP", str(home / "tmp")).replace("LOG", str(guarded.log))
    for way in ("gradio_api/file=", "gradio_api/stream/", "file=", "static/", "gradio_api/proxy="):
        # By a socket: clients tidy such addresses up.
        request = httpx.Request("GET", guarded.url)
        request.url = request.url.copy_with(raw_path=f"/{way}{path}".encode())
        answer = httpx.Client().send(request)
        assert answer.status_code in (400, 403, 404, 405, 422, 500), (way, path)
        assert "root:" not in answer.text
        assert "licence" not in answer.text


def file_events(caller: Caller) -> list[int]:
    """Every event that takes a file."""
    files = {"file", "image", "imageeditor", "gallery"}
    return [n for n in caller.events if files & set(caller.kinds(n))]


def test_a_path_that_nobody_uploaded_is_not_opened(
    guarded: Server, caller: Caller, secret: Path
) -> None:
    before = all_files(home_of(guarded) / "tmp")
    numbers = file_events(caller)
    assert len(numbers) > 10
    for number in numbers:
        for path in (str(secret), "/etc/passwd", str(guarded.log), "README.md"):
            file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.png"}
            done, words = caller.ask(number, caller.with_file(number, file))
            assert not done, (number, path)
            assert "root:" not in words
    new = all_files(home_of(guarded) / "tmp") - before
    content = secret.read_bytes()
    assert not [path for path in new if path.read_bytes() == content]


def test_no_address_is_asked(caller: Caller) -> None:
    listener = Listener(hostile_pictures.pictures()[0])
    try:
        hosts = ["127.0.0.1", "localhost", "2130706433", "[::1]", "0.0.0.0"]
        for index, number in enumerate(file_events(caller)):
            for host in (hosts[index % len(hosts)], hosts[0]):
                address = f"http://{host}:{listener.port}/a.png"
                for file in ({"path": address}, {"path": "a.png", "url": address}):
                    known = {**file, "meta": {"_type": "gradio.FileData"}}
                    done, _ = caller.ask(number, caller.with_file(number, known))
                    assert not done
        assert listener.asked == []
        known = {"path": "https://huggingface.co/a.png", "meta": {"_type": "gradio.FileData"}}
        number = caller.number("paint")
        _, words = caller.ask(number, caller.with_file(number, known))
        assert "not fetched from addresses" in words
    finally:
        listener.stop()


def test_an_upload_that_is_too_large_is_refused(guarded: Server, caller: Caller) -> None:
    before = sum(path.stat().st_size for path in all_files(home_of(guarded) / "tmp"))
    large = {"files": ("a.png", bytes(53_000_000))}
    assert caller.http.post("gradio_api/upload", files=large).status_code == 413
    after = sum(path.stat().st_size for path in all_files(home_of(guarded) / "tmp"))
    assert after - before < 1_000_000


DISGUISED = {
    "page.png": b"<html><script>alert(1)</script></html>",
    "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "program.png": b"MZ\x90\0" + bytes(200), "script.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%EOF",
    "a.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a.html": b"<script>alert(1)</script>", "../../a.png": b"MZ", "a\n\x1b[31m.png": b"MZ",
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISED)
def test_what_is_disguised_as_a_picture_is_told_and_harmless(
    guarded: Server, caller: Caller, name: str
) -> None:
    file = caller.upload(name, DISGUISED[name])
    assert Path(file["path"]).resolve().is_relative_to((home_of(guarded) / "tmp").resolve())
    served = caller.http.get("gradio_api/file=" + urllib.parse.quote(file["path"]))
    kind = served.headers["content-type"].split(";")[0]
    attached = "attachment" in served.headers.get("content-disposition", "")
    assert attached or kind in ("image/png", "image/jpeg"), served.headers
    for event in ("paint", "seat_photo", "propose", "save"):
        number = caller.number(event)
        data = caller.with_file(number, file)
        if event == "save":
            data[2] = "Somebody"
        done, words = caller.ask(number, data)
        assert not done, event
        message = json.loads(words)["error"]
        refuse_bad_words(message or "")
        assert "alert" not in words


def bomb(side: int) -> bytes:
    """A PNG of a few hundred bytes that says it is huge."""
    head = hostile_pictures.header(side, side, 8, 6)
    return hostile_pictures.png(head, (b"IDAT", hostile_pictures._BOMB), (b"IEND", b""))


@pytest.mark.parametrize("event", ["paint", "seat_photo", "called_6"])
def test_a_picture_that_would_fill_the_memory_is_refused(caller: Caller, event: str) -> None:
    number = caller.number(event)
    file = caller.upload("a.png", bomb(60_000))
    started = time.monotonic()
    done, words = caller.ask(number, caller.with_file(number, file))
    assert not done
    assert re.search("megapixels|no SMART settings|exceeds limit", words), words
    assert time.monotonic() - started < 10


TRAVERSAL = ["../../etc", "/etc/passwd", "..\\x", "a\0b", "hokusai/../../x", "user/repo", "%2e%2e"]


@pytest.mark.parametrize("name", TRAVERSAL)
def test_names_are_looked_up_and_never_paths(caller: Caller, name: str) -> None:
    number = caller.number("portrait")
    for place in (1, 9 + 1):  # style, generator
        data = [1, "hokusai", 64, *caller.usual(number)[3:]]
        data[place] = name
        done, words = caller.ask(number, data)
        assert not done
        assert re.search("There is no style|This generator is gone", words), words


def test_bounds_hold_inside_the_functions(caller: Caller) -> None:
    number = caller.number("portrait")
    usual = [1, "hokusai", 64, *caller.usual(number)[3:]]
    for place, value in ((0, -1), (0, 2**40), (2, 10**7), (3, 99), (4, -5), (5, 7), (8, "exec")):
        data = list(usual)
        data[place] = value
        done, words = caller.ask(number, data)
        assert not done
        refuse_bad_words(json.loads(words)["error"])
    faces = caller.number("faces")
    done, words = caller.ask(faces, [0, 10**6, 0.7, 256, "faces"])
    assert (done, "count is 1000000" in words) == (False, True)


def recipe(**sitter: Any) -> dict[str, Any]:
    return {
        "sitter": {"seed": 3, "psi": 0.7, "generator": "faces", **sitter}, "network": "vgg16",
        "styles": [{"slug": "hokusai", "weight": 1.0, "works": {}}], "precision": "float32",
        "painting": PaintingOptions().to_dict(),
    }  # fmt: skip


HARMFUL = {
    "path": recipe(generator="../../etc"), "hub": recipe(generator="user/repo"),
    "address": recipe(generator="http://127.0.0.1/x"), "variety": recipe(psi=1e9),
    "size": recipe() | {"painting": {"size": 10**9}}, "option": recipe() | {"painting": {"x": 1}},
    "network": recipe() | {"network": "/tmp/x"},
}  # fmt: skip


@pytest.mark.parametrize("what", HARMFUL)
def test_settings_in_a_dropped_picture_are_data(caller: Caller, tmp_path: Path, what: str) -> None:
    path = images.save_png(Image.new("RGB", (64, 64)), tmp_path / "a.png", HARMFUL[what])
    number = caller.number("called_6")
    file = caller.upload("a.png", path.read_bytes())
    done, words = caller.ask(number, caller.with_file(number, file))
    assert not done
    refuse_bad_words(json.loads(words)["error"])


def test_a_painter_in_a_picture_is_a_name_and_no_path(caller: Caller, tmp_path: Path) -> None:
    known = recipe() | {"styles": [{"slug": "../../etc", "weight": 1.0, "name": "<b>x"}]}
    path = images.save_png(Image.new("RGB", (64, 64)), tmp_path / "a.png", known)
    number = caller.number("called_6")
    file = caller.upload("a.png", path.read_bytes())
    done, words = caller.ask(number, caller.with_file(number, file))
    # The picture may be seen; nobody paints after it, and its words are shown as words.
    assert done
    assert "<b>x" not in words
    assert "root:" not in words


def test_nobody_writes_a_line_of_the_log(guarded: Server, caller: Caller) -> None:
    text = "x\nCRITICAL forged\r\n\x1b[31mCRITICAL forged"
    for number in [1, 2, 3, caller.number("search")]:
        data = [text if isinstance(one, str | None) else one for one in caller.usual(number)]
        caller.ask(number, data)
    for number in file_events(caller):
        file = {"path": text, "meta": {"_type": "gradio.FileData"}, "orig_name": text}
        caller.ask(number, caller.with_file(number, file))
    caller.http.get("gradio_api/file=" + urllib.parse.quote(text))
    caller.http.get("gradio_api/" + urllib.parse.quote(text))
    assert "forged" in guarded.log.read_text(errors="replace")
    for line in guarded.log.read_text(errors="replace").splitlines():
        assert not line.startswith("CRITICAL"), line
        assert "\x1b" not in line, line


def test_a_flood_is_refused_in_words_and_the_page_still_answers(
    guarded: Server, caller: Caller
) -> None:
    number = caller.number("download")

    def call(index: int) -> tuple[int, str]:
        one = httpx.post(
            guarded.url + "gradio_api/queue/join", timeout=60,
            json={"data": [None], "fn_index": number, "session_hash": f"flood{index}"},
        )  # fmt: skip
        return one.status_code, one.text

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(call, range(200)))
        started = time.monotonic()
        assert httpx.get(guarded.url, timeout=20).status_code == 200
        assert time.monotonic() - started < 5
    assert all("full" in text for code, text in answers if code != 200)
    deadline = time.monotonic() + 30
    while not caller.ask("search", ["a", ""])[0]:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_who_comes_when_the_studio_is_full_is_told(guarded: Server) -> None:
    callers = [Caller(guarded) for _ in range(7)]
    number = callers[0].number("portrait")
    data = [1, "hokusai", 128, *callers[0].usual(number)[3:]]

    def paint(one: Caller) -> str:
        """Why it was refused; nothing for those who are painted or wait, and then go away."""
        one.join(number, data)
        seen = 0
        for message in one.messages():
            seen += message["msg"] == "process_generating"
            if message["msg"] == "process_completed":
                return str(message["output"].get("error") or "")
            if seen == 3:
                break
        return ""

    with ThreadPoolExecutor(7) as pool:
        refused = [words for words in pool.map(paint, callers) if words]
    assert 0 < len(refused) < len(callers)
    assert all("full" in words for words in refused), refused


def test_others_cannot_stop_a_portrait_or_see_it(guarded: Server, caller: Caller) -> None:
    while httpx.get(guarded.url + "health").json()["working"]:  # for those who came before
        time.sleep(0.1)
    number = caller.number("called")
    data = caller.usual(number)
    data[caller.kinds(number).index("textbox")] = "hokusai"
    joined = caller.join(number, data).json()["event_id"]
    other, seen = Caller(guarded), []
    for message in caller.messages():
        seen.append(message["msg"])
        if seen.count("process_generating") == 2:
            other.ask("stop", [])
            # The number of an event is 128 bits of chance; who knows it may cancel it.
            for guess in (joined[:-1] + "0" * (joined[-1] != "0"), other.session, ""):
                body = {"session_hash": other.session, "fn_index": number, "event_id": guess}
                other.http.post("gradio_api/cancel", json=body)
        if seen.count("process_generating") == 5:  # the others had no effect
            caller.ask("stop", [])
    assert seen.count("process_generating") >= 5
    assert "process_completed" in seen
    assert "Choose a portrait" in other.ask("download", [None])[1]
    assert "Nothing hangs here" in other.ask("download_all")[1]
    assert caller.ask("download_all")[0]  # it hangs, on the wall of who painted it


NAUGHTY = "<img src=x onerror='window.broken=1'><script>window.broken=1</script>"


def test_a_painter_whose_name_is_html_runs_nothing(
    guarded: Server, browser: Any, tmp_path: Path
) -> None:
    home = guarded.styles / "aaa"
    home.mkdir()
    try:
        shutil.copy(ROOT / "styles" / "hokusai" / "great-wave.png", home / "a.png")
        keys = ("name", "artist", "year", "licence", "source")
        lines = "\n".join(f"{key} = {json.dumps(NAUGHTY)}" for key in keys)
        work = f'[[work]]\nfile = "a.png"\ntitle = {json.dumps(NAUGHTY)}\n'
        (home / "style.toml").write_text(f"{lines}\n{work}")
        bad = guarded.styles / "<img src=x onerror='window.broken=1'>"
        bad.mkdir()
        page = browser.new_page()
        told = {"painter": f"aaa{NAUGHTY}", "sliders": NAUGHTY, "role": "<b>"}
        query = urllib.parse.urlencode(told)
        page.goto(f"{guarded.url}?{query}")
        page.locator("#sitters img").nth(5).wait_for(timeout=60_000)
        page.locator("#painters button").first.click()
        page.wait_for_timeout(1500)
        assert NAUGHTY[:20] in page.locator("body").inner_text()  # as text it is there
        page.get_by_role("tab", name="Painters", exact=True).click()
        page.wait_for_timeout(2500)
        assert page.evaluate("window.broken") is None
        assert page.locator("img[src=x]").count() == 0
        page.close()
    finally:
        shutil.rmtree(home)
