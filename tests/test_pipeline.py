"""From a seed to a portrait and back to the seed, on the real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from smart import images, pipeline, provenance, sitters, styles
from smart.device import best_device, feature_dtype
from smart.gan import snapshot
from smart.gan.critic import Critic
from smart.gan.style_generator import PRESETS, Architecture, StyleGenerator
from smart.options import PaintingOptions, SamplingOptions
from smart.progress import Cancelled, Progress

QUICK = PaintingOptions(size=64, effort=10)


@pytest.fixture
def small_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of a training called small, of networks that take milliseconds."""
    monkeypatch.setenv("SMART_RUNS", str(tmp_path / "runs"))
    monkeypatch.setitem(PRESETS, "small", (16, 256, 1, 8, 2))
    return snapshot_of(tmp_path / "runs" / "small" / "generator", seed=0)


def snapshot_of(folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    architecture = Architecture.of(32, "small")
    about = snapshot.Trained("small", "spots", "CC0", 8, {})
    return snapshot.save(folder, StyleGenerator(architecture), Critic(architecture), about)


def test_a_sitter_of_a_training(small_generator: Path) -> None:
    options = SamplingOptions(seed=5, generator="small")
    small, large = sitters.face(options), sitters.face(options, 128)
    assert (small.shape, large.shape) == ((1, 3, 32, 32), (1, 3, 128, 128))
    torch.testing.assert_close(images.resize(large, 32, 32), small, atol=0.1, rtol=0)
    portrait = pipeline.paint_seed(options, styles.scan().choose_all(["hokusai"]), QUICK)
    recipe = provenance.parse(portrait.provenance, "it")
    assert recipe.sampling == options
    again = pipeline.repeat(recipe)
    assert np.array_equal(np.asarray(portrait.image), np.asarray(again.image))
    snapshot_of(small_generator, seed=1)
    assert not torch.equal(sitters.face(options), small), "a running training has gone on"
    with pytest.raises(ValueError, match="no longer the one"):
        provenance.parse(portrait.provenance, "it")


def test_a_seed_is_the_same_face_whatever_stands_beside_it() -> None:
    alone = sitters.face(SamplingOptions(seed=5), 256)
    faces = dict(sitters.faces(SamplingOptions(seed=4), 2, 256))
    assert [options.seed for options in faces] == [4, 5]
    assert np.array_equal(np.asarray(faces[SamplingOptions(seed=5)]), _pixels(alone))


def test_seeds_wrap_around() -> None:
    last = SamplingOptions(seed=2**32 - 1)
    assert [options.seed for options, _ in sitters.faces(last, 2, 256)] == [2**32 - 1, 0]


def _pixels(image: torch.Tensor) -> np.ndarray:
    from smart import images

    return np.asarray(images.to_pil(image))


def test_a_stopped_portrait_can_be_made_again(few_styles: Path, tmp_path: Path) -> None:
    choices = styles.scan().choose_all(["hokusai/poppies"])

    def stop_at_three(progress: Progress) -> None:
        if progress.step == 3:
            raise Cancelled

    made = pipeline.paint_seed(SamplingOptions(seed=2), choices, QUICK, stop_at_three)
    assert made.stopped
    assert made.provenance["stopped_after"] == 3
    path = made.save(tmp_path / "stopped.png")
    recipe = pipeline.like(path)
    again = pipeline.repeat(recipe)
    assert again.provenance == made.provenance
    assert np.array_equal(np.asarray(again.image), np.asarray(made.image))


def test_a_painter_who_changed_is_noticed(few_styles: Path, tmp_path: Path) -> None:
    choices = styles.scan().choose_all(["hokusai"])
    path = pipeline.paint_seed(SamplingOptions(), choices, QUICK).save(tmp_path / "p.png")
    (few_styles / "hokusai" / "poppies.png").unlink()
    with pytest.raises(ValueError, match="'hokusai' are not those that painted p.png"):
        pipeline.like(path)


def test_the_works_of_a_folder_share_its_weight(few_styles: Path) -> None:
    choices = styles.scan().choose_all(["hokusai:0.5", "red-noise:0"])
    weights = [style.weight for style in pipeline._style_images(choices)]
    assert weights == [0.25, 0.25]


def test_device_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_PRECISION", "bfloat16")
    assert feature_dtype(torch.device("cpu")) == torch.bfloat16
    monkeypatch.setenv("SMART_PRECISION", "float8")
    with pytest.raises(ValueError, match="one of auto, float32, bfloat16"):
        feature_dtype(torch.device("cpu"))
    monkeypatch.delenv("SMART_PRECISION")
    best_device.cache_clear()
    monkeypatch.setenv("SMART_DEVICE", "abacus")
    with pytest.raises(ValueError, match="'abacus', which is not here"):
        best_device()
    best_device.cache_clear()


def _choices(*names: str) -> tuple[styles.Choice, ...]:
    return styles.scan().choose_all(names)


def test_a_stopped_portrait_goes_on_and_all_of_it_is_repeated(
    few_styles: Path, tmp_path: Path
) -> None:
    """Stopped, continued, made larger: three legs, and the PNG makes the same pixels again."""

    def stop_at_three(progress: Progress) -> None:
        if progress.step == 3:
            raise Cancelled

    start = pipeline.paint_seed(
        SamplingOptions(seed=2), _choices("hokusai/poppies"), QUICK, stop_at_three
    )
    saved = pipeline.load_portrait(start.save(tmp_path / "one.png"))
    assert saved.stopped
    further = pipeline.go_on(saved)
    assert not further.stopped
    larger = pipeline.go_on(further, size=96)
    assert larger.image.size == (96, 96)
    known = larger.provenance
    assert [leg.get("stopped_after") for leg in known["earlier"]] == [3, None]
    again = pipeline.repeat(pipeline.like(larger.save(tmp_path / "three.png")))
    assert again.provenance == known
    assert np.array_equal(np.asarray(again.image), np.asarray(larger.image))
    with pytest.raises(ValueError, match="size is 64, but the portrait has 96 px already"):
        pipeline.go_on(larger, size=64)


def test_a_sketch_grows_into_a_portrait(few_styles: Path) -> None:
    sketch = QUICK.replace(engine="feed-forward")
    made = pipeline.paint_seed(SamplingOptions(seed=2), _choices("hokusai"), sketch)
    assert made.provenance["network"] == "stylization"
    grown = pipeline.go_on(made)
    assert grown.provenance["painting"]["engine"] == "optimization"
    assert grown.provenance["network"] == "vgg16"
    assert not np.array_equal(np.asarray(grown.image), np.asarray(made.image))


def test_figure_and_ground_are_in_the_provenance(few_styles: Path, tmp_path: Path) -> None:
    made = pipeline.paint_seed(
        SamplingOptions(seed=13), _choices("hokusai/poppies"), QUICK,
        ground=_choices("red-noise"),
    )  # fmt: skip
    recipe = pipeline.like(made.save(tmp_path / "p.png"))
    assert [choice.slug for choice in recipe.ground] == ["red-noise"]
    assert pipeline.repeat(recipe).provenance == made.provenance


def test_a_photograph_with_masks_and_its_continuation(few_styles: Path) -> None:
    from PIL import Image

    photo = Image.effect_noise((120, 90), 60).convert("RGB")
    mask = Image.new("L", (30, 30), 0)
    mask.paste(255, (0, 0, 15, 30))
    held = pipeline.Photo(photo, keep=mask, figure=mask)
    choices, ground = _choices("hokusai/poppies"), _choices("red-noise")
    options = QUICK.replace(face_weight=8.0)
    made = pipeline.paint_photo(held, choices, options, ground=ground)
    assert made.image.size == (64, 48)
    assert set(made.provenance["photo"]) == {"sha256", "keep_sha256", "figure_sha256"}
    plain = pipeline.paint_photo(photo, choices, options)
    assert not np.array_equal(np.asarray(made.image), np.asarray(plain.image))
    larger = pipeline.go_on(made, size=96, photo=held)
    assert larger.image.size == (96, 72)
    with pytest.raises(ValueError, match="which it does not contain; give that"):
        pipeline.go_on(made)
    with pytest.raises(ValueError, match="are not those that the portrait was painted after"):
        pipeline.go_on(made, photo=pipeline.Photo(photo))


def test_several_sitters_share_a_batch(few_styles: Path) -> None:
    samplings = [SamplingOptions(seed=seed) for seed in (3, 4, 5)]
    reports: list[Progress] = []
    made = list(pipeline.paint_seeds(samplings, _choices("hokusai/poppies"), QUICK, reports.append))
    assert [p.provenance["sitter"]["seed"] for p in made] == [3, 4, 5]
    shares = [report.fraction or 0.0 for report in reports]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    alone = pipeline.paint_seed(samplings[1], _choices("hokusai/poppies"), QUICK)
    difference = np.asarray(alone.image, float) - np.asarray(made[1].image, float)
    assert np.abs(difference).mean() < 4
