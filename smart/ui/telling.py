"""What How it works does: asks smart.story in the workshop, and shows what it says."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import gradio as gr

from smart import images, story
from smart.options import SEEDS
from smart.styles import scan
from smart.ui import story_pictures as pictures
from smart.ui import story_words as words
from smart.ui.jobs import workshop

SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
AMOUNTS = (0.0, 0.4, 0.7, 1.0, 1.5)
LETTERS = "ABCDEF"
MAPS = 8  # channels shown of each picture
TILE = 192  # px
ALTERNATIVE = "van-gogh"


@contextlib.contextmanager
def said(title: str) -> Iterator[None]:
    """What the core complains about is shown as it is."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(str(error), title=title, print_exception=False) from error


def seed_of(value: Any) -> int:
    """A seed from the page. Raises gr.Error."""
    try:
        seed = int(value)
    except (TypeError, ValueError, OverflowError):
        seed = -1
    if not 0 <= seed < SEEDS:
        raise gr.Error(
            f"The seed must be a whole number from 0 to {SEEDS - 1}.",
            title="Noise", print_exception=False,
        )  # fmt: skip
    return seed


def new_seed() -> int:
    """Short enough to be read and told."""
    return random.randrange(100_000)


def paintings() -> list[tuple[str, str]]:
    """Who can paint: name with title, and slug."""
    return [(f"{style.name}: {style.works[0].title}", style.slug) for style in scan().styles]


def open_tab(times: int) -> list[Any]:
    """The tab was opened once more; the first time the paintings come: (times, paintings)."""
    if times:
        return [times + 1, gr.skip()]
    found = paintings()
    slugs = [slug for _, slug in found]
    first = ALTERNATIVE if ALTERNATIVE in slugs else next(iter(slugs), None)
    return [1, gr.Dropdown(found, value=first)]


def first_grow(times: int, seed: Any, psi: float) -> Iterator[list[Any]]:
    """As grow, where the tab was opened for the first time."""
    if times == 1:
        yield from grow(seed, psi)
    else:
        yield [gr.skip()] * 4


def first_round(times: int) -> list[Any]:
    """As new_round, the first time."""
    return new_round(0) if times == 1 else [gr.skip()] * 3


def first_look(times: int, seed: Any, psi: float, slug: str | None, layer: str) -> Any:
    """As look, the first time."""
    return look(seed, psi, slug, layer) if times == 1 else gr.skip()


def grow(seed: Any, psi: float) -> Iterator[list[Any]]:
    """The way from noise to a face: (path of codes, the face, its growth, the row of psi)."""
    seed, psi = seed_of(seed), float(psi)
    with said("Face"):
        z, w = workshop.quick(lambda: story.numbers(seed))
        path = _path(z, w)
        levels = workshop.quick(lambda: story.growth(seed, psi))
        tiles: list[str] = []
        while (picture := workshop.quick(lambda: next(levels, None))) is not None:
            size = picture.shape[-1]
            alt = words.LEVEL_ALT.format(size=size)
            tiles.append(pictures.figure(picture, alt, words.LEVEL.format(size=size)))
            rest = [
                pictures.waiting(words.LEVEL.format(size=more)) for more in SIZES if more > size
            ]
            face = _face(picture, seed, psi)
            yield [path, face, pictures.strip([*tiles, *rest], "eight"), gr.skip()]
        row = workshop.quick(lambda: story.faces_between(seed, AMOUNTS, 256))
    faces = [
        pictures.figure(
            picture, words.AMOUNT_ALT.format(psi=amount), words.AMOUNT.format(psi=f"{amount:g}")
        )
        for amount, picture in zip(AMOUNTS, row, strict=True)
    ]
    yield [gr.skip(), gr.skip(), gr.skip(), pictures.strip(faces, "five")]


def sketch(seed: Any, psi: float) -> str:
    """The face alone, at once: while psi is dragged."""
    number, amount = seed_of(seed), float(psi)
    with said("Face"):
        picture = workshop.quick(lambda: story.face(number, amount, 512))
    return _face(picture, number, amount)


def _face(picture: Any, seed: int, psi: float) -> str:
    return pictures.figure(
        picture,
        words.FACE_ALT.format(seed=seed, psi=f"{psi:g}"),
        words.FACE.format(psi=f"{psi:g}"),
    )


