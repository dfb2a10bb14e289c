"""What an answer to a script says of itself: whose it is, and for which files of ours, so that an open page of somebody
else's, or of before an upgrade, shows nothing of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from headway.core.access.model import Actor
from headway.http.answers import Answer

_DIGEST_BYTES = 6


def mark_of(actor: Actor) -> str:
    """Who looks, and at which organisation, as pages and answers say it: two words with a point between."""
    return f"{_digest(actor.user_id)}.{_digest(actor.organization_id)}"


def marked(answer: Answer, files: str, actor: Actor | None = None) -> Answer:
    """The answer, for pages with these files and, where it is somebody's, of this person."""
    own = ((b"x-headway-files", files.encode()),)
    mine = () if actor is None else ((b"x-headway-me", mark_of(actor).encode()),)
    return replace(answer, headers=(*answer.headers, *own, *mine))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
