"""`headway apps set`: how an application is built and started, where that is not as it was detected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from headway.cli import output
from headway.cli.build_options import settable
from headway.cli.commands.apps import Named
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput


@settable
def set_(context: typer.Context, application: Named, *, settings: Mapping[str, Any], as_json: AsJson = False) -> None:
    """Sets how an application is built and started from its next deploy on; "" leaves it to what is detected again."""
    from headway.cli.lookup import find_application

    if not settings:
        raise InvalidInput("Say what is to be set, such as --start 'python3 app.py'; --help lists what there is.")
    with Session.of(context).client() as client:
        place = find_application(client, application)
        row = client.post("application.update", {"applicationId": place.application_id, **settings})
    if as_json:
        output.say_json(row)
    else:
        output.say(f"{place.name} is built and started so from its next deploy on: headway apps deploy {place.name}")
