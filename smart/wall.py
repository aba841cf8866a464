"""The wall: portraits that are kept, each a PNG that holds everything to make it again."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from smart import archive, images, serving
from smart.styles import slugify

THUMBNAIL = 320  # px, the longer side
BESIDE = Path(__file__).resolve().parent.parent / "portraits"
MAX_ZIP = archive.MOST_BYTES
SESSION_PORTRAITS = 60  # on the wall of someone who is not at home
SESSION_BYTES = 200_000_000
ALL_SESSIONS_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Hung:
    """A portrait on the wall.

    name is that of its file, made the time in seconds since 1970, size width and height in px,
    known its provenance, which is anyone's text, and thumbnail a JPEG.
    """

    name: str
    path: Path
    made: float
    size: tuple[int, int]
    known: dict[str, Any]
    thumbnail: bytes

    def picture(self) -> Image.Image:
        """The thumbnail, decoded."""
        return Image.open(io.BytesIO(self.thumbnail)).convert("RGB")


@dataclass(frozen=True)
class Foreign:
    """A file among the portraits that is none, and why, in one sentence. It stays where it is."""

    name: str
    reason: str


@dataclass(frozen=True)
class View:
    """The newest portraits, what was found between them, and how many files there are in all."""

    hung: tuple[Hung, ...]
    foreign: tuple[Foreign, ...]
    files: int
    more: bool


def portraits_folder() -> Path:
    """The folder of what one painted: SMART_PORTRAITS if set, else portraits/ by the package."""
    return Path(serving.current().portraits or BESIDE).expanduser()


def readable_name(known: Mapping[str, Any]) -> str:
    """What a portrait's file is called, such as portrait-12-van-gogh; at most 100 characters."""
    sitter, painters = known.get("sitter"), []
    for listed in (known.get("styles"), known.get("ground")):
        for item in listed if isinstance(listed, list) else []:
            painters.append(str(item.get("slug", "")) if isinstance(item, dict) else "")
    seed = sitter.get("seed", 0) if isinstance(sitter, dict) else "photograph"
    if isinstance(sitter, dict) and sitter.get("likeness"):
        seed = "likeness"
    return slugify("-".join(["portrait", str(seed), *painters])[:100])


