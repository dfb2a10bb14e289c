"""`headway serve`: reads the settings and runs the panel until it is told to stop."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from headway.cli import output


def serve(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the database, keys, logs and releases.", show_default=False)
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of the API; default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; default: 3000.")] = None,
    edge_host: Annotated[str | None, typer.Option(help="Address of the applications; default: 127.0.0.1.")] = None,
    edge_port: Annotated[int | None, typer.Option(help="Port of the applications; default: 8080.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error; default: info.")] = None,
) -> None:
    """Runs the panel on this machine.

    Every option is a variable of the environment too (HEADWAY_DATA_DIR, HEADWAY_PORT, …), and so are the other
    settings; docs/settings.md has them all.
    """
    from headway.infra.panel.process import load_without_collecting

    load_without_collecting()

    from headway.cli.machine import facts
    from headway.kernel.setting_choices import given_variables, unknown_variables
    from headway.kernel.settings import Settings

    options = {"host": host, "port": port, "edge_host": edge_host, "edge_port": edge_port, "log_level": log_level}
    settings = Settings.from_env(os.environ, facts(), data_dir=data_dir, **options)
    for sentence in unknown_variables(os.environ):
        output.warn(f"warning: {sentence}")

    import uvloop

    from headway.foreground import run_panel

    raise typer.Exit(uvloop.run(run_panel(settings, given_variables(os.environ, options))))


def down(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="The data folder of the panel that has ended.", show_default=False)
    ] = None,
) -> None:
    """Ends all that a panel has left running: deployments, applications, supervisor and edge.

    The panel itself is to be stopped first. The next 'headway serve' brings the applications up again.
    """
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, os.environ)

    import asyncio

    from headway.upkeep import end_all

    asyncio.run(end_all(settings))
    output.say(f"Nothing of {settings.data_dir} runs any more.")
