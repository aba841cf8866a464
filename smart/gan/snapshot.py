"""A trained pair as a folder of weights: the generator to share, and the critic beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from smart import images, weights
from smart.gan.critic import Critic
from smart.gan.style_generator import StyleGenerator
from smart.images import atomic
from smart.weights import CONFIG, MODEL, WeightsError

CRITIC = "critic.safetensors"
SHEET = "sheet.png"
ARCHITECTURE = "style_generator"
_COLUMNS, _TILES = 8, 64


@dataclass(frozen=True)
class Trained:
    """What a card says of a training."""

    name: str
    data: str
    licence: str
    seen: int
    figures: Mapping[str, float]


def save(
    folder: Path, generator: StyleGenerator, critic: Critic, about: Trained, half: bool = False
) -> Path:
    """Write a weights folder: config, both networks, card and a sheet of 64 uncurated samples.

    half stores the weights as float16. Raises ValueError when the folder cannot be written; a
    snapshot that was there stays usable.
    """
    from safetensors.torch import save_file

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} cannot be made ({error.strerror}).") from error
    generator.find_w_mean()
    for file, network in ((MODEL, generator), (CRITIC, critic)):
        tensors = {
            name: tensor.detach().cpu().to(torch.float16 if half else torch.float32).contiguous()
            for name, tensor in network.state_dict().items()
        }
        with atomic(folder / file) as temporary:
            try:
                save_file(tensors, temporary, metadata={"format": "pt"})
            except Exception as error:  # the library's own errors for a disk that is full
                raise OSError(0, str(error).splitlines()[0]) from error
    config = {
        "architecture": ARCHITECTURE,
        "arguments": generator.architecture.to_dict(),
        "licence": about.licence,
        "source": f"trained with SMART on {about.data}, {about.seen:,} images shown",
    }
    with atomic(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with atomic(folder / SHEET) as temporary:
        sheet(generator).save(temporary, format="PNG")
    with atomic(folder / "README.md") as temporary:
        temporary.write_text(card(about, generator), encoding="utf-8")
    return folder


def sheet(generator: StyleGenerator, first_seed: int = 0) -> Image.Image:
    """64 samples of seeds in order, not truncated and not chosen."""
    from smart.gan.latents import seed_latents

    seeds = range(first_seed, first_seed + _TILES)
    w = generator.map(seed_latents(seeds, generator.z_dim))
    return images.sheet([images.to_pil(one) for one in generator.synthesize(w).cpu()], _COLUMNS)


def card(about: Trained, generator: StyleGenerator) -> str:
    """The README.md of the folder, which is a Hub model card, too."""
    size = generator.sizes[-1]
    count = sum(parameter.numel() for parameter in generator.parameters()) / 1e6
    figures = "\n".join(f"| {name} | {value:.3g} |" for name, value in about.figures.items())
    return f"""---
license: other
license_name: {json.dumps(about.licence)}
pipeline_tag: unconditional-image-generation
library_name: smart
---
# {about.name}: {size} x {size}

A style generator of {count:.2f} million weights, trained with SMART on {about.data}; {about.seen:,}
images were shown. Licence: {about.licence}.

![64 samples, not chosen]({SHEET})

| measured on images held out (SMART's own measures) | |
|---|---:|
{figures}

## Use
    from smart.gan.generator import load_generator
    from smart.gan.latents import seed_latents, truncate

    generator = load_generator("{about.name}")
    w = generator.map(seed_latents([6], generator.z_dim))
    picture = generator.synthesize(truncate(w, generator.w_mean, 0.7))  # [1, 3, {size}, {size}]

`{CRITIC}` is the critic it learnt from: a training can start from both, and SMART shows with it
what looks real and what does not.
"""


def load_pair(
    name: str | Path, device: torch.device | str = "cpu"
) -> tuple[StyleGenerator, Critic | None]:
    """A trained generator with its critic, None where only the generator was shared.

    Raises WeightsError for what is missing, damaged or of another architecture.
    """
    folder = weights.find(name)
    config = weights.read_config(folder)
    if config["architecture"] != ARCHITECTURE:
        raise WeightsError(
            f"{folder.name} holds a {config['architecture']!r}, whose critic SMART has not; "
            f"choose a {ARCHITECTURE}."
        )
    arguments = config.get("arguments", {})
    generator = StyleGenerator.from_tensors(arguments, weights.read_tensors(folder), device)
    critic = None
    if (folder / CRITIC).is_file():
        critic = Critic.from_tensors(arguments, weights.read_file(folder / CRITIC), device)
    return generator, critic
