"""How near the sitter found for a photograph comes, how long it takes, and whether faces are found.

python benchmarks/likeness.py [PHOTO ...] [--seeds 3 6 11 17 23 42] [--threads 2] [--sheet FILE]

For faces of the generator (psi 0.7, seeds the search has not seen), which it should reproduce, for
photographs, whose faces are found first, and for two pictures without a face. PSNR is that of the
whole network's picture, reduced to 256 px; nearness is the share of the difference from the mean
face that was taken away. The sheet shows: photograph, start, face as a whole (w), slots of their
own (w+), and the whole network's picture.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import table
from smart import images, networks
from smart.gan.face_frame import FaceFinder, crop
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.projector import TARGET, project
from smart.painting.vgg import pink_noise
from smart.progress import Progress

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
FRAME_LAYER = "relu3_3"


class Watch:
    """Keeps the first and the last picture of each stage of a search."""

    def __init__(self) -> None:
        self.first: dict[str, Tensor] = {}
        self.last: dict[str, Tensor] = {}

    def __call__(self, progress: Progress) -> None:
        self.first.setdefault(progress.stage, progress.preview)
        self.last[progress.stage] = progress.preview


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[3, 6, 11, 17, 23, 42])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sheet", type=Path, help="a PNG to look at")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator, network = networks.generator(), networks.feature_network("vgg16")
    assert isinstance(generator, MobileStyleGAN)

    def features(picture: Tensor) -> list[Tensor]:
        found = network(picture, LAYERS)
        return [found[layer] for layer in LAYERS]

    targets: list[tuple[str, Tensor]] = []
    for seed in options.seeds:
        w = generator.map(seed_latents([seed], generator.z_dim))
        face = generator.synthesize(truncate(w, generator.w_mean, 0.7), TARGET)
        targets.append((f"seed {seed}", face))
    began = time.monotonic()
    finder = FaceFinder(lambda p: [network(p, [FRAME_LAYER])[FRAME_LAYER]], generator)
    print(f"face finder made in {time.monotonic() - began:.1f} s")
    for path in options.photos:
        photo = images.to_tensor(images.open_image(path))
        began = time.monotonic()
        frame = finder.find(photo)
        print(f"{path.name}: {frame}, {'a' if frame.found else 'no'} face, "
              f"{time.monotonic() - began:.1f} s")  # fmt: skip
        if frame.found:
            targets.append((path.stem, crop(photo, frame, TARGET)))
    targets.append(("noise", pink_noise(TARGET, TARGET, 0)))
    wave = Path(__file__).resolve().parent.parent / "styles/hokusai/great-wave.png"
    targets.append(("no face", images.to_tensor(images.square(images.open_image(wave), TARGET))))

    rows, sheet = [], []
    for name, target in targets:
        watch, began = Watch(), time.monotonic()
        found = project(target, generator, features, watch)
        took = time.monotonic() - began
        whole = F.avg_pool2d(generator.synthesize(found.w_plus), generator.sizes[-1] // TARGET)
        decibels = -10 * math.log10(float(F.mse_loss(whole, target)))
        rows.append([name, f"{took:.0f}", f"{decibels:.1f}", f"{found.nearness:.2f}"])
        shown = [target, watch.first["turning to the photograph"],
                 watch.last["turning to the photograph"],
                 watch.last["taking its features"], whole]  # fmt: skip
        sheet += [images.to_pil(images.resize(picture, TARGET, TARGET)) for picture in shown]
        print(rows[-1], flush=True)
    print(f"\ntorch {torch.__version__}, {options.threads} threads\n")
    print(table(["photograph", "seconds", "PSNR, dB", "nearness"], rows))
    if options.sheet:
        images.save_png(images.sheet(sheet, 5), options.sheet)


if __name__ == "__main__":
    main()
