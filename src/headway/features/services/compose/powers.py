"""What of a compose service reaches a machine, judged when it is saved or deployed and asked for at every start."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from headway.core.access import allowances
from headway.core.access.allowances import NotAllowed
from headway.core.access.machine import FIRST_FREE_PORT, Need, Power, may_have
from headway.core.access.model import Actor
from headway.core.access.survey import Line, of_needs
from headway.core.deployments.model import Deployment
from headway.features.services import powers
from headway.features.services.compose import store
from headway.features.services.compose.model import Compose, ComposeSettings, Record
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

ALLOWS = "allows"
"""What a deploy is given by whom the ports of the machine may be had: who that is."""

_OF_SETTINGS = (Power.HOST, Power.FETCH, Power.FOLDER)
_NAMESPACES = ("pid", "ipc", "uts", "userns_mode", "cgroup", "network_mode")
_OF_OTHERS = frozenset({"host", "container", "ns"})
_LISTS = ("devices", "device_cgroup_rules", "cap_add", "gpus")


def needs_of(settings: ComposeSettings, host_id: str) -> set[Need]:
    """What a compose service with these settings needs of its host."""
    given = {Power.HOST: settings.host_access, Power.FETCH: settings.engine_fetch}
    own = {Need(power=power, server_id=powers.server_of(host_id)) for power, is_set in given.items() if is_set}
    return own | powers.of_source(settings.git.url)


def needs_of_record(compose_id: str, record: Record, host_id: str) -> set[Need]:
    """What a release needs of its host: all of it, or the ports that it publishes there."""
    reaches = any(_reaching(compose_id, record.file)) if record.host is None else bool(record.host)
    if reaches:
        return {Need(power=Power.HOST, server_id=powers.server_of(host_id))}
    return _of_ports(record, host_id)


def _of_ports(record: Record, host_id: str) -> set[Need]:
    return {Need(power=Power.PORT, value=port, server_id=powers.server_of(host_id)) for port in low_ports(record.file)}


def low_ports(file: Mapping[str, Any]) -> set[str]:
    """The ports below 1024 that a file publishes, each with its protocol."""
    found = set[str]()
    for service in file["services"].values():
        for port in service.get("ports") or ():
            first, _, last = str(port.get("published") or "0").partition("-")
            numbers = range(int(first or 0), int(last or first or 0) + 1)
            found |= {f"{each}/{port.get('protocol') or 'tcp'}" for each in numbers if 0 < each < FIRST_FREE_PORT}
    return found


def save(tx: Tx, actor: Actor, compose: Compose) -> None:
    """Judges what the compose service needs as it is saved now, and writes down who allowed it. Raises
    MachineRefused.
    """
    needs = needs_of(compose.settings, compose.host_id)
    allowances.save(tx, actor, compose.service_id, needs, of=_OF_SETTINGS)


def allower(actor: Actor, host_id: str) -> dict[str, str] | None:
    """Who allows the ports that a file publishes by deploying it; None where the caller may not."""
    if not may_have(actor, Need(power=Power.PORT, server_id=powers.server_of(host_id))):
        return None
    return {"user_id": actor.user_id, "name": actor.name}


def require_start(tx: Tx, compose: Compose, settings: ComposeSettings) -> None:
    """Whether it may be deployed with these settings. Raises NotAllowed."""
    powers.require(tx, compose, needs_of(settings, compose.host_id))


def require_record(tx: Tx, deployment: Deployment, compose: Compose, record: Record) -> None:
    """Whether what a deploy has read may run: whoever deployed it allows the ports that its file has now, if they may.
    Raises NotAllowed.
    """
    needs = needs_of_record(compose.service_id, record, compose.host_id)
    by = deployment.input.get(ALLOWS)
    if by is not None:
        ports = [each for each in needs if each.power is Power.PORT]
        allowances.note(tx, compose.organization_id, compose.service_id, ports, by=(by["user_id"], by["name"]))
    powers.require(tx, compose, needs)


def deployed(tx: Tx, compose_id: str, record: Record, host_id: str) -> None:
    """What runs now is this: the ports that it has not are allowed no longer. Not before: what a deploy that fails
    leaves running has them.
    """
    allowances.withdraw_others(tx, compose_id, _of_ports(record, host_id), of=Power.PORT)


def require_release(tx: Tx, compose: Compose, record: Record) -> None:
    """Whether one may go back to what a release was made of. Raises NotAllowed."""
    needs = needs_of_record(compose.service_id, record, compose.host_id)
    powers.require(tx, compose, needs)


def refusal_of_serving(tx: Tx, compose: Compose, record: Record) -> NotAllowed | None:
    """What keeps a release that serves from being started again, None where nothing does."""
    needs = needs_of_record(compose.service_id, record, compose.host_id)
    return powers.refusal(tx, compose, needs, serving=True)


def require_serving(tx: Tx, compose: Compose, vault: Vault) -> None:
    """See ``refusal_of_serving``. Raises NotAllowed."""
    powers.require(tx, compose, _serving(tx, compose, vault), serving=True)


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``. The ports of what serves are told of as well."""
    for each in store.every(tx, vault):
        what = f"compose service {each.name} ({each.service_id})"
        needs = needs_of(each.settings, each.host_id) | _serving(tx, each, vault)
        yield from of_needs(tx, each.organization_id, each.service_id, what, needs)


def adopt_all(tx: Tx, vault: Vault) -> None:
    """Writes down what was so before anybody wrote down who allowed it."""
    for each in store.every(tx, vault):
        serving = _serving(tx, each, vault)
        now = needs_of(each.settings, each.host_id) | {need for need in serving if need.power is Power.PORT}
        allowances.adopt(tx, each.organization_id, each.service_id, now, serving)


def _serving(tx: Tx, compose: Compose, vault: Vault) -> set[Need]:
    release = store.serving(tx, compose.service_id, vault)
    return set() if release is None else needs_of_record(compose.service_id, release.record, compose.host_id)


def with_way_out(refused: NotAllowed) -> str:
    """The sentence, with how it is allowed where that is no setting."""
    if refused.need.power is not Power.PORT:
        return refused.message
    return f"{refused.message} Whoever deploys it with such a key allows the ports that its file publishes."


def _reaching(compose_id: str, file: Mapping[str, Any]) -> Iterator[str]:
    """What asks for the host in the file of a release of which that was not written down."""
    for service in file["services"].values():
        yield from _of_service(compose_id, service)
    for name, volume in (file.get("volumes") or {}).items():
        if (volume or {}).get("driver_opts"):
            yield f"options of the driver of {name}"


def _of_service(compose_id: str, service: Mapping[str, Any]) -> Iterator[str]:
    if service.get("privileged"):
        yield "privileged"
    yield from (key for key in _NAMESPACES if str(service.get(key) or "").partition(":")[0] in _OF_OTHERS)
    yield from (key for key in _LISTS if service.get(key))
    options = map(str, service.get("security_opt") or ())
    yield from (each for each in options if not each.startswith("no-new-privileges"))
    for mount in service.get("volumes") or ():
        source = posixpath.normpath(str(mount.get("source") or ""))
        if mount.get("type") == "bind" and f"/{compose_id}/" not in source:
            yield source
