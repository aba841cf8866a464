"""The walk through the six sitters, at the easel: it grows there, and Stop keeps what is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from smart import movie
from smart import walk as walks
from smart.progress import Cancelled
from smart.ui.handlers import choice, status
from smart.ui.jobs import Job
from smart.ui.painting import easel_at_work, left_the_line
from smart.ui.sitting import EASEL, desk, face, sampled

if TYPE_CHECKING:
    from smart.ui.panels import Studio


def walk(studio: Studio, request: gr.Request, values: dict[str, Any]) -> Iterator[dict[Any, Any]]:
    """A film from each of the six to the next and back to the first."""
    samplings = [sampled(**tile) for tile in values["tiles"] or []]
    choices = (choice(values["painter"], request.session_hash),) if values["walk_painted"] else ()
    moving = movie.can_write_mp4()
    session = request.session_hash or ""
    # The page takes its own copy, which it deletes after a while; ours goes at once.
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        target = Path(folder) / f"walk.{'mp4' if moving else 'webp'}"
        job: Job[bool] = Job(
            lambda report: walks.film(samplings, target, report, choices, size=EASEL), "walk"
        )
        desk.put(session, job)
        try:
            shown = face(samplings[0], EASEL) if samplings else None
            if shown is not None:
                yield from easel_at_work(studio, job, shown, "The first step.")
            stopped = job.result() if shown is not None else False
        except ValueError as error:
            raise gr.Error(str(error), title="Walk", print_exception=False) from error
        except Cancelled:
            yield left_the_line(studio)
            return
        finally:
            desk.remove(session, job)
        words = "The walk as far as it came" if stopped else "The walk, round and round"
        yield {
            studio.film: gr.Video(str(target) if moving else None, visible=moving),
            studio.film_picture: gr.Image(None if moving else str(target), visible=not moving),
            studio.easel: gr.Image(shown, visible=False),
            studio.status: status(f"{words}: {len(samplings)} sitters."),
            studio.paint: gr.Button(visible=True),
            studio.stop: gr.Button(visible=False),
        }
