"""How it works, computed: faces of any psi, portraits step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from smart import images, sitters, story
from smart.options import SamplingOptions
from smart.progress import Cancelled, Progress


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures and few steps."""
    monkeypatch.setattr(story, "CANVAS", 64)
    monkeypatch.setattr(story, "EYE", 48)
    monkeypatch.setattr(story, "REPAINT_STEPS", 5)
    monkeypatch.setattr(story, "REBUILD_STEPS", 3)


def test_the_face_is_the_sitter_of_the_studio() -> None:
    studio = sitters.sketch(SamplingOptions(seed=7, psi=0.7), 128)
    assert torch.allclose(story.face(7, 0.7, 128), studio, atol=1e-6)
    average, same = story.faces_between(7, (0.0, 0.0), 128)
    assert torch.equal(average, same)
    assert torch.equal(average, story.face(8, 0.0, 128))


@pytest.mark.parametrize("psi", [-0.1, 1.6, float("nan")])
def test_other_psi_are_refused(psi: float) -> None:
    with pytest.raises(ValueError, match="psi is"):
        story.code(1, psi)


def test_noise_is_noise_and_its_code_is_not() -> None:
    z, w = story.numbers(5)
    assert z.shape == w.shape == (512,)
    assert float(z.std()) == pytest.approx(1, abs=0.1)
    assert torch.allclose(w[None], story.code(5, 1.0), atol=1e-6)


def test_a_round_of_the_game() -> None:
    pictures = story.portraits(2**32 - 2)  # seeds go round
    assert pictures.shape == (story.PORTRAITS, 3, 64, 64)
    assert torch.allclose(story.judged(2**32 - 2).pictures, pictures)


def test_every_step_of_a_portrait_is_there(few_styles: Path) -> None:
    seen: list[Progress] = []
    made = story.repaint(story.Repainting(12, 0.7, "hokusai", 10.0), seen.append)
    assert [one.step for one in seen] == [1, 2, 3, 4, 5]
    assert made.steps == 5
    assert not made.stopped
    assert sorted(made.frames) == [0, 1, 2, 3, 4, 5]
    assert torch.allclose(made.frame(0), story.face(12, 0.7, 64), atol=0.5 / 255 + 1e-6)
    assert made.falls[-1].style < made.falls[0].style
    assert made.nearest(99) == 5
    pull = story.wish(made, 0)
    assert pull.shape == (1, 3, 64, 64)
    # The first step goes where the loss wants it to.
    moved = made.frame(1) - made.frame(0)
    assert float((moved * pull).sum()) > 0


def test_stop_keeps_what_is_there(few_styles: Path) -> None:
    def report(progress: Progress) -> None:
        if progress.step == 2:
            raise Cancelled

    made = story.repaint(story.Repainting(12, 0.7, "hokusai", 10.0), report)
    assert made.stopped
    assert made.steps == 2
    assert sorted(made.frames) == [0, 1, 2]


def test_bad_wishes_end_before_any_work(few_styles: Path) -> None:
    with pytest.raises(ValueError, match="no style"):
        story.repaint(story.Repainting(12, 0.7, "../secret", 10.0))
    with pytest.raises(ValueError, match="choose from"):
        story.repaint(story.Repainting(12, 0.7, "hokusai", 0.0))
    with pytest.raises(ValueError, match="no layer"):
        story.channels(torch.zeros(1, 3, 48, 48), "relu7_1", 3)


def test_a_layer_is_asked_what_it_keeps(few_styles: Path) -> None:
    seen: list[Progress] = []
    content, style = story.face(12, 0.7, 48), story.painting("hokusai")
    kept, texture = story.rebuild(content, style, "relu2_1", seen.append)
    assert kept.shape == texture.shape == (1, 3, 48, 48)
    assert [one.step for one in seen] == [1, 2, 3, 4, 5, 6]
    assert "relu2_1" in seen[0].stage
    assert seen[0].preview.shape == (2, 3, 48, 48)


def test_one_pass_beside_it(few_styles: Path) -> None:
    picture, seconds = story.sketched(12, 0.7, "hokusai")
    assert picture.shape[-1] == 64
    assert seconds > 0
    assert images.to_pil(picture).size == (64, 64)
