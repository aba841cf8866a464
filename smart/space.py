"""A Hugging Face Space with SMART in it: what it needs and nothing else, made or renewed.

What is sent is decided here without a network (plan); send does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smart import serving, weights
from smart.styles import styles_folder

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
ZERO_GPU, USUAL = "zero-a10g", "cpu-basic"
HARDWARE = (
    "cpu-basic", "cpu-upgrade", ZERO_GPU, "t4-small", "t4-medium", "l4x1", "l40sx1", "a10g-small",
    "a10g-large", "a100-large",
)  # fmt: skip
ALONE = ("app.py", "LICENSE")  # files at the top that go as they are
CODE = (".py", ".json", ".css", ".js", ".svg", ".woff2", ".txt", ".jpg", ".png", ".csv")
OURS = "smart/ui/app.py"
KEPT_THERE = (".gitattributes",)  # made by the Hub: which files are large ones
LICENCES = "## Licences"
ASK = 10.0  # s, in which the Hub has to say what is there
LARGE = 10_000_000  # bytes; the Hub keeps files from there on, and all weights, apart (LFS, Xet)
CARD = """
# {title}

{description}. A network makes a face that nobody has from a number; another one, which
has learned to see, paints it after a painting, and you watch.

Choose a sitter and a painter, press **Paint**. Everything is computed here: nothing is sent to
anyone else. What you make is yours alone and goes when you leave, so download what you keep.
"""


class SpaceError(ValueError):
    """A Space that cannot be made; the message names the remedy."""


class UnreachedError(SpaceError):
    """The Hub did not answer, or did not let us do it."""


@dataclass(frozen=True)
class Plan:
    """What a Space shall hold: files by their path there, each a file here or its bytes."""

    space: str
    hardware: str | None  # None: as it is, and cpu-basic for a new one
    files: Mapping[str, Path | bytes]
    private: bool = False
    sleep: int | None = None  # s
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    def size_of(self, path: str) -> int:
        """Bytes of one file."""
        what = self.files[path]
        return len(what) if isinstance(what, bytes) else what.stat().st_size

    def is_large(self, path: str) -> bool:
        """Whether the Hub keeps a file apart from git."""
        return path.endswith(".safetensors") or self.size_of(path) > LARGE

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.size_of(path) for path in self.files)


def plan(
    space: str,
    hardware: str | None = None,
    private: bool = False,
    sleep: int | None = None,
    variables: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Plan:
    """What `deploy` sends to the Space user/name. Raises SpaceError for what cannot be right."""
    if not NAME.fullmatch(space):
        raise SpaceError(f"{space[:120]!r} is no name of a Space; write user/name.")
    if hardware is not None and hardware not in HARDWARE:
        raise SpaceError(f"hardware is {hardware[:60]!r}; it must be one of {', '.join(HARDWARE)}.")
    if sleep is not None and sleep != -1 and not 300 <= sleep <= 30 * 86400:
        raise SpaceError(f"sleep is {sleep}; it must be 300 to 2592000 seconds, or -1 for never.")
    _check_settings(variables or {}, secrets or {})
    files: dict[str, Path | bytes] = {name: ROOT / name for name in ALONE}
    for path in _tree(ROOT / "smart"):
        if path.suffix in CODE:
            files[path.relative_to(ROOT).as_posix()] = path
    for path in _tree(styles_folder()):
        files[f"styles/{path.relative_to(styles_folder()).as_posix()}"] = path
    files |= _weights(weights.weights_folder())
    missing = [name for name in (*ALONE, OURS) if not (ROOT / name).is_file()]
    if missing or not any(name.startswith("weights/faces/") for name in files):
        what = missing[0] if missing else "weights/faces"
        raise SpaceError(f"{what} is not here; deploy from a whole copy of the repository.")
    files["requirements.txt"] = _requirements(hardware)
    files["README.md"] = _card(hardware)
    return Plan(
        space, hardware, dict(sorted(files.items())), private, sleep, variables or {}, secrets or {}
    )


def _tree(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones, caches, and what leads out of it."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not hidden and not path.is_symlink() and path.is_file():
            yield path


def _weights(folder: Path) -> dict[str, Path | bytes]:
    """What belongs to each set of weights. Raises SpaceError for one without a licence."""
    files: dict[str, Path | bytes] = {}
    for home in sorted(path.parent for path in folder.glob("*/config.json")):
        if not weights.read_config(home).get("licence"):
            raise SpaceError(
                f"The weights {home.name} have no licence; write one into their config.json, or "
                "move them elsewhere."
            )
        for name in weights.SHARED:
            path = home / name
            if path.is_file() and not path.is_symlink():
                files[f"weights/{home.name}/{name}"] = path
    return files


def _check_settings(variables: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Raises SpaceError for what all would see and nobody shall, or what no SMART starts on."""
    for key in variables:
        if key == serving.variable("owner") or re.search("TOKEN|SECRET|PASSWORD|KEY", key.upper()):
            raise SpaceError(f"Everyone can read {key} of a Space given by --set; use --secret.")
    both = [*variables.items(), *secrets.items()]
    ours = {key: value for key, value in both if key.startswith(serving.PREFIX)}
    if sentences := serving.unknown(ours):
        raise SpaceError(sentences[0])
    try:
        serving.parse(ours)
    except ValueError as error:
        raise SpaceError(str(error)) from error


