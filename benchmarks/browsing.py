"""The app in a process of its own and headless Chromium before it, for what is measured there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1"}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
STARTS = 120  # s


@contextmanager
def chromium_page(path: str) -> Iterator[Any]:
    """A page of 1440 x 900 px in a fresh browser whose executable is path."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        finally:
            browser.close()


@contextmanager
def app() -> Iterator[str]:
    """`python app.py` on a free port; the address, as soon as it answers."""
    with served({}) as (url, _):
        yield url


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The same with further variables of the environment; the address and the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT,
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(url)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str) -> None:
    end = time.monotonic() + STARTS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
