"""Colours, type and CSS of the page: paper, ink and vermilion, in light and dark."""

from __future__ import annotations

import base64
from pathlib import Path

import gradio as gr
from gradio.themes.utils.colors import Color

ASSETS = Path(__file__).parent / "assets"

PAPER = Color(
    name="paper", c50="#fbf8f2", c100="#f4efe5", c200="#e8e0d1", c300="#d5cab7", c400="#a99d8a",
    c500="#7c7161", c600="#5f5649", c700="#463f35", c800="#2b2721", c900="#211e19", c950="#181612",
)  # fmt: skip
VERMILION = Color(
    name="vermilion", c50="#fdf3ef", c100="#fae1d9", c200="#f4c2b3", c300="#ea9a83",
    c400="#dd7153", c500="#c8502f", c600="#b3412a", c700="#8f3423", c800="#6f2a1e", c900="#4f1f18",
    c950="#2f120d",
)  # fmt: skip


def theme() -> gr.themes.Base:
    """The theme of the page; its fonts come with it (see css)."""
    fonts = ("Instrument Sans", "ui-sans-serif", "system-ui", "sans-serif")
    return gr.themes.Base(
        primary_hue=VERMILION, secondary_hue=VERMILION, neutral_hue=PAPER,
        radius_size=gr.themes.sizes.radius_sm, font=fonts,
    ).set(
        body_background_fill="*neutral_100", body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900", body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="*neutral_50", background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100", background_fill_secondary_dark="*neutral_950",
        block_background_fill="transparent", block_background_fill_dark="transparent",
        block_border_width="0px", block_border_width_dark="0px", block_shadow="none",
        block_label_background_fill="transparent", block_label_background_fill_dark="transparent",
        block_padding="0", block_title_text_weight="500",
        border_color_primary="*neutral_300", border_color_primary_dark="*neutral_700",
        input_background_fill="*neutral_50", input_background_fill_dark="*neutral_900",
        input_border_width="1px", input_border_width_dark="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white", button_primary_text_color_dark="white",
        button_secondary_background_fill="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_300",
        button_secondary_background_fill_hover_dark="*neutral_700",
        checkbox_border_color_dark="*neutral_400",
        slider_color="*primary_600", slider_color_dark="*primary_500",
    )  # fmt: skip


def css() -> str:
    """The style sheet with its two fonts inside, so that the page asks no one for anything."""
    faces = [
        ("Fraunces", "normal", "fraunces-latin-wght-normal.woff2"),
        ("Fraunces", "italic", "fraunces-latin-wght-italic.woff2"),
        ("Instrument Sans", "normal", "instrument-sans-latin-wght-normal.woff2"),
    ]
    rules = []
    for family, style, file in faces:
        data = base64.b64encode((ASSETS / file).read_bytes()).decode()
        rules.append(
            f"@font-face {{ font-family: '{family}'; font-style: {style}; font-weight: 100 900; "
            f"font-display: swap; src: url(data:font/woff2;base64,{data}) format('woff2'); }}"
        )
    # style.css is everyone's; the others, in the order of their names, are for one tab each.
    sheets = sorted(ASSETS.glob("*.css"), key=lambda path: (path.name != "style.css", path.name))
    return "\n".join([*rules, *(sheet.read_text(encoding="utf-8") for sheet in sheets)])


def scripts() -> str:
    """What makes keys work (Ctrl+Enter, Esc, the arrows) and mends what gradio leaves unnamed."""
    names = ("keys.js", "mend.js")
    return "".join(
        f"<script>{(ASSETS / name).read_text(encoding='utf-8')}</script>" for name in names
    )
