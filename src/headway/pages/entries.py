"""What is typed into a form as more than texts: what is chosen, what is secret, and what takes something away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from headway.api.problems import invalid
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Choice, Kind
from headway.pages.page import Visit

TEMPLATE = "web/templates/entries.html"
_LONGEST_WHOLE = 15


class Look(StrEnum):
    """How an entry is shown, and read. What is SECRET is never shown again, not even to who has just typed it."""

    TEXT = "text"
    CODE = "code"  # a line that a program reads
    WHOLE = "whole"
    SECRET = "secret"  # noqa: S105 - a look
    AREA = "area"
    SECRET_AREA = "secret-area"  # noqa: S105 - a look
    CHECK = "check"
    CHOICE = "choice"


# What they are to who asks what may be given back; what is typed into them is read by their looks.
_KINDS: Mapping[Look, Kind] = {
    Look.CHECK: Kind.FLAG,
    Look.SECRET: Kind.SECRET,
    Look.SECRET_AREA: Kind.SECRET_BLOCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in a form to type into, by the input's name on the wire. ``none`` is what choosing nothing is called,
    None where something has to be chosen. What is left empty is not given, but where it ``clears``: then it is given as
    null, or where it ``empties`` as no text, whichever takes away what was set. What most people leave as it is stands
    ``further`` down.
    """

    name: str
    label: str
    look: Look = Look.TEXT
    hint: str = ""
    options: Sequence[Choice] = ()
    none: str | None = None
    needed: bool = False
    clears: bool = False
    empties: bool = False
    further: bool = False


def fields_of(entries: Iterable[Entry]) -> Mapping[str, Kind]:
    """The fields of a form that has these entries: what is wrong with one is told beside it."""
    return {each.name: _KINDS.get(each.look, Kind.TEXT) for each in entries}


def takes(entries: Sequence[Entry]) -> Callable[[Visit, Mapping[str, str]], Awaitable[Mapping[str, object]]]:
    """Reads what was typed into these entries, and nothing else that was sent."""

    async def read(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
        return values_of(entries, typed)

    return read


def values_of(entries: Sequence[Entry], typed: Mapping[str, str]) -> Mapping[str, object]:
    """What was typed into these entries. Raises Problem for what is needed and was left empty."""
    found = {each.name: _value(each.look, typed.get(each.name)) for each in entries}
    missing = [each.name for each in entries if each.needed and found[each.name] is None]
    if missing:
        raise invalid([{"code": "custom", "path": [name], "message": "This is needed."} for name in missing])
    left = {each.name: "" if each.empties else None for each in entries if each.clears or each.empties}
    return left | {name: value for name, value in found.items() if value is not None}


def _value(look: Look, text: str | None) -> object:
    if look is Look.CHECK:
        return text is not None
    text = (text or "").replace("\r\n", "\n")
    if look in {Look.AREA, Look.SECRET_AREA}:
        return text if text.strip() else None
    text = text.strip()
    if look is Look.WHOLE and text.isdecimal() and text.isascii() and len(text) <= _LONGEST_WHOLE:
        return int(text)
    return text or None
