"""Makes what a platform has on other machines: the fleet, a host for each server, and what is done to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.catalog.ssh_keys import SshKeyService
from headway.domains.servers.fleet import Fleet
from headway.domains.servers.service import ServerService
from headway.domains.servers.setup import SetupKind
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_session import TURN_SECONDS, Pin
from headway.infra.hosts.ssh_target import SshTarget
from headway.infra.panel.data_dir import DataDir
from headway.kernel.secret import Secret
from headway.kernel.settings import Settings
from headway.kernel.turns import Turns
from headway.seams.runtimes.gates import Gates
from headway.wiring_machine import local_host

OpenKey = Callable[[Tx, str, str], Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWiring:
    """The parts that are about servers."""

    db: Database
    fleet: Fleet
    open_key: OpenKey

    @classmethod
    def of(
        cls, settings: Settings, data_dir: DataDir, db: Database, ssh_keys: SshKeyService, border: Gates | None
    ) -> ServerWiring:
        make = partial(_server_host, settings, data_dir.panel_id, turns=Turns(TURN_SECONDS))
        fleet = Fleet(here=local_host(settings, data_dir, border), db=db, open_keys=ssh_keys.open_all, make=make)
        return cls(db=db, fleet=fleet, open_key=ssh_keys.open)

    def service(self, ledger: Ledger, engine: Engine) -> ServerService:
        return ServerService(
            db=self.db,
            fleet=self.fleet,
            ledger=ledger,
            stopping=engine.stopper,
            give_up=engine.recovery.give_up,
            open_key=self.open_key,
        )

    def kind(self) -> SetupKind:
        return SetupKind(fleet=self.fleet)

    def poller(self) -> Poller:
        return Poller("servers", self.fleet.keep_round)


def _server_host(
    settings: Settings, panel_id: str, server_id: str, target: SshTarget, pin: Pin, *, turns: Turns
) -> SshHost:
    return SshHost(
        server_id,
        target,
        panel_id,
        pin=pin,
        use_cgroups=settings.cgroups.wish,
        use_pid_namespaces=settings.pid_namespaces.wish,
        spool_cap_bytes=settings.spool_cap_bytes,
        turns=turns,
    )
