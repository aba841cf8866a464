"""Photographs and what is brushed over them, as strangers may send them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image, ImageDraw

from smart.images import ImageError
from smart.ui import guard, photographs
from smart.ui.photographs import Upload, mask_of


def layer(path: Path, box: tuple[int, int, int, int], size: int = 64) -> str:
    picture = Image.new("RGBA", (size, size))
    ImageDraw.Draw(picture).rectangle(box, fill=(200, 0, 0, 255))
    picture.save(path)
    return str(path)


def test_strokes_of_all_layers_are_one_mask(tmp_path: Path) -> None:
    one = layer(tmp_path / "one.png", (0, 0, 9, 9))
    other = layer(tmp_path / "other.png", (50, 50, 59, 59))
    mask = mask_of([one, Path(other).read_bytes()])
    assert mask is not None
    assert (mask.mode, mask.size) == ("L", (64, 64))
    assert [mask.getpixel(place) for place in ((5, 5), (55, 55), (30, 30))] == [255, 255, 0]


def test_nothing_brushed_is_no_mask(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64)).save(tmp_path / "empty.png")
    assert mask_of([]) is None
    assert mask_of([str(tmp_path / "empty.png")]) is None


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
    assert mask_of([one] * 100) is not None
    assert len(opened) == photographs.LAYERS


@pytest.mark.parametrize("what", ["large", "no picture", "gone"])
def test_a_layer_that_the_page_never_made(tmp_path: Path, what: str) -> None:
    path = tmp_path / "layer.png"
    if what == "large":
        Image.new("RGBA", (4000, 4000)).save(path)
    elif what == "no picture":
        path.write_text("<svg/>")
    with pytest.raises(gr.Error, match="What was brushed cannot be read"):
        mask_of([str(path)])


def test_an_upload_is_opened_when_it_is_used_and_may_be_gone_by_then(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (80, 70), "red").save(path)
    upload = Upload(str(path))
    assert upload.open().picture.size == (80, 70)
    path.unlink()
    with pytest.raises(ImageError, match="The photograph is here no more; give it again."):
        upload.open()


def test_what_the_editor_keeps_in_memory_is_bounded() -> None:
    guard.close()
    editor = gr.ImageEditor()

    def accept(number: int, index: str, size: int = 9) -> None:
        data = {"type": "layer", "index": index, "id": str(number)}
        files = [("layer", bytes(size))]
        editor.accept_blobs(SimpleNamespace(data=data, files=files))

    for number in range(3 * guard.MOST_WAITING):
        accept(number, "0")
    assert len(editor.blob_storage) == guard.MOST_WAITING
    for index, size in (("1000000000", 9), ("-1", 9), ("x", 9), ("0", guard.MOST_BRUSHED + 1)):
        with pytest.raises(ValueError, match="layer to brush on|too large"):
            accept(1, index, size)
    assert "accept_blobs" in editor.get_config()["server_fns"], "the page calls it by its name"


def test_a_component_that_was_updated_is_guarded_like_the_first() -> None:
    guard.close()
    camera = gr.Image(type="filepath")
    assert type(camera)(**camera.constructor_args).preprocess(SimpleNamespace(path="/x")) == "/x"
