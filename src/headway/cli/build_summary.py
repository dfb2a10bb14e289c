"""How an application is built and started, setting by setting: what its owner has set, what was detected, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

Row = Mapping[str, Any]

_OF_BUILD: Final = ("provider", "package", "install", "build", "start", "release", "publish", "fallback", "keep")
# Fields of an application, by the option that sets each.
_BESIDE: Final = MappingProxyType(
    {
        "builder": "builder",
        "port": "port",
        "health-path": "healthCheckPath",
        "memory": "memoryLimit",
        "scale": "scale",
        "loopback": "loopback",
        "submodules": "enableSubmodules",
    }
)
_VERSION: Final = "versions."


def chosen(row: Row) -> Iterator[tuple[str, str]]:
    """What detection has chosen, by the option that decides it otherwise, with the reason of each; then what it says
    beside, what it leaves open, and the options that it had no use for.
    """
    choices = row["choices"]
    for each in choices:
        reason = "set by you" if each["isSet"] else each["reason"]
        yield _option(each["name"]), f"{each['value']} ({reason})"
    told = row["notes"] if choices else row["reasons"]  # the first rules have reasons alone
    yield from (("Note" if choices else "Because", each) for each in told)
    for each in row["questions"]:
        means = each["means"]
        shown = [f"{value} ({why})" if why else value for value, why in zip(each["choices"], means, strict=True)]
        yield "Question", f"{each['text']} Choices: {', '.join(shown)}. Answer: {each['option']} ({each['setting']})"
    unused = {*_OF_BUILD, "port"} - {each["name"] for each in choices}
    if choices:
        yield "Not used", ", ".join(f"--{name}" for name in (*_OF_BUILD, "port") if name in unused)


def settings(row: Row) -> Iterator[tuple[str, str]]:
    """What the owner of an application has set, by the option that does it, and that the rest is detected."""
    build = row["build"]
    given = {name: build[name] for name in _OF_BUILD}
    given |= {f"use {tool}": version for tool, version in build["versions"].items()}
    given |= {name: row.get(field) for name, field in _BESIDE.items()}
    is_set = {name: value for name, value in given.items() if value not in (None, False, "", [], {})}
    if build["fallback"] is False:
        is_set["fallback"] = "off"
    for name, value in is_set.items():
        yield f"--{name}", f"{_shown(value)} (set by you)"
    is_image = row.get("sourceType") == "docker"
    free = [f"--{name}" for name in _OF_BUILD if name not in is_set and not is_image]
    yield "Detected", f"{', '.join(free)}: headway apps detect {row['name']} says how" if free else ""


def _option(name: str) -> str:
    if name.startswith(_VERSION):
        return f"--use {name.removeprefix(_VERSION)}"
    return f"--{name}" if name in {*_OF_BUILD, "port"} else name.capitalize()


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return "on" if value is True else str(value)
