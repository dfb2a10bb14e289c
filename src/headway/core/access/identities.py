"""Who a provider says that somebody is, and what its groups make of them here: records and pure rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from headway.core.access.model import Role
from headway.kernel.dataclass import dataclass

MOST_RULES = 200
_MOST_GROUPS = 2_000
_LONGEST_GROUP = 255
_LONGEST_NAME = 255
_NAMES = ("name", "preferred_username", "email", "sub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody as a provider knows them. ``email`` is shown, and nobody is known by it."""

    issuer: str
    subject: str
    name: str
    email: str | None
    groups: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """What those have in an organisation who are in a group of the provider's."""

    group_rule_id: str
    organization_id: str
    name: str
    role: Role
    projects: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """What somebody is in an organisation by their groups, and which projects they are given."""

    role: Role
    projects: frozenset[str]


def identity_of(claims: Mapping[str, object], issuer: str, groups_claim: str) -> Identity:
    """Who these claims tell of, which have been verified."""
    subject = str(claims["sub"])
    told = (_shown(claims.get(name)) for name in _NAMES)
    email = claims.get("email")
    return Identity(
        issuer=issuer,
        subject=subject,
        name=next((each for each in told if each), "Somebody"),
        email=_shown(email).lower() if isinstance(email, str) and "@" in email else None,
        groups=_groups(_claim(claims, groups_claim)),
    )


def belongings(rules: Iterable[GroupRule], groups: Collection[str]) -> Mapping[str, Belonging]:
    """What these groups make of somebody, by organisation: the highest role, and all projects together."""
    found: dict[str, Belonging] = {}
    for rule in rules:
        if rule.name not in groups:
            continue
        had = found.get(rule.organization_id, Belonging(role=rule.role, projects=frozenset()))
        found[rule.organization_id] = Belonging(role=max(had.role, rule.role), projects=had.projects | rule.projects)
    return found


def _claim(claims: Mapping[str, object], path: str) -> object:
    """A claim by its name, which may have dots; else by its path through others."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _groups(told: object) -> frozenset[str]:
    if isinstance(told, str):
        told = [told]
    if not isinstance(told, list):
        return frozenset()
    return frozenset(each for each in told[:_MOST_GROUPS] if isinstance(each, str) and 0 < len(each) <= _LONGEST_GROUP)


def _shown(told: object) -> str:
    """A text as people are shown it; "" where it is none."""
    if not isinstance(told, str):
        return ""
    plain = "".join(each if each.isprintable() else " " for each in told)
    return " ".join(plain.split())[:_LONGEST_NAME]
