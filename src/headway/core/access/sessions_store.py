"""Reads and writes of sessions: by digest only, so that whoever reads the database can use none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, inspect, or_, select, update

from headway.core.access.model import Actor, Credential, CredentialKind, Terms
from headway.core.access.people_store import Person
from headway.core.access.session import Session, Stage, Visitor
from headway.core.access.store import actor_by
from headway.infra.db.tables.access import (
    identities,
    links,
    members,
    organizations,
    recovery_codes,
    sessions,
    sign_in_failures,
    users,
)
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id

LASTING = timedelta(days=30)
IDLE = timedelta(days=7)
HALF_LASTING = timedelta(minutes=5)
CONFIRMED_FOR = timedelta(minutes=10)
_LONGEST_AGENT, _LONGEST_ADDRESS = 200, 100

_c = sessions.c
_HOLDERS = (
    select(*(column for column in _c if column.name != "digest"), users.c.name, users.c.email, members.c.member_id)
    .add_columns(members.c.role, identities.c.issuer)
    .join(users, users.c.user_id == _c.user_id)
    .join(members, (members.c.user_id == _c.user_id) & (members.c.organization_id == _c.organization_id))
    .outerjoin(identities, identities.c.user_id == _c.user_id)
)


def actor_of(tx: Tx, digest: str) -> Actor | None:
    """Whoever has the whole session with this digest; None where there is none, it is over, or its person has left."""
    row = tx.execute(_HOLDERS.where(_c.digest == digest, *_lives(tx, Stage.WHOLE))).one_or_none()
    if row is None:
        return None
    credential = Credential(
        kind=CredentialKind.SESSION,
        id=row.session_id,
        name=row.agent,
        is_confirmed=row.confirmed_at > tx.now - CONFIRMED_FOR,
        ends_at=min(row.expires_at, row.seen_at + IDLE),
        by_provider=row.issuer is not None,
    )
    # A session is good for all that its person may do; a person calls, whose hand is on it.
    return actor_by(tx, row, credential, Terms(), by_hand=True)


def half_of(tx: Tx, digest: str) -> Row[Any] | None:
    """The half session with this digest, None where there is none that still counts."""
    return tx.execute(_HOLDERS.where(_c.digest == digest, *_lives(tx, Stage.HALF))).one_or_none()


def add(
    tx: Tx, digest: str, person: Person, stage: Stage, visitor: Visitor, *, lasting: timedelta | None = None
) -> datetime:
    """Keeps a new session of somebody, which is to last no longer than this, and gives its end."""
    usual = LASTING if stage is Stage.WHOLE else HALF_LASTING
    ends_at = tx.now + (usual if lasting is None else min(usual, lasting))
    tx.execute(
        insert(sessions).values(
            session_id=new_id(),
            digest=digest,
            user_id=person.user_id,
            organization_id=person.organization_id,
            stage=stage.value,
            created_at=tx.now,
            seen_at=tx.now,
            confirmed_at=tx.now,
            expires_at=ends_at,
            address=_printable(visitor.address)[:_LONGEST_ADDRESS],
            agent=clipped(visitor.agent),
        )
    )
    return ends_at


def hold(tx: Tx, session_id: str) -> bool:
    """Whether the session is still there; nobody else ends it until the transaction does."""
    return tx.execute(update(sessions).where(_c.session_id == session_id).values(user_id=_c.user_id)).rowcount > 0


def move(tx: Tx, session_id: str, organization_id: str, digest: str) -> bool:
    """The session is in another organisation of its person's from now on, and has another token. It ends when it would
    have, and who has confirmed that it is them has done so.
    """
    here = update(sessions).where(_c.session_id == session_id)
    return tx.execute(here.values(organization_id=organization_id, digest=digest)).rowcount > 0


def end(tx: Tx, session_id: str) -> bool:
    """The session counts no more; of two who end it at the same time one did."""
    return tx.execute(delete(sessions).where(_c.session_id == session_id)).rowcount > 0


def end_all(tx: Tx, user_id: str, *, but: str | None = None) -> None:
    """All sessions of a person count no more, half ones too, but for the one with this id."""
    others = [] if but is None else [_c.session_id != but]
    tx.execute(delete(sessions).where(_c.user_id == user_id, *others))


def sessions_of(tx: Tx, user_id: str) -> list[Session]:
    """The whole sessions of a person that still count, the last one that was seen first."""
    asked = (
        select(sessions, organizations.c.name.label("organization_name"))
        .join(organizations, organizations.c.organization_id == _c.organization_id)
        .where(_c.user_id == user_id, *_lives(tx, Stage.WHOLE))
        .order_by(_c.seen_at.desc(), _c.session_id)
    )
    return [
        Session(
            session_id=row.session_id,
            user_id=row.user_id,
            organization_id=row.organization_id,
            organization_name=row.organization_name,
            created_at=row.created_at,
            seen_at=row.seen_at,
            ends_at=min(row.expires_at, row.seen_at + IDLE),
            address=row.address,
            agent=row.agent,
        )
        for row in tx.execute(asked)
    ]


def confirm(tx: Tx, session_id: str) -> None:
    """Its person has just shown that it is still who it was."""
    tx.execute(update(sessions).where(_c.session_id == session_id).values(confirmed_at=tx.now))


def save_uses(tx: Tx, uses: Mapping[str, datetime]) -> None:
    """Keeps when sessions were last seen; what another panel saw later stays."""
    for session_id, at in uses.items():
        tx.execute(update(sessions).where(_c.session_id == session_id, _c.seen_at < at).values(seen_at=at))


def remove_over(tx: Tx) -> None:
    """Removes what counts no more."""
    tx.execute(delete(sessions).where(or_(_c.expires_at <= tx.now, _c.seen_at <= tx.now - IDLE)))


def clipped(agent: str) -> str:
    """What a browser calls itself, as it is kept."""
    return _printable(agent)[:_LONGEST_AGENT]


def forget_all(tx: Tx) -> None:
    """A database that was put back from a copy lets nobody in by what was good when that was made: sessions that have
    ended since, links and recovery codes that were used, links to deployments that were revoked. One of before there
    were any has nothing to forget.
    """
    known = inspect(tx.connection).get_table_names()
    for table in (sessions, links, recovery_codes, sign_in_failures, deployment_links):
        if table.name in known:
            tx.execute(delete(table))


def _lives(tx: Tx, stage: Stage) -> tuple[ColumnElement[bool], ...]:
    return _c.stage == stage.value, _c.expires_at > tx.now, _c.seen_at > tx.now - IDLE


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)
