"""What lies in weights/ and on the Hub: look up, verify, read, download.

A set of weights is a folder with config.json (architecture and its arguments), model.safetensors
and README.md; the same folder is a Hub model repository. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart import serving
from smart.images import atomic
from smart.progress import OnProgress, Progress, ignore

if TYPE_CHECKING:
    import torch

CONFIG = "config.json"
MODEL = "model.safetensors"
HEADS = "heads.safetensors"  # of a generator that can show previews; may be absent
# All that a folder of weights may hold, and what comes with it from the Hub.
SHARED = (
    CONFIG, MODEL, HEADS, "directions.safetensors", "readings.safetensors", "critic.safetensors",
    "README.md", "sheet.png", "curves.svg",
)  # fmt: skip
VGG19_REPOSITORY = "timm/vgg19.tv_in1k"
BUNDLED = Path(__file__).resolve().parent.parent / "weights"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another kind; the message names the remedy."""


@dataclass(frozen=True)
class WeightsInfo:
    """One set of weights as `smart weights list` shows it."""

    name: str
    folder: Path | None
    architecture: str
    megabytes: float
    licence: str
    problem: str = ""


def weights_folder() -> Path:
    """The folder of the weights: SMART_WEIGHTS if set, otherwise weights/ beside the package."""
    return Path(serving.current().weights or BUNDLED)


def runs_folder() -> Path:
    """The folder of one's own trainings: SMART_RUNS if set, otherwise runs/ beside the package."""
    return Path(serving.current().runs or BUNDLED.parent / "runs")


def trained_folder(name: str) -> Path:
    """Where the snapshot of a training lies: of "birds" the last one, of "birds-best" the best."""
    best = runs_folder() / name.removesuffix("-best") / "best"
    return best if name.endswith("-best") else runs_folder() / name / "generator"


def find(name: str | Path) -> Path:
    """The folder that holds the weights called name.

    name is an explicit folder, a name in weights/, that of a training of one's own (with "-best"
    behind it for the best snapshot), or a Hub id "user/repo". Searched in this order: path,
    weights/, runs/, the Hub's cache, the Hub. Raises WeightsError.
    """
    text = str(name)
    folder = Path(name)
    if _holds_weights(folder):
        return folder
    if here := local(text):
        return here
    if isinstance(name, str) and _HUB_ID.fullmatch(text) and not folder.exists():
        return _from_hub(text)
    names = sorted(path.name for path in _folders())
    close = get_close_matches(text, names, n=3) or names
    hint = f"there are: {', '.join(close)}" if close else f"{weights_folder()} holds none"
    raise WeightsError(f"No weights called {text[:80]!r} were found; {hint}.")


def local(name: str) -> Path | None:
    """The folder of the weights or training called name on this machine; None when there is none.

    Unlike find it takes no paths and asks no one, so that name may be anyone's text.
    """
    if re.fullmatch(r"[\w-]{1,80}", name):
        for folder in (weights_folder() / name, trained_folder(name)):
            if _holds_weights(folder):
                return folder
    return None


def checksum(folder: Path) -> str:
    """The SHA-256 of a folder's model.safetensors. Raises WeightsError when it is missing."""
    try:
        with (folder / MODEL).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{folder / MODEL} is missing; {_remedy(folder)}.") from error


def _holds_weights(folder: Path) -> bool:
    try:
        return (folder / CONFIG).is_file()
    except (OSError, ValueError):  # too long for a path, or a null character in it
        return False


def _folders() -> Iterator[Path]:
    root = weights_folder()
    if root.is_dir():
        yield from sorted(path for path in root.iterdir() if (path / CONFIG).is_file())


def _from_hub(repository: str) -> Path:
    """A model repository's folder in the Hub's cache, downloaded when it is not there yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = list(SHARED)
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(repository, allow_patterns=wanted))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise WeightsError(
            f"{repository!r} could not be fetched from the Hub ({_first_line(error)}); "
            "check the name and the network, or name a folder instead."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a folder of weights as a dict with at least "architecture"."""
    path = Path(folder) / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing; {_remedy(folder)}.") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"{path} cannot be read ({_first_line(error)}); {_remedy(folder)}."
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise WeightsError(f'{path} names no "architecture"; {_remedy(folder)}.')
    return config


def require_tensors(
    expected: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], architecture: str
) -> None:
    """Raises WeightsError unless tensors have exactly the names and shapes of expected."""
    wrong = sorted(expected.keys() ^ tensors.keys()) or [
        key for key, tensor in expected.items() if tensor.shape != tensors[key].shape
    ]
    if wrong:
        raise WeightsError(
            f"{len(wrong)} tensors of {architecture} are missing, too many or of another shape, "
            f"first {wrong[0]!r}; restore the folder from where it came."
        )


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder's model.safetensors, floating ones as float32, on the CPU.

    Raises WeightsError when the file is missing, cut off or not safetensors.
    """
    return read_file(Path(folder) / MODEL)


def read_file(path: Path, keys: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
    """The named tensors (or all) of a safetensors file, floating ones as float32, on the CPU.

    Only the parts of the file that hold them are read; a name that is not there is left out.
    Raises WeightsError when the file is missing, cut off or not safetensors.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"{path} is missing; {_remedy(path.parent)}.")
    tensors = {}
    try:
        with safe_open(path, framework="pt") as file:
            present = set(file.keys())
            for key in present if keys is None else present.intersection(keys):
                tensor = file.get_tensor(key)
                floating = tensor.is_floating_point()
                tensors[key] = tensor.to(torch.float32) if floating else tensor
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is damaged ({_first_line(error)}); {_remedy(path.parent)}."
        ) from error
    return tensors


