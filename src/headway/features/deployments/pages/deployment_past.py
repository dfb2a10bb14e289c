"""What the past of its service tells of a deployment: what is usual, what follows, and the same failure before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.core.deployments.status import ON_REQUEST
from headway.kernel.errors import HeadwayError
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import moment

if TYPE_CHECKING:
    from headway.features.deployments.api.history import (
        ExpectedStartRow,
        SameFailuresRow,
        UsualRow,
    )
    from headway.features.deployments.api.log_lines import LineRow, LinesRow
    from headway.features.deployments.api.rows import DeploymentRow

USUAL: Asked[UsualRow] = Asked("deployment.usual")
STARTS: Asked[list[ExpectedStartRow]] = Asked("deployment.expectedStarts")
LINES: Asked[LinesRow] = Asked("deployment.lines")
SAME: Asked[SameFailuresRow] = Asked("deployment.sameFailures")
LEAST_COUNTED = 5
_LAST_LINES = 1_000
_LINES_BEFORE = 10  # that are shown above the one that says why
_SHORTEST = 6  # characters of a line that says something
_SHORTEST_PIECE = 12
_SECONDS = 5.0


async def usual_of(visit: Visit, row: DeploymentRow) -> UsualRow | None:
    """What is usual of deployments like it; None where that is not to be had now."""
    found = await visit.ask_within(_SECONDS, USUAL, deploymentId=row["deploymentId"])
    return None if isinstance(found, Unknown) else found


def outlook_values(visit: Visit, usual: UsualRow | None) -> Mapping[str, object]:
    """When it is expected to end or to begin, and what goes before."""
    latest = None if usual is None else usual["latestEnd"]
    return {
        "outlook": usual,
        "takes_long": latest is not None and visit.now > moment(latest),
        "least": LEAST_COUNTED,
    }


async def failure_values(visit: Visit, row: DeploymentRow) -> Mapping[str, object]:
    """Of a failure the line of the log that says why, and the same failure before."""
    if row["status"] != "error" or row["reason"] in ON_REQUEST or not row["errorMessage"]:
        return {"failing_line": None, "same": None}
    same = await visit.ask_within(_SECONDS, SAME, deploymentId=row["deploymentId"])
    return {"failing_line": await _failing_line(visit, row), "same": None if isinstance(same, Unknown) else same}


async def _failing_line(visit: Visit, row: DeploymentRow) -> Mapping[str, object] | None:
    """The line of the log that its message quotes: its number, its text, and where it is shown."""
    try:
        found = await visit.ask_within(_SECONDS, LINES, deploymentId=row["deploymentId"], count=_LAST_LINES)
    except HeadwayError:  # the log was begun anew in between
        return None
    if isinstance(found, Unknown):
        return None
    line = quoted_line(found["rows"], row["errorMessage"] or "")
    if line is None:
        return None
    number = line["n"]
    href = f"/deployments/{row['deploymentId']}?line={max(1, number - _LINES_BEFORE)}#L{number}"
    return {"n": number, "step": line["step"], "text": _text(line), "href": href}


def quoted_line(lines: Sequence[LineRow], message: str) -> LineRow | None:
    """The last of these lines that the message quotes, whole or in part; None where it quotes none."""
    said = _plain(message)
    whole = [each for each in lines if len(text := _text(each)) >= _SHORTEST and text in said]
    if whole:
        longest = max(len(_text(each)) for each in whole)
        return next(each for each in reversed(whole) if len(_text(each)) == longest)
    pieces = sorted((each for each in said.split(": ") if len(each) >= _SHORTEST_PIECE), key=len, reverse=True)
    for piece in pieces:
        for each in reversed(lines):
            if piece.rstrip(".") in _text(each):
                return each
    return None


def _text(line: LineRow) -> str:
    return _plain("".join(text for _, text in line["runs"]))


def _plain(text: str) -> str:
    return " ".join(text.split())
