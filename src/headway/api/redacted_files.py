"""Compose files as they are shown to whoever may not see secrets: with marks for what their services are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from headway.kernel.dataclass import dataclass
from headway.kernel.veil import MARK, MarkUnknown, veiled_addresses

if TYPE_CHECKING:
    import yaml

_LONGEST = 64 << 10  # characters that are read to know where the values stand; of a longer file nothing is shown
_TOLD = frozenset({"environment", "args", "content", "build_args"})
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class _Value:
    """A value in a file: the names that lead to it, where it stands, what it is, and as which type."""

    path: tuple[str, ...]
    start: int
    end: int
    text: str
    prefix: str = ""


@lru_cache(64)  # whoever polls is shown the same again and again
def veiled_file(text: str) -> str:
    """A file with a mark for each value of variables, build arguments and contents; a mark alone for one that cannot
    be read as YAML.
    """
    values = _values(text)
    if values is None:
        return MARK
    for each in sorted(values, key=lambda value: -value.start):
        text = text[: each.start] + json.dumps(each.prefix + MARK) + text[each.end :]
    return veiled_addresses(text)


def unveiled_file(sent: str, kept: str) -> str:
    """The file that was sent, with what is kept in place of each mark. Raises MarkUnknown."""
    if MARK not in sent:
        return sent
    if sent == veiled_file(kept):
        return kept
    stored = {each.path: each for each in _values(kept) or ()}
    for each in sorted(_values(sent) or (), key=lambda value: -value.start):
        if each.text == MARK:
            ours = stored.get(each.path)
            if ours is None:
                raise MarkUnknown(".".join(each.path))
            sent = sent[: each.start] + json.dumps(each.prefix + ours.text) + sent[each.end :]
    if MARK in sent:
        raise MarkUnknown("A part of the compose file")
    return sent


def _values(text: str) -> list[_Value] | None:
    """Where the values stand that services are told; None where that is not known."""
    import yaml  # noqa: PLC0415 - who shows no compose file never loads it

    if len(text) > _LONGEST:
        return None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if root is None:
        return []
    found: dict[tuple[int, int], _Value] = {}
    for value in _below(root, (), told=False, seen=set()):
        if value is None:
            return None
        found.setdefault((value.start, value.end), value)
    return list(found.values())


def _below(
    node: yaml.Node, path: tuple[str, ...], *, told: bool, seen: set[tuple[int, bool]]
) -> Iterator[_Value | None]:
    """The values in a node; None where it is too deep. ``seen`` holds what several places refer to."""
    import yaml  # noqa: PLC0415 - as above

    if (id(node), told) in seen:
        return
    seen.add((id(node), told))
    if len(path) > _DEEPEST:
        yield None
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            yield from _below(value, (*path, name), told=told or name in _TOLD, seen=seen)
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            if told and isinstance(value, yaml.ScalarNode):
                yield from _pair(value, path)
            else:
                yield from _below(value, (*path, str(at)), told=told, seen=seen)
    elif told and node.value:
        yield _Value(path, node.start_mark.index, node.end_mark.index, node.value)


def _pair(node: yaml.ScalarNode, path: tuple[str, ...]) -> Iterator[_Value]:
    """The value of ``NAME=value``, as lists of variables have them."""
    name, sign, value = node.value.partition("=")
    if sign and value:
        yield _Value((*path, name), node.start_mark.index, node.end_mark.index, value, f"{name}=")
