"""What lies in weights/ and on the Hub: look up, verify, read, download.

A set of weights is a folder with config.json (architecture and its arguments), model.safetensors
and README.md; the same folder is a Hub model repository. Nothing is ever unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart import hub_models, serving
from smart.folders import (
    CONFIG,
    HEADS,
    LOCK,
    MODEL,
    SHARED,
    WeightsError,
    damaged,
    first_line,
    sha256_of,
    source_of,
)
from smart.reading import json_file
from smart.wording import named, one_line

if TYPE_CHECKING:
    import torch

__all__ = ["CONFIG", "HEADS", "LOCK", "MODEL", "SHARED", "WeightsError"]  # they are weights', too

VGG19_REPOSITORY = "timm/vgg19.tv_in1k"
BUNDLED = Path(__file__).resolve().parent.parent / "weights"


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
    behind it for the best snapshot), or one on the Hub: "user/repo", "user/repo@revision".
    Searched in this order: path, weights/, runs/, the Hub's cache, the Hub. Raises WeightsError.
    """
    text = str(name)
    folder = Path(name)
    if _holds_weights(folder):
        return folder
    if (here := local(text)) and not hub_models.parsed(text):
        return here
    if isinstance(name, str) and hub_models.parsed(text) and not folder.exists():
        return hub_models.folder_of(text)
    names = sorted(path.name for path in _folders())
    close = get_close_matches(text, names, n=3) or names
    hint = f"there are: {', '.join(close)}" if close else f"{weights_folder()} holds none"
    raise WeightsError(f"No weights called {text[:80]!r} were found; {hint}.")


def local(name: str) -> Path | None:
    """The folder of the weights called name on this machine; None when there is none.

    Those in weights/, trainings, and models in the Hub's cache. Unlike find it takes no paths and
    asks no one, so that name may be anyone's text.
    """
    if re.fullmatch(r"[\w-]{1,80}", name):
        for folder in (weights_folder() / name, trained_folder(name)):
            if _holds_weights(folder):
                return folder
    return hub_models.cached(name)


def checksum(folder: Path) -> str:
    """The SHA-256 of a folder's model.safetensors. Raises WeightsError when it is missing."""
    try:
        return sha256_of(folder / MODEL)
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


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a folder of weights as a dict with at least "architecture"."""
    path = Path(folder) / CONFIG
    try:
        config = json_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing; {_remedy(folder)}.") from error
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} cannot be read ({first_line(error)}); {_remedy(folder)}."
        ) from error
    known = config.get("architecture") if isinstance(config, dict) else None
    if not isinstance(known, str) or not re.fullmatch(r"[\w.-]{1,60}", known, re.ASCII):
        raise WeightsError(f'{path} names no "architecture"; {_remedy(folder)}.')
    if not isinstance(config.get("arguments", {}), dict):
        raise WeightsError(f'{path} gives no "arguments" by name; {_remedy(folder)}.')
    return dict(config)


def require_tensors(
    expected: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], architecture: str
) -> None:
    """Raises WeightsError unless tensors have exactly the names and shapes of expected."""
    wrong = sorted(expected.keys() ^ tensors.keys()) or [
        key
        for key, tensor in expected.items()
        if tensor.shape != tensors[key].shape
        or tensor.is_floating_point() != tensors[key].is_floating_point()
    ]
    if wrong:
        raise WeightsError(
            f"{len(wrong)} tensors of {architecture} are missing, too many or of another shape, "
            f"first {named(wrong[0])!r}; restore the folder from where it came."
        )


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder's model.safetensors, floating ones as float32, on the CPU.

    Raises WeightsError when the file is missing, cut off or not safetensors.
    """
    return read_file(Path(folder) / MODEL)


def read_file(path: Path, keys: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
    """The named tensors (or all) of a safetensors file, floating ones as float32, on the CPU.

    Only the parts of the file that hold them are read; a name that is not there is left out.
    Raises WeightsError when the file is missing, cut off or not safetensors, or holds what are no
    numbers.
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
                if floating and not tensors[key].isfinite().all():
                    raise ValueError(f"{named(key)} holds what are no numbers")
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} is damaged ({named(first_line(error), 120)}); {_remedy(path.parent)}."
        ) from error
    return tensors


def vgg19_file() -> Path | None:
    """Where VGG-19 lies on this machine, or None: weights/vgg19, pulled, or in the Hub's cache.

    What was pulled and no longer fits its lock file counts as not there.
    """
    from huggingface_hub import try_to_load_from_cache

    for folder in (weights_folder() / "vgg19", pulled_folder("vgg19")):
        if (folder / MODEL).is_file() and not vgg19_problem(folder) and _is_pinned(folder):
            return folder / MODEL
    cached = try_to_load_from_cache(VGG19_REPOSITORY, MODEL, revision=vgg19_revision())
    return Path(cached) if isinstance(cached, str) else None


def _is_pinned(folder: Path) -> bool:
    """Whether a folder's VGG-19 is of the revision that is asked for; main is whatever came."""
    source = source_of(folder)
    wanted = vgg19_revision()
    return (
        wanted == "main" or not source or wanted in (source.get("revision"), source.get("commit"))
    )


def vgg19_revision() -> str:
    """The revision of VGG-19's repository: SMART_VGG19_REVISION (a branch, tag or commit)."""
    return serving.current().vgg19_revision or "main"


def vgg19_problem(folder: Path | None = None) -> str:
    """What is wrong with the VGG-19 that was pulled, as far as sizes and times tell; or ""."""
    folder = folder or pulled_folder("vgg19")
    try:
        wrong = damaged(folder, fully=False, names=[MODEL]) if (folder / MODEL).is_file() else []
    except WeightsError as error:
        return str(error)
    return f"{folder / wrong[0]}; `python -m smart weights pull vgg19` mends it" if wrong else ""


def pulled_folder(name: str) -> Path:
    """Where `weights pull` puts what it fetched: the Hub cache's place for derived files."""
    from huggingface_hub import constants

    return Path(constants.HF_ASSETS_CACHE) / "smart" / name


def listing() -> list[WeightsInfo]:
    """Every set of weights on this machine, and VGG-19 whether it is here or not."""
    found = [_info(folder.name, folder) for folder in _folders()]
    for name in hub_models.names_here():
        if folder := hub_models.cached(name):
            found.append(_info(name, folder))
    if not any(info.name == "vgg19" for info in found):
        path = vgg19_file()
        size = path.stat().st_size / 1e6 if path else 0.0
        problem = "not here; `python -m smart weights pull vgg19` fetches 51 MB"
        problem = "" if path else vgg19_problem() or problem
        folder_or_none = path.parent if path else None
        found.append(WeightsInfo("vgg19", folder_or_none, "vgg", size, "BSD-3-Clause", problem))
    return found


def _info(name: str, folder: Path) -> WeightsInfo:
    try:
        config = read_config(folder)
        size = (folder / MODEL).stat().st_size / 1e6 if (folder / MODEL).is_file() else 0.0
        wrong = damaged(folder, fully=False)
        problem = f"damaged: {', '.join(wrong)}" if wrong else ""
        problem = problem if size else f"{MODEL} is missing"
        licence = one_line(str(config.get("licence", ""))[:200])
        return WeightsInfo(name, folder, config["architecture"], size, licence, problem)
    except WeightsError as error:
        return WeightsInfo(name, folder, "", 0.0, "", str(error))


def _remedy(folder: Path) -> str:
    folder = Path(folder)
    if folder.parent.resolve() == BUNDLED.resolve():
        return f"restore it with `git checkout -- weights/{folder.name}`"
    return "copy the folder again from where it came"
