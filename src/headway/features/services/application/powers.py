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
from headway.features.edge import middlewares_store
from headway.features.services import powers
from headway.features.services.application import store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.snapshot import Snapshot, open_snapshot
from headway.features.services.model import Release
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import MountKind
from headway.kernel.vault import Vault


def needs_of(settings: AppSettings, host_id: str, own: Mapping[str, Any] | None = None) -> set[Need]:
    """What an application with these settings, and with that routing of its ``own``, needs of its host."""
    server_id = powers.server_of(host_id)
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
        *powers.of_source(settings.git.url),
        *({Need(power=Power.FETCH, server_id=server_id)} if settings.engine_fetch else ()),
        *({of_routing(own, host_id)} if own else ()),
    }


def of_loopback(ports: Iterable[int], host_id: str) -> set[Need]:
    """What it needs to reach these ports of the loopback."""
    server_id = powers.server_of(host_id)
    return {Need(power=Power.LOOPBACK, value=str(port), server_id=server_id) for port in ports}


def of_routing(own: Mapping[str, Any], host_id: str) -> Need:
    """What a routing of its own needs of its host's edge."""
    return Need(power=Power.ROUTING, value=_digest(own), server_id=powers.server_of(host_id))


def save(tx: Tx, actor: Actor, application: Application, vault: Vault) -> None:
    """Judges what the application needs as it is saved now, and writes down who allowed it. Raises MachineRefused."""
    allowances.save(tx, actor, application.service_id, _now(tx, application, application.settings, vault))


def require_start(tx: Tx, application: Application, settings: AppSettings, vault: Vault) -> None:
    """Whether it may be deployed with these settings. Raises NotAllowed."""
    powers.require(tx, application, _now(tx, application, settings, vault))


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
    powers.require(tx, application, needs)


def refusal_of_serving(tx: Tx, application: Application, release: Release, vault: Vault) -> NotAllowed | None:
    """What keeps a release that serves from being started again, None where nothing does."""
    return powers.refusal(tx, application, _of_serving(tx, application, release, vault), serving=True)


def require_serving(tx: Tx, application: Application, release: Release | None, vault: Vault) -> None:
    """See ``refusal_of_serving``. Raises NotAllowed."""
    powers.require(tx, application, _of_serving(tx, application, release, vault), serving=True)


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    for each in store.every(tx, vault):
        what = f"{'application' if each.database is None else each.database} {each.name} ({each.service_id})"
        needs = _now(tx, each, each.settings, vault)
        yield from of_needs(tx, each.organization_id, each.service_id, what, needs)


def adopt_all(tx: Tx, vault: Vault) -> None:
    """Writes down what was so before anybody wrote down who allowed it."""
    for each in store.every(tx, vault):
        serving = _of_serving(tx, each, store.serving(tx, each.service_id), vault)
        now = _now(tx, each, each.settings, vault)
        allowances.adopt(tx, each.organization_id, each.service_id, now, serving)


def _now(tx: Tx, application: Application, settings: AppSettings, vault: Vault) -> set[Need]:
    own = middlewares_store.own_routing(tx, application.service_id, vault)
    return needs_of(settings, application.host_id, own)


def _of_serving(tx: Tx, application: Application, release: Release | None, vault: Vault) -> set[Need]:
    snapshot = None if release is None else open_snapshot(store.spec_of(tx, release.release_id), vault)
    return set() if snapshot is None else _of_release(tx, application, snapshot, snapshot.settings, vault)


def _of_release(tx: Tx, application: Application, snapshot: Snapshot, settings: AppSettings, vault: Vault) -> set[Need]:
    """Nothing is fetched for it, and what is no image has neither mounts nor ports of the machine."""
    has_container = bool(snapshot.artifact.get("image"))
    now = _now(tx, application, settings, vault) - powers.of_source(settings.git.url)
    needs = {each for each in now if each.power is not Power.FETCH}
    return {each for each in needs if has_container or each.power in {Power.LOOPBACK, Power.ROUTING}}


def _digest(own: Mapping[str, Any]) -> str:
    return sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
