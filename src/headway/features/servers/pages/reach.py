"""Whether a server answers, in a word, and what was found on it: nothing is said to be up that may not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.words import iso, moment

if TYPE_CHECKING:
    from headway.features.servers.api.rows import ServerRow

PURPOSES: Mapping[str, str] = {"deploy": "runs services", "build": "builds only"}
KEY_CHANGED = "The host key of "  # how the sentence of a changed key begins


def reach_of(row: ServerRow) -> Mapping[str, object]:
    """The state of the link to it, its word, since when that is so, and why."""
    found = row["reach"]
    if found["outOfReachSince"] is not None:
        return _told("unknown", "unknown", found["outOfReachSince"], found["why"] or "it does not answer")
    if row["sshKeyId"] is None:
        return _told("stopped", "has no SSH key", None, None)
    if found["lastSeenAt"] is None:
        return _told("pending", "added, not reached yet", row["createdAt"], found["why"])
    # In whole minutes: it is heard of every few seconds, and a page would be another one each time.
    seen = iso(moment(found["lastSeenAt"]).replace(second=0, microsecond=0))
    return _told("serving", "answers", seen, None)


def shows_another_key(row: ServerRow) -> bool:
    """Whether it is not entered because it shows another host key than it did."""
    return (row["reach"]["why"] or "").startswith(KEY_CHANGED)


def _told(state: str, word: str, at: str | None, why: str | None) -> Mapping[str, object]:
    return {"state": state, "word": word, "at": at, "why": why}