def vgg19_file() -> Path | None:
    """Where VGG-19 lies on this machine, or None: weights/vgg19, pulled, or in the Hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    for folder in (weights_folder() / "vgg19", pulled_folder("vgg19")):
        if (folder / MODEL).is_file():
            return folder / MODEL
    cached = try_to_load_from_cache(VGG19_REPOSITORY, MODEL)
    return Path(cached) if isinstance(cached, str) else None


def pulled_folder(name: str) -> Path:
    """Where `weights pull` puts what it fetched: the Hub cache's place for derived files."""
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE) / "smart" / name


def listing() -> list[WeightsInfo]:
    """Every set of weights on this machine, and VGG-19 whether it is here or not."""
    found = []
    for folder in _folders():
        try:
            config = read_config(folder)
            size = (folder / MODEL).stat().st_size / 1e6 if (folder / MODEL).is_file() else 0.0
            problem = "" if size else f"{MODEL} is missing"
            licence = str(config.get("licence", ""))
            info = WeightsInfo(folder.name, folder, config["architecture"], size, licence, problem)
        except WeightsError as error:
            info = WeightsInfo(folder.name, folder, "", 0.0, "", str(error))
        found.append(info)
    if not any(info.name == "vgg19" for info in found):
        path = vgg19_file()
        size = path.stat().st_size / 1e6 if path else 0.0
        problem = "" if path else "not here; `python -m smart weights pull vgg19` fetches 51 MB"
        folder_or_none = path.parent if path else None
        found.append(WeightsInfo("vgg19", folder_or_none, "vgg", size, "BSD-3-Clause", problem))
    return found


def pull_vgg19(shapes: Mapping[str, tuple[int, ...]], on_progress: OnProgress = ignore) -> Path:
    """Fetch from the Hub only the tensors of VGG-19 named in shapes, by ranges; the folder.

    Progress counts megabytes. Raises WeightsError for a Hub that cannot be reached or answers
    with something else; nothing half-written stays.
    """
    import torch
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import HfHubHTTPError
    from safetensors.torch import save_file

    url = hf_hub_url(VGG19_REPOSITORY, MODEL)
    try:
        length = int.from_bytes(_ranged(url, 0, 8), "little")
        if not 0 < length < 10_000_000:
            raise WeightsError(f"{url} is no safetensors file; check HF_ENDPOINT.")
        header = json.loads(_ranged(url, 8, 8 + length))
        tensors = {}
        total = round(sum(4 * math.prod(shape) for shape in shapes.values()) / 1e6)
        done = 0
        for key, shape in shapes.items():
            entry = header.get(key, {})
            start, end = entry.get("data_offsets", (0, 0))
            right = entry.get("dtype") == "F32" and tuple(entry.get("shape", ())) == shape
            if not right or end - start != 4 * math.prod(shape):
                raise WeightsError(f"{VGG19_REPOSITORY} holds another {key} than VGG-19's.")
            data = _ranged(url, 8 + length + start, 8 + length + end)
            tensors[key] = torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape)
            done += len(data)
            on_progress(Progress(round(done / 1e6), total, "fetching VGG-19"))
    except (HfHubHTTPError, OSError, *_http_errors()) as error:
        raise WeightsError(
            f"VGG-19 could not be fetched from the Hub ({_first_line(error)}); check the network "
            "and try again, the bundled VGG-16 paints meanwhile."
        ) from error
    except (json.JSONDecodeError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{url} is no safetensors file; check HF_ENDPOINT.") from error
    folder = pulled_folder("vgg19")
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architecture": "vgg", "name": "VGG-19", "blocks": [2, 2, 4, 4, 1]}
    config |= {"licence": "BSD-3-Clause", "source": f"{VGG19_REPOSITORY} on the Hugging Face Hub"}
    with atomic(folder / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with atomic(folder / MODEL) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
    return folder


def _ranged(url: str, start: int, end: int) -> bytes:
    """Bytes start to end (exclusive) of a file on the Hub."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = {**build_hf_headers(), "range": f"bytes={start}-{end - 1}"}
    response = get_session().get(url, headers=headers, timeout=30, follow_redirects=True)
    hf_raise_for_status(response)
    if response.status_code != 206 or len(response.content) != end - start:
        raise WeightsError(f"{url} does not answer ranges; check HF_ENDPOINT or the proxy.")
    return bytes(response.content)


def _http_errors() -> tuple[type[Exception], ...]:
    """What the Hub client's HTTP library raises for a network that fails."""
    from huggingface_hub.utils import httpx

    return (httpx.HTTPError,)


def _remedy(folder: Path) -> str:
    folder = Path(folder)
    if folder.parent.resolve() == BUNDLED.resolve():
        return f"restore it with `git checkout -- weights/{folder.name}`"
    return "copy the folder again from where it came"
