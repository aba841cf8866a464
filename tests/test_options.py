"""Options know their bounds, and every surface refuses the same things."""

from __future__ import annotations

import argparse
import math
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart.options import (
    Options,
    PaintingOptions,
    SamplingOptions,
    TrainingOptions,
    add_arguments,
    default_of,
    from_arguments,
    options_of,
    sliders_text,
)

CLASSES: list[type[Options]] = [SamplingOptions, PaintingOptions, TrainingOptions]


wishes = st.dictionaries(
    st.text("abcxyz-1", min_size=1, max_size=6),
    st.floats(-9, 9, allow_nan=False).filter(bool),
    max_size=6,
)


def values_of(cls: type[Options]) -> st.SearchStrategy[dict[str, Any]]:
    """Every legal dict of a class, made from its own bounds."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, spec in options_of(cls).items():
        if spec.choices:
            fields[name] = st.sampled_from(spec.choices)
        elif name == "sliders":
            fields[name] = wishes.map(sliders_text)
        elif name == "likeness":
            fields[name] = st.binary(max_size=9).map(lambda code: b64encode(code).decode())
        elif default_of(cls, name) is None:
            fields[name] = st.none() | st.integers(int(spec.low or 0), int(spec.high or 0))
        elif isinstance(default_of(cls, name), int):
            fields[name] = st.integers(int(spec.low or 0), int(spec.high or 0))
        elif isinstance(default_of(cls, name), str):
            fields[name] = st.from_regex(r"[A-Za-z][\w-]{0,20}", fullmatch=True)
        else:
            fields[name] = st.floats(spec.low, spec.high)
    return st.fixed_dictionaries(fields)


@pytest.mark.parametrize("cls", CLASSES)
@given(data=st.data())
def test_dict_and_back(cls: type[Options], data: st.DataObject) -> None:
    values = data.draw(values_of(cls))
    options = cls.from_dict(values)
    assert options.to_dict() == values
    assert cls.from_dict(options.to_dict()) == options


@pytest.mark.parametrize("cls", CLASSES)
@given(data=st.data())
def test_flags_and_back(cls: type[Options], data: st.DataObject) -> None:
    values = data.draw(values_of(cls))
    parser = argparse.ArgumentParser()
    add_arguments(parser, cls)
    line = [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]
    assert from_arguments(cls, parser.parse_args(line)).to_dict() == values


@pytest.mark.parametrize("cls", CLASSES)
def test_defaults_lie_within_their_bounds_and_have_words(cls: type[Options]) -> None:
    assert cls.from_dict({}) == cls()
    for name, spec in options_of(cls).items():
        assert spec.help, name
        assert spec.label, name


@pytest.mark.parametrize(
    "seed", ["abc", "", None, 1.5, -1, 2**32, True, math.nan, math.inf, [], "1e99"]
)
def test_a_seed_that_is_none(seed: object) -> None:
    with pytest.raises(ValueError, match="seed is .*whole number from 0 to 4294967295"):
        SamplingOptions(seed=seed)  # type: ignore[arg-type]


def test_a_seed_as_text_or_float_is_a_whole_number() -> None:
    assert SamplingOptions(seed="7").seed == 7  # type: ignore[arg-type]
    assert SamplingOptions(seed=7.0).seed == 7  # type: ignore[arg-type]
    assert SamplingOptions(seed="4294967295").seed == 4294967295  # type: ignore[arg-type]


@given(st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=9)))
def test_anyones_dict_is_refused_or_within_bounds(values: dict[str, Any]) -> None:
    try:
        options = PaintingOptions.from_dict(values)
    except ValueError as error:
        message = str(error)
    else:
        message = ""
        assert 64 <= options.size <= 2048
    assert len(message) < 400


def test_help_names_bounds_and_default() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser, PaintingOptions)
    text = " ".join(parser.format_help().split())
    assert "from 64 to 4961 px, default 512" in text


@given(wishes)
def test_wishes_survive_as_text(asked: dict[str, float]) -> None:
    options = SamplingOptions(sliders=sliders_text(asked))
    assert options.asked() == asked
    assert SamplingOptions.from_dict(options.to_dict()) == options


def test_the_same_wishes_are_the_same_options() -> None:
    one = SamplingOptions(sliders="turn=0.5,smile=-1")
    assert one == SamplingOptions(sliders=" smile=-1.0  turn=.5 age=0")
    assert hash(one) == hash(SamplingOptions(sliders="smile=-1,turn=0.5"))


@pytest.mark.parametrize("text", ["turn", "=1", "turn=", "turn=x", "turn=nan", "a" * 99 + "=1"])
def test_wishes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="write name=number"):
        SamplingOptions(sliders=text)


def test_no_other_sitter_is_none() -> None:
    for value in (None, "", "none"):
        assert SamplingOptions(features_from=value).features_from is None  # type: ignore[arg-type]
    assert SamplingOptions(features_from="7").features_from == 7  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="whole number from 0 to 4294967295"):
        SamplingOptions(colors_from=-1)


def test_a_likeness_that_is_no_code() -> None:
    with pytest.raises(ValueError, match="choose the sitter anew"):
        SamplingOptions(likeness="<script>")


@given(st.data())
def test_what_is_told_is_all_that_matters(data: st.DataObject) -> None:
    options = SamplingOptions.from_dict(data.draw(values_of(SamplingOptions)))
    back = SamplingOptions.from_dict(options.told())
    assert back.told() == options.told()
    silent = {"distance", "face_noise_seed"}
    assert all(
        value == options.to_dict()[name]
        for name, value in back.to_dict().items()
        if name not in silent or name in options.told()
    )


def test_a_plain_sitter_needs_few_words() -> None:
    assert SamplingOptions(seed=7).told() == {"seed": 7, "psi": 0.7, "generator": "faces"}
