"""From wishes to a face and into the picture's text and back, on the real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from smart import networks, pipeline, provenance, sitters, styles
from smart.options import PaintingOptions, SamplingOptions
from smart.sitters import code

PEOPLE = (7, 12, 15, 33, 41)
QUICK = PaintingOptions(size=64, engine="feed-forward")
WISHES = SamplingOptions(
    seed=7, sliders="age=0.5,turn=-0.8", relative=3, distance=0.4, features_from=9, colors_from=11,
    face_noise="seed", face_noise_seed=5,
)  # fmt: skip


def face(**options: object) -> Tensor:
    return sitters.face(SamplingOptions(seed=7).replace(**options), 256)


def test_mixing_takes_layers_of_others_and_leaves_the_rest() -> None:
    own, other = code(SamplingOptions(seed=7)), code(SamplingOptions(seed=9))
    mixed = code(SamplingOptions(seed=7, features_from=9))
    assert torch.equal(mixed[:, :5], own[:, :5])
    assert torch.equal(mixed[:, 5:9], other[:, 5:9])
    assert torch.equal(mixed[:, 9:], own[:, 9:])
    assert torch.equal(code(SamplingOptions(seed=7, colors_from=9))[:, 9:], other[:, 9:])


def luminance(seed: int, sliders: str) -> Tensor:
    """A sketch of the sitter in grey, [128, 128]."""
    picture = sitters.sketch(SamplingOptions(seed=seed, sliders=sliders), 128)[0]
    return (picture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)


def sideways(picture: Tensor) -> float:
    """How unlike each other the two halves of a face are: nothing where it looks straight on."""
    return float((picture - picture.flip(1))[30:110, 20:108].square().mean())


def test_turning_moves_the_balance_of_left_and_right_and_age_does_not() -> None:
    changes: dict[str, list[float]] = {"turn": [], "age": []}
    for seed in PEOPLE:
        plain = sideways(luminance(seed, ""))
        for name, found in changes.items():
            found.append(
                max(sideways(luminance(seed, f"{name}={side}")) for side in (-1, 1)) / plain
            )
    assert min(changes["turn"]) > 1.3, "whoever looks straight on looks aside then"
    assert np.median(changes["age"]) < 1.3
    assert max(changes["age"]) < min(1.6, float(np.median(changes["turn"])))


MEASURES = {
    "background": lambda x: torch.cat([x[:40, :12], x[:40, -12:]], 1).mean(),
    "light": lambda x: x[48:96, 64:96].mean() - x[48:96, 32:64].mean(),
    # Teeth are the lightest thing about a mouth, frames the sharpest edge about the eyes.
    "smile": lambda x: x[84:100, 50:78].quantile(0.9) - x[84:100, 50:78].quantile(0.5),
    "glasses": lambda x: x[46:68, 30:98].diff(dim=0).abs().mean(),
    "beard": lambda x: x[60:76, 40:88].mean() - x[98:116, 44:84].mean(),
}  # fmt: skip

FOR = {"beard": (12, 15), "smile": (12, 33, 41)}  # whose mouths are where the measure looks


@pytest.mark.parametrize("name", MEASURES)
def test_a_slider_does_what_it_says(name: str) -> None:
    measure, more = MEASURES[name], []
    for seed in FOR.get(name, PEOPLE):
        also = ",masculine=0.8" if name == "beard" else ""
        less, much = (measure(luminance(seed, f"{name}={side}{also}")) for side in (-1, 1))
        more.append(bool(much > less))
    assert sum(more) >= 0.8 * len(more)


@pytest.mark.parametrize("name", [one.name for one in sitters.sliders_of()])
def test_every_slider_changes_the_sitter_and_leaves_a_face(name: str) -> None:
    middle, less, more = (luminance(12, text) for text in ("", f"{name}=-1", f"{name}=1"))
    assert float((less - more).abs().mean()) > 0.02, "it does something"
    inside = (slice(40, 110), slice(36, 92))
    both = torch.stack([side[inside].flatten() for side in (middle, less, more)])
    assert float(torch.corrcoef(both)[0, 1:].min()) > 0.25, "eyes, nose and mouth are there"


def test_noise_changes_only_what_is_small() -> None:
    fixed, off, new = face(), face(face_noise="off"), face(face_noise="seed", face_noise_seed=3)
    assert torch.equal(new, face(face_noise="seed", face_noise_seed=3))
    assert not torch.equal(new, face(face_noise="seed", face_noise_seed=4))
    for other in (off, new):
        assert 0.0005 < float((other - fixed).abs().mean()) < 0.06
    assert torch.equal(fixed, face()), "the bundled noise is still there"


def test_a_sketch_of_a_sitter_is_nearly_the_face() -> None:
    plain = WISHES.replace(face_noise="fixed")
    difference = sitters.sketch(plain) - sitters.face(plain, 256)
    assert float(difference.square().mean()) < 0.005


def test_a_likeness_travels_as_text() -> None:
    w = code(WISHES)
    text = sitters.encode(w)
    assert torch.equal(code(SamplingOptions(likeness=text)), w.half().float())
    turned = code(SamplingOptions(likeness=text, sliders="turn=0.5"))
    assert not torch.equal(turned, w)


@pytest.mark.parametrize("text", ["AAAA", sitters.base64.b64encode(b"\xff\x7c" * 8192).decode()])
def test_a_likeness_of_no_use(text: str) -> None:
    with pytest.raises(ValueError, match="another generator|damaged"):
        code(SamplingOptions(likeness=text))


def test_a_wish_there_is_not() -> None:
    with pytest.raises(ValueError, match="There is no slider 'wings'; there are: .*turn"):
        code(SamplingOptions(sliders="wings=1"))
    with pytest.raises(ValueError, match="turn is 3; it must be a number from -1 to 1"):
        code(SamplingOptions(sliders="turn=3"))


def test_all_wishes_are_in_the_picture_and_make_it_again(few_styles: Path, tmp_path: Path) -> None:
    choices = styles.scan().choose_all(["hokusai"])
    options = WISHES.replace(likeness=sitters.encode(code(SamplingOptions(seed=3))))
    for one in (WISHES, options):
        made = pipeline.paint_seed(one, choices, QUICK)
        path = made.save(tmp_path / "portrait.png")
        recipe = provenance.read(path)
        assert recipe.sampling == one, "all of it is meant"
        again = pipeline.repeat(recipe)
        assert np.array_equal(np.asarray(again.image), np.asarray(made.image))
        assert provenance.sitter_in(path) == one


def test_a_generator_with_its_own_sliders_and_a_mix() -> None:
    options = SamplingOptions(seed=2, generator="painted-portraits")
    plain = sitters.face(options)
    names = [one.name for one in sitters.sliders_of("painted-portraits")]
    assert names[:2] == ["1", "2"]
    for change in ({"sliders": "1=1"}, {"features_from": 5}, {"relative": 1}):
        other = sitters.face(options.replace(**change))
        assert float((other - plain).abs().mean()) > 0.005, change
    with pytest.raises(ValueError, match="no noise of its own"):
        sitters.face(options.replace(face_noise="off"))


def test_the_walk_begins_with_the_first_sitter_and_each_network_is_loaded_once() -> None:
    from smart import walk

    one, two = SamplingOptions(seed=7), SamplingOptions(seed=9)
    path = walk.codes([one, two], 4)
    assert path.shape[0] == 8
    torch.testing.assert_close(path[:1], code(one))
    torch.testing.assert_close(path[4:5], code(two))
    assert networks.generator() is networks.generator()
