"""All that the Studio's controls say, and its ways out and back: a portrait's text, a link, words.

Portraits and links are anyone's text: every value is checked, and what cannot be set is refused in
one sentence.
"""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smart import provenance, styles
from smart.options import (
    Options,
    PaintingOptions,
    SamplingOptions,
    default_of,
    options_of,
)
from smart.provenance import Recipe
from smart.styles import Catalogue, Choice
from smart.wording import named

ROLES = ("mix", "ground")
LONGEST_LINK = 2000  # characters behind the question mark; mail programs break longer ones
OWN = ("painter", "second", "role", "share")
LINK_OF_LIKENESS = (
    "A likeness is too long for a link; give the portrait itself instead, it holds everything."
)
TOO_LONG = "These settings are too long for a link; give the portrait itself instead."
BROKEN = "The link could not be read ({reason}); this is the page as it always opens."
MORE_PAINTERS = "More than two painted it; the Studio takes the first two of them."
GIVE_PHOTOGRAPH = "It shows a photograph, which it does not hold: give the photograph again."
NOT_HERE = (
    "{painter} does not paint here any more, so the painter stays as chosen; the portrait can be "
    "seen and downloaded, and all else is set."
)
CHANGED = "The pictures of {painter} are not those it was painted after; it will look different."


@dataclass(frozen=True)
class Settings:
    """Who sits, who paints, and how: a portrait before it is painted.

    sampling is None for a photograph. painter and second are slugs of styles or works; second
    paints with the first (role "mix", share per cent of it, to two places) or what is behind the
    sitter (role "ground"). Raises ValueError for a role or a share there is not.
    """

    sampling: SamplingOptions | None
    painter: str
    painting: PaintingOptions = field(default_factory=PaintingOptions)
    second: str = ""
    role: str = "mix"
    share: float = 50.0

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role[:60]!r}; it must be one of {', '.join(ROLES)}.")
        try:
            share = round(float(self.share), 2)
        except (TypeError, ValueError):
            share = -1.0
        if not 0 <= share <= 100:
            raise ValueError(
                f"share is {named(self.share, 60)}; it must be a number from 0 to 100."
            )
        # What means the same is the same.
        object.__setattr__(self, "share", share if self.second and self.role == "mix" else 50.0)
        object.__setattr__(self, "role", self.role if self.second else "mix")

    def choices(
        self, catalogue: Catalogue | None = None
    ) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
        """Who paints the figure (or everything), and who the ground. Raises StyleError.

        catalogue holds the painters (None: those in styles/).
        """
        catalogue = catalogue or styles.scan()
        first = catalogue.choose(_plain(self.painter))
        if not self.second:
            return (first,), ()
        second = catalogue.choose(_plain(self.second))
        if self.role == "ground":
            return (first,), (second,)
        share = self.share / 100
        weights = ((first, f"{1 - share:.4f}"), (second, f"{share:.4f}"))
        mixed = tuple(replace(one, weight=float(weight)) for one, weight in weights)
        return tuple(one for one in mixed if one.weight > 0), ()


def _plain(slug: str) -> str:
    return slug.partition(":")[0]  # the weight is the share's to say


def of_recipe(recipe: Recipe) -> Settings:
    """What the controls say when this portrait is to be painted once more, from the beginning."""
    counted = [one for one in recipe.choices if one.weight > 0] or list(recipe.choices)
    first, second, role, share = counted[0], None, "mix", 50.0
    if recipe.ground:
        second, role = recipe.ground[0], "ground"
    elif len(counted) > 1:
        second = counted[1]
        share = 100 * second.weight / (first.weight + second.weight)
    return Settings(
        recipe.sampling, first.slug, recipe.painting, second.slug if second else "", role, share
    )


def not_here(known: Mapping[str, Any], catalogue: Catalogue) -> list[str]:
    """The names of a portrait's painters that are not among those of catalogue."""
    names, gone = catalogue.names(), []
    for listed in (known.get("styles"), known.get("ground")):
        for item in listed[:10] if isinstance(listed, list) else ():
            if isinstance(item, dict):
                try:
                    catalogue.choose(_plain(str(item.get("slug", ""))[:200]))
                except styles.StyleError:
                    gone.append(provenance.name_of(item, names))
    return list(dict.fromkeys(gone))


def with_painter(known: Mapping[str, Any], painter: Choice) -> dict[str, Any]:
    """A portrait's provenance with another painter in the place of its own."""
    return {**known, "styles": provenance.painters_to_list([painter]), "ground": None}


def of_portrait(
    known: Mapping[str, Any], name: str, catalogue: Catalogue | None = None
) -> tuple[Settings, list[str]]:
    """The settings in a portrait's provenance, and what cannot be set, a sentence each.

    name is what the picture is called in messages; catalogue holds the painters (None: those in
    styles/). Raises ValueError for what is no portrait, and for a painter or a generator that is
    not here.
    """
    recipe = provenance.parse(known, name, exact=False, catalogue=catalogue)
    notes = []
    if recipe.photo is not None:
        notes.append(GIVE_PHOTOGRAPH)
    counted = sum(one.weight > 0 for one in recipe.choices)
    if counted > 2 or len(recipe.ground) > 1 or (recipe.ground and counted > 1):
        notes.append(MORE_PAINTERS)
    for one, item in zip(
        (*recipe.choices, *recipe.ground),
        (*known["styles"], *(known.get("ground") or ())),
        strict=False,
    ):
        if item.get("works") != {work.slug: work.sha256 for work in one.works}:
            notes.append(CHANGED.format(painter=one.slug))
    return of_recipe(recipe), notes


