"""One schema for both databases; importing this package fills the metadata."""

from __future__ import annotations

from headway.infra.db.tables import (
    access,
    backups,
    deployment_links,
    deployments,
    edge,
    git_providers,
    hooks,
    idempotency,
    notifications,
    previews,
    projects,
    registries,
    schedules,
    servers,
    services,
    ssh_keys,
    statuses,
    timers,
    usage,
)
from headway.infra.db.tables.base import Instant, metadata

__all__ = [
    "Instant",
    "access",
    "backups",
    "deployment_links",
    "deployments",
    "edge",
    "git_providers",
    "hooks",
    "idempotency",
    "metadata",
    "notifications",
    "previews",
    "projects",
    "registries",
    "schedules",
    "servers",
    "services",
    "ssh_keys",
    "statuses",
    "timers",
    "usage",
]
