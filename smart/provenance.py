"""What stands in a portrait's PNG, and how it is read again: everything to make it once more.

What is read is anyone's text. Every value is checked, and paintings are known by their checksums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart import images, styles, weights
from smart.options import FACES, PaintingOptions, SamplingOptions
from smart.styles import Catalogue, Choice, StyleError
from smart.wording import named

VERSION = 2
SKETCHER = "stylization"
WEIGHTS = "weights_sha256"
NETWORKS = ("vgg16", "vgg19", SKETCHER)
PRECISIONS = ("float32", "bfloat16")
MAX_LEGS = 20
MAX_STEPS = 10**6


@dataclass(frozen=True)
class Leg:
    """One go at a portrait: how it was painted, and after which step it was stopped, if so."""

    painting: PaintingOptions
    stopped_after: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; stopped_after only where it was."""
        known: dict[str, Any] = {"painting": self.painting.to_dict()}
        if self.stopped_after is not None:
            known["stopped_after"] = self.stopped_after
        return known


@dataclass(frozen=True)
class Recipe:
    """What a PNG says of how it was made, checked: enough to make it again.

    Either sampling, the sitter, or photo, the checksums of a photograph and its masks, is given.
        legs are the goes at it, one going on where the one before ended, the last one last.
    """

    sampling: SamplingOptions | None
    photo: dict[str, str] | None
    choices: tuple[Choice, ...]
    ground: tuple[Choice, ...]
    legs: tuple[Leg, ...]
    network: str
    precision: str

    @property
    def painting(self) -> PaintingOptions:
        """How it was painted last."""
        return self.legs[-1].painting


