"""Whether builds of compose files of before have the engine fetch what the machine reaches, as of applications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from headway.core.access import allowances
from headway.core.access.machine import Power
from headway.core.access.machine_store import least_role
from headway.core.access.survey import Line, of_fetching
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def asked(tx: Tx, compose: Compose, vault: Vault) -> Compose:
    """The compose service as a deploy begins: of one that has never served, or whose organisation has no machine, it
    is settled that it fetches nothing.
    """
    if compose.settings.engine_fetch is not None or compose.preview_of is not None:
        return compose
    if compose.serving_release_id is not None and least_role(tx, compose.organization_id) is not None:
        return compose
    settle(tx, compose.service_id, vault, fetches=False)
    return store.find(tx, compose.service_id, vault)


def settle(tx: Tx, compose_id: str, vault: Vault, *, fetches: bool) -> None:
    """Notes what the first build has shown, unless somebody has said so meanwhile.
    Raises NotAllowed where the organisation has no machine.
    """
    compose = store.find(tx, compose_id, vault)
    if compose.settings.engine_fetch is not None:
        return
    settings = replace(compose.settings, engine_fetch=fetches)
    needs = {each for each in powers.needs_of(settings, compose.host_id) if each.power is Power.FETCH}
    if needs and least_role(tx, compose.organization_id) is None:
        raise allowances.NotAllowed(next(iter(needs)), withdrawn=True)
    allowances.adopt(tx, compose.organization_id, compose_id, needs)
    services_store.set_fields(tx, compose_id, settings=services_store.kept(settings, vault))


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    found = (each for each in store.every(tx, vault) if _is_open(tx, each, vault))
    yield from of_fetching(tx, ((each.organization_id, each.name) for each in found))


def _is_open(tx: Tx, compose: Compose, vault: Vault) -> bool:
    if compose.settings.engine_fetch is not None or compose.settings.host_access:
        return False
    release = store.serving(tx, compose.service_id, vault)
    return release is not None and any(each.get("build") for each in release.record.file["services"].values())
