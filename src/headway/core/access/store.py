"""Reads and writes of organisations, users, memberships and API keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from headway.core.access.machine_store import first_organization, least_role
from headway.core.access.model import Actor, Credential, Grants, Rate, Role, Scope, Terms
from headway.core.access.tokens import digest, start_of
from headway.infra.db.tables.access import api_keys, grants, identities, members, organizations, users
from headway.infra.db.tables.projects import projects
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id

_PENDING_AS_RUNNING = "running"
_HOLDERS = (
    select(
        *(api_keys.c[name] for name in ("api_key_id", "organization_id", "scopes", "projects", "pending_as")),
        *(api_keys.c[name] for name in ("rate_calls", "rate_window_ms", "expires_at", "disabled_at")),
        api_keys.c.name.label("api_key_name"),
        users.c.user_id,
        users.c.name,
        users.c.email,
        members.c.member_id,
        members.c.role,
        identities.c.signed_in_at,
    )
    .join(users, users.c.user_id == api_keys.c.user_id)
    .join(
        members,
        (members.c.user_id == api_keys.c.user_id) & (members.c.organization_id == api_keys.c.organization_id),
    )
    .outerjoin(identities, identities.c.user_id == api_keys.c.user_id)
)


def actor_of(tx: Tx, digest_of_key: str, absence: timedelta | None = None) -> Actor | None:
    """Whoever holds the key with this digest; None when there is no such key, it is disabled or has expired, or its
    holder has left, or signs in by a provider and has not done so for this long.
    """
    row = tx.execute(_HOLDERS.where(api_keys.c.digest == digest_of_key)).one_or_none()
    if row is None or row.disabled_at is not None or (row.expires_at is not None and row.expires_at <= tx.now):
        return None
    if is_long_away(tx, row, absence):
        return None
    return actor_by(tx, row, Credential.of_key(row.api_key_id, row.api_key_name), terms_of(row))


def is_long_away(tx: Tx, row: Any, absence: timedelta | None) -> bool:  # noqa: ANN401 - a row with that of an identity
    """Whether somebody signs in by a provider and has not done so for this long: nobody hears of who has left there."""
    return absence is not None and row.signed_in_at is not None and row.signed_in_at <= tx.now - absence


def actor_by(
    tx: Tx,
    row: Any,  # noqa: ANN401 - a row with the columns of a user and its membership
    credential: Credential,
    terms: Terms,
    *,
    by_hand: bool = False,
) -> Actor:
    """A member who is known by this credential, which is good for this."""
    role = Role.of(row.role)
    given = grants_of(tx, row.member_id) if role < Role.ADMIN else Grants()
    places = service_projects(tx, row.organization_id, given.services) if given.services else {}
    return Actor(
        user_id=row.user_id,
        organization_id=row.organization_id,
        role=role,
        credential=credential,
        name=row.name,
        email=row.email,
        projects=given.projects,
        services=given.services,
        glimpsed=frozenset(places.values()),
        terms=terms,
        by_hand=by_hand,
        on_machine=_is_given_the_machine(tx, role, row.organization_id),
    )


def _is_given_the_machine(tx: Tx, role: Role, organization_id: str) -> bool:
    least = least_role(tx, organization_id) if role >= Role.ADMIN else None
    return least is not None and role >= least


def terms_of(row: Any) -> Terms:  # noqa: ANN401 - a row with the columns of a key
    """What a key is good for."""
    rate = None
    if row.rate_calls is not None:
        rate = Rate(calls=row.rate_calls, window=timedelta(milliseconds=row.rate_window_ms))
    return Terms(
        scopes=frozenset(Scope) if row.scopes is None else frozenset(map(Scope, row.scopes)),
        projects=None if row.projects is None else frozenset(row.projects),
        pending_as_running=row.pending_as == _PENDING_AS_RUNNING,
        expires_at=row.expires_at,
        rate=rate,
    )


def grants_of(tx: Tx, member_id: str) -> Grants:
    """What a member was given."""
    found = tx.execute(select(grants.c.type, grants.c.subject_id).where(grants.c.member_id == member_id)).all()
    return Grants(
        projects=frozenset(row.subject_id for row in found if row.type == "project"),
        services=frozenset(row.subject_id for row in found if row.type == "service"),
    )


def give(tx: Tx, member_id: str, given: Grants) -> None:
    """Gives a member this and nothing else."""
    tx.execute(delete(grants).where(grants.c.member_id == member_id))
    rows = [("project", each) for each in given.projects] + [("service", each) for each in given.services]
    for type_, subject_id in sorted(rows):
        tx.execute(insert(grants).values(member_id=member_id, type=type_, subject_id=subject_id))


def service_projects(tx: Tx, organization_id: str, service_ids: Collection[str]) -> dict[str, str]:
    """The projects of those of these services that exist in an organisation, by service."""
    mine = (services.c.service_id.in_(service_ids), services.c.organization_id == organization_id)
    rows = tx.execute(select(services.c.service_id, services.c.project_id).where(*mine))
    return {row.service_id: row.project_id for row in rows}


def projects_among(tx: Tx, organization_id: str, project_ids: Collection[str]) -> frozenset[str]:
    """Those of these projects that an organisation has."""
    mine = projects.c.project_id.in_(project_ids), projects.c.organization_id == organization_id
    return frozenset(tx.execute(select(projects.c.project_id).where(*mine)).scalars())


def first_owner(tx: Tx) -> tuple[str, str] | None:
    """(user, organisation) of the first owner of the first organisation whom nobody's groups have made one, None before
    the first start.
    """
    row = tx.execute(
        select(members.c.user_id, members.c.organization_id)
        .where(members.c.role == Role.OWNER.word, members.c.organization_id == first_organization(tx))
        .where(members.c.by_groups.is_(False))
        .order_by(members.c.created_at, members.c.member_id)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.user_id, row.organization_id)


def add_organization(tx: Tx, name: str) -> str:
    """A new organisation's id."""
    organization_id = new_id()
    tx.execute(insert(organizations).values(organization_id=organization_id, name=name, created_at=tx.now))
    return organization_id


