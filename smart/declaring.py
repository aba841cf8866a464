"""What an option is: a field with its default, bounds, choices and words, and what derives from it.

The options themselves stand in smart.options.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

_KEY = "option"


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its type and default.

    low and high are inclusive bounds, step what a slider moves by, choices the only values there
    are. advanced options stay one click away in the page.
    """

    help: str
    label: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    advanced: bool = False


def option(default: Any, help: str, label: str, **more: Any) -> Any:
    """A dataclass field that knows its bounds and its words (see Option)."""
    return dataclasses.field(default=default, metadata={_KEY: Option(help, label, **more)})


def options_of(cls: type[Options]) -> dict[str, Option]:
    """Every option of a class by name, in order."""
    return {field.name: field.metadata[_KEY] for field in dataclasses.fields(cls)}


def default_of(cls: type[Options], name: str) -> Any:
    """The default of one option."""
    return next(field.default for field in dataclasses.fields(cls) if field.name == name)


@dataclass(frozen=True)
class Options:
    """Base of the option classes: they check themselves and travel as plain dicts."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for name, spec in options_of(type(self)).items():
            value = _checked(name, getattr(self, name), hints[name], spec)
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of to_dict; what is left out takes its default.

        Raises ValueError for an unknown name or a value out of bounds: values may come from
        anyone's file.
        """
        known = options_of(cls)
        if unknown := [name for name in values if name not in known]:
            raise ValueError(f"Unknown option {_short(unknown[0])}; there are: {', '.join(known)}.")
        return cls(**values)

    def replace(self, **changes: Any) -> Self:
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)


def _checked(name: str, value: Any, kind: Any, spec: Option) -> Any:
    """value as the option's type, or ValueError with the value and the remedy."""
    if isinstance(kind, types.UnionType):  # int | None
        if value is None or (isinstance(value, str) and value.strip().lower() in ("", "none")):
            return None
        kind = typing.get_args(kind)[0]
    remedy = _remedy(spec, kind)
    if kind is int or kind is float:
        try:
            number = float(value)
            exact = math.isfinite(number) and not isinstance(value, bool)
            exact = exact and (kind is float or number == int(number))
        except (TypeError, ValueError, OverflowError):
            exact = False
        if not exact:
            raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
        value = kind(value) if kind is float else int(number if isinstance(value, str) else value)
        if (spec.low is not None and value < spec.low) or (
            spec.high is not None and value > spec.high
        ):
            raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
    elif kind is str and not isinstance(value, str):
        raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
    if spec.choices and value not in spec.choices:
        raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _remedy(spec: Option, kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return f"{_remedy(spec, typing.get_args(kind)[0])}, or none"
    if spec.choices:
        return "one of " + ", ".join(str(choice) for choice in spec.choices)
    noun = {int: "a whole number", float: "a number"}.get(kind, "text")
    if spec.low is not None and spec.high is not None:
        return f"{noun} from {spec.low:g} to {spec.high:.10g}"
    return noun


_T = TypeVar("_T", bound=Options)


def add_arguments(
    parser: argparse.ArgumentParser, cls: type[Options], skip: tuple[str, ...] = ()
) -> None:
    """One --flag for each option of cls, with its default, bounds and help.

    Values are kept as text and checked by the options themselves, so that the command line and
    the page refuse the same things in the same words. A flag that is not given is absent.
    """
    for name, spec in options_of(cls).items():
        if name in skip:
            continue
        hint = f"{spec.help} ({_remedy(spec, typing.get_type_hints(cls)[name])}"
        hint += f"{' ' + spec.unit if spec.unit else ''}, default {default_of(cls, name)})"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            default=argparse.SUPPRESS,
            metavar=name.upper(),
            help=hint.replace("%", "%%"),
        )


def from_arguments(cls: type[_T], arguments: argparse.Namespace, **more: Any) -> _T:
    """The options of cls from parsed arguments. Raises ValueError (see Options)."""
    given = {name: getattr(arguments, name) for name in options_of(cls) if hasattr(arguments, name)}
    return cls.from_dict({**given, **more})