def _requirements(hardware: str | None) -> bytes:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return (text + ("spaces\n" if hardware == ZERO_GPU else "")).encode()


def _card(hardware: str | None) -> bytes:
    """The Space's README.md: our front matter with the hardware, a few words, the licences."""
    whole = (ROOT / "README.md").read_text(encoding="utf-8")
    _, front, text = whole.split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in front.splitlines() if re.match(r"\w+: \S", line))
    front += f"suggested_hardware: {hardware or USUAL}\n"
    if hardware == ZERO_GPU:
        front += "startup_duration_timeout: 30m\n"
    card = CARD.format(title=facts["title"], description=facts["short_description"])
    licences = text[text.index(LICENCES) :] if LICENCES in text else ""
    return f"---\n{front}---\n{card}\n{licences}".encode()


def changes(made: Plan, there: Sequence[str]) -> list[str]:
    """The files in the Space that are none of ours any more, and would be deleted."""
    return sorted(path for path in there if path not in made.files and path not in KEPT_THERE)


def refuse_another(space: str, there: Sequence[str] | None, replace: bool) -> None:
    """Raises SpaceError where something else than SMART lies in the Space."""
    if replace or not there or OURS in there or set(there) <= {*KEPT_THERE, "README.md"}:
        return
    raise SpaceError(
        f"In {space} lies another app ({len(there)} files), which would be deleted; check the "
        "name, or say --replace."
    )


def files_there(space: str) -> list[str] | None:
    """What lies in the Space now; None where there is no such Space. Raises SpaceError."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = HfApi().repo_info(space, repo_type="space", timeout=ASK)
        return [one.rfilename for one in found.siblings or []]
    except RepositoryNotFoundError:
        return None
    except _errors() as error:
        raise _said(error) from error


def send(made: Plan, replace: bool = False) -> str:
    """Make the Space if there is none, and bring it up to date in one commit; its address.

    A Space in which something else lies is only written over with replace.

    Settings are written before the files, so that the first start has them. Raises SpaceError;
    until the commit nothing in the Space has changed but its settings.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    if not get_token():
        raise SpaceError("No token of the Hub is here; run `hf auth login`, or set HF_TOKEN.")
    api = HfApi()
    try:
        there = files_there(made.space)
        refuse_another(made.space, there, replace)
        api.create_repo(
            made.space, repo_type="space", space_sdk="gradio", private=made.private, exist_ok=True
        )
        for key, value in made.variables.items():
            api.add_space_variable(made.space, key, value)
        for key, value in made.secrets.items():
            api.add_space_secret(made.space, key, value)
        if made.hardware is not None and (made.hardware != USUAL or there is not None):
            api.request_space_hardware(made.space, made.hardware, sleep_time=made.sleep)
        elif made.sleep is not None:
            api.set_space_sleep_time(made.space, made.sleep)
        operations: list[Any] = [
            CommitOperationAdd(path, what if isinstance(what, bytes) else str(what))
            for path, what in made.files.items()
        ]
        operations += [CommitOperationDelete(path) for path in changes(made, there or [])]
        api.create_commit(
            made.space, operations, commit_message=_message(), repo_type="space",
        )  # fmt: skip
    except _errors() as error:
        raise _said(error) from error
    return f"{api.endpoint}/spaces/{made.space}"


def _message() -> str:
    import smart

    return f"SMART {smart.__version__}"


def _errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx

    return (HfHubHTTPError, httpx.HTTPError, OSError, ValueError)


def _said(error: Exception) -> SpaceError:
    if isinstance(error, SpaceError):
        return error
    code = getattr(getattr(error, "response", None), "status_code", None)
    remedy = {
        401: "log in anew with `hf auth login`",
        402: "the Hub asks for a paid plan; choose other hardware with --hardware",
        403: "the token may not write there; make one that may, or choose another name",
        404: "check the name",
        429: "the Hub asks to wait; try again in a few minutes",
    }.get(code or 0, "check the network and try again")
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". :")
    return UnreachedError(f"The Space could not be brought up to date ({first}); {remedy}.")
