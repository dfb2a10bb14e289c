"""Reads and writes of how people sign in: their names and passwords, and the links that set them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from headway.core.access.session import LinkTold
from headway.infra.db.tables.access import links, members, passwords, users
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.ids import new_id

LINK_LASTING = timedelta(hours=1)

_p, _l = passwords.c, links.c


class Purpose(StrEnum):
    """What a link is for: the panel's first password, another one in place of what is lost, or that and no second
    factor any more.
    """

    FIRST = "first"
    RESET = "reset"
    RESET_ALL = "reset all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as a member of an organisation, with what they sign in by where they do."""

    user_id: str
    organization_id: str
    role: str
    name: str
    email: str | None
    sign_in_name: str | None
    hash: str | None


_PEOPLE = (
    select(users.c.user_id, users.c.name, users.c.email, members.c.organization_id, members.c.role)
    .add_columns(_p.sign_in_name, _p.hash)
    .join(members, members.c.user_id == users.c.user_id)
    .outerjoin(passwords, _p.user_id == users.c.user_id)
    .order_by(members.c.created_at, members.c.member_id)
)


def lock(tx: Tx, user_id: str) -> None:
    """Nobody else changes how this person signs in, nor opens a session by it, until the transaction ends. What it goes
    by is read after this: whoever had read a password before it was changed would open a session that outlives it.
    """
    tx.lock(f"access.person.{user_id}")


def person_called(tx: Tx, sign_in_name: str) -> Person | None:
    """Who signs in with this name, in the organisation that they came to first."""
    return next(iter(_people(tx, _p.sign_in_name == sign_in_name)), None) if _can_be_kept(sign_in_name) else None


def person_of(tx: Tx, user_id: str) -> Person | None:
    """The user in the organisation that they came to first, None where they are in none."""
    return next(iter(_people(tx, users.c.user_id == user_id)), None)


def people_named(tx: Tx, named: str, sign_in_name: str) -> list[Person]:
    """Whoever has this sign-in name, else whoever has this id, address or name."""
    if not _can_be_kept(named):
        return []
    for where in (_p.sign_in_name == sign_in_name, or_(users.c.user_id == named, users.c.email == sign_in_name)):
        if found := _people(tx, where):
            return found
    return _people(tx, users.c.name == named)


def is_taken(tx: Tx, sign_in_name: str, user_id: str) -> bool:
    """Whether somebody else signs in with this name. Nobody else takes it until the transaction ends."""
    tx.lock("access.sign_in_names")
    holder = tx.scalar(select(_p.user_id).where(_p.sign_in_name == sign_in_name))
    return holder is not None and holder != user_id


def has_passwords(tx: Tx) -> bool:
    """Whether anybody has a password."""
    return tx.scalar(select(_p.user_id).limit(1)) is not None


def set_password(tx: Tx, user_id: str, sign_in_name: str, hashed: str) -> None:
    """How this user signs in from now on."""
    values = {"sign_in_name": sign_in_name, "hash": hashed, "changed_at": tx.now}
    if not tx.execute(update(passwords).where(_p.user_id == user_id).values(**values)).rowcount:
        tx.execute(insert(passwords).values(user_id=user_id, **values))


def rename(tx: Tx, user_id: str, name: str) -> None:
    """The user is called this from now on."""
    tx.execute(update(users).where(users.c.user_id == user_id).values(name=name))


def add_link(tx: Tx, digest: str, purpose: Purpose, user_id: str) -> None:
    """Keeps a new link; an earlier one of this user that was not used counts no more."""
    tx.execute(update(links).where(_l.user_id == user_id, _l.expires_at > tx.now).values(expires_at=tx.now))
    tx.execute(
        insert(links).values(
            link_id=new_id(),
            digest=digest,
            purpose=purpose.value,
            user_id=user_id,
            created_at=tx.now,
            expires_at=tx.now + LINK_LASTING,
        )
    )


def had_links(tx: Tx) -> bool:
    """Whether there has ever been a link, as far as this database knows."""
    return tx.scalar(select(_l.link_id).limit(1)) is not None


def link_of(tx: Tx, digest: str) -> LinkTold | None:
    """Whom the link is for; None where there is none that can be used."""
    person = _holder(tx, digest)
    return None if person is None else LinkTold(user_name=person.name, sign_in_name=person.sign_in_name)


def take_link(tx: Tx, digest: str) -> tuple[Person, Purpose] | None:
    """Whom the link is for, which is used up; None where there is none that can be used. Of two who take it at the
    same time one gets it.
    """
    waits = _l.digest == digest, _l.used_at.is_(None), _l.expires_at > tx.now
    if not tx.execute(update(links).where(*waits).values(used_at=tx.now)).rowcount:
        return None
    row = tx.execute(select(_l.user_id, _l.purpose).where(_l.digest == digest)).one()
    lock(tx, row.user_id)
    person = person_of(tx, row.user_id)
    return None if person is None else (person, Purpose(row.purpose))


def remove_over(tx: Tx) -> None:
    """Removes links that count no more. The first one stays: it says that there was one."""
    over = or_(_l.expires_at <= tx.now, _l.used_at.is_not(None))
    tx.execute(delete(links).where(over, _l.purpose != Purpose.FIRST.value))


def _holder(tx: Tx, digest: str) -> Person | None:
    waits = _l.digest == digest, _l.used_at.is_(None), _l.expires_at > tx.now
    user_id = tx.scalar(select(_l.user_id).where(*waits))
    return None if user_id is None else person_of(tx, user_id)


def _can_be_kept(text: str) -> bool:
    """Whether a database takes it at all: none has lone surrogates, and PostgreSQL no NUL."""
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


def _people(tx: Tx, where: ColumnElement[bool]) -> list[Person]:
    found: dict[str, Person] = {}
    for row in tx.execute(_PEOPLE.where(where)).mappings():
        found.setdefault(row["user_id"], Person(**row))
    return list(found.values())
