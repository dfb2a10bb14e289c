"""The applications of which nobody has looked yet which ports of the loopback they use, in the database."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from headway.core.access import allowances
from headway.core.deployments.model import SubjectType
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.model import Application
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault, VaultError


def unasked(tx: Tx, host_id: str, vault: Vault) -> list[Application]:
    """Those of a host: all that an earlier version made, without those that cannot be read."""
    mine = (services.c.kind != SubjectType.COMPOSE, services.c.host_id == host_id, services.c.deleted_at.is_(None))
    found = []
    for service_id in tx.execute(select(services.c.service_id).where(*mine)).scalars():
        try:
            application = store.find(tx, service_id, vault)
        except VaultError:  # which is told where it is brought up
            continue
        if application.settings.run.loopback is None:
            found.append(application)
    return found


def answer(tx: Tx, application_id: str, ports: list[int], vault: Vault) -> bool:
    """Notes what an application uses, unless somebody has said so meanwhile; whether it was noted."""
    services_store.lock_settings(tx, application_id)
    try:
        application = store.find(tx, application_id, vault)
    except NotFound:
        return False
    settings = application.settings
    if settings.run.loopback is not None:
        return False
    needs = powers.of_loopback(ports, application.host_id)
    allowances.adopt(tx, application.organization_id, application.preview_of or application_id, needs)
    noted = services_store.kept(replace(settings, run=replace(settings.run, loopback=ports)), vault)
    services_store.set_fields(tx, application_id, settings=noted)
    return True
