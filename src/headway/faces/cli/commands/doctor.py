"""`headway doctor`: what this machine has and lacks."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headway.faces.cli import output
from headway.faces.cli.options import AsJson

if TYPE_CHECKING:
    from headway.faces.cli.diagnosis import Finding

_NAME_WIDTH = 16
_LEVEL_WIDTH = 9


def doctor(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder that the panel would have.")] = None,
    as_json: AsJson = False,
) -> None:
    """Says what this machine has and lacks, and what to do about it.

    Exits with 0 when Headway can work here.
    """
    from headway.faces.cli.diagnosis import can_work, judge
    from headway.faces.cli.examination import examine

    findings = judge(examine(os.environ, data_dir))
    works = can_work(findings)
    if as_json:
        output.say_json({"canWork": works, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            for line in _lines(finding, shutil.get_terminal_size().columns):
                output.say(line)
        output.say()
        output.say("Headway can work here." if works else "Headway cannot work here before what is missing is there.")
    if not works:
        raise typer.Exit(1)


def _lines(finding: Finding, width: int) -> Iterator[str]:
    indent = _LEVEL_WIDTH + _NAME_WIDTH
    text = finding.detail + (f"\n-> {finding.advice}" if finding.advice else "")
    wrapped = [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, max(30, width - indent), break_on_hyphens=False, break_long_words=False)
    ]
    yield f"{output.painted(finding.level, _LEVEL_WIDTH)}{finding.name:<{_NAME_WIDTH}}{wrapped[0]}"
    for line in wrapped[1:]:
        yield " " * indent + line
