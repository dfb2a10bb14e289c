"""The words in which the table of access is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun

QUERY, MUTATION = "GET", "POST"


class Place(Enum):
    """Where the thing that a procedure is called with lies; ``OWN``: it is called with none, or makes one there."""

    SERVICE = auto()
    PROJECT = auto()
    GLIMPSED = auto()  # as PROJECT, and known to whoever was given something in it
    ORGANISATION = auto()
    HELD = auto()  # it is the owner's own
    MINE = auto()  # as HELD, and nobody else knows of it, nor a key that is good for some projects only
    OWN = auto()
    ACCOUNT = auto()  # as OWN, and about all that the caller may do: for no key that is good for some projects only
    TRUSTED = auto()  # as OWN, for owners whom the panel's first organisation trusts


@dataclass(frozen=True)
class Row:
    """How a procedure is called (names in braces are of things that the owner's organisation has), the lowest role and
    the scope that it needs (None: any key), and where the thing lies. ``noun`` is given where what is missed is
    another thing than the procedure's own.
    """

    method: str
    given: Mapping[str, str | bool | int | list[str]]
    least: Role
    scope: Scope | None
    place: Place = Place.SERVICE
    noun: Noun | None = None


GUEST, MEMBER, ADMIN, OWNER = Role
READ, DEPLOY, KILL, REMOVE, SET, ANY = Scope.READ, Scope.DEPLOY, Scope.KILL, Scope.REMOVE, Scope.ADMIN, None
SERVICE, IN_PROJECT, GLIMPSED, ORGANISATION, HELD, MINE, OWN, ACCOUNT, TRUSTED = Place
