"""Options know their bounds, and every surface refuses the same things."""

from __future__ import annotations

import argparse
import math
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
)

CLASSES: list[type[Options]] = [SamplingOptions, PaintingOptions, TrainingOptions]


def values_of(cls: type[Options]) -> st.SearchStrategy[dict[str, Any]]:
    """Every legal dict of a class, made from its own bounds."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, spec in options_of(cls).items():
        if spec.choices:
            fields[name] = st.sampled_from(spec.choices)
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
