"""``application.readLogs`` and ``application.readOutput``: what an application wrote."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input, Since
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.application.output import LONGEST_CURSOR, Cursor
from headway.features.services.application.service import ApplicationService
from headway.kernel.clock import SystemClock
from headway.kernel.time_range import ALL, begins

router = Router[ApplicationService]("application", resource=Noun.APPLICATION)


class OutputById(Input):
    application_id: Annotated[str, Field(min_length=1)]


class ReadOutputLogs(OutputById):
    """Of the last lines, ``search`` leaves those that hold it. Lines of processes have no times: what ``since`` leaves
    may begin a second too early, longer where the panel was away, and by a 256th of what it goes back.
    """

    tail: Annotated[int, Field(ge=1, le=10_000)] = 100
    since: Since = ALL
    search: Annotated[str, Field(max_length=1_000)] | None = None


class ReadOutput(OutputById):
    """Without a ``cursor`` it begins with the last ``tail`` lines, of those that were written ``since``; each answer
    holds the cursor to go on from.
    """

    cursor: Annotated[str, Field(min_length=1, max_length=LONGEST_CURSOR)] | None = None
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100
    since: Since = ALL


class OutputItem(TypedDict):
    """What one process wrote (``process`` is null where its release has only one), or a word on its release: that it
    ``serves`` now, has ``ended``, or that output was ``lost`` before it was read.
    """

    kind: Literal["output", "serves", "ended", "lost"]
    releaseId: str
    deploymentId: str
    process: str | None
    text: str


class OutputRow(TypedDict):
    """What came behind the cursor, and the ``cursor`` behind that; ``more`` is there already."""

    cursor: str
    items: list[OutputItem]
    more: bool


@router.query("readLogs", least=Role.MEMBER, scope=Scope.READ)
async def read_logs(applications: ApplicationService, call: Call[ReadOutputLogs]) -> str:
    """The last lines that an application wrote."""
    given = call.input
    begun = Cursor.of(None, begins(given.since, SystemClock().now()))
    text = await applications.read_logs(call.actor, call.permission, given.application_id, begun, given.tail)
    searched = (given.search or "").casefold()
    return "".join(line for line in text.splitlines(keepends=True) if searched in line.casefold())


@router.query("readOutput", least=Role.MEMBER, scope=Scope.READ)
async def read_output(applications: ApplicationService, call: Call[ReadOutput]) -> OutputRow:
    """What it wrote behind a cursor."""
    given = call.input
    cursor = Cursor.of(given.cursor, begins(given.since, SystemClock().now()))
    found = await applications.read_output(call.actor, call.permission, given.application_id, cursor, given.tail)
    return {
        "cursor": found.cursor,
        "items": [
            {
                "kind": each.kind.value,
                "releaseId": each.release.release_id,
                "deploymentId": each.release.deployment_id,
                "process": each.process,
                "text": each.text,
            }
            for each in found.items
        ],
        "more": found.more,
    }
