"""The painters: what lies in styles/, one folder an artist, or one image file alone.

A style is data, never code. Each is read on its own; a bad one is reported with its reason and
harms nothing. Scanning again is cheap, so a picture dropped into the folder appears at once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from smart import images, serving
from smart.wording import named, one_line

MANIFEST = "style.toml"
SMALLEST = 16  # px; below, the deepest layers of VGG see nothing
MAX_WORKS = 100
MAX_TEXT = 300
BUNDLED = Path(__file__).resolve().parent.parent / "styles"


class StyleError(ValueError):
    """A style that is unknown or cannot be used; the message names the remedy."""


@dataclass(frozen=True)
class Work:
    """One picture to paint after. slug is "artist/work"; sha256 is that of the file."""

    slug: str
    title: str
    year: str
    path: Path
    sha256: str

    def open(self) -> Image.Image:
        """The picture as upright RGB. Raises images.ImageError."""
        return images.open_image(self.path, SMALLEST)


@dataclass(frozen=True)
class Style:
    """An artist with all that the folder holds of him or her."""

    slug: str
    name: str
    artist: str
    year: str
    licence: str
    source: str
    works: tuple[Work, ...]
    painting: dict[str, Any] = field(default_factory=dict, hash=False)
    added: str = ""  # how it came here, where the page put it here (see smart.new_style)


@dataclass(frozen=True)
class BadStyle:
    """Something in styles/ that cannot be used, and why, in one sentence."""

    slug: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """What is painted after: works that count together, and their weight among the choices.

    name is what the painter is called.
    """

    slug: str
    works: tuple[Work, ...]
    weight: float = 1.0
    name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Catalogue:
    """All styles that can be used, by name, and those that cannot, with their reasons."""

    styles: tuple[Style, ...]
    bad: tuple[BadStyle, ...] = ()

    def choose(self, text: str) -> Choice:
        """ "hokusai" -> all works together; "hokusai/great-wave" -> one; ":0.4" adds a weight.

        Raises StyleError with the nearest names.
        """
        slug, _, weight_text = text.strip().partition(":")
        weight = _weight(text, weight_text) if weight_text else 1.0
        by_slug = {style.slug: style.works for style in self.styles}
        by_slug.update({work.slug: (work,) for style in self.styles for work in style.works})
        if slug in by_slug:
            return Choice(slug, by_slug[slug], weight, self.name_of(slug))
        for bad in self.bad:
            if bad.slug == slug:
                raise StyleError(named(f"The style {slug!r} cannot be used: {bad.reason}", 380))
        # A forgotten or mistaken artist must not hide a title that is right.
        titles = {candidate.split("/")[-1]: candidate for candidate in by_slug}
        near = get_close_matches(slug.lower(), by_slug, n=3, cutoff=0.5)
        near += [titles[t] for t in get_close_matches(slug.lower().split("/")[-1], titles, n=2)]
        names = list(dict.fromkeys(near))[:3] or [style.slug for style in self.styles]
        hint = (
            "did you mean " + " or ".join(names) + "?"
            if near
            else f"there are: {', '.join(names)}."
        )
        if not names:
            hint = "styles/ holds none; put a picture into it."
        raise StyleError(f"There is no style {slug[:60]!r}; {hint}")

    def names(self) -> dict[str, str]:
        """What the painters are called, by slug."""
        return {style.slug: style.name for style in self.styles}

    def name_of(self, slug: str) -> str:
        """What the painter of a slug, or of a work's slug, is called; the slug of one not here."""
        return self.names().get(slug.split("/")[0], slug)

    def choose_all(self, texts: Iterable[str]) -> tuple[Choice, ...]:
        """Several choices; at least one, and one at least with a weight above 0."""
        choices = tuple(self.choose(text) for text in texts)
        if not choices or all(choice.weight == 0 for choice in choices):
            raise StyleError("No painter is chosen; name one, such as hokusai.")
        return choices


def _weight(text: str, weight: str) -> float:
    try:
        value = float(weight)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise StyleError(
            f"The weight in {text[:60]!r} is no number from 0 to 1000; write hokusai:0.4."
        )
    return value


def styles_folder() -> Path:
    """The folder of the painters: SMART_STYLES if set, otherwise styles/ beside the package."""
    return Path(serving.current().styles or BUNDLED)


def scan(folder: Path | None = None, more: Sequence[Path] = ()) -> Catalogue:
    """Everything in the folder of styles, the good and the bad, sorted by name.

    What is in the folders of more, such as a visitor's own, comes after it. Raises nothing for
    what is in them; a folder that does not exist is an empty catalogue.
    """
    good: dict[str, Style] = {}
    bad: list[BadStyle] = []
    for entry in _entries([folder or styles_folder(), *more]):
        if entry.name.startswith((".", "_")) or entry.suffix.lower() in (".md", ".txt"):
            continue
        slug = slugify(entry.stem if entry.is_file() else entry.name)
        try:
            style = _read_folder(entry, slug) if entry.is_dir() else _read_image(entry, slug)
            if slug in good:
                raise StyleError(
                    f"Another style is called {slug!r} already; rename {named(entry.name)}."
                )
            good[slug] = style
        except ValueError as error:
            bad.append(BadStyle(slug, str(error)))
        except OSError as error:
            bad.append(BadStyle(slug, f"{named(entry.name)} cannot be read ({error.strerror})."))
    return Catalogue(tuple(good.values()), tuple(bad))


