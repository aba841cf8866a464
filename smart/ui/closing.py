"""The end of the app: asked to stop, it finishes what it can and leaves nothing half done."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

import gradio as gr

from smart import serving
from smart.ui import jobs
from smart.ui.logs import event

DELIVERY = 1.5  # s, in which a page gets the portrait that was stopped


class Ending:
    """Waits for the signal to stop, and ends the app then; a second signal ends it at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def listen(self) -> None:
        """Hear SIGTERM and Ctrl-C from now on; only the main thread may say so."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def _heard(self, number: int, _: Any) -> None:
        if self._asked.is_set():
            os._exit(128 + number)  # gradio's threads would outlive an exit
        self._asked.set()

    def wait(self, demo: gr.Blocks) -> None:
        """Serve until asked to stop; then stop as Stop does, and give the pages their pictures."""
        # A wait without an end would hear no signal on Windows.
        while not self._asked.wait(0.5):
            if not demo.is_running:
                return
        finish(demo, serving.current().grace)
        # Python's own end would take the networks from under a thread that still computes (the
        # workshop's, or the one that warms up), and crash.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(0)


def finish(demo: gr.Blocks, grace: float) -> None:
    """Take nothing on, end what runs within grace seconds, close the page."""
    under_way = jobs.workshop.length
    event("closing", under_way=under_way, grace=grace)
    began = time.monotonic()
    jobs.stop_all()
    while jobs.workshop.length and time.monotonic() - began < grace:
        time.sleep(0.05)
    if under_way:
        time.sleep(min(DELIVERY, max(0.0, grace - (time.monotonic() - began))))
    if jobs.workshop.length:
        event("left unfinished", logging.WARNING, count=jobs.workshop.length)
    demo.close(verbose=False)
    event("closed", seconds=round(time.monotonic() - began, 1))
