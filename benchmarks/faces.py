"""How long the bundled generator takes for a face, and how that compares with OpenVINO.

python benchmarks/faces.py [--wheel random_face-2021.7.21.1-py3-none-any.whl] [--threads 2]

Prints the median of several runs as a table. OpenVINO is measured on the files in the wheel, when
the wheel is given and OpenVINO is installed, in float32 like ours.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import seconds
from smart.conversion.faces import read_ir_files
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="of random-face, to compare with OpenVINO")
    parser.add_argument("--device", default="cpu", help="%(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="%(default)s")
    parser.add_argument("--runs", type=int, default=7, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = load_generator("faces", options.device)
    codes = generator.map(seed_latents(range(6), generator.z_dim))
    w = truncate(codes, generator.w_mean, 0.7)
    rows: list[tuple[str, float]] = []
    for size in reversed(generator.sizes):
        work = lambda size=size: generator.synthesize(w[:1], size)  # noqa: E731
        rows.append((f"one face, {size} px", seconds(work, options.runs)))
    rows.append(("six faces, 1024 px", seconds(lambda: generator.synthesize(w), options.runs)))
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


if __name__ == "__main__":
    main()
