"""Options that many commands have, so that they read the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from headway.kernel.time_range import ALL, begins

DATABASES = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_LONGEST_TAIL = 10_000
_TAIL = 100

Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what is no older: 90s, 10m, 2h, 3d, or an instant in UTC as 2026-01-31T12:00:00Z; default: all.",
    ),
]
Tail = Annotated[
    int | None,
    typer.Option(
        "--lines",
        "-n",
        "--tail",
        metavar="N",
        min=1,
        max=_LONGEST_TAIL,
        help=f"How many lines of each process or container, from the end; default: {_TAIL}, with --since all.",
    ),
]


def wanted_lines(tail: int | None, since: str) -> dict[str, str | float]:
    """How many lines are asked for, and since when, as a panel is told. Raises InvalidInput."""
    begins(since, datetime.max.replace(tzinfo=UTC))  # whether it has come yet is by the panel's clock
    if since == ALL:
        return {"tail": tail or _TAIL}
    return {"tail": tail or _LONGEST_TAIL, "since": since}


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
OnServer = Annotated[
    str | None,
    typer.Option("--server", metavar="SERVER", help="The server that it is on; default: the panel's machine."),
]
BuildServer = Annotated[
    str | None, typer.Option(metavar="SERVER", help="The server that builds it; default: where it is.")
]
InProject = Annotated[
    str, typer.Option("--project", metavar="NAME", help="The project; made when there is none of that name.")
]
