"""The settings of a service in words, and as its forms are filled with them: from the row of the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headway.features.services.pages.service_fields import Setting
from headway.features.services.pages.settings_topics import Topic
from headway.kernel.dataclass import dataclass
from headway.pages.forms import Kind
from headway.pages.words import size

_BYTES = frozenset({"memoryLimit", "memoryReservation", "keepReleasesBytes"})
_KEPT: Mapping[str, str] = {"webhookSecret": "hasWebhookSecret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """A setting as it is shown; ``text`` is "" where it is not set. What is ``long`` is shown as a text of its own."""

    label: str
    text: str
    long: bool = False


def shown_values(topic: Topic, row: Mapping[str, object], names: Mapping[str, str]) -> Sequence[ShownSetting]:
    """The settings of a topic; ``names`` are what ids stand for."""
    return [_shown(name, each, row, names) for name, each in topic.fields.items()]


def _shown(name: str, shape: Setting, row: Mapping[str, object], names: Mapping[str, str]) -> ShownSetting:
    value = value_of(row, name)
    if shape.kind is Kind.SECRET:
        is_kept = bool(row.get(_KEPT.get(name, "")))
        return ShownSetting(label=shape.label, text="kept encrypted, and not shown" if is_kept else "")
    if shape.kind is Kind.FLAG:
        return ShownSetting(label=shape.label, text="yes" if value else "no")
    text = typed_text(shape.kind, value)
    if shape.options is not None:
        text = dict(shape.options).get(text, names.get(text, text)) if text else ""
    if name in _BYTES and text.isdecimal():
        text = size(int(text))
    return ShownSetting(label=shape.label, text=text, long=shape.kind is Kind.BLOCK)


def typed_of(topic: Topic, row: Mapping[str, object]) -> Mapping[str, str]:
    """The fields of a topic as they are filled with what is set: all but secrets."""
    return {
        name: typed_text(each.kind, value_of(row, name))
        for name, each in topic.fields.items()
        if each.kind is not Kind.SECRET
    }


def value_of(row: Mapping[str, object], name: str) -> object:
    """What a field has on the row; what stands before a dot is an object there."""
    outer, dot, inner = name.partition(".")
    value = row.get(outer)
    if not dot:
        return value
    return value.get(inner) if isinstance(value, Mapping) else None


def typed_text(kind: Kind, value: object) -> str:
    """A value as one would type it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else ""
        case float():
            return f"{value:g}"
        case Mapping():
            return "\n".join(f"{name}={each}" for name, each in value.items())
        case str() | int():
            return str(value)
        case Sequence():
            return "\n".join(map(str, value))
        case _:
            raise TypeError(f"{kind} shows no {type(value).__name__}")
