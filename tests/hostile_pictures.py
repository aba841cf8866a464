"""Readers of pictures, of their texts, of links and of painters, and what is given them."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from smart import images, new_style, provenance, settings, styles, wall
from smart.declaring import Options
from smart.new_style import NewStyle, NewWork
from smart.options import PaintingOptions, SamplingOptions, TrainingOptions
from tests.hostile import (
    LawError,
    Reader,
    anything,
    json_texts,
    mutated,
    refuse_bad_words,
    twisted,
)

SIZE = (72, 65)


@lru_cache(maxsize=1)
def pictures() -> tuple[bytes, ...]:
    """A small picture in every format and in most of its kinds."""
    plain = Image.effect_noise(SIZE, 80).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    cmyk = plain.convert("CMYK")
    kinds: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("PNG", plain, {"icc_profile": profile}),
        ("PNG", plain.convert("P"), {"transparency": 3}),
        ("PNG", plain.convert("L").convert("I;16"), {}),
        ("PNG", plain.convert("RGBA"), {"save_all": True, "append_images": [plain]}),
        ("JPEG", plain, {"exif": exif, "progressive": True}),
        ("JPEG", cmyk, {"icc_profile": profile}),
        ("MPO", plain, {"save_all": True, "append_images": [plain]}),
        ("WEBP", plain, {"lossless": True, "exif": exif}),
        ("WEBP", plain, {"save_all": True, "append_images": [plain]}),
        ("GIF", plain, {"save_all": True, "append_images": [plain.rotate(90)]}),
        ("BMP", plain.convert("P"), {}),
        ("PPM", plain, {}),
        ("PPM", plain.convert("1"), {}),
        ("AVIF", plain, {}),
    ]
    kinds += [("TIFF", plain, {"compression": c}) for c in ("raw", "tiff_lzw", "jpeg", "packbits")]
    kinds += [
        ("TIFF", plain.convert("F"), {}),
        ("TIFF", plain.convert("1"), {"compression": "group4"}),
    ]
    made = []
    for kind, picture, more in kinds:
        if kind in Image.SAVE or kind not in ("AVIF",):
            packed = io.BytesIO()
            picture.save(packed, kind, **more)
            made.append(packed.getvalue())
    return (*made, b"P3\n3 2\n255\n" + b"9 8 7 " * 6, b"Pf\n2 2\n-1.0\n" + b"\0" * 16)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, with the right checksums."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks:
        parts += [struct.pack(">I", len(data)), kind, data]
        parts.append(struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def header(width: int, height: int, depth: int = 8, color: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)


sides = st.sampled_from([0, 1, 24, 20, 4000, 8000, 65_535, 2**31 - 1, 2**32 - 1]) | st.integers(
    1, 99
)


_BOMB, _DEEP = zlib.compress(b"\0" * 10**7), zlib.compress(b"[" * 60_000)


@st.composite
def pngs(draw: st.DrawFn) -> bytes:
    """PNGs whose checksums are right and whose chunks are anything."""
    width, height = draw(sides), draw(sides)
    depth, color = draw(st.sampled_from([1, 2, 4, 8, 16, 3])), draw(st.integers(0, 7))
    chunks = [header(width, height, depth, color)]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from([
            b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"eXIf", b"pHYs", b"tEXt", b"zTXt", b"iTXt",
            b"IDAT", b"acTL",
            b"fcTL", b"fdAT", b"sRGB", b"cHRM", b"bKGD", b"IHDR", b"IEND", b"xxxx",
        ]))  # fmt: skip
        data = draw(st.binary(max_size=40))
        if kind in (b"iCCP", b"zTXt"):
            data = b"a\0\0" + draw(st.sampled_from([_BOMB, zlib.compress(b"x"), b""]))
        if kind == b"iTXt":
            data = b"smart\0\1\0\0\0" + draw(st.sampled_from([_DEEP, _BOMB, data]))
        chunks.append((kind, data))
    rows = min(height, 64) * (min(width, 64) * 4 + 1)
    pixels = draw(st.sampled_from([zlib.compress(b"\0" * rows), b"", _BOMB]))
    return png(*chunks, (b"IDAT", pixels), (b"IEND", b""))


def _picture(data: bytes, folder: Path) -> None:
    path = folder / "a.png"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        found = images.open_image(source, name="" if source is path else "a\nb\x1b" + "x" * 500)
        if found.mode != "RGB" or found.width * found.height > images.MAX_PIXELS:
            raise LawError(f"gives a picture of {found.mode} {found.size}")


KNOWN: dict[str, Any] = {
    "sitter": {"seed": 3, "psi": 0.7, "generator": "faces", "sliders": "turn=0.5"},
    "styles": [{"slug": "hokusai", "weight": 0.5, "works": {"hokusai/great-wave": "0" * 64}}],
    "ground": [{"slug": "renoir", "weight": 1.0, "works": {}}],
    "painting": PaintingOptions().to_dict(),
    "earlier": [{"painting": PaintingOptions().to_dict(), "stopped_after": 7}],
    "stopped_after": 3,
    "network": "vgg16",
    "precision": "float32",
    "version": 2,
    "software": "SMART 1",
}  # fmt: skip


@lru_cache(maxsize=1)
def _works() -> tuple[styles.Style, ...]:
    names = ("hokusai", "renoir")
    return tuple(styles.Style(n, n, n, "", "", "", (_work(n),)) for n in names)


def _work(slug: str) -> styles.Work:
    return styles.Work(f"{slug}/a", "A", "", Path("a.png"), "0" * 64)


def _settings(known: Any, folder: Path) -> None:
    """What a portrait's text says, all the ways in which it is read."""
    if not isinstance(known, dict):
        return
    here = styles.Catalogue(_works(), (styles.BadStyle("bad", "It is bad."),))
    plain(settings.words_of(known).items())
    plain(settings.differences(known, KNOWN))
    plain([("", wall.readable_name(known))])
    if len(wall.readable_name(known)) > 100:
        raise LawError("names a file at length")
    from smart.ui import hanging

    hung = wall.Hung("a.png", folder / "a.png", 0.0, (2, 2), known, b"")
    plain([("", hanging.caption(hung, {"hokusai": "Hokusai"}))])
    recipe = provenance.parse(known, "The portrait", exact=False, catalogue=here)
    made, notes = settings.of_portrait(known, "The portrait", here)
    made.choices(here)
    plain([("", note) for note in notes])
    if provenance.parse(known, "x", exact=False, catalogue=here) != recipe:
        raise LawError("reads the same text in two ways")
    try:
        provenance.parse(known, "The portrait", catalogue=here)
    except ValueError as error:  # the works are others than those it was painted after
        refuse_bad_words(str(error), "an exact recipe")


