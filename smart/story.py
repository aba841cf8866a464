"""How it works, computed: the networks of the app, asked for what happens inside them.

A face on its way from noise, the critic's marks, what VGG sees, and a portrait whose every step can
be looked at. Beside smart.pipeline the only module that knows both sitter and painter.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from smart import images, networks, styles
from smart.device import best_device
from smart.gan import duel, growing, latents, snapshot
from smart.gan.critic import Critic
from smart.gan.generator import preview
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.style_generator import StyleGenerator
from smart.options import FACES, SEEDS, PaintingOptions
from smart.painting import painter, watched
from smart.painting.contract import Scene, StyleImage
from smart.painting.vgg import pink_noise
from smart.painting.watched import Parts as Parts
from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.weights import WeightsError

PAIR = "painted-portraits"  # in weights/: a generator with its critic
PORTRAITS = 6  # in one round of the game
VARIETY = 0.85  # their psi
ADVICE = 8  # steps; further on it would only learn to fool this critic
LARGEST_PSI = 1.5
EYE = 160  # px; what VGG is shown, and what is rebuilt from it
CANVAS = 224  # px; the portrait whose every step is kept
REBUILD_STEPS, REPAINT_STEPS = 40, 40


def code(seed: int, psi: float) -> Tensor:
    """The code w [1, w_dim] of a seed, as far from the average as psi says (0 to 1.5).

    Raises ValueError for another psi or no seed.
    """
    if not 0 <= psi <= LARGEST_PSI:
        raise ValueError(f"psi is {psi:g}; it must be from 0 to {LARGEST_PSI:g}.")
    network = networks.generator(FACES)
    z = latents.seed_latents([seed], network.z_dim).to(network.w_mean.device)
    return latents.truncate(network.map(z), network.w_mean, psi)


def numbers(seed: int) -> tuple[Tensor, Tensor]:
    """The noise z and the code w of a seed, [512] each on the CPU."""
    network = networks.generator(FACES)
    z = latents.seed_latents([seed], network.z_dim)
    return z[0], network.map(z.to(network.w_mean.device))[0].cpu()


def face(seed: int, psi: float, size: int | None = None) -> Tensor:
    """The face as soon as may be, [1, 3, size, size] in 0..1 on the CPU; CANVAS px for None."""
    return preview(networks.generator(FACES), code(seed, psi), size or CANVAS).cpu()


def faces_between(seed: int, amounts: Sequence[float], size: int) -> list[Tensor]:
    """The same face with several psi, [1, 3, size, size] each."""
    return [face(seed, psi, size) for psi in amounts]


def growth(seed: int, psi: float) -> Iterator[Tensor]:
    """The face after each level, from 8 px up, as the network goes on; see smart.gan.growing."""
    network = networks.generator(FACES)
    if not isinstance(network, MobileStyleGAN):
        raise WeightsError(f"The weights {FACES} are of another network; restore the folder.")
    for picture in growing.growth(network, code(seed, psi), _readings(best_device())):
        yield picture.cpu()


@lru_cache(maxsize=1)
def _readings(device: torch.device) -> dict[int, growing.Reading]:
    return growing.load_readings(FACES, device)


@lru_cache(maxsize=1)
def _pair() -> tuple[StyleGenerator, Critic]:
    generator, critic = snapshot.load_pair(PAIR)
    if critic is None:
        raise WeightsError(f"{PAIR} has no critic beside it; restore the folder weights/{PAIR}.")
    return generator, critic


def portraits(seed: int) -> Tensor:
    """Six pictures that the small generator makes of seed and those behind it."""
    return duel.made(_pair()[0], _six(seed), VARIETY)


def judged(seed: int) -> duel.Round:
    """The same six with the critic's marks and what it saw."""
    return duel.judged(_pair()[1], portraits(seed))


def advised(seed: int) -> tuple[Tensor, tuple[float, float]]:
    """A picture after following the critic for ADVICE steps, and its marks before and after."""
    return duel.advised(*_pair(), seed, ADVICE, VARIETY)


def _six(seed: int) -> list[int]:
    return [(seed + index) % SEEDS for index in range(PORTRAITS)]


def painting(slug: str, size: int | None = None) -> Tensor:
    """The first work of a painter, or one work, [1, 3, h, w]; its longer side size px, if given.

    Raises ValueError (see smart.styles) for one there is not.
    """
    work = styles.scan().choose(slug).works[0]
    picture = images.to_tensor(work.open())
    return picture if size is None else images.fit_within(picture, size)


