"""What going back would change: decided from what serves now and what would serve then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.features.edge.domain_snapshots import DomainChange, shown
from headway.features.edge.domains_model import DomainRequest
from headway.kernel.dataclass import dataclass
from headway.kernel.veil import veiled_addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is another afterwards. ``before`` and ``after`` are None where it is not there, and for a secret,
    of which only is told that it differs.
    """

    what: str
    name: str
    before: str | None
    after: str | None
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """Something that is saved otherwise than what serves runs with. ``by_restart``: what was built takes it up when it
    is started anew; else only a deploy does.
    """

    difference: Difference
    by_restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRelease:
    """A release as a preview names it."""

    release_id: str
    version: int
    image: str | None
    commit_hash: str | None
    commit_subject: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPreview:
    """What would serve (``to``) in place of what does (``now``; None: nothing does), what would differ, and sentences
    about what stays as it is.
    """

    to: NamedRelease
    now: NamedRelease | None
    differences: Sequence[Difference]
    stays: Sequence[str]


def of_variables(
    before: Mapping[str, str], after: Mapping[str, str], is_secret: Collection[str] = ()
) -> list[Difference]:
    """The variables that come, go or change; of those that are secret no value is told."""
    found = []
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            secret = name in is_secret
            was, becomes = (None if secret else values.get(name) for values in (before, after))
            found.append(Difference(what="variable", name=name, before=was, after=becomes, secret=secret))
    return found


def of_values(what: str, before: Mapping[str, str | None], after: Mapping[str, str | None]) -> list[Difference]:
    """Named values that come, go or change."""
    return [
        Difference(what=what, name=name, before=before.get(name), after=after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def of_domains(changes: Sequence[DomainChange], taken: Collection[DomainRequest]) -> list[Difference]:
    """The domains that come, are switched off or change; one that is somebody else's by now does not come."""
    return [
        Difference(
            what="domain",
            name=shown(each.after),
            before=None if each.before is None else _told(each.before),
            after="taken by somebody else" if each.after in taken else _told(each.after),
        )
        for each in changes
    ]


def masked(difference: Difference, mask: Callable[[str], str]) -> Difference:
    """The same without what must not show, and without what an address names before its host."""
    before, after = (
        None if text is None else mask(veiled_addresses(text)) for text in (difference.before, difference.after)
    )
    return replace(difference, before=before, after=after)


def as_text(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """A setting as a preview shows it."""
    if value is None or value in ("", (), [], {}):
        return None
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in sorted(value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(str, value))
    return str(value)


def _told(wish: DomainRequest) -> str:
    if not wish.enabled:
        return "off"
    parts = ["https" if wish.https else "http"]
    if wish.service_name:
        parts.append(f"to {wish.service_name}")
    if wish.port:
        parts.append(f"port {wish.port}")
    if wish.strip or wish.inner_path != "/":
        parts.append(f"as {wish.inner_path}{', path cut off' if wish.strip else ''}")
    return ", ".join(parts)
