"""What a reader may do with anyone's bytes, and ways to make bytes that try it.

The law: a valid result, or a ValueError with one line of under 400 characters; in bounded time and
memory; nothing asked of the network, run, or written outside of the reader's own folder.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

MOST_SECONDS = 2.0  # of processor time
MOST_BYTES = 500_000_000
LONGEST = 400  # characters of a message
HANGS = 20  # s after which a reader is called off
CANARY = "/tmp/smart-canary/secret.png"  # what no text may lead a reader to
HERE = str(Path(__file__).resolve().parent.parent)


class LawError(AssertionError):
    """A reader did what it may not do."""


@dataclass(frozen=True)
class Reader:
    """One reader: what it is given, and how it reads that from a folder of its own.

    valid is an input it has to accept. read gets an input and an empty folder; what it returns is
    of no interest.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any, Path], object]
    valid: Any


@dataclass
class _Watch:
    """What the interpreter reports while a reader is at work (an audit hook cannot be removed)."""

    folder: str = ""
    seen: list[str] = field(default_factory=list)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        if event in _NEVER:
            self.seen.append(f"{event} {str(arguments)[:200]}")
        elif event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            self._path(event, path, bool(writes))
        elif event in _CHANGES:
            if event in ("os.remove", "os.rmdir") and arguments[1] != -1:
                return  # by a folder that is open, whose own name was looked at
            for path in arguments[: _CHANGES[event]]:
                self._path(event, path, True)

    def _path(self, event: str, path: Any, writes: bool) -> None:
        if isinstance(path, int):
            return
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
        outside = not os.path.realpath(text).startswith(self.folder)
        if outside and (writes or CANARY in text) and text != os.devnull:
            self.seen.append(f"{event} {text[:200]!r}")


_NEVER = {
    "socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind", "subprocess.Popen",
    "os.system", "os.exec", "os.fork", "os.posix_spawn", "pickle.find_class", "os.kill",
}  # fmt: skip
_CHANGES = {
    "os.mkdir": 1, "os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.chmod": 1, "shutil.rmtree": 1,
}  # fmt: skip
_watch = _Watch()
sys.addaudithook(lambda event, arguments: _watch.hook(event, arguments))


def hold(reader: Reader, value: Any, folder: Path) -> bool:
    """Read value under the law; whether it was accepted. Raises LawError.

    folder has to be empty, and is the only place where the reader may write.
    """
    error: BaseException | None = None
    start, before = time.process_time(), _peak(reset=True)
    _watch.seen, _watch.folder = [], os.path.realpath(folder)
    try:
        with _at_most(HANGS):
            reader.read(value, folder)
    except LawError:
        raise
    except ValueError as refused:
        error = refused
    except _Hangs as hangs:
        raise LawError(f"hangs in {_place(hangs)}") from None
    except Exception as other:
        text = str(other).splitlines() or [""]
        raise LawError(f"{type(other).__name__} {text[0][:80]} in {_place(other)}") from other
    finally:
        _watch.folder = ""
    took, grown = time.process_time() - start, _peak() - before
    if _watch.seen:
        raise LawError(f"does what no reader may: {_watch.seen[0]}")
    if took > MOST_SECONDS:
        raise LawError(f"takes more than {MOST_SECONDS} s" + (_place(error) if error else ""))
    if grown > MOST_BYTES:
        raise LawError(f"takes more than {MOST_BYTES // 10**6} MB")
    if error is not None:
        refuse_bad_words(str(error), _place(error))
    return error is None


def refuse_bad_words(message: str, place: str = "") -> None:
    """Raises LawError for a message that is no single, short, printable line."""
    if not message or len(message) > LONGEST:
        raise LawError(f"says {len(message)} characters in {place}")
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in message):
        raise LawError(f"says what is no plain line in {place}")


def _place(error: BaseException) -> str:
    """The deepest line of ours on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(f"{HERE}/smart/")] or frames
    name = ours[-1].filename.removeprefix(f"{HERE}/")
    return f"{name}:{ours[-1].lineno} ({type(error).__name__})"


class _Hangs(BaseException):
    """Not an Exception: no reader may take it for a damaged file."""


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def call_off(*_: object) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, call_off)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _peak(reset: bool = False) -> int:
    """The most memory of this process since the last reset, in bytes; 0 where nobody counts it."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