def middle(slug: str, size: int) -> Tensor:
    """The middle of a painting (see painting), [1, 3, size, size]."""
    work = styles.scan().choose(slug).works[0]
    return images.to_tensor(images.square(work.open(), size))


def channels(picture: Tensor, layer: str, count: int) -> tuple[list[int], Tensor, int]:
    """What a layer of VGG sees of a picture: see smart.painting.watched.strongest."""
    return watched.strongest(networks.feature_network(), picture, layer, count)


def rebuild(
    content: Tensor, style: Tensor, layer: str, on_progress: OnProgress = ignore
) -> tuple[Tensor, Tensor]:
    """From noise: what a layer keeps of the content, then what its Gram matrices keep of a style.

    Two pictures [1, 3, EYE, EYE]; previews hold both, [2, 3, EYE, EYE]. Cancelled from
    on_progress ends it with what is there.
    """
    network = networks.feature_network()
    size, steps = EYE, REBUILD_STEPS
    both = pink_noise(size, size, 0).repeat(2, 1, 1, 1)
    words = (f"rebuilding the face from {layer}", f"growing a texture up to {layer}")
    done = 0

    def step(place: int) -> watched.OnStep:
        def told(parts: Parts, picture: Tensor) -> None:
            nonlocal done
            done += 1
            both[place] = picture[0].cpu()
            loss = parts.style if place else parts.content
            on_progress(Progress(done, 2 * steps, words[place], loss, both.clone()))

        return told

    try:
        watched.rebuilt(network, images.resize(content, size, size), layer, steps, step(0))
        done = steps  # it may have settled before
        watched.texture(network, style, layer, size, steps, step(1))
    except Cancelled:
        pass
    return both[:1], both[1:]


@dataclass
class Repainting:
    """A portrait with the way it came to be.

    frames are uint8 [3, H, W] by the number of steps they were reached after, 150 kB each and 30
    at most; falls are the two losses before each step.
    """

    seed: int
    psi: float
    slug: str
    balance: float
    frames: dict[int, Tensor] = field(default_factory=dict)
    falls: list[Parts] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.falls)

    def nearest(self, step: int) -> int:
        """The last step at or before step whose picture was kept."""
        return max((kept for kept in self.frames if kept <= step), default=0)

    def frame(self, step: int) -> Tensor:
        """The picture nearest to step, [1, 3, H, W] in 0..1."""
        return self.frames[self.nearest(step)][None].float() / 255


def repaint(made: Repainting, on_progress: OnProgress = ignore) -> Repainting:
    """Paint the face of a portrait that holds nothing yet, and keep every step in it.

    Cancelled from on_progress ends it with what is there. Raises ValueError for settings there are
    not.
    """
    watched.weighed(made.balance)  # complains first
    content, style = face(made.seed, made.psi), painting(made.slug)
    made.frames[0] = _bytes(content)
    last = content
    began = time.monotonic()

    def step(parts: Parts, picture: Tensor) -> None:
        nonlocal last
        made.falls.append(parts)
        last = picture
        if _kept(made.steps):
            made.frames[made.steps] = _bytes(picture)
        on_progress(Progress(made.steps, REPAINT_STEPS, "painting", parts.style, picture.cpu()))

    try:
        network = networks.feature_network()
        watched.repaint(network, content, style, made.balance, REPAINT_STEPS, step)
    except Cancelled:
        made.stopped = True
    made.seconds = time.monotonic() - began
    made.frames[made.steps] = _bytes(last)
    return made


def _kept(step: int) -> bool:
    """Every early step, where much happens, and every second later."""
    return step <= 20 or step % 2 == 0


def _bytes(picture: Tensor) -> Tensor:
    return (picture[0].detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)


def wish(made: Repainting, step: int) -> Tensor:
    """Where the loss wants the pixels of a frame to go: minus its gradient, [1, 3, H, W]."""
    content, style = face(made.seed, made.psi), painting(made.slug)
    network = networks.feature_network()
    loss = watched.objective(network, content, style, made.balance)
    _, gradient = loss(made.frame(step).to(network.device))
    return -gradient.cpu()


def sketched(seed: int, psi: float, slug: str) -> tuple[Tensor, float]:
    """The face by the network that paints in one pass, [1, 3, H, W], and how many seconds."""
    options = PaintingOptions(size=CANVAS, engine="feed-forward")
    scene = Scene(face(seed, psi), [StyleImage(painting(slug))])
    stylizer = networks.stylizer(options.sketcher)
    began = time.monotonic()
    return painter.sketch(scene, options, stylizer), time.monotonic() - began
