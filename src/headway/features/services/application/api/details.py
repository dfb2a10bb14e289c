"""An application with its relations, as ``application.one`` answers and whatever starts, stops or deletes one."""

from __future__ import annotations

from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import may
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.deployments.api.lists import rows_of
from headway.features.edge.api.rows import barrier_rows, domain_rows
from headway.features.edge.domains import DomainService
from headway.features.edge.middlewares import MiddlewareService
from headway.features.previews.api.operations import PreviewView
from headway.features.previews.service import PreviewService
from headway.features.projects.service import ProjectService
from headway.features.services.api.relations import APPLICATION, ENVIRONMENT, Relations
from headway.features.services.application.api.rows import ApplicationDetails, application_details
from headway.features.services.application.model import Application
from headway.features.services.application.service import ApplicationService
from headway.features.webhooks.api.settings import hook_address
from headway.features.webhooks.service import WebhookService
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """How one application is shown."""

    applications: ApplicationService
    barriers: MiddlewareService
    deployment_reads: DeploymentReader
    domains: DomainService
    preview: PreviewView
    previews: PreviewService
    projects: ProjectService
    relations: Relations
    webhooks: WebhookService

    async def row(self, actor: Actor, application: Application) -> ApplicationDetails:
        """For whoever was let through to the application. What takes a key that reads is left out without one, so that
        whoever may only start an application hears no more of it than that.
        """
        relations: dict[str, Any] = {}
        addresses = self.applications.addresses(application)
        if may(actor, APPLICATION):
            relations = await self._read(actor, application)
            addresses = [each["address"] for each in relations["domains"] if each["enabled"]]
        environment, project = await self.projects.around(actor, ENVIRONMENT, application.environment_id)
        hook = await hook_address(self.webhooks, actor, SubjectType.APPLICATION, application.service_id)
        return application_details(application, addresses, environment, project, relations | hook)

    async def _read(self, actor: Actor, application: Application) -> dict[str, Any]:
        service, id_ = SubjectType.APPLICATION, application.service_id
        part = await self.deployment_reads.rows_of(actor, APPLICATION, service, id_)
        domains = await self.domains.of(actor, APPLICATION, service, id_)
        redirects, security = barrier_rows(*await self.barriers.of(actor, APPLICATION, id_))
        previews = await self.previews.all(actor, APPLICATION, service, id_)
        return {
            "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
            "domains": domain_rows(domains, self.domains.address),
            "redirects": redirects,
            "security": security,
            "previewDeployments": [await self.preview.row(actor, each) for each in previews],
            "server": await self.relations.server(actor, application.host_id),
            "buildServer": await self.relations.server(actor, application.build_host_id),
            "registry": await self.relations.registry(actor, application.settings.docker.registry_id),
        }
