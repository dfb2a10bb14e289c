"""`headway apps set`: how an application is built and started, where that is not as it was detected."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer

from headway.cli import output
from headway.cli.build_options import settable
from headway.cli.commands.apps import Named
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput

# By the kind of its source, the field of an application that has the folder.
_BUILD_PATHS: Final = MappingProxyType(
    {
        "git": "customGitBuildPath",
        "github": "buildPath",
        **{forge: f"{forge}BuildPath" for forge in ("gitlab", "gitea", "bitbucket")},
        "drop": "dropBuildPath",
    }
)


@settable
def set_(
    context: typer.Context,
    application: Named,
    *,
    settings: Mapping[str, Any],
    build_path: Annotated[
        str | None,
        typer.Option("--build-path", metavar="FOLDER", help='The folder that is built, such as web; "": all of it.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sets how an application is built and started from its next deploy on; "" leaves it to what is detected again."""
    from headway.cli.lookup import find_application

    if not settings and build_path is None:
        raise InvalidInput("Say what is to be set, such as --start 'python3 app.py'; --help lists what there is.")
    with Session.of(context).client() as client:
        place = find_application(client, application)
        given = {"applicationId": place.application_id}
        placed = {} if build_path is None else _placed(client.get("application.one", **given), build_path)
        row = client.post("application.update", {**given, **placed, **settings})
    if as_json:
        output.say_json(row)
    else:
        output.say(f"{place.name} is built and started so from its next deploy on: headway apps deploy {place.name}")


def _placed(row: Mapping[str, Any], build_path: str) -> dict[str, str | None]:
    """The folder that is built, in the field of the source that the application has. Raises InvalidInput."""
    source = row["sourceType"]
    field = _BUILD_PATHS.get(source)
    if field is None:
        raise InvalidInput(
            f"--build-path is for what is built of files, and {row['name']} is not: its source is {source}."
        )
    return {field: build_path or None}
