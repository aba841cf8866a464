"""A walk through several sitters that ends where it began, as a film, painted if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from smart import images, movie, pipeline, sitters
from smart.gan import latents
from smart.networks import generator
from smart.options import PaintingOptions, SamplingOptions
from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.styles import Choice

FPS = 20
FRAMES = 24  # from one sitter to the next
MOST_FRAMES = 600  # of a film
SIZE = 512  # px


def codes(samplings: Sequence[SamplingOptions], frames: int = FRAMES) -> Tensor:
    """The codes w+ of a walk [len(samplings) * frames, slots, w_dim] that ends where it begins.

    Raises ValueError for fewer than two sitters, sitters of several generators, and a film that
    would be too long.
    """
    if len(samplings) < 2:
        raise ValueError("A walk needs at least two sitters; choose more.")
    if len({one.generator for one in samplings}) > 1:
        raise ValueError("The sitters come from several generators; a walk needs all from one.")
    if not 1 <= frames * len(samplings) <= MOST_FRAMES:
        raise ValueError(
            f"{len(samplings)} sitters with {frames} frames each make {frames * len(samplings)} "
            f"frames; choose fewer, at most {MOST_FRAMES} in all."
        )
    return latents.closed_walk(torch.cat([sitters.code(one) for one in samplings]), frames)


def film(
    samplings: Sequence[SamplingOptions],
    target: Path,
    on_progress: OnProgress = ignore,
    choices: Sequence[Choice] = (),
    frames: int = FRAMES,
    size: int = SIZE,
    fps: float = FPS,
) -> bool:
    """Write the walk to target, .mp4 or .webp; True where it was stopped before its end.

    With choices each frame is sketched after them. Cancelled ends it, and what is there by then is
    written. Previews are its frames [1, 3, size, size]. Raises ValueError as codes and movie.save
    do, and where it is stopped before there are two frames.
    """
    if target.suffix.lower() == ".mp4":
        movie.require_mp4()  # before minutes of work
    path = codes(samplings, frames)
    # The smallest size that there is and that is enough.
    made = min(
        (side for side in generator(samplings[0].generator).sizes if side >= size), default=None
    )
    painting = PaintingOptions(size=size, engine="feed-forward")
    pictures: list[Image.Image] = []
    stopped = False
    try:
        for index in range(len(path)):
            face = sitters.of_code(path[index : index + 1], samplings[0], made)
            picture = images.to_pil(images.resize(face, size, size))
            if choices:
                picture = pipeline.paint_photo(picture, choices, painting).image
            pictures.append(picture)
            preview = images.to_tensor(picture)
            on_progress(Progress(index + 1, len(path), "walking", preview=preview))
    except Cancelled:
        stopped = True
    if len(pictures) < 2:
        raise ValueError("The walk was stopped before it began; start it again.")
    movie.save(pictures, target, fps, 0)
    return stopped
