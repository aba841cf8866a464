"""Frames are thinned evenly, and films hold the frames, colours and times they were given."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from smart import movie
from smart.progress import Cancelled, Progress
from tests.conftest import ROOT, skip_or_fail

COLORS = ["red", "lime", "blue", "white", "black", "gray", "#c08060"]


@pytest.fixture
def with_av() -> None:
    if not movie.can_write_mp4():
        skip_or_fail("PyAV is not installed; `pip install av` to run the MP4 tests.")


def numbered(number: int) -> Image.Image:
    """A picture that tells its number, also after JPEG: 16 bits as black and white squares."""
    bits = np.array([number >> bit & 1 for bit in range(16)], dtype=np.uint8).reshape(4, 4)
    return Image.fromarray(bits.repeat(8, 0).repeat(8, 1) * 255)


def number_of(picture: Image.Image) -> int:
    bits = np.asarray(picture.convert("L"))[4::8, 4::8].ravel() > 127
    return sum(1 << bit for bit, value in enumerate(bits) if value)


def plain(*colors: str, size: tuple[int, int] = (32, 24)) -> list[Image.Image]:
    return [Image.new("RGB", size, color) for color in colors]


def decoded(path: Path) -> list[Image.Image]:
    """The frames of an MP4, their colours by the tags of the file."""
    import av

    with av.open(str(path)) as film:
        return [frame.to_image() for frame in film.decode(video=0)]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), st.integers(2, 20))
def test_thinning_keeps_first_last_and_even_steps(count: int, limit: int) -> None:
    frames = movie.Frames(limit)
    for number in range(count):
        frames.add(numbered(number))
    found = [number_of(picture) for picture in frames]
    assert len(frames) == len(found) <= limit
    assert (found[0], found[-1]) == (0, count - 1)
    *steps, last = np.diff(found) if count > 1 else [1]
    if steps:
        assert set(steps) == {steps[0]}
        assert steps[0] & (steps[0] - 1) == 0, "a power of two: every second, fourth, eighth"
        assert 0 < last <= steps[0]
    assert len(found) >= min(count, limit // 2 + 1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=80), st.integers(2, 12))
def test_frames_are_even_in_what_they_are_placed_by(places: list[float], limit: int) -> None:
    places.sort()
    frames = movie.Frames(limit)
    for number, at in enumerate(places):
        frames.add(numbered(number), at)
        assert len(frames) <= limit
    found = [number_of(picture) for picture in frames]
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (0, len(places) - 1)


def test_slow_steps_take_no_more_room_than_quick_ones() -> None:
    frames = movie.Frames(10)
    places = [*np.linspace(0, 1, 50), *np.linspace(1.2, 9, 40)]
    for number, at in enumerate(places):
        frames.add(numbered(number), at)
    gaps = np.diff([places[number_of(picture)] for picture in frames])
    assert len(gaps) >= 4
    assert max(gaps[:-1]) < 2 * min(gaps[:-1])
    with pytest.raises(ValueError, match="at is 3; it must be a number not below"):
        frames.add(numbered(99), 3)
    with pytest.raises(ValueError, match="at is nan"):
        frames.add(numbered(99), float("nan"))


def test_frames_take_one_size_and_skip_what_stands_still() -> None:
    frames = movie.Frames(size=48)
    assert (len(frames), list(frames)) == (0, [])
    for side, color in [(8, "red"), (8, "red"), (64, "red"), (64, "blue"), (64, "red")]:
        frames.add(Image.new("RGB", (side, side // 2), color))
    assert [picture.size for picture in frames] == [(48, 24)] * 3
    assert [picture.getpixel((9, 9))[0] > 127 for picture in frames] == [True, False, True]
    for picture in frames:
        picture.paste("green", (0, 0, 48, 24))
    assert list(frames)[-1].getpixel((9, 9)) == (255, 0, 0), "the newest is as it came"
    small = movie.Frames()
    for picture in [Image.new("RGBA", (7, 5)), Image.new("L", (30, 30), 200)]:
        small.add(picture)
    assert [(picture.size, picture.mode) for picture in small] == [((7, 5), "RGB")] * 2


@pytest.mark.parametrize("limit", [-1, 0, 1])
def test_frames_need_room(limit: int) -> None:
    with pytest.raises(ValueError, match=f"limit is {limit}; a film needs room for 2"):
        movie.Frames(limit)
    with pytest.raises(ValueError, match=f"size is {limit}; it must be 2 px or more"):
        movie.Frames(size=limit)


@pytest.mark.usefixtures("with_av")
@pytest.mark.parametrize("size", [(32, 24), (33, 25), (1, 1), (50, 46)])
def test_mp4_holds_frames_size_and_colors(tmp_path: Path, size: tuple[int, int]) -> None:
    pictures = plain(*COLORS, size=size)
    path = movie.save(pictures, tmp_path / "film.mp4", fps=10, hold=0.5)
    found = decoded(path)
    assert len(found) == len(COLORS) - 1 + 5
    for picture, shown in zip(pictures, found, strict=False):
        assert shown.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert np.abs(np.subtract(shown.getpixel((0, 0)), picture.getpixel((0, 0)))).max() <= 4
    assert found[-1].getpixel((0, 0)) == found[-5].getpixel((0, 0))


@pytest.mark.usefixtures("with_av")
def test_mp4_says_what_it_is(tmp_path: Path) -> None:
    import av

    path = movie.save(iter(plain(*COLORS)), tmp_path / "film.MP4", fps=29.97, hold=0)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, stream.frames) == ("h264", "yuv420p", len(COLORS))
        assert context.colorspace == context.color_primaries == context.color_trc == 1
        assert context.color_range == 1
        assert float(stream.average_rate) == pytest.approx(29.97, abs=0.01)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat"), "a browser shows it while it loads"


@pytest.mark.usefixtures("with_av")
def test_mp4_keeps_the_picture(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 64))
    picture = Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))
    shown = decoded(movie.save([picture], tmp_path / "film.mp4", hold=0))[0]
    assert np.abs(np.asarray(shown, float) - np.asarray(picture, float)).mean() < 2


def test_webp_holds_frames_times_and_colors(tmp_path: Path) -> None:
    pictures = plain(*COLORS, size=(33, 25))
    with Image.open(movie.save(pictures, tmp_path / "film.webp", fps=24, hold=2)) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (len(COLORS), (33, 25), 0)
        ends = []
        for number, picture in enumerate(pictures):
            film.seek(number)
            film.load()
            ends.append(film.info["timestamp"] + film.info["duration"])
            shown = film.convert("RGB").getpixel((9, 9))
            assert np.abs(np.subtract(shown, picture.getpixel((9, 9)))).max() <= 6
    expected = [(number + 1) * 1000 / 24 for number in range(len(COLORS) - 1)]
    assert ends == pytest.approx([*expected, expected[-1] + 2000], abs=1)


def test_webp_of_anything_that_gives_frames(tmp_path: Path) -> None:
    frames = movie.Frames()
    for picture in plain(*COLORS):
        frames.add(picture)
    for source in (frames, iter(plain(*COLORS)), plain("red")):
        length = len(list(source)) if source is frames or isinstance(source, list) else len(COLORS)
        with Image.open(movie.save(source, tmp_path / "film.webp")) as film:
            assert (film.format, film.n_frames) == ("WEBP", length)


@pytest.mark.parametrize("suffix", ["mp4", "webp"])
def test_reports_every_frame_and_stops(tmp_path: Path, suffix: str) -> None:
    if suffix == "mp4" and not movie.can_write_mp4():
        skip_or_fail("PyAV is not installed.")
    target = tmp_path / f"film.{suffix}"
    reports: list[Progress] = []
    movie.save(plain(*COLORS), target, on_progress=reports.append)
    expected = [Progress(step, len(COLORS), "writing the film") for step in range(1, 8)]
    assert reports == expected
    before = target.read_bytes()
    for last in (1, 4, 7):
        with pytest.raises(Cancelled):
            movie.save(plain(*COLORS), target, on_progress=stopping_at(last))
        assert list(tmp_path.iterdir()) == [target]
        assert target.read_bytes() == before, "the film of before is left as it was"


def stopping_at(step: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise Cancelled

    return stop


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "film.gif"}, "film.gif is no name for a film; let it end in .mp4 or .webp"),
        ({"target": "film"}, "film is no name for a film"),
        ({"fps": 0}, "fps is 0; it must be a number from 1 to 60"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"fps": 61}, "fps is 61"),
        ({"hold": -1}, "hold is -1; it must be a number from 0 to 10"),
        ({"hold": 11}, "hold is 11"),
        ({"frames": []}, "needs at least one frame"),
        ({"frames": movie.Frames()}, "needs at least one frame"),
        ({"frames": plain("red", size=(4097, 1))}, "are 4097 x 1 px; scale them down to 4096 px"),
        ({"target": "nowhere/film.webp"}, "cannot be written"),
    ],
)
def test_refusals(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    given: dict = {"frames": plain("red", "blue"), "target": "film.webp", **arguments}
    given["target"] = tmp_path / given["target"]
    with pytest.raises(ValueError, match=message):
        movie.save(**given)
    assert not list(tmp_path.iterdir())


def test_without_pyav_mp4_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert not movie.can_write_mp4()
    frames = iter(plain("red", "blue"))
    with pytest.raises(ValueError, match="MP4 needs PyAV; install it with `pip install av`, or"):
        movie.save(frames, tmp_path / "film.mp4")
    assert len(list(frames)) == 2
    assert movie.save(plain("red", "blue"), tmp_path / "film.webp").is_file()


def test_import_is_light() -> None:
    code = "import sys, smart.movie; print(*{'av', 'numpy', 'torch'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (result.stdout.strip(), result.returncode) == ("", 0)
