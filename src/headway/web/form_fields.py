"""What was typed into a form, as values of its operation's input, and what was wrong with it, field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from headway.api.issues import Issue
from headway.api.problems import invalid
from headway.pages.entries import Entry
from headway.pages.forms import Form, Kind, Question
from headway.pages.words import label

SEEN = "seen"
"""The field that tells what was shown, of a form that saves the whole of it."""
NOT_EMPTIED = "This cannot be left empty."
AWAY = "away."
"""What the tick is called by, before the field's name, that takes away what a field never shows."""
ONE_OF_BOTH = "Type another one or take it away, not both."
_LONGEST_NUMBER = 15
_SECRETS = frozenset({Kind.SECRET, Kind.SECRET_BLOCK})
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def values_of(form: Form, typed: Mapping[str, str]) -> Mapping[str, object]:
    """The values of the form's fields, and of nothing else that was sent. What is empty is not given, but where that
    takes it away.
    """
    found = {name: _value(kind, typed.get(name)) for name, kind in form.fields.items()}
    return _as_objects({name: value for name, value in found.items() if value is not None or name in form.clears})


def _as_objects(found: Mapping[str, object]) -> Mapping[str, object]:
    """The same, with an object for each name before a dot."""
    values = {name: value for name, value in found.items() if "." not in name}
    for name in found.keys() - values.keys():
        within, _, own = name.partition(".")
        held = values.setdefault(within, {})
        if isinstance(held, dict):
            held[own] = found[name]
    return values


def with_emptied(
    form: Form,
    question: Question,
    typed: Mapping[str, str],
    values: Mapping[str, object],
    taken: Collection[str],
) -> Mapping[str, object]:
    """The values with what takes away those that the question showed and that came empty. Raises Problem where one
    cannot be taken away: what is not given stays as it was, which would pass for saved. ``taken`` are the names that
    its operation knows: what the form makes of another is its own affair.
    """
    if form.suggests:
        return values
    emptied = [
        name
        for name, kind in form.fields.items()
        if kind not in _SECRETS | {Kind.FLAG}
        and question.values.get(name, "").strip()
        and not typed.get(name, "absent").strip()
        and not _has(values, name)
        and (form.takes is None or name in taken)
    ]
    if stuck := [name for name in emptied if name not in form.empties]:
        raise invalid([{"code": "custom", "path": name.split("."), "message": NOT_EMPTIED} for name in stuck])
    return {**values, **{name: form.empties[name] for name in emptied}}


def with_taken_away(form: Form, typed: Mapping[str, str], values: Mapping[str, object]) -> Mapping[str, object]:
    """The values with what takes away those that are never shown and beside which that was ticked. Raises Problem where
    another one was typed all the same.
    """
    ticked = [name for name in form.away if AWAY + name in typed]
    if both := [name for name in ticked if typed.get(name, "").strip()]:
        raise invalid([{"code": "custom", "path": name.split("."), "message": ONE_OF_BOTH} for name in both])
    return {**values, **{name: value for each in ticked for name, value in form.away[each].items()}}


def _has(values: Mapping[str, object], name: str) -> bool:
    within, _, own = name.partition(".")
    held = values.get(within)
    return name in values or (isinstance(held, Mapping) and own in held)


def kept_of(form: Form, typed: Mapping[str, str]) -> Mapping[str, str]:
    """What was typed, to be shown again; secrets are typed anew."""
    return {name: typed.get(name, "") for name, kind in form.fields.items() if kind not in _SECRETS}


def returned_of(form: Form, typed: Mapping[str, str]) -> Mapping[str, str]:
    """What was typed that is given back to be sent once more, as it was: fields of the form that are no secrets, and
    what was ticked of one that holds several; and what tells what was shown, of a form that saves the whole of it.
    """
    shown = {name for name, kind in form.fields.items() if kind not in _SECRETS} | ({SEEN} if form.whole else set())
    shown |= {AWAY + name for name in form.away}
    return {
        name: text
        for name, text in typed.items()
        if text and (name in shown or (name not in form.fields and name.partition(".")[0] in shown))
    }


def told_of(issues: Sequence[Issue], fields: Mapping[str, Kind]) -> tuple[Mapping[str, str], str]:
    """What is wrong with each field, and with all else, as sentences."""
    at: dict[str, list[str]] = {}
    for issue in issues:
        name = ".".join(str(each) for each in issue["path"][:2])
        name = name if name in fields else str(issue["path"][0]) if issue["path"] else ""
        at.setdefault(name if name in fields else "", []).append(_sentence(str(issue["message"]), name, fields))
    return {name: " ".join(said) for name, said in at.items() if name}, " ".join(at.get("", ()))


def wrong_of(question: Question, fields: Mapping[str, Kind], issues: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """The fields that something is wrong with, in the order in which they stand, each by what it is called."""
    entries = question.more.get("entries")
    listed = entries if isinstance(entries, Sequence) else ()
    words = {each.name: each.label for each in listed if isinstance(each, Entry)}
    words |= {name: each.label for name, each in question.fields.items() if each.label}
    words |= {"typed": "What has to be typed"}
    found = (name for name in dict.fromkeys((*fields, *issues)) if name in issues)
    return [{"name": name, "label": words.get(name) or label(name)} for name in found]


def _sentence(message: str, name: str, fields: Mapping[str, Kind]) -> str:
    told = message.removeprefix("Invalid input: ")
    told = told[:1].upper() + told[1:]
    told = told if told.endswith(".") else f"{told}."
    return told if name in fields or not name else f"{name}: {told}"


def _value(kind: Kind, text: str | None) -> object:
    if kind is Kind.FLAG:
        return text is not None
    text = (text or "").replace("\r\n", "\n").strip()
    if not text:
        return None
    match kind:
        case Kind.TEXT | Kind.BLOCK | Kind.SECRET | Kind.SECRET_BLOCK:
            return text
        case Kind.WHOLE | Kind.NUMBER:
            return _number(kind, text)
        case Kind.LINES:
            return _lines(text)
        case Kind.PAIRS:
            return _pairs(text)
        case Kind.COUNTS:
            return {name: _number(Kind.WHOLE, value) for name, value in _pairs(text).items()}


def _number(kind: Kind, text: str) -> object:
    """The number that was typed; what is none is told by the operation."""
    if len(text) > _LONGEST_NUMBER or not text.isascii():
        return text
    if kind is Kind.NUMBER:
        return float(text) if _NUMBER.fullmatch(text) else text
    return int(text) if text.removeprefix("-").isdecimal() else text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _pairs(text: str) -> dict[str, str]:
    parts = (line.partition("=") for line in _lines(text))
    return {name.strip(): value.strip() for name, _, value in parts}
