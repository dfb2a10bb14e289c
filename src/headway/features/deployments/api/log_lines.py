"""``deployment.lines``, ``followLines`` and ``find``: a log by its lines, for who shows it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import MOST, Input
from headway.api.operation import Call, Stream
from headway.api.problems import invalid
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission
from headway.core.deployments.model import StepRecord
from headway.core.deployments.service import DeploymentService
from headway.infra.logs.grep import Find, Hits
from headway.infra.logs.line_pieces import LinesFollowed
from headway.infra.logs.lines import MOST_LINES, LinesAsked, LogLines
from headway.infra.logs.log_line import LogLine
from headway.kernel.dataclass import dataclass

LONGEST_TEXT = 200

Number = Annotated[int, Field(ge=1, le=MOST)]
Generation = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLinesNeeds:
    """What these operations need. ``seat`` is one of the few for those who search: by whom it is taken. ``follow``
    opens a follower of the lines of a deployment's log.
    """

    deployments: DeploymentService
    follow: Callable[[Actor, Permission, str, LinesFollowed], Awaitable[Stream]]
    seat: Callable[[str], AbstractAsyncContextManager[None]]


router = Router[LogLinesNeeds]("deployment", resource=Noun.DEPLOYMENT)


class LinesInput(Input):
    """Lines from number ``from`` on (the first is 1) or around number ``around``, and where neither is given the last
    ones. ``generation`` is of the log whose lines are meant, as an earlier answer told it.
    """

    deployment_id: Annotated[str, Field(min_length=1)]
    generation: Generation | None = None
    start: Annotated[Number | None, Field(alias="from")] = None
    around: Number | None = None
    count: Annotated[int, Field(ge=1, le=MOST_LINES)] = 500


class FollowLinesInput(Input):
    """``from`` is the number of the line to begin at; one that is open is told again whole. ``generation`` is of the
    log that it belongs to.
    """

    deployment_id: Annotated[str, Field(min_length=1)]
    generation: Generation | None = None
    start: Annotated[Number, Field(alias="from")] = 1


class FindInput(Input):
    """``regex`` takes the text as an extended regular expression, without back references; ``ignoreCase`` is for ASCII
    letters. The hit that ``next`` tells is the first from line ``from`` on, or the last up to it.
    """

    deployment_id: Annotated[str, Field(min_length=1)]
    generation: Generation | None = None
    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\r\n]*$")]
    regex: bool = False
    ignore_case: bool = False
    start: Annotated[Number | None, Field(alias="from")] = None
    direction: Literal["forward", "backward"] = "forward"


class LineRow(TypedDict):
    """A line of a log by its number ``n``: where it begins (bytes), when it was read (by then, where ``caughtUp``), in
    which step, and its text as runs of classes and text. ``cut`` bytes of it are not shown; an ``open`` one goes on.
    """

    n: int
    offset: int
    at: str | None
    caughtUp: bool
    step: str | None
    runs: list[list[str]]
    cut: int
    open: bool


class StepLineRow(TypedDict):
    """A step, from which line of the log on, and when."""

    name: str
    first: int
    startedAt: str | None
    finishedAt: str | None


class LinesRow(TypedDict):
    """Lines of a log, ``first`` the number of the first of them (or of the one that would be), of ``total`` there are.
    There may be fewer than were asked for, for an answer is bounded. With another ``generation`` the log was begun
    anew; it is empty where there is no log yet. Where it has ``ended`` no more comes. ``steps`` are all of it, as they
    began.
    """

    generation: str
    first: int
    total: int
    size: int
    ended: bool
    steps: list[StepLineRow]
    rows: list[LineRow]


class HitsRow(TypedDict):
    """The numbers of lines that have a text, of ``total`` the first and the last 5,000; ``next`` is the hit that was
    wanted. Where ``cut`` names a line, the search was ended there, after ``seconds``.
    """

    generation: str
    hits: list[int]
    total: int
    next: int | None
    cut: int | None
    seconds: float


@router.query("lines", least=Role.MEMBER, scope=Scope.READ)
async def lines(needs: LogLinesNeeds, call: Call[LinesInput]) -> LinesRow:
    """Lines of a deployment's log by their numbers, with colours and times."""
    given = call.input
    asked = asked_of(given.generation, given.start, given.around, given.count)
    deployment, steps, found = await needs.deployments.lines(call.actor, call.permission, given.deployment_id, asked)
    return lines_row(found, steps, asked, ended=deployment.status.ended)


