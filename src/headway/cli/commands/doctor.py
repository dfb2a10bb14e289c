"""`headway doctor`: what this machine has and lacks."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headway.cli import output
from headway.cli.findings import say_findings
from headway.cli.options import AsJson


def doctor(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder that the panel would have.")] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Install the packages of Debian that are missing; as root.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Says what this machine has and lacks, and what to do about it.

    Exits with 0 when Headway can work here.
    """
    from headway.cli.diagnosis import can_work, judge
    from headway.cli.examination import examine
    from headway.cli.repair import install, lacking, line

    findings = judge(examine(os.environ, data_dir))
    if fix and (packages := lacking(findings)):
        output.warn(f"Installing: {line(packages)}")
        install(packages)
        findings = judge(examine(os.environ, data_dir))
    works = can_work(findings)
    if as_json:
        output.say_json({"canWork": works, "findings": [asdict(finding) for finding in findings]})
    else:
        say_findings(findings)
        output.say()
        if packages := lacking(findings):
            output.say(f"All packages that are missing, as root: {line(packages)} (headway doctor --fix does it)")
        output.say("Headway can work here." if works else "Headway cannot work here before what is missing is there.")
    if not works:
        raise typer.Exit(1)
