"""Options that many commands have, so that they read the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

DATABASES = ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
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
