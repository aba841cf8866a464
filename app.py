"""Launches SMART: `python app.py --help`. A Space finds `demo` here."""

from __future__ import annotations

import dataclasses

from smart.threads import prepare
from smart.ui.flags import read_flags

flags = read_flags() if __name__ == "__main__" else None
prepare()

from smart.ui import home  # noqa: E402
from smart.ui.app import build, launch  # noqa: E402 - takes seconds, and loads torch

if flags is not None:
    home.opened(flags.host, flags.share, flags.root_path)  # what is open to whom is built in
demo = build()

if flags is not None:
    launch(demo, **dataclasses.asdict(flags))
