"""The settings as people meet them: documented, given as variables, and which of them nobody is shown."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta

from headway.kernel.dataclass import dataclass
from headway.kernel.forms import duration_text, size_text
from headway.kernel.settings import LOOPBACK, PREFIX, Settings, variable_of

_MIB = 1 << 20
OTHER_VARIABLES: Mapping[str, str] = {
    "HEADWAY_URL": "Where the command line finds the panel; at `HEADWAY_PORT` of this machine where it is not set.",
    "HEADWAY_PROFILE": "The profile (of `headway login`) that the command line uses; the option `--profile` wins.",
    "HEADWAY_DEPLOYMENT_ID": "Set by Headway in the commands of a deployment.",
    "HEADWAY_RELEASE_ID": "Set by Headway in the processes of a release.",
    "HEADWAY_BOOT_ID_FILE": "Stands in for the kernel's boot id in tests.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the documentation; ``default`` is how a person would write it, "" where there is none."""

    name: str
    variable: str
    description: str
    accepts: str
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSetting:
    """A setting as it is now: ``value`` is how a person would write it, "" where there is none, None of a secret.
    ``is_set`` says that it has one, ``is_default`` that it is not known to have been chosen: what the machine decides
    where nobody does may be either.
    """

    setting: Setting
    value: str | None
    is_set: bool
    is_default: bool


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


def chosen(settings: Settings) -> list[ChosenSetting]:
    """Every setting with its value, in the order of the record."""
    found = []
    for item, setting in zip(fields(Settings), documented(), strict=True):
        value = getattr(settings, item.name)
        is_secret = item.metadata["form"].secret
        by_machine = item.default is MISSING or bool(item.metadata["written"] and not is_secret)
        found.append(
            ChosenSetting(
                setting=setting,
                value=None if is_secret else _written(value),
                is_set=value is not None,
                is_default=by_machine or value == item.default,
            )
        )
    return found


def secret_variables() -> frozenset[str]:
    """The variables whose values are shown to nobody."""
    return frozenset(variable_of(item) for item in fields(Settings) if item.metadata["form"].secret)


def unknown_variables(env: Mapping[str, str]) -> list[str]:
    """A sentence for each ``HEADWAY_`` variable that nobody reads, with the one that was likely meant."""
    known = {variable_of(item) for item in fields(Settings)} | set(OTHER_VARIABLES)
    sentences = []
    for name in sorted(name for name in env if name.startswith(PREFIX) and name not in known):
        near = difflib.get_close_matches(name, sorted(known), 1, 0.8)
        sentences.append(f"{name} is not a setting of Headway{f'; did you mean {near[0]}?' if near else '.'}")
    return sentences


def proxy_complaints(settings: Settings) -> list[str]:
    """A sentence where the panel would believe no proxy that is likely there, or none can reach it."""
    is_near = settings.host in {LOOPBACK, "::1", "localhost"}
    if settings.proxies is not None and is_near:
        return [f"HEADWAY_PROXIES names proxies elsewhere, and the panel listens on {settings.host}, where none comes."]
    by_https = (settings.public_url or "").startswith("https:")
    if by_https and settings.proxies is None and not is_near:
        where = f"The panel listens on {settings.host}."
        return [f"{where} Through a proxy on another machine nobody signs in before HEADWAY_PROXIES names its address."]
    return []


def _written(default: object) -> str:
    match default:
        case None:
            return ""
        case timedelta():
            return duration_text(default)
        case int() if default >= _MIB:
            return size_text(default)
        case Mapping():
            return " ".join(f"{name}={each}" for name, each in default.items())
        case _:
            return str(default)
