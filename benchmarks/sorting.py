"""How well a few picked images bring up the others of their kind in a museum.

python benchmarks/sorting.py paintings.zip --kind painted-faces.zip [--draws 8] [--sheet sheet.png]

The truth is in the names of --kind: paintings from which a face was cut, `NAME_x_y.jpg` from
`NAME.jpg`. Ten of them are drawn, the rest is ranked, and it is counted how many of the first 500
hold a face; beside it the same ranking on thumbnails instead of VGG features, and chance. The
detector that cut the faces overlooked some, so the true figures are a little higher.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measures import table
from smart import images
from smart.gan.sources import entries
from smart.sorting import Museum, _standardised, keep_best, open_museum

CUTS = (50, 100, 200, 500, 1000, 2000)


def truth(museum: Museum, kind: Path) -> Tensor:
    """Which images hold what was looked for, [N]."""
    stems = {Path(entry.name).stem.rsplit("_", 2)[0] for entry in entries(kind)}
    return torch.tensor([Path(name).stem in stems for name in museum.images.names])


def thumbnails(museum: Museum) -> Museum:
    """The same museum described by its pixels at 16 px."""
    small = F.adaptive_avg_pool2d(museum.images.pixels.float() / 255, 16).flatten(1)
    return Museum(museum.images, _standardised(small.square()))


def curve(scores: Tensor, right: Tensor, picked: list[int]) -> tuple[list[float], float]:
    """Precision at each of CUTS, and average precision, the picked ones left out."""
    scores = scores.clone()
    scores[picked] = -9
    order = scores.argsort(descending=True)[: len(scores) - len(picked)]
    hits = right[order].double()
    precision = hits.cumsum(0) / torch.arange(1, len(hits) + 1)
    return [float(precision[cut - 1]) for cut in CUTS], float((precision * hits).sum() / hits.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("--kind", type=Path, required=True, help="whose names tell the truth")
    parser.add_argument("--draws", type=int, default=8, help="of ten picked images (%(default)s)")
    parser.add_argument("--sheet", type=Path, help="the first 96 and around 500 of the first draw")
    options = parser.parse_args()
    museum = open_museum(options.images)
    right = truth(museum, options.kind)
    methods = {"VGG features": museum, "thumbnails of 16 px": thumbnails(museum)}
    found: dict[str, list[tuple[list[float], float]]] = {name: [] for name in (*methods, "chance")}
    members = right.nonzero().flatten().tolist()
    for seed in range(options.draws):
        picked = random.Random(seed).sample(members, 10)
        for name, described in methods.items():
            found[name].append(curve(described.rank(picked), right, picked))
        noise = torch.rand(len(right), generator=torch.Generator().manual_seed(seed))
        found["chance"].append(curve(noise, right, picked))
        if options.sheet and seed == 0:
            best = keep_best(museum.rank(picked), 524)
            images.save_png(museum.sheet([*picked, *best[10:106], *best[476:]]), options.sheet)
    print(f"{len(museum)} images, {len(members)} ({len(members) / len(museum):.1%}) with a face; "
          f"mean of {options.draws} draws of ten (seeds 0 to {options.draws - 1})\n")  # fmt: skip
    head = ["ranked by", *(f"precision at {cut}" for cut in CUTS), "average precision"]
    rows = []
    for name, draws in found.items():
        means = torch.tensor([[*at, average] for at, average in draws]).mean(0)
        rows.append([name, *(f"{float(value):.3f}" for value in means)])
    print(table(head, rows))
    worst = min(at[CUTS.index(500)] for at, _ in found["VGG features"])
    print(f"The worst draw by VGG features has {worst:.3f} at 500.")


if __name__ == "__main__":
    main()
