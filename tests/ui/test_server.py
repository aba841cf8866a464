"""The running app as programs see it, through gradio_client."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from smart import images, pipeline, sitters
from smart.options import SamplingOptions
from smart.ui.flags import Flags, read_flags
from tests.conftest import ROOT, Server


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_styles(client: Client) -> None:
    listed = client.predict(api_name="/styles")
    assert {"hokusai", "van-gogh"} <= {style["slug"] for style in listed}


def test_a_face_is_that_of_the_command_line(client: Client) -> None:
    path = client.predict(3, 0.7, 256, api_name="/face")
    expected = images.to_pil(sitters.face(SamplingOptions(seed=3), 256))
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(expected))


def test_a_face_that_was_asked_for_something(client: Client) -> None:
    path = client.predict(
        seed=3, size=256, sliders="turn=0.5,smile=-1", relative=2, colors_from=9, api_name="/face"
    )
    asked = images.read_provenance(path)["faces"]
    assert (asked["sliders"], asked["relative"], asked["colors_from"]) == (
        "smile=-1.0,turn=0.5", 2, 9,
    )  # fmt: skip
    with pytest.raises(AppError, match="no slider 'wings'"):
        client.predict(seed=3, sliders="wings=1", api_name="/face")


def test_a_portrait_carries_its_settings(client: Client) -> None:
    path = client.predict(
        seed=7, style="hokusai/great-wave", size=64, psi=0.6, content_weight=0.1, strength=0.9,
        colors="sitter", ground="renoir", api_name="/portrait",
    )  # fmt: skip
    assert Image.open(path).size == (64, 64)
    recipe = pipeline.like(path)
    assert recipe.sampling == SamplingOptions(seed=7, psi=0.6)
    assert recipe.painting.content_weight == 0.1
    assert (recipe.painting.strength, recipe.painting.colors) == (0.9, "sitter")
    assert recipe.ground[0].slug == "renoir"
    assert recipe.choices[0].slug == "hokusai/great-wave"


@pytest.mark.parametrize(
    ("arguments", "endpoint", "message"),
    [
        ((-1, 0.7, 256), "/face", "seed is -1"),
        ((1, 0.7, 300), "/face", "300 px; choose from 256, 512, 1024"),
        ((1, "hokusia", 64, 0.7, 0.1), "/portrait", "did you mean hokusai"),
        ((1, "../../etc", 64, 0.7, 0.1), "/portrait", "no style"),
        ((1, "hokusai", 10**6, 0.7, 0.1), "/portrait", "size is 1000000"),
        ((1, "hokusai", 64, 9, 0.1), "/portrait", "psi is 9"),
    ],
)
def test_bad_input_is_one_sentence(
    client: Client, arguments: tuple[object, ...], endpoint: str, message: str
) -> None:
    with pytest.raises(AppError, match=message):
        client.predict(*arguments, api_name=endpoint)


def test_the_page_asks_no_one_else_and_gives_no_files(server: Server) -> None:
    page = urllib.request.urlopen(server.url).read().decode()
    assert "fonts.googleapis" not in page
    for path in ("app.py", "../app.py", str(ROOT / "app.py"), str(ROOT / "requirements.txt")):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{server.url}gradio_api/file={path}")


def test_a_painter_dropped_in_is_there_at_once(server: Server, client: Client) -> None:
    picture = server.styles / "dropped in.png"
    Image.effect_noise((64, 64), 80).convert("RGB").save(picture)
    try:
        assert "dropped-in" in {style["slug"] for style in client.predict(api_name="/styles")}
    finally:
        picture.unlink()


def test_a_password(server: Server, tmp_path: Path) -> None:
    locked = Server(server.styles, tmp_path / "log.txt", "--auth", "visitor:secret")
    try:
        with pytest.raises(Exception, match="401|[Aa]uth|[Ll]ogin|credentials"):
            Client(locked.url, verbose=False)
        inside = Client(locked.url, auth=("visitor", "secret"), verbose=False)
        assert inside.predict(api_name="/styles")
    finally:
        locked.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--auth", "nobody"], "--auth takes NAME:PASSWORD"),
        (["--auth", ":x"], "--auth takes NAME:PASSWORD"),
        (["--port", "99999"], "--port is 99999; it must be a whole number from 1 to 65535."),
        (["--port", "many"], "invalid int value: 'many'"),
        (["--port", "TAKEN"], "cannot be used (Address already in use); choose another"),
    ],
)
def test_flags_that_are_wrong(arguments: list[str], message: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = [port if argument == "TAKEN" else argument for argument in arguments]
        done = subprocess.run(
            # -X importtime names every module that is imported.
            [sys.executable, "-X", "importtime", "app.py", *arguments, "--host", "127.0.0.1"],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not re.search(r"\| +(torch|gradio)$", done.stderr, re.MULTILINE)  # it answers at once


def test_right_flags_are_passed_on() -> None:
    given = ["--host", "127.0.0.1", "--share", "--auth", "me:a:b"]
    assert read_flags(given) == Flags("127.0.0.1", None, True, ("me", "a:b"))
    assert read_flags([]) == Flags(None, None, False, None)


def test_a_share_link_asks_for_a_password_unless_told_otherwise() -> None:
    made = read_flags(["--share"])
    assert made.auth is not None
    assert (made.auth[0], made.new_password) == ("visitor", True)
    assert len(made.auth[1]) >= 12
    assert made.auth != read_flags(["--share"]).auth
    assert read_flags(["--share", "--no-auth"]).auth is None
    with pytest.raises(SystemExit):
        read_flags(["--no-auth", "--auth", "a:b"])
