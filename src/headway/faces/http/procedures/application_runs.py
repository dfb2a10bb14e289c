"""``application.run`` and ``application.readRun``: a command that is carried out once inside what serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.registry import Call, Nothing, Procedure, query, queued, starter
from headway.faces.http.wire.deployments import RunRow


def procedures() -> tuple[Procedure, ...]:
    """A part of the router."""
    return (
        starter("application.run", "Queue a command inside what serves", None, RunInput, _run),
        query("application.readRun", "A run and its command's exit status", RunRow, ByDeployment, _read_run),
    )


class RunInput(Input):
    """``command`` is a program and its arguments, which no shell reads. It runs beside what serves of the application,
    with its files, variables, account and bounds, and no input, for at most ``timeoutSeconds``.
    """

    application_id: Annotated[str, Field(min_length=1)]
    command: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    title: Annotated[str, Field(max_length=1_024)] | None = None
    timeout_seconds: Annotated[float, Field(ge=0)] | None = None


class ByDeployment(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


async def _run(call: Call[RunInput]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.runs.run(
            call.actor,
            given.application_id,
            given.command,
            title=given.title or None,
            timeout_seconds=given.timeout_seconds,
            once=call.once,
        )
    )


async def _read_run(call: Call[ByDeployment]) -> RunRow:
    deployment_id = call.input.deployment_id
    part = await call.platform.deployment_reads.one(call.actor, deployment_id, "application.readRun")
    row = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]
    return {**row, "exitStatus": await call.platform.runs.exit_status(deployment_id)}
