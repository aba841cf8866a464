"""Our StyleGAN2 beside the two programs it reads: are the pictures the same, and who is sooner?

python benchmarks/stylegan2.py --rosinality FOLDER --nvidia FOLDER [--sizes 64 256] [--threads 1]

FOLDER is a checkout of github.com/rosinality/stylegan2-pytorch and of NVlabs/stylegan2-ada-pytorch;
nothing of them is in this repository. Each builds its generator with random weights (biases, noise
strengths and the mean of w included) and saves it in its own format; that is converted and run on
the same latents. Prints the largest difference on the scale -1..1, before pictures are clamped.
Both run the code they have for processors; what they compile for graphics cards is left out.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pickle
import re
import sys
import tempfile
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import seconds
from smart.conversion.stylegan2 import convert_stylegan2
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.gan.stylegan2 import StyleGAN2

LIMIT = 1e-4
SEEDS, PSIS = range(3), (1.0, 0.7)


@dataclass
class Reference:
    """Another program's generator: name, the file it saved, and z, psi -> picture, unclamped."""

    name: str
    file: Path
    run: Callable[[Tensor, float], Tensor]


def stir(network: nn.Module) -> None:
    """Random numbers where training starts from zeros: biases and noise strengths."""
    for key, parameter in network.named_parameters():
        if parameter.ndim <= 1 or key.endswith("bias"):
            parameter.data += 0.3 * torch.randn_like(parameter)


def calm(network: nn.Module, run: Callable[[Tensor, float], Tensor]) -> None:
    """Heads such that pictures deviate by 0.5, as trained ones do on the scale -1..1.

    With weights as they are initialised it would be 2 to 6, more the larger the picture.
    """
    factor = 0.5 / float(run(seed_latents([9], 512), 1.0).std())
    styles = re.compile("modulation|affine")
    for key, parameter in network.named_parameters():
        if re.search("to_?rgb", key) and not styles.search(key):
            parameter.data *= factor


def rosinality(path: str, size: int, folder: Path) -> Reference:
    """stylegan2-pytorch's Generator, saved as its convert_weight.py does."""
    if path not in sys.path:
        sys.path.insert(0, path)
    with mock.patch("torch.utils.cpp_extension.load"):  # what it compiles when it is imported
        model = importlib.import_module("model")
    torch.manual_seed(size)
    network = model.Generator(size, 512, 8).eval().requires_grad_(False)
    stir(network)
    mean = 0.1 * torch.randn(512)
    file = folder / f"rosinality-{size}.pt"

    def run(z: Tensor, psi: float) -> Tensor:
        picture: Tensor = network(
            [z], truncation=psi, truncation_latent=mean[None], randomize_noise=False
        )[0]
        return picture

    calm(network, run)
    torch.save({"g_ema": network.state_dict(), "latent_avg": mean}, file)
    return Reference("stylegan2-pytorch", file, run)


def nvidia(path: str, size: int, folder: Path, **synthesis: Any) -> Reference:
    """stylegan2-ada-pytorch's Generator, saved as its training loop does."""
    if path not in sys.path:
        sys.path.insert(0, path)
    # It would download with it, which we do not.
    if "requests" not in sys.modules and importlib.util.find_spec("requests") is None:
        sys.modules["requests"] = types.ModuleType("requests")
    networks = importlib.import_module("training.networks")
    torch.manual_seed(size)
    network = networks.Generator(512, 0, 512, size, 3, synthesis_kwargs=synthesis)
    network = network.eval().requires_grad_(False)
    stir(network)
    network.mapping.w_avg.copy_(0.1 * torch.randn(512))
    what = ", ".join(f"{key} {value}" for key, value in synthesis.items())
    file = folder / f"nvidia-{size}-{len(synthesis)}.pkl"

    def run(z: Tensor, psi: float) -> Tensor:
        w = network.mapping(z, None, truncation_psi=psi)
        picture: Tensor = network.synthesis(w, noise_mode="const", force_fp32=True)
        return picture

    calm(network, run)
    with file.open("wb") as out:
        pickle.dump({"G": None, "D": None, "G_ema": network, "augment_pipe": None}, out)
    return Reference(f"stylegan2-ada-pytorch{' with ' + what if what else ''}", file, run)


def compare(reference: Reference, size: int, runs: int) -> str:
    """One row of the table: the largest difference, the deviation of a picture, both times."""
    out = reference.file.with_suffix("")
    convert_stylegan2(reference.file, out, "none, random", "random weights", "float32")
    ours = load_generator(out)
    assert isinstance(ours, StyleGAN2)
    most, deviation = 0.0, 0.0
    z = seed_latents(SEEDS, ours.z_dim)
    with torch.no_grad():
        for psi in PSIS:
            expected = reference.run(z, psi)
            w = truncate(ours.map(z), ours.w_mean, psi)[:, None].expand(-1, ours.slots, -1)
            single = torch.cat([ours.synthesis(row) for row in w.split(1)])
            for found in (single, ours.synthesis(w)):
                most = max(most, float((found - expected).abs().max()))
            deviation = float(expected.std())
        theirs = seconds(lambda: reference.run(z[:1], 0.7), runs)
        mine = seconds(lambda: ours.synthesize(truncate(ours.map(z[:1]), ours.w_mean, 0.7)), runs)
    verdict = "" if most <= LIMIT else " (over the limit)"
    return (
        f"| {reference.name} | {size} | {most:.1e}{verdict} | {deviation:.2f} | {theirs:.3f} "
        f"| {mine:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rosinality", help="a checkout of stylegan2-pytorch")
    parser.add_argument("--nvidia", help="a checkout of stylegan2-ada-pytorch")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256], help="%(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="%(default)s")
    parser.add_argument("--runs", type=int, default=3, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads, limit {LIMIT:.0e}\n")
    print("| reference | px | largest difference | deviation | its seconds | ours |")
    print("|---|---:|---:|---:|---:|---:|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            references = []
            if options.rosinality:
                references.append(rosinality(options.rosinality, size, folder))
            if options.nvidia:
                references.append(nvidia(options.nvidia, size, folder))
                references.append(nvidia(options.nvidia, size, folder, conv_clamp=1.5))
            for reference in references:
                print(compare(reference, size, options.runs), flush=True)


if __name__ == "__main__":
    main()
