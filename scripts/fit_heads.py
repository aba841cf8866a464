"""Fits the heads that show previews of the bundled faces (smart/gan/preview_heads.py).

python scripts/fit_heads.py --out weights/faces/heads.safetensors [--faces 700] [--steps 2500]

They learn from nothing but the generator itself: of freshly sampled faces (psi 0.5 to 1, a part of
them mixed from two seeds, as sliders and w+ ask for) they see the features of a level in crops and
have to say the Haar coefficients of the whole network's picture, reduced. A linear head by ridge
regression is the start, Adam does the rest. Seeds below FIRST_SEED are never seen.

About a quarter of an hour on one processor core, and 5 GB of memory; the same numbers come out each
time on the same machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.mobile_synthesis import joined
from smart.gan.preview_heads import PreviewHead
from smart.gan.wavelet import haar

HIDDEN = {64: 96, 128: 64, 256: 48}  # level: channels inside its head; what time allows
CROPS = {64: 4, 128: 8, 256: 12}  # of each face
CROP = 16  # places a side, and one more around it for the 3 x 3 kernel
BATCH = {64: 16, 128: 24, 256: 24}  # crops
FIRST_SEED = 50_000
MIXED = 0.4  # of the faces are mixed from two seeds
JUDGES = 8  # faces of each kind that judge


@dataclass(frozen=True)
class Crops:
    """Crops [M, 18, 18, C] of a level's features, their coefficients [M, 12, 16, 16], of whom."""

    features: Tensor
    coefficients: Tensor
    face: Tensor


def codes(generator: MobileStyleGAN, first: int, count: int, chance: torch.Generator) -> Tensor:
    """w+ [count, slots, w_dim] of faces as people will ask for them."""
    w = generator.map(seed_latents(range(first, first + 2 * count), generator.z_dim))
    psi = 0.5 + 0.5 * torch.rand(2 * count, 1, generator=chance)
    w = torch.lerp(generator.w_mean.expand_as(w), w, psi)
    w_plus = w[:count, None].repeat(1, generator.slots, 1)
    for index in range(count):
        if torch.rand((), generator=chance) < MIXED:
            border = int(torch.randint(1, generator.slots, (), generator=chance))
            w_plus[index, border:] = w[count + index]
    return w_plus


