"""The school: begin a training, resume it, keep what it made, see with its critic's eye.

Knows the trainer and the feature network that its progress is measured with. What happens is
kept in the folder of the run (see smart.gan.run), so whoever watches needs only that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from smart import weights
from smart.device import best_device
from smart.gan import curves, distributed, metrics, snapshot
from smart.gan.batches import draws
from smart.gan.critics_eye import look, overlay
from smart.gan.distributed import World
from smart.gan.latents import seed_latents
from smart.gan.lesson import Lesson
from smart.gan.run import Run, RunError, checked_name, create, find, owned
from smart.gan.trainer import Trainer, resolved
from smart.options import TrainingOptions
from smart.progress import OnProgress, ignore

FEATURES = ("relu3_1", "relu4_1", "relu5_1")
# What may be changed when a training is resumed; the rest would be another training.
CHANGEABLE = (
    "images",
    "stability",
    "learning_rate",
    "augmentation",
    "evaluate_every",
    "save_every",
)


class ImageSet(Protocol):
    """What a training needs of smart.gan.dataset.load: uint8 pixels [N, 3, R, R] and a digest."""

    @property
    def pixels(self) -> Tensor: ...
    @property
    def digest(self) -> str: ...


def begin(
    name: str,
    options: TrainingOptions,
    pictures: ImageSet,
    about: Mapping[str, Any],
    on_progress: OnProgress = ignore,
    start_from: str | Path | None = None,
) -> Run:
    """Train a new generator called name on pictures until it ends or is stopped.

    about is kept beside the options: "source", "crop", "selection" by which resume finds the
    images again, and "data" and "licence" for the card. start_from names a trained pair to begin
    with. Cancelled from on_progress stops and keeps everything. Raises ValueError.
    """
    device, world = _device(), distributed.join()
    options = resolved(options, device)
    trainer = _trainer(pictures, options, device, world)
    if start_from is not None:
        trainer.start_from(*snapshot.load_pair(start_from, device))
    if world.first:
        run = create(name)
        known = {**about, "digest": pictures.digest, "count": len(pictures.pixels)}
        run.want("run")
        run.write_options(options, known)
    else:
        run = Run(weights.runs_folder() / checked_name(name))
        known = dict(about)
    return _teach(run, trainer, known, on_progress)


def resume(
    name: str,
    pictures: Callable[[TrainingOptions, dict[str, Any]], ImageSet],
    on_progress: OnProgress = ignore,
    **changes: Any,
) -> Run:
    """Go on with a training exactly where its last state was kept.

    pictures loads the images by the options and by what begin was told about them. changes are
    options that may differ (CHANGEABLE). Raises RunError, also when the images have changed.
    """
    run = find(name)
    options, known = run.options()
    for option, value in changes.items():
        if option not in CHANGEABLE and value != getattr(options, option):
            raise RunError(
                f"{name} was begun with {option} {getattr(options, option)}; leave "
                f"--{option.replace('_', '-')} out, or begin a new training."
            )
    options = options.replace(**changes)
    device, world = _device(), distributed.join()
    chosen = pictures(options, known)
    if chosen.digest != known.get("digest"):
        raise RunError(
            f"The images are no longer those {name} was begun with ({known.get('count')} then, "
            f"{len(chosen.pixels)} now, or others); put them back, or begin a new training with "
            f"--start-from {name}."
        )
    trainer = _trainer(chosen, options, device, world)
    if run.has_state:
        try:
            trainer.load_state(*run.load_state())
        except (KeyError, RuntimeError, TypeError) as error:
            raise RunError(
                f"The state of {name} is of other networks than its options; begin a new training "
                f"with --start-from {name}."
            ) from error
    if world.first:
        run.want("run")
        run.write_options(options, known)
    return _teach(run, trainer, known, on_progress)


def keep(run: Run, name: str, best: bool = True) -> Path:
    """Copy a training's best (or last) snapshot to weights/name, which is a Hub repository, too.

    Raises RunError when there is none yet or the name is taken.
    """
    source = run.path / ("best" if best else "generator")
    if not (source / weights.MODEL).is_file():
        raise RunError(f"{run.name} has no snapshot yet; wait for the first measure.")
    target = weights.weights_folder() / checked_name(name)
    if target.exists():
        raise RunError(f"There are weights called {name!r} already; choose another name.")
    part = target.with_name(f".{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        shutil.copytree(source, part)
        (part / curves.FILE).write_text(curves.svg(run.stats()), encoding="utf-8")
        with (part / "README.md").open("a", encoding="utf-8") as card:
            card.write(f"\n## How it learnt\n![Curves over the images shown]({curves.FILE})\n")
        part.rename(target)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise RunError(f"{target} cannot be written ({error.strerror or error}).") from error
    return target


def hold_out(pictures: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """(for training, held out): a tenth, at most 512, is never shown to the critic to learn."""
    order = torch.randperm(len(pictures), generator=draws(seed, "hold out", 0))
    held = max(1, min(512, len(pictures) // 10))
    return pictures[order[held:]], pictures[order[:held]]


def vgg_features() -> metrics.Features:
    """What the kernel distance sees: VGG features averaged over the picture, scaled by layer."""
    from smart.networks import feature_network

    network = feature_network()

    @torch.no_grad()
    def features(pictures: Tensor) -> Tensor:
        rows = []
        for part in torch.split(pictures, 64):
            found = network(part.to(network.device), FEATURES)
            layers = [found[n].float().mean((2, 3)) / network.energy[n] ** 0.5 for n in FEATURES]
            rows.append(torch.cat(layers, 1).cpu())
        return torch.cat(rows)

    return features


def eye(name: str | Path, count: int = 8, size: int = 256) -> tuple[Tensor, Tensor, Tensor]:
    """The critic's eye on what a trained generator makes of the first seeds.

    (pictures [N, 3, R, R], overlays [N, 3, size, size], logits [N]). Raises WeightsError when the
    critic is not there.
    """
    generator, critic = snapshot.load_pair(name)
    if critic is None:
        raise weights.WeightsError(
            f"{name} has no critic beside it; choose one that SMART trained."
        )
    w = generator.map(seed_latents(range(count), generator.z_dim))
    pictures = generator.synthesize(w)
    seen = look(critic, pictures)
    return pictures, overlay(pictures, seen, size), seen.logits


def _device() -> torch.device:
    device = best_device()
    if device.type == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _trainer(
    pictures: ImageSet, options: TrainingOptions, device: torch.device, world: World
) -> Trainer:
    training, held = hold_out(pictures.pixels, options.seed)
    if device.type == "cuda" and training.numel() < 4e9:
        training, held = training.to(device), held.to(device)
    return Trainer(training, held, options, device, world)


def _teach(run: Run, trainer: Trainer, known: Mapping[str, Any], on_progress: OnProgress) -> Run:
    if not trainer.world.first:
        Lesson(run, trainer, known, on_progress).go()
        return run
    with owned(run):
        Lesson(run, trainer, known, on_progress, _features_here()).go()
    return run


def _features_here() -> metrics.Features | None:
    try:
        return vgg_features()
    except ValueError:  # no VGG here: the other measure does without
        return None
