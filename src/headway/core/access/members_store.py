"""Reads and writes of organisations, their members and invitations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, update

from headway.core.access.model import Grants, Invitation, Member, Organization, Role
from headway.core.access.store import projects_among, service_projects
from headway.infra.db.tables.access import (
    api_keys,
    grants,
    invitations,
    members,
    organizations,
    second_factors,
    sessions,
    users,
)
from headway.infra.db.tables.base import metadata
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx

PENDING, ACCEPTED = "pending", "accepted"

_m, _i = members.c, invitations.c
_MEMBERS: Select[Any] = (
    select(*_m, users.c.name, users.c.email, second_factors.c.confirmed_at)
    .join(users, users.c.user_id == _m.user_id)
    .outerjoin(second_factors, second_factors.c.user_id == _m.user_id)
)
_OF_MEMBERS = frozenset({"api_keys", "group_rules", "invitations", "members", "sessions"})  # goes with an organisation


def members_of(tx: Tx, organization_id: str) -> list[Member]:
    """An organisation's members, in the order in which they came."""
    return _members(tx, _m.organization_id == organization_id)


def find_member(tx: Tx, member_id: str) -> Member | None:
    """The member, None when there is none."""
    return next(iter(_members(tx, _m.member_id == member_id)), None)


def member_of_user(tx: Tx, organization_id: str, user_id: str) -> Member | None:
    """A user as a member of an organisation, None when it is none."""
    found = _members(tx, (_m.organization_id == organization_id) & (_m.user_id == user_id))
    return next(iter(found), None)


def set_role(tx: Tx, member_id: str, role: Role) -> None:
    """The member is this from now on."""
    tx.execute(update(members).where(_m.member_id == member_id).values(role=role.word))


def set_passive(tx: Tx, member_id: str, passive: Mapping[str, Any]) -> None:
    """What clients keep with a member."""
    tx.execute(update(members).where(_m.member_id == member_id).values(passive=dict(passive)))


def remove_member(tx: Tx, member: Member) -> None:
    """A member is none any more; its keys, sessions, invitations and links go with it, and the user who is nowhere
    else.
    """
    of_user = {"user_id": member.user_id, "organization_id": member.organization_id}
    for table in (api_keys, sessions):
        tx.execute(delete(table).where(*(table.c[name] == value for name, value in of_user.items())))
    invited = _i.organization_id == member.organization_id, _i.inviter_id == member.user_id
    tx.execute(delete(invitations).where(*invited, _i.status == PENDING))
    tx.execute(delete(members).where(_m.member_id == member.member_id))
    there = select(deployments.c.deployment_id).where(deployments.c.organization_id == member.organization_id)
    mine = deployment_links.c.user_id == member.user_id, deployment_links.c.deployment_id.in_(there)
    tx.execute(delete(deployment_links).where(*mine))
    _remove_strays(tx, [member.user_id])


def owners(tx: Tx, organization_id: str) -> int:
    """How many owners an organisation has who are so by nobody's groups: those of a provider may be none tomorrow."""
    mine = _m.organization_id == organization_id, _m.role == Role.OWNER.word, _m.by_groups.is_(False)
    return int(tx.scalar(select(func.count()).select_from(members).where(*mine)) or 0)


def organizations_of(tx: Tx, user_id: str) -> list[Organization]:
    """The organisations of a user."""
    mine = select(_m.organization_id).where(_m.user_id == user_id)
    return _organizations(tx, organizations.c.organization_id.in_(mine))


def find_organization(tx: Tx, organization_id: str) -> Organization | None:
    """The organisation, None when there is none."""
    return next(iter(_organizations(tx, organizations.c.organization_id == organization_id)), None)


def change_organization(tx: Tx, organization_id: str, **fields: str | None) -> None:
    """Sets columns of an organisation."""
    tx.execute(update(organizations).where(organizations.c.organization_id == organization_id).values(**fields))


def contents_of(tx: Tx, organization_id: str) -> list[str]:
    """The names of what an organisation still has, beside its members."""
    return [
        table.name.replace("_", " ")
        for table in metadata.sorted_tables
        if table.name not in _OF_MEMBERS
        for key in table.foreign_keys
        if key.column is organizations.c.organization_id
        and tx.scalar(select(key.parent).where(key.parent == organization_id).limit(1)) is not None
    ]


def remove_organization(tx: Tx, organization_id: str) -> None:
    """The organisation is no more, nor are its members, their keys, sessions and invitations."""
    people = list(tx.execute(select(_m.user_id).where(_m.organization_id == organization_id)).scalars())
    for table in (api_keys, invitations, sessions, members):
        tx.execute(delete(table).where(table.c.organization_id == organization_id))
    tx.execute(delete(organizations).where(organizations.c.organization_id == organization_id))
    _remove_strays(tx, people)


