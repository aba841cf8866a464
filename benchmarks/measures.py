"""Measures that no engine optimises, and what all benchmarks share: time and memory."""

from __future__ import annotations

import io
import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images
from smart.painting.color import luminance
from smart.painting.feed_forward import Stylizer

COMPARED = 256  # px a side at which pictures are compared


def seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The median time of several runs, after one to warm up."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def apart(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What work returns in a process of its own, and that process's peak memory in GB."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, work, arguments))
    process.start()
    sender.close()
    # Its own process, its own pickle: torch would share tensors that are gone with the process.
    result, peak = torch.load(io.BytesIO(receiver.recv_bytes()), weights_only=False)
    process.join()
    return result, float(peak)


def _send(sender: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    result = work(*arguments)
    data = io.BytesIO()
    torch.save((result, _peak()), data)
    sender.send_bytes(data.getvalue())


def _peak() -> float:
    """This process's peak memory in GB; getrusage would begin with that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 2**20  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@torch.no_grad()
def style_distance(portrait: Tensor, painting: Tensor, sitter: Tensor, stylizer: Stylizer) -> float:
    """How far the portrait's manner is from the painting's; 1 is as far as the sitter's is.

    The manner is the 100 numbers of the network that reads paintings (Ghiasi et al. 2017).
    """
    wanted = stylizer.encode(painting)
    distance = (stylizer.encode(portrait) - wanted).norm()
    return float(distance / (stylizer.encode(sitter) - wanted).norm())


def structure(portrait: Tensor, sitter: Tensor) -> float:
    """Structural similarity of the luminances (Wang et al. 2004): 1 is the same."""
    x, y = (luminance(images.resize(p, COMPARED, COMPARED)) for p in (portrait, sitter))
    line = torch.exp(-0.5 * (torch.arange(11) - 5.0).square() / 1.5**2)
    window = (line[:, None] * line / line.sum() ** 2)[None, None]

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(z, window)

    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    shared = blur(x * y) - mean_x * mean_y
    one, two = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + one) * (2 * shared + two)
    return float((similarity / ((mean_x**2 + mean_y**2 + one) * (var_x + var_y + two))).mean())


def edges(portrait: Tensor, sitter: Tensor) -> float:
    """Cosine of the two pictures' gradient magnitudes: 1 is edges in the same places."""
    x, y = (_edges(images.resize(p, COMPARED, COMPARED)) for p in (portrait, sitter))
    return float(F.cosine_similarity(x.flatten(), y.flatten(), dim=0))


def _edges(picture: Tensor) -> Tensor:
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack([across, across.T]).unsqueeze(1)
    return F.conv2d(luminance(picture), kernels).norm(dim=1)


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A table as Markdown; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
