"""Pictures of every kind go in as upright RGB, or are refused in one clear sentence."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from smart import images
from smart.images import ImageError


def gradient(width: int = 40, height: int = 30) -> Image.Image:
    x = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **more: object) -> io.BytesIO:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return io.BytesIO(stream.getvalue())


def huge_png() -> io.BytesIO:
    """A valid PNG of 30,000 x 30,000 px in a few bytes: only its header is ever read."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 3751 * 100)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no file nobody.png; check the path"):
        images.open_image(tmp_path / "nobody.png")
    with pytest.raises(ImageError, match="cannot be read"):
        images.open_image(tmp_path)


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg xmlns='...'></svg>", b"<html></html>"])
def test_no_picture(data: bytes) -> None:
    with pytest.raises(ImageError, match="no picture that can be read; give a JPEG or PNG"):
        images.open_image(io.BytesIO(data))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_is_cut_off(format: str) -> None:
    data = encoded(gradient(200, 150), format).getvalue()
    with pytest.raises(ImageError, match="damaged or cut off|no picture"):
        images.open_image(io.BytesIO(data[: len(data) // 2]))


def test_one_pixel() -> None:
    tiny = encoded(Image.new("RGB", (1, 1)), "PNG")
    with pytest.raises(ImageError, match="only 1 x 1 px; give a picture of at least 64 px a side"):
        images.open_image(tiny, smallest=64)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = huge_png()
    assert len(bomb.getvalue()) < 2000
    with pytest.raises(ImageError, match="more than 61 megapixels; scale it down first"):
        images.open_image(bomb)


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned; upright is 90 degrees clockwise
    opened = images.open_image(encoded(gradient(), "JPEG", exif=exif, quality=95))
    assert opened.size == (30, 40)
    expected = np.asarray(gradient().rotate(-90, expand=True), dtype=int)
    assert np.abs(np.asarray(opened, dtype=int) - expected).mean() < 4


def test_cmyk() -> None:
    opened = images.open_image(encoded(gradient().convert("CMYK"), "JPEG", quality=95))
    assert opened.mode == "RGB"
    assert np.abs(np.asarray(opened, dtype=int) - np.asarray(gradient(), dtype=int)).mean() < 6


def test_16_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(8, 0)
    opened = np.asarray(images.open_image(encoded(Image.fromarray(ramp), "PNG")))
    assert opened.shape == (8, 64, 3)
    assert np.abs(opened[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


def test_palette_with_alpha_goes_on_white() -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 1), 1)
    opened = images.open_image(encoded(picture, "PNG", transparency=0))
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((1, 1)) == (0, 0, 255)


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    stream = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.open_image(stream).getpixel((3, 3)) == (255, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_never_raise_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]))
    broken = bytearray(encoded(gradient(), kind).getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened = images.open_image(io.BytesIO(bytes(broken)))
    except ImageError:
        return
    assert opened.mode == "RGB"


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_tensor_and_back_is_exact(width: int, height: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(values)
    assert np.array_equal(np.asarray(images.to_pil(images.to_tensor(picture))), values)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(16, 2048))
def test_fit_keeps_the_longer_side_and_the_aspect(width: int, height: int, size: int) -> None:
    w, h = images.fitted_size(width, height, size)
    assert max(w, h) == size
    assert min(w, h) >= 1
    assert abs(w * height / width - h) <= 1 + 0.5 * height / width or min(w, h) == 1


def test_resize_stays_in_range() -> None:
    checks = (torch.arange(64)[:, None] + torch.arange(64)[None]).remainder(2).float()
    out = images.resize(checks.expand(1, 3, 64, 64), 100, 90)
    assert out.shape == (1, 3, 90, 100)
    assert out.min() >= 0
    assert out.max() <= 1


def test_sheet_lays_rows() -> None:
    tiles = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    sheet = images.sheet(tiles, 2, gap=1)
    assert sheet.size == (9, 9)
    assert [sheet.getpixel(at) for at in ((0, 0), (5, 0), (0, 5), (8, 8), (4, 0))] == [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (255, 255, 255),
    ]  # fmt: skip


plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
json_values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda i: st.lists(i, max_size=3) | st.dictionaries(st.text(max_size=8), i, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=10), json_values, max_size=4))
def test_provenance_travels_in_the_png(
    tmp_path_factory: pytest.TempPathFactory, values: dict
) -> None:
    path = tmp_path_factory.mktemp("png") / "p.png"
    try:
        images.save_png(gradient(), path, values)
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    assert images.read_provenance(path) == values
    assert np.array_equal(np.asarray(images.open_image(path)), np.asarray(gradient()))


@pytest.mark.parametrize("text", ["[1]", "{", "", '"x"', "{}" * 40_000, "[" * 50_000])
def test_hostile_provenance(text: str) -> None:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt(images.PROVENANCE_KEY, text)
    with pytest.raises(ImageError, match="carries no SMART settings|damaged"):
        images.read_provenance(encoded(gradient(), "PNG", pnginfo=info))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be written.*choose a folder"):
        images.save_png(gradient(), tmp_path / "no" / "p.png")
    with pytest.raises(ValueError, match="it is a folder"):
        images.save_png(gradient(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(b"precious")

    def fill_the_disk() -> None:
        with images.atomic(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(ValueError, match="No space left on device.*has room"):
        fill_the_disk()
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
    images.save_png(gradient(), path, {"a": 1})
    assert json.dumps(images.read_provenance(path)) == '{"a": 1}'
