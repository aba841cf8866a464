"""The Studio tab: six sitters, the painters, and the portrait that grows on the easel."""

from __future__ import annotations

import random
from typing import Any

import gradio as gr

from smart.ui import eye, handlers, likening, painting, seating, walking, wall_panel
from smart.ui.events import LONG, PRIVATE, QUICK, Work, by_name
from smart.ui.panels import Studio, easel_panel, painter_panel
from smart.ui.sitter_panel import sitter_panel

# It opens below the portrait, out of sight.
TO_THE_FILM = """() => setTimeout(() => {
  document.querySelector("#film, #film-picture")?.scrollIntoView({
    block: "center",
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
}, 300)"""


def build(demo: gr.Blocks) -> Studio:
    """Lay out the tab and wire it up; call inside gr.Blocks."""
    with gr.Row(equal_height=False, elem_id="studio"):
        with gr.Column(scale=5, min_width=260):
            sitter = sitter_panel()
        with gr.Column(scale=6, min_width=260):
            painter = painter_panel()
        with gr.Column(scale=10, min_width=260):
            easel = easel_panel()
            eye.build(demo)
    studio = Studio(**sitter, **painter, **easel, portraits=wall_panel.build())
    _wire_sitters(studio)
    _wire_painters(studio)
    _wire_easel(studio)
    return studio


def _wire_sitters(studio: Studio) -> None:
    settings = [studio.shown, studio.kept, studio.first_seed, studio.psi, studio.generator]
    new: dict[str, Any] = {
        "fn": seating.show_others, "inputs": settings, "outputs": studio.wall(),
        "show_progress": "minimal", "show_progress_on": [studio.sitters], **QUICK,
    }  # fmt: skip
    # Enter, leaving the field, the slider, or new ones: never in the middle of typing.
    for change in (
        studio.first_seed.submit, studio.first_seed.blur, studio.psi.release,
        studio.generator.input,
    ):  # fmt: skip
        change(trigger_mode="always_last", **new)
    studio.others.click(
        # Short enough to be read, remembered and typed again.
        lambda: random.randrange(1_000_000),
        None,
        studio.first_seed,
        queue=False,
        **PRIVATE,
    ).then(**new)
    who = [studio.chosen, *studio.controls()]
    family = [studio.shown, studio.kept, studio.distance, *who]
    for change in (studio.relatives.click, studio.distance.release):
        change(
            seating.show_relatives, family, studio.wall(), show_progress="minimal",
            show_progress_on=[studio.sitters], trigger_mode="always_last", **QUICK,
        )  # fmt: skip
    studio.keep.click(
        seating.keep, [studio.kept, studio.tiles, *who],
        [studio.kept, studio.tiles, studio.sitters, studio.keep, studio.keep_words],
        show_progress="hidden", **QUICK,
    )  # fmt: skip
    chair: dict[str, Any] = {
        "fn": seating.show, "inputs": [studio.kept, *who], "outputs": studio.chair(),
        "show_progress": "hidden", "trigger_mode": "always_last", **QUICK,
    }  # fmt: skip
    # Who is chosen is known at once, also to a Paint pressed right after; the picture follows.
    studio.sitters.select(
        seating.choose, studio.tiles,
        [studio.chosen, studio.use_photo, studio.free, *studio.controls()],
        queue=False, show_progress="hidden", trigger_mode="always_last", **PRIVATE,
    ).then(
        **{**chair, "fn": seating.show_chosen, "inputs": [studio.free, studio.kept, *who]}
    )  # fmt: skip
    studio.as_they_came.click(
        seating.reset, studio.chosen, studio.controls(), queue=False, show_progress="hidden",
        **PRIVATE,
    ).then(**chair)  # fmt: skip
    for wish in studio.wishes:
        wish.input(**{**chair, "fn": seating.sketch})
        wish.release(**chair)
    for number in (studio.features_from, studio.colors_from):
        number.submit(**chair)
        number.blur(
            **{**chair, "fn": seating.show_changed, "inputs": [studio.seated, studio.kept, *who]}
        )
    studio.face_noise.input(**chair)
    _wire_photo(studio)


