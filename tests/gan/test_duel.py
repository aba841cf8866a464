"""Generator and critic at play, with the bundled pair."""

from __future__ import annotations

import torch

from smart import story
from smart.gan import duel
from smart.gan.latents import seed_latents
from smart.gan.snapshot import load_pair


def test_marks_are_those_of_the_critic() -> None:
    generator, critic = load_pair(story.PAIR)
    assert critic is not None
    pictures = duel.made(generator, [3, 4])
    w = generator.map(seed_latents([3, 4], generator.z_dim))
    assert torch.allclose(pictures, generator.synthesize(w))
    seen = duel.judged(critic, pictures, 96)
    assert seen.overlays.shape == (2, 3, 96, 96)
    with torch.no_grad():
        marks = critic(pictures * 2 - 1)
    assert torch.allclose(torch.tensor(seen.marks), marks, atol=1e-4)
    assert seen.marks[seen.best] >= seen.marks[seen.worst]


def test_advice_raises_the_mark_and_keeps_the_picture() -> None:
    generator, critic = load_pair(story.PAIR)
    assert critic is not None
    for seed in (0, 5):
        (start,) = duel.made(generator, [seed])
        better, (before, after) = duel.advised(generator, critic, seed, 4)
        assert after > before
        assert 0 < float((better[0] - start).abs().mean()) < 0.2
        same, (first, last) = duel.advised(generator, critic, seed, 0)
        assert first == last == before
        assert torch.allclose(same[0], start)