def plain(words: Any) -> None:
    """Every text can be sent, and is not endless."""
    for row in words:
        for text in row:
            if len(str(text)) > 1000:
                raise LawError(f"tells {len(str(text))} characters")
            try:
                str(text).encode()
            except UnicodeEncodeError as error:
                raise LawError("tells halves of characters") from error


def _portrait(data: bytes, folder: Path) -> None:
    """A file among the portraits whose text is data: the wall shows it or leaves it alone."""
    portraits = folder / "portraits"
    portraits.mkdir()
    info = PngImagePlugin.PngInfo()
    info.add(b"iTXt", b"smart\0\0\0\0\0" + data)
    Image.new("RGB", (8, 8)).save(portraits / "a.png", pnginfo=info)
    view = wall.Wall(portraits).view(5)
    for foreign in view.foreign:
        refuse_bad_words(foreign.reason)
    if len(view.hung) + len(view.foreign) != 1:
        raise LawError("loses a file")
    for hung in view.hung:
        _settings(hung.known, folder)
    _settings(images.read_provenance(portraits / "a.png"), folder)


def _link(query: Any, folder: Path) -> None:
    if isinstance(query, dict):
        text = {str(k): v if isinstance(v, str) else str(v) for k, v in query.items()}
        made = settings.from_query(text)
        if made is not None:
            settings.to_query(made)


def _options(cls: type[Options]) -> Callable[[Any, Path], object]:
    def read(values: Any, folder: Path) -> object:
        return cls.from_dict(values) if isinstance(values, dict) else None

    return read


STYLE: dict[str, Any] = {
    "name": "Someone", "artist": "Some One", "year": 1830, "licence": "public domain",
    "source": "here", "painting": {"strength": 0.5, "colors": "sitter"},
    "work": [{"file": "a.png", "title": "One", "year": "c. 1831"}, {"file": "b.png"}],
}  # fmt: skip


