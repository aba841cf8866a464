"""SMART's training beside the DCGAN of the well-known tutorials, and what several processes gain.

python benchmarks/training.py painted-faces.zip [--minutes 10] [--only peer,processes]
python benchmarks/training.py paintings.zip --selection portraits.json --crop face --only peer

Both are given the same images and the same time, and are measured by the same two distances on
images that neither learnt from. Processes share one global batch through torchrun and gloo.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.dcgan import DCGAN
from benchmarks.measures import table
from smart import images, likeness, school
from smart.gan import dataset, distributed, metrics
from smart.gan.trainer import Trainer, resolved
from smart.options import TrainingOptions

MEASURED = 256  # pictures
SIZE = 64  # px, the tutorial's
STEPS = 24  # timed, with as many penalties in them as in any 24 steps


def load(options: argparse.Namespace) -> Tensor:
    """The images of the command line as squares, uint8 [N, 3, SIZE, SIZE]."""
    return dataset.load(
        options.images,
        SIZE,
        crop=options.crop,
        selection=options.selection,
        find_face=likeness.face_in if options.crop == dataset.FACE else None,
    ).pixels


def train_for(minutes: float, step: Callable[[], None]) -> None:
    """Steps until the time is over: that of the processor, since other work may be going on."""
    end = time.process_time() + 60 * minutes * torch.get_num_threads()
    while time.process_time() < end:
        step()


def against_the_tutorial(pixels: Tensor, minutes: float, sheets: Path | None) -> None:
    """The same images, the same minutes, two distances."""
    training, held = school.hold_out(pixels, 0)
    real = held[:MEASURED].float() / 255
    features = school.vgg_features()
    seen = features(real)

    def measured(pictures: Tensor) -> list[str]:
        return [
            f"{metrics.sliced_wasserstein(real, pictures):.0f}",
            f"{metrics.kernel_distance(seen, features(pictures)):.0f}",
            f"{metrics.diversity(pictures) / metrics.diversity(real):.2f}",
        ]

    # As the app does it: everything by default. The schedule is that of a training of this length.
    pace = _images_a_second(training, held)
    options = TrainingOptions(
        resolution=SIZE, images=max(1000, round(60 * minutes * torch.get_num_threads() * pace))
    )
    ours = Trainer(training, held, resolved(options, torch.device("cpu")))
    theirs = DCGAN(training)
    rows = []
    for name, one, sample in (
        ("SMART", ours, lambda: ours.sample(range(MEASURED))),
        ("DCGAN", theirs, lambda: theirs.sample(MEASURED)),
    ):
        train_for(minutes, one.step)
        made: Tensor = sample()
        rows.append([f"{name}, {minutes:g} min", f"{one.seen:,}", *measured(made)])
        print(*rows[-1], file=sys.stderr)  # it takes its time: what is known is told at once
        if sheets:
            tiles = [images.to_pil(picture) for picture in made[:64]]
            images.save_png(images.sheet(tiles, 8), sheets / f"{name.lower()}.png")
    others = training[:MEASURED].float() / 255  # what other real images have is the limit
    rows.append(["real images, others", "", *measured(others)])
    head = ["trained", "images shown", "sliced Wasserstein", "VGG kernel", "diversity"]
    print(table(head, rows))


def _images_a_second(training: Tensor, held: Tensor, world: Any = None) -> float:
    options = resolved(TrainingOptions(resolution=SIZE), torch.device("cpu"))
    trainer = Trainer(training, held, options, "cpu", world)
    for _ in range(8):
        trainer.step()
    # Of the wall for several processes, which wait for each other; else of the processor.
    clock = time.perf_counter if world is not None else time.process_time
    began = clock()
    for _ in range(STEPS):
        trainer.step()
    return STEPS * options.batch / (clock() - began)


def processes(source: Path) -> None:
    """Images a second of one process with one and two threads, and of two with one each."""
    rows = []
    for count, threads in ((1, 1), (1, 2), (2, 1)):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                   f"--nproc-per-node={count}", __file__, str(source), "--worker"]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        speed = float(done.stdout.split()[-1])
        rows.append([str(count), str(threads), f"{speed:.0f}"])
    print(table(["processes", "threads each", "images a second"], rows))


def worker(source: Path) -> None:
    """One process of several: the first one prints the speed."""
    world = distributed.join()
    training, held = school.hold_out(dataset.load(source, SIZE).pixels, 0)
    speed = _images_a_second(training, held, world)
    if world.first:
        print(speed)
    distributed.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="a folder or a zip")
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="of the processor, for each (%(default)s)"
    )
    parser.add_argument("--only", default="peer,processes", help="which of %(default)s")
    parser.add_argument("--crop", default="center", help="as for train (%(default)s)")
    parser.add_argument("--selection", type=Path, help="a file that `sort` wrote")
    parser.add_argument("--sheets", type=Path, help="a folder for 64 pictures of each")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.images)
        return
    if "processes" in options.only:
        processes(options.images)
    if "peer" in options.only:
        against_the_tutorial(load(options), options.minutes, options.sheets)


if __name__ == "__main__":
    main()
