"""What the address of a service answered when its deployment was done, as the command line tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.faces.cli import output

_FAILS = 500


def answers_of(row: Mapping[str, Any]) -> str:
    """In words, "" where nobody was asked."""
    found = row.get("answers")
    if not found:
        return ""
    how = "no answer" if found["status"] is None else str(found["status"])
    return f"GET {found['path']}: {how} (after {found['ms']} ms)"


def warn_of_answers(row: Mapping[str, Any]) -> None:
    """Says that a deployment is done and its address answers with an error of the server, or not at all."""
    found = row.get("answers")
    if found and (found["status"] is None or found["status"] >= _FAILS):
        output.warn(f"warning: it serves, and a visitor gets an error there: {answers_of(row)}")
