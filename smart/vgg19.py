"""VGG-19 from the Hub: only what the painter needs of it, 51 MB of 575."""

from __future__ import annotations

import json
from pathlib import Path

from smart import hub_tensors, weights
from smart.folders import CONFIG, MODEL
from smart.hub import Patience, Remote
from smart.images import atomic
from smart.painting.vgg import BLOCKS, tensor_shapes
from smart.progress import OnProgress, Progress, ignore

WAITING = "waiting"  # with the reason behind it


def pull(on_progress: OnProgress = ignore, patience: Patience | None = None) -> Path:
    """Fetch VGG-19 into the Hub's cache, or go on where that was cut; the folder.

    Progress counts megabytes. Raises WeightsError with the remedy, and Cancelled from on_progress:
    what came so far stays. What is here and sound is not fetched again.
    """
    latest = Progress(0, int(SIZE / 1e6), hub_tensors.FETCHING, fraction=0.0)

    def report(progress: Progress) -> None:
        nonlocal latest
        latest = progress
        on_progress(progress)

    def waiting(reason: str) -> None:
        stage = f"{WAITING} ({reason})"
        on_progress(Progress(latest.step, latest.total, stage, fraction=latest.fraction))

    remote = Remote(
        weights.VGG19_REPOSITORY, MODEL, weights.vgg19_revision(), patience or Patience(), waiting
    )
    folder = weights.pulled_folder("vgg19")
    hub_tensors.fetch(remote, tensor_shapes(BLOCKS["vgg19"]), folder, report)
    config = {
        "architecture": "vgg", "name": "VGG-19", "blocks": list(BLOCKS["vgg19"]),
        "licence": "BSD-3-Clause",
        "source": f"{weights.VGG19_REPOSITORY} on the Hugging Face Hub",
    }  # fmt: skip
    with atomic(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


SIZE = sum(
    4 * shape[0] * (shape[1] * 9 if len(shape) > 1 else 1)
    for shape in tensor_shapes(BLOCKS["vgg19"]).values()
)  # bytes