def add_invitation(tx: Tx, invitation: Invitation, digest: str, api_key_id: str | None) -> None:
    """Keeps an invitation, which goes with the key that made it, where one did; an earlier one of the same address that
    waits counts no more.
    """
    earlier = _i.organization_id == invitation.organization_id, _i.email == invitation.email
    tx.execute(delete(invitations).where(*earlier, _i.status == PENDING))
    tx.execute(
        insert(invitations).values(
            invitation_id=invitation.invitation_id,
            digest=digest,
            organization_id=invitation.organization_id,
            inviter_id=invitation.inviter_id,
            api_key_id=api_key_id,
            email=invitation.email,
            role=invitation.role.word,
            projects=sorted(invitation.grants.projects),
            services=sorted(invitation.grants.services),
            status=invitation.status,
            expires_at=invitation.expires_at,
            created_at=invitation.created_at,
        )
    )


def invitations_of(tx: Tx, organization_id: str) -> list[Invitation]:
    """An organisation's invitations, the newest first."""
    found = select(invitations).where(_i.organization_id == organization_id)
    return [_invitation(row) for row in tx.execute(found.order_by(_i.created_at.desc(), _i.invitation_id))]


def find_invitation(tx: Tx, invitation_id: str) -> Invitation | None:
    """The invitation, None when there is none."""
    row = tx.execute(select(invitations).where(_i.invitation_id == invitation_id)).one_or_none()
    return None if row is None else _invitation(row)


def waiting_invitation(tx: Tx, digest: str) -> Invitation | None:
    """The invitation whose token has this digest; None where there is none that waits, or the key that made it is none
    any more.
    """
    row = tx.execute(select(invitations).where(*_waits(tx, digest))).one_or_none()
    return None if row is None else _invitation(row)


def take_invitation(tx: Tx, digest: str) -> Invitation | None:
    """The same, which counts as accepted from now on. Of two who take it at the same time one gets it."""
    found = waiting_invitation(tx, digest)
    if (
        found is None
        or tx.execute(update(invitations).where(*_waits(tx, digest)).values(status=ACCEPTED)).rowcount == 0
    ):
        return None
    return found


def remove_invitation(tx: Tx, invitation_id: str) -> None:
    """The invitation counts no more."""
    tx.execute(delete(invitations).where(_i.invitation_id == invitation_id))


def _waits(tx: Tx, digest: str) -> tuple[ColumnElement[bool], ...]:
    makers = select(api_keys.c.api_key_id).where(api_keys.c.disabled_at.is_(None))
    stands = or_(_i.api_key_id.is_(None), _i.api_key_id.in_(makers))
    return _i.digest == digest, _i.status == PENDING, _i.expires_at > tx.now, stands


def _remove_strays(tx: Tx, user_ids: Collection[str]) -> None:
    elsewhere = select(_m.user_id)
    tx.execute(delete(users).where(users.c.user_id.in_(user_ids), users.c.user_id.not_in(elsewhere)))


def _members(tx: Tx, where: Any) -> list[Member]:  # noqa: ANN401 - a condition
    rows = tx.execute(_MEMBERS.where(where).order_by(_m.created_at, _m.member_id)).all()
    given: dict[str, dict[str, set[str]]] = defaultdict(lambda: {"project": set(), "service": set()})
    for each in tx.execute(select(grants).where(grants.c.member_id.in_([row.member_id for row in rows]))):
        given[each.member_id][each.type].add(each.subject_id)
    organization_id = rows[0].organization_id if rows else ""  # nobody asks for those of several
    there = projects_among(tx, organization_id, {each for one in given.values() for each in one["project"]})
    there_too = service_projects(
        tx, organization_id, {each for one in given.values() for each in one["service"]}
    ).keys()
    return [
        Member(
            member_id=row.member_id,
            user_id=row.user_id,
            organization_id=row.organization_id,
            role=Role.of(row.role),
            name=row.name,
            email=row.email,
            grants=Grants(
                projects=there & given[row.member_id]["project"],
                services=frozenset(there_too & given[row.member_id]["service"]),
            ),
            passive=row.passive or {},
            created_at=row.created_at,
            second_factor=row.confirmed_at is not None,
            by_groups=row.by_groups,
        )
        for row in rows
    ]


def _organizations(tx: Tx, where: Any) -> list[Organization]:  # noqa: ANN401 - a condition
    owner = (
        select(_m.user_id)
        .where(_m.organization_id == organizations.c.organization_id, _m.role == Role.OWNER.word)
        .order_by(_m.created_at, _m.member_id)
        .limit(1)
        .scalar_subquery()
    )
    found = select(organizations, owner.label("owner_id")).where(where)
    return [
        Organization(
            organization_id=row.organization_id,
            name=row.name,
            logo=row.logo,
            owner_id=row.owner_id,
            created_at=row.created_at,
        )
        for row in tx.execute(found.order_by(organizations.c.created_at, organizations.c.organization_id))
    ]


def _invitation(row: Any) -> Invitation:  # noqa: ANN401 - a row of invitations
    return Invitation(
        invitation_id=row.invitation_id,
        organization_id=row.organization_id,
        inviter_id=row.inviter_id,
        email=row.email,
        role=Role.of(row.role),
        grants=Grants(projects=frozenset(row.projects), services=frozenset(row.services)),
        status=row.status,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )
