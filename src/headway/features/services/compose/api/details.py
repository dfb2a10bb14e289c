"""A compose service with its relations, as ``compose.one`` answers and whatever removes one."""

from __future__ import annotations

from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import may
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.backups.api.rows import backup_row
from headway.features.backups.database.service import DatabaseBackupService
from headway.features.deployments.api.lists import rows_of
from headway.features.edge.api.rows import domain_rows
from headway.features.edge.domains import DomainService
from headway.features.projects.service import ProjectService
from headway.features.services.api.relations import COMPOSE, ENVIRONMENT, Relations
from headway.features.services.compose.api.rows import ComposeDetails, compose_details
from headway.features.services.compose.model import Compose
from headway.features.webhooks.api.settings import hook_address
from headway.features.webhooks.service import WebhookService
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeView:
    """How one compose service is shown."""

    backups: DatabaseBackupService
    deployment_reads: DeploymentReader
    domains: DomainService
    projects: ProjectService
    relations: Relations
    webhooks: WebhookService

    async def row(self, actor: Actor, compose: Compose) -> ComposeDetails:
        """For whoever was let through to the compose service. What takes a key that reads is left out without one."""
        relations: dict[str, Any] = {}
        if may(actor, COMPOSE):
            relations = await self._read(actor, compose)
        environment, project = await self.projects.around(actor, ENVIRONMENT, compose.environment_id)
        hook = await hook_address(self.webhooks, actor, SubjectType.COMPOSE, compose.service_id)
        return compose_details(compose, environment, project, relations | hook)

    async def _read(self, actor: Actor, compose: Compose) -> dict[str, Any]:
        service, id_ = SubjectType.COMPOSE, compose.service_id
        part = await self.deployment_reads.rows_of(actor, COMPOSE, service, id_)
        led = await self.domains.of(actor, COMPOSE, service, id_)
        return {
            "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
            "domains": domain_rows(led, self.domains.address),
            "backups": [backup_row(each) for each in await self.backups.all(actor) if each.service_id == id_],
            "server": await self.relations.server(actor, compose.host_id),
        }
