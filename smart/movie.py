"""Frames into a film: how a portrait came to be, or a walk through faces, as MP4 or WebP."""

from __future__ import annotations

import io
import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sized
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageOps

from smart import images
from smart.progress import OnProgress, Progress, ignore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FPS = (1, 60)
HOLD = (0, 10)  # seconds
MAX_SIDE = 4096  # px; phones decode no more


class _Kept(NamedTuple):
    number: int
    at: float
    jpeg: bytes


class Frames:
    """Pictures gathered while work goes on: never more than limit, evenly spaced, in order.

    When there are too many, every second one goes and from then on only every second new one
    stays. The first and the newest are always there, the newest as it came, the others as JPEG
    in memory (512 px a side: about 0.1 MB each). All take the size of the first, or its shape
    with size px as the longer side: give it where work begins small and grows.
    """

    def __init__(self, limit: int = 240, size: int | None = None) -> None:
        if limit < 2:
            raise ValueError(f"limit is {limit}; a film needs room for 2 frames or more.")
        if size is not None and size < 2:
            raise ValueError(f"size is {size}; it must be 2 px or more.")
        self._limit = limit
        self._longer_side = size
        self._kept: list[_Kept] = []
        self._newest: Image.Image | None = None
        self._number = -1
        self._at = -1.0
        self._stride = 0.0  # 0 as long as all are kept

    def add(self, picture: Image.Image, at: float | None = None) -> None:
        """Take one more picture; one that equals the newest is passed over.

        at is where in the work it stands, in any unit (steps, seconds, a share): frames are
        spaced evenly in it. Left out it is 1 more than before. Raises ValueError when at falls.
        """
        at = self._at + 1 if at is None else at
        if not math.isfinite(at) or (self._kept and at < self._at):
            raise ValueError(f"at is {at}; it must be a number not below the one before.")
        if self._newest is None:
            size = picture.size
            if self._longer_side is not None:
                size = images.fitted_size(*size, self._longer_side)
            picture = _fitted(picture, size)
        else:
            picture = _fitted(picture, self._newest.size)
            if picture.tobytes() == self._newest.tobytes():
                return
        self._newest, self._at, self._number = picture, at, self._number + 1
        if self._is_due(at):
            self._kept.append(_Kept(self._number, at, _to_jpeg(picture)))
        while len(self) > self._limit:
            self._thin()

    def _is_due(self, at: float) -> bool:
        if not self._kept:
            return True
        last = self._kept[-1].at
        return at > last and (not self._stride or self._slot(at) > self._slot(last))

    def _slot(self, at: float) -> float:
        return (at - self._kept[0].at) // self._stride

    def _thin(self) -> None:
        """Double the stride and keep the first frame of each."""
        span = self._kept[-1].at - self._kept[0].at
        self._stride = 2 * (self._stride or span / (len(self._kept) - 1))
        slots = itertools.groupby(self._kept, lambda frame: self._slot(frame.at))
        self._kept = [next(frames) for _, frames in slots]

    def _newest_is_extra(self) -> bool:
        return bool(self._kept) and self._kept[-1].number != self._number

    def __len__(self) -> int:
        return len(self._kept) + self._newest_is_extra()

    def __iter__(self) -> Iterator[Image.Image]:
        """The frames as RGB pictures, one decoded at a time; later additions are not seen."""
        newest = self._newest
        earlier = self._kept[:] if self._newest_is_extra() else self._kept[:-1]
        for frame in earlier:
            yield Image.open(io.BytesIO(frame.jpeg), formats=("JPEG",)).convert("RGB")
        if newest is not None:
            yield newest.copy()


