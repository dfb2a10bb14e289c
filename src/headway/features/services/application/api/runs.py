"""``application.run``, ``application.readRun`` and ``application.exec``: a command inside what serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call, Nothing, queued
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.queries import DeploymentReader
from headway.features.deployments.api.lists import rows_of
from headway.features.deployments.api.rows import RunRow
from headway.features.services.application.consoles import ConsoleService
from headway.features.services.application.runs import RunService
from headway.kernel.console_frames import PATH
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRunsNeeds:
    """What these operations need."""

    consoles: ConsoleService
    deployment_reads: DeploymentReader
    runs: RunService


router = Router[ApplicationRunsNeeds]("application", resource=Noun.APPLICATION)


class RunInput(Input):
    """``command`` is a program and its arguments, which no shell reads. It runs beside what serves of the application,
    with its files, variables, account and bounds, and no input, for at most ``timeoutSeconds``.
    """

    application_id: Annotated[str, Field(min_length=1)]
    command: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    title: Annotated[str, Field(max_length=1_024)] | None = None
    timeout_seconds: Annotated[float, Field(ge=0)] | None = None


class ExecInput(Input):
    """``command`` is a program and its arguments, which no shell reads. It is carried out inside the ``process`` that
    runs now (default: the first), once whoever asks has come to the WebSocket within a minute. With ``rows`` and
    ``columns`` it has a terminal of that size, of the kind ``terminal``.
    """

    application_id: Annotated[str, Field(min_length=1)]
    command: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    process: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}([.][0-9]{1,3})?$")] | None = None
    rows: Annotated[int, Field(ge=1, le=10_000)] | None = None
    columns: Annotated[int, Field(ge=1, le=10_000)] | None = None
    terminal: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$")] = "xterm"


class ConsoleRow(TypedDict):
    """``path`` is that of the WebSocket, at this panel."""

    consoleId: str
    path: str


class ByDeployment(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


@router.starter("run", least=Role.ADMIN, scope=Scope.ADMIN)
async def run(needs: ApplicationRunsNeeds, call: Call[RunInput]) -> Nothing:
    """Queue a command inside what serves."""
    given = call.input
    return queued(
        await needs.runs.run(
            call.actor,
            call.permission,
            given.application_id,
            given.command,
            title=given.title or None,
            timeout_seconds=given.timeout_seconds,
            once=call.once,
        )
    )


@router.mutation("exec", least=Role.ADMIN, scope=Scope.ADMIN)
async def exec_(needs: ApplicationRunsNeeds, call: Call[ExecInput]) -> ConsoleRow:
    """Open a console inside what runs now."""
    given = call.input
    window = None if given.rows is None or given.columns is None else (given.rows, given.columns)
    console_id = await needs.consoles.wish(
        call.actor,
        call.permission,
        given.application_id,
        given.command,
        process=given.process,
        window=window,
        terminal=given.terminal,
    )
    return {"consoleId": console_id, "path": f"/{PATH}?consoleId={console_id}"}


@router.query("readRun", least=Role.MEMBER, scope=Scope.READ)
async def read_run(needs: ApplicationRunsNeeds, call: Call[ByDeployment]) -> RunRow:
    """A run and its command's exit status."""
    deployment_id = call.input.deployment_id
    part = await needs.deployment_reads.one(call.actor, call.permission, deployment_id)
    row = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]
    return {**row, "exitStatus": await needs.runs.exit_status(deployment_id)}
