"""Who acts: an organisation's owner, admin or member, known by an API key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever makes a call. ``projects`` are those that a member was given; owners and admins see all of theirs."""

    user_id: str
    organization_id: str
    role: Role
    api_key_id: str
    name: str
    projects: frozenset[str] = frozenset()
