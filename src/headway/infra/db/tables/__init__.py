"""One schema for both databases; importing this package fills the metadata."""

from __future__ import annotations

from headway.infra.db.tables import (
    access,
    applications,
    backups,
    composes,
    databases,
    deployments,
    edge,
    git_providers,
    hooks,
    idempotency,
    notifications,
    previews,
    rollback_marks,
    schedules,
    servers,
    statuses,
    timers,
)
from headway.infra.db.tables.base import Instant, metadata

__all__ = [
    "Instant",
    "access",
    "applications",
    "backups",
    "composes",
    "databases",
    "deployments",
    "edge",
    "git_providers",
    "hooks",
    "idempotency",
    "metadata",
    "notifications",
    "previews",
    "rollback_marks",
    "schedules",
    "servers",
    "statuses",
    "timers",
]
