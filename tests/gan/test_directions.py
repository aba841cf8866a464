"""Sliders: what is read is checked, wishes move one range of slots, and nobody goes too far."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from smart.gan import directions
from smart.gan.directions import Direction
from smart.weights import WeightsError


class Small:
    """A generator of 6 slots whose w has one wide and one narrow axis."""

    z_dim, w_dim, slots, sizes = 4, 4, 6, (8,)
    w_mean = torch.tensor([1.0, 0.0, 0.0, -1.0])

    def map(self, z: Tensor) -> Tensor:
        return self.w_mean + z * torch.tensor([5.0, 0.1, 2.0, 0.1])

    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        raise NotImplementedError


def direction(name: str, axis: int, start: int = 1, stop: int = 4) -> Direction:
    vector, reading = torch.zeros(4), torch.zeros(4)
    vector[axis], reading[axis] = 3.0, 1 / 3
    return Direction(name, name.title(), "less", "more", start, stop, vector, reading, 1.5)


TURN, AGE = direction("turn", 0), direction("age", 1, 2, 6)
amounts = st.floats(-1, 1)


def codes(seed: int = 0, n: int = 3) -> Tensor:
    w = torch.randn(n, 4, generator=torch.Generator().manual_seed(seed)) + Small.w_mean
    return w[:, None].expand(-1, 6, -1)


@given(amounts, amounts, st.integers(0, 99))
@settings(deadline=None)
def test_a_wish_moves_its_slots_alone_and_in_any_order(one: float, two: float, seed: int) -> None:
    w = codes(seed)
    moved = directions.move(w, Small.w_mean, (TURN, AGE), {"turn": one, "age": two})
    assert torch.equal(moved[:, :1], w[:, :1]), "slots before both directions"
    assert torch.equal(moved[:, 4:, 0], w[:, 4:, 0]), "turn ends before slot 4"
    assert torch.equal(moved[..., 2:], w[..., 2:]), "axes nobody asked for"
    other = directions.move(w, Small.w_mean, (AGE, TURN), {"age": two, "turn": one})
    torch.testing.assert_close(moved, other)


@given(amounts, st.integers(0, 99))
@settings(deadline=None)
def test_everyone_is_taken_a_share_of_the_way_and_nobody_beyond(amount: float, seed: int) -> None:
    w = codes(seed) * 3
    moved = directions.move(w, Small.w_mean, (TURN,), {"turn": amount})
    before = (w[:, 1] - Small.w_mean) @ TURN.reading
    after = (moved[:, 1] - Small.w_mean) @ TURN.reading
    end = TURN.reach if amount > 0 else -TURN.reach
    beyond = before * end > TURN.reach**2
    expected = torch.where(beyond, before, before + abs(amount) * (end - before))
    torch.testing.assert_close(after, expected, atol=1e-4, rtol=0)


def test_no_wish_is_no_change() -> None:
    w = codes()
    assert directions.move(w, Small.w_mean, (TURN,), {}) is w


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fly": 1.0}, "no slider 'fly'; there are: turn, age"),
        ({"turn": 1.5}, "turn is 1.5; it must be a number from -1 to 1"),
        ({"age": float("nan")}, "from -1 to 1"),
    ],
)
def test_wishes_that_cannot_be_granted(asked: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        directions.move(codes(), Small.w_mean, (TURN, AGE), asked)


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    directions.write(tmp_path / directions.FILE, (TURN, AGE))
    back = directions.read(tmp_path, Small())
    assert [one.name for one in back] == ["turn", "age"]
    for one, other in zip(back, (TURN, AGE), strict=True):
        assert torch.equal(one.vector, other.vector)
        assert (one.label, one.less, one.more, one.start, one.stop, one.reach) == (
            other.label, other.less, other.more, other.start, other.stop, other.reach,
        )  # fmt: skip


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / directions.FILE
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError):
        directions.read(tmp_path, Small())
    directions.write(path, (TURN,))
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(WeightsError):
        directions.read(tmp_path, Small())
    beyond = direction("far", 0, 2, 9)
    directions.write(path, (beyond,))
    with pytest.raises(WeightsError, match="damaged"):
        directions.read(tmp_path, Small())


def test_directions_of_another_generator(tmp_path: Path) -> None:
    directions.write(tmp_path / directions.FILE, (TURN,))
    other = Small()
    other.w_dim = 8  # type: ignore[misc]
    with pytest.raises(WeightsError, match="4 numbers for a generator of 8"):
        directions.read(tmp_path, other)


def test_without_a_file_the_principal_components_serve(tmp_path: Path) -> None:
    found = directions.read(tmp_path, Small())
    assert [one.name for one in found] == ["1", "2", "3", "4"]
    first, second = found[0].vector, found[1].vector
    assert int(first.abs().argmax()) == 0
    assert int(second.abs().argmax()) == 2
    assert float(first @ found[0].reading) == pytest.approx(1)
    assert float(first.norm()) == pytest.approx(2 * 5, rel=0.1)
