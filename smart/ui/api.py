"""Endpoints for programs: face, faces, portrait, paint, styles (see docs/api.md)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, pipeline, sitters
from smart import styles as style_folder
from smart.options import PaintingOptions, SamplingOptions, default_of, following
from smart.styles import Choice
from smart.ui import home, janitor, photographs
from smart.ui.events import BETWEEN, IN_LINE
from smart.ui.jobs import Job, workshop
from smart.ui.photographs import Upload
from smart.ui.sitting import sampled

MOST_PAINTERS = 8  # together
MOST_FACES = 24  # in one call; each takes about a second on a processor


def styles() -> list[dict[str, Any]]:
    """The painters with their works: slug, name, artist, year, licence and works of each."""
    return [
        {
            "slug": style.slug,
            "name": style.name,
            "artist": style.artist,
            "year": style.year,
            "licence": style.licence,
            "works": [{"slug": work.slug, "title": work.title} for work in style.works],
        }
        for style in style_folder.scan().styles
    ]


def face(
    seed: int,
    psi: float,
    size: int,
    generator: str,
    sliders: str,
    relative: int,
    distance: float,
    features_from: str,
    colors_from: str,
) -> Iterator[str]:
    """The face of a seed as a PNG with its settings inside.

    Parameters:
        seed: the number the face grows from, 0 to 4294967295
        psi: variety, 0 (the average face) to 1.2
        size: width and height in px, 256, 512 or 1024
        generator: "faces", or the name of another that is here
        sliders: what the sitter is asked for, such as "turn=0.5,smile=-1"
        relative: 0 is the sitter, any other number one of the sitter's relatives
        distance: how distant relatives are, 0 (the sitter) to 1 (a stranger)
        features_from: the seed of another sitter whose features and hair these shall be
        colors_from: the seed of another sitter whose colours and light these shall be
    """
    try:
        options = sampled(
            seed=seed, psi=psi, generator=generator, sliders=sliders, relative=relative,
            distance=distance, features_from=features_from, colors_from=colors_from,
        )  # fmt: skip
        picture = workshop.quick(partial(_face, options, size), "face")
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    provenance = {"faces": {**options.told(), "count": 1, "size": size}}
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield str(images.save_png(picture, f"{folder}/face-{options.seed}.png", provenance))


def _face(options: SamplingOptions, size: int) -> Image.Image:
    return images.to_pil(sitters.face(options, size))


def faces(seed: int, count: int, psi: float, size: int, generator: str) -> Iterator[list[str]]:
    """The faces of so many seeds, each as a PNG with its settings inside.

    Parameters:
        seed: of the first, 0 to 4294967295; the others have the seeds that follow
        count: how many, 1 to 24
        psi: variety, 0 (the average face) to 1.2
        size: width and height in px, 256, 512 or 1024
        generator: "faces", or the name of another that is here
    """
    try:
        if not 1 <= count <= MOST_FACES:
            raise ValueError(f"count is {count}; it must be from 1 to {MOST_FACES}.")
        first = sampled(seed=seed, psi=psi, generator=generator)
        with tempfile.TemporaryDirectory(prefix="smart-") as folder:
            written = []
            for index in range(int(count)):
                one = following(first, index)
                # One after the other: a portrait that is being painted goes on between them.
                picture = workshop.quick(partial(_face, one, size), "face")
                known = {"faces": {**one.told(), "count": 1, "size": size}}
                target = f"{folder}/face-{one.seed}.png"
                written.append(str(images.save_png(picture, target, known)))
            yield written
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def portrait(
    seed: int,
    style: str,
    size: int,
    psi: float,
    content_weight: float,
    strength: float,
    stroke_size: float,
    colors: str,
    engine: str,
    ground: str,
    generator: str,
    sliders: str,
    relative: int,
    distance: float,
    features_from: str,
    colors_from: str,
) -> Iterator[str]:
    """A portrait of a sitter who does not exist, as a PNG with its settings inside.

    Parameters:
        seed: the number the sitter grows from, 0 to 4294967295
        style: who paints: "hokusai", one work "hokusai/great-wave", several "hokusai:0.6,renoir"
        size: longer side in px, 64 to 4961
        psi: variety of the sitter, 0 to 1.2
        content_weight: how firmly the sitter is held, 0 to 1
        strength: how much of the painter, 0 to 1
        stroke_size: width of the strokes, 0.25 to 3
        colors: whose colours, "painter" or "sitter"
        engine: "optimization" paints step by step, "feed-forward" sketches in a second
        ground: who paints what is behind the sitter, if not empty
        generator: where the sitter comes from, "faces" or another that is here
        sliders: what the sitter is asked for, such as "turn=0.5,smile=-1"
        relative: 0 is the sitter, any other number one of the sitter's relatives
        distance: how distant relatives are, 0 to 1
        features_from: the seed of another sitter whose features these shall be
        colors_from: the seed of another sitter whose colours these shall be
    """
    try:
        sampling = sampled(
            seed=seed, psi=psi, generator=generator, sliders=sliders, relative=relative,
            distance=distance, features_from=features_from, colors_from=colors_from,
        )  # fmt: skip
        painting = PaintingOptions(
            size=home.within_limits(size), content_weight=content_weight, strength=strength,
            stroke_size=stroke_size, colors=colors, engine=engine,
        )  # fmt: skip
        choices, behind = _painters(style, ground)
        made = yield from _result(
            partial(pipeline.paint_seed, sampling, choices, painting, ground=behind)
        )
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield str(made.save(f"{folder}/portrait-{sampling.seed}.png"))


def paint(
    picture: str | None,
    style: str,
    size: int,
    content_weight: float,
    strength: float,
    stroke_size: float,
    colors: str,
    engine: str,
    ground: str,
) -> Iterator[str]:
    """A picture of one's own painted in an artist's manner, as a PNG with its settings inside.

    The picture itself is not in it, only its checksum.

    Parameters:
        picture: a PNG, JPEG or WebP of at least 64 px a side
        style: who paints: "hokusai", one work "hokusai/great-wave", several "hokusai:0.6,renoir"
        size: longer side in px, 64 to 4961
        content_weight: how firmly the picture is held, 0 to 1
        strength: how much of the painter, 0 to 1
        stroke_size: width of the strokes, 0.25 to 3
        colors: whose colours, "painter" or "sitter" (those of the picture)
        engine: "optimization" paints step by step, "feed-forward" sketches in a second
        ground: who paints what is behind the figure, if not empty
    """
    try:
        if not picture:
            raise ValueError("There is no picture; give a PNG, JPEG or WebP file.")
        painting = PaintingOptions(
            size=home.within_limits(size), content_weight=content_weight, strength=strength,
            stroke_size=stroke_size, colors=colors, engine=engine,
        )  # fmt: skip
        choices, behind = _painters(style, ground)
        # What gradio hands over lies among its own uploads, wherever the caller said it was.
        upload = Upload(picture, name="The picture")
        upload.open()  # a bad one is told now, a good one not kept in memory while it waits
        with janitor.hold(picture):
            made = yield from _result(
                partial(photographs.paint, upload, choices, painting, ground=behind)
            )
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield str(made.save(f"{folder}/painted.png"))


def _painters(style: str, ground: str) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """Who paints the figure (or everything), and who the ground; names stand between commas."""
    catalogue = style_folder.scan()
    names, behind = ([part for part in text.split(",") if part.strip()] for text in (style, ground))
    for asked in (names, behind):
        if len(asked) > MOST_PAINTERS:
            raise ValueError(f"{len(asked)} painters are too many; name up to {MOST_PAINTERS}.")
    return catalogue.choose_all(names), catalogue.choose_all(behind) if behind else ()


def _result(
    work: Callable[..., pipeline.Portrait],
) -> Generator[Any, None, pipeline.Portrait]:
    job = Job(work, "portrait", apart=True)
    # That the caller is gone is seen only when something is yielded: the painter must not go on.
    reports = job.watch(every=1.0)
    try:
        for _ in reports:
            yield gr.skip()
    finally:
        job.stop()
    return job.result()


def add_endpoints() -> None:
    """Register what makes pictures; call inside gr.Blocks."""
    seed = gr.Number(0, precision=0, visible=False, label="seed")
    psi = gr.Number(default_of(SamplingOptions, "psi"), visible=False, label="psi")
    size = gr.Number(512, precision=0, visible=False, label="size")
    style = gr.Textbox("hokusai", visible=False, label="style")
    numbers = [
        gr.Number(default_of(PaintingOptions, name), visible=False, label=name)
        for name in ("content_weight", "strength", "stroke_size")
    ]
    texts = [
        gr.Textbox(default_of(PaintingOptions, name), visible=False, label=name)
        for name in ("colors", "engine")
    ]
    ground = gr.Textbox("", visible=False, label="ground")
    sitter: list[Any] = [
        gr.Textbox(default_of(SamplingOptions, "generator"), visible=False, label="generator"),
        gr.Textbox("", visible=False, label="sliders"),
        gr.Number(0, precision=0, visible=False, label="relative"),
        gr.Number(default_of(SamplingOptions, "distance"), visible=False, label="distance"),
        # As text: a number without a value cannot be left out.
        gr.Textbox("", visible=False, label="features_from"),
        gr.Textbox("", visible=False, label="colors_from"),
    ]
    picture = gr.File(visible=False, label="picture")
    face_button = gr.Button(visible=False)
    face_button.click(face, [seed, psi, size, *sitter], picture, api_name="face", **BETWEEN)
    portrait_button = gr.Button(visible=False)
    portrait_button.click(
        portrait, [seed, style, size, psi, *numbers, *texts, ground, *sitter], picture,
        api_name="portrait", **IN_LINE,
    )  # fmt: skip
    count = gr.Number(6, precision=0, visible=False, label="count")
    pictures = gr.File(visible=False, label="pictures", file_count="multiple")
    faces_button = gr.Button(visible=False)
    faces_button.click(
        faces, [seed, count, psi, size, sitter[0]], pictures, api_name="faces",
        **BETWEEN,
    )  # fmt: skip
    own = gr.File(visible=False, label="picture", type="filepath", file_types=["image"])
    paint_button = gr.Button(visible=False)
    paint_button.click(
        paint, [own, style, size, *numbers, *texts, ground], picture, api_name="paint",
        **IN_LINE,
    )  # fmt: skip
