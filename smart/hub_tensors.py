"""Some tensors out of a safetensors file on the Hub, as a file of their own, through all accidents.

One request brings the header, and then only the bytes of the wanted tensors are asked for, in the
order of the file. They are appended to a partial file that is bound to the file on the Hub; after
a cut, or a kill, it goes on there. Only one process fetches into a folder, others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart.folders import LOCK, MODEL, WeightsError, damaged, first_line, source_of, write_lock
from smart.hub import Remote
from smart.images import atomic
from smart.progress import OnProgress, Progress

HEAD = 1 << 16  # bytes of the first request; the headers of networks such as VGG are smaller
CHUNK = 4_000_000  # bytes of each further one; so much is fetched again at most after a kill
LARGEST_HEADER = 10_000_000
SIGN = 0.5  # seconds; so often there is a report, however slow the network, so that Stop is heard
FETCHING, WAITING = "fetching megabytes", "another process fetches megabytes"
PARTIAL, NOTES, ALONE = "model.partial", "partial.json", ".fetching"

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Plan:
    """What is fetched: the header of the new file, and the spans of the old one behind it."""

    header: bytes
    spans: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Bytes of the whole new file."""
        return len(self.header) + sum(end - start for start, end in self.spans)


def fetch(remote: Remote, shapes: Shapes, folder: Path, on_progress: OnProgress) -> Path:
    """Put the float32 tensors named in shapes into folder/model.safetensors, with a lock.json.

    What lies there already and fits its lock file is kept. Progress counts megabytes. Raises
    WeightsError, and Cancelled from on_progress: what was fetched stays and is gone on with.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, on_progress):
            if not _here(folder, remote.revision):
                _fetch(remote, shapes, folder, on_progress)
    except OSError as error:
        raise WeightsError(
            f"{folder} cannot be written ({error.strerror or error}); make room, or set HF_HOME to "
            "a folder that may be written."
        ) from error
    return folder / MODEL


def _here(folder: Path, revision: str) -> bool:
    """Whether the file is there as its lock file has it, and of this revision."""
    source = source_of(folder)
    wanted = revision in (source.get("revision"), source.get("commit"))
    return wanted and (folder / MODEL).is_file() and not damaged(folder, names=[MODEL])


def _fetch(remote: Remote, shapes: Shapes, folder: Path, on_progress: OnProgress) -> None:
    plan = _plan(remote, shapes)
    told = {"etag": remote.etag, "commit": remote.commit, "total": remote.size}
    with (folder / PARTIAL).open("ab+") as file:
        writer = _Writer(file, folder / NOTES, told, plan, on_progress)
        skip = writer.done - len(plan.header)
        try:
            for start, end in plan.spans:
                length = end - start
                begin, skip = start + min(max(skip, 0), length), skip - length
                for chunk in range(begin, end, CHUNK):
                    remote.read(chunk, min(chunk + CHUNK, end), writer.append)
                    writer.note()
        finally:
            writer.note()
    _check(folder / PARTIAL, plan, shapes)
    (folder / LOCK).unlink(missing_ok=True)  # it is of the file that goes now
    os.replace(folder / PARTIAL, folder / MODEL)
    source = {"repository": remote.repository, "revision": remote.revision, "file": remote.file}
    write_lock(folder, {**source, **told}, here_only=True)
    (folder / NOTES).unlink(missing_ok=True)
    megabytes = int(plan.size / 1e6)
    on_progress(Progress(megabytes, megabytes, FETCHING, fraction=1.0))


def _plan(remote: Remote, shapes: Shapes) -> Plan:
    """Where the wanted tensors lie, from the header of the file; neighbours become one span."""
    head = bytearray()
    remote.read(0, HEAD, head.extend)
    length = int.from_bytes(head[:8], "little")
    try:
        if not 2 <= length <= min(LARGEST_HEADER, remote.size or LARGEST_HEADER):
            raise ValueError("no length of a header")
        if len(head) < 8 + length:
            remote.read(len(head), 8 + length, head.extend)
        known = json.loads(bytes(head[8 : 8 + length]))
        places = {key: _place(known[key], shapes[key]) for key in shapes}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{remote.url} is not the file of weights it should be ({first_line(error)}); check "
            "HF_ENDPOINT and the revision, the bundled VGG-16 paints meanwhile."
        ) from error
    order = sorted(places, key=lambda key: places[key])
    spans: list[tuple[int, int]] = []
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for key in order:
        start, end = (8 + length + offset for offset in places[key])
        if (spans and start < spans[-1][1]) or (remote.size and end > remote.size):
            raise WeightsError(f"{remote.url} is damaged: its tensors overlap or are cut off.")
        entries[key] = {
            "dtype": "F32",
            "shape": shapes[key],
            "data_offsets": [at, at + end - start],
        }
        at += end - start
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data begin at a multiple of 8
    return Plan(len(text).to_bytes(8, "little") + text, tuple(spans))


def _place(entry: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, int]:
    start, end = entry["data_offsets"]
    right = entry["dtype"] == "F32" and tuple(entry["shape"]) == shape
    if not right or end - start != 4 * math.prod(shape) or start < 0:
        raise ValueError("another shape or type of a tensor")
    return int(start), int(end)


class _Writer:
    """Appends to the partial file and notes how far it is; goes on with one of the same source."""

    def __init__(
        self, file: Any, notes: Path, source: Mapping[str, Any], plan: Plan, report: OnProgress
    ) -> None:
        self.file, self.notes, self.report = file, notes, report
        self.total = plan.size
        # Where a mirror tells neither etag nor commit there is nothing to know the content by.
        self.bound = source["etag"] or source["commit"]
        header = hashlib.sha256(plan.header).hexdigest()
        self.source = {"content": self.bound, "total": source["total"], "header": header}
        self.digest = hashlib.sha256()
        self.shown, self.told = -1, 0.0
        self.done = self._found()
        if not self.done:
            self.digest = hashlib.sha256()
            self.file.truncate(0)
            self.append(plan.header)
        self._show()

    def _found(self) -> int:
        """How many bytes of the partial file can be gone on with."""
        try:
            noted = json.loads(self.notes.read_text(encoding="utf-8"))
            done, digest = int(noted["done"]), noted["sha256"]
            same = bool(self.bound) and noted["source"] == self.source
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return 0
        self.file.seek(0)
        if not same or not 0 < done <= self.total:
            return 0
        left = done
        while left and (block := self.file.read(min(left, 1 << 20))):
            self.digest.update(block)
            left -= len(block)
        if left or self.digest.hexdigest() != digest:
            return 0
        self.file.truncate(done)
        return done

    def append(self, data: bytes) -> None:
        self.file.write(data)  # opened for appending: always at the end
        self.digest.update(data)
        self.done += len(data)
        self._show()

    def note(self) -> None:
        """Keep on the disk what came, then how much that is: in this order a power cut is safe."""
        self.file.flush()
        os.fsync(self.file.fileno())
        noted = {"source": self.source, "done": self.done, "sha256": self.digest.hexdigest()}
        with atomic(self.notes) as temporary:
            temporary.write_text(json.dumps({**noted, "size": self.total}), encoding="utf-8")

    def _show(self) -> None:
        megabytes, now = int(self.done / 1e6), time.monotonic()
        if megabytes == self.shown and now < self.told + SIGN:
            return
        self.shown, self.told = megabytes, now
        share = self.done / self.total
        self.report(Progress(megabytes, int(self.total / 1e6), FETCHING, fraction=share))


def _check(path: Path, plan: Plan, shapes: Shapes) -> None:
    """Raises WeightsError unless the file has exactly these tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size != plan.size:
            raise ValueError("another length")
        with safe_open(path, framework="numpy") as file:
            found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        if found != dict(shapes):
            raise ValueError("other tensors")
    except (SafetensorError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise WeightsError(
            f"What was fetched is damaged ({first_line(error)}); try again."
        ) from error


@contextlib.contextmanager
def _alone(folder: Path, on_progress: OnProgress) -> Iterator[None]:
    """Wait until no other process or thread fetches into folder, and keep others out."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ALONE)
    while True:
        try:
            lock.acquire(timeout=0.25)
            break
        except Timeout:
            on_progress(_of_another(folder))
    try:
        yield
    finally:
        lock.release()


def _of_another(folder: Path) -> Progress:
    """How far another process is."""
    try:
        size = int(json.loads((folder / NOTES).read_text(encoding="utf-8"))["size"])
        done = (folder / PARTIAL).stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        size, done = 1, 0
    total = max(1, int(size / 1e6))
    return Progress(int(done / 1e6), total, WAITING, fraction=done / size)
