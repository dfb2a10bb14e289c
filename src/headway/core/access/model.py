"""Who acts: an organisation's owner, admin or member, known by an API key or a session, and what that is good for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from headway.kernel.dataclass import dataclass


class Role(IntEnum):
    """What somebody is in an organisation; a higher role may do all that a lower one may. A guest is nothing in none,
    and calls without a key.
    """

    GUEST = 0
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
    """What a key may be used for, within what its holder may do. ``admin`` holds all the others. ``secrets`` is shown
    the values of variables and whatever else is one; without it the names alone.
    """

    READ = "read"
    DEPLOY = "deploy"
    KILL = "kill"
    REMOVE = "remove"
    SECRETS = "secrets"
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

    @property
    def are_whole(self) -> bool:
        """Whether the key is good for all that its holder may do; one that is not knows no other organisation."""
        return self.hold(Scope.ADMIN) and self.projects is None

    def hold(self, scope: Scope | None) -> bool:
        """Whether the key is good for this; None asks for nothing."""
        return scope is None or scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a member was given: whole projects and single services."""

    projects: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()


class CredentialKind(StrEnum):
    """By what somebody is known: an API key, the session of who has signed in, or that they have the machine."""

    KEY = "key"
    SESSION = "session"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """By what a caller is known. ``is_confirmed``: it has shown lately that it is still who it was, which is never
    asked of a key. A session ends at ``ends_at``; the end of a key is one of its terms, for nothing that it makes
    outlasts it. ``by_provider``: its person has no password, and shows to the provider that it is them.
    """

    kind: CredentialKind
    id: str
    name: str = ""
    is_confirmed: bool = True
    ends_at: datetime | None = None
    by_provider: bool = False

    @classmethod
    def of_key(cls, api_key_id: str, name: str = "") -> Credential:
        """An API key."""
        return cls(kind=CredentialKind.KEY, id=api_key_id, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever makes a call, known by its ``credential``. A member was given whole ``projects`` and single ``services``;
    ``glimpsed`` are the projects that it knows by name only, for what it was given in them. Owners and admins see all
    of theirs. ``by_hand``: a person calls, by its own word. ``witness`` is told the project of what the caller was
    allowed to do something to, and its service. ``on_machine``: its role and organisation were given the machine;
    whether it may use it is asked of ``may_use_the_machine``. ``found_again`` looks who holds its key or session now;
    ``as_it_is`` asks that.
    """

    user_id: str
    organization_id: str
    role: Role
    credential: Credential
    name: str
    email: str | None = None
    projects: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    glimpsed: frozenset[str] = frozenset()
    terms: Terms = Terms()
    by_hand: bool = False
    on_machine: bool = False
    witness: Callable[[str, str | None], None] | None = field(default=None, compare=False, repr=False)
    found_again: Callable[[], Awaitable[Actor | None]] | None = field(default=None, compare=False, repr=False)

    @property
    def api_key_id(self) -> str | None:
        """The key that it calls with; None for who has signed in."""
        return self.credential.id if self.credential.kind is CredentialKind.KEY else None

    @property
    def api_key_name(self) -> str | None:
        """What that key is called; None for who has signed in."""
        return self.credential.name if self.credential.kind is CredentialKind.KEY else None

    @property
    def session_id(self) -> str | None:
        """The session by which it is known; None for a key."""
        return self.credential.id if self.credential.kind is CredentialKind.SESSION else None

    def seconds_left(self, now: datetime) -> float | None:
        """For how long it is still known, by the end of its key or session; None where that has no end."""
        ends = [each for each in (self.terms.expires_at, self.credential.ends_at) if each is not None]
        return max(0.0, (min(ends) - now).total_seconds()) if ends else None


GUEST = Actor(
    user_id="",
    organization_id="",
    role=Role.GUEST,
    credential=Credential.of_key(""),
    name="",
    terms=Terms(scopes=frozenset()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is shown: by the characters that it begins with."""

    api_key_id: str
    name: str
    prefix: str | None
    start: str | None
    user_id: str
    organization_id: str
    role: Role
    terms: Terms
    enabled: bool
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in an organisation. ``passive`` holds what clients keep there and Headway does not act on.
    ``by_groups``: each sign-in by the provider sets anew what they are.
    """

    member_id: str
    user_id: str
    organization_id: str
    role: Role
    name: str
    email: str | None
    grants: Grants
    passive: Mapping[str, Any]
    created_at: datetime
    second_factor: bool = False
    by_groups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A way into an organisation for whoever has its token, once and until it expires."""

    invitation_id: str
    organization_id: str
    inviter_id: str
    email: str
    role: Role
    grants: Grants
    status: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Somebody who has accepted an invitation, with a first key, which is shown this once."""

    invitation_id: str
    actor: Actor
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organisation, with the first of its owners."""

    organization_id: str
    name: str
    logo: str | None
    owner_id: str | None
    created_at: datetime
