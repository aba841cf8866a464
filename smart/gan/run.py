"""The folder of one training: what it needs to go on, what one looks at, what one shares.

options.json        what was chosen, and which images
state.safetensors   everything a resumed training needs, replaced as a whole
stats.jsonl         one line of numbers a tick
status.json         where it stands, written every second or two
control.json        what its watcher wants of it: "run", "pause" or "stop"
reals.png latest.png grids/      64 real images; what 64 fixed latents give now; and gave
generator/ best/    weights folders as in weights/: the last and the best snapshot
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from smart.images import atomic
from smart.options import TrainingOptions
from smart.reading import json_file, parse_json
from smart.weights import runs_folder
from smart.wording import named

STATE, OPTIONS, STATS, STATUS, CONTROL = (
    "state.safetensors", "options.json", "stats.jsonl", "status.json", "control.json",
)  # fmt: skip
LIVE = 15.0  # seconds without a sign after which a training counts as gone
ENDED = ("finished", "stopped", "failed")
WORKING = ("training", "paused", "waiting")
# What every line of statistics holds, among others (see Trainer.tick).
TICKED = ("seen", "critic_loss", "generator_loss", "learnt", "held_out", "made", "overfit",
          "augmentation")  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,60}")


class RunError(ValueError):
    """A training that cannot begin or go on; the message names the remedy."""


class TakenError(RunError):
    """There is a training of that name already."""


@dataclass(frozen=True)
class Run:
    """One training by its folder."""

    path: Path

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.name

    @property
    def has_state(self) -> bool:
        """Whether there is something to resume."""
        return (self.path / STATE).is_file()

    def options(self) -> tuple[TrainingOptions, dict[str, Any]]:
        """What was chosen, and what is known of the images. Raises RunError."""
        known = self._read(OPTIONS)
        if not isinstance(known.get("training"), dict) or not isinstance(known.get("images"), dict):
            raise RunError(f"{self.path / OPTIONS} holds no training's options; begin a new one.")
        return TrainingOptions.from_dict(known["training"]), known["images"]

    def write_options(self, options: TrainingOptions, images: Mapping[str, Any]) -> None:
        """Keep what was chosen."""
        self._write(OPTIONS, {"training": options.to_dict(), "images": dict(images)})

    def save_state(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Replace the state, as a whole or not at all. Raises ValueError when there is no room."""
        from safetensors.torch import save_file

        cpu = {name: tensor.cpu() for name, tensor in tensors.items()}
        with atomic(self.path / STATE) as temporary:
            try:
                save_file(cpu, temporary, metadata={"plain": json.dumps(dict(plain))})
            except Exception as error:  # the library's own errors for a disk that is full
                raise OSError(0, _first_line(error)) from error
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())  # a power cut must not leave an empty file of this name

    def load_state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What save_state kept. Raises RunError when it is missing or damaged."""
        from safetensors import SafetensorError, safe_open

        path = self.path / STATE
        try:
            with safe_open(path, framework="pt") as file:
                plain = parse_json((file.metadata() or {})["plain"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
            raise RunError(
                f"{path} is missing or damaged ({_first_line(error)}); begin anew with "
                f"--start-from {self.path / 'generator'}, which keeps what was learnt."
            ) from error
        if not isinstance(plain, dict):
            raise RunError(f"{path} is no training's state; begin a new training.")
        return tensors, plain

    def stats(self) -> list[dict[str, Any]]:
        """Every line of numbers so far, as a tick gives them; a line that is cut off ends them."""
        rows = []
        with contextlib.suppress(OSError, ValueError):
            for line in (self.path / STATS).read_text(encoding="utf-8").splitlines():
                row = parse_json(line)
                if isinstance(row, dict) and (numbers := _numbers(row)):
                    rows.append(numbers)
        return rows

    def add_stats(self, row: Mapping[str, Any]) -> None:
        """One more line."""
        with (self.path / STATS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(row)) + "\n")

    def forget_stats_after(self, seen: int) -> None:
        """Drop the lines that a training which was killed wrote after its last state."""
        kept = [row for row in self.stats() if row["seen"] <= seen]
        with atomic(self.path / STATS) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")

    def status(self) -> dict[str, Any]:
        """Where it stands; "state" is "gone" for one that died without a word."""
        try:
            status = _checked_status(self._read(STATUS))
        except RunError:
            return {"state": "new"}
        quiet = time.time() - status["updated"]
        # A clock that was set back must not keep a dead training alive.
        if status.get("state") not in ENDED and not -LIVE < quiet < LIVE:
            return status | {"state": "gone"}
        return status

    @property
    def alive(self) -> bool:
        """Whether a process is training in it now."""
        return self.status()["state"] not in (*ENDED, "gone", "new")

    def write_status(self, **status: Any) -> None:
        """Say where it stands."""
        self._write(STATUS, status | {"updated": time.time(), "pid": os.getpid()})

    def wanted(self) -> str:
        """What the watcher wants: "run", "pause" or "stop"."""
        try:
            wanted = str(self._read(CONTROL).get("wanted", "run"))
        except RunError:
            return "run"
        return wanted if wanted in ("run", "pause", "stop") else "run"

    def want(self, wanted: str) -> None:
        """Ask the training to "run", "pause" or "stop"."""
        self._write(CONTROL, {"wanted": wanted})

    def _read(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            value = json_file(path)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({_first_line(error)}).") from error
        if not isinstance(value, dict):
            raise RunError(f"{path} is not as SMART writes it.")
        return value

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        with atomic(self.path / name) as temporary:
            temporary.write_text(json.dumps(dict(value), indent=1) + "\n", encoding="utf-8")


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """A line of statistics without what is no number; empty where it is none of a tick."""
    numbers = {
        str(key): value
        for key, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
    }
    whole = all(key in numbers for key in TICKED) and numbers["seen"] > 0
    if "swd" in numbers and "diversity" not in numbers:
        whole = False
    return numbers if whole else {}


def _checked_status(known: Mapping[str, Any]) -> dict[str, Any]:
    """What status.json may say; what it says otherwise is left out."""
    numbers = {"seen": 0, "images": 0, "speed": 0.0, "seconds_left": None, "updated": 0.0, "pid": 0}
    status: dict[str, Any] = {}
    for key, usual in numbers.items():
        value = known.get(key, usual)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        status[key] = value if good and abs(value) < 1e15 else usual
    state = known.get("state")
    status["state"] = state if state in (*ENDED, *WORKING) else "gone"
    status["message"] = named(known.get("message", ""), 400) if known.get("message") else ""
    return status


def find(name: str) -> Run:
    """The training called name. Raises RunError, with the names there are."""
    run = Run(runs_folder() / checked_name(name))
    if not (run.path / OPTIONS).is_file():
        names = ", ".join(one.name for one in runs()) or "none yet"
        raise RunError(
            f"There is no training called {name!r} in {runs_folder()}; there are: {names}."
        )
    return run


def refuse_taken(name: str) -> Path:
    """The folder for a new training. Raises RunError for a name that is taken or cannot be one."""
    path = runs_folder() / checked_name(name)
    if (path / OPTIONS).exists():
        raise TakenError(
            f"There is a training called {name!r} already; give another --name, or go on with it "
            f"by --resume {name}."
        )
    return path


def create(name: str) -> Run:
    """A new training's folder. Raises RunError as refuse_taken, or where it cannot be made."""
    run = Run(refuse_taken(name))
    try:
        (run.path / "grids").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{run.path} cannot be made ({error.strerror}); set SMART_RUNS to a folder that may "
            "be written."
        ) from error
    return run


