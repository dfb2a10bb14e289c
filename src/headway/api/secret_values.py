"""The one place where answers lose their secrets, for whoever may not see them, and marks get them back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic_core import from_json, to_json

from headway.api.inputs import Input
from headway.api.redacted_files import unveiled_file, veiled_file
from headway.core.access.model import Actor, Role, Scope
from headway.kernel.variable_text import require_as_read
from headway.kernel.veil import (
    MARK,
    MarkUnknown,
    unveiled_address,
    unveiled_text,
    unveiled_variables,
    veiled_addresses,
    veiled_variables,
)

I = TypeVar("I", bound=Input)  # noqa: E741 - an input
T = TypeVar("T")
Row = Mapping[str, Any]

_VARIABLES = frozenset({"buildArgs", "buildSecrets", "env", "previewBuildArgs", "previewBuildSecrets", "previewEnv"})
_AS_READ = "envWas"
_WHOLE = frozenset({"content", "databasePassword", "databaseRootPassword", "externalUrl", "internalUrl"})
_FILES = frozenset({"composeFile"})
_ADDRESSES = frozenset({"customGitUrl"})
_HELD = _VARIABLES | _WHOLE | _FILES | _ADDRESSES
_MARKED = f"://{MARK}@"  # in any other text: an address whose user and password are veiled
_SIGNS = (b"://", *(f'"{name}":'.encode() for name in sorted(_HELD)))  # a body without these holds nothing to veil
_LEAST = Role.ADMIN  # the lowest role that may change any of them
_LONG = 16 << 10  # characters of a text that is looked through in a thread
_ONE_VARIABLE = ("before", "after", "value")  # of a release, or of what going back would change


async def shown_to(actor: Actor, answer: object) -> object:
    """An answer as the caller may see it."""
    if _is_shown_values(actor):
        return answer
    return await _apart(any(len(each) > _LONG for each in _texts(answer)), lambda: _veiled(answer))


def veiled(row: Row) -> Row:
    """A row as those see it who may see no secrets, whoever asked for it."""
    found = _veiled(row)
    assert isinstance(found, Mapping)  # noqa: S101 - of a row a row is made
    return found


async def encoded_for(actor: Actor, body: bytes) -> bytes:
    """An answer whose JSON is there already, as the caller may see it."""
    if _is_shown_values(actor):
        return body
    if len(body) <= _LONGEST_KEPT:
        return _veiled_before(body)
    return await asyncio.to_thread(_veiled_body, body)


async def unveiled(given: I, sent: Row, kept: Callable[[], Awaitable[Row | None]]) -> I:
    """An input with what is kept in place of each mark in it. ``sent`` is the input by its names on the wire, ``kept``
    finds the row that it changes (None: there is none yet). Raises MarkUnknown for a mark that stands for nothing, and
    VariablesChanged where one may, since the variables are not those that the caller has read.
    """
    marked = [name for name in _HELD & sent.keys() if isinstance(sent[name], str) and MARK in sent[name]]
    others = [name for name in sent.keys() - _HELD if any(_MARKED in each for each in _texts(sent[name]))]
    if not marked and not others:
        return given
    row = await kept() or {}
    require_as_read(str(row.get("env") or ""), sent.get(_AS_READ))  # what is gone since is no mark that was made up
    names = {field.alias or name: name for name, field in type(given).model_fields.items()}
    is_long = any(len(sent[each]) > _LONG or len(str(row.get(each) or "")) > _LONG for each in marked)
    found = await _apart(is_long, lambda: {names.get(each, each): _unveiled(each, sent[each], row) for each in marked})
    return given.model_copy(update=found | dict(_with_users(given, names, others, row)))


async def _apart(is_long: bool, work: Callable[[], T]) -> T:  # noqa: FBT001 - the one thing that it is told
    return await asyncio.to_thread(work) if is_long else work()


def _veiled_body(body: bytes) -> bytes:
    return to_json(_veiled(from_json(body))) if any(each in body for each in _SIGNS) else body


# A list is the same bytes until something is committed, and who polls asks for it again and again: to look through them
# takes fourteen times as long as all else that is done for it.
_LONGEST_KEPT = 256 << 10
_veiled_before = lru_cache(16)(_veiled_body)


def _is_shown_values(actor: Actor) -> bool:
    """Of whatever the caller sees: its key has the scope for that, and its role is one that may change them."""
    return actor.role >= _LEAST and actor.terms.hold(Scope.SECRETS)


def _veiled(value: object, name: str = "") -> object:
    match value:
        case str():
            return _veiled_text(name, value)
        case Mapping():
            row = {key: _veiled(each, key) for key, each in value.items()}
            if _is_variable(row):
                row |= {key: MARK for key in _ONE_VARIABLE if row.get(key)}
            return row
        case list() | tuple():
            return [_veiled(each) for each in value]
        case _:
            return value


def _veiled_text(name: str, text: str) -> str:
    if not text:
        return text
    if name in _VARIABLES:
        return veiled_variables(text)
    if name in _WHOLE:
        return MARK
    if name in _FILES:
        return veiled_file(text)
    return veiled_addresses(text)


def _with_users(given: Input, names: Mapping[str, str], wire: Iterable[str], row: Row) -> Iterator[tuple[str, object]]:
    """The fields of these names on the wire with the texts that are kept in place of those whose addresses are veiled.
    Raises MarkUnknown.
    """
    for each in wire:
        name, kept = names.get(each, each), dict[str, list[str]]()
        for text in _texts(row.get(each)):
            kept.setdefault(veiled_addresses(text), []).append(text)
        yield name, _with_kept(getattr(given, name), kept, each)


def _with_kept(value: object, kept: Mapping[str, list[str]], what: str) -> object:
    match value:
        case str():
            if _MARKED not in value:
                return value
            ours = kept.get(value)
            if not ours:
                raise MarkUnknown(f"An address in {what}")
            return ours.pop(0) if len(ours) > 1 else ours[0]  # those that are alike by their order
        case Input():
            own = {name: _with_kept(getattr(value, name), kept, what) for name in value.model_fields_set}
            return value.model_copy(update=own)
        case Mapping():
            return {key: _with_kept(each, kept, what) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_with_kept(each, kept, what) for each in value)
        case _:
            return value


def _texts(value: object) -> Iterator[str]:
    """All texts in a value of the wire."""
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _texts(each)
        case list() | tuple():
            for each in value:
                yield from _texts(each)


def _is_variable(row: Row) -> bool:
    return "secret" in row and ("value" in row or row.get("what") == "variable")


def _unveiled(name: str, sent: str, row: Row) -> str:
    kept = str(row.get(name) or "")
    if name in _VARIABLES:
        return unveiled_variables(sent, kept)
    if name in _WHOLE:
        return unveiled_text(sent, kept, name)
    if name in _FILES:
        return unveiled_file(sent, kept)
    return unveiled_address(sent, kept, name)
