"""A painter that is added while the app runs: pictures and a few words become a folder of styles.

The folder is made whole beside the others, under a hidden name that a scan passes over, and takes
its place in one step. Pictures are written anew, so that nothing but their pixels comes along.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
import tomllib
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from smart import images
from smart.styles import MANIFEST, MAX_TEXT, MAX_WORKS, Catalogue, Style, StyleError, slugify
from smart.wording import one_line

ADDED = "in the browser"  # what `added` says in the style.toml of such a style
SMALLEST = 64  # px a side; a smaller picture shows no hand
NAME_LENGTH = 80  # characters; it stands under a thumbnail
COLORS = 64  # a picture with no more is flat art, and kept without loss
LONG_TEXT = 10_000  # characters; more is not even looked at
STALE = 3600.0  # s after which a folder that was begun belongs to nobody
HIDDEN = ".new-"
RESERVED = {"all", "nobody", "style", "styles", "con", "prn", "aux", "nul"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(10)
}  # the last ones are no names for a folder on Windows


@dataclass(frozen=True)
class Limits:
    """How much may be added: works of a painter, painters in the folder, and bytes in it.

    longest is the longer side of a picture in px; a larger one is scaled down.
    """

    works: int = MAX_WORKS
    longest: int = 2048
    styles: int = 500
    bytes: int | None = None


USUAL = Limits()


@dataclass(frozen=True)
class NewWork:
    """A picture to paint after, from any file. Without a title the file's name is one."""

    path: Path
    title: str = ""
    year: str = ""


@dataclass(frozen=True)
class NewStyle:
    """What is told of a painter; nothing is checked before check or save."""

    name: str
    works: tuple[NewWork, ...]
    artist: str = ""
    year: str = ""
    licence: str = ""
    source: str = ""


def check(new: NewStyle, taken: Catalogue, limits: Limits = USUAL) -> str:
    """The slug that the painter would have beside those of taken.

    Raises StyleError for no name or one that cannot be had, too long a text, no or too many
    pictures. The pictures themselves are not looked at.
    """
    if not (name := cleaned(new.name)):
        raise StyleError("The painter has no name yet; give one.")
    _short("name", name, NAME_LENGTH)
    for label in ("artist", "year", "licence", "source"):
        _short(label, cleaned(getattr(new, label)), MAX_TEXT)
    for label, text in ((k, cleaned(getattr(w, k))) for w in new.works for k in ("title", "year")):
        _short(label, text, MAX_TEXT)
    if not new.works:
        raise StyleError("There is no picture yet; give at least one.")
    if len(new.works) > limits.works:
        raise StyleError(f"There are {len(new.works)} pictures; give at most {limits.works}.")
    slug = _slug(name)
    if not slug:
        raise StyleError(
            f"The name {name!r} has no Latin letter and no digit, which its folder needs; write it "
            "in Latin letters, too, such as 葛飾北斎 (Hokusai)."
        )
    used = {one.slug for one in taken.styles} | {one.slug for one in taken.bad}
    if slug in RESERVED:
        raise StyleError(f"The name {name!r} is used for something else; {_offer(name, used)}")
    if slug in used:
        raise StyleError(f"There is a painter called {name!r} already; {_offer(name, used)}")
    return slug


def _slug(name: str) -> str:
    """slugify's, cut to what every file system takes; empty where nothing is left of the name."""
    kept = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return slugify(name)[:NAME_LENGTH].strip("-") if re.search(r"[A-Za-z0-9]", kept) else ""


def _offer(name: str, used: set[str]) -> str:
    number = 2
    while _slug(f"{name} {number}") in used:
        number += 1
    return f"call this one {f'{name} {number}'!r}, or otherwise."