def delete(run: Run) -> list[Path]:
    """Remove a training for good, with images that were uploaded for it alone; what is gone.

    What was kept of it among the weights stays. Raises RunError while it is being trained.
    """
    gone = [run.path, *_uploads(run)]
    try:
        with owned(run):
            pass
        for path in gone:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise RunError(
            f"{run.name} cannot be removed whole ({error.strerror or error}); remove {run.path} "
            "yourself."
        ) from error
    return gone


def _uploads(run: Run) -> list[Path]:
    """The uploaded images of a training, where no other one needs them."""
    folder = uploads_folder().resolve()
    sources = {}
    for one in runs():
        with contextlib.suppress(ValueError):
            sources[one.path] = Path(str(one.options()[1].get("source", ""))).resolve()
    source = sources.pop(run.path, None)
    if source is None or source.parent != folder or source in sources.values():
        return []
    return [source] if source.exists() else []


def uploads_folder() -> Path:
    """Where images lie that came with a visit to the page."""
    return runs_folder() / ".uploads"


def runs() -> Iterator[Run]:
    """Every training in the folder of runs, the newest first."""
    root = runs_folder()
    if root.is_dir():
        found = [path for path in root.iterdir() if (path / OPTIONS).is_file()]
        yield from map(Run, sorted(found, key=lambda p: (p / OPTIONS).stat().st_mtime)[::-1])


def checked_name(name: str) -> str:
    """name, if a folder can be called so. Raises RunError."""
    if not _NAME.fullmatch(name):
        raise RunError(
            f"{name[:60]!r} cannot be a training's name; use letters, digits, - and _, 61 at most."
        )
    return name


@contextlib.contextmanager
def owned(run: Run) -> Iterator[None]:
    """Hold the folder for this process. Raises RunError when another one trains in it."""
    path = run.path / "lock"
    with path.open("a") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however
        except ImportError:  # Windows: by its signs of life
            busy = run.alive
        except OSError:
            busy = True
        else:
            busy = False
        if busy:
            raise RunError(f"{run.name} is being trained by another process; stop that one first.")
        yield


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")[:200]
