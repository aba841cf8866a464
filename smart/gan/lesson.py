"""One sitting of a training: steps, looks, measures, grids, snapshots, and nothing lost."""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smart import images
from smart.gan import metrics, snapshot
from smart.gan.diagnosis import best_of, diagnose
from smart.gan.run import Run, RunError
from smart.gan.trainer import TICK, Trainer
from smart.progress import Cancelled, OnProgress, Progress, ignore

GRID = 64  # pictures in a grid, of the seeds from 0 on
MEASURED = 256  # generated pictures for a measure
LICENCE = "as the images it was trained on"
SETTLED = 60.0  # seconds after which what was begun to be written is left over
_ROOM = 5.0  # seconds between two tries to write on a full disk


@dataclass
class Lesson:
    """One sitting of a training, until it is finished or stopped."""

    run: Run
    trainer: Trainer
    known: Mapping[str, Any]
    on_progress: OnProgress = ignore
    features: metrics.Features | None = None
    _real: dict[str, Any] = field(default_factory=dict)
    _said: float = -math.inf
    _state: str = "training"
    _message: str = ""
    _pace: list[tuple[float, int]] = field(default_factory=list)
    _stop: bool = False

    def go(self) -> None:
        """Train. Every process calls it; the first one writes."""
        trainer, options = self.trainer, self.trainer.options
        try:
            if trainer.world.first:
                self._prepare()
            saved = time.monotonic()
            while trainer.seen < options.images and not self._wants_to_stop():
                before = trainer.seen
                trainer.step()
                if trainer.seen // TICK > before // TICK:
                    self._tick()
                if time.monotonic() - saved > options.save_every * 60:
                    self._save()
                    saved = time.monotonic()
                self._say()
            self._end()
        except BaseException as error:
            if trainer.world.first:
                self._write_status("failed", str(error) or type(error).__name__)
            raise

    def _prepare(self) -> None:
        for folder in (self.run.path, self.run.path / "generator", self.run.path / "best"):
            images.sweep(folder, SETTLED)  # what is younger may be a wish that is being written
        self.run.forget_stats_after(self.trainer.seen)
        self._write_status("training")
        real = self.trainer.held_out[:MEASURED].float().cpu() / 255
        self._real = {
            "pictures": real,
            "diversity": metrics.diversity(real),
            "features": self.features(real) if self.features else None,
        }
        shown = self.trainer.images[:GRID].float().cpu() / 255
        self._keep(lambda: _save_grid(shown, self.run.path / "reals.png"))
        self._keep(self._draw)

    def _wants_to_stop(self) -> bool:
        """Obeys the watcher; all processes decide the same."""
        if self.trainer.seen // self.trainer.options.batch % 4:
            return False
        wanted = 0.0
        if self.trainer.world.first:
            while self.run.wanted() == "pause" and not self._stop:
                if self._state != "paused":
                    self._save()
                    self._state = "paused"
                self._say(force=True)
                time.sleep(0.5)
                self._pace.clear()
            self._state = "training"
            wanted = float(self._stop or self.run.wanted() == "stop")
        return bool(self.trainer.world.agree(wanted))

    def _tick(self) -> None:
        row = self.trainer.tick()
        if not self.trainer.world.first:
            return
        # Whether a measure is due follows from the counter alone, also after a resume.
        tick, every = self.trainer.seen // TICK, self.trainer.options.evaluate_every
        measure = tick * TICK // every > (tick - 1) * TICK // every
        self._refuse_what_is_no_number(row)
        if measure:
            row.update(self._measured())
        row = {k: _rounded(v) for k, v in row.items()}
        row = {"seen": self.trainer.seen, "time": round(time.time(), 1), **row}
        self._keep(lambda: self.run.add_stats(row))
        rows = self.run.stats()
        self._message = " ".join(f.message for f in diagnose(rows, self.trainer.options.images))
        self._keep(self._draw)
        if measure:
            grid = self.run.path / "grids" / f"{self.trainer.seen:09d}.png"
            self._keep(lambda: shutil.copyfile(self.run.path / "latest.png", grid))
            self._keep(lambda: self._snapshot("generator", rows))
            if best_of([one for one in rows if "swd" in one])["seen"] == self.trainer.seen:
                self._keep(lambda: self._snapshot("best", rows))

    def _measured(self) -> dict[str, float]:
        made = self.trainer.sample(range(MEASURED)).cpu()
        real = self._real
        found = {
            "swd": metrics.sliced_wasserstein(real["pictures"], made),
            "diversity": metrics.diversity(made) / max(real["diversity"], 1e-8),
        }
        if self.features is not None:
            found["kernel"] = metrics.kernel_distance(real["features"], self.features(made))
        return found

    def _refuse_what_is_no_number(self, row: Mapping[str, float]) -> None:
        """Before it could be kept: the last state stays one that can be resumed."""
        if not all(math.isfinite(row[name]) for name in ("critic_loss", "generator_loss")):
            raise RunError(
                f"After {self.trainer.seen:,} images the losses are no longer numbers; go on from "
                f"the last state with --resume {self.run.name} and half the --learning-rate or "
                "twice the --stability."
            )

    def _draw(self) -> None:
        _save_grid(self.trainer.sample(range(GRID)).cpu(), self.run.path / "latest.png")

    def _snapshot(self, folder: str, rows: list[dict[str, Any]]) -> None:
        measured = [row for row in rows if "swd" in row]
        words = {"kernel": "VGG kernel distance", "swd": "sliced Wasserstein distance",
                 "diversity": "diversity, of the real images'"}  # fmt: skip
        figures = {words[n]: v for n, v in measured[-1].items() if n in words} if measured else {}
        about = snapshot.Trained(
            self.run.name, str(self.known.get("data", "one's own images")),
            str(self.known.get("licence") or LICENCE), self.trainer.seen, figures,
        )  # fmt: skip
        snapshot.save(self.run.path / folder, self.trainer.averaged, self.trainer.critic, about)

    def _save(self) -> None:
        if not self.trainer.world.first:
            return
        tensors, plain = self.trainer.state()
        if not all(torch.isfinite(t).all() for k, t in tensors.items() if k.startswith("sums.")):
            self._refuse_what_is_no_number({"critic_loss": math.nan, "generator_loss": math.nan})
        self._keep(lambda: self.run.save_state(tensors, plain))

    def _keep(self, write: Callable[[], object]) -> None:
        """Write; where there is no room, say so and wait for it, since nothing may be lost."""
        while True:
            try:
                write()
                return
            except RunError:
                raise
            except (OSError, ValueError) as error:
                if self._stop or self.run.wanted() == "stop":
                    raise RunError(f"{error} What came after the last state is lost.") from error
                self._state, self._message = "waiting", f"Waiting for room on the disk: {error}"
                self._say(force=True)
                time.sleep(_ROOM)
                self._state = "training"

    def _end(self) -> None:
        if not self.trainer.world.first:
            return
        finished = self.trainer.seen >= self.trainer.options.images
        self._save()
        self._keep(self._draw)
        self._keep(lambda: self._snapshot("generator", self.run.stats()))
        self._write_status("finished" if finished else "stopped", self._message)

    def _say(self, force: bool = False) -> None:
        """Tell the callback and the folder where it stands, about once a second."""
        now = time.monotonic()
        if not self.trainer.world.first or (now - self._said < 1.0 and not force):
            return
        self._said = now
        self._pace = [*self._pace[-30:], (now, self.trainer.seen)]
        with contextlib.suppress(OSError, ValueError):  # of a full disk the next save says more
            self._write_status(self._state, self._message)
        options = self.trainer.options
        stage = {"training": "training", "paused": "paused", "waiting": self._message}[self._state]
        try:
            self.on_progress(Progress(self.trainer.seen, options.images, stage))
        except Cancelled:
            self._stop = True

    @property
    def _speed(self) -> float:
        """Images a second lately."""
        if len(self._pace) < 2:
            return 0.0
        (then, before), (now, seen) = self._pace[0], self._pace[-1]
        return (seen - before) / max(now - then, 1e-6)

    def _write_status(self, state: str, message: str = "") -> None:
        left = self.trainer.options.images - self.trainer.seen
        self.run.write_status(
            state=state, message=message, seen=self.trainer.seen,
            images=self.trainer.options.images, speed=round(self._speed, 2),
            seconds_left=round(left / self._speed) if self._speed else None,
        )  # fmt: skip


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _save_grid(pictures: Tensor, path: Path) -> None:
    tiles = [images.to_pil(one) for one in pictures]
    images.save_png(images.sheet(tiles, 8), path)
