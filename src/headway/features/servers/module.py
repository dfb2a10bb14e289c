"""Brings the machines: a host for each server, what works there, and what is done to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.drivers.edge.issuance import Issuance
from headway.drivers.panel_machine import edge_accounts, roots_of
from headway.drivers.runtimes.remote.contract import Setting
from headway.features.servers.edge_reconciler import EdgeReconciler
from headway.features.servers.examination import DOCKER_SOCKET, docker_of
from headway.features.servers.fleet import Fleet, OpenKeys
from headway.features.servers.links import Links
from headway.features.servers.service import ServerService
from headway.features.servers.service_reconciler import ServerReconciler
from headway.features.servers.setup import SetupKind
from headway.features.servers.store import forget_key, servers_in_use
from headway.features.servers.subject import ServerSubject
from headway.infra.db.transaction import Tx
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_session import TURN_SECONDS, Pin
from headway.infra.hosts.ssh_target import SshTarget
from headway.infra.panel.names import name_on
from headway.kernel.artifacts import KeyPair
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret
from headway.kernel.turns import Turns
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What the others need of them."""

    fleet: Fleet
    links: Links
    service: ServerService
    module: Module


def install_servers(base: Base, *, open_key: Callable[[Tx, str, str], Secret], open_keys: OpenKeys) -> Servers:
    """The panel's own machine and the servers, which are entered with these keys."""
    make = partial(_host, base, Turns(TURN_SECONDS))
    fleet = Fleet(
        here=base.machine.host,
        db=base.db,
        events=base.events,
        open_keys=open_keys,
        make=make,
        troubles=base.engine.troubles,
    )
    service = ServerService(
        db=base.db,
        fleet=fleet,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        give_up=base.engine.recovery.give_up,
        open_key=open_key,
    )
    module = Module(
        kinds=(SetupKind(fleet=fleet),),
        subjects={SubjectType.SERVER: ServerSubject()},
        loops=(Poller("servers", fleet.keep_round),),
        hosts=fleet,
    )
    links = Links(host=fleet.server, setting=partial(_setting, base), docker_of=docker_of)
    return Servers(fleet=fleet, links=links, service=service, module=module)


def install_edge_reconciler(
    base: Base,
    servers: Servers,
    certificates: Callable[[str], Awaitable[Sequence[KeyPair]]],
    issued: Callable[[str, Issuance | None], None] | None,
) -> Module:
    """Looks after the edges of the servers that have services, and what certificates they show; ``issued`` hears which
    ones authorities have issued, where any is asked.
    """
    keepers: dict[str, EdgeReconciler] = {}

    def keeper(server_id: str) -> EdgeReconciler:
        made = EdgeReconciler(
            host_id=server_id,
            edge=partial(servers.links.edge, server_id),
            certificates=partial(certificates, server_id),
            events=base.events,
            issued=None if issued is None else partial(issued, server_id),
        )
        return keepers.setdefault(server_id, made)

    def in_use(tx: Tx) -> list[str]:
        return [*{*servers_in_use(tx), *(each for each, kept in tuple(keepers.items()) if kept.shows)}]

    far = ServerReconciler(db=base.db, hosts=servers.fleet, in_use=in_use, keeper=keeper)
    return Module(loops=(Poller("far edges", far.keep_round),), released=(far,))


def forget_key_of_servers(tx: Tx, _organization_id: str, ssh_key_id: str, _vault: Vault) -> None:
    """Takes an SSH key out of the servers that are entered with it."""
    forget_key(tx, ssh_key_id)


def _host(base: Base, turns: Turns, server_id: str, target: SshTarget, pin: Pin) -> SshHost:
    return SshHost(
        server_id,
        target,
        base.data_dir.panel_id,
        pin=pin,
        use_cgroups=base.settings.cgroups.wish,
        use_pid_namespaces=base.settings.pid_namespaces.wish,
        spool_cap_bytes=base.settings.spool_cap_bytes,
        turns=turns,
    )


def _setting(base: Base, host: SshHost) -> Setting:
    settings, data_dir = base.settings, base.data_dir
    return Setting(
        root=host.work,
        panel_id=name_on(data_dir.panel_id, host.host_id),
        use_cgroups=settings.cgroups.wish,
        edge_host=settings.server_edge_host,
        edge_port=settings.edge_port,
        https_port=settings.https_port,
        certificate_mail=settings.certificate_mail,
        certificate_authority=settings.certificate_authority,
        certificate_roots=roots_of(settings),
        edge=f"{host.work}/bin/traefik",
        site=f"{host.work}/bin/caddy",
        engine=DOCKER_SOCKET,
        edge_accounts=edge_accounts(data_dir),
        accounts=None if data_dir.accounts is None else (data_dir.accounts.start, data_dir.accounts.stop),
        runs=host.place,
    )
