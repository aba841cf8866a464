"""Training: one step after the other, all of it a function of images, options and the counter.

Nothing random is kept between steps: what step n draws follows from the seed and n. So a resumed
training goes on exactly, and several processes that each do their part of the batch do together
what one does alone.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from smart.device import feature_dtype
from smart.gan import augment, losses
from smart.gan.batches import Reals, draws
from smart.gan.critic import Critic
from smart.gan.distributed import World
from smart.gan.latents import seed_latents
from smart.gan.style_generator import Architecture, StyleGenerator
from smart.options import TrainingOptions

TICK = 4096  # images between two looks at the critic
BETAS = (0.0, 0.99)
LAST_RATE, LAST_GAMMA = 0.1, 0.5  # what is left of them at the end
OVERFIT_TARGET = 0.4  # of what the critic tells apart, how much may be learnt by heart
AUGMENT_IMAGES = 200_000  # in which the augmentation could go from nothing to everything
LOOK = 256  # images of a kind that are looked at in a tick


def resolved(options: TrainingOptions, device: torch.device) -> TrainingOptions:
    """The options with everything that was left to the machine decided."""
    processor = device.type == "cpu"
    network = options.network
    if network == "auto":
        network = "small" if processor else "large"
    precision = options.precision
    if precision == "auto":
        precision = str(feature_dtype(device)).removeprefix("torch.")
    return options.replace(
        network=network,
        precision=precision,
        batch=options.batch or (32 if network == "small" else 64),
        penalty_every=options.penalty_every or (8 if processor else 2),
        evaluate_every=options.evaluate_every or max(8_000, options.images // 40),
    )


class Trainer:
    """Generator, critic, their optimisers and the averaged generator, and where they stand.

    images and held_out are uint8 [N, 3, R, R]; the critic never learns from held_out. options are
    resolved ones. Raises ValueError when the batch cannot be shared among the processes.
    """

    def __init__(
        self,
        images: Tensor,
        held_out: Tensor,
        options: TrainingOptions,
        device: torch.device | str = "cpu",
        world: World | None = None,
    ) -> None:
        self.device, self.world = torch.device(device), world or World()
        if options.batch % self.world.size:
            raise ValueError(
                f"A batch of {options.batch} cannot be shared by {self.world.size} processes; "
                f"give --batch a multiple of {self.world.size}."
            )
        self.options, self.images, self.held_out = options, images, held_out
        self.reals = Reals(images, options, self.world)
        self.seen = 0
        self.probability = 0.0
        if options.augmentation != "none":
            self.probability = augment.strength_for(len(images))
        architecture = Architecture.of(options.resolution, options.network)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.generator = self._placed(StyleGenerator(architecture))
            self.critic = self._placed(Critic(architecture))
        self.averaged = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizers = {
            "generator": self._optimizer(self.generator),
            "critic": self._optimizer(self.critic),
        }
        self._sums: dict[str, Tensor] = {}
        self._steps = 0

    def _placed(self, network: Any) -> Any:
        return network.to(self.device, memory_format=torch.channels_last)

    def _optimizer(self, network: nn.Module) -> torch.optim.Adam:
        fused = self.device.type == "cuda"
        rate = self.options.learning_rate
        return torch.optim.Adam(network.parameters(), rate, BETAS, 1e-8, fused=fused or None)

    @property
    def progress(self) -> float:
        """The part of the training that is done, 0..1."""
        return min(1.0, self.seen / self.options.images)

    @property
    def rate(self) -> float:
        """The learning rate now: a cosine down to LAST_RATE of it."""
        return self.options.learning_rate * _cosine(self.progress, LAST_RATE)

    @property
    def gamma(self) -> float:
        """The weight of the gradient penalties now; four times as much at twice the side."""
        scale = (self.options.resolution / 64) ** 2
        return self.options.stability * scale * _cosine(self.progress, LAST_GAMMA)

    def step(self) -> None:
        """Show the critic one batch, then let the generator learn from the critic."""
        number, batch = self.seen // self.options.batch, self.options.batch
        real = self.reals.batch(number).to(self.device)
        z = torch.randn(batch, self.generator.z_dim, generator=self._draws("z", number))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.rate
        with self._precision():
            fake = self.generator(self._mine(z)).float()
        judged = self._critic_step(real, fake.detach(), number)
        self._generator_step(judged, fake, number)
        self.seen += batch
        self._average()
        self._steps += 1

    def _critic_step(self, real: Tensor, fake: Tensor, number: int) -> Tensor:
        """Teach the critic; what it thought of the real pictures, [N]."""
        every = self.options.penalty_every
        penalised = number % every == 0
        real = self._varied(real, "real", number)
        fake = self._varied(fake, "fake", number)
        pictures = torch.cat([real, fake]).requires_grad_(penalised)
        with self._precision():
            logits = self.critic(pictures)
        real_logits, fake_logits = logits.chunk(2)
        loss = losses.critic_loss(real_logits, fake_logits)
        self._note(critic_loss=loss, real=real_logits.mean(), fake=fake_logits.mean())
        if penalised:
            r1, r2 = (p.mean() for p in losses.gradient_penalty(logits, pictures).chunk(2))
            self._note(r1=r1 * every, r2=r2 * every)
            loss = loss + every * self.gamma / 2 * (r1 + r2)
        self._learn("critic", self.critic, loss)
        judged: Tensor = real_logits.detach()
        return judged

    def _generator_step(self, real_logits: Tensor, fake: Tensor, number: int) -> None:
        """Teach the generator what the critic thinks of its pictures now.

        The real pictures they are paired with were judged one step of the critic ago: to judge
        them again would take a tenth of the time and hardly change the pairs.
        """
        self.critic.requires_grad_(False)
        with self._precision():
            fake_logits = self.critic(self._varied(fake, "fake again", number))
        loss = losses.generator_loss(real_logits, fake_logits)
        self._note(generator_loss=loss)
        self._learn("generator", self.generator, loss)
        self.critic.requires_grad_(True)

    def _learn(self, name: str, network: nn.Module, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.world.average_gradients(network)
        optimizer.step()

    @torch.no_grad()
    def _average(self) -> None:
        half_life = min(self.options.average, max(self.seen, 1) / 20)
        keep = 0.5 ** (self.options.batch / half_life)
        ours, theirs = list(self.averaged.parameters()), list(self.generator.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - keep)

    def _varied(self, pictures: Tensor, purpose: str, number: int) -> Tensor:
        if self.probability <= 0:
            return pictures
        shape = (self.options.batch, augment.DRAWS)
        uniform = torch.rand(shape, generator=self._draws(purpose, number))
        return augment.augment(pictures, self._mine(uniform), self.probability)

    def _draws(self, purpose: str, step: int) -> torch.Generator:
        return draws(self.options.seed, purpose, step)

    def _mine(self, batch: Tensor) -> Tensor:
        return self.world.share(batch).to(self.device, non_blocking=True)

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 for the convolutions if the options say so; weights and sums stay float32."""
        half = self.options.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def _note(self, **values: Tensor) -> None:
        for name, value in values.items():
            value = value.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def tick(self) -> dict[str, float]:
        """Means since the last tick, and how the critic judges images that it never learnt from.

        Adapts the augmentation by that: "overfit" is how much of what the critic tells apart it
        has learnt by heart, 0..1 (Karras et al. 2020, arXiv 2006.06676, r_v).
        """
        steps = max(1, self._steps)
        self.world.average(self._sums.values())
        found = {name: float(total) / steps for name, total in self._sums.items()}
        self._sums, self._steps = {}, 0
        found.update(self._judged())
        if self.options.augmentation == "auto":
            up = 1 if found["overfit"] > OVERFIT_TARGET else -1
            changed = self.probability + up * TICK / AUGMENT_IMAGES
            self.probability = self.world.agree(min(augment.STRONGEST, max(0.0, changed)))
        return found | {"gamma": self.gamma, "rate": self.rate, "augmentation": self.probability}

    @torch.no_grad()
    def _judged(self) -> dict[str, float]:
        """D(training), D(held out), D(generated), none of them augmented."""
        tick = self.seen // TICK
        order = torch.randperm(len(self.images), generator=self._draws("look", tick))[:LOOK]
        held = torch.randperm(len(self.held_out), generator=self._draws("held", tick))[:LOOK]
        z = torch.randn(LOOK, self.generator.z_dim, generator=self._draws("judged", tick))
        learnt = self._logits(self._shown(self.images, order))
        unseen = self._logits(self._shown(self.held_out, held))
        made = self._logits(torch.cat([self.generator(part) for part in self._parts(z)]).float())
        gap = learnt - made
        overfit = (learnt - unseen) / gap if gap > 0.05 else 0.0
        return {"learnt": learnt, "held_out": unseen, "made": made, "overfit": overfit}

    def _logits(self, pictures: Tensor) -> float:
        return float(torch.cat([self.critic(part) for part in torch.split(pictures, 64)]).mean())

    def _shown(self, images: Tensor, indices: Tensor) -> Tensor:
        return images[indices.to(images.device)].to(self.device).float() / 127.5 - 1

    def _parts(self, z: Tensor) -> Iterator[Tensor]:
        yield from torch.split(z.to(self.device), 64)

    @torch.no_grad()
    def sample(self, seeds: range) -> Tensor:
        """What the averaged generator makes of seeds, [N, 3, R, R] in 0..1, not truncated."""
        z = seed_latents(list(seeds), self.generator.z_dim)
        made = [self.averaged(part).float() for part in self._parts(z)]
        return torch.cat(made).add_(1).div_(2).clamp_(0, 1)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything a resumed training needs: tensors by name, and plain values."""
        tensors = {}
        for name, network in self._networks().items():
            tensors.update({f"{name}.{k}": v for k, v in network.state_dict().items()})
        for name, optimizer in self.optimizers.items():
            for index, values in optimizer.state_dict()["state"].items():
                tensors.update({f"{name} adam.{index}.{k}": v for k, v in values.items()})
        tensors.update({f"sums.{name}": total for name, total in self._sums.items()})
        plain = {"seen": self.seen, "probability": self.probability, "steps": self._steps}
        return {k: v.detach().contiguous() for k, v in tensors.items()}, plain

    def load_state(self, tensors: dict[str, Tensor], plain: dict[str, Any]) -> None:
        """Go on from what state gave. Raises KeyError or RuntimeError for another training's."""
        for name, network in self._networks().items():
            network.load_state_dict(_under(tensors, f"{name}."))
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in _under(tensors, f"{name} adam.").items():
                index, _, field = key.partition(".")
                state.setdefault(int(index), {})[field] = value
            optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        self._sums = {k: v.to(self.device) for k, v in _under(tensors, "sums.").items()}
        self.seen, self._steps = int(plain["seen"]), int(plain["steps"])
        self.probability = float(plain["probability"])

    def start_from(self, generator: StyleGenerator, critic: Critic | None) -> None:
        """Begin with what another training has learnt. Raises ValueError for another shape."""
        if generator.architecture != self.generator.architecture:
            raise ValueError(
                f"The networks to start from are for {generator.architecture.resolution} px with "
                f"widths {list(generator.architecture.widths)}, these are for "
                f"{self.options.resolution} px with {list(self.generator.architecture.widths)}; "
                "choose the same --resolution and --network."
            )
        for network in (self.generator, self.averaged):
            network.load_state_dict(generator.state_dict())
        if critic is not None:
            self.critic.load_state_dict(critic.state_dict())

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator,
            "averaged": self.averaged,
            "critic": self.critic,
        }


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _cosine(progress: float, last: float) -> float:
    return last + (1 - last) * (1 + math.cos(math.pi * progress)) / 2
