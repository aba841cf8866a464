"""Where training images come from: a folder, a zip or a list of files, read where they lie.

Nothing is unpacked, changed or deleted. A zip is anyone's: its names and sizes are checked before
a byte of it is decompressed.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from PIL import Image

from smart import images
from smart.images import SUFFIXES
from smart.wording import named

MAX_ENTRIES = 500_000
MAX_FILE = images.MAX_BYTES  # bytes of one image, unpacked
MAX_RATIO = 200  # unpacked against packed; pictures hardly shrink


# What a damaged zip raises beside what every file does.
_OF_ZIPS = (zipfile.BadZipFile, zlib.error, struct.error)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others can ask for any amount of memory


class SourceError(ValueError):
    """Images that cannot be used at all; the message says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """One image that has not been opened yet: its name, and what tells whether it has changed."""

    name: str
    stamp: tuple[int, ...]
    _open: Callable[[], IO[bytes]]

    def open(self) -> Image.Image:
        """The picture, upright RGB. Raises images.ImageError."""
        try:
            stream = self._open()
        except (OSError, RuntimeError, ValueError, EOFError, *_OF_ZIPS) as error:
            raise images.ImageError(
                f"{named(self.name)} cannot be read ({named(error, 120)})."
            ) from error
        with stream:
            return images.open_image(stream, name=self.name)


def entries(source: str | Path | Sequence[str | Path]) -> list[Entry]:
    """Every file in the source that is named like an image, in the order of the names.

    source is a folder (with those inside it), a zip, or a list of files. Raises SourceError for
    what is not there, may not be read, holds no images, or is a zip that may not be trusted.
    """
    if not isinstance(source, str | Path):
        found = list(_files([Path(one) for one in source]))
        what = "The list"
    else:
        path = Path(source)
        what = path.name or str(path)
        if path.is_dir():
            found = _in_folder(path)
        elif path.is_file():
            found = _in_zip(path)
        else:
            raise SourceError(f"There is no folder or zip {source}; check the path.")
    if not found:
        raise SourceError(
            f"{what} holds no images; SMART reads {', '.join(s[1:] for s in SUFFIXES)}."
        )
    return sorted(found, key=lambda entry: entry.name)


def _files(paths: Sequence[Path]) -> Iterator[Entry]:
    for path in paths:
        try:
            state = path.stat()
        except OSError as error:
            name = named(path.name)
            raise SourceError(f"{name} cannot be read ({error.strerror}).") from error
        yield Entry(path.name, (state.st_size, state.st_mtime_ns), lambda p=path: p.open("rb"))  # type: ignore[misc]


def _in_folder(folder: Path) -> list[Entry]:
    def refuse(error: OSError) -> None:
        raise SourceError(
            f"{error.filename} may not be read ({error.strerror}); change its permissions or "
            "choose another folder."
        ) from error

    found = []
    # Links are not followed: a folder must not lead out of itself or into a circle.
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(place, name)
            if not _named_like_an_image(name) or not path.is_file():
                continue
            state = path.stat()
            relative = path.relative_to(folder).as_posix()
            found.append(
                Entry(relative, (state.st_size, state.st_mtime_ns), lambda p=path: p.open("rb"))  # type: ignore[misc]
            )
            if len(found) > MAX_ENTRIES:
                raise SourceError(
                    f"{folder} holds more than {MAX_ENTRIES:,} images; choose a part of it."
                )
    return found


def _in_zip(path: Path) -> list[Entry]:
    try:
        archive = zipfile.ZipFile(path)
        infos = archive.infolist()
    except PermissionError as error:
        raise SourceError(f"{path.name} may not be read; change its permissions.") from error
    except (OSError, ValueError, NotImplementedError, *_OF_ZIPS) as error:
        raise SourceError(
            f"{path.name} is no zip, or a damaged one; give a folder or a zip of images."
        ) from error
    if len(infos) > MAX_ENTRIES:
        raise SourceError(f"{path.name} has more than {MAX_ENTRIES:,} entries; give fewer.")
    found, names = [], set()
    for info in infos:
        _refuse_hostile(path.name, info)
        if info.is_dir() or not _named_like_an_image(PurePosixPath(info.filename).name):
            continue
        if info.filename in names:
            name = named(info.filename)
            raise SourceError(f"{path.name} holds {name!r} twice; pack it anew.")
        names.add(info.filename)
        stamp = (info.file_size, info.CRC)
        found.append(Entry(info.filename, stamp, lambda i=info: _unpacked(archive, i)))  # type: ignore[misc]
    return found


def _refuse_hostile(zip_name: str, info: zipfile.ZipInfo) -> None:
    zip_name = named(zip_name)
    name = info.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise SourceError(
            f"{zip_name} holds the path {named(name)!r}, which leads out of it; it is not "
            "to be trusted. Pack the images anew."
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise SourceError(f"{zip_name} holds the link {named(name)!r}; pack the images themselves.")
    if info.compress_type not in _METHODS:
        raise SourceError(f"{zip_name} is packed in an unusual way; pack it with Deflate, or not.")
    if info.flag_bits & 1:
        raise SourceError(f"{zip_name} has a password; unpack it, or pack it without one.")
    packed, unpacked = max(1, info.compress_size), info.file_size
    if unpacked > MAX_FILE or (unpacked > 10**6 and unpacked / packed > MAX_RATIO):
        raise SourceError(
            f"{zip_name} holds {named(name)!r}, which unpacks from {packed / 1e6:.1f} to "
            f"{unpacked / 1e6:.0f} MB: no image does that. Pack the images anew."
        )


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    with archive.open(info) as file:
        data = file.read(info.file_size + 1)  # what the directory says may be a lie
    if len(data) != info.file_size:
        raise zipfile.BadZipFile("its size is not what the zip says")
    return io.BytesIO(data)


def _named_like_an_image(name: str) -> bool:
    return not name.startswith((".", "__MACOSX")) and name.lower().endswith(SUFFIXES)
