"""Who uses a thing, as the question of its removal names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headway.pages.forms import Thing
from headway.pages.words import cut

MOST = 20
_KINDS: Mapping[str, str] = {"application": "application", "compose": "compose service"}


def things_of(users: Sequence[Mapping[str, Any]]) -> Sequence[Thing]:
    """Rows of ``UserRow``: each with the way to it, as many as a question names."""
    return [_thing(each) for each in users[:MOST]]


def told_of(total: int) -> str:
    """How many use it, above those that are named."""
    if total == 0:
        return "Nothing uses it."
    if total > MOST:
        return f"{total:,} use it, of which {MOST} are named below."
    return "One uses it, which is named below." if total == 1 else f"{total} use it, which are named below."


def _thing(row: Mapping[str, Any]) -> Thing:
    if row["kind"] == "server":
        return Thing(label=row["name"], standing="server", path=f"/servers/{row['id']}")
    place, kind = row["environment"], _KINDS.get(row["kind"], row["kind"])
    where = f"{kind} in {cut(place['project']['name'], 40)}, {cut(place['name'], 40)}"
    return Thing(label=row["name"], standing=where, path=f"/services/{row['id']}")
