"""What the Exhibition tab does: the painters to tick, hanging, one portrait seen large."""

from __future__ import annotations

import dataclasses
import html
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from smart import exhibition as exhibitions
from smart import exhibition_sheet, images
from smart.exhibition import MOST, REFINING, Exhibition
from smart.options import PaintingOptions, SamplingOptions, following
from smart.progress import Cancelled, Progress
from smart.ui import handlers
from smart.ui.clock import Remaining, in_line
from smart.ui.exhibition_wall import QUALITY, Hung, collect, wall
from smart.ui.handlers import choice, status
from smart.ui.jobs import Job
from smart.ui.sitting import checked, desk, sampled

LOOK = 0.5  # s between two looks at the wall
TICKED = 4  # painters at first
TITLE = "Exhibition"
INVITATION = "Press Hang, or choose other sitters and painters first."
EMPTY = '<div class="wall-frame wall-empty"><p>The wall is still empty.</p></div>'
REFINED_HANG = "{count} portraits hang, {finer} of them refined."
LEFT_THE_LINE = "You left the line. Press Hang whenever you like."
AGAIN = "This portrait is gone; hang the exhibition again."

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Parts:
    """The components that change while an exhibition is hung."""

    wall: gr.HTML
    status: gr.HTML
    hung: gr.State
    hang: gr.Button
    stop: gr.Button
    sheet: gr.DownloadButton
    archive: gr.DownloadButton
    large: gr.Image
    words: gr.HTML
    download: gr.DownloadButton

    def all(self) -> list[Any]:
        return [getattr(self, one.name) for one in dataclasses.fields(self)]


def painters(ticked: list[str] | None, request: gr.Request) -> list[Any]:
    """All painters to tick, those ticked before kept, and the rules that show their works."""
    found = handlers.painters(request.session_hash)
    names = [style.slug for style in found]
    kept = [slug for slug in ticked or [] if slug in names] or names[:TICKED]
    rules = []
    for index, (picture, _) in enumerate(handlers.painter_tiles(found)):
        data = images.data_uri(images.square(picture, 120), quality=QUALITY)
        rules.append(
            f"#exhibition-painters label:nth-of-type({index + 1})::before"
            f"{{background-image:url({data}) !important}}"
        )
    choices = [(style.name, style.slug) for style in found]
    return [gr.CheckboxGroup(choices, value=kept), f"<style>{''.join(rules)}</style>"]


def sitters_from(first: float | None, count: float) -> tuple[SamplingOptions, ...]:
    """So many sitters from a seed on."""
    if first is None:
        raise gr.Error(
            "The seed is empty; type a whole number.", title=TITLE, print_exception=False
        )
    start = sampled(seed=first)
    try:
        many = int(count)
    except (TypeError, ValueError, OverflowError):
        many = 0
    if not 1 <= many <= MOST:
        raise gr.Error(f"Choose from 1 to {MOST} sitters.", title=TITLE, print_exception=False)
    return tuple(following(start, index) for index in range(many))


def six_sitters(tiles: Any) -> tuple[SamplingOptions, ...]:
    """Those who sit in the Studio, with all they are asked for; the same one only once."""
    if not tiles:
        raise gr.Error(
            "The Studio shows no sitters yet; open it first.", title=TITLE, print_exception=False
        )
    return tuple(dict.fromkeys(sampled(**tile) for tile in tiles[:MOST]))


def ordered(
    samplings: tuple[SamplingOptions, ...], slugs: Any, size: float, session: str | None
) -> Exhibition:
    """The exhibition that is asked for, or what is wrong with it as the page says it."""
    if not isinstance(slugs, list) or not slugs:
        raise gr.Error("Tick at least one painter.", title=TITLE, print_exception=False)
    if len(slugs) > MOST:
        raise gr.Error(
            f"{len(slugs)} painters are ticked; an exhibition has room for {MOST}.",
            title=TITLE, print_exception=False,
        )  # fmt: skip
    chosen = tuple(choice(str(slug), session) for slug in slugs)
    try:
        return Exhibition(samplings, chosen, checked(PaintingOptions, size=size))
    except ValueError as error:
        raise gr.Error(str(error), title=TITLE, print_exception=False) from error


