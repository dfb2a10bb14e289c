"""What the address of a service answered when its deployment was done, as the command line tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from headway.cli import output

_FAILS = 500


def answers_of(row: Mapping[str, Any]) -> str:
    """In words, "" where nobody was asked."""
    found = row.get("answers")
    if not found:
        return ""
    how = "no answer" if found["status"] is None else str(found["status"])
    return f"GET {found['path']}: {how} (after {found['ms']} ms)"


def warn_of_answers(row: Mapping[str, Any], name: str, address: str) -> None:
    """Says that a deployment is done and its address answers with an error, or not at all; of what seems not to know
    where it is, how that is mended.
    """
    found = row.get("answers")
    if not found:
        return
    host = urlsplit(address).hostname or "HOST"
    answered = answers_of(row)
    match found.get("trouble"):
        case "host":
            output.warn(
                f"warning: it serves, and answers as programs do that refuse hosts which they do not know: {answered}. "
                "Its own has to be one of them then; Django's settings mostly read them from a variable: "
                f"headway env set {name} ALLOWED_HOSTS={host}"
            )
        case "https":
            output.warn(
                f"warning: it serves, and sends its visitors to https://{host}, which has no HTTPS here: {answered}. "
                f"Give it a domain that has (headway domains add {name} HOST --letsencrypt), or have it stay with "
                "HTTP; Django's settings often read that from a variable: "
                f"headway env set {name} SECURE_SSL_REDIRECT=False"
            )
        case "loop":
            output.warn(
                f"warning: it serves, and sends who comes by HTTPS to the same address again: {answered}. It has to "
                "heed X-Forwarded-Proto: by SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https') in Django's "
                "settings, by app.set('trust proxy', 1) in Express"
            )
        case _ if found["status"] is None or found["status"] >= _FAILS:
            output.warn(f"warning: it serves, and a visitor gets an error there: {answered}")
