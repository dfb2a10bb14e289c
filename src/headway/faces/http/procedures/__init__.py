"""The procedures of the API, one file for each router."""

from __future__ import annotations

from functools import cache

from pydantic_core import to_json

from headway.faces.http.openapi import document
from headway.faces.http.procedures import (
    application,
    application_providers,
    application_routing,
    audit_log,
    backup,
    barriers,
    bitbucket,
    certificates,
    compose,
    databases,
    deployment,
    destination,
    disk,
    docker,
    domain,
    environment,
    git_provider,
    gitea,
    github,
    gitlab,
    mounts,
    notification,
    notification_forms,
    organization,
    port,
    preview_deployment,
    project,
    registry,
    release,
    rollback,
    schedule,
    server,
    settings,
    ssh_key,
    user,
    volume_backups,
    webhook,
)
from headway.faces.http.registry import Procedure
from headway.faces.http.streams import Follows


def all_procedures(follows: Follows) -> tuple[Procedure, ...]:
    """Every procedure; ``follows`` keeps who follows a deployment."""
    every: list[Procedure] = []
    every += (
        *application.procedures(),
        *application_providers.procedures(),
        *audit_log.procedures(),
        *backup.procedures(),
        *application_routing.procedures(),
        *barriers.procedures(),
        *bitbucket.procedures(),
        *certificates.procedures(),
        *compose.procedures(),
        *databases.procedures(),
        *deployment.procedures(follows),
        *destination.procedures(),
        *disk.procedures(),
        *docker.procedures(),
        *domain.procedures(),
        *environment.procedures(),
        *git_provider.procedures(),
        *gitea.procedures(),
        *github.procedures(),
        *gitlab.procedures(),
        *mounts.procedures(),
        *notification.procedures(),
        *notification_forms.procedures(),
        *organization.procedures(),
        *port.procedures(),
        *preview_deployment.procedures(),
        *project.procedures(),
        *registry.procedures(),
        *release.procedures(),
        *rollback.procedures(),
        *schedule.procedures(),
        *server.procedures(),
        *settings.procedures(cache(lambda: to_json(document(every)))),
        *ssh_key.procedures(),
        *user.procedures(),
        *volume_backups.procedures(),
        *webhook.procedures(),
    )
    return tuple(every)
