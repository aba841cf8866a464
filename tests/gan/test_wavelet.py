"""The Haar transform: laws on any picture, and the order of the coefficients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from smart.gan.wavelet import haar, inverse_haar


@st.composite
def pictures(draw: st.DrawFn) -> Tensor:
    n, m, h, w = (draw(st.integers(1, most)) for most in (3, 4, 6, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1e-3, 1.0, 1e3]))
    return scale * torch.randn(n, m, 2 * h, 2 * w, generator=generator, dtype=torch.float64)


@given(pictures())
@settings(deadline=None)
def test_each_inverts_the_other(picture: Tensor) -> None:
    coefficients = haar(picture)
    n, m, h, w = picture.shape
    assert coefficients.shape == (n, 4 * m, h // 2, w // 2)
    torch.testing.assert_close(inverse_haar(coefficients), picture)
    torch.testing.assert_close(haar(inverse_haar(coefficients)), coefficients)


@given(pictures())
@settings(deadline=None)
def test_orthonormal(picture: Tensor) -> None:
    other = picture.flip(0, 2, 3).roll(1, 1)
    torch.testing.assert_close((haar(picture) * haar(other)).sum(), (picture * other).sum())


@given(pictures())
@settings(deadline=None)
def test_half_of_ll_is_the_mean(picture: Tensor) -> None:
    ll = haar(picture)[:, : picture.shape[1]]
    torch.testing.assert_close(ll / 2, F.avg_pool2d(picture, 2))


@given(pictures())
@settings(deadline=None)
def test_memory_layout_does_not_matter(picture: Tensor) -> None:
    coefficients = haar(picture)
    other = coefficients.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(inverse_haar(other), inverse_haar(coefficients), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("channel", "block"),
    [
        (0, [[1, 1], [1, 1]]),
        (2, [[1, 1], [-1, -1]]),  # LH: along the height
        (3, [[1, -1], [1, -1]]),  # HL: along the width
        (4, [[1, -1], [-1, 1]]),  # HH
    ],
)
def test_order_of_the_bands(channel: int, block: list[list[int]]) -> None:
    """With m = 2 channels the first picture has LL at 0 and its details at 2, 3, 4."""
    coefficients = torch.zeros(1, 8, 1, 1)
    coefficients[0, channel] = 2
    expected = torch.zeros(1, 2, 2, 2)
    expected[0, 0] = torch.tensor(block)
    assert torch.equal(inverse_haar(coefficients), expected)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        haar(torch.zeros(1, 1, 3, 4))
    with pytest.raises(ValueError, match="4"):
        inverse_haar(torch.zeros(1, 6, 2, 2))
