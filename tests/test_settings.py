"""Settings: there and back through links and portraits, and what strangers may not say."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from smart import provenance, settings, styles
from smart.options import (
    Option,
    PaintingOptions,
    SamplingOptions,
    default_of,
    options_of,
    sliders_text,
)
from smart.provenance import Leg
from smart.settings import Settings

PAINTERS = ("hokusai", "hokusai/great-wave", "hokusai/poppies", "red-noise")


def values_of(name: str, spec: Option, default: Any) -> st.SearchStrategy[Any]:
    """Any valid value of an option."""
    if spec.choices:
        return st.sampled_from(spec.choices)
    if spec.low is not None and spec.high is not None:
        if isinstance(default, float):
            return st.floats(spec.low, spec.high).map(lambda value: value + 0.0)
        whole = st.integers(int(spec.low), int(spec.high))
        return whole if default is not None else st.none() | whole
    if name == "sliders":
        amounts = st.dictionaries(st.sampled_from(["turn", "smile", "age"]), st.floats(-1, 1))
        return amounts.map(sliders_text)
    return st.just(default)


def options(cls: Any) -> st.SearchStrategy[Any]:
    """Any valid options; of the bundled generator, and no likeness."""
    each = {n: values_of(n, s, default_of(cls, n)) for n, s in options_of(cls).items()}
    return st.fixed_dictionaries(each).map(cls.from_dict)


def any_settings() -> st.SearchStrategy[Settings]:
    return st.builds(
        Settings, options(SamplingOptions), st.sampled_from(PAINTERS), options(PaintingOptions),
        st.just("") | st.sampled_from(PAINTERS), st.sampled_from(settings.ROLES),
        st.floats(0, 100),
    )  # fmt: skip


def query_of(made: Settings) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(settings.to_query(made), keep_blank_values=True))


def known_of(made: Settings) -> dict[str, Any]:
    """What the pipeline writes into a portrait with these settings."""
    choices, ground = made.choices()
    assert made.sampling is not None
    known = {
        "sitter": provenance.sitter_to_dict(made.sampling),
        **provenance.legs_to_dict([Leg(made.painting)]),
        "styles": provenance.painters_to_list(choices),
        "network": "vgg16", "precision": "float32",
    }  # fmt: skip
    return known | ({"ground": provenance.painters_to_list(ground)} if ground else {})


@budget(max_examples=150)
@given(any_settings())
def test_a_link_brings_back_what_was_set(made: Settings) -> None:
    assert settings.from_query(query_of(made)) == made
    assert len(settings.to_query(made)) <= settings.LONGEST_LINK


@budget(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_settings())
def test_a_portrait_brings_back_what_was_set(few_styles: Path, made: Settings) -> None:
    known = known_of(made)
    back, notes = settings.of_portrait(known, "it")
    assert notes == []
    assert known_of(back) == known
    # Only a painter without any share is forgotten, and what means nothing.
    assert back.painting == made.painting
    assert back.sampling is not None
    assert made.sampling is not None
    assert back.sampling.told() == made.sampling.told()
    assert back.choices() == made.choices()


NAMES = [*options_of(SamplingOptions), *options_of(PaintingOptions), *settings.OWN]
TYPED = st.text("az09.-=,:/ é\x00ÿ", max_size=30)
LIKELY = st.sampled_from(["0", "-1", "1e999", "nan", "hokusai", "ground"])


@budget(max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), TYPED | LIKELY))
def test_a_link_by_anyone_is_settings_or_one_sentence(query: dict[str, str]) -> None:
    try:
        found = settings.from_query(query)
    except ValueError as error:
        found, sentence = None, str(error)
        assert len(sentence) < 400
    assert found is None or settings.from_query(query_of(found)) == found


def test_a_link_is_short_and_can_be_read() -> None:
    made = Settings(SamplingOptions(seed=12), "hokusai")
    assert settings.to_query(made) == "painter=hokusai&seed=12"
    second = Settings(
        SamplingOptions(seed=3, sliders="turn=0.5"), "hokusai/great-wave",
        PaintingOptions(size=768), "van-gogh", "mix", 30,
    )  # fmt: skip
    assert settings.to_query(second) == (
        "painter=hokusai/great-wave&seed=3&sliders=turn%3D0.5&size=768&second=van-gogh&role=mix"
        "&share=30"
    )
    assert settings.from_query({"__theme": "dark", "utm_source": "x", "seed": "3"}) is None
    with_more = {"painter": "hokusai", "utm_source": "x", "__theme": "dark"}
    assert settings.from_query(with_more) == Settings(None, "hokusai")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"seed": "-1"}, "seed is -1"),
        ({"seed": "4294967296"}, "seed is 4294967296"),
        ({"size": "100000"}, "size is 100000"),
        ({"effort": "nan"}, "effort is 'nan'"),
        ({"role": "king"}, "role is 'king'"),
        ({"share": "101"}, "share is 101"),
        ({"likeness": "AAAA"}, "too long for a link"),
        ({"sliders": "turn"}, "write name=number"),
        ({"other": "x" * 5000}, "too long for a link"),
    ],
)
def test_a_broken_link_is_one_sentence(query: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings.from_query({"painter": "hokusai", **query})


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="A likeness is too long for a link"):
        settings.to_query(Settings(SamplingOptions(likeness="AAAA"), "hokusai"))
    with pytest.raises(ValueError, match="These settings are too long"):
        settings.to_query(Settings(None, "x" * 3000))


def test_portraits_that_the_controls_cannot_say_in_full(few_styles: Path) -> None:
    known = known_of(Settings(SamplingOptions(seed=1), "hokusai", second="red-noise", share=25))
    three = [*known["styles"], {**known["styles"][0], "weight": 2.0}]
    found, notes = settings.of_portrait({**known, "styles": three}, "it")
    assert (found.painter, found.second, found.share) == ("hokusai", "red-noise", 25.0)
    assert notes == [settings.MORE_PAINTERS]
    photo = {k: v for k, v in known.items() if k != "sitter"} | {"photo": {"sha256": "ab"}}
    found, notes = settings.of_portrait(photo, "it")
    assert (found.sampling, notes) == (None, [settings.GIVE_PHOTOGRAPH])
    changed = [{**known["styles"][0], "works": {"hokusai/gone": "00"}}]
    found, notes = settings.of_portrait({**known, "styles": changed}, "it")
    assert notes == [settings.CHANGED.format(painter="hokusai")]
    for bad, message in (
        ({"styles": [{"slug": "nobody", "weight": 1}]}, "no style 'nobody'"),
        ({"sitter": {"generator": "/etc"}}, "which is not here"),
        ({"sitter": {"seed": 10**12}}, "seed is"),
        ({"sitter": {"likeness": "A" * 70_000}}, "no code that SMART found"),
        ({"painting": {"size": 10**9}}, "size is"),
        ({"painting": 3}, "is no portrait of SMART"),
    ):
        with pytest.raises(ValueError, match=message):
            settings.of_portrait({**known, **bad}, "it")


def test_differences_in_words(few_styles: Path) -> None:
    names = {style.slug: style.name for style in styles.scan().styles}
    one = known_of(Settings(SamplingOptions(seed=1), "hokusai"))
    two = known_of(
        Settings(
            SamplingOptions(seed=1, sliders="smile=-0.5"), "hokusai", PaintingOptions(size=768),
            "red-noise", "ground",
        )
    )  # fmt: skip
    assert settings.differences(one, one) == []
    assert settings.differences(one, two, names) == [
        ("Size", "512 px", "768 px"),
        ("Asked: smile", "–", "-0.5"),
        ("Behind the sitter", "–", "Red Noise"),
    ]
    assert settings.words_of(one, names)["Painter"] == "Katsushika Hokusai"
    for damaged in ({}, {"sitter": 3, "styles": "x", "painting": []}, {"sitter": {"seed": "y"}}):
        settings.words_of(damaged)
