"""How long the bundled generator takes for a face or a preview, and how OpenVINO compares.

python benchmarks/faces.py [--wheel random_face-2021.7.21.1-py3-none-any.whl] [--threads 2]

Prints the median of several runs as a table, and how near previews come to the whole network's
picture, reduced to their size, on faces that scripts/fit_heads.py never saw. OpenVINO is measured
on the files in the wheel, when the wheel is given and OpenVINO is installed, in float32 like ours.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import seconds
from smart.conversion.faces import read_ir_files
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN

JUDGED = range(32)  # seeds; the heads learned from those above 50,000


def openvino_face(wheel: Path, w: torch.Tensor, threads: int) -> Callable[[], object] | None:
    """One 1024 px face by OpenVINO, or None when it is not installed."""
    try:
        import openvino
    except ImportError:
        return None
    files = read_ir_files(wheel)
    core = openvino.Core()
    constants = np.frombuffer(files["SynthesisNetwork.bin"], np.uint8)
    model = core.read_model(files["SynthesisNetwork.xml"], openvino.Tensor(constants))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    network = core.compile_model(model, "CPU", settings)
    return lambda: network(w.numpy())


def decibels(generator: MobileStyleGAN, psi: float) -> dict[int, float]:
    """Mean PSNR (pictures in 0..1) of previews of each size against the reduced faces."""
    total = dict.fromkeys(generator.preview_sizes, 0.0)
    for seed in JUDGED:
        z = seed_latents([seed], generator.z_dim)
        w = truncate(generator.map(z), generator.w_mean, psi)
        face = generator.synthesize(w)
        for size in total:
            reduced = F.avg_pool2d(face, face.shape[-1] // size)
            error = F.mse_loss(generator.preview(w, size), reduced)
            total[size] -= 10 * math.log10(float(error))
    return {size: value / len(JUDGED) for size, value in total.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="of random-face, to compare with OpenVINO")
    parser.add_argument("--device", default="cpu", help="%(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="%(default)s")
    parser.add_argument("--runs", type=int, default=7, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = load_generator("faces", options.device)
    assert isinstance(generator, MobileStyleGAN)
    codes = generator.map(seed_latents(range(6), generator.z_dim))
    w = truncate(codes, generator.w_mean, 0.7)
    rows: list[tuple[str, float]] = []
    for size in reversed(generator.sizes):
        work = lambda size=size: generator.synthesize(w[:1], size)  # noqa: E731
        rows.append((f"one face, {size} px", seconds(work, options.runs)))
    rows.append(("six faces, 1024 px", seconds(lambda: generator.synthesize(w), options.runs)))
    for size in generator.preview_sizes:
        work = lambda size=size: generator.preview(w[:1], size)  # noqa: E731
        rows.append((f"preview, {size} px", seconds(work, options.runs)))
    if options.wheel:
        reference = openvino_face(options.wheel, w[:1].cpu(), options.threads)
        if reference is None:
            print("OpenVINO is not installed; without it there is nothing to compare with.")
        else:
            rows.append(("one face, 1024 px, OpenVINO", seconds(reference, options.runs)))
    print(
        f"torch {torch.__version__}, {options.device}, {options.threads} threads, median of ",
        end="",
    )
    print(f"{options.runs}\n\n| what | seconds | of one 1024 px face |\n|---|---:|---:|")
    for name, value in rows:
        print(f"| {name} | {value:.3f} | {value / rows[0][1]:.2f} |")
    print(f"\n| preview of {len(JUDGED)} unseen faces | psi 0.7, dB | psi 1, dB |\n|---|---:|---:|")
    usual, whole = decibels(generator, 0.7), decibels(generator, 1.0)
    for size, value in usual.items():
        print(f"| {size} px | {value:.1f} | {whole[size]:.1f} |")


if __name__ == "__main__":
    main()
