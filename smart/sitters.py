"""Who sits: from what one chose (a seed, wishes, whose features) to a code, and to a face."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from smart import images
from smart.gan import directions, latents
from smart.gan.directions import Direction
from smart.gan.generator import Generator, preview
from smart.gan.noise import with_noise
from smart.networks import generator, sliders
from smart.options import FACES, SamplingOptions, following
from smart.progress import OnProgress, Progress, ignore

LARGEST_CODE = 64.0  # of one number in w; those of faces stay below 10


def sliders_of(name: str = FACES) -> tuple[Direction, ...]:
    """What a sitter of this generator can be asked for. Raises WeightsError."""
    return sliders(name)


def code(options: SamplingOptions) -> Tensor:
    """The sitter as a code w+ [1, slots, w_dim], on the generator's device.

    seed (or relative of it, or likeness) -> w -> truncation -> features and colours of others ->
    sliders. Raises ValueError for a slider there is not, one out of bounds, or a likeness of
    another generator.
    """
    network = generator(options.generator)
    if options.likeness:
        w = decode(options.likeness, network)
    else:
        z = latents.seed_latents([options.seed], network.z_dim)
        if options.relative:
            z = latents.relative(z, options.relative, options.distance)
        w = _all_slots(network, z, options.psi)
    middle, fine = latents.layer_groups(network.slots)
    for group, seed in ((middle, options.features_from), (fine, options.colors_from)):
        if seed is not None:
            if group.start >= network.slots:
                raise ValueError(
                    f"Sitters of {options.generator} cannot be mixed: their network takes its "
                    "code at one place only; leave features and colours as they are."
                )
            w = w.clone()
            z = latents.seed_latents([seed], network.z_dim)
            w[:, group] = _all_slots(network, z, options.psi)[:, group]
    if asked := options.asked():
        w = directions.move(w, network.w_mean, sliders_of(options.generator), asked)
    return w


def _all_slots(network: Generator, z: Tensor, psi: float) -> Tensor:
    w = latents.truncate(network.map(z.to(network.w_mean.device)), network.w_mean, psi)
    return w[:, None].expand(-1, network.slots, -1)


def face(options: SamplingOptions, size: int | None = None) -> Tensor:
    """The sitter, [1, 3, size, size] in 0..1 on the CPU.

    size is one that the generator makes (the bundled one 256, 512 and 1024 px), None its largest;
    those of other generators are enlarged or reduced to any other. Raises ValueError.
    """
    return of_code(code(options), options, size)


def of_code(w: Tensor, options: SamplingOptions, size: int | None = None) -> Tensor:
    """The face of a code w+ [1, slots, w_dim] by the generator and noise of options; see face."""
    network = generator(options.generator)
    if options.face_noise != "fixed":
        network = with_noise(
            network, options.face_noise_seed if options.face_noise == "seed" else None
        )
    if size is None or options.generator == FACES or size in network.sizes:
        return network.synthesize(w, size).cpu()
    return images.resize(network.synthesize(w).cpu(), size, size)


def sketch(options: SamplingOptions, size: int = 256) -> Tensor:
    """The sitter nearly as face has it, at once: [1, 3, size, size] in 0..1 on the CPU."""
    return preview(generator(options.generator), code(options), size).cpu()


def faces(
    options: SamplingOptions, count: int, size: int | None, on_progress: OnProgress = ignore
) -> Iterator[tuple[SamplingOptions, Image.Image]]:
    """Faces of count sitters, one after the other (see options.following)."""
    for index in range(count):
        one = following(options, index)
        picture = images.to_pil(face(one, size))
        on_progress(Progress(index + 1, count, "sampling faces"))
        yield one, picture


def encode(w: Tensor) -> str:
    """A code w+ [1, slots, w_dim] as text, in float16: what SamplingOptions.likeness holds."""
    return base64.b64encode(w[0].cpu().numpy().astype("<f2").tobytes()).decode("ascii")


def decode(text: str, network: Generator) -> Tensor:
    """The inverse of encode for this generator. Raises ValueError for what is none of its codes."""
    values = np.frombuffer(base64.b64decode(text), np.uint8)
    if values.size != 2 * network.slots * network.w_dim:
        raise ValueError("The likeness was found for another generator; choose that one.")
    w = torch.from_numpy(values.view("<f2").astype(np.float32))
    if not bool(w.isfinite().all()) or float(w.abs().max()) > LARGEST_CODE:
        raise ValueError("The likeness is damaged; find it again.")
    return w.view(1, network.slots, network.w_dim).to(network.w_mean)
