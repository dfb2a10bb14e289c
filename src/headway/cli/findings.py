"""How findings are told on a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from headway.cli import output

if TYPE_CHECKING:
    from headway.cli.diagnosis import Finding

_NAME_WIDTH = 16
_LEVEL_WIDTH = 9
_NARROWEST = 30


def say_findings(findings: Iterable[Finding]) -> None:
    """Each with its level and its advice, in the width of the terminal."""
    for finding in findings:
        for line in _lines(finding, shutil.get_terminal_size().columns):
            output.say(line)


def _lines(finding: Finding, width: int) -> Iterator[str]:
    indent = _LEVEL_WIDTH + _NAME_WIDTH
    text = finding.detail + (f"\n-> {finding.advice}" if finding.advice else "")
    wrapped = [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, max(_NARROWEST, width - indent), break_on_hyphens=False, break_long_words=False)
    ]
    yield f"{output.painted(finding.level, _LEVEL_WIDTH)}{finding.name:<{_NAME_WIDTH}}{wrapped[0]}"
    for line in wrapped[1:]:
        yield " " * indent + line
