"""`headway apps set`: how an application is built and started, where that is not as it was detected."""

from __future__ import annotations

import typer

from headway.faces.cli import build_options as options
from headway.faces.cli import output
from headway.faces.cli.commands.apps import Named
from headway.faces.cli.options import AsJson
from headway.faces.cli.session import Session
from headway.kernel.errors import InvalidInput


def set_(
    context: typer.Context,
    application: Named,
    *,
    start: options.Start = None,
    install: options.Install = None,
    build: options.Build = None,
    release: options.Release = None,
    publish: options.Publish = None,
    fallback: options.Fallback = None,
    provider: options.Provider = None,
    package: options.Package = None,
    builder: options.Builder = None,
    port: options.Port = None,
    health_path: options.HealthPath = None,
    scale: options.Scale = None,
    use: options.Use = None,
    keep: options.Keep = None,
    as_json: AsJson = False,
) -> None:
    """Sets how an application is built and started from its next deploy on; "" leaves it to what is detected again."""
    from headway.faces.cli.lookup import application as find

    changed = options.settings_of(
        *(start, install, build, release, publish),
        fallback=fallback,
        provider=provider,
        package=package,
        builder=builder,
        port=port,
        health_path=health_path,
        scale=scale,
        use=use,
        keep=keep,
    )
    if not changed:
        raise InvalidInput("Say what is to be set, such as --start 'python3 app.py'; --help lists what there is.")
    with Session.of(context).client() as client:
        place = find(client, application)
        row = client.post("application.update", {"applicationId": place.application_id, **changed})
    if as_json:
        output.say_json(row)
    else:
        output.say(f"{place.name} is built and started so from its next deploy on: headway apps deploy {place.name}")