def painters_to_list(choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Painters with names, weights and the checksums of their works."""
    return [
        {
            "slug": choice.slug,
            **({"name": choice.name} if choice.name else {}),
            "weight": choice.weight,
            "works": {work.slug: work.sha256 for work in choice.works},
        }
        for choice in choices
    ]


def name_of(painter: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What the painter of a portrait is called, now by names (by slug) or when it was painted."""
    artist = named(painter.get("slug", "")).split("/")[0]
    told = painter.get("name")
    then = named(told) if isinstance(told, str) and told else artist.replace("-", " ").title()
    return names.get(artist, then)


def legs_to_dict(legs: Sequence[Leg]) -> dict[str, Any]:
    """The last go in the first place, those before it under "earlier"."""
    known = legs[-1].to_dict()
    if len(legs) > 1:
        known["earlier"] = [leg.to_dict() for leg in legs[:-1]]
    return known


def read(path: str | Path) -> Recipe:
    """The recipe inside a portrait's PNG, against the painters that are here now.

    Raises ValueError when the picture carries none, or a painting it was made with is not here or
    has changed.
    """
    return parse(images.read_provenance(path), Path(path).name)


def sitter_in(path: str | Path) -> SamplingOptions:
    """Who sits in a picture that SMART saved, a face or a portrait. Raises ValueError."""
    name, known = Path(path).name, images.read_provenance(path)
    faces = known.get("faces")
    if isinstance(faces, dict):
        faces = {k: v for k, v in faces.items() if k not in ("count", "size")}
        return _sampling_of(faces, name)
    if known.get("photo") is not None:
        raise ValueError(f"{name} shows a photograph, no sitter; find one with `likeness`.")
    return _sampling_of(known.get("sitter"), name)


def parse(
    known: Mapping[str, Any], name: str, *, exact: bool = True, catalogue: Catalogue | None = None
) -> Recipe:
    """The recipe in a portrait's provenance; name is what its picture is called in messages.

    exact: the painters' pictures must be those it was painted after; otherwise those that are here
    now stand for them, which is enough to paint something like it. catalogue holds the painters
    (None: those in styles/). Raises ValueError as read does.
    """
    catalogue = catalogue or styles.scan()
    sampling, photo = None, known.get("photo")
    if photo is None:
        sampling = _sampling_of(known.get("sitter"), name)
    elif not isinstance(photo, dict) or not all(isinstance(v, str) for v in photo.values()):
        raise ValueError(f"{name} does not tell which photograph it shows; it is damaged.")
    network, precision = known.get("network"), known.get("precision")
    if network not in NETWORKS or precision not in PRECISIONS:
        raise ValueError(f"{name} was painted with a network that is not known here.")
    legs, ground = _legs_of(known, name), known.get("ground")
    return Recipe(
        sampling,
        photo,
        _choices_of(known.get("styles"), name, exact, catalogue),
        () if ground is None else _choices_of(ground, name, exact, catalogue),
        legs,
        network,
        precision,
    )


def _sampling_of(sitting: Any, name: str) -> SamplingOptions:
    if not isinstance(sitting, dict):
        raise ValueError(f"{name} is no portrait of SMART; give a PNG that `portrait` made.")
    sampling = who_sat(sitting)
    # Anyone's file must not make us look at a path or fetch something.
    folder = weights.local(sampling.generator)
    if folder is None:
        raise ValueError(
            f"{name} shows a sitter of the generator {sampling.generator[:60]!r}, which is not "
            "here; bring its weights first."
        )
    if WEIGHTS in sitting and sitting[WEIGHTS] != weights.checksum(folder):
        raise ValueError(
            f"The generator {sampling.generator!r} is no longer the one that {name} came from; "
            "bring those weights back, or choose the sitter anew."
        )
    return sampling


def who_sat(sitting: Mapping[str, Any]) -> SamplingOptions:
    """The inverse of sitter_to_dict, whether or not that generator is here. Raises ValueError."""
    return SamplingOptions.from_dict({k: v for k, v in sitting.items() if k != WEIGHTS})


def sitter_to_dict(sampling: SamplingOptions) -> dict[str, Any]:
    """Who sat; of another generator than the bundled one also the checksum of its weights."""
    known = sampling.told()
    folder = None if sampling.generator == FACES else weights.local(sampling.generator)
    return known | ({WEIGHTS: weights.checksum(folder)} if folder else {})


def _legs_of(known: Mapping[str, Any], name: str) -> tuple[Leg, ...]:
    earlier = known.get("earlier", [])
    if not isinstance(earlier, list) or len(earlier) >= MAX_LEGS:
        raise ValueError(f"{name} tells no list of earlier goes; give the PNG as it was saved.")
    legs = []
    for item in [*earlier, known]:
        stopped = item.get("stopped_after") if isinstance(item, dict) else -1
        if stopped is not None and (type(stopped) is not int or not 0 <= stopped < MAX_STEPS):
            raise ValueError(
                f"{name} tells no whole number of steps; give the PNG as it was saved."
            )
        if not isinstance(item, dict) or not isinstance(item.get("painting"), dict):
            raise ValueError(f"{name} is no portrait of SMART; give a PNG that `portrait` made.")
        legs.append(Leg(PaintingOptions.from_dict(item["painting"]), stopped))
    return tuple(legs)


def _choices_of(listed: Any, name: str, exact: bool, catalogue: Catalogue) -> tuple[Choice, ...]:
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError(f"{name} names no painter; give a PNG that `portrait` made.")
    choices = []
    for item in listed[:100]:
        weight = item.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise StyleError(
                f"{name} gives a painter the weight {str(weight)[:20]}; it is damaged."
            )
        choice = catalogue.choose(f"{str(item.get('slug', ''))[:200]}:{weight}")
        now = {work.slug: work.sha256 for work in choice.works}
        if exact and item.get("works") != now:
            raise StyleError(
                f"The pictures of {choice.slug!r} are not those that painted {name}; "
                "bring them back, or paint with --style instead of --like."
            )
        choices.append(choice)
    if not choices:
        raise StyleError(f"{name} names no painter; give a PNG that `portrait` made.")
    return tuple(choices)
