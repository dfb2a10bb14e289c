"""Records of signing in: how far somebody has come in, and what they are told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from headway.kernel.dataclass import dataclass


class Stage(StrEnum):
    """How far somebody has come in: ``half`` has given a password and owes a code."""

    HALF = "half"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that has just been made. Its token is shown this once; the database keeps a digest."""

    token: str
    stage: Stage
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """From where somebody signs in: the address of the peer, and what the browser calls itself."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTold:
    """Whom a link is for: the name of the user, and the sign-in name that they have already, if any."""

    user_name: str
    sign_in_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as its person sees it."""

    session_id: str
    user_id: str
    organization_id: str
    organization_name: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str
