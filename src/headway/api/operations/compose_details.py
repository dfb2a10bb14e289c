"""A compose service with its relations, as ``compose.one`` answers and whatever removes one."""

from __future__ import annotations

from typing import Any

from headway.core.access.policy import may
from headway.core.deployments.model import SubjectType
from headway.domains.composes.model import Compose
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.procedures.hook_settings import hook_address
from headway.faces.http.procedures.relations import COMPOSE, ENVIRONMENT, server_of
from headway.faces.http.registry import Call
from headway.faces.http.wire.backups import backup_row
from headway.faces.http.wire.composes import compose_details
from headway.faces.http.wire.edge import domain_rows


async def details(call: Call[Any], compose: Compose) -> dict[str, Any]:
    """For whoever was let through to the compose service. What takes a key that reads is left out without one."""
    platform, actor, id_ = call.platform, call.actor, compose.compose_id
    relations: dict[str, Any] = {}
    if may(actor, COMPOSE):
        part = await platform.deployment_reads.rows_of(actor, COMPOSE, SubjectType.COMPOSE, id_)
        led = await platform.domains.of(actor, COMPOSE, SubjectType.COMPOSE, id_)
        relations = {
            "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
            "domains": domain_rows(led, platform.domains.address),
            "backups": [backup_row(each) for each in await platform.backups.all(actor) if each.service_id == id_],
            "server": await server_of(call, compose.host_id),
        }
    environment, project = await platform.projects.around(actor, ENVIRONMENT, compose.environment_id)
    found = compose_details(compose, environment, project, relations)
    return found | await hook_address(call, SubjectType.COMPOSE, id_)
