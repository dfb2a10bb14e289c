"""Gives a preview the domain at which it is reached."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.features.edge import domains_store
from headway.features.edge.domains import LOCK
from headway.features.edge.domains_model import Domain, DomainRequest, EdgeFacts, checked_wish
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id


def open_door(
    tx: Tx,
    facts: EdgeFacts,
    subject: tuple[SubjectType, str],
    organization_id: str,
    wish: DomainRequest,
    *,
    below: bool = False,
) -> None:
    """Adds a domain of what runs of a preview (type and id); ``below``: it may lie below the base domain. Raises
    InvalidInput where it is taken.
    """
    tx.lock(LOCK)
    domain = Domain(
        domain_id=new_id(),
        organization_id=organization_id,
        subject_type=subject[0],
        subject_id=subject[1],
        wish=checked_wish(wish, facts),
        created_at=tx.now,
    )
    host = domain.wish.host
    foreign = facts.whose_name(host) is not None or domains_store.is_foreign(tx, host, subject[1])
    named = not below and facts.name_in(host) is not None
    if foreign or named or not domains_store.put(tx, domain):
        raise InvalidInput(f"The pattern of previews gives {host}, which is taken; let it hold a *.")
