"""Makes the pictures of the README with the app's own pipeline.

python docs/make_pictures.py [hero] [painters] [controls] [asked]
(about twelve minutes on two cores)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images, pipeline, sitters, styles
from smart.options import PaintingOptions, SamplingOptions

HERE = Path(__file__).parent
HERO = [
    (4, "hokusai/great-wave"), (10, "renoir/girls-at-the-piano"), (20, "hiroshige"),
    (17, "van-gogh"), (6, "durer"), (15, "kandinsky"),
]  # fmt: skip
TILE = 320  # px in the sheet; painted at 512
SITTERS = (13, 16, 15)
PAINTERS = (
    "arcimboldo/librarian", "bazille", "bellini", "bruegel", "cassatt", "durer", "hiroshige",
    "hokusai/great-wave", "kandinsky", "leonardo", "renoir/girls-at-the-piano", "van-gogh",
)  # fmt: skip
SMALL = 160  # px; painted at 256
WAVE = "hokusai/great-wave"
CONTROLS: list[dict[str, Any]] = [
    {}, {"strength": 0.5}, {"stroke_size": 2.0}, {"colors": "sitter"}, {"face_weight": 12.0},
    {"ground": "van-gogh"}, {"second": "renoir/girls-at-the-piano"}, {"start": "noise"},
]  # fmt: skip
CONTROLLED = 15  # the seed
ASKED: list[dict[str, Any]] = [
    {}, {"sliders": "turn=-0.9"}, {"sliders": "smile=1,nod=0.4"}, {"sliders": "age=-1"},
    {"sliders": "age=1,glasses=0.8"}, {"sliders": "masculine=0.9"}, {"sliders": "hair=1,light=-1"},
    {"relative": 2}, {"colors_from": 13}, {"features_from": 16},
]  # fmt: skip
ASKED_SIZE = 200  # px


def hero() -> None:
    """Sitters above, their portraits below, painters in the order of HERO."""
    people, portraits = [], []
    for seed, slug in HERO:
        people.append(_sitter(seed, 512))
        portraits.append(_portrait(seed, 512, slug))
    small = [p.resize((TILE, TILE), Image.Resampling.LANCZOS) for p in people + portraits]
    _save(images.sheet(small, len(HERO), gap=6), "sitters-and-portraits")


def painters() -> None:
    """A painter in each column, a sitter in each row, the paintings above."""
    tiles = [Image.new("RGB", (SMALL, SMALL), "white")]
    tiles += [images.square(styles.scan().choose(p).works[0].open(), SMALL) for p in PAINTERS]
    for seed in SITTERS:
        tiles.append(_sitter(seed, 256).resize((SMALL, SMALL), Image.Resampling.LANCZOS))
        for slug in PAINTERS:
            made = _portrait(seed, 256, slug)
            tiles.append(made.resize((SMALL, SMALL), Image.Resampling.LANCZOS))
    _save(images.sheet(tiles, len(PAINTERS) + 1, gap=4), "painters")


def controls() -> None:
    """One sitter after one painting, each time with one control moved."""
    tiles = []
    for control in CONTROLS:
        more = dict(control)
        slugs = [WAVE] + ([more.pop("second")] if "second" in more else [])
        ground = [more.pop("ground")] if "ground" in more else []
        made = _portrait(CONTROLLED, 384, *slugs, ground=ground, **more)
        tiles.append(made.resize((TILE, TILE), Image.Resampling.LANCZOS))
    _save(images.sheet(tiles, 4, gap=6), "controls")


def asked() -> None:
    """One sitter asked for one thing after another, and a sketch of each."""
    tiles: list[list[Image.Image]] = [[], []]
    choices = styles.scan().choose_all(["renoir/girls-at-the-piano"])
    for wishes in ASKED:
        options = SamplingOptions(seed=CONTROLLED, **wishes)
        painting = PaintingOptions(size=512, engine="feed-forward")
        both = (
            images.to_pil(sitters.face(options, 512)),
            pipeline.paint_seed(options, choices, painting).image,
        )
        for row, picture in zip(tiles, both, strict=True):
            row.append(picture.resize((ASKED_SIZE, ASKED_SIZE), Image.Resampling.LANCZOS))
    _save(images.sheet([*tiles[0], *tiles[1]], len(ASKED), gap=4), "asked")


def _sitter(seed: int, size: int) -> Image.Image:
    return images.to_pil(sitters.face(SamplingOptions(seed=seed), size))


def _portrait(
    seed: int, size: int, *slugs: str, ground: list[str] | None = None, **more: Any
) -> Image.Image:
    catalogue = styles.scan()
    options = PaintingOptions(size=size, **more)
    behind = catalogue.choose_all(ground) if ground else ()
    made = pipeline.paint_seed(
        SamplingOptions(seed=seed), catalogue.choose_all(slugs), options, ground=behind
    )
    print(seed, *slugs, more or "")
    return made.image


def _save(sheet: Image.Image, name: str) -> None:
    sheet.save(HERE / f"{name}.jpg", quality=88, optimize=True, subsampling=0)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("hero", "painters", "controls", "asked"):
        {"hero": hero, "painters": painters, "controls": controls, "asked": asked}[chosen]()
