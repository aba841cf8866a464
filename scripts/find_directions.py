"""Finds the sliders of weights/faces: directions in w along which one thing changes.

python scripts/find_directions.py [--out weights/faces/directions.safetensors] [--sheet sheet.png]

1. sitters-described.csv says of 240 sitters what a person saw in them (smile, age, glasses ...).
   A ridge regression on VGG features learns to see the same in the faces of --count further seeds.
   How far a head is turned nobody needs to say: it is the first principal component of what
   changes in the features when a face is mirrored. Light and background are measured in pixels.
2. What is seen is regressed on w, in its first principal components and in units of their
   deviations; that is the reading of a direction (InterFaceGAN, Shen et al. 2020, arXiv
   1907.10786, with graded values in place of a hyperplane).
3. A direction is its reading made orthogonal to those of the things that shall stay, and acts
   in the slots where it does so cleanly. Slots and lengths were chosen by looking at --sheet.

About eight minutes on two cores; the same file comes out each time on one machine.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images
from smart.gan import directions
from smart.gan.directions import Direction
from smart.gan.generator import Generator, load_generator
from smart.gan.latents import seed_latents, truncate
from smart.painting.vgg import VGG, load_vgg

PSI = 0.9  # of the sitters that are looked at: more variety than the page's
FIRST_SEED = 2000
SEEN = ("smile", "masculine", "age", "glasses", "hair", "beard", "nod")  # in the table
GRIDS = {"relu4_1": 6, "relu5_1": 4}  # places in a row at which features are kept apart
COMPONENTS = 80  # of w
SAMPLES = 200_000  # of w, for its principal components
RIDGE_SEEN, RIDGE_W = 0.7, 40.0
CHUNK = 4
RIGHT = (1000, 1022, 1099)  # seeds of sitters in profile
REACH = 1.1  # where -1 and 1 take people, in lengths of the slider


@dataclass(frozen=True)
class Plan:
    """A slider: its words, where it acts, its length in deviations, and what may change with it."""

    label: str
    less: str
    more: str
    start: int
    stop: int
    length: float
    free: tuple[str, ...] = ()


PLANS = {
    "turn": Plan("Turn the head", "to the left", "to the right", 0, 5, 1.7),
    "nod": Plan("Nod", "chin down", "chin up", 0, 5, 2.4),
    "smile": Plan("Smile", "serious", "laughing", 3, 8, 3.2),
    "age": Plan("Age", "younger", "older", 0, 9, 2.2),
    "masculine": Plan("Features", "feminine", "masculine", 0, 9, 2.0, ("hair", "beard")),
    "glasses": Plan("Glasses", "off", "on", 0, 6, 2.6),
    "hair": Plan("Hair", "less", "more", 0, 6, 3.2),
    "beard": Plan("Beard", "less", "more", 3, 9, 3.2),
    "light": Plan("Light", "from the left", "from the right", 6, 16, 3.0),
    "background": Plan("Background", "dark", "light", 5, 16, 3.0),
}  # fmt: skip
# Of these nothing is asked, but sliders of light shall leave them alone.
MEASURED = ("light", "background", "exposure")


def described(table: Path) -> tuple[list[int], dict[str, Tensor]]:
    """The seeds of the table and what was seen in each, about a mean of 0."""
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    seen = {name: torch.tensor([float(row[name]) for row in rows]) for name in SEEN}
    seen["age"] = (seen["age"] + 3).log()  # a year is more to a child
    seen["glasses"] = seen["glasses"].clamp(max=1)
    return [int(row["seed"]) for row in rows], {k: v - v.mean() for k, v in seen.items()}


@torch.no_grad()
def look(generator: Generator, network: VGG, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features of faces and of their mirror images [N, D], and luminances [N, 64, 64]."""
    plain, mirrored, light = [], [], []
    for part in torch.split(w, CHUNK):
        faces = F.avg_pool2d(generator.synthesize(part, 256), 2)
        plain.append(_features(network, faces))
        mirrored.append(_features(network, faces.flip(3)))
        light.append(F.avg_pool2d(faces, 2).mul(_LUMA).sum(1))
    return torch.cat(plain), torch.cat(mirrored), torch.cat(light)


_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def _features(network: VGG, faces: Tensor) -> Tensor:
    found = network(faces, GRIDS)
    parts = [
        F.adaptive_avg_pool2d(found[name].float(), grid).flatten(1) / network.energy[name] ** 0.5
        for name, grid in GRIDS.items()
    ]
    return torch.cat(parts, 1).half()


def judged(
    seen: dict[str, Tensor], known: Tensor, faces: tuple[Tensor, Tensor, Tensor]
) -> dict[str, Tensor]:
    """What is seen in further faces, [N] each, taught by those that were described (known)."""
    plain, mirrored, light = faces[0].float(), faces[1].float(), faces[2]
    everyone = torch.cat([plain, known.float()])
    mean, deviation = everyone.mean(0), everyone.std(0).clamp_min(0.05)
    plain, mirrored, known = ((x - mean) / deviation for x in (plain, mirrored, known.float()))
    size = known.shape[1]
    kernel = known @ known.T / size + RIDGE_SEEN * torch.eye(len(known))
    # A face and its mirror image smile alike.
    near = (plain + mirrored) @ known.T / 2 / size
    found = {name: near @ torch.linalg.solve(kernel, values) for name, values in seen.items()}
    change = plain - mirrored
    strength, parts = torch.linalg.eigh(change @ change.T / size)
    found["turn"] = parts[:, -1] * strength[-1].sqrt()
    middle = light[:, 24:48, 16:48]
    left, right = middle[..., :16].mean((1, 2)), middle[..., 16:].mean((1, 2))
    found["light"] = right - left
    found["exposure"] = middle.mean((1, 2))
    found["background"] = torch.cat([light[:, :20, :6], light[:, :20, -6:]], 2).mean((1, 2))
    return found


