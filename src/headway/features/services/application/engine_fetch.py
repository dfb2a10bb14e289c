"""Whether Dockerfiles of before have the engine fetch what the machine reaches: see ``EngineFetch``."""

from __future__ import annotations

from headway.features.services.application import powers, store
from headway.features.services.application.model import Application
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.engine_fetch import EngineFetch
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def _is_open(tx: Tx, application: Application, vault: Vault) -> bool:
    if application.settings.engine_fetch is not None or application.database is not None:
        return False
    release = store.serving(tx, application.service_id)
    snapshot = None if release is None else open_snapshot(store.spec_of(tx, release.release_id), vault)
    return application.settings.source_type != "docker" and snapshot is not None and "image" in snapshot.artifact


_FETCH = EngineFetch(
    reader=store.APPLICATION_READER,
    needs_of=powers.needs_of,
    is_open=_is_open,
)
asked = _FETCH.asked
settle = _FETCH.settle
survey = _FETCH.survey
