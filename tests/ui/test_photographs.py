"""Photographs and what is brushed over them, as strangers may send them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image, ImageDraw

from smart.images import ImageError
from smart.ui import photographs
from smart.ui.photographs import Upload, mask_of


def layer(path: Path, box: tuple[int, int, int, int], size: int = 64) -> SimpleNamespace:
    picture = Image.new("RGBA", (size, size))
    ImageDraw.Draw(picture).rectangle(box, fill=(200, 0, 0, 255))
    picture.save(path)
    return SimpleNamespace(path=str(path))


def editor(*layers: SimpleNamespace) -> SimpleNamespace:
    nothing = SimpleNamespace(path="/nowhere")  # neither is opened
    return SimpleNamespace(background=nothing, composite=nothing, layers=list(layers))


def test_strokes_of_all_layers_are_one_mask(tmp_path: Path) -> None:
    one = layer(tmp_path / "one.png", (0, 0, 9, 9))
    other = layer(tmp_path / "other.png", (50, 50, 59, 59))
    mask = mask_of(editor(one, other))
    assert mask is not None
    assert (mask.mode, mask.size) == ("L", (64, 64))
    assert [mask.getpixel(place) for place in ((5, 5), (55, 55), (30, 30))] == [255, 255, 0]


def test_nothing_brushed_is_no_mask(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64)).save(tmp_path / "empty.png")
    assert mask_of(None) is None
    assert mask_of(editor()) is None
    assert mask_of(editor(SimpleNamespace(path=str(tmp_path / "empty.png")))) is None


def test_as_many_layers_as_a_stranger_names_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    really = Image.open

    def counting(path: str, **more: object) -> Image.Image:
        opened.append(path)
        return really(path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(photographs.Image, "open", counting)
    one = layer(tmp_path / "one.png", (0, 0, 9, 9))
    assert mask_of(editor(*[one] * 100)) is not None
    assert len(opened) == photographs.LAYERS


@pytest.mark.parametrize("what", ["large", "no picture", "gone"])
def test_a_layer_that_the_page_never_made(tmp_path: Path, what: str) -> None:
    path = tmp_path / "layer.png"
    if what == "large":
        Image.new("RGBA", (4000, 4000)).save(path)
    elif what == "no picture":
        path.write_text("<svg/>")
    with pytest.raises(gr.Error, match="What was brushed cannot be read"):
        mask_of(editor(SimpleNamespace(path=str(path))))


def test_an_upload_is_opened_when_it_is_used_and_may_be_gone_by_then(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (80, 70), "red").save(path)
    upload = Upload(str(path))
    assert upload.open().picture.size == (80, 70)
    path.unlink()
    with pytest.raises(ImageError, match="The photograph is here no more; give it again."):
        upload.open()
