"""Makes the pictures of the README with the app's own pipeline.

python docs/make_pictures.py    (about three minutes on two cores)
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from smart import images, pipeline, styles
from smart.options import PaintingOptions, SamplingOptions

HERE = Path(__file__).parent
HERO = [
    (4, "hokusai/great-wave"), (10, "renoir/girls-at-the-piano"), (20, "hiroshige"),
    (17, "van-gogh"), (6, "durer"), (15, "kandinsky"),
]  # fmt: skip
TILE = 320  # px in the sheet; painted at 512


def main() -> None:
    """Sitters above, their portraits below, painters in the order of HERO."""
    catalogue = styles.scan()
    sitters, portraits = [], []
    for seed, slug in HERO:
        options = SamplingOptions(seed=seed)
        sitters.append(images.to_pil(pipeline.sitter(options, 512)))
        choice = catalogue.choose(slug)
        made = pipeline.paint_seed(options, (choice,), PaintingOptions(size=512))
        portraits.append(made.image)
        print(seed, slug)
    small = [p.resize((TILE, TILE), Image.Resampling.LANCZOS) for p in sitters + portraits]
    sheet = images.sheet(small, len(HERO), gap=6)
    sheet.save(HERE / "sitters-and-portraits.jpg", quality=90, optimize=True)


if __name__ == "__main__":
    main()
