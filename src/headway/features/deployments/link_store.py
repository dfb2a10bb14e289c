"""Reads and writes of the links by which deployments are read: by digest only, so that whoever reads the database can
use none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select

from headway.core.access.model import Actor, Credential, Terms
from headway.core.access.store import actor_by, is_long_away, terms_of
from headway.core.deployments.model import SubjectType
from headway.features.deployments.model import DeploymentLink, LinkedDeployment
from headway.infra.db.tables.access import api_keys, identities, members, users
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx

_l, _d, _k = deployment_links.c, deployments.c, api_keys.c
_TERMS = ("scopes", "projects", "pending_as", "rate_calls", "rate_window_ms", "expires_at", "disabled_at")
_LINKS = (
    select(*_l, users.c.name, users.c.email, _d.organization_id, members.c.member_id, members.c.role)
    .add_columns(_k.api_key_id.label("key_id"), *(_k[name] for name in _TERMS), identities.c.signed_in_at)
    .select_from(deployment_links)
    .join(deployments, _d.deployment_id == _l.deployment_id)
    .join(users, users.c.user_id == _l.user_id)
    .outerjoin(members, (members.c.user_id == _l.user_id) & (members.c.organization_id == _d.organization_id))
    .outerjoin(api_keys, _k.api_key_id == _l.api_key_id)
    .outerjoin(identities, identities.c.user_id == _l.user_id)
)
_LISTED = _LINKS.add_columns(_d.project_id, _d.subject_type, _d.subject_id, _d.title)


def lock(tx: Tx, organization_id: str) -> None:
    """Nobody else makes a link there until the transaction ends: two would find room for the last one."""
    tx.lock(f"deployments.links.{organization_id}")


def add(tx: Tx, link: DeploymentLink, actor: Actor, digest: str) -> None:
    """Keeps a link of the actor's, which counts for as long as the key that made it, where one did."""
    tx.execute(
        insert(deployment_links).values(
            link_id=link.link_id,
            digest=digest,
            deployment_id=link.deployment_id,
            user_id=actor.user_id,
            api_key_id=actor.api_key_id,
            created_at=link.created_at,
            ends_at=link.ends_at,
        )
    )


def counts(tx: Tx, deployment_id: str, organization_id: str) -> tuple[int, int]:
    """How many links there are to a deployment, and to all of an organisation's, that have not ended."""
    every = select(func.count()).select_from(deployment_links).where(_l.ends_at > tx.now)
    of_all = every.join(deployments, _d.deployment_id == _l.deployment_id).where(_d.organization_id == organization_id)
    return int(tx.scalar(every.where(_l.deployment_id == deployment_id)) or 0), int(tx.scalar(of_all) or 0)


def links_to(tx: Tx, deployment_id: str, absence: timedelta | None) -> list[DeploymentLink]:
    """The links to a deployment that have not ended, the newest first. Nobody has made one any more who signs in by a
    provider and has not done so for this long.
    """
    found = _links(tx, absence, _l.deployment_id == deployment_id, _l.ends_at > tx.now)
    return sorted(found, key=lambda each: (each.created_at, each.link_id), reverse=True)


def links_of(tx: Tx, organization_id: str, absence: timedelta | None) -> list[tuple[DeploymentLink, LinkedDeployment]]:
    """An organisation's links that have not ended, the newest first, and to what each leads; ``absence`` as of
    ``links_to``.
    """
    mine = (_d.organization_id == organization_id, _l.ends_at > tx.now)
    rows = tx.execute(_LISTED.where(*mine).order_by(_l.created_at.desc(), _l.link_id.desc())).all()
    # Of a few people there are many links: who each of them is now is read once.
    makers = {(row.user_id, row.api_key_id): row for row in rows}
    known = {whose: _maker_now(tx, row, absence) for whose, row in makers.items()}
    return [(_link(row, known[row.user_id, row.api_key_id]), _linked(row)) for row in rows]


def by_digest(tx: Tx, digest: str, absence: timedelta | None) -> DeploymentLink | None:
    """The link whose token has this digest, None when there is none; ``absence`` as of ``links_to``."""
    return next(iter(_links(tx, absence, _l.digest == digest)), None)


def remove(tx: Tx, deployment_id: str, link_id: str) -> DeploymentLink | None:
    """The link to this deployment, which is none any more; None where there was none."""
    found = next(iter(_links(tx, None, _l.link_id == link_id, _l.deployment_id == deployment_id)), None)
    gone = tx.execute(delete(deployment_links).where(_l.link_id == link_id, _l.deployment_id == deployment_id))
    return found if gone.rowcount else None


def remove_over(tx: Tx) -> None:
    """Removes the links that have ended."""
    tx.execute(delete(deployment_links).where(_l.ends_at <= tx.now))


def service_name(tx: Tx, service_id: str | None) -> str | None:
    """What a service is called; None where there is none."""
    if service_id is None:
        return None
    found: str | None = tx.scalar(select(services.c.name).where(services.c.service_id == service_id))
    return found


def _links(tx: Tx, absence: timedelta | None, *where: ColumnElement[bool]) -> list[DeploymentLink]:
    return [_link(row, _maker_now(tx, row, absence)) for row in tx.execute(_LINKS.where(*where)).all()]


def _link(row: Any, maker: Actor | None) -> DeploymentLink:  # noqa: ANN401 - a row of _LINKS
    return DeploymentLink(
        link_id=row.link_id,
        deployment_id=row.deployment_id,
        maker_name=row.name,
        maker=maker,
        created_at=row.created_at,
        ends_at=row.ends_at,
    )


def _linked(row: Any) -> LinkedDeployment:  # noqa: ANN401 - a row of _LISTED
    return LinkedDeployment(
        deployment_id=row.deployment_id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        subject_type=SubjectType(row.subject_type),
        subject_id=row.subject_id,
        title=row.title,
    )


def _maker_now(tx: Tx, row: Any, absence: timedelta | None) -> Actor | None:  # noqa: ANN401 - a row of _LINKS
    return None if is_long_away(tx, row, absence) else _maker(tx, row)


def _maker(tx: Tx, row: Any) -> Actor | None:  # noqa: ANN401 - a row of _LINKS
    """Whoever made it, as they are now; by the key that they made it with, where they did with one."""
    is_key_gone = row.api_key_id is not None and (row.key_id is None or row.disabled_at is not None)
    if row.member_id is None or is_key_gone:
        return None
    terms = Terms() if row.api_key_id is None else terms_of(row)
    return actor_by(tx, row, Credential.of_key(row.api_key_id or ""), terms)
