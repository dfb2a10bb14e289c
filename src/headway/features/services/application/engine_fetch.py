"""Whether Dockerfiles of before have the engine fetch what the machine reaches. Only their repositories say so, and
nobody has looked there: the first build that is not let do it tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from headway.core.access import allowances
from headway.core.access.machine import Power
from headway.core.access.machine_store import least_role
from headway.core.access.survey import Line, of_fetching
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.model import Application
from headway.features.services.application.snapshot import open_snapshot
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def asked(tx: Tx, application: Application, vault: Vault) -> Application:
    """The application as a deploy begins: of one that has never served, or whose organisation has no machine, it is
    settled that it fetches nothing.
    """
    if application.settings.engine_fetch is not None or application.preview_of is not None:
        return application
    has_served = store.serving(tx, application.service_id) is not None
    if has_served and least_role(tx, application.organization_id) is not None:
        return application
    settle(tx, application.service_id, vault, fetches=False)
    return store.find(tx, application.service_id, vault)


def settle(tx: Tx, application_id: str, vault: Vault, *, fetches: bool) -> None:
    """Notes what the first build has shown, unless somebody has said so meanwhile.
    Raises NotAllowed where the organisation has no machine.
    """
    application = store.find(tx, application_id, vault)
    if application.settings.engine_fetch is not None:
        return
    settings = replace(application.settings, engine_fetch=fetches)
    needs = {each for each in powers.needs_of(settings, application.host_id) if each.power is Power.FETCH}
    if needs and least_role(tx, application.organization_id) is None:
        raise allowances.NotAllowed(next(iter(needs)), withdrawn=True)
    allowances.adopt(tx, application.organization_id, application_id, needs)
    services_store.set_fields(tx, application_id, settings=services_store.kept(settings, vault))


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    found = (each for each in store.every(tx, vault) if _is_open(tx, each, vault))
    yield from of_fetching(tx, ((each.organization_id, each.name) for each in found))


def _is_open(tx: Tx, application: Application, vault: Vault) -> bool:
    """Whether an image that was built for it serves, and nobody has looked what the next build of it fetches."""
    if application.settings.engine_fetch is not None or application.database is not None:
        return False
    release = store.serving(tx, application.service_id)
    snapshot = None if release is None else open_snapshot(store.spec_of(tx, release.release_id), vault)
    return application.settings.source_type != "docker" and snapshot is not None and "image" in snapshot.artifact