def cleaned(text: object) -> str:
    """Text on one line: no control characters, halves of characters, or marks that turn it round.

    Anything else than text or a number is empty; of very long text the beginning counts.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        text = f"{text:g}" if isinstance(text, float) else str(text) if abs(text) < 10**15 else ""
    if not isinstance(text, str):
        return ""
    return one_line(text[:LONG_TEXT])


def _short(label: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise StyleError(f"The {label} has {len(text)} characters; shorten it to {longest}.")


def save(
    new: NewStyle, folder: Path, taken: Catalogue | None = None, limits: Limits = USUAL
) -> str:
    """Write the painter into folder, whole or not at all; its slug.

    taken holds the painters whose names are gone. Pictures are scaled down to limits.longest px
    and lose all metadata. Raises StyleError as check does, and where the folder is full or cannot
    be written; images.ImageError for a file that is no picture, or one below SMALLEST px.
    """
    taken = taken or Catalogue(())
    slug = check(new, taken, limits)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        if sum(1 for one in folder.iterdir() if one.is_dir()) >= limits.styles:
            raise StyleError(
                f"There are {limits.styles} painters already, and no more fit in; remove one."
            )
        begun = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=folder))
        try:
            write(new, begun, limits)
            if limits.bytes is not None and _size(folder) > limits.bytes:
                raise StyleError(
                    f"Your painters need more than {limits.bytes // 10**6} MB; give fewer or "
                    "smaller pictures, or remove one."
                )
            umask = os.umask(0)
            os.umask(umask)
            begun.chmod(0o777 & ~umask)  # mkdtemp gives 0700; the painters are to be shared
            if (folder / slug).exists():  # someone was faster
                raise StyleError(f"There is a painter called {new.name!r} already; name it anew.")
            os.rename(begun, folder / slug)
        finally:
            shutil.rmtree(begun, ignore_errors=True)
    return slug


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What the file system raises as one clear sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StyleError(
            f"The folder {folder.name}/ cannot be written ({reason}); make room in it, or let it "
            "be written to, then try again."
        ) from error


def _sweep(folder: Path) -> None:
    """Remove what was begun and never finished: the app was ended in the middle."""
    for left in folder.glob(f"{HIDDEN}*"):
        if time.time() - left.stat().st_mtime > STALE:
            shutil.rmtree(left, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def write(new: NewStyle, folder: Path, limits: Limits = USUAL) -> None:
    """The pictures and style.toml of a painter into a folder that is there and empty.

    Raises images.ImageError for a picture that cannot be used, and OSError.
    """
    lines = [f"name = {quoted(cleaned(new.name))}"]
    for key in ("artist", "year", "licence", "source"):
        if text := cleaned(getattr(new, key)):
            lines.append(f"{key} = {quoted(text)}")
    lines.append(f"added = {quoted(ADDED)}")
    names: set[str] = set()
    for number, work in enumerate(new.works, 1):
        title = cleaned(work.title) or title_of(work.path)
        stem = _slug(title)[:40].strip("-") or f"work-{number}"
        while stem in names:
            stem += f"-{number}"
        names.add(stem)
        file = _written(work.path, folder / stem, limits.longest)
        lines += ["", "[[work]]", f"file = {quoted(file)}", f"title = {quoted(title)}"]
        if year := cleaned(work.year):
            lines.append(f"year = {quoted(year)}")
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def title_of(path: Path) -> str:
    """What a picture is called as long as nobody says so: its file's name as words."""
    words = cleaned(re.sub(r"[-_\s]+", " ", path.stem))[:NAME_LENGTH].strip()
    return words[:1].upper() + words[1:] or "Untitled"


def quoted(text: str) -> str:
    """Text as a basic string of TOML, whatever is in it but halves of characters."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written(source: Path, target: Path, longest: int) -> str:
    """The picture anew, without anything but its pixels; the name of the file."""
    picture = images.shrunk(images.open_image(source, SMALLEST), longest)
    plain = Image.frombytes("RGB", picture.size, picture.tobytes())  # no profile, no comment
    if plain.getcolors(COLORS):
        plain.save(file := target.with_name(f"{target.name}.png"), format="PNG", optimize=True)
    else:
        file = target.with_name(f"{target.name}.jpg")
        # The painter sees every block: nearly lossless, and colours at full size.
        plain.save(file, format="JPEG", quality=95, subsampling=0)
    return file.name


def removable(style: Style, folder: Path) -> bool:
    """Whether the style was added in the browser, and to this folder."""
    home = style.works[0].path.parent
    return style.added == ADDED and home.parent == folder


def _own(catalogue: Catalogue, slug: str, folder: Path) -> Style:
    for style in catalogue.styles:
        if style.slug == slug and removable(style, folder):
            return style
    raise StyleError(
        f"The painter {slug[:60]!r} was not added here in the browser; change its folder itself."
    )


def remove(catalogue: Catalogue, slug: str, folder: Path) -> None:
    """Take a painter that was added in the browser out of folder.

    It is gone from the list in one step. Raises StyleError for any other, and where the folder
    cannot be written.
    """
    home = _own(catalogue, slug, folder).works[0].path.parent
    with _writing(folder):
        gone = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=folder))
        os.rename(home, gone / home.name)
    shutil.rmtree(gone, ignore_errors=True)


def rename(catalogue: Catalogue, slug: str, folder: Path, name: str) -> None:
    """Give a painter that was added in the browser another name.

    Its folder, and so its slug, stays: portraits remember it by that. Raises StyleError as remove
    does, and for a name that is empty or too long.
    """
    manifest = _own(catalogue, slug, folder).works[0].path.parent / MANIFEST
    if not (name := cleaned(name)):
        raise StyleError("The new name is empty; give one.")
    _short("name", name, NAME_LENGTH)
    lines = manifest.read_text(encoding="utf-8").splitlines()
    expected = tomllib.loads("\n".join(lines)) | {"name": name}
    changed = [re.sub(r"^name\s*=.*", lambda _: f"name = {quoted(name)}", one) for one in lines]
    if not _reads_as("\n".join(changed), expected):  # someone wrote it another way, by hand
        raise StyleError(f"{slug}/{MANIFEST} was changed by hand; write the name there, too.")
    with images.atomic(manifest) as temporary:
        temporary.write_text("\n".join(changed) + "\n", encoding="utf-8")


def _reads_as(text: str, expected: dict[str, object]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False
