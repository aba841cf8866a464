"""Builds the page and launches it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import gradio as gr

from smart import networks, serving
from smart.options import SamplingOptions
from smart.ui import (
    exhibition_tab,
    eye,
    guard,
    handlers,
    home,
    janitor,
    languages,
    logs,
    owner,
    painters_tab,
    school_tab,
    seating,
    sitting,
    story_tab,
    studio,
    teaching,
    theme,
    wall_panel,
)
from smart.ui.closing import Ending
from smart.ui.events import MOST_EVENTS, QUICK
from smart.ui.jobs import workshop

TITLE = "SMART"
# Without it a browser asks for the icon of the whole site, also where SMART is one path of it.
ICON = '<link rel="icon" type="image/svg+xml" href="favicon.ico">'
CREDITS = """<div id="credits">
<p><b>Faces</b>: MobileStyleGAN (S. Belousov), distilled from NVIDIA's StyleGAN2 on FFHQ: for
<b>non-commercial</b> use. <b>What the painter sees with</b>: VGG-16 of the Visual Geometry Group,
Oxford (CC BY 4.0), or VGG-19 when it is there. <b>The sketch</b>: Magenta (Apache-2.0).
<b>Paintings</b>: public domain. <b>Method</b>: Gatys, Ecker and Bethge 2016. SMART itself is under
the Apache licence 2.0.</p>
<p>{languages}</p></div>"""


def build() -> gr.Blocks:
    """The page as gr.Blocks; nothing heavy is loaded yet."""
    janitor.files_folder()  # before gradio asks where its files go
    guard.close()
    # Previews and portraits are files: those older than an hour go.
    with gr.Blocks(title=TITLE, delete_cache=(600, 3600)) as demo:
        _add_endpoints()  # first: their names are promised, those of the page's own events are not
        gr.HTML(
            '<h1>SMART<span class="dot">.</span></h1>'
            "<p>Faces that nobody has, painted in an artist&rsquo;s manner.</p>",
            elem_id="masthead", padding=False,
        )  # fmt: skip
        with gr.Tabs(elem_id="rooms") as rooms:
            with gr.Tab("Studio", id="studio"):
                parts = studio.build(demo)
            with gr.Tab("Exhibition", elem_id="exhibition-tab") as tab:
                exhibition_tab.build(tab, demo, parts.tiles)
            with gr.Tab("Painters", id="painters", elem_id="painters-tab") as tab:
                painters_tab.build(tab, rooms, parts)
            with gr.Tab("How it works", elem_id="story-tab") as story:
                story_tab.build(story)
            with gr.Tab("School", visible=teaching.allowed(), elem_id="school-tab") as tab:
                school_tab.build(tab, demo)
        gr.HTML(CREDITS.format(languages=languages.links()), padding=False)
        opened = demo.load(
            seating.open_page,
            [parts.psi, parts.first_seed, parts.generator],
            [
                *parts.painters_wall(), parts.generator, parts.options["size"], *parts.wall(),
            ],
            show_progress_on=[parts.sitters], **QUICK,
        )  # fmt: skip
        wall_panel.on_load(demo, opened, parts)
    return demo


def _add_endpoints() -> None:
    """What programs call by name, typed and documented (see `Use via API` on the page)."""
    from smart.ui import api

    gr.api(api.styles, api_name="styles", queue=False)
    api.add_endpoints()


def warm_up() -> None:
    """Load the weights and draw the first six sitters while the browser still opens."""
    try:
        for index in range(sitting.SITTERS):
            options = SamplingOptions(seed=sitting.FIRST_SEED + index)
            sitting.face(options, sitting.EASEL)
        sitting.controls_of(options)  # a click on a sitter must not wait for the sliders to be read
        handlers.painter_tiles(handlers.painters())
        workshop.quick(networks.feature_network)
    except ValueError as error:  # said again, to the person, when it is needed
        owner.problems["weights"] = str(error)
        logging.getLogger(__name__).error("%s", error)
    else:
        logs.event("ready")


def launch(
    demo: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    mcp: bool = False,
    new_password: bool = False,
    root_path: str | None = None,
    block: bool = True,
) -> Any:
    """Serve the page. What gradio's launch returns: app, local address, share address."""
    settings = serving.current()
    guard.log_plainly()
    logs.start()
    root_path = root_path or settings.root_path
    home.opened(host, share, root_path)  # where it was not said before
    janitor.begin()
    ending = Ending() if block else None
    if ending is not None:
        ending.listen()
    threading.Thread(target=warm_up, daemon=True, name="smart-warm-up").start()
    eye.begin_on_a_space()
    # The workshop's own line says when it is full; gradio's is only the last resort.
    demo.queue(max_size=10 * MOST_EVENTS, api_open=False)
    running = demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        auth=auth,
        mcp_server=mcp,
        root_path=root_path or None,
        max_threads=2 * MOST_EVENTS,
        app_kwargs={"routes": owner.routes()},
        theme=theme.theme(),
        css=theme.css(),
        head=ICON + languages.script() + theme.scripts(),
        footer_links=["api", "settings"],
        run_history=False,
        ssr_mode=False,
        max_file_size=f"{settings.upload}mb",
        show_error=True,
        prevent_thread_lock=True,
        quiet=True,
        favicon_path=str(Path(theme.ASSETS) / "favicon.svg"),
    )
    print(f"SMART is open at {demo.local_url}", flush=True)
    if demo.share_url:
        print(f"and for everyone with this link at {demo.share_url}", flush=True)
    if auth and new_password:
        print(f"Visitors sign in as {auth[0]} with the password {auth[1]}", flush=True)
    if ending is not None:
        ending.wait(demo)
    return running