def toml(values: Any) -> bytes:
    """Plain values as TOML, as well as it can say them."""
    if not isinstance(values, dict):
        return toml({"name": values})
    lines = [f"{json.dumps(str(key))} = {_toml(value)}" for key, value in values.items()]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return "nan" if value != value else "inf"
    return json.dumps(str(value) if value is None else value, ensure_ascii=isinstance(value, str))


TOML = [
    b"name = " + b"[" * 20_000, b"[" + b"a." * 20_000 + b"b]", b"year = 0x" + b"f" * 9000,
    b'name = "a"\nname = "b"', b"name = 1979-99-99", b"name = " + b"9" * 5000, b"\0", b"\xff\xfe",
    b'name = "\\ud800"', b'name = "a\\nb\\u001b"', b"work = 3", b"work = [3]", b"painting = 3",
    b'name = """' + b"x" * 99_000 + b'"""', b"x" * 100_001, b'[[work]]\nfile = "../a.png"',
    b'[[work]]\nfile = "a.png"\n[[work]]\nfile = "a.png"', b"a" * 90_000 + b" = 1",
]  # fmt: skip


def _style(data: bytes, folder: Path) -> None:
    """A painter's folder with this style.toml: it is there, or bad with its reason."""
    home = folder / "styles" / "someone"
    home.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (home / name).write_bytes(pictures()[0])
    (home / styles.MANIFEST).write_bytes(data)
    found = styles.scan(folder / "styles")
    if len(found.styles) + len(found.bad) != 1:
        raise LawError("loses a painter")
    for bad in found.bad:
        refuse_bad_words(bad.reason)
    for style in found.styles:
        told = (style.name, style.artist, style.year, style.licence, style.source, style.added)
        plain([told, *[(work.title, work.year) for work in style.works]])
        refuse_bad_words(style.name)
        styles.search(found.styles, "one")
        PaintingOptions.from_dict(style.painting)
    try:
        new_style.rename(found, "someone", folder / "styles", "Another")
    except ValueError as error:
        refuse_bad_words(str(error))


words = st.text(max_size=40) | st.sampled_from(
    ["", "../../etc", "a/b", "\0", "\ud800", "con", "x" * 20_000, "<b>", "葛", ".", "..", "\u202e"]
)


@st.composite
def painters(draw: st.DrawFn) -> tuple[Any, ...]:
    """What someone tells of a new painter, and a picture."""
    told = tuple(draw(words | anything) for _ in range(7))
    return (*told, draw(st.sampled_from([pictures()[0], pictures()[4]]) | mutated(pictures(), 1)))


def _new_style(told: tuple[Any, ...], folder: Path) -> None:
    *texts, data = told
    name, artist, year, licence, source, title, dated = texts
    given = folder / "given"
    given.mkdir()
    (given / "a b.png").write_bytes(data)
    work = NewWork(given / "a b.png", title, dated)
    target = folder / "styles"
    try:
        slug = new_style.save(NewStyle(name, (work,), artist, year, licence, source), target)
    finally:
        if target.exists() and [p for p in target.iterdir() if p.name.startswith(".")]:
            raise LawError("leaves a half-made painter")
    found = styles.scan(target)
    if [style.slug for style in found.styles] != [slug]:
        raise LawError("saves what it cannot read")
    new_style.rename(found, slug, target, "Other")
    new_style.remove(found, slug, target)


READERS = [
    Reader("picture", mutated(pictures()) | pngs(), _picture, pictures()[0]),
    Reader("portrait's text", json_texts(KNOWN), _portrait, json.dumps(KNOWN).encode()),
    Reader("settings", twisted(KNOWN), _settings, KNOWN | {"ground": None}),
    Reader("link", twisted({"painter": "hokusai", "seed": "3", "size": "512", "sliders": "a=1",
                            "second": "renoir", "role": "mix", "share": "30"}),
           _link, {"painter": "hokusai"}),
    *(Reader(name, twisted(cls().to_dict()), _options(cls), cls().to_dict()) for name, cls in (
        ("sitter's options", SamplingOptions), ("painter's options", PaintingOptions),
        ("training's options", TrainingOptions))),
    Reader("style.toml", st.one_of(twisted(STYLE).map(toml), mutated([toml(STYLE)]),
                                   st.sampled_from(TOML)), _style, toml(STYLE)),
    Reader("new painter", painters(), _new_style, ("A", "", "", "", "", "", "", pictures()[0])),
]  # fmt: skip
