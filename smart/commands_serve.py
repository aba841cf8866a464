"""`deploy` and `settings`: what the command line does for the owner of a Space or a server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from smart import serving, space
from smart.options import default_of


def deploy(arguments: argparse.Namespace) -> dict[str, Any]:
    made = space.plan(
        arguments.space, arguments.hardware, arguments.private,
        None if arguments.sleep is None else _seconds(arguments.sleep),
        _pairs(arguments.set or [], "--set"), _pairs(arguments.secret or [], "--secret"),
    )  # fmt: skip
    known: dict[str, Any] = {
        "space": made.space, "hardware": made.hardware, "bytes": made.size,
        "files": {path: made.size_of(path) for path in made.files},
    }  # fmt: skip
    if not arguments.dry_run:
        address = space.send(made, arguments.replace)
        words = f"Sent {len(made.files)} files, {made.size / 1e6:.1f} MB. The Space is {address}."
        return {**known, "address": address, "message": words}
    try:
        there = space.files_there(made.space)
        space.refuse_another(made.space, there, arguments.replace)
        gone = space.changes(made, there or [])
        state = "is new" if there is None else f"is there; {len(gone)} files would be deleted"
    except space.UnreachedError:  # what would be sent can be seen without a network, too
        gone, state = [], "could not be asked for what it holds now"
    lines = [
        f"{size:>12,} {'L' if made.is_large(path) else ' '} {path}"
        for path, size in known["files"].items()
    ]
    lines += [f"{'delete':>12}   {path}" for path in gone]
    lines += [f"{'variable':>12}   {key}={value}" for key, value in made.variables.items()]
    lines += [f"{'secret':>12}   {key}" for key in made.secrets]
    lines.append(
        f"{len(made.files)} files, {made.size / 1e6:.1f} MB (L: sent as large files), on "
        f"{made.hardware or 'the hardware there is'}. The Space {made.space} {state}. "
        "Nothing was sent."
    )
    return {**known, "deleted": gone, "message": "\n".join(lines)}


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.markdown:
        return {"message": serving.table().rstrip()}
    now = serving.current().to_dict()
    lines = []
    for name, value in now.items():
        secret = name == "owner" and value
        shown = "(set)" if secret else str(value)
        default = str(default_of(serving.ServingOptions, name))
        mark = "" if str(value) == default else f"   (default {default or 'empty'})"
        lines.append(f"{serving.variable(name):<18} {shown}{mark}")
        now[name] = shown if secret else value
    return {"settings": now, "message": "\n".join(lines)}


def _pairs(given: Sequence[str], flag: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            # Never the value: it may be a secret.
            raise ValueError(f"{flag} {name[:60]!r} is no NAME=VALUE; write {flag} SMART_LOGS=json")
        pairs[name] = value
    return pairs


def _seconds(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"sleep is {text[:60]!r}; write seconds, or -1 for never.") from error
