"""``service.log``, ``logLines`` and ``findInLog``: what services of any kind write, for who reads it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call, Text
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.services.api.log_rows import (
    LinesWanted,
    TextHitsRow,
    TextWanted,
    WrittenLinesRow,
    hits_row,
    lines_row,
    wanted_lines,
    wanted_text,
)
from headway.features.services.written_logs import ServiceLogReader
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLogNeeds:
    """What these operations need. ``seat`` is one of the few for those who search: by whom it is taken; ``download``
    hands out a text as a file of this name.
    """

    logs: ServiceLogReader
    seat: Callable[[str], AbstractAsyncContextManager[None]]
    download: Callable[[str, AsyncGenerator[str, None]], Text]


router = Router[ServiceLogNeeds]("service", resource=Noun.SERVICE)


class LogOfService(Input):
    """``of`` is the process or the container that is meant, one of ``names`` of an answer of ``service.logLines``."""

    service_id: Annotated[str, Field(min_length=1)]
    of: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class LinesOfService(LogOfService, LinesWanted):
    """Without ``of`` it is the first one. Lines from number ``from`` on (the first is 1) or around number ``around``,
    and where neither is given the last ones. ``generation`` is of the log whose lines are meant, as an earlier answer
    told it.
    """


class TextInService(LogOfService, TextWanted):
    """Without ``of`` it is the first one. A text is looked for as it is shown. The hit that ``next`` tells is the first
    from line ``from`` on, or the last up to it.
    """


class WholeLogOfService(LogOfService):
    """Without ``of`` it is all of them, one behind the other, each line led by whose it is. ``plain`` leaves out
    colours and all else that is meant for terminals.
    """

    plain: bool = False


@router.query("logLines", least=Role.MEMBER, scope=Scope.READ)
async def log_lines(needs: ServiceLogNeeds, call: Call[LinesOfService]) -> WrittenLinesRow:
    """Lines of what a service writes, by their numbers, with colours and times.

    It is what its release that serves has written, as far as that is kept, without secrets. Times are of the clock of
    its machine: those of containers are exact, those of processes are times by which a line was written.
    """
    given = call.input
    wanted = wanted_lines(given)
    found = await needs.logs.lines(call.actor, call.permission, given.service_id, given.of, wanted)
    return lines_row(found.names, found.name, found.found, wanted, is_over=found.is_over)


@router.query("findInLog", least=Role.MEMBER, scope=Scope.READ)
async def find_in_log(needs: ServiceLogNeeds, call: Call[TextInService]) -> TextHitsRow:
    """Which lines of what a service writes have a text, in all that is kept."""
    given = call.input
    async with needs.seat(call.actor.user_id):
        found = await needs.logs.find(call.actor, call.permission, given.service_id, given.of, wanted_text(given))
    return hits_row(found)


@router.query("log", least=Role.MEMBER, scope=Scope.READ)
async def log(needs: ServiceLogNeeds, call: Call[WholeLogOfService]) -> Text:
    """All that is kept of what a service wrote, as a file."""
    given = call.input
    found = await needs.logs.whole(call.actor, call.permission, given.service_id, given.of, plain=given.plain)
    return needs.download(found.name, found.pieces)