@router.query("followLines", least=Role.MEMBER, scope=Scope.READ)
async def follow_lines(needs: LogLinesNeeds, call: Call[FollowLinesInput]) -> Stream:
    """Lines of a deployment's log, its steps and status, as server-sent events."""
    given = call.input
    followed = LinesFollowed(start=given.start, generation=given.generation or "", rows=line_rows)
    return await needs.follow(call.actor, call.permission, given.deployment_id, followed)


@router.query("find", least=Role.MEMBER, scope=Scope.READ)
async def find(needs: LogLinesNeeds, call: Call[FindInput]) -> HitsRow:
    """Which lines of a deployment's log have a text, in all of it.

    A text is found as it is shown, through colours. An expression sees the codes of these, and finds only what has a
    character: with ``^$`` no line is found.
    """
    given = call.input
    wanted = Find(
        text=given.text,
        is_regex=given.regex,
        ignore_case=given.ignore_case,
        start=given.start,
        backwards=given.direction == "backward",
        generation=given.generation or "",
    )
    async with needs.seat(call.actor.user_id):
        return _hits_row(await needs.deployments.find(call.actor, call.permission, given.deployment_id, wanted))


def asked_of(generation: str | None, start: int | None, around: int | None, count: int) -> LinesAsked:
    """The lines that an input asks for. Raises Problem."""
    if start is not None and around is not None:
        message = "Invalid input: from and around exclude each other"
        raise invalid([{"code": "custom", "path": ["around"], "message": message}])
    return LinesAsked(count=count, start=start, around=around, generation=generation or "")


def lines_row(found: LogLines, steps: Sequence[StepRecord], asked: LinesAsked, *, ended: bool) -> LinesRow:
    """Lines of a log as the wire shows them."""
    numbers = dict(zip((step.name for step in steps), found.numbers, strict=False))
    steps = sorted(steps, key=lambda each: each.log_offset)  # as they began
    return {
        "generation": found.generation,
        "first": found.lines[0].number if found.lines else asked.start or found.total + 1,
        "total": found.total,
        "size": found.size,
        "ended": ended,
        "steps": [
            {
                "name": step.name,
                "first": numbers.get(step.name, 1),
                "startedAt": moment(step.started_at),
                "finishedAt": moment(step.finished_at),
            }
            for step in steps
        ],
        "rows": line_rows(found.lines, [(step.log_offset, step.name) for step in steps]),
    }


def line_rows(lines: Sequence[LogLine], begun: Sequence[tuple[int, str]]) -> list[LineRow]:
    """``begun`` tells where which step begins, in this order."""
    return [_line_row(line, begun) for line in lines]


def _line_row(line: LogLine, begun: Sequence[tuple[int, str]]) -> LineRow:
    step = bisect_right(begun, line.offset, key=lambda each: each[0])
    return {
        "n": line.number,
        "offset": line.offset,
        "at": moment(line.at),
        "caughtUp": line.is_late,
        "step": begun[step - 1][1] if step else None,
        "runs": [[classes, text] for classes, text in line.runs],
        "cut": line.left_out,
        "open": line.is_open,
    }


def _hits_row(found: Hits) -> HitsRow:
    return {
        "generation": found.generation,
        "hits": list(found.lines),
        "total": found.total,
        "next": found.following,
        "cut": found.cut_at,
        "seconds": round(found.seconds, 3),
    }
