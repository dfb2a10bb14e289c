"""``compose.exec``: a command inside a container of a compose service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.application.api.runs import ConsoleRow
from headway.features.services.application.consoles import ConsoleService, ServicePart
from headway.features.services.compose.service import ComposeService
from headway.features.services.kinds import ServiceKind
from headway.kernel.console_frames import PATH
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeConsoleNeeds:
    """What this operation needs."""

    consoles: ConsoleService
    composes: ComposeService
    kind: ServiceKind


router = Router[ComposeConsoleNeeds]("compose", resource=Noun.COMPOSE)


class ComposeExecInput(Input):
    """``command`` is a program and its arguments, which no shell reads. It is carried out inside the newest container
    of the service ``serviceName`` that runs, once whoever asks has come to the WebSocket within a minute. With
    ``rows`` and ``columns`` it has a terminal of that size, of the kind ``terminal``.
    """

    compose_id: Annotated[str, Field(min_length=1)]
    service_name: Annotated[str, Field(min_length=1, max_length=255)]
    command: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    rows: Annotated[int, Field(ge=1, le=10_000)] | None = None
    columns: Annotated[int, Field(ge=1, le=10_000)] | None = None
    terminal: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$")] = "xterm"


@router.mutation("exec", least=Role.ADMIN, scope=Scope.ADMIN)
async def exec_(needs: ComposeConsoleNeeds, call: Call[ComposeExecInput]) -> ConsoleRow:
    """Open a console inside a container that runs now."""
    given = call.input
    part = ServicePart(services=needs.composes, kind=needs.kind, name=given.service_name)
    window = None if given.rows is None or given.columns is None else (given.rows, given.columns)
    console_id = await needs.consoles.wish(
        call.actor,
        call.permission,
        given.compose_id,
        given.command,
        window=window,
        terminal=given.terminal,
        part=part,
    )
    return {"consoleId": console_id, "path": f"/{PATH}?consoleId={console_id}"}