class Wall:
    """A folder of portraits, newest first.

    It is made when the first one is hung. most and most_bytes, where they are given, bound it: the
    oldest makes room. What is no portrait is reported and left alone.
    """

    def __init__(
        self, folder: Path, most: int | None = None, most_bytes: int | None = None
    ) -> None:
        self.folder, self.most, self.most_bytes = folder, most, most_bytes
        self._lock = threading.Lock()

    def hang(self, image: Image.Image, known: Mapping[str, Any]) -> str:
        """Keep a portrait; the name of its file, which no other one has. Raises ValueError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"{self.folder} cannot be made ({error.strerror}); set SMART_PORTRAITS to a folder "
                "that may be written."
            ) from error
        # The second and four digits of chance: two programs may hang into one folder.
        stamp = time.strftime("%Y%m%d-%H%M%S")
        with self._lock:
            images.sweep(self.folder)
            path = self._free(f"{readable_name(known)}-{stamp}")
            images.save_png(image, path, known)
            self._make_room(path)
        return path.name

    def _free(self, stem: str) -> Path:
        while True:
            path = self.folder / f"{stem}-{secrets.token_hex(2)}.png"
            if not path.exists():
                return path

    def _make_room(self, newest: Path) -> None:
        if self.most is None and self.most_bytes is None:
            return
        count, total = 0, 0
        for path, stat in self._files():
            count, total = count + 1, total + stat.st_size
            full = count > (self.most or count) or total > (self.most_bytes or total)
            if full and path != newest:
                path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """Every file that is not hidden, the newest first."""
        found = []
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for path in self.folder.iterdir():
                with contextlib.suppress(OSError):  # one that has gone since
                    if not path.name.startswith(".") and path.is_file():
                        found.append((path, path.stat()))
        return sorted(found, key=lambda item: (item[1].st_mtime_ns, item[0].name), reverse=True)

    def _read_all(self) -> Iterator[Hung | Foreign]:
        for path, stat in self._files():
            yield _read(path, stat.st_mtime_ns, stat.st_size)

    def view(self, most: int) -> View:
        """The newest portraits, at most so many; files behind them are not opened."""
        hung: list[Hung] = []
        foreign: list[Foreign] = []
        files, more = self._files(), False
        for path, stat in files:
            if more := len(hung) >= most:
                break
            one = _read(path, stat.st_mtime_ns, stat.st_size)
            hung.append(one) if isinstance(one, Hung) else foreign.append(one)
        return View(tuple(hung), tuple(foreign), len(files), more)

    def find(self, name: str) -> Hung:
        """The portrait whose file is called so, whatever anyone calls it. Raises ValueError."""
        for path, stat in self._files():
            if path.name == name:
                one = _read(path, stat.st_mtime_ns, stat.st_size)
                if isinstance(one, Foreign):
                    raise ValueError(one.reason)
                return one
        raise ValueError("This portrait hangs here no more; choose another.")

    def take_down(self, name: str) -> None:
        """Delete a portrait for good. Raises ValueError for any other file."""
        path = self.find(name).path
        try:
            path.unlink()
        except OSError as error:
            raise ValueError(
                f"{name} cannot be deleted ({error.strerror}); see to whom the folder belongs."
            ) from error

    def write_zip(self, target: Path) -> int:
        """All portraits as one zip, written file by file; how many they are. Raises ValueError."""
        total = sum(stat.st_size for _, stat in self._files())
        if total > MAX_ZIP:
            raise ValueError(
                f"The wall holds {total / 1e9:.1f} GB, too much for one zip; copy the folder "
                f"{self.folder.name} itself."
            )
        files = {one.name: one.path for one in self._read_all() if isinstance(one, Hung)}
        if not files:
            raise ValueError("Nothing hangs here yet; paint a portrait first.")
        archive.pack(files, target)
        return len(files)


@lru_cache(maxsize=1024)  # about 20 kB each
def _read(path: Path, modified: int, size: int) -> Hung | Foreign:
    """What a file is; an unchanged one is not decoded again."""
    try:
        known = images.read_provenance(path)
        painted = isinstance(known.get("painting"), dict) and isinstance(known.get("styles"), list)
        if not painted or not isinstance(known.get("sitter") or known.get("photo"), dict):
            raise ValueError(f"{path.name} was saved by SMART, but is no portrait.")
        picture = images.open_image(path)
    except ValueError as error:
        return Foreign(path.name, str(error))
    encoded = io.BytesIO()
    images.shrunk(picture, THUMBNAIL).save(encoded, "JPEG", quality=90)
    return Hung(path.name, path, modified / 1e9, picture.size, known, encoded.getvalue())


class SessionWalls:
    """A small wall for each visitor of a page that is open to strangers; nobody sees another's.

    All lie in one temporary folder, which goes with the program. When they hold more than
    most_bytes together, the one that was used least lately goes.
    """

    def __init__(self, most_bytes: int = ALL_SESSIONS_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._walls: OrderedDict[str, Wall] = OrderedDict()
        self._used: dict[str, float] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def of(self, session: str) -> Wall:
        """The wall of a session, which is empty at first."""
        with self._lock:
            wall = self._walls.get(session)
            if wall is None:
                if self._folder is None:
                    self._folder = tempfile.TemporaryDirectory(prefix="smart-walls-")
                # A name of our own: that of a session comes from the browser.
                folder = Path(self._folder.name) / secrets.token_hex(8)
                wall = Wall(folder, SESSION_PORTRAITS, SESSION_BYTES)
                self._walls[session] = wall
            self._walls.move_to_end(session)
            self._used[session] = time.monotonic()
            return wall

    def make_room(self) -> None:
        """Drop walls, the least lately used first, until there is room for another portrait."""
        with self._lock:
            sizes = {s: sum(stat.st_size for _, stat in w._files()) for s, w in self._walls.items()}
            for session in list(self._walls)[:-1]:
                if sum(sizes.values()) <= self._most_bytes:
                    return
                sizes.pop(session)
                self._drop(session)

    def drop_unused(self, session: str, since: float) -> None:
        """Drop the wall of a visitor who went at since (of time.monotonic) and did not return."""
        with self._lock:
            if self._used.get(session, since) <= since:
                self._drop(session)

    def _drop(self, session: str) -> None:
        self._used.pop(session, None)
        wall = self._walls.pop(session, None)
        if wall is not None:
            shutil.rmtree(wall.folder, ignore_errors=True)
