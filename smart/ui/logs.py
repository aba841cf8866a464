"""Logs: one line for each event, as text or as JSON, without anyone's pictures or words.

What comes from outside can stand in a message only escaped: no text begins a line of its own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from typing import Any

from smart import serving

LOGGER = "smart"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FIELDS = "smart_fields"


def event(name: str, level: int = logging.INFO, **fields: str | float | bool) -> None:
    """Log that something happened, with numbers and short words about it."""
    logging.getLogger(LOGGER).log(level, name, extra={_FIELDS: fields})


def start() -> None:
    """Write the logs of SMART, and warnings of everyone, to stderr in the form asked for."""
    wanted = serving.current().logs
    as_json = wanted == "json" or (wanted == "auto" and bool(os.environ.get("SPACE_ID")))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.getLogger(LOGGER).setLevel(logging.INFO)


class Lines(logging.Formatter):
    """Every record is one line; line breaks and control characters in it are escaped."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + "Z"
        fields: dict[str, Any] = getattr(record, _FIELDS, {})
        known = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.name != LOGGER:
            known["logger"] = record.name
        if record.exc_info:
            known["traceback"] = self.formatException(record.exc_info)
        if self.as_json:
            return json.dumps(known | fields)
        words = [when, record.levelname.lower(), known["event"]]
        words += [f"{name}={value}" for name, value in fields.items()]
        if "traceback" in known:
            words.append(known["traceback"])
        return _CONTROL.sub(lambda found: repr(found.group())[1:-1], " ".join(words))
