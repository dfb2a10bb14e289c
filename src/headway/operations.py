"""All operations, over the features of a panel, and the HTTP application that answers with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, cast

from pydantic_core import to_json
from starlette.applications import Starlette

from headway.api.registry import Performer, Registry
from headway.api.router import Routed
from headway.api.rows.encoded import EncodedRows
from headway.domains.databases.model import DatabaseKind
from headway.faces.http.app import create_app
from headway.faces.http.downloads import Download
from headway.faces.http.needs import HttpNeeds
from headway.faces.http.streams import Follows
from headway.infra.db.probe import why_away
from headway.module import Base
from headway.modules import Features
from headway.panel_routers import PanelRouters
from headway.service_routers import ServiceRouters, Streams

_OPENED = frozenset({"organization.acceptInvitation"})  # to whoever has no key yet


def http_app(base: Base, features: Features) -> Starlette:
    """The HTTP application of a panel."""
    deployments, access = features.deployments, features.access
    follows = Follows(deployments.service, base.broadcast, base.events, access.audience)
    registry = registry_of(base, features, Streams(follow=follows.open, download=Download))
    performer = Performer(registry, access.audit, base.settings.watch_depths)
    return create_app(http_needs(base, features), follows, registry, performer)


def http_needs(base: Base, features: Features) -> HttpNeeds:
    """What the HTTP machinery itself needs of a panel."""
    return HttpNeeds(
        access=features.access.access,
        audience=features.access.audience,
        awaiting=features.deployments.awaiting,
        consoles=features.applications.consoles,
        containers=features.containers,
        db=base.db,
        events=base.events,
        health=partial(why_away, base.db),
        metrics=features.metrics,
        troubles=base.engine.troubles,
        upload_room=features.applications.upload_room,
        webhooks=features.webhooks.service,
    )


def registry_of(base: Base, features: Features, streams: Streams) -> Registry:
    """All operations. A router's file is loaded when one of its operations is first asked for."""
    made: list[Registry] = []

    @cache
    def describe() -> bytes:
        from headway.faces.http.openapi import document

        return to_json(document(made[0]))

    of_services = ServiceRouters(base=base, features=features, streams=streams, rows=EncodedRows())
    of_panel = PanelRouters(base=base, features=features, describe=describe, relations=of_services.relations)
    made.append(Registry(_routers(of_services, of_panel), _OPENED))
    return made[0]


def bare_registry() -> Registry:
    """All operations over nothing, for whoever describes them and calls none."""
    nobody = cast("Any", _Nobody())
    return registry_of(nobody, nobody, nobody)


class _Nobody:
    """Stands for every service."""

    def __getattr__(self, _name: str) -> _Nobody:
        return self


def _routers(of_services: ServiceRouters, of_panel: PanelRouters) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router, in the order in which they are described."""
    return {
        "application": of_services.application,
        "auditLog": of_panel.audit_log,
        "backup": of_panel.backup,
        "certificates": of_panel.certificates,
        "compose": of_services.compose,
        "disk": of_panel.disk,
        "docker": of_panel.docker,
        "destination": of_panel.destination,
        "deployment": of_services.deployment,
        "domain": of_services.domain,
        "environment": of_services.environment,
        "libsql": lambda: of_services.database(DatabaseKind.LIBSQL),
        "mariadb": lambda: of_services.database(DatabaseKind.MARIADB),
        "mongo": lambda: of_services.database(DatabaseKind.MONGO),
        "mounts": of_services.mounts,
        "bitbucket": of_panel.bitbucket,
        "gitProvider": of_panel.git_provider,
        "gitea": of_panel.gitea,
        "github": of_panel.github,
        "gitlab": of_panel.gitlab,
        "previewDeployment": of_services.preview_deployment,
        "notification": of_panel.notification,
        "organization": of_panel.organization,
        "mysql": lambda: of_services.database(DatabaseKind.MYSQL),
        "port": of_services.port,
        "postgres": lambda: of_services.database(DatabaseKind.POSTGRES),
        "redis": lambda: of_services.database(DatabaseKind.REDIS),
        "project": of_services.project,
        "redirects": of_services.redirects,
        "registry": of_panel.registry,
        "release": of_services.release,
        "rollback": of_services.rollback,
        "schedule": of_panel.schedule,
        "security": of_services.security,
        "settings": of_panel.settings,
        "server": of_panel.server,
        "sshKey": of_panel.ssh_key,
        "user": of_panel.user,
        "volumeBackups": of_panel.volume_backups,
        "webhook": of_panel.webhook,
    }