# --- bytes that are nearly right -----------------------------------------------------------------

_PIECES = [
    b"\0", b"\xff", b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\r\n",
    b"\x80", b"../", b"\xed\xa0\x80", b"{" * 40, b"9" * 40, b"NaN", b"-1", b"1e999", b"\x1b[2J",
    CANARY.encode(),
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], most: int = 4) -> bytes:
    """One of the seeds, cut off, flipped, spliced, stretched."""
    data = bytearray(draw(st.sampled_from(list(seeds))))
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["flip", "set", "cut", "drop", "put", "copy", "splice", "int"]))
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(1, 64))
        if kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + length]
        elif kind == "put":
            data[at:at] = draw(st.sampled_from(_PIECES))
        elif kind == "copy":
            data[at:at] = data[at : at + length]
        elif kind == "splice":
            data[at:] = draw(st.sampled_from(list(seeds)))[at:]
        elif kind == "int":
            size = draw(st.sampled_from([2, 4, 8]))
            value = draw(st.sampled_from([0, 1, 2**15, 2**31 - 1, 2**32 - 1, 2**63 - 1, 65_535]))
            order = draw(st.sampled_from(["big", "little"]))
            data[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
        elif data:
            byte = draw(st.integers(0, 255))
            data[at] = data[at] ^ byte if kind == "flip" else byte
    return bytes(data)


NASTY = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 10**4200, 0.5, -0.0, 1e308,
    float("nan"), float("inf"), float("-inf"), "", "\0", "a\nb", "\x1b[2J", "\ud800", "\u202eab",
    "x" * 5000, "9" * 5000, "../../" + CANARY, CANARY, "<script>alert(1)</script>",
    "http://127.0.0.1:9/x", "user/repo", "e\u0301" * 300, [], {}, [[]], [None], {"": None},
    [0] * 2000, {"x" * 300: 1}, {"a\nb\x1b": 1}, ["x"], [[1, 2], [3]], {"name": "x"},
]  # fmt: skip
anything: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(NASTY).map(copy.deepcopy),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ),
)


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*way, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 20)):
            yield from _places(value[index], (*way, index))


@st.composite
def twisted(draw: st.DrawFn, valid: Any, most: int = 3) -> Any:
    """Plain values as valid ones, with anything at all in a few places, or with parts missing."""
    value = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, most))):
        way = draw(st.sampled_from(list(_places(value))))
        what = draw(st.sampled_from(["replace", "replace", "delete", "add"]))
        if not way:
            if draw(st.integers(0, 9)) == 0:
                value = draw(anything)
            elif isinstance(value, dict):
                value[draw(st.text(max_size=8) | st.sampled_from(["x" * 300, "a\nb"]))] = draw(
                    anything
                )
            continue
        inner = value
        for step in way[:-1]:
            inner = inner[step]
        if what == "replace":
            inner[way[-1]] = draw(anything)
        elif what == "delete":
            del inner[way[-1]]
        elif isinstance(inner, dict):
            inner[draw(st.text(max_size=8))] = draw(anything)
        else:
            inner.append(draw(anything))
    return value


def json_texts(valid: Any) -> st.SearchStrategy[bytes]:
    """JSON files near a valid one: other values, duplicate keys, deep nesting, damaged bytes."""
    good = json.dumps(valid).encode()
    first = next(iter(valid)) if isinstance(valid, dict) and valid else "a"
    texts = [
        b"", b"null", b"[]", b"\xef\xbb\xbf" + good, good.decode().encode("utf-16"), b"\0" + good,
        b"[" * 100_000, b'{"a":' * 100_000, good[:-1] + b',"%s":null}' % first.encode(),
        good[:-1] + b',"x":' + b"9" * 5000 + b"}", good[:-1] + b',"x":' + b"[" * 90_000,
        good + b"\n" + good, b'"' + b"x" * 300_000 + b'"', good[:-1] + b',"x":1e99999}',
        b'{"%s":%s' % (first.encode(), b"9" * 5000) + b"}", good[:-1] + b',"\\ud800":"\\ud800"}',
    ]  # fmt: skip
    dumped = twisted(valid).map(lambda value: json.dumps(value).encode())
    return st.one_of(dumped, dumped, mutated([good]), st.sampled_from(texts))