def to_query(settings: Settings) -> str:
    """The settings as the query of a link, without the question mark: what is not as usual.

    Raises ValueError for a likeness, and for what is longer than LONGEST_LINK.
    """
    values: dict[str, Any] = {"painter": settings.painter}
    if settings.sampling is not None:
        if settings.sampling.likeness:
            raise ValueError(LINK_OF_LIKENESS)
        values |= {"seed": settings.sampling.seed} | _unusual(settings.sampling)
    values |= _unusual(settings.painting)
    if settings.second:
        values["second"] = settings.second
        values["role"] = settings.role
        if settings.role == "mix":
            values["share"] = f"{settings.share:g}"
    query = urllib.parse.urlencode({k: str(v) for k, v in values.items()}, safe="/,")
    if len(query) > LONGEST_LINK:
        raise ValueError(TOO_LONG)
    return query


def _unusual(options: Options) -> dict[str, Any]:
    kind = type(options)
    return {k: v for k, v in options.to_dict().items() if v != default_of(kind, k)}


def from_query(query: Mapping[str, str]) -> Settings | None:
    """The inverse of to_query; None where the address says nothing of a portrait.

    What others put into an address is passed over. Raises ValueError for what is out of bounds;
    whether painters and generators are here is seen when they are used.
    """
    sitter = {k: query[k] for k in options_of(SamplingOptions) if k in query}
    painting = {k: query[k] for k in options_of(PaintingOptions) if k in query}
    own = {k: query[k][:200] for k in OWN if k in query}
    if "painter" not in own:
        return None
    if "likeness" in sitter:
        raise ValueError(LINK_OF_LIKENESS)
    if sum(len(value) for value in query.values()) > 2 * LONGEST_LINK:
        raise ValueError(TOO_LONG)
    return Settings(
        SamplingOptions.from_dict(sitter) if sitter else None,
        painting=PaintingOptions.from_dict(painting),
        **own,  # type: ignore[arg-type]  # the share is checked there
    )


def words_of(known: Mapping[str, Any], names: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every setting of a portrait as label and value, in the words of the page.

    known may be damaged: what cannot be read is left out. names are the painters', by slug.
    """
    words: dict[str, str] = {}
    sitter = known.get("sitter")
    if isinstance(sitter, dict):
        words |= _sitter_words(sitter)
    else:
        words["Sitter"] = "A photograph"
    words["Painter"] = _painter_words(known.get("styles"), names or {})
    if known.get("ground"):
        words["Behind the sitter"] = _painter_words(known["ground"], names or {})
    words |= _option_words(PaintingOptions, known.get("painting"))
    stopped = known.get("stopped_after")
    if isinstance(stopped, int):
        words["Stopped after step"] = named(stopped, 30)
    return words


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> list[tuple[str, str, str]]:
    """In what two portraits differ: label, the first's value, the second's."""
    left, right = words_of(first, names), words_of(second, names)
    labels = list(dict.fromkeys([*left, *right]))
    return [
        (label, left.get(label, "–"), right.get(label, "–"))
        for label in labels
        if left.get(label) != right.get(label)
    ]


def _sitter_words(sitter: dict[str, Any]) -> dict[str, str]:
    try:
        who = provenance.who_sat(sitter)
    except ValueError:
        return {}
    words = {"Sitter": str(who.seed)}
    if who.likeness:
        words["Sitter"] = f"A likeness ({hashlib.sha256(who.likeness.encode()).hexdigest()[:4]})"
    told = who.told()
    for name in ("seed", "likeness", "sliders"):
        told.pop(name, None)
    specs = options_of(SamplingOptions)
    words |= {specs[name].label: _value(value) for name, value in told.items()}
    return words | {f"Asked: {name}": f"{amount:+g}" for name, amount in who.asked().items()}


def _option_words(cls: type[Options], values: Any) -> dict[str, str]:
    try:
        options = cls.from_dict(values if isinstance(values, dict) else {})
    except ValueError:
        return {}
    specs = options_of(cls)
    return {
        specs[name].label: f"{_value(value)} {specs[name].unit}".strip()
        for name, value in options.to_dict().items()
    }


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _painter_words(listed: Any, names: Mapping[str, str]) -> str:
    items: Sequence[Any] = listed[:10] if isinstance(listed, list) else ()
    items = [one for one in items if isinstance(one, dict)]
    words = []
    for one in items:
        weight, work = one.get("weight"), named(one.get("slug", "")).partition("/")[2]
        name = provenance.name_of(one, names) + (f" ({work})" if work else "")
        known = isinstance(weight, float | int) and 0 <= weight <= 1000
        share = f" {100 * weight:.0f} %" if known else ""
        words.append(name + (share if len(items) > 1 else ""))
    return " and ".join(words)
