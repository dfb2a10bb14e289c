"""The providers, in the order in which they are asked: whoever says more about what a tree is for goes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.drivers.buildplan.providers import bun, deno, golang, hugo, node, python, refusals, shell, static
from headway.drivers.buildplan.providers.contract import Provider

PROVIDERS: Final[tuple[Provider, ...]] = (
    *refusals.FIRST,
    hugo.PROVIDER,
    golang.PROVIDER,
    python.PROVIDER,
    refusals.RUST,
    deno.PROVIDER,
    bun.PROVIDER,
    node.PROVIDER,
    *refusals.LAST,
    static.PROVIDER,
    shell.PROVIDER,
    *refusals.FAINT,
)


def named(name: str) -> Provider | None:
    """The provider of that name, however it is spelled by others."""
    wanted = _ALIASES.get(name.lower(), name.lower())
    return next((each for each in PROVIDERS if each.name == wanted), None)


_ALIASES: Mapping[str, str] = {
    "golang": "go",
    "staticfile": "static",
    "procfile": "shell",
    "bash": "shell",
    "nodejs": "node",
}
