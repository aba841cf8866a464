"""Training images: folders, zips, hostile zips, duplicates, crops, the cache, too few."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from smart.gan import dataset
from smart.gan.face_frame import Frame
from smart.gan.selection import Selection, SelectionError, read_selection, write_selection
from smart.gan.sources import SourceError, entries
from smart.progress import Cancelled, Progress


def picture(seed: int, size: tuple[int, int] = (40, 32)) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SMART_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """36 images of several formats and shapes in a tree, one broken, one that is a text."""
    root = tmp_path / "museum"
    (root / "baroque").mkdir(parents=True)
    for seed in range(36):
        suffix = (".png", ".jpg", ".webp", ".bmp")[seed % 4]
        place = root / "baroque" if seed % 3 == 0 else root
        picture(seed, (40 + seed, 60 - seed)).save(place / f"{seed:02d}{suffix}")
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    (root / "notes.txt").write_text("no picture")
    return root


def test_a_folder_becomes_squares_and_the_broken_one_is_listed(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    loaded = dataset.load(folder, 32)
    assert loaded.pixels.shape == (36, 3, 32, 32)
    assert loaded.pixels.dtype == torch.uint8
    assert list(loaded.names) == sorted(loaded.names)
    assert "baroque/00.png" in loaded.names
    assert [name for name, _ in loaded.left_out] == ["broken.jpg"]
    assert "broken.jpg" in loaded.left_out[0][1]
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_zip_of_a_folder_gives_the_same(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "museum.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    from_folder, from_zip = dataset.load(folder, 32), dataset.load(target, 32)
    assert from_folder.digest == from_zip.digest
    assert from_folder.names == from_zip.names
    listed = sorted(p for p in folder.rglob("*") if p.suffix in (".png", ".jpg", ".webp", ".bmp"))
    assert len(dataset.load(listed, 32).pixels) == 36


def test_the_second_load_reads_no_image_and_a_damaged_cache_is_made_again(
    folder: Path, own_cache: Path
) -> None:
    reports: list[Progress] = []
    first = dataset.load(folder, 32, on_progress=reports.append)
    assert reports[-1].step == reports[-1].total == 37
    reports.clear()
    again = dataset.load(folder, 32, on_progress=reports.append)
    assert reports == []
    assert torch.equal(first.pixels, again.pixels)
    (cached,) = own_cache.glob("*.npy")
    damaged = cached.read_bytes()[:100]
    cached.unlink()  # the pixels loaded before still lie in it
    cached.write_bytes(damaged)
    assert torch.equal(dataset.load(folder, 32).pixels, first.pixels)
    # A file that changed is read again.
    picture(99).save(folder / "00.png")
    assert dataset.load(folder, 32).digest != first.digest


def test_stopping_leaves_nothing_behind(folder: Path, own_cache: Path) -> None:
    def stop(_: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        dataset.load(folder, 32, on_progress=stop)
    assert not own_cache.exists() or not list(own_cache.iterdir())


def test_a_cache_that_cannot_be_written_only_takes_longer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMART_CACHE", "/proc/no-such-place")
    assert len(dataset.load(folder, 32).pixels) == 36


def test_near_and_mirrored_duplicates_are_found_and_faint_drawings_are_none(tmp_path: Path) -> None:
    for seed in range(34):
        picture(seed, (64, 64)).save(tmp_path / f"{seed:02d}.png")
    picture(3, (64, 64)).save(tmp_path / "z-again.jpg", quality=60)
    picture(5, (64, 64)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "z-mirror.png")
    for name, at in (("faint-a", 10), ("faint-b", 40)):
        sheet = Image.new("L", (64, 64), 250)
        sheet.paste(225, (at, 10, at + 8, 50))
        sheet.save(tmp_path / f"{name}.png")
    loaded = dataset.load(tmp_path, 32)
    assert dict(loaded.duplicates) == {"z-again.jpg": "03.png", "z-mirror.png": "05.png"}
    assert len(loaded.names) == 36
    assert len(dataset.load(tmp_path, 32, keep_duplicates=True).names) == 38


def test_crops_take_the_square_they_name() -> None:
    tall = Image.new("RGB", (32, 96), "black")
    tall.paste("white", (0, 0, 32, 40))
    center, top = (np.asarray(dataset.square(tall, 32, crop)) for crop in ("center", "top"))
    assert center.mean() < 100 < 200 < top.mean()
    with pytest.raises(SourceError, match="crop is 'left'"):
        dataset.load(Path("nowhere"), 32, crop="left")


def test_a_selection_leaves_only_what_it_keeps(folder: Path, tmp_path: Path) -> None:
    names = dataset.load(folder, 32).names[:33]
    path = write_selection(tmp_path / "selection.json", Selection(names, {"like": "x"}))
    assert dataset.load(folder, 32, selection=path).names == names
    write_selection(path, Selection(("elsewhere.png",)))
    with pytest.raises(SourceError, match="keeps none of these images"):
        dataset.load(folder, 32, selection=path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=30)), st.dictionaries(st.text(max_size=5), st.integers()))
def test_a_selection_comes_back_as_it_was(tmp_path: Path, names: list, about: dict) -> None:
    path = write_selection(tmp_path / "s.json", Selection(tuple(names), about))
    assert read_selection(path) == Selection(tuple(names), about)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "smart selection 1", "keep": [1]}', "[" * 100_000, "\x00"]
)
def test_a_selection_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(SelectionError, match="no selection that SMART wrote"):
        read_selection(tmp_path / "s.json")
    with pytest.raises(SelectionError, match="cannot be read"):
        read_selection(tmp_path / "nowhere.json")


def packed(path: Path, name: str, data: bytes | None = None, mode: int = 0) -> Path:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info, buffer.getvalue() if data is None else data, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize("name", ["../up.png", "a/../../up.png", "/etc/up.png", "C:\\up.png"])
def test_a_zip_that_climbs_out_is_refused_whole(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="leads out of it"):
        entries(packed(tmp_path / "evil.zip", name))


def test_links_bombs_and_passwords_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds the link"):
        entries(packed(tmp_path / "link.zip", "a.png", b"/etc/passwd", 0o120777))
    with pytest.raises(SourceError, match="no image does that"):
        entries(packed(tmp_path / "bomb.zip", "a.png", bytes(30_000_000)))
    locked = packed(tmp_path / "locked.zip", "a.png")
    data = bytearray(locked.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    locked.write_bytes(data)
    with pytest.raises(SourceError, match="password"):
        entries(locked)


def test_a_zip_that_lies_about_sizes_gives_a_broken_image_not_a_flood(tmp_path: Path) -> None:
    path = packed(tmp_path / "liar.zip", "a.png", os.urandom(5000))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    (entry,) = entries(path)
    with pytest.raises(ValueError, match="cannot be read"):
        entry.open()


def test_what_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no folder or zip"):
        entries(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="holds no images"):
        entries(tmp_path)
    (tmp_path / "no.zip").write_text("PK?")
    with pytest.raises(SourceError, match="is no zip, or a damaged one"):
        entries(tmp_path / "no.zip")
    with pytest.raises(SourceError, match="cannot be read"):
        entries([tmp_path / "gone.png"])


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # root may read everything: take the way that says so
        link = tmp_path / "loop.png"
        link.symlink_to(link)
        with pytest.raises(SourceError, match="cannot be read"):
            entries([link])
        return
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    with pytest.raises(SourceError, match="may not be read"):
        entries(closed)


def test_too_few_and_all_the_same(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "one.png")
    (tmp_path / "bad.png").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"1 usable images, and 32 is the fewest .*bad.png"):
        dataset.load(tmp_path, 32)
    for index in range(40):
        picture(0).save(tmp_path / f"{index}.png")
    with pytest.raises(SourceError, match="repeat others"):
        dataset.load(tmp_path, 32)
    with pytest.raises(SourceError, match="are the same"):
        dataset.load(tmp_path, 32, keep_duplicates=True)


def faces_at(frames: dict[int, Frame]) -> dataset.Find:
    """A search that knows pictures by their width."""
    return lambda picture: frames[picture.width]


def test_faces_are_cut_out_and_what_holds_none_is_listed(tmp_path: Path) -> None:
    root = tmp_path / "portraits"
    root.mkdir()
    frames = {}
    for seed in range(3):
        picture(seed, (200 + seed, 160)).save(root / f"{seed}.png")
        frames[200 + seed] = Frame(60, 30, 80, 0.3)
    frames[201] = Frame(60, 30, 80, 0.01)  # looks like no face
    frames[202] = Frame(60, 30, 8, 0.3)  # a face that is far away
    loaded = dataset.load(root, 64, crop="face", find_face=faces_at(frames), fewest=1)
    assert loaded.names == ("0.png",)
    reasons = dict(loaded.left_out)
    assert "no face" in reasons["1.png"]
    assert "8 px" in reasons["2.png"]
    # Head and shoulders: the square is wider than the face's, and its middle a little lower.
    middle = np.asarray(picture(0, (200, 160)))[76:80, 98:102].mean((0, 1))
    found = loaded.pixels[0, :, 30:34, 30:34].float().mean((1, 2))
    assert np.abs(found.numpy() - middle).max() < 20


def test_where_faces_are_is_remembered(folder: Path, own_cache: Path) -> None:
    searched = []

    def find(shown: Image.Image) -> Frame:
        searched.append(shown.size)
        return Frame(4, 4, 24, 0.3)

    first = dataset.load(folder, 32, crop="face", find_face=find)
    assert len(searched) == len(first.names) == 36
    dataset.load(folder, 48, crop="face", find_face=find, fewest=0)
    assert len(searched) == 36, "another size searched again"
    (own_cache / "face-frames.json").write_text('{"a": [1, 2], "b": "no"}')
    for cached in own_cache.glob("*.npy"):
        cached.unlink()
    again = dataset.load(folder, 32, crop="face", find_face=find)
    assert len(searched) == 72, "a damaged cache was trusted"
    assert torch.equal(again.pixels, first.pixels)


def test_faces_need_a_search(folder: Path) -> None:
    with pytest.raises(SourceError, match="face"):
        dataset.load(folder, 32, crop="face")
