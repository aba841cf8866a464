"""Training: exact resume, the same from two processes, learning, what cannot be shared."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from smart.gan import trainer as training
from smart.gan.batches import Reals
from smart.gan.distributed import World
from smart.gan.style_generator import PRESETS
from smart.gan.trainer import Trainer, resolved
from smart.options import TrainingOptions

ROOT = Path(__file__).resolve().parent.parent.parent
OPTIONS = resolved(
    TrainingOptions(
        resolution=32,
        network="small",
        batch=8,
        images=10_000,
        penalty_every=2,
        precision="float32",
    ),
    torch.device("cpu"),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same training with networks that take milliseconds."""
    monkeypatch.setitem(PRESETS, "small", (16, 256, 1, 8, 2))


def pictures(count: int = 40, seed: int = 0) -> torch.Tensor:
    """Soft coloured spots on dark grounds, uint8 [N, 3, 32, 32]."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.rand(count, 2, 1, 1, generator=generator) * 16 + 8
    colour = torch.rand(count, 3, 1, 1, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    spot = torch.exp(-((rows - place[:, 0]).square() + (columns - place[:, 1]).square()) / 30)
    return (spot[:, None] * colour * 220 + 20).byte()


def trainer(options: TrainingOptions = OPTIONS, world: World | None = None) -> Trainer:
    images = pictures()
    return Trainer(images[:32], images[32:], options, "cpu", world)


def everything(of: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in of.state()[0].items()}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_resumed_training_goes_on_bit_for_bit(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a tick, which changes the augmentation, and with sums half-way to the next."""
    monkeypatch.setattr(training, "TICK", 32)
    options = OPTIONS.replace(precision=precision)
    straight = trainer(options)
    for step in range(9):
        straight.step()
        if step == 3:
            straight.tick()
        if step == 4:
            kept = straight.state()
            kept = ({k: v.clone() for k, v in kept[0].items()}, dict(kept[1]))
    resumed = trainer(options)
    resumed.load_state(*kept)
    for _ in range(4):
        resumed.step()
    assert resumed.seen == straight.seen == 72
    first, second = everything(straight), everything(resumed)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    assert straight.tick() == resumed.tick()


def test_the_seed_is_the_training() -> None:
    once, again, other = trainer(), trainer(), trainer(OPTIONS.replace(seed=1))
    for one in (once, again, other):
        one.step()
    key = "generator.const"
    assert torch.equal(everything(once)[key], everything(again)[key])
    assert not torch.equal(everything(once)[key], everything(other)[key])


def test_every_image_comes_once_before_any_comes_again() -> None:
    images = torch.arange(24, dtype=torch.uint8).view(24, 1, 1, 1).expand(-1, 3, 2, 2)
    options = OPTIONS.replace(mirror="no")
    whole = Reals(images, options, World())
    shown = [((whole.batch(n)[:, 0, 0, 0] + 1) * 127.5).round().int() for n in range(6)]
    for epoch in (shown[:3], shown[3:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(24))
    parts = [Reals(images, options, World(rank, 2)).batch(4) for rank in range(2)]
    assert torch.equal(torch.cat(parts), whole.batch(4))


def test_the_schedules_fall_as_they_should() -> None:
    one = trainer()
    assert one.rate == OPTIONS.learning_rate
    assert one.gamma == pytest.approx(0.25)  # 1 at 64 px, a quarter at half the side
    one.seen = OPTIONS.images
    assert one.rate == pytest.approx(OPTIONS.learning_rate / 10)
    assert one.gamma == pytest.approx(0.125)


def test_it_learns_the_colours_of_its_images() -> None:
    """After a little training its pictures are as dark as the real ones, not before."""
    one = trainer(OPTIONS.replace(images=3_000, batch=16, average=500, augmentation="none"))
    real = pictures().float().div(255).mean()
    before = (one.sample(range(32)).mean() - real).abs()
    while one.seen < 2_000:
        one.step()
    after = (one.sample(range(32)).mean() - real).abs()
    assert after < 0.5 * before
    row = one.tick()
    assert row["learnt"] > row["made"]


def test_augmentation_answers_to_what_the_critic_knows_by_heart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for overfit, grows in ((0.9, True), (0.0, False)):
        one = trainer()
        before = one.probability
        one.step()
        judged = {"learnt": 1.0, "held_out": 0.0, "made": 0.0, "overfit": overfit}
        monkeypatch.setattr(one, "_judged", lambda judged=judged: judged)
        one.tick()
        assert (one.probability > before) is grows


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of 8 cannot be shared by 3"):
        trainer(world=World(0, 3))


def test_start_from_takes_over_and_refuses_other_shapes() -> None:
    taught, fresh = trainer(), trainer(OPTIONS.replace(seed=5))
    taught.step()
    fresh.start_from(taught.averaged, taught.critic)
    assert torch.equal(fresh.generator.const, taught.averaged.const)
    assert torch.equal(fresh.critic.out.weight, taught.critic.out.weight)
    other = trainer(OPTIONS.replace(network="medium"))
    with pytest.raises(ValueError, match="choose the same --resolution and --network"):
        other.start_from(taught.averaged, None)


WORKER = """
import sys, torch
from smart.gan import distributed
from smart.gan.style_generator import PRESETS
from tests.gan.test_trainer import OPTIONS, everything, trainer
PRESETS["small"] = (16, 256, 1, 8, 2)
torch.set_num_threads(1)
world = distributed.join()
one = trainer(world=world)
for _ in range(4):
    one.step()
row = one.tick()
torch.save((everything(one), row), f"{sys.argv[1]}/{world.size}-{world.rank}.pt")
distributed.leave()
"""


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """Two real processes under torchrun, gloo, the same global batch."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    for count in (1, 2):
        command = [*launch, f"--nproc-per-node={count}", str(script), str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    alone, row = torch.load(tmp_path / "1-0.pt", weights_only=True)
    first, shared = torch.load(tmp_path / "2-0.pt", weights_only=True)
    second, _ = torch.load(tmp_path / "2-1.pt", weights_only=True)
    for name, tensor in first.items():
        if not name.startswith("sums."):
            assert torch.equal(tensor, second[name]), f"{name} differs between the processes"
    for name in ("generator.const", "critic.out.weight", "averaged.const"):
        torch.testing.assert_close(first[name], alone[name], atol=2e-4, rtol=2e-3)
    assert shared["critic_loss"] == pytest.approx(row["critic_loss"], rel=1e-3)
    assert shared["overfit"] == pytest.approx(row["overfit"], abs=0.05)
