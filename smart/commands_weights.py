"""`weights list | pull | push | verify`: what lies here, and the way to the Hub and back."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

from smart.terminal import Bar


def add_flags(weights: argparse.ArgumentParser) -> None:
    """What `weights` takes."""
    weights.add_argument(
        "action", nargs="?", choices=("list", "pull", "push", "verify"), default="list"
    )
    weights.add_argument(
        "name", nargs="?", help="pull: vgg19, or user/repo (with @revision); push, verify: what "
        "`list` calls it; push also takes a folder",
    )  # fmt: skip
    weights.add_argument("--to", metavar="USER/REPO", help="push: the model repository")
    weights.add_argument("--private", action="store_true", help="push: a new one is private")
    weights.add_argument("--dry-run", action="store_true", help="push: only show what would go")
    weights.add_argument(
        "--lock", action="store_true", help="verify: write lock.json anew for what lies there"
    )


def handle(arguments: argparse.Namespace) -> dict[str, Any]:
    """One of the actions; the others' flags are refused rather than ignored."""
    given = {"--to": arguments.to, "--private": arguments.private, "--dry-run": arguments.dry_run}
    wrong = [flag for flag, value in given.items() if value and arguments.action != "push"]
    if arguments.lock and arguments.action != "verify":
        wrong.append("--lock")
    if wrong:
        raise ValueError(f"{wrong[0]} says nothing to `weights {arguments.action}`; leave it out.")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are not our words
    actions = {"list": _list, "pull": _pull, "push": _push, "verify": _verify}
    return actions[arguments.action](arguments)


def _list(_: argparse.Namespace) -> dict[str, Any]:
    from smart import weights

    rows = weights.listing()
    lines = [
        f"{row.name:<20} {row.megabytes:6.1f} MB  {row.architecture:<18} "
        + (row.problem or row.licence)
        for row in rows
    ]
    found = [
        {
            "name": row.name,
            "architecture": row.architecture,
            "megabytes": round(row.megabytes, 1),
            "licence": row.licence,
            "problem": row.problem,
        }
        for row in rows
    ]
    return {"weights": found, "message": "\n".join(lines)}


def _pull(arguments: argparse.Namespace) -> dict[str, Any]:
    from smart import hub_models, vgg19, weights

    name = arguments.name or "vgg19"
    if name == "vgg19":
        with Bar(arguments) as on_progress:
            folder = vgg19.pull(on_progress)
        message = f"VGG-19 lies in {folder}; it paints from now on."
        return {"name": name, "folder": str(folder), "message": message}
    if hub_models.parsed(name) is None:
        here = weights.local(name)
        remedy = f"it lies in {here} already" if here else "name a model on the Hub as user/repo"
        raise ValueError(f"{name[:80]!r} cannot be pulled; {remedy}, or pull vgg19.")
    with Bar(arguments) as on_progress:
        folder = hub_models.fetch(name, on_progress)
    message = f"{name} lies in {folder}; `--generator {name}` takes it."
    return {"name": name, "folder": str(folder), "message": message}


def _push(arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.name or not arguments.to:
        raise ValueError("push needs weights and a repository: `weights push NAME --to user/repo`.")
    from smart import hub_push

    parcel = hub_push.pack(arguments.name, arguments.to)
    sizes = parcel.sizes()
    lines = [f"  {size / 1e6:8.2f} MB  {name}" for name, size in sizes.items()]
    who = "only those you let in" if arguments.private else "everyone"
    told = {"repository": parcel.repository, "files": sizes, "private": arguments.private}
    if arguments.dry_run:
        card = parcel.files["README.md"]
        text = card.decode() if isinstance(card, bytes) else card.read_text(encoding="utf-8")
        message = f"Would send to {parcel.repository}, to be seen by {who}:\n"
        return {**told, "card": text, "message": message + "\n".join(lines) + f"\n\n{text}"}
    address = hub_push.push(parcel, arguments.private, sys.stderr.isatty() and not arguments.json)
    message = f"Sent to {parcel.repository} ({address}), to be seen by {who}:\n" + "\n".join(lines)
    return {**told, "commit": address, "message": message}


def _verify(arguments: argparse.Namespace) -> dict[str, Any]:
    from smart import folders, verifying, weights

    rows = [row for row in weights.listing() if row.folder and arguments.name in (None, row.name)]
    places = [(row.name, row.folder) for row in rows if row.folder]
    if not places and arguments.name == "vgg19":  # damaged it counts as not there
        places = [("vgg19", weights.pulled_folder("vgg19"))]
    elif not places:
        name = arguments.name or "faces"
        places = [(name, weights.find(name))]
    found: list[dict[str, Any]] = []
    for name, folder in places:
        if arguments.lock:
            mine = folder == weights.pulled_folder("vgg19")  # as pull left it
            folders.write_lock(folder, folders.source_of(folder), here_only=mine)
        vgg19 = name == "vgg19"
        wrong = verifying.vgg19_problems(folder / folders.MODEL) if vgg19 else []
        wrong = wrong if vgg19 else verifying.problems(folder)
        locked = verifying.is_locked(folder)
        found.append({"name": name, "folder": str(folder), "locked": locked, "problems": wrong})
    if bad := [f"{one['name']}: {', '.join(one['problems'])}" for one in found if one["problems"]]:
        raise ValueError(f"{len(bad)} of {len(found)} damaged. {'; '.join(bad)}.")
    lines = [
        f"{one['name']:<22} sound" + ("" if one["locked"] else " as far as one sees: no lock.json")
        for one in found
    ]
    return {"weights": found, "message": "\n".join(lines)}
