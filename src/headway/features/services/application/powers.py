"""Which of an application's settings reach a machine, judged when they are saved and asked for at every start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from headway.core.access import allowances
from headway.core.access.allowances import NotAllowed
from headway.core.access.machine import FIRST_FREE_PORT, Need, Power
from headway.core.access.model import Actor
from headway.core.access.survey import Line, of_needs
from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.sources.remote import is_folder
from headway.features.edge import middlewares_store
from headway.features.services.application import store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.model import Release
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import MountKind
from headway.kernel.vault import Vault


def needs_of(settings: AppSettings, host_id: str, own: Mapping[str, Any] | None = None) -> set[Need]:
    """What an application with these settings, and with that routing of its ``own``, needs of its host."""
    server_id = None if host_id == LOCAL_HOST else host_id
    return {
        *(
            Need(power=Power.BIND, value=each.source, server_id=server_id)
            for each in settings.run.mounts
            if each.kind == MountKind.BIND
        ),
        *(
            Need(power=Power.PORT, value=f"{each.outer}/{each.protocol}", server_id=server_id)
            for each in settings.run.published
            if each.outer < FIRST_FREE_PORT
        ),
        *of_loopback(settings.run.loopback or (), host_id),
        *of_source(settings),
        *({Need(power=Power.FETCH, server_id=server_id)} if settings.engine_fetch else ()),
        *({of_routing(own, host_id)} if own else ()),
    }


def of_loopback(ports: Iterable[int], host_id: str) -> set[Need]:
    """What it needs to reach these ports of the loopback."""
    server_id = None if host_id == LOCAL_HOST else host_id
    return {Need(power=Power.LOOPBACK, value=str(port), server_id=server_id) for port in ports}


def of_source(settings: AppSettings) -> set[Need]:
    """What fetching it needs: the panel's own machine fetches for all of them."""
    folder = settings.git.url if settings.git.url and is_folder(settings.git.url) else None
    return {Need(power=Power.FOLDER, value=folder)} if folder else set()


def of_routing(own: Mapping[str, Any], host_id: str) -> Need:
    """What a routing of its own needs of its host's edge."""
    return Need(power=Power.ROUTING, value=_digest(own), server_id=None if host_id == LOCAL_HOST else host_id)


def save(tx: Tx, actor: Actor, application: Application, vault: Vault) -> None:
    """Judges what the application needs as it is saved now, and writes down who allowed it. Raises MachineRefused."""
    allowances.save(tx, actor, application.service_id, _now(tx, application, application.settings, vault))


def require_start(tx: Tx, application: Application, settings: AppSettings, vault: Vault) -> None:
    """Whether it may be deployed with these settings. Raises NotAllowed."""
    allowances.require(tx, application.organization_id, _whose(application), _now(tx, application, settings, vault))


def may_fetch(tx: Tx, application: Application, settings: AppSettings) -> bool:
    """Whether it may be fetched from a folder of the machine, where that is its source."""
    return allowances.refusal(tx, application.organization_id, _whose(application), of_source(settings)) is None


def require_release(
    tx: Tx, application: Application, snapshot: Snapshot, vault: Vault, settings: AppSettings | None = None
) -> None:
    """Whether one may go back to what a release was made of, with other ``settings`` where they are given. Raises
    NotAllowed.
    """
    # Of the loopback it reaches what the application may reach now.
    then = settings or snapshot.settings
    back = replace(then, run=replace(then.run, loopback=application.settings.run.loopback))
    needs = _of_release(tx, application, snapshot, back, vault)
    allowances.require(tx, application.organization_id, _whose(application), needs)


def refusal_of_serving(tx: Tx, application: Application, release: Release, vault: Vault) -> NotAllowed | None:
    """What keeps a release that serves from being started again, None where nothing does."""
    snapshot = open_snapshot(store.spec_of(tx, release.release_id), vault)
    if snapshot is None:
        return None
    needs = _of_release(tx, application, snapshot, snapshot.settings, vault)
    return allowances.refusal(tx, application.organization_id, _whose(application), needs, serving=True)


def require_serving(tx: Tx, application: Application, release: Release | None, vault: Vault) -> None:
    """See ``refusal_of_serving``. Raises NotAllowed."""
    refused = None if release is None else refusal_of_serving(tx, application, release, vault)
    if refused is not None:
        raise refused


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    for each in store.every(tx, vault):
        what = f"{'application' if each.database is None else each.database} {each.name} ({each.service_id})"
        needs = _now(tx, each, each.settings, vault)
        yield from of_needs(tx, each.organization_id, each.service_id, what, needs)


def adopt_all(tx: Tx, vault: Vault) -> None:
    """Writes down what was so before anybody wrote down who allowed it."""
    for each in store.every(tx, vault):
        _adopt(tx, each, vault)


def _adopt(tx: Tx, application: Application, vault: Vault) -> None:
    release = store.serving(tx, application.service_id)
    snapshot = None if release is None else open_snapshot(store.spec_of(tx, release.release_id), vault)
    serving = set() if snapshot is None else _of_release(tx, application, snapshot, snapshot.settings, vault)
    now = _now(tx, application, application.settings, vault)
    allowances.adopt(tx, application.organization_id, application.service_id, now, serving)


def _now(tx: Tx, application: Application, settings: AppSettings, vault: Vault) -> set[Need]:
    own = middlewares_store.own_routing(tx, application.service_id, vault)
    return needs_of(settings, application.host_id, own)


def _of_release(tx: Tx, application: Application, snapshot: Snapshot, settings: AppSettings, vault: Vault) -> set[Need]:
    """Nothing is fetched for it, and what is no image has neither mounts nor ports of the machine."""
    has_container = bool(snapshot.artifact.get("image"))
    now = _now(tx, application, settings, vault) - of_source(settings)
    needs = {each for each in now if each.power is not Power.FETCH}
    return {each for each in needs if has_container or each.power in {Power.LOOPBACK, Power.ROUTING}}


def _whose(application: Application) -> str:
    """What runs of a pull request has what its application was allowed, and nothing more."""
    return application.preview_of or application.service_id


def _digest(own: Mapping[str, Any]) -> str:
    return sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