def _entries(folders: Iterable[Path]) -> list[Path]:
    return [path for each in folders if each.is_dir() for path in sorted(each.iterdir())]


def search(found: Iterable[Style], text: str) -> tuple[Style, ...]:
    """Those with every word of text in name, artist, year, licence or a work's title or year.

    Accents and capitals do not count; no text finds all. Sorted by artist, the unknown last.
    """
    words = _plain(text).split()
    return tuple(
        sorted(
            (style for style in found if all(word in _told(style) for word in words)),
            key=lambda style: (not style.artist, _plain(style.artist), _plain(style.name)),
        )
    )


def _told(style: Style) -> str:
    works = (part for work in style.works for part in (work.title, work.year))
    return _plain("\n".join([style.name, style.artist, style.year, style.licence, *works]))


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def slugify(name: str) -> str:
    """A name for command lines: lower-case ASCII letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "style"


def _read_image(path: Path, slug: str) -> Style:
    if path.suffix.lower() not in images.SUFFIXES:
        raise StyleError(f"{named(path.name)} is no picture; put JPEG or PNG files into styles/.")
    title = _title(path.stem)
    work = _work(path, slug, title, "")
    return Style(slug, title, "", "", "", "", (work,))


def _read_folder(folder: Path, slug: str) -> Style:
    manifest = folder / MANIFEST
    values: dict[str, Any] = {}
    if manifest.is_file():
        try:
            if manifest.stat().st_size > 100_000:
                raise StyleError(f"{slug}/{MANIFEST} is longer than 100 kB; shorten it.")
            values = tomllib.loads(manifest.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise StyleError(
                f"{slug}/{MANIFEST} is no valid TOML ({named(error, 120)}); mend it."
            ) from error
        except ValueError as error:
            raise StyleError(f"{slug}/{MANIFEST} holds a number that is too long.") from error
    described = values.get("work", [])
    if not isinstance(described, list) or not all(isinstance(item, dict) for item in described):
        raise StyleError(f"{slug}/{MANIFEST}: each work stands under [[work]]; mend it.")
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in images.SUFFIXES]
    files = [path for path in files if not path.name.startswith(".")]
    if not files:
        raise StyleError(f"The folder {slug} holds no picture; put a JPEG or PNG into it.")
    if len(files) > MAX_WORKS:
        raise StyleError(f"The folder {slug} holds more than {MAX_WORKS} pictures; split it.")
    notes = {_text(item, "file", slug): item for item in described}
    if missing := [name for name in notes if name not in {path.name for path in files}]:
        raise StyleError(
            f"{slug}/{MANIFEST} names {named(missing[0])!r}, which is not there; add it."
        )
    works = []
    for path in files:
        note = notes.get(path.name, {})
        title = _text(note, "title", slug) or _title(path.stem)
        works.append(_work(path, f"{slug}/{slugify(path.stem)}", title, _text(note, "year", slug)))
    painting = values.get("painting", {})
    if not isinstance(painting, dict):
        raise StyleError(f"{slug}/{MANIFEST}: painting defaults stand under [painting]; mend it.")
    artist = _text(values, "artist", slug)
    return Style(
        slug,
        _text(values, "name", slug) or artist or _title(folder.name),
        artist,
        _text(values, "year", slug),
        _text(values, "licence", slug),
        _text(values, "source", slug),
        tuple(works),
        painting,
        _text(values, "added", slug),
    )


def _text(values: dict[str, Any], key: str, slug: str) -> str:
    value = values.get(key, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise StyleError(f"{slug}/{MANIFEST}: {key!r} must be a short text in quotes; mend it.")
    return one_line(value)


def _title(stem: str) -> str:
    words = one_line(re.sub(r"[-_\s]+", " ", stem))
    return words[:1].upper() + words[1:] or "Untitled"


def _work(path: Path, slug: str, title: str, year: str) -> Work:
    stat = path.stat()
    digest = _verified(path, stat.st_mtime_ns, stat.st_size)
    return Work(slug, title, year, path, digest)


@lru_cache(maxsize=8192)
def _verified(path: Path, modified: int, size: int) -> str:
    """The file's sha256 after decoding it once; an unchanged file is not decoded again."""
    images.open_image(path, SMALLEST)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contact_picture(works: Sequence[Work], size: int) -> Image.Image:
    """A square thumbnail of the works that count together: up to four of them as one."""
    if len(works) == 1:
        return images.square(works[0].open(), size)
    shown = [images.square(work.open(), size // 2) for work in works[:4]]
    if len(shown) < 4:
        return images.square(works[0].open(), size)
    return images.sheet(shown, 2)
