"""Models in repositories on the Hub: from there into the Hub's own cache, whole and sound.

Only the files that weights consist of are asked for (folders.SHARED): nothing is unpickled, and
what else lies in a repository stays there.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from smart.folders import CONFIG, LOCK, MODEL, SHARED, WeightsError, damaged, first_line
from smart.progress import OnProgress, Progress, ignore

_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(\w[\w./-]*))?")
LARGEST_CONFIG = 1_000_000  # bytes
_ARCHIVE = re.compile(r"models--([\w.-]+?)--([\w.-]+)")


def parsed(name: str) -> tuple[str, str] | None:
    """("user/repo", "revision") of "user/repo" or "user/repo@revision"; None for anything else."""
    found = _NAME.fullmatch(name)
    if found is None or len(name) > 200 or ".." in name:
        return None
    return found[1], found[2] or "main"


def cached(name: str) -> Path | None:
    """The folder of a model in the Hub's cache that has config and weights; asks no one."""
    from huggingface_hub import try_to_load_from_cache

    known = parsed(name)
    try:
        found = known and try_to_load_from_cache(known[0], CONFIG, revision=known[1])
    except ValueError:  # no name that the Hub allows
        return None
    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder and (folder / MODEL).is_file() else None


def names_here() -> list[str]:
    """The models of SMART in the Hub's cache, by the names that cached takes."""
    from huggingface_hub import constants

    names = []
    for place in Path(constants.HF_HUB_CACHE).glob("models--*--*"):
        if found := _ARCHIVE.fullmatch(place.name):
            name = f"{found[1]}/{found[2]}"
            folder = cached(name)
            if folder and (folder / LOCK).is_file():  # push always writes one
                names.append(name)
    return sorted(names)


def folder_of(name: str) -> Path:
    """The folder of a model: from the Hub's cache where it is there and sound, else fetched.

    Raises WeightsError with the remedy.
    """
    folder = cached(name)
    if folder and not _wrong(folder, fully=False):
        return folder
    return fetch(name)


def fetch(name: str, on_progress: OnProgress = ignore) -> Path:
    """Bring "user/repo" or "user/repo@revision" into the Hub's cache as it is now; the folder.

    What is here already is checked in full, and fetched again where it is damaged. Progress counts
    megabytes. Raises WeightsError; what is damaged on the Hub itself is named.
    """
    known = parsed(name)
    if known is None:
        raise WeightsError(f"{name[:80]!r} is no model on the Hub; name it as user/repo.")
    repository, revision = known
    asked(name, lambda: _look(name, repository, revision))
    bar = _bar(on_progress)
    folder: Path = asked(name, lambda: _snapshot(repository, revision, bar))
    wrong = _wrong(folder)
    if wrong:
        files = [one.split(" (")[0] for one in wrong]
        asked(name, lambda: _again(repository, folder.name, files, bar))
        wrong = _wrong(folder)
    if wrong:
        raise WeightsError(
            f"{name} is damaged on the Hub: {', '.join(wrong)}; ask its author to push it again."
        )
    return folder


def _wrong(folder: Path, fully: bool = True) -> list[str]:
    """As damaged; a lock file that cannot be read is damaged itself."""
    try:
        return damaged(folder, fully)
    except WeightsError:
        return [f"{LOCK} (cannot be read)"]


def _look(name: str, repository: str, revision: str) -> None:
    """Raises WeightsError for a repository of something else, before anything large comes."""
    from huggingface_hub import HfApi, constants, hf_hub_download

    # Unlike a download this does not try again and again where there is no network.
    seconds = constants.HF_HUB_ETAG_TIMEOUT
    info = HfApi().model_info(repository, revision=revision, timeout=seconds)
    there = {one.rfilename for one in info.siblings or []}
    if CONFIG in there and MODEL not in there:
        raise WeightsError(
            f"{name} has no {MODEL}, and SMART reads nothing else; ask its author for one."
        )
    config: Any = None
    if CONFIG in there:
        quiet = _bar(ignore)
        path = Path(hf_hub_download(repository, CONFIG, revision=info.sha, tqdm_class=quiet))
        with contextlib.suppress(ValueError, RecursionError):
            if path.stat().st_size < LARGEST_CONFIG:
                config = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise WeightsError(
            f"{name} is no model of SMART (no {CONFIG} there names an architecture); choose "
            "another."
        )


def _snapshot(repository: str, revision: str, bar: Any) -> Path:
    from huggingface_hub import snapshot_download

    wanted = list(SHARED)
    return Path(
        snapshot_download(repository, revision=revision, allow_patterns=wanted, tqdm_class=bar)
    )


def _again(repository: str, commit: str, files: Iterable[str], bar: Any) -> None:
    from huggingface_hub import hf_hub_download

    for file in files:
        if file in SHARED:
            hf_hub_download(repository, file, revision=commit, force_download=True, tqdm_class=bar)


def asked(name: str, ask: Callable[[], Any]) -> Any:
    """What ask gives; what the Hub's client raises becomes a WeightsError with the remedy."""
    from huggingface_hub import errors

    from smart.hub import http_library

    try:
        return ask()
    except WeightsError:
        raise
    except (errors.HfHubHTTPError, errors.EntryNotFoundError, OSError, ValueError) as error:
        reason, remedy = _reason(error)
        raise WeightsError(f"{name}: {reason}; {remedy}.") from error
    except (http_library().HTTPError, http_library().InvalidURL) as error:
        reason, remedy = first_line(error), "check the network and try again"
        raise WeightsError(f"{name}: the Hub cannot be reached ({reason}); {remedy}.") from error


def _reason(error: BaseException) -> tuple[str, str]:
    from huggingface_hub import constants, errors

    causes = [error]
    while causes[-1].__cause__ is not None and len(causes) < 5:
        causes.append(causes[-1].__cause__)
    for one in causes:
        status = getattr(getattr(one, "response", None), "status_code", None)
        if isinstance(one, errors.GatedRepoError):
            return "its author lets only some people read it", "ask for access on its page"
        if isinstance(one, errors.RevisionNotFoundError):
            return "there is no such revision", "name a branch, tag or commit behind the @"
        if isinstance(one, errors.RemoteEntryNotFoundError):
            return "it is no model of SMART, a file is missing there", "choose another"
        if isinstance(one, errors.RepositoryNotFoundError) or status == 401:
            return (
                "there is no such repository, or it is private",
                "check the name, or set HF_TOKEN to a token that may read and write it",
            )
        if status == 403:
            return "the token may not do this", "set HF_TOKEN to one that may"
        if status == 429:
            return "the Hub is asked too often (429)", "try again in some minutes"
        if status:
            return f"the Hub answers {status}", "try again later"
        if isinstance(one, errors.OfflineModeIsEnabled):
            return "it is not on this machine and HF_HUB_OFFLINE is set", "unset it to go online"
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        return f"it cannot be kept in {constants.HF_HUB_CACHE} ({error.strerror})", "make room"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the Hub cannot be reached, or gave no answer", "check the network and try again"
    return first_line(error), "check the name and the network"


def _bar(on_progress: OnProgress) -> Any:
    """A bar as the Hub's client wants one, that draws nothing and reports megabytes."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            named.pop("name", None)
            self.bytes = named.get("unit") == "B"
            super().__init__(*arguments, **{**named, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            if self.bytes:
                self.n += n or 0
                total = max(self.total or 0, self.n, 1)
                step, whole = round(self.n / 1e6), round(total / 1e6)
                on_progress(Progress(step, whole, "fetching megabytes", fraction=self.n / total))
            return None

    return Bar