@torch.no_grad()
def pairs(generator: MobileStyleGAN, w: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Level, features [1, h, w, C], coefficients [1, 12, h, w] of one face w+, level by level."""
    synthesis, found = generator.synthesis, {}
    x = synthesis.first(w)
    for level in synthesis.levels[:-1]:
        x = joined(synthesis.grown(x, w))
        found[level] = x
    strips = (synthesis.head(strip, w[:, -1], 3) for strip in synthesis.grown(x, w))
    picture = joined(strips).permute(0, 3, 1, 2) / 2  # LL is twice the mean of 2 x 2
    for level in HIDDEN:
        reduced = F.avg_pool2d(picture, picture.shape[-1] // (2 * level))
        yield level, found[level], haar(reduced)


def sample(generator: MobileStyleGAN, faces: Tensor, chance: torch.Generator) -> dict[int, Crops]:
    """Random crops of every face for every level; beyond the picture there is nothing."""
    found = {}
    for level, count in CROPS.items():
        channels = generator.synthesis.get_submodule(f"{2 * level}.up.style").out_features
        assert isinstance(channels, int)
        # Made at once: small pieces between large ones would leave the memory in holes.
        features = torch.empty(len(faces) * count, CROP + 2, CROP + 2, channels, dtype=torch.half)
        aims = torch.empty(len(features), 12, CROP, CROP)
        found[level] = Crops(features, aims, torch.arange(len(faces)).repeat_interleave(count))
    for index, w in enumerate(faces):
        for level, features, wanted in pairs(generator, w[None]):
            padded = F.pad(features[0], (0, 0, 1, 1, 1, 1))
            for row in range(index * CROPS[level], (index + 1) * CROPS[level]):
                # From beyond the border, and back: else the outermost places would come up rarely.
                corner = torch.randint(-CROP // 2, level - CROP // 2, (2,), generator=chance)
                top, left = corner.clamp(0, level - CROP).tolist()
                crop = padded[top : top + CROP + 2, left : left + CROP + 2]
                found[level].features[row] = crop
                aim = wanted[0, :, top : top + CROP, left : left + CROP]
                found[level].coefficients[row] = aim
    return found


@torch.no_grad()
def started(generator: MobileStyleGAN, level: int, crops: Crops, w: Tensor) -> PreviewHead:
    """A head that is linear: the next level's own factors, then ridge regression.

    Two hidden channels for each coefficient, a value and its negative, pass the leaky ReLU
    unchanged but for a factor; the others begin at random and without effect.
    """
    up = generator.synthesis.get_submodule(f"{2 * level}.up.style")
    assert isinstance(up, nn.Linear)
    channels = up.out_features
    head = PreviewHead(generator.w_dim, channels, HIDDEN[level])
    head.style.load_state_dict(up.state_dict())
    gram = torch.zeros(channels + 1, channels + 1, dtype=torch.float64)
    right = torch.zeros(channels + 1, 12, dtype=torch.float64)
    for part in torch.arange(len(crops.face)).split(64):
        factors = head.style(w[crops.face[part]][:, next_slots(generator, level)].mean(1))
        x = crops.features[part, 1:-1, 1:-1].float() * factors[:, None, None]
        x = F.pad(x.flatten(0, 2), (0, 1), value=1.0)
        gram += (x.T @ x).double()
        right += (x.T @ crops.coefficients[part].permute(0, 2, 3, 1).flatten(0, 2)).double()
    # Every channel goes in at the same size: Adam's steps are as large for all of them.
    size = (gram.diagonal() / gram[-1, -1]).sqrt().clamp_min(1e-3)
    gram, right = gram / size[:, None] / size, right / size[:, None]
    head.style.weight.div_(size[:-1, None])
    head.style.bias.div_(size[:-1])
    ridge = 1e-4 * gram.diagonal().mean() * torch.eye(channels + 1, dtype=torch.float64)
    linear = torch.linalg.solve(gram + ridge, right).float().T  # (12, C + 1)
    noise = torch.Generator().manual_seed(level)
    head.pointwise.copy_(torch.randn(head.pointwise.shape, generator=noise))
    head.pointwise.div_(channels**0.5)
    head.pointwise[:24] = torch.cat([linear[:, :-1], -linear[:, :-1]])
    head.bias.zero_()
    head.bias[:24] = torch.cat([linear[:, -1], -linear[:, -1]])
    head.kernel.zero_()
    head.kernel[range(12), range(12), 1, 1] = 1 / 1.2  # x = (lrelu(x) - lrelu(-x)) / 1.2
    head.kernel[range(12), range(12, 24), 1, 1] = -1 / 1.2
    head.kernel_bias.zero_()
    head.later_style.weight.zero_()
    head.later_style.bias.fill_(1)
    return head.requires_grad_(True)


def next_slots(generator: MobileStyleGAN, level: int) -> slice:
    """The slots of w+ that style the level after this one."""
    first = generator.synthesis.slots_up_to(level)
    return slice(first, first + 2)


@dataclass(frozen=True)
class Judge:
    """Faces that nobody learns from: whole features and coefficients of one level."""

    w: Tensor
    features: list[Tensor]
    coefficients: list[Tensor]

    @torch.no_grad()
    def decibels(self, head: PreviewHead, slot: int) -> float:
        """Mean PSNR of the pictures, whose range is 2; Haar's transform leaves errors alone."""
        total = 0.0
        for w, x, wanted in zip(self.w, self.features, self.coefficients, strict=True):
            error = F.mse_loss(head(x.float(), w[None, slot:]), wanted)
            total += float(10 * torch.log10(4 / error))
        return total / len(self.w)


def judges(generator: MobileStyleGAN) -> dict[str, dict[int, Judge]]:
    """Kinds of unseen faces, and for each a judge of every level."""
    w = generator.map(seed_latents(range(20_000, 20_000 + 3 * JUDGES), generator.z_dim))
    plain = [truncate(w, generator.w_mean, psi)[:, None].repeat(1, generator.slots, 1)
             for psi in (0.7, 1.0)]  # fmt: skip
    mixed = plain[0][:JUDGES].clone()
    for index in range(JUDGES):
        border = 2 + 12 * index // JUDGES
        mixed[index, border:] = plain[0][-1 - index, border:]
    found: dict[str, dict[int, Judge]] = {}
    kinds = {"psi 0.7": plain[0][:JUDGES], "psi 1": plain[1][:JUDGES], "mixed": mixed}
    for kind, faces in kinds.items():
        found[kind] = {level: Judge(faces, [], []) for level in HIDDEN}
        for face in faces:
            for level, features, wanted in pairs(generator, face[None]):
                found[kind][level].features.append(features.half())
                found[kind][level].coefficients.append(wanted)
    return found


def fit(
    head: PreviewHead,
    crops: Crops,
    w: Tensor,
    slot: int,
    judge: Judge,
    options: argparse.Namespace,
) -> dict[str, Tensor]:
    """Adam on batches of crops; the tensors of the head that the judge liked best."""
    chance = torch.Generator().manual_seed(slot)
    # A step of the styles counts 512 times, once for every number of w.
    slow = [*head.style.parameters(), *head.later_style.parameters()]
    fast = [head.pointwise, head.bias, head.kernel, head.kernel_bias]
    groups = [{"params": fast}, {"params": slow}]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))
    rates = [options.rate, options.rate / 10]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, options.steps, pct_start=0.05, cycle_momentum=False
    )
    best, kept = judge.decibels(head, slot), copied(head)
    level = judge.features[0].shape[1]
    print(f"{2 * level} px: ridge {best:.2f} dB", flush=True)
    began = time.monotonic()
    for step in range(1, options.steps + 1):
        rows = torch.randint(len(crops.face), (BATCH[level],), generator=chance)
        x, wanted = crops.features[rows].float(), crops.coefficients[rows]
        loss = F.mse_loss(head(x, w[crops.face[rows]][:, slot:], padding=0), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0 or step == options.steps:
            now = judge.decibels(head, slot)
            if now > best:
                best, kept = now, copied(head)
            decibels = float(10 * torch.log10(4 / loss.detach()))
            pace = (time.monotonic() - began) / step
            print(f"  {step}: {now:.2f} dB, batch {decibels:.2f}, {pace:.3f} s", flush=True)
    return kept


def copied(head: PreviewHead) -> dict[str, Tensor]:
    """The head's tensors as they are kept, in float16."""
    return {key: value.detach().half().clone() for key, value in head.state_dict().items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="the sampled crops, to fit again without them")
    parser.add_argument("--faces", type=int, default=700, help="%(default)s")
    parser.add_argument("--steps", type=int, default=2500, help="%(default)s")
    parser.add_argument("--sizes", type=int, nargs="*", help="px; all")
    parser.add_argument("--rate", type=float, default=2e-3, help="%(default)s")
    options = parser.parse_args()
    generator = load_generator("faces")
    assert isinstance(generator, MobileStyleGAN)
    chance = torch.Generator().manual_seed(0)
    w = codes(generator, FIRST_SEED, options.faces, chance)
    if options.cache and options.cache.is_file():
        stored = torch.load(options.cache, weights_only=True)
        crops = {level: Crops(*parts) for level, parts in stored.items()}
    else:
        crops = sample(generator, w, chance)
        if options.cache:
            stored = {k: (c.features, c.coefficients, c.face) for k, c in crops.items()}
            torch.save(stored, options.cache)
    kinds = judges(generator)
    print(f"{options.faces} faces sampled", flush=True)
    tensors = {}
    for level in [level for level in HIDDEN if 2 * level in (options.sizes or [2 * level])]:
        slot = generator.synthesis.slots_up_to(level)
        head = started(generator, level, crops[level], w)
        kept = fit(head, crops[level], w, slot, kinds["psi 0.7"][level], options)
        head.load_state_dict(kept)
        scores = [
            f"{kind} {judge[level].decibels(head, slot):.2f}" for kind, judge in kinds.items()
        ]
        print(f"{2 * level} px, unseen faces: {', '.join(scores)} dB", flush=True)
        tensors |= {f"{2 * level}.{key}": value for key, value in kept.items()}
    with images.atomic(options.out) as temporary:
        save_file(tensors, temporary, {"format": "pt"})


if __name__ == "__main__":
    main()
