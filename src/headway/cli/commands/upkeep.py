"""`headway backup`, `restore` and `upgrade-check`: what an operator does beside a panel."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.cli import output
from headway.cli.findings import say_findings
from headway.cli.options import AsJson
from headway.cli.statuses import Status

if TYPE_CHECKING:
    from headway.kernel.settings import Settings

DataDir = Annotated[Path | None, typer.Option(help="The panel's data folder.", show_default=False)]
_MIB = 1 << 20


def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The archive; default: headway-TIME.tar.gz, here.")
    ] = None,
    *,
    data_dir: DataDir = None,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="With the logs of deployments.")] = True,
    as_json: AsJson = False,
) -> None:
    """Backs up the panel's own data into one archive, while the panel runs.

    It holds the database, the keys, the settings, the edge's routes and certificates, and the logs of deployments; not
    the applications' releases and their own data. Whoever has it can read every secret: keep it as safe as the panel.
    """
    settings = _settings(data_dir)

    from headway.upkeep import back_up, json_of

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    made = back_up(settings, (file or Path(f"headway-{stamp}.tar.gz")).absolute(), with_logs=logs)
    if as_json:
        output.say_json(json_of(made))
        return
    output.say(f"{made.path}: {made.files} files, {made.bytes / _MIB:.1f} MiB. It holds the key to all secrets.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that 'headway backup' made.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Makes a data folder of a backup, where there is none or an empty one.

    The archive is checked to its last byte before anything is written; an interrupted restore leaves nothing.
    """
    settings = _settings(data_dir)

    from headway.upkeep import json_of, put_back

    made = put_back(settings, file.absolute())
    if as_json:
        output.say_json(json_of(made))
        return
    output.say(f"{settings.data_dir} is restored: {made.files} files of {made.made_at}, by Headway {made.made_by}.")
    if made.unsent:
        many = (
            "1 notification that waited in it is"
            if made.unsent == 1
            else f"{made.unsent} notifications that waited in it are"
        )
        output.say(f"{many} not sent: the panel that it was made of has gone on since.")
    output.say("Start the panel with it, then deploy each service again:")
    output.say("headway apps deploy NAME, and headway composes deploy NAME")


def upgrade_check(*, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Says whether this version can open a data folder, and what it would do with what runs there; changes nothing.

    Call it with the new version while the old panel serves. Exits with 0 when it can.
    """
    settings = _settings(data_dir)

    from headway.cli.diagnosis import can_work
    from headway.cli.upgrade_outlook import judge
    from headway.upkeep import json_of, look_ahead

    outlook = look_ahead(settings)
    findings = judge(outlook)
    possible = can_work(findings)
    if as_json:
        output.say_json({"canUpgrade": possible, **json_of(outlook)})
    else:
        say_findings(findings)
        output.say()
        output.say(
            f"Headway {outlook.version} can open it: stop the old panel, start this one."
            if possible
            else f"Headway {outlook.version} cannot open it before what is missing is there."
        )
    if not possible:
        raise typer.Exit(Status.ERROR)


def _settings(data_dir: Path | None) -> Settings:
    from headway.cli.machine import settings_of

    return settings_of(data_dir, os.environ)
