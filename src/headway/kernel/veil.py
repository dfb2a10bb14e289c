"""Secrets as they are shown to whoever may not see them: a mark, which stands for what is kept when it is sent back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.variable_lines import VariableLine, variable_lines

MARK = "(hidden-secret)"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # what else stands there may be a line of a key that nobody has quoted
# A scheme is short: without a bound each letter of a long text would be the beginning of another.
_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,31})://(?P<user>[^/?#\s@\"']*(?:@[^/?#\s@\"']+)*)@", re.IGNORECASE)
_LONGEST_KEPT = 64 << 10  # characters: whoever polls is shown the same again and again
_LOGIN_ONLY = frozenset({"ssh", "git+ssh", "ssh+git"})  # where the name of an account alone is no secret


class MarkUnknown(InvalidInput):
    """A mark was sent for what has no kept value."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} was sent as {MARK}, which stands for the value that is kept, and there is none. Send the value "
            "itself; a key with the scope secrets is shown those that there are."
        )


def veiled_variables(text: str) -> str:
    """A text of variables with their names and a mark for each value and each comment."""
    return (_veiled_before if len(text) <= _LONGEST_KEPT else _veiled_variables)(text)


def unveiled_variables(sent: str, kept: str) -> str:
    """What was sent, with what is kept in place of each mark: of a variable by its name, of comments by their order.
    Raises MarkUnknown.
    """
    if MARK not in sent:
        return sent
    if sent == veiled_variables(kept):
        return kept
    stored: dict[str | None, list[_Line]] = {}
    for line in _lines(kept):
        if line.text:
            stored.setdefault(line.name, []).append(line)
    return "".join(_unveiled(line, stored) for line in _lines(sent))


def veiled_addresses(text: str) -> str:
    """A text with a mark for whatever addresses in it name before their host: a token, or a name and a password."""
    return _USER.sub(_without_user, text) if "://" in text and "@" in text else text


def unveiled_address(sent: str, kept: str, what: str) -> str:
    """The address that was sent, with what the kept one names before its host, where both have the same host and port:
    no other is ever told. Raises MarkUnknown.
    """
    if MARK not in sent:
        return sent
    found, ours = _USER.match(sent), _USER.match(kept)
    if found is None or ours is None or _place(sent) != _place(veiled_addresses(kept)):
        raise MarkUnknown(f"What {what} names before its host")
    return kept[: ours.end()] + sent[found.end() :]


def unveiled_text(sent: str, kept: str | None, what: str) -> str:
    """What is kept where a mark was sent, else what was sent. Raises MarkUnknown."""
    if sent != MARK:
        return sent
    if not kept:
        raise MarkUnknown(what)
    return kept


@dataclass(frozen=True, slots=True)
class _Line:
    """A variable or a comment as it stands in a text: between what comes before and after it."""

    before: str
    text: str
    after: str
    name: str | None
    value: str | None


def _veiled_variables(text: str) -> str:
    return "".join(_veiled(line) for line in _lines(text))


_veiled_before = lru_cache(64)(_veiled_variables)


def _lines(text: str) -> Iterator[_Line]:
    return map(_line, variable_lines(text))


def _line(line: VariableLine) -> _Line:
    inner = line.text.strip()
    at = line.text.index(inner) if inner else len(line.text)
    name = line.name if line.name and _NAME.fullmatch(line.name) else None
    return _Line(line.text[:at], inner, line.text[at + len(inner) :], name, line.value)


def _veiled(line: _Line) -> str:
    if line.name is not None:
        shown = line.name if line.value is None else f"{line.name}={MARK}"
    else:
        shown = f"#{MARK}" if line.text else ""
    return line.before + shown + line.after


def _unveiled(line: _Line, stored: dict[str | None, list[_Line]]) -> str:
    marked = line.value == MARK if line.name is not None else line.text == f"#{MARK}"
    if not marked:
        if MARK in line.text:
            raise MarkUnknown("A part of a variable" if line.name is None else f"A part of {line.name}")
        return line.before + line.text + line.after
    ours = stored.get(line.name)
    if not ours:
        raise MarkUnknown("A comment" if line.name is None else line.name)
    return line.before + (ours.pop(0) if len(ours) > 1 else ours[0]).text + line.after


def _without_user(found: re.Match[str]) -> str:
    scheme, user = found["scheme"], found["user"]
    if not user or (":" not in user and scheme.lower() in _LOGIN_ONLY):
        return found[0]
    return f"{scheme}://{MARK}@"


def _place(address: str) -> str:
    """Everything of an address up to the end of its host and port."""
    found = _USER.match(address)
    end = 0 if found is None else found.end()
    return (address[:end] + re.split(r"[/?#]", address[end:], maxsplit=1)[0]).lower()
