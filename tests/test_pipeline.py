"""From a seed to a portrait and back to the seed, on the real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from smart import pipeline, styles
from smart.device import best_device, feature_dtype
from smart.options import PaintingOptions, SamplingOptions
from smart.progress import Cancelled, Progress

QUICK = PaintingOptions(size=64, effort=10)


def test_a_seed_is_the_same_face_whatever_stands_beside_it() -> None:
    alone = pipeline.sitter(SamplingOptions(seed=5), 256)
    faces = dict(pipeline.sitters(SamplingOptions(seed=4), 2, 256))
    assert [options.seed for options in faces] == [4, 5]
    assert np.array_equal(np.asarray(faces[SamplingOptions(seed=5)]), _pixels(alone))


def test_seeds_wrap_around() -> None:
    last = SamplingOptions(seed=2**32 - 1)
    assert [options.seed for options, _ in pipeline.sitters(last, 2, 256)] == [2**32 - 1, 0]


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
    with pytest.raises(ValueError, match="use auto, float32 or bfloat16"):
        feature_dtype(torch.device("cpu"))
    best_device.cache_clear()
    monkeypatch.setenv("SMART_DEVICE", "abacus")
    with pytest.raises(ValueError, match="'abacus', which is not here"):
        best_device()
    best_device.cache_clear()
