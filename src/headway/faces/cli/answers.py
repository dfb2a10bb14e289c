"""What the address of a service answered when its deployment was done, as the command line tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from headway.faces.cli import output

_FAILS = 500
_REFUSES_HOST = (400, 421)


def answers_of(row: Mapping[str, Any]) -> str:
    """In words, "" where nobody was asked."""
    found = row.get("answers")
    if not found:
        return ""
    how = "no answer" if found["status"] is None else str(found["status"])
    return f"GET {found['path']}: {how} (after {found['ms']} ms)"


def warn_of_answers(row: Mapping[str, Any], name: str, address: str) -> None:
    """Says that a deployment is done and its address answers with an error, or not at all; of what refuses its own
    host, how that is mended.
    """
    found = row.get("answers")
    if not found:
        return
    if found["status"] in _REFUSES_HOST:
        set_ = f"headway env set {name} ALLOWED_HOSTS={urlsplit(address).hostname or 'HOST'}"
        output.warn(
            f"warning: it serves, and refuses its visitors: {answers_of(row)}. Where it answers for certain hosts "
            f"only, its own has to be one of them; Django's settings mostly read them from a variable: {set_}"
        )
    elif found["status"] is None or found["status"] >= _FAILS:
        output.warn(f"warning: it serves, and a visitor gets an error there: {answers_of(row)}")
