"""The applications of which nobody has looked yet which ports of the loopback they use, in the database."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from headway.domains.applications import store
from headway.domains.applications.model import Application
from headway.infra.db.tables.applications import applications
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault


def unasked(tx: Tx, host_id: str, vault: Vault) -> list[Application]:
    """Those of a host: all that an earlier version made."""
    mine = (applications.c.host_id == host_id, applications.c.deleted_at.is_(None))
    found = [
        store.find(tx, each, vault) for each in tx.execute(select(applications.c.application_id).where(*mine)).scalars()
    ]
    return [each for each in found if each.settings.loopback is None]


def answer(tx: Tx, application_id: str, ports: list[int], vault: Vault) -> bool:
    """Notes what an application uses, unless somebody has said so meanwhile; whether it was noted."""
    try:
        settings = store.find(tx, application_id, vault).settings
    except NotFound:
        return False
    if settings.loopback is not None:
        return False
    store.set_fields(tx, application_id, settings=store.kept(replace(settings, loopback=ports), vault))
    return True
