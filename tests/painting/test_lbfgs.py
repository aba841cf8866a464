"""L-BFGS on functions whose minimum is known."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from smart.painting.lbfgs import LBFGS, history_for
from smart.painting.optimization import descend


def bowl(minimum: Tensor, stiffness: Tensor) -> object:
    def objective(picture: Tensor) -> tuple[Tensor, Tensor]:
        away = picture - minimum
        return (stiffness * away.square()).sum((1, 2, 3)), 2 * stiffness * away

    return objective


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_finds_the_bottom_of_a_narrow_valley() -> None:
    minimum, stiffness = 0.2 + 0.6 * random(1, 3, 6, 6), 10 ** (2 * random(1, 3, 6, 6, seed=1))
    found = descend(torch.full_like(minimum, 0.5), bowl(minimum, stiffness), 60, lambda *_: None)  # type: ignore[arg-type]
    assert (found - minimum).abs().max() < 1e-3


def test_each_picture_of_a_batch_goes_its_own_way() -> None:
    minimum, stiffness = 0.2 + 0.6 * random(2, 3, 4, 4), 10 ** (3 * random(2, 3, 4, 4, seed=1))
    start = torch.full_like(minimum, 0.5)
    both = descend(start, bowl(minimum, stiffness), 12, lambda *_: None)  # type: ignore[arg-type]
    for i in range(2):
        one = slice(i, i + 1)
        alone = descend(start[one], bowl(minimum[one], stiffness[one]), 12, lambda *_: None)  # type: ignore[arg-type]
        assert torch.allclose(alone, both[one], atol=1e-5)


def test_bounds_hold_and_are_reached() -> None:
    minimum = torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    found = descend(random(1, 3, 2, 2), bowl(minimum, torch.ones(1, 3, 2, 2)), 30, lambda *_: None)  # type: ignore[arg-type]
    assert torch.allclose(found, minimum.clamp(0, 1), atol=1e-4)


def test_a_step_too_far_is_taken_back() -> None:
    """A wall that curvature does not foretell: no step that is kept makes it much worse."""

    def wall(picture: Tensor) -> tuple[Tensor, Tensor]:
        picture = picture.detach().requires_grad_()
        value = (picture - 0.9).square().sum((1, 2, 3)) + 1e3 * (picture - 0.6).clamp_min(0).sum(
            (1, 2, 3)
        )
        (gradient,) = torch.autograd.grad(value.sum(), picture)
        return value.detach(), gradient

    start = torch.full((1, 3, 3, 3), 0.3)
    seen: list[float] = []
    descend(start, wall, 40, lambda value, _: seen.append(value))
    assert all(after <= 1.5 * before for before, after in pairwise(seen))
    assert min(seen) < 0.5 * seen[0]


def test_it_ends_when_nothing_changes_and_keeps_the_last_good_picture() -> None:
    steps: list[float] = []
    minimum = 0.2 + 0.6 * random(1, 3, 4, 4)
    descend(minimum * 0.5, bowl(minimum, torch.ones(1, 3, 4, 4)), 500,  # type: ignore[arg-type]
            lambda value, _: steps.append(value), tolerance=1e-3)  # fmt: skip
    assert len(steps) < 60

    def broken(picture: Tensor) -> tuple[Tensor, Tensor]:
        value = picture.sum((1, 2, 3))
        return (value if len(steps) < 3 else value * float("nan")), torch.ones_like(picture)

    steps.clear()
    found = descend(random(1, 3, 4, 4), broken, 50, lambda value, _: steps.append(value))
    assert len(steps) == 3
    assert torch.isfinite(found).all()


def test_history_shrinks_with_the_picture() -> None:
    assert history_for(torch.empty(1, 3, 512, 512)) == 20
    assert 3 < history_for(torch.empty(1, 3, 2048, 2048)) < 20
    assert history_for(torch.empty(1, 3, 4961, 4961, device="meta")) == 0
    assert LBFGS(3).pairs.maxlen == 3
