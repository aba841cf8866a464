"""What an owner sees of the running app: `/health` for programs, `/owner` for people.

Neither holds anything of anyone's pictures. `/health` answers everyone; `/owner` asks for the
password SMART_OWNER, and without one is there only on one's own machine.
"""

from __future__ import annotations

import base64
import binascii
import html
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import smart
from smart import serving, weights
from smart.device import best_device
from smart.threads import cores, memory_limit
from smart.ui import home, janitor
from smart.ui.jobs import workshop
from smart.ui.ledger import ENDINGS, ledger

NAME = "owner"
REALM = {"WWW-Authenticate": 'Basic realm="SMART", charset="UTF-8"'}
FORWARDED = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"}  # by a proxy
FRESH = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
FILES_COUNTED = 20_000  # temporary files looked at, at most
STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color-scheme:light dark}table{border-collapse:collapse;width:100%;margin:0 0 2rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}h1{font-size:1.6rem}
.wide{overflow-x:auto}.bad{color:#c0392b;font-weight:600}"""

problems: dict[str, str] = {}  # what the app found damaged when it started, by what it is


def routes() -> list[Route]:
    """Both pages, to be put before those of gradio."""
    return [Route("/health", health), Route("/owner", owner)]


def state() -> dict[str, Any]:
    """How the app is: status is "ok", "damaged" or "closing"; the rest says why."""
    status = "closing" if workshop.closed else "damaged" if problems else "ok"
    return {
        "status": status,
        "version": smart.__version__,
        "uptime_seconds": round(time.time() - ledger.since),
        "working": workshop.length > 0,
        "waiting": max(0, workshop.length - 1),
        "room": max(0, serving.current().waiting + 1 - workshop.length),
        "problems": list(problems),
    }


async def health(_: Request) -> Response:
    """200 where the app serves, 503 where it ends or cannot paint."""
    known = state()
    return JSONResponse(known, 200 if known["status"] == "ok" else 503, headers=FRESH)


async def owner(request: Request) -> Response:
    """Timings, line, memory and disk as a page; 404 for strangers where there is no password."""
    password = serving.current().owner
    if password:
        if not _knows(request.headers.get("authorization", ""), password):
            return PlainTextResponse("Sign in as owner.", 401, headers={**REALM, **FRESH})
    elif not home.own_machine() or FORWARDED & set(request.headers):
        return PlainTextResponse("Not found", 404)
    return HTMLResponse(await run_in_threadpool(page), headers=FRESH)


def _knows(header: str, password: str) -> bool:
    kind, _, coded = header.partition(" ")
    try:
        name, _, given = base64.b64decode(coded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return False
    # As bytes, and always both: how long it takes must not tell how much of it was right.
    right = secrets.compare_digest(given.encode(), password.encode())
    return kind.lower() == "basic" and secrets.compare_digest(name.encode(), NAME.encode()) & right


def page() -> str:
    """The owner's page as HTML."""
    known = state()
    bad = "".join(f'<p class="bad">{html.escape(one)}</p>' for one in problems.values())
    now = [(name, known[name]) for name in ("status", "version", "waiting", "room")]
    now += [("working", "yes" if known["working"] else "no"), *_machine()]
    rows = [
        (r.stage, r.times, *(f"{x:.2f}" for x in (r.median, r.p95, r.longest)))
        for r in ledger.rows()
    ]
    endings = [
        (kind, *(counts.get(one, 0) for one in ENDINGS))
        for kind, counts in ledger.endings().items()
    ]
    latest = [
        (time.strftime("%d %b %H:%M:%S", time.localtime(d.at)), d.kind, d.ending,
         f"{d.waited:.1f}", f"{d.seconds:.1f}")
        for d in ledger.latest()
    ]  # fmt: skip
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>SMART, for its owner</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" '
        f'content="10"><style>{STYLE}</style><h1>SMART, for its owner</h1>{bad}'
        + _table("Now", ("", ""), now)
        + _table("How work ended", ("kind", *ENDINGS), endings)
        + _table("Seconds", ("stage", "times", "median", "95 %", "longest"), rows)
        + _table("Latest", ("when", "kind", "ending", "waited, s", "took, s"), latest)
        + "</html>"
    )


def _machine() -> Iterable[tuple[str, str]]:
    limit = memory_limit()
    temporary = janitor.files_folder()
    minutes = (time.time() - ledger.since) / 60
    yield "open for", f"{minutes:.0f} min"
    yield "device", f"{best_device()}, {cores()} cores"
    yield "feature network", "VGG-19" if weights.vgg19_file() else "VGG-16"
    if held := memory():
        yield "memory", _megabytes(held) + (f" of {_megabytes(limit)}" if limit else "")
    yield "pages' files", f"{_files(temporary)} of {serving.current().files} MB"
    for name, folder in (("temporary files", temporary), ("portraits", _portraits())):
        yield f"disk free for {name}", _free(folder)


def _portraits() -> Path:
    from smart.wall import portraits_folder

    return portraits_folder()


def memory() -> int | None:
    """Bytes of memory this process holds now; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _files(folder: Path) -> str:
    count, size = 0, 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:  # deleted meanwhile
            continue
        count += 1
        if count >= FILES_COUNTED:
            return f"more than {count}"
    return _megabytes(size)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB"


def _free(folder: Path) -> str:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return f"{shutil.disk_usage(folder).free / 2**30:.1f} GB"
    except OSError as error:
        return f"unknown ({error.strerror})"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def cells(tag: str, row: Sequence[Any]) -> str:
        return "".join(
            f"<{tag}{' class=n' if _is_number(row, place) else ''}>{html.escape(str(one))}</{tag}>"
            for place, one in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    if not body:
        return f"<h2>{title}</h2><p>Nothing yet.</p>"
    top = f"<tr>{cells('th', head)}</tr>" if any(head) else ""
    return f'<h2>{title}</h2><div class="wide"><table>{top}{body}</table></div>'


def _is_number(row: Sequence[Any], place: int) -> bool:
    return place > 0 and str(row[place]).replace(".", "", 1).isdigit()
