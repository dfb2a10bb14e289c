"""``application.run``, ``application.readRun`` and ``application.exec``: a command inside what serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.faces.http.consoles import PATH
from headway.faces.http.inputs import Input
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.registry import Call, Nothing, Procedure, mutation, query, queued, starter
from headway.faces.http.wire.deployments import RunRow


def procedures() -> tuple[Procedure, ...]:
    """A part of the router."""
    return (
        starter("application.run", "Queue a command inside what serves", None, RunInput, _run),
        query("application.readRun", "A run and its command's exit status", RunRow, ByDeployment, _read_run),
        mutation("application.exec", "Open a console inside what runs now", ConsoleRow, ExecInput, _exec),
    )


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


async def _run(call: Call[RunInput]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.runs.run(
            call.actor,
            call.permission,
            given.application_id,
            given.command,
            title=given.title or None,
            timeout_seconds=given.timeout_seconds,
            once=call.once,
        )
    )


async def _exec(call: Call[ExecInput]) -> ConsoleRow:
    given = call.input
    window = None if given.rows is None or given.columns is None else (given.rows, given.columns)
    console_id = await call.platform.consoles.wish(
        call.actor,
        call.permission,
        given.application_id,
        given.command,
        process=given.process,
        window=window,
        terminal=given.terminal,
    )
    return {"consoleId": console_id, "path": f"/{PATH}?consoleId={console_id}"}


async def _read_run(call: Call[ByDeployment]) -> RunRow:
    deployment_id = call.input.deployment_id
    part = await call.platform.deployment_reads.one(call.actor, call.permission, deployment_id)
    row = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]
    return {**row, "exitStatus": await call.platform.runs.exit_status(deployment_id)}
