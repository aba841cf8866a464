"""Endpoints for programs: faces, portrait, styles."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import gradio as gr

from smart import images, pipeline, sitters
from smart import styles as style_folder
from smart.options import PaintingOptions, SamplingOptions, default_of
from smart.ui.jobs import Job, workshop
from smart.ui.sitting import sampled


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
    """The face of a seed as a PNG: seed 0 to 4294967295, psi 0 to 1.2, size 256, 512 or 1024.

    The rest as on the command line: generator "faces" or another that is here, sliders such as
    "turn=0.5,smile=-1", a relative and its distance, the seeds of others to take features or
    colours from.
    """
    try:
        options = sampled(
            seed=seed, psi=psi, generator=generator, sliders=sliders, relative=relative,
            distance=distance, features_from=features_from, colors_from=colors_from,
        )  # fmt: skip
        picture = workshop.quick(lambda: images.to_pil(sitters.face(options, size)))
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    provenance = {"faces": {**options.told(), "count": 1, "size": size}}
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield str(images.save_png(picture, f"{folder}/face-{options.seed}.png", provenance))


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
    """A portrait as a PNG with its settings inside; style as in `smart styles`, e.g. hokusai.

    ground, if not empty, is who paints what is behind the sitter; what follows it, as for face,
    is who sits.
    """
    try:
        sampling = sampled(
            seed=seed, psi=psi, generator=generator, sliders=sliders, relative=relative,
            distance=distance, features_from=features_from, colors_from=colors_from,
        )  # fmt: skip
        painting = PaintingOptions(
            size=size, content_weight=content_weight, strength=strength, stroke_size=stroke_size,
            colors=colors, engine=engine,
        )  # fmt: skip
        catalogue = style_folder.scan()
        choice = catalogue.choose(style)
        behind = (catalogue.choose(ground),) if ground else ()
        job = Job(
            lambda report: pipeline.paint_seed(sampling, (choice,), painting, report, ground=behind)
        )
        for _ in job.watch(every=1.0):
            pass
        made = job.result()
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        yield str(made.save(f"{folder}/portrait-{sampling.seed}.png"))


def add_endpoints() -> None:
    """Register face and portrait; call inside gr.Blocks."""
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
    face_button.click(
        face, [seed, psi, size, *sitter], picture, api_name="face", concurrency_id="sitters"
    )
    portrait_button = gr.Button(visible=False)
    portrait_button.click(
        portrait, [seed, style, size, psi, *numbers, *texts, ground, *sitter], picture,
        api_name="portrait", concurrency_id="painter",
    )  # fmt: skip