def hang(parts: Parts, request: gr.Request, shown: Exhibition, refine: bool) -> Iterator[Updates]:
    """Hang it, and show the wall as it fills; what hangs is kept whenever it is stopped."""
    session = request.session_hash or ""
    job: Job[bool] = Job(lambda report: shown.hang(report, refine), "exhibition")
    # In the page's own folder of files, under a name that no one can guess.
    folder = Path(parts.wall.GRADIO_CACHE) / f"exhibition-{secrets.token_hex(16)}"
    hung = Hung(shown, folder, parts.wall.temp_files)
    desk.put(session, job)
    try:
        reports = job.watch(LOOK)  # first: there may be no place in the line
        hung.folder.mkdir(parents=True)
        yield {
            parts.wall: wall(hung), parts.status: status("Mixing the colours.", 0.0),
            parts.hung: hung, parts.hang: gr.Button(visible=False),
            parts.stop: gr.Button("Stop", visible=True, interactive=True),
            **dict.fromkeys([parts.sheet, parts.archive], gr.DownloadButton(visible=False)),
            **_nothing_large(parts),
        }  # fmt: skip
        pace = Pace()
        for progress in reports:
            collect(hung)
            yield {
                parts.wall: wall(hung, progress),
                parts.status: status(*pace.words(hung, progress)),
            }  # fmt: skip
        stopped = job.result()
        collect(hung)
        seconds = time.monotonic() - job.started
    except Cancelled:
        stopped, seconds = True, 0.0
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title=TITLE, print_exception=False) from error
    finally:
        job.stop()
        desk.remove(session, job)
    yield from _opened(parts, hung, stopped, seconds)


def _opened(parts: Parts, hung: Hung, stopped: bool, seconds: float) -> Iterator[Updates]:
    buttons = {parts.hang: gr.Button(visible=True), parts.stop: gr.Button(visible=False)}
    if not hung.files:
        yield {**buttons, parts.wall: EMPTY, parts.status: status(LEFT_THE_LINE)}
        return
    finer = sum(exhibitions.refined(portrait) for portrait in hung.known.values())
    words = how_it_ended(len(hung.files), finer, stopped, seconds)
    # What hangs can be seen and taken at once; the sheet takes a moment.
    yield {
        **buttons, parts.wall: wall(hung),
        parts.status: status(words, right="Printing the sheet ..."),
    }  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="smart-") as folder:
            sheet, archive = Path(folder) / "exhibition.png", Path(folder) / "exhibition.zip"
            exhibition_sheet.save(hung.shown, sheet)
            names = {exhibitions.file_name(hung.shown, p): f for p, f in hung.files.items()}
            exhibitions.pack(names, archive)
            hung.shown.cells.clear()  # the files hold them; 64 would fill a session's memory
            hung.known.clear()
            yield {
                parts.sheet: gr.DownloadButton(value=str(sheet), visible=True),
                parts.archive: gr.DownloadButton(value=str(archive), visible=True),
                parts.status: status(words),
            }  # fmt: skip
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title=TITLE, print_exception=False) from error


def how_it_ended(count: int, finer: int, stopped: bool, seconds: float) -> str:
    """How many portraits hang, finer of them refined, as whole sentences to be translated."""
    if finer:
        words = "One portrait hangs, refined." if count == 1 else REFINED_HANG
    else:
        words = "One sketch hangs." if count == 1 else "{count} sketches hang."
    end = "Stopped after {seconds} s; what hangs is kept." if stopped else "It took {seconds} s."
    return f"{words} {end}".format(count=count, finer=finer, seconds=round(seconds))


def _nothing_large(parts: Parts) -> Updates:
    return {
        parts.large: gr.Image(None, visible=False), parts.words: "",
        parts.download: gr.DownloadButton(visible=False),
    }  # fmt: skip


def look(hung: Hung | None, event: gr.EventData) -> list[Any]:
    """The portrait that was clicked, large, and for download. The place is anyone's to say."""
    row, column = (getattr(event, name, None) for name in ("row", "column"))
    place = (row, column)
    if hung is None or type(row) is not int or type(column) is not int or place not in hung.files:
        raise gr.Error(AGAIN, title=TITLE, print_exception=False)
    path = hung.files[place]
    if not path.is_file():  # the page forgets files after an hour
        raise gr.Error(AGAIN, title=TITLE, print_exception=False)
    size = hung.shown.painting.size
    words = f"{hung.words(place)}, {hung.stages[place]}. {size} x {size} px."
    return [
        gr.Image(str(path), visible=True),
        f'<p role="status">{html.escape(words)}</p>',
        gr.DownloadButton(value=str(path), visible=True),
    ]


class Pace:
    """Time left in words, from the work of the same stage: a sketch says nothing of refining."""

    def __init__(self) -> None:
        self.remaining = Remaining()

    def words(self, hung: Hung, progress: Progress) -> tuple[str, float, str]:
        """What is being done, the share of this stage that is done (0..1), and the time left."""
        if waits := in_line(progress):
            return waits
        done = progress.fraction or 0.0
        seconds = self.remaining.seconds(done, progress.stage)
        left = "" if seconds is None else minutes(seconds)
        verb = "Refining" if progress.stage == REFINING else "Sketching"
        place = hung.shown.now
        who = f": {hung.words(place)}" if place else ""
        return f"{verb} {progress.step} of {progress.total}{who}", done, left


def minutes(seconds: float) -> str:
    """A time left as people say it."""
    if seconds < 1:
        return "nearly done"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"
