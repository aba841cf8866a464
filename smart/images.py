"""Pictures in and out: open safely, to tensors and back, fit, sheets, PNG with provenance."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import stat
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from smart.reading import parse_json
from smart.to_rgb import to_rgb
from smart.wording import named

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS = 61_000_000  # twice 244 MB while it is converted; a 61-megapixel camera passes
LARGE = 16_000_000  # pixels; larger ones are decoded one at a time
MAX_BYTES = 200_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "PPM", "AVIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif")
PROVENANCE_KEY = "smart"
MAX_PROVENANCE = 64_000  # characters; ours needs about 1,500


_LARGE = threading.Lock()
_BEGUN = ".smart-"  # in the name of a file that is not whole yet
STALE = 3600.0  # s after which it belongs to nobody


class ImageError(ValueError):
    """A file that is no usable picture; the message says why and what to do."""


def open_image(source: str | Path | IO[bytes], smallest: int = 1, name: str = "") -> Image.Image:
    """A picture from a file as upright 8-bit RGB, whatever it was.

    EXIF rotation is applied, 16 bits are scaled to 8, CMYK is converted by its profile where it
    has one, transparency goes on white, of an animation the first frame counts. The size is
    checked before anything is decoded. smallest is the least width and height in px.
    Raises ImageError for what is no picture, is cut off, too small or too large.
    """
    name = named(name or (Path(source).name if isinstance(source, str | Path) else "The picture"))
    with _readable(name), warnings.catch_warnings():
        # Pillow warns of much that is odd about a file; here it is a picture, or an error.
        warnings.simplefilter("ignore")
        _refuse_no_file(source, name)
        with Image.open(source, formats=_formats()) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(
                    f"{name} has more than {MAX_PIXELS // 10**6} megapixels "
                    f"({width} x {height}); scale it down first."
                )
            if min(width, height) < smallest:
                raise ImageError(
                    f"{name} has only {width} x {height} px; "
                    f"give a picture of at least {smallest} px a side."
                )
            with _in_turn(image):
                return _upright(image)


def hold_everyone() -> None:
    """Whoever else opens pictures in this program opens those formats and sizes only."""
    wanted = set(_formats())
    for name in [name for name in Image.OPEN if name not in wanted]:  # such as EPS, which runs one
        del Image.OPEN[name]
    Image.ID[:] = [name for name in Image.ID if name in wanted]
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2 + 1  # Pillow refuses twice as many


def _in_turn(image: Image.Image) -> contextlib.AbstractContextManager[Any]:
    """Many large pictures at once would need all the memory there is."""
    return _LARGE if image.width * image.height > LARGE else contextlib.nullcontext()


def _upright(image: Image.Image) -> Image.Image:
    image.seek(0)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return to_rgb(image)


def _refuse_no_file(source: str | Path | IO[bytes], name: str) -> None:
    """Before it is opened: a pipe or a device may never end."""
    if not isinstance(source, str | Path):
        return
    state = Path(source).stat()
    if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
        raise ImageError(f"{name} is no file but a pipe or a device; give a JPEG or PNG.")
    if state.st_size > MAX_BYTES:
        raise ImageError(f"{name} is larger than {MAX_BYTES // 10**6} MB; give a smaller file.")


def _formats() -> list[str]:
    """The formats that are allowed and that this Pillow was built with."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turns what Pillow and the file system raise into one clear sentence."""
    try:
        yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {name}; check the path.") from error
    except (PermissionError, IsADirectoryError) as error:
        raise ImageError(
            f"{name} cannot be read ({error.strerror}); give a readable file."
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is no picture that can be read; give a JPEG or PNG.") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        limit = MAX_PIXELS // 10**6
        raise ImageError(
            f"{name} has more than {limit} megapixels; scale it down first."
        ) from error
    # A hostile file makes decoders raise nearly anything; whatever it is, the file is at fault.
    except Exception as error:
        raise ImageError(f"{name} is damaged or cut off; save or download it again.") from error


def to_tensor(image: Image.Image) -> Tensor:
    """RGB picture -> float tensor [1, 3, H, W] in 0..1."""
    import numpy as np
    import torch

    values = torch.from_numpy(np.array(image.convert("RGB")))
    return values.permute(2, 0, 1).unsqueeze(0).float().div(255)


def to_pil(image: Tensor) -> Image.Image:
    """Float tensor [1, 3, H, W] or [3, H, W] in 0..1 (clamped) -> RGB picture."""
    import numpy as np

    # In numpy: torch would wake a second team of threads when a page converts its previews.
    values = image.detach().reshape(image.shape[-3:]).float().cpu().numpy()
    values = (values.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(values.transpose(1, 2, 0)))


def fitted_size(width: int, height: int, size: int) -> tuple[int, int]:
    """(width, height) whose longer side is size, the aspect kept, no side below 1 px."""
    scale = size / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resize(image: Tensor, width: int, height: int) -> Tensor:
    """Resample [N, 3, H, W] to [N, 3, height, width] without aliasing, kept in 0..1."""
    from torch.nn import functional as F

    if image.shape[-2:] == (height, width):
        return image
    resized = F.interpolate(
        image, size=(height, width), mode="bicubic", antialias=True, align_corners=False
    )
    return resized.clamp(0, 1)


def fit(image: Tensor, size: int) -> Tensor:
    """Resample [N, 3, H, W] so that the longer side is size px."""
    return resize(image, *fitted_size(image.shape[-1], image.shape[-2], size))


def fit_within(image: Tensor, size: int) -> Tensor:
    """[N, 3, H, W] with its longer side at most size px."""
    return fit(image, size) if max(image.shape[-2:]) > size else image


def square(image: Image.Image, size: int) -> Image.Image:
    """The central square of a picture, size px a side."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS, centering=(0.5, 0.4))


def shrunk(image: Image.Image, size: int) -> Image.Image:
    """The picture with its longer side at size px, if it is longer."""
    if max(image.size) <= size:
        return image
    return image.resize(fitted_size(*image.size, size), Image.Resampling.LANCZOS)


def sheet(pictures: Sequence[Image.Image], columns: int, gap: int = 0) -> Image.Image:
    """Pictures of one size side by side, row by row, on white."""
    if not pictures:
        raise ValueError("A sheet needs at least one picture; give some.")
    width, height = pictures[0].size
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        out.paste(picture, (column * (width + gap), row * (height + gap)))
    return out


def save_png(
    image: Image.Image, target: str | Path, provenance: Mapping[str, Any] | None = None
) -> Path:
    """Write a PNG, whole or not at all, with everything that made it as text inside.

    provenance is a JSON object. Raises ValueError when the folder cannot be written.
    """
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "SMART")
    if provenance is not None:
        text = json.dumps(provenance, ensure_ascii=False, sort_keys=True)
        info.add_itxt(PROVENANCE_KEY, text)
    with atomic(target) as temporary:
        image.save(temporary, format="PNG", pnginfo=info)
    return Path(target)


def data_uri(picture: Image.Image, kind: str = "jpeg", quality: int = 90) -> str:
    """A small picture as an address that holds it; kind "jpeg" or, exact, "png"."""
    packed = io.BytesIO()
    picture.save(packed, kind, quality=quality)
    return f"data:image/{kind};base64,{base64.b64encode(packed.getvalue()).decode()}"


@contextlib.contextmanager
def atomic(target: str | Path) -> Iterator[Path]:
    """A temporary path beside target that takes its place when the block ends well.

    Raises ValueError with the remedy when the folder cannot be written or the disk is full; an
    existing target is left as it was.
    """
    target = Path(target)
    temporary: Path | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}{_BEGUN}", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp gives 0600; the picture is to be shared
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"{target} cannot be written ({reason}); choose a folder that exists, may be written "
            "and has room."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sweep(folder: Path, older: float = STALE) -> None:
    """Remove what atomic had begun in folder, so many seconds ago, when its program was killed."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f".*{_BEGUN}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > older:
                    left.unlink()


def read_provenance(source: str | Path | IO[bytes]) -> dict[str, Any]:
    """What made a picture, out of its PNG text. Raises ImageError when it carries nothing.

    The text is anyone's: callers check every value (Options do).
    """
    name = named(Path(source).name) if isinstance(source, str | Path) else "The picture"
    nothing = f"{name} carries no SMART settings; give a PNG that SMART saved."
    with _readable(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _refuse_no_file(source, name)
        try:
            opened = Image.open(source, formats=("PNG",))
        except UnidentifiedImageError as error:
            raise ImageError(nothing) from error
        with opened as image:
            if image.size[0] * image.size[1] > MAX_PIXELS:
                raise ImageError(nothing)
            with _in_turn(image):
                image.load()  # text may stand behind the pixels
            text = getattr(image, "text", {}).get(PROVENANCE_KEY)
        if not isinstance(text, str) or len(text) > MAX_PROVENANCE:
            raise ImageError(nothing)
        try:
            provenance = parse_json(text)
        except ValueError as error:
            raise ImageError(nothing) from error
    if not isinstance(provenance, dict):
        raise ImageError(nothing)
    return provenance
