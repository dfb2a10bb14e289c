"""Who acts: an organisation's owner, admin or member, known by an API key, and what that key is good for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What somebody is in an organisation; a higher role may do all that a lower one may."""

    MEMBER = 1
    ADMIN = 2
    OWNER = 3

    @property
    def word(self) -> str:
        """The role's name, in the database and on the wire."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Role:
        """The role with this name."""
        return cls[word.upper()]


class Scope(StrEnum):
    """What a key may be used for, within what its holder may do. ``admin`` holds all the others."""

    READ = "read"
    DEPLOY = "deploy"
    KILL = "kill"
    REMOVE = "remove"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many calls within each window of time."""

    calls: int
    window: timedelta

    @property
    def per_second(self) -> float:
        """What it allows in the long run."""
        return self.calls / self.window.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a key is good for, and until when. ``projects`` are the only ones that it opens (None: all that its holder
    may see); ``pending_as_running`` shows waiting deployments as running, for clients that know no other word.
    """

    scopes: frozenset[Scope] = frozenset(Scope)
    projects: frozenset[str] | None = None
    pending_as_running: bool = False
    expires_at: datetime | None = None
    rate: Rate | None = None

    def hold(self, scope: Scope | None) -> bool:
        """Whether the key is good for this; None asks for nothing."""
        return scope is None or scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a member was given: whole projects and single services."""

    projects: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever makes a call. A member was given whole ``projects`` and single ``services``; ``glimpsed`` are the
    projects that it knows by name only, for what it was given in them. Owners and admins see all of theirs.
    ``witness`` is told the project of what the caller was allowed to do something to.
    """

    user_id: str
    organization_id: str
    role: Role
    api_key_id: str
    name: str
    email: str | None = None
    projects: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    glimpsed: frozenset[str] = frozenset()
    terms: Terms = Terms()
    api_key_name: str = ""
    witness: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
