"""How the page's events run: who waits for whom, what strangers see of them, values by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from smart.ui.panels import Studio

# More than may wait: who is served next, and who has to come back later, is the workshop's to say.
# A smaller limit anywhere would bring gradio's own queue back for all of them.
MOST_EVENTS = 250  # at once; SMART_WAITING is at most 200
IN_LINE: dict[str, Any] = {"concurrency_id": "painter", "concurrency_limit": MOST_EVENTS}
BETWEEN: dict[str, Any] = {"concurrency_id": "sitters", "concurrency_limit": 2}  # done at once
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
LONG: dict[str, Any] = {**IN_LINE, **PRIVATE}
QUICK: dict[str, Any] = {**BETWEEN, **PRIVATE}

Work = Callable[["Studio", gr.Request, dict[str, Any]], Any]


def by_name(studio: Studio, named: Mapping[str, Any], work: Work) -> Callable[..., Any]:
    """work(studio, request, values by name) as gradio calls it, a generator or not.

    named gives the component of each value; its values, as a set, are the event's inputs.
    """

    def called(values: dict[Any, Any], request: gr.Request) -> Iterator[Any]:
        updates = work(studio, request, {name: values[part] for name, part in named.items()})
        if isinstance(updates, dict):
            yield updates
        else:
            yield from updates

    return called
