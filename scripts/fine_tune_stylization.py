"""Trains the transformer of weights/stylization further, on our sitters and our painters.

python scripts/fine_tune_stylization.py --out weights/stylization-portraits [--state FILE]

The loss is that of the optimisation (VGG content, Wasserstein-2 style, total variation), at 320 to
448 px, on faces of the bundled generator. The network that reads a painting stays as it came, so
that its 100 numbers remain a measure nobody has trained for. Works in HELD_OUT and seeds below
1000 are never seen: benchmarks/painting.py judges on them. About 1.2 s a step on two cores with
matrix units; the state is saved every 100 steps.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images, pipeline, sitters, styles
from smart.options import SamplingOptions
from smart.painting import losses
from smart.painting.feed_forward import Stylizer, load_stylizer, mix
from smart.painting.vgg import VGG

HELD_OUT = ("cassatt", "hokusai/poppies", "renoir/moulin-de-la-galette",
            "hiroshige/horse-mackerel")  # fmt: skip
SHARES = {"relu1_1": 0.05, "relu2_1": 0.50, "relu3_1": 0.38, "relu4_1": 0.06, "relu5_1": 0.01}
CONTENT_LAYER, CONTENT_WEIGHT = "relu4_2", 0.15
SMOOTHNESS = 1.0
SIZES = (320, 384, 448)
FACES, FIRST_SEED, FACE_SIZE = 320, 1000, 512
CUTTINGS = 4  # of each work beside the whole
AVERAGE = 0.995


def sampled_sitters() -> Tensor:
    """Faces [N, 3, 512, 512] as bytes, of seeds that no benchmark uses."""
    faces = []
    for index in range(FACES):
        psi = 0.5 + 0.5 * (index % 6) / 5
        face = sitters.face(SamplingOptions(seed=FIRST_SEED + index, psi=psi), FACE_SIZE)
        faces.append((face * 255).round().byte())
    return torch.cat(faces)


def paintings() -> list[Tensor]:
    """Every work that is not held out, whole and in cuttings of half to all of its sides."""
    chance = random.Random(0)
    found = []
    for style in styles.scan().styles:
        for work in style.works:
            if style.slug in HELD_OUT or work.slug in HELD_OUT:
                continue
            whole = images.to_tensor(work.open())
            found.append(whole)
            height, width = whole.shape[-2:]
            for _ in range(CUTTINGS):
                share = chance.uniform(0.5, 0.9)
                h, w = round(height * share), round(width * share)
                top, left = chance.randint(0, height - h), chance.randint(0, width - w)
                found.append(whole[..., top : top + h, left : left + w])
    return found


def moments_of(picture: Tensor, size: int, network: VGG) -> dict[str, losses.Moments]:
    """What a style loss aims at: the painting at the area of a square of size px."""
    factor = size / math.sqrt(picture.shape[-1] * picture.shape[-2])
    height, width = (max(32, round(side * factor)) for side in picture.shape[-2:])
    features = network(images.resize(picture, width, height), SHARES)
    return {layer: losses.moments(features[layer]) for layer in SHARES}


class Lesson:
    """The loss of a batch of sketches against the sitters and their paintings."""

    def __init__(self, network: VGG) -> None:
        self.network = network

    def __call__(self, sketch: Tensor, faces: Tensor, targets: dict[str, losses.Target]) -> Tensor:
        energy = self.network.energy
        with torch.no_grad():
            wanted = self.network(faces, [CONTENT_LAYER])[CONTENT_LAYER]
        seen = self.network(sketch, [*SHARES, CONTENT_LAYER])
        loss = losses.content(seen[CONTENT_LAYER], wanted) * CONTENT_WEIGHT / energy[CONTENT_LAYER]
        for layer, share in SHARES.items():
            loss = loss + share / energy[layer] * losses.wasserstein(seen[layer], targets[layer])
        return (loss + SMOOTHNESS * losses.total_variation(sketch)) / len(sketch)


def joined(targets: list[dict[str, losses.Moments]]) -> dict[str, losses.Target]:
    """The targets of a batch as one."""
    return {
        layer: losses.Target.of(
            losses.Moments(
                torch.cat([one[layer].mean for one in targets]),
                torch.cat([one[layer].second for one in targets]),
            )
        )
        for layer in SHARES
    }


def save(stylizer: Stylizer, folder: Path, source: Path, note: str) -> None:
    """The folder as weights are kept here; matrices of the style network stay halved."""
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    config["source"] = f"weights/stylization, trained further: {note}"
    config["licence"] = "Apache-2.0 (Magenta); trained on sitters that are non-commercial"
    from safetensors import safe_open

    with safe_open(source / "model.safetensors", "pt") as old:
        kinds = {key: old.get_tensor(key).dtype for key in old.keys()}  # noqa: SIM118
    tensors = {k: v.detach().contiguous().to(kinds[k]) for k, v in stylizer.state_dict().items()}
    with images.atomic(folder / "model.safetensors") as temporary:
        save_file(tensors, temporary, {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--state", type=Path, help="written every 100 steps, resumed from")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-3)
    options = parser.parse_args()
    network = pipeline.feature_network("vgg16")
    stylizer = load_stylizer("stylization")
    transformer = stylizer.transformer.requires_grad_(True)
    average = {key: value.detach().clone() for key, value in transformer.state_dict().items()}
    optimizer = torch.optim.Adam(transformer.parameters(), options.rate, betas=(0.9, 0.99))
    first = 0
    if options.state and options.state.is_file():
        state = torch.load(options.state, weights_only=True)
        transformer.load_state_dict(state["transformer"])
        average, first = state["average"], state["step"]
        optimizer.load_state_dict(state["optimizer"])
    with torch.no_grad():
        faces, works = sampled_sitters(), paintings()
        codes = [stylizer.encode(work) for work in works]
        aims = {size: [moments_of(work, size, network) for work in works] for size in SIZES}
    print(f"{len(faces)} sitters, {len(works)} paintings and cuttings", flush=True)
    lesson, began, recent = Lesson(network), time.monotonic(), []
    for step in range(first, options.steps):
        chance = random.Random(step)
        size = chance.choice(SIZES)
        rows = [chance.randrange(len(faces)) for _ in range(options.batch)]
        batch = images.resize(faces[rows].float() / 255, size, size)
        if chance.random() < 0.5:
            batch = batch.flip(-1)
        chosen, code = [], []
        for _ in range(options.batch):
            one, two = chance.sample(range(len(works)), 2)
            share = chance.random() if chance.random() < 0.2 else 1.0
            code.append(mix(torch.cat([codes[one], codes[two]]), [share, 1 - share]))
            pair = (aims[size][one], aims[size][two])
            chosen.append({layer: losses.pool([pair[0][layer], pair[1][layer]], [share, 1 - share])
                           for layer in SHARES})  # fmt: skip
        for group in optimizer.param_groups:
            warm = min(1.0, (step + 1) / 50)
            group["lr"] = options.rate * warm * (0.02 + 0.98 * (
                0.5 + 0.5 * math.cos(math.pi * step / options.steps)))  # fmt: skip
        optimizer.zero_grad()
        loss = lesson(stylizer.transform(batch, torch.cat(code)), batch, joined(chosen))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(transformer.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for key, value in transformer.state_dict().items():
                average[key].lerp_(value, 1 - min(AVERAGE, (step + 1) / (step + 10)))
        recent.append(float(loss.detach()))
        if (step + 1) % 25 == 0:
            pace = (time.monotonic() - began) / (step + 1 - first)
            print(f"{step + 1} loss {sum(recent) / len(recent):.4f} {pace:.2f} s/step", flush=True)
            recent.clear()
        if (step + 1) % 100 == 0 or step + 1 == options.steps:
            if options.state:
                with images.atomic(options.state) as temporary:
                    state = {"transformer": transformer.state_dict(), "average": average}
                    state |= {"optimizer": optimizer.state_dict(), "step": step + 1}
                    torch.save(state, temporary)
            kept = load_stylizer("stylization")
            kept.transformer.load_state_dict(average)
            note = f"{step + 1} steps on {len(faces)} sitters and {len(works)} cuttings"
            save(kept, options.out, Path(__file__).parent.parent / "weights/stylization", note)


if __name__ == "__main__":
    main()
