"""The settings of webhooks as inputs carry them, the same for applications and compose services."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from headway.api.inputs import untexted
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission, may
from headway.core.deployments.model import SubjectType
from headway.features.webhooks.service import WebhookService

_Pattern = Annotated[str, Field(min_length=1, max_length=1_024)]
WatchPaths = Annotated[
    list[_Pattern],
    BeforeValidator(untexted, json_schema_input_type=list[_Pattern] | Annotated[str, Field(max_length=1_024)]),
    Field(max_length=100),
]
_DEPLOYS = Permission(name="webhook.deploy", noun=Noun.SERVICE, least=Role.MEMBER, scope=Scope.DEPLOY)
WebhookSecret = Annotated[str, Field(max_length=1_024)]


def hook_changes(watch_paths: list[str] | None, secret: str | None, given: Collection[str]) -> dict[str, Any]:
    """What of these was sent, as settings have it."""
    changed: dict[str, Any] = {}
    if "watch_paths" in given:
        changed["hooks.watch_paths"] = None if watch_paths is None else tuple(watch_paths)
    if "webhook_secret" in given:
        changed["hooks.secret"] = secret or None
    return changed


async def hook_address(
    webhooks: WebhookService, actor: Actor, subject_type: SubjectType, subject_id: str
) -> dict[str, str | None]:
    """What the webhook address of a service ends in, for those who may deploy: whoever has it can."""
    if not may(actor, _DEPLOYS):
        return {"refreshToken": None}
    return {"refreshToken": await webhooks.address(subject_type, subject_id)}
