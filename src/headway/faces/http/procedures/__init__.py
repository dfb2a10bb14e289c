"""The procedures of the API, one file for each router."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from pydantic_core import to_json

from headway.faces.http.registry import Procedure
from headway.faces.http.streams import Follows

_DATABASES = ("libsql", "mariadb", "mongo", "mysql", "postgres", "redis")

ROUTERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "application": (
            "application",
            "application_output",
            "application_providers",
            "application_routing",
            "application_runs",
            "monitoring",
            "webhook",
        ),
        "auditLog": ("audit_log",),
        "backup": ("backup",),
        "bitbucket": ("bitbucket",),
        "certificates": ("certificates",),
        "compose": ("compose", "webhook"),
        "deployment": ("deployment",),
        "destination": ("destination",),
        "disk": ("disk",),
        "docker": ("docker",),
        "domain": ("domain",),
        "environment": ("environment",),
        "gitProvider": ("git_provider",),
        "gitea": ("gitea",),
        "github": ("github",),
        "gitlab": ("gitlab",),
        "mounts": ("mounts",),
        "notification": ("notification", "notification_forms"),
        "organization": ("organization",),
        "port": ("port",),
        "previewDeployment": ("preview_deployment",),
        "project": ("project",),
        "redirects": ("barriers",),
        "registry": ("registry",),
        "release": ("release",),
        "rollback": ("rollback",),
        "schedule": ("schedule",),
        "security": ("barriers",),
        "server": ("server", "monitoring"),
        "settings": ("settings",),
        "sshKey": ("ssh_key",),
        "user": ("user",),
        "volumeBackups": ("volume_backups",),
        "webhook": ("webhook",),
        **dict.fromkeys(_DATABASES, ("databases",)),
    }
)
"""Each router, and the modules of this package that it is made of."""


class Procedures:
    """All procedures, of which a router's are loaded when they are first asked for: most of what a start would take is
    what they take and give, and few panels are asked for all of it. ``follows`` keeps who follows a deployment.
    """

    def __init__(self, follows: Follows) -> None:
        self._follows = follows
        self._made: dict[str, tuple[Procedure, ...]] = {}

    def of(self, router: str) -> Iterator[Procedure]:
        """The procedures of a router; none where there is none of that name."""
        for module in ROUTERS.get(router, ()):
            yield from (each for each in self._module(module) if each.name.startswith(f"{router}."))

    def __iter__(self) -> Iterator[Procedure]:
        for router in ROUTERS:
            yield from self.of(router)

    def _module(self, name: str) -> tuple[Procedure, ...]:
        if name not in self._made:
            made = import_module(f"{__name__}.{name}").procedures
            self._made[name] = tuple(made(*self._given(name)))
        return self._made[name]

    def _given(self, module: str) -> tuple[object, ...]:
        match module:
            case "deployment":
                return (self._follows,)
            case "settings":
                return (cache(self._described),)
            case _:
                return ()

    def _described(self) -> bytes:
        from headway.faces.http.openapi import document  # noqa: PLC0415 - it has much to load, and is seldom asked for

        return to_json(document(self))


def all_procedures(follows: Follows) -> tuple[Procedure, ...]:
    """Every procedure; ``follows`` keeps who follows a deployment."""
    return tuple(Procedures(follows))
