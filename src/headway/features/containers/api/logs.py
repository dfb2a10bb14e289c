"""``docker.log``, ``logLines`` and ``findInLog``: what a container writes, for who reads it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager

from headway.api.operation import Call, Text
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission
from headway.drivers.runtimes.contract.numbered_log import NumberedLogs
from headway.drivers.runtimes.contract.whole_log import file_name, whole_log
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.features.containers.api.operations import ContainerById
from headway.features.containers.service import ContainerService
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
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLogNeeds:
    """What these operations need. ``seat`` is one of the few for those who search: by whom it is taken; ``download``
    hands out a text as a file of this name.
    """

    containers: ContainerService
    numbered: NumberedLogs
    seat: Callable[[str], AbstractAsyncContextManager[None]]
    download: Callable[[str, AsyncGenerator[str, None]], Text]

    async def log(self, actor: Actor, permission: Permission, given: ContainerById) -> WrittenLog:
        """What the container writes that an input names. Raises Missing."""
        return await self.containers.written(actor, permission, given.container_id, given.server_id or None)


router = Router[ContainerLogNeeds]("docker", resource=Noun.CONTAINER)


class LinesOfContainer(ContainerById, LinesWanted):
    """Lines from number ``from`` on (the first is 1) or around number ``around``, and where neither is given the last
    ones. ``generation`` is of the log whose lines are meant, as an earlier answer told it.
    """


class TextInContainer(ContainerById, TextWanted):
    """A text is looked for as it is shown. The hit that ``next`` tells is the first from line ``from`` on, or the last
    up to it.
    """


class WholeLogOfContainer(ContainerById):
    """``plain`` leaves out colours and all else that is meant for terminals."""

    plain: bool = False


@router.query("logLines", least=Role.MEMBER, scope=Scope.READ)
async def log_lines(needs: ContainerLogNeeds, call: Call[LinesOfContainer]) -> WrittenLinesRow:
    """Lines of what a container writes, by their numbers, with colours and times.

    It is what its engine keeps of it, without secrets; times are of the clock of its machine.
    """
    found = await needs.log(call.actor, call.permission, call.input)
    wanted = wanted_lines(call.input)
    lines = await needs.numbered.of(found).read(found, wanted)
    return lines_row((found.name,), found.name, lines, wanted, is_over=found.is_over)


@router.query("findInLog", least=Role.MEMBER, scope=Scope.READ)
async def find_in_log(needs: ContainerLogNeeds, call: Call[TextInContainer]) -> TextHitsRow:
    """Which lines of what a container writes have a text, in all that is kept."""
    async with needs.seat(call.actor.user_id):
        found = await needs.log(call.actor, call.permission, call.input)
        return hits_row(await needs.numbered.of(found).find(found, wanted_text(call.input)))


@router.query("log", least=Role.MEMBER, scope=Scope.READ)
async def log(needs: ContainerLogNeeds, call: Call[WholeLogOfContainer]) -> Text:
    """All that is kept of what a container wrote, as a file."""
    found = await needs.log(call.actor, call.permission, call.input)
    return needs.download(file_name(found.name), await whole_log([found], is_plain=call.input.plain))