def _to_jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A copy as RGB of exactly this size; where the shape differs, its middle."""
    return ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.LANCZOS)


def can_write_mp4() -> bool:
    """Whether PyAV is there to write MP4; WebP can always be written."""
    try:
        _av()
    except ValueError:
        return False
    return True


def require_mp4() -> None:
    """Raises ValueError with the remedy where MP4 cannot be written."""
    _av()


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise ValueError(
            "MP4 needs PyAV; install it with `pip install av`, or choose a .webp."
        ) from error
    return av


def save(
    frames: Iterable[Image.Image],
    target: str | Path,
    fps: float = 12,
    hold: float = 1.5,
    on_progress: OnProgress = ignore,
) -> Path:
    """Write frames as a film, whole or not at all: MP4 (H.264) or WebP, by the suffix of target.

    All frames take the size of the first; MP4 repeats the last row or column where a side is odd.
    fps is frames a second, 1 to 60; the last frame stays for hold seconds, 0 to 10, and never
    shorter than the others. WebP needs to know the number of frames: what has no len is held in
    memory, and a frame that equals the one before becomes one with it.
    Reports every frame; Cancelled passes through and leaves no file. Raises ValueError for
    another suffix, values out of bounds, no frames or frames above 4096 px a side, MP4 without
    PyAV, and as images.atomic.
    """
    target = Path(target)
    suffix = target.suffix.lower()
    if suffix not in (".mp4", ".webp"):
        raise ValueError(f"{target.name} is no name for a film; let it end in .mp4 or .webp.")
    for name, value, (low, high) in (("fps", fps, FPS), ("hold", hold, HOLD)):
        if not low <= value <= high:
            raise ValueError(f"{name} is {value}; it must be a number from {low} to {high}.")
    if suffix == ".mp4":
        _av()
    elif not isinstance(frames, Sized):
        frames = list(frames)
    count = operator.length_hint(frames)
    pictures = _reported(frames, count, on_progress)
    first = next(pictures, None)
    if first is None:
        raise ValueError("A film needs at least one frame; give some.")
    if max(first.size) > MAX_SIDE:
        raise ValueError(
            f"The frames are {first.width} x {first.height} px; "
            f"scale them down to {MAX_SIDE} px or less a side."
        )
    with images.atomic(target) as temporary:
        if suffix == ".mp4":
            _write_mp4(temporary, itertools.chain([first], pictures), first.size, fps, hold)
        else:
            _write_webp(temporary, first, _Reel(first, pictures, count - 1), fps, hold)
    return target


def _reported(
    frames: Iterable[Image.Image], count: int, on_progress: OnProgress
) -> Iterator[Image.Image]:
    """The frames in the size of the first, each reported as it passes."""
    size = None
    for step, picture in enumerate(frames, 1):
        size = size or picture.size
        on_progress(Progress(step, max(count, step), "writing the film"))
        yield _fitted(picture, size)


class _Reel:
    """What Pillow takes for a picture of many frames, though only one is ever in memory."""

    def __init__(self, first: Image.Image, rest: Iterator[Image.Image], count: int) -> None:
        self.n_frames = count
        self._picture = first
        self._rest = rest

    def seek(self, _: int) -> None:
        self._picture = next(self._rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._picture, name)


def _write_webp(path: Path, first: Image.Image, rest: _Reel, fps: float, hold: float) -> None:
    # Pillow rounds the sum of what passed, not each duration: no drift at, say, 24 fps.
    durations = [1000 / fps] * rest.n_frames + [max(1000 / fps, 1000 * hold)]
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=[rest],
        duration=durations,
        loop=0,
        quality=85,
        method=4,
    )


def _write_mp4(
    path: Path, pictures: Iterable[Image.Image], size: tuple[int, int], fps: float, hold: float
) -> None:
    av = _av()
    rate = Fraction(fps).limit_denominator(1001)
    width, height = (side + side % 2 for side in size)
    # faststart puts the index first, so that a browser shows the film before it has it all.
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        options = {"crf": "18", "preset": "medium"}
        stream = film.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        # 1 is bt709 in each of these tables; without it players guess by the size of the film.
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1  # 16 to 235, the only one that all players know
        context.thread_count = 4  # x264's bytes depend on it; the default depends on the machine
        time = itertools.count()

        def write(planes: NDArray[np.uint8]) -> None:
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = next(time), 1 / rate
            film.mux(stream.encode(frame))

        for picture in pictures:
            planes = _yuv420(picture)
            write(planes)
        # Repeated and not merely long: some players ignore how long the last frame should stay.
        for _ in range(round(hold * rate) - 1):
            write(planes)
        film.mux(stream.encode())


def _yuv420(picture: Image.Image) -> NDArray[np.uint8]:
    """RGB picture -> planes Y, Cb, Cr after one another, [H * 3 / 2, W]; H and W made even.

    Recommendation ITU-R BT.709, 8 bits, narrow range. swscale would do it with less precision,
    and PyAV's way to ask it for bt709 changes from version to version.
    """
    import numpy as np

    rgb = np.asarray(picture, dtype=np.float32)
    rgb = np.pad(rgb, ((0, len(rgb) % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    height, width, _ = rgb.shape
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    luma = 16 + (rgb @ weights) * (219 / 255)
    quarter = rgb.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    grey = quarter @ weights
    blue = 128 + (quarter[..., 2] - grey) * (224 / 255 / (2 - 2 * 0.0722))
    red = 128 + (quarter[..., 0] - grey) * (224 / 255 / (2 - 2 * 0.2126))
    planes = np.concatenate([plane.ravel() for plane in (luma, blue, red)])
    return planes.round().astype(np.uint8).reshape(height * 3 // 2, width)
