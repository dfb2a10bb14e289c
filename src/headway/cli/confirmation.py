"""The question before something that cannot be taken back; standard output is for results, JSON above all."""

from __future__ import annotations

import typer

from headway.cli import output
from headway.cli.terminal import screened


def confirm(question: str) -> None:
    """Asks on standard error, and returns where somebody says yes. Raises typer.Abort."""
    with output.aside(wanted=True):  # the space behind a question is written to standard output, wherever that stands
        typer.confirm(screened(question), abort=True, err=True)