def add_user(tx: Tx, name: str, email: str | None = None) -> str:
    """A new user's id."""
    user_id = new_id()
    tx.execute(insert(users).values(user_id=user_id, name=name, email=email, created_at=tx.now))
    return user_id


def add_member(tx: Tx, organization_id: str, user_id: str, role: Role, *, by_groups: bool = False) -> str:
    """The id of a user's new membership of the organisation; one ``by_groups`` is set anew at each sign-in."""
    member_id = new_id()
    tx.execute(
        insert(members).values(
            member_id=member_id,
            organization_id=organization_id,
            user_id=user_id,
            role=role.word,
            by_groups=by_groups,
            created_at=tx.now,
        )
    )
    return member_id


def add_key(
    tx: Tx, key: str, *, name: str, user_id: str, organization_id: str, terms: Terms, prefix: str | None = None
) -> str:
    """The id of a new API key. Of the key itself only the digest is kept, and its first characters to know it by."""
    api_key_id = new_id()
    rate = terms.rate
    tx.execute(
        insert(api_keys).values(
            api_key_id=api_key_id,
            digest=digest(key),
            name=name,
            user_id=user_id,
            organization_id=organization_id,
            prefix=prefix,
            start=start_of(key, prefix),
            scopes=None if terms.scopes == frozenset(Scope) else sorted(terms.scopes),
            projects=None if terms.projects is None else sorted(terms.projects),
            pending_as=_PENDING_AS_RUNNING if terms.pending_as_running else None,
            rate_calls=None if rate is None else rate.calls,
            rate_window_ms=None if rate is None else rate.window // timedelta(milliseconds=1),
            expires_at=terms.expires_at,
            created_at=tx.now,
        )
    )
    return api_key_id
