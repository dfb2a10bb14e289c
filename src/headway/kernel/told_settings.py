"""The settings as people meet them: documented, given as variables, and which of them nobody is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from headway.kernel.forms import duration_text, size_text
from headway.kernel.settings import Settings, variable_of

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the documentation; ``default`` is how a person would write it, "" where there is none."""

    name: str
    variable: str
    description: str
    accepts: str
    default: str


def given_variables(env: Mapping[str, str], options: Mapping[str, str | int | None]) -> dict[str, str]:
    """What was set, as variables of the environment; an option wins over its variable."""
    given = {}
    for item in fields(Settings):
        option = options.get(item.name)
        text = env.get(variable_of(item), "").strip() if option is None else str(option)
        if text:
            given[variable_of(item)] = text
    return given


def documented() -> list[Setting]:
    """Every setting, in the order of the record."""
    return [
        Setting(
            name=item.name,
            variable=variable_of(item),
            description=item.metadata["description"],
            accepts=item.metadata["form"].accepts,
            default=item.metadata["written"] or _written(item.default),
        )
        for item in fields(Settings)
    ]


def secret_variables() -> frozenset[str]:
    """The variables whose values are shown to nobody."""
    return frozenset(variable_of(item) for item in fields(Settings) if item.metadata["form"].secret)


def _written(default: object) -> str:
    match default:
        case None:
            return ""
        case timedelta():
            return duration_text(default)
        case int() if default >= _MIB:
            return size_text(default)
        case _:
            return str(default)
