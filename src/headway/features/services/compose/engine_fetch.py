"""Whether builds of compose files of before have the engine fetch what the machine reaches: see ``EngineFetch``."""

from __future__ import annotations

from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose
from headway.features.services.engine_fetch import EngineFetch
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def _is_open(tx: Tx, compose: Compose, vault: Vault) -> bool:
    if compose.settings.engine_fetch is not None or compose.settings.host_access:
        return False
    release = store.serving(tx, compose.service_id, vault)
    return release is not None and any(each.get("build") for each in release.record.file["services"].values())


_FETCH = EngineFetch(
    reader=store.COMPOSE_READER,
    needs_of=powers.needs_of,
    is_open=_is_open,
)
asked = _FETCH.asked
settle = _FETCH.settle
survey = _FETCH.survey
