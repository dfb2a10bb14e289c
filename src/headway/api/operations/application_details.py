"""An application with its relations, as ``application.one`` answers and whatever starts, stops or deletes one."""

from __future__ import annotations

from typing import Any

from headway.core.access.policy import may
from headway.core.deployments.model import SubjectType
from headway.domains.applications.model import Application
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.procedures.hook_settings import hook_address
from headway.faces.http.procedures.preview_deployment import preview_of
from headway.faces.http.procedures.relations import APPLICATION, ENVIRONMENT, registry_of, server_of
from headway.faces.http.registry import Call
from headway.faces.http.wire.applications import application_details
from headway.faces.http.wire.edge import barrier_rows, domain_rows


async def details(call: Call[Any], application: Application) -> dict[str, Any]:
    """For whoever was let through to the application. What takes a key that reads is left out without one, so that
    whoever may only start an application hears no more of it than that.
    """
    platform, actor, id_ = call.platform, call.actor, application.application_id
    relations: dict[str, Any] = {}
    addresses = platform.applications.addresses(application)
    if may(actor, APPLICATION):
        relations = await _read(call, application)
        addresses = [each["address"] for each in relations["domains"] if each["enabled"]]
    environment, project = await platform.projects.around(actor, ENVIRONMENT, application.environment_id)
    found = application_details(application, addresses, environment, project, relations)
    return found | await hook_address(call, SubjectType.APPLICATION, id_)


async def _read(call: Call[Any], application: Application) -> dict[str, Any]:
    platform, actor, id_ = call.platform, call.actor, application.application_id
    part = await platform.deployment_reads.rows_of(actor, APPLICATION, SubjectType.APPLICATION, id_)
    domains = await platform.domains.of(actor, APPLICATION, SubjectType.APPLICATION, id_)
    redirects, security = barrier_rows(*await platform.barriers.of(actor, APPLICATION, id_))
    previews = await platform.previews.all(actor, APPLICATION, SubjectType.APPLICATION, id_)
    return {
        "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
        "domains": domain_rows(domains, platform.domains.address),
        "redirects": redirects,
        "security": security,
        "previewDeployments": [await preview_of(call, each) for each in previews],
        "server": await server_of(call, application.host_id),
        "buildServer": await server_of(call, application.build_host_id),
        "registry": await registry_of(call, application.settings.registry_id),
    }
