"""What a field of a service's forms is: how it is read, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from headway.kernel.dataclass import dataclass
from headway.pages.forms import Choice, Field, Kind

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field. ``options`` are what may be chosen, values and their labels, and ``none`` what choosing nothing is
    called; where it ``clears``, leaving it empty takes back what was set.
    """

    label: str
    kind: Kind = Kind.TEXT
    hint: str = ""
    options: Options | None = None
    none: str | None = None
    clears: bool = False


def kinds_of(fields: Mapping[str, Setting]) -> Mapping[str, Kind]:
    """How each is read."""
    return {name: each.kind for name, each in fields.items()}


def clears_of(fields: Mapping[str, Setting]) -> frozenset[str]:
    """Those whose emptiness takes back what was set."""
    return frozenset(name for name, each in fields.items() if each.clears)


def shown_of(fields: Mapping[str, Setting], known: Mapping[str, Options] | None = None) -> Mapping[str, Field]:
    """How each is shown; ``known`` are what may be chosen where only the panel knows that."""
    return {name: _shown(each, (known or {}).get(name, each.options)) for name, each in fields.items()}


def _shown(each: Setting, options: Options | None) -> Field:
    choices = None if options is None else tuple(Choice(value=value, label=label) for value, label in options)
    return Field(label=each.label, hint=each.hint, options=choices, none=each.none)