def components(generator: Generator) -> tuple[Tensor, Tensor]:
    """Deviations [K] and directions [K, w_dim] of the first principal components of w."""
    random = torch.Generator("cpu").manual_seed(0)
    total = torch.zeros(generator.w_dim, dtype=torch.float64)
    square = torch.zeros(generator.w_dim, generator.w_dim, dtype=torch.float64)
    for _ in range(SAMPLES // 4000):
        w = generator.map(torch.randn(4000, generator.z_dim, generator=random))
        w = (w - generator.w_mean).double()
        total, square = total + w.sum(0), square + w.T @ w
    mean = total / SAMPLES
    values, vectors = torch.linalg.eigh(square / SAMPLES - mean[:, None] * mean)
    vectors = vectors.flip(1).T[:COMPONENTS]
    places = vectors.abs().argmax(1, keepdim=True)
    vectors = vectors * vectors.gather(1, places).sign()
    return values.flip(0)[:COMPONENTS].sqrt().float(), vectors.float()


def regressed(z: Tensor, values: Tensor) -> tuple[Tensor, float]:
    """What values [N] change along in z [N, K], of length one, and how well that tells them.

    The second is the correlation with values that were left out one at a time.
    """
    values = (values - values.mean()) / values.std()
    solved = torch.linalg.solve(z.T @ z + RIDGE_W * torch.eye(z.shape[1]), z.T)
    weights = solved @ values
    own = (z * solved.T).sum(1)
    left_out = (z @ weights - own * values) / (1 - own)
    told = float(torch.corrcoef(torch.stack([left_out, values]))[0, 1])
    return F.normalize(weights, dim=0), told


def planned(readings: dict[str, Tensor], deviations: Tensor, vectors: Tensor) -> list[Direction]:
    """The sliders of PLANS."""
    found = []
    for name, plan in PLANS.items():
        others = [
            reading
            for other, reading in readings.items()
            if other != name
            and other not in plan.free
            and (other in MEASURED) == (name in MEASURED)
        ]
        along = readings[name]
        kept = torch.linalg.qr(torch.stack(others).T)[0]
        along = F.normalize(along - kept @ (kept.T @ along), dim=0) * plan.length
        vector = (along * deviations) @ vectors
        reading = (readings[name] / deviations) @ vectors
        reading = reading / (reading @ vector)  # so that vector is 1 on it
        found.append(
            Direction(
                name, plan.label, plan.less, plan.more, plan.start, plan.stop, vector, reading,
                REACH,
            )
        )  # fmt: skip
    return found


def sheet(generator: Generator, found: Sequence[Direction], seeds: Sequence[int]) -> list[Tensor]:
    """Rows of sliders, for each sitter the face at -1, 0 and 1."""
    w = codes(generator, seeds, 0.7)[:, None].expand(-1, generator.slots, -1)
    tiles = []
    for one in found:
        for index in range(len(seeds)):
            for amount in (-1, 0, 1):
                moved = directions.move(
                    w[index : index + 1], generator.w_mean, [one], {one.name: amount}
                )
                tiles.append(F.avg_pool2d(generator.synthesize(moved, 256), 2))
    return tiles


def codes(generator: Generator, seeds: Sequence[int], psi: float) -> Tensor:
    return truncate(generator.map(seed_latents(seeds, generator.z_dim)), generator.w_mean, psi)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, default=Path("weights/faces") / directions.FILE)
    parser.add_argument("--count", type=int, default=800, help="%(default)s")
    parser.add_argument("--sheet", type=Path, help="a PNG with every slider at both ends")
    parser.add_argument("--cache", type=Path, help="a file that keeps what was seen in the faces")
    options = parser.parse_args()
    generator, network = load_generator("faces"), load_vgg("vgg16")
    seeds, seen = described(Path(__file__).with_name("sitters-described.csv"))
    w_known = codes(generator, seeds, PSI)
    w = codes(generator, range(FIRST_SEED, FIRST_SEED + options.count), PSI)
    if options.cache and options.cache.is_file():
        known, *faces = torch.load(options.cache)
    else:
        known, faces = look(generator, network, w_known)[0], look(generator, network, w)
        if options.cache:
            torch.save((known, *faces), options.cache)
    values = judged(seen, known, tuple(faces))
    deviations, vectors = components(generator)
    readings = {}
    for name, here in values.items():
        there = seen.get(name)
        both = here - here.mean() if there is None else torch.cat([there, here - here.mean()])
        from_w = w if there is None else torch.cat([w_known, w])
        z = (from_w - generator.w_mean) @ vectors.T / deviations
        readings[name], told = regressed(z, both)
        if name == "turn":  # which way is which is open: these three look to the right
            z = (codes(generator, RIGHT, PSI) - generator.w_mean) @ vectors.T / deviations
            readings[name] = readings[name] * (z @ readings[name]).mean().sign()
        print(f"{name:<12} {told:.2f}")
    found = planned(readings, deviations, vectors)
    directions.write(options.out, found)
    print(f"Wrote {options.out}.")
    if options.sheet:
        tiles = [images.to_pil(tile) for tile in sheet(generator, found, (12, 15, 33))]
        images.sheet(tiles, 9).save(options.sheet)


if __name__ == "__main__":
    main()
