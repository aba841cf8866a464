"""A folder of weights to a model repository on the Hub: card, licence, sample sheet, lock file.

Only the files that weights consist of (folders.SHARED) are sent, never what else lies beside them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart import weights
from smart.folders import CARD, CONFIG, LOCK, SHARED, SHEET, WeightsError, locked
from smart.hub_models import asked, parsed
from smart.verifying import problems

LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "cc-by-nc-4.0")
GENERATOR_TASK = "unconditional-image-generation"
COLUMNS, TILES, TILE = 8, 32, 128
PSI = 0.7


@dataclass(frozen=True)
class Parcel:
    """What goes to a repository: the content of each file, or where it lies."""

    repository: str
    files: dict[str, Path | bytes]

    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        return {
            name: len(file) if isinstance(file, bytes) else file.stat().st_size
            for name, file in self.files.items()
        }


def pack(name: str, repository: str) -> Parcel:
    """All that push would send of the weights called name; nothing is sent or written.

    Raises WeightsError for weights that are damaged or have no licence.
    """
    if parsed(repository) is None or "@" in repository:
        raise WeightsError(f"{repository[:80]!r} is no name on the Hub; give --to user/repo.")
    folder = weights.find(name)
    config = weights.read_config(folder)
    licence = str(config.get("licence") or "").strip()
    if not licence:
        raise WeightsError(
            f"{folder / CONFIG} names no licence, and nothing is shared without; write "
            '"licence": "..." into it, as whoever made the weights or the images allows.'
        )
    if wrong := problems(folder):
        raise WeightsError(f"{name} is damaged: {', '.join(wrong)}; nothing was sent.")
    files: dict[str, Path | bytes] = {
        file: folder / file for file in SHARED if (folder / file).is_file()
    }
    if SHEET not in files and is_generator(config):
        files[SHEET] = sheet(folder)
    files[CARD] = card(folder, config, repository, licence, SHEET in files).encode()
    files[LOCK] = (json.dumps({"files": locked(folder)}, indent=2) + "\n").encode()
    return Parcel(repository, files)


def push(parcel: Parcel, private: bool = False, bars: bool = False) -> str:
    """Send a parcel, into a new repository where there is none; the address of the commit.

    Files of weights that lie there and are no longer in the parcel are deleted there; others are
    left alone. bars lets the Hub's client draw its bars of progress. Raises WeightsError.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    api, repository = HfApi(), parcel.repository

    def send() -> str:
        api.create_repo(repository, private=private or None, exist_ok=True)
        info = api.model_info(repository)
        if private and not info.private:  # making it changes nothing where it is there already
            raise WeightsError(
                f"{repository} is there already, and everyone sees it; make it private on the Hub "
                "first, or name another repository."
            )
        siblings = info.siblings or []
        there = {one.rfilename for one in siblings}
        gone = [file for file in SHARED if file in there and file not in parcel.files]
        operations: list[Any] = [CommitOperationDelete(file) for file in gone]
        for file, content in parcel.files.items():
            what = content if isinstance(content, bytes) else str(content)
            operations.append(CommitOperationAdd(file, what))
        done = api.create_commit(repository, operations, commit_message="Weights of SMART")
        return str(done.commit_url)

    silenced = not bars and not are_progress_bars_disabled()
    if silenced:
        disable_progress_bars()
    try:
        return str(asked(repository, send))
    finally:
        if silenced:
            enable_progress_bars()


def is_generator(config: dict[str, Any]) -> bool:
    """Whether these weights make pictures from latents."""
    from smart.gan.generator import architectures

    return config["architecture"] in architectures()


def sheet(folder: Path) -> bytes:
    """A PNG of samples of seeds in order, not chosen."""
    import io

    from smart import images
    from smart.gan.generator import load_generator, preview
    from smart.gan.latents import seed_latents, truncate

    generator = load_generator(folder)
    tiles = []
    for seed in range(TILES):
        w = truncate(generator.map(seed_latents([seed], generator.z_dim)), generator.w_mean, PSI)
        tiles += [images.to_pil(one) for one in preview(generator, w, TILE).cpu()]
    file = io.BytesIO()
    images.sheet(tiles, COLUMNS).save(file, format="PNG")
    return file.getvalue()


def card(
    folder: Path, config: dict[str, Any], repository: str, licence: str, with_sheet: bool
) -> str:
    """README.md as the Hub wants it: the folder's own where it has one, completed in its front."""
    import yaml

    front, body = _own_card(folder)
    kind = licence_id(licence)
    defaults: dict[str, Any] = {"license": kind}
    if kind == "other":
        defaults["license_name"] = licence
    defaults["library_name"] = "smart"
    generator = is_generator(config)
    if generator:
        defaults["pipeline_tag"] = GENERATOR_TASK
    front = {**defaults, **front}
    if front["license"] == "other":  # the Hub takes only such names
        front["license_name"] = _slug(str(front.get("license_name") or licence))
    tags = [str(tag) for tag in front.get("tags") or []]
    wanted = ["smart", config["architecture"].replace("_", "-"), *(["gan"] if generator else [])]
    front["tags"] = [*tags, *(tag for tag in wanted if tag not in tags)]
    body = re.sub(r'load_generator\("[^"/]*"\)', f'load_generator("{repository}")', body)
    if not body.strip():
        body = _body(config, repository, licence, generator)
    if with_sheet and f"({SHEET})" not in body:
        body += f"\n![{TILES} samples, not chosen]({SHEET})\n"
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n{body.lstrip()}"


def _own_card(folder: Path) -> tuple[dict[str, Any], str]:
    import yaml

    try:
        text = (folder / CARD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{folder / CARD} cannot be read; write it anew as UTF-8.") from error
    found = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL)
    if found is None:
        return {}, text
    try:
        front = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        raise WeightsError(
            f"The front matter of {folder / CARD} is no YAML; mend or remove it."
        ) from error
    return front if isinstance(front, dict) else {}, text[found.end() :]


def licence_id(licence: str) -> str:
    """What the Hub calls a licence: "apache-2.0"; "other" for what it has no name for."""
    return name if (name := _slug(licence)) in LICENCES else "other"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:64].strip("-.")


def _body(config: dict[str, Any], repository: str, licence: str, generator: bool) -> str:
    title = repository.partition("/")[2]
    source = str(config.get("source") or "").strip()
    text = f"# {title}\n\nWeights of SMART, a {config['architecture'].replace('_', ' ')}"
    text += f": {source}" if source else ""
    text += f".\n\nLicence: {licence}.\n"
    if generator:
        text += f"""
## Use
    from smart.gan.generator import load_generator
    from smart.gan.latents import seed_latents, truncate

    generator = load_generator("{repository}")
    w = generator.map(seed_latents([6], generator.z_dim))
    picture = generator.synthesize(truncate(w, generator.w_mean, {PSI}))  # [1, 3, H, W] in 0..1
"""
    return text
