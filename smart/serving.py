"""How an owner sets SMART up: every environment variable, with default, bounds and words, once.

`docs/server.md` and the checks derive from ServingOptions. A variable is the option's name in
capitals behind SMART_. No torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from smart.declaring import Options, default_of, option, options_of

PREFIX = "SMART_"
# Variables of ours that set up no app: what only tests, benchmarks and containers use.
OTHERS = ("SMART_TEST_", "SMART_SCREENSHOTS", "SMART_WHEELS", "SMART_SHARED")


@dataclass(frozen=True)
class ServingOptions(Options):
    """Where SMART computes, what it keeps where, whom it serves and how far."""

    device: str = option(
        "", "where it computes: cpu, cuda or mps; empty takes the fastest there is", "Device"
    )
    precision: str = option(
        "auto", "numbers of the feature network; auto takes bfloat16 where the processor has "
        "matrix units for it", "Precision", choices=("auto", "float32", "bfloat16"),
    )  # fmt: skip
    threads: int = option(
        0, "threads that compute; 0 is as many as there are cores, or as the container may use",
        "Threads", low=0, high=256,
    )  # fmt: skip
    styles: str = option("", "folder of the painters; empty is `styles/`", "Styles")
    weights: str = option("", "folder of the weights; empty is `weights/`", "Weights")
    runs: str = option("", "folder of the trainings; empty is `runs/`", "Runs")
    portraits: str = option(
        "", "folder of the wall on one's own machine; empty is `portraits/`", "Portraits"
    )
    cache: str = option(
        "", "folder of images made ready for training; empty is `smart/` in the user's cache",
        "Cache",
    )  # fmt: skip
    public: str = option(
        "auto", "whether strangers come, to whom portraits, painters and folders of this machine "
        "are closed; auto says so of a Space, a share link and a root path. Turn it on behind any "
        "other reverse proxy", "Public", choices=("auto", "on", "off"),
    )  # fmt: skip
    training: str = option(
        "auto", "whether the School is open; auto closes it on a Space and behind a share link",
        "Training", choices=("auto", "on", "off"),
    )  # fmt: skip
    fetch: str = option(
        "auto", "whether VGG-19 may be fetched from the page: auto allows it on one's own machine, "
        "where it waits to be asked, and on a Space, where it begins by itself",
        "Fetch", choices=("auto", "on", "off"),
    )  # fmt: skip
    vgg19_revision: str = option(
        "", "branch, tag or commit of timm/vgg19.tv_in1k that VGG-19 comes from; empty is main",
        "Revision",
    )  # fmt: skip
    largest: int = option(
        0, "longer side of the largest portrait in px; 0 is 4961, or 1024 on a Space and behind a "
        "share link (2048 there with a GPU)", "Largest", low=0, high=4961,
    )  # fmt: skip
    waiting: int = option(
        20, "how many pieces of long work may wait; who comes then is told to come back later",
        "Waiting", low=1, high=200,
    )  # fmt: skip
    upload: int = option(50, "largest upload", "Upload", low=1, high=10_000, unit="MB")
    files: int = option(
        4000, "what uploads and pictures of all pages may take on the disk; beyond that those go "
        "that are oldest, and older than three minutes", "Files", low=100, high=1_000_000,
        unit="MB",
    )  # fmt: skip
    root_path: str = option(
        "", "path under which a reverse proxy shows the page, such as /smart", "Root path"
    )
    grace: float = option(
        10.0, "seconds in which work may end when the app is told to stop; the portrait under way "
        "is kept as it stands", "Grace", low=0.0, high=600.0, unit="s",
    )  # fmt: skip
    logs: str = option(
        "auto", "one line of text or of JSON for each event; auto is JSON on a Space",
        "Logs", choices=("auto", "text", "json"),
    )  # fmt: skip
    owner: str = option(
        "", "password of the owner's page `/owner` (user name: owner); empty shows it on one's own "
        "machine only", "Owner",
    )  # fmt: skip


def current() -> ServingOptions:
    """What the environment says now. Raises ValueError that names the variable and the remedy."""
    return parse(os.environ)


def parse(environment: Mapping[str, str]) -> ServingOptions:
    """What these variables would say. Raises ValueError as current does."""
    said = {name: environment[variable(name)] for name in _NAMES if variable(name) in environment}
    return _read(tuple(said.items()))


@lru_cache(maxsize=16)
def _read(said: tuple[tuple[str, str], ...]) -> ServingOptions:
    given = {name: text.strip() for name, text in said}
    # Nothing in a variable is the same as no variable.
    given = {name: text for name, text in given.items() if text}
    try:
        return ServingOptions.from_dict(given)
    except ValueError as error:
        raise ValueError(PREFIX + _capital(str(error))) from error


def _capital(message: str) -> str:
    name, _, rest = message.partition(" ")
    return f"{name.upper()} {rest}"


def variable(name: str) -> str:
    """The environment variable of an option."""
    return PREFIX + name.upper()


def unknown(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that begins like ours and means nothing: a slip of the pen."""
    known = [variable(name) for name in _NAMES]
    sentences = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not name.startswith(OTHERS):
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "see docs/server.md."
            sentences.append(f"{name} is not known and changes nothing; {hint}")
    return sentences


def table() -> str:
    """All variables as a Markdown table: name, default, what it does and may be."""
    lines = ["| variable | default | what it does |", "|---|---|---|"]
    for name, spec in options_of(ServingOptions).items():
        default = default_of(ServingOptions, name)
        shown = f"`{default}`" if default != "" else ""
        allowed = ""
        if spec.choices:
            allowed = " (" + ", ".join(f"`{choice}`" for choice in spec.choices) + ")"
        elif spec.low is not None and spec.high is not None:
            unit = f" {spec.unit}" if spec.unit else ""
            allowed = f" ({spec.low:,g} to {spec.high:,.10g}{unit})"
        lines.append(f"| `{variable(name)}` | {shown} | {spec.help}{allowed} |")
    return "\n".join(lines) + "\n"


_NAMES = tuple(options_of(ServingOptions))