def _path(z: Any, w: Any) -> str:
    noise = pictures.figure(pictures.code(z, 2.5), words.NOISE_ALT, words.NOISE, crisp=True)
    code = pictures.figure(
        pictures.code(w, 2.5 * float(w.std())), words.CODE_ALT, words.CODE, crisp=True
    )
    return f'{noise}<b aria-hidden="true">→</b>{code}<b aria-hidden="true">→</b>'


def new_round(seed: int | None = None) -> list[Any]:
    """Six other portraits, and nothing said of them yet: (their seed, gallery, verdict)."""
    first = new_seed() if seed is None else seed
    with said("Portraits"):
        made = workshop.quick(lambda: story.portraits(first))
    tiles = [
        (images.to_pil(images.resize(one[None], TILE, TILE)), letter)
        for one, letter in zip(made, LETTERS, strict=True)
    ]
    return [first, gr.Gallery(tiles, selected_index=None), ""]


def guess(first: int, event: gr.SelectData) -> str:
    """Whether the clicked portrait is the one that the critic believes most."""
    return _reveal(seed_of(first), int(event.index) % story.PORTRAITS)


def reveal(first: int) -> str:
    """What the critic saw, without a guess."""
    return _reveal(seed_of(first), None)


def _reveal(first: int, chosen: int | None) -> str:
    with said("Critic"):
        seen = workshop.quick(lambda: story.judged(first))
        worst = (first + seen.worst) % SEEDS
        better, (before, after) = workshop.quick(lambda: story.advised(worst))
    best = {"letter": LETTERS[seen.best], "best": _mark(seen.marks[seen.best])}
    if chosen is None:
        verdict = words.SHOWN.format(**best)
    elif chosen == seen.best:
        verdict = words.RIGHT.format(letter=best["letter"], mark=best["best"])
    else:
        mark = _mark(seen.marks[chosen])
        verdict = words.WRONG.format(chosen=LETTERS[chosen], mark=mark, **best)
    eyes = [
        pictures.figure(one, words.EYE_ALT.format(letter=letter), f"{letter}: {_mark(mark)}")
        for one, letter, mark in zip(seen.overlays, LETTERS, seen.marks, strict=True)
    ]
    pair = [
        pictures.figure(images.resize(one, TILE, TILE), alt, alt)
        for one, alt in (
            (seen.pictures[seen.worst][None], words.BEFORE), (better, words.AFTER),
        )
    ]  # fmt: skip
    advice = words.DUEL_ADVICE.format(steps=story.ADVICE, before=_mark(before), after=_mark(after))
    return (
        f'<p class="verdict" role="status">{verdict}</p>{pictures.strip(eyes, "six")}'
        f'<p class="legend">{words.DUEL_LEGEND}</p><div class="advice">'
        f"{pictures.strip(pair, 'two')}<p>{advice}</p></div>"
    )


def _mark(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def look(seed: Any, psi: float, slug: str | None, layer: str) -> str:
    """The strongest channels of a layer, for the face and for the painting."""
    number, amount = seed_of(seed), float(psi)
    with said("Layers"):
        face = workshop.quick(lambda: story.face(number, amount, story.EYE))
        painting = workshop.quick(lambda: story.middle(slug or "", story.EYE))
        halves = []
        for picture, alt, answer, text in (
            (face, words.THE_FACE, words.CHANNEL_ON_FACE, words.MAPS_OF_FACE),
            (
                painting,
                words.THE_PAINTING,
                words.CHANNEL_ON_PAINTING,
                words.MAPS_OF_PAINTING,
            ),
        ):
            numbers, maps, channels = workshop.quick(
                lambda shown=picture: story.channels(shown, layer, MAPS)  # type: ignore[misc]
            )
            tiles = [
                pictures.figure(
                    pictures.channel(values), answer.format(number=number),
                    words.CHANNEL.format(number=number), crisp=True,
                )
                for number, values in zip(numbers, maps, strict=True)
            ]  # fmt: skip
            places = maps.shape[-1]
            about = text.format(
                count=MAPS, channels=channels, places=places, side=story.EYE // places
            )
            shown = pictures.figure(picture, alt)
            halves.append(
                f'<div class="half"><div class="whole">{shown}</div>'
                f"{pictures.strip(tiles, 'four')}<p>{about}</p></div>"
            )
    return f'<div class="halves">{"".join(halves)}</div>'