def _wire_photo(studio: Studio) -> None:
    given = [studio.camera, studio.photo, studio.use_photo, studio.status]
    chair: dict[str, Any] = {
        "fn": seating.show_subject,
        "inputs": [
            studio.camera, studio.use_photo, studio.tiles, studio.kept, studio.chosen,
            *studio.controls(),
        ],
        "outputs": [studio.sitters, *studio.chair()], "show_progress": "hidden", **QUICK,
    }  # fmt: skip
    seated = studio.camera.input(
        handlers.seat_photo, studio.camera, given, show_progress="minimal",
        show_progress_on=[studio.camera], trigger_mode="always_last", **QUICK,
    )  # fmt: skip
    seated.success(**chair)
    seated.failure(
        lambda: [gr.Image(None), handlers.status(handlers.NO_PHOTO)], None,
        [studio.camera, studio.status], queue=False, show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    studio.use_photo.input(**chair)
    framing: list[Any] = [studio.frame_x, studio.frame_y, studio.frame_side]
    studio.likeness.click(
        likening.propose, studio.camera,
        [studio.framing, studio.guide, *framing, studio.frame_words],
        show_progress="minimal", show_progress_on=[studio.likeness], **QUICK,
    )  # fmt: skip
    for slider in framing:
        slider.input(
            likening.guide, [studio.camera, *framing], studio.guide, show_progress="hidden",
            trigger_mode="always_last", **QUICK,
        )  # fmt: skip
    studio.photo.clear(
        handlers.clear_photo, None, given, queue=False, show_progress="hidden", **PRIVATE
    ).then(**chair)


def _wire_painters(studio: Studio) -> None:
    studio.painters.select(
        handlers.choose_painter, studio.slugs, [studio.painter, studio.work, studio.credit],
        show_progress="hidden", queue=False, trigger_mode="always_last", **PRIVATE,
    )  # fmt: skip
    studio.work.input(
        handlers.choose_work, studio.work, [studio.painter, studio.credit],
        show_progress="hidden", queue=False, **PRIVATE,
    )  # fmt: skip
    for change in (studio.second.input, studio.role.input):
        change(
            lambda second, role: [
                gr.Radio(visible=bool(second)),
                gr.Slider(visible=bool(second) and role == "mix"),
            ],
            [studio.second, studio.role], [studio.role, studio.share],
            show_progress="hidden", queue=False, **PRIVATE,
        )  # fmt: skip


def _wire_easel(studio: Studio) -> None:
    named = studio.values()
    shown = studio.at_the_easel()

    def alone(work: Work) -> Any:
        def begun(studio: Studio, request: gr.Request, values: dict[str, Any]) -> Any:
            painting.alone(request)
            yield from work(studio, request, values)

        return by_name(studio, named, begun)

    paint = alone(painting.paint)
    found = [
        *shown, studio.kept, studio.tiles, studio.sitters, studio.chosen, studio.use_photo,
        studio.framing, studio.keep, studio.seated, *studio.controls(),
    ]  # fmt: skip
    for button, work, changed in (
        (studio.paint, paint, shown), (studio.go_on, alone(painting.go_on), shown),
        (studio.walk, alone(walking.walk), shown), (studio.search, alone(likening.search), found),
    ):  # fmt: skip
        button.click(
            work, set(named.values()), changed, show_progress="hidden", **LONG
        )  # fmt: skip
    wall_panel.wire(studio, paint)
    studio.stop.click(
        painting.stop, None, studio.stop, queue=False, show_progress="hidden", **PRIVATE
    )
    studio.before_after.click(
        painting.toggle, studio.comparing, [studio.comparing, studio.easel, studio.compare],
        queue=False, show_progress="hidden", **PRIVATE,
    )  # fmt: skip
    studio.film_button.click(
        painting.show_film, studio.last, [studio.film, studio.film_picture],
        show_progress="minimal", show_progress_on=[studio.film_button], **QUICK,
    ).success(None, None, None, js=TO_THE_FILM, queue=False, **PRIVATE)  # fmt: skip
