"""Makes what a platform has for services on servers: their tools there, their edges, and what keeps them up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.applications.edges import Edges
from headway.domains.applications.folders import AppFolders
from headway.domains.applications.imaging import UNIX, Imaging
from headway.domains.applications.routing import Edge
from headway.domains.applications.tools import Toolboxes, Tools
from headway.domains.catalog.room import Room
from headway.domains.composes.folders import ComposeFolders
from headway.domains.composes.tools import Toolboxes as ComposeToolboxes
from headway.domains.composes.tools import Tools as ComposeTools
from headway.domains.servers.edge_keeping import EdgeKeeper
from headway.domains.servers.examining import DOCKER_SOCKET, docker_of
from headway.domains.servers.far_keeping import FarKeeping, Keeper
from headway.domains.servers.fleet import Fleet
from headway.domains.servers.store import servers_in_use
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.ssh import SshHost
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.naming import name_on
from headway.kernel.artifacts import KeyPair
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.seams.buildplan.toolchains.store import Store
from headway.seams.runtimes.afar.beginning import FarBeginning
from headway.seams.runtimes.afar.client import Attended
from headway.seams.runtimes.afar.contract import Setting
from headway.seams.runtimes.afar.edge import FarEdge
from headway.seams.runtimes.afar.machine import FarMachine
from headway.seams.runtimes.afar.runtime import FarRuntime
from headway.seams.runtimes.afar.site_server import FarSiteServer
from headway.seams.runtimes.afar.visits import FarVisits
from headway.seams.runtimes.compose.commands import Docker
from headway.seams.runtimes.compose.engine import Engine as ContainerEngine
from headway.seams.runtimes.compose.stacks import Stacks
from headway.seams.runtimes.several import Runtimes
from headway.wiring_machine import edge_accounts, roots_of

HostOf = Callable[[Tx, str], str | None]
HostsInUse = Callable[[Tx], Sequence[str]]
CertificatesOf = Callable[[str], Awaitable[Sequence[KeyPair]]]
MakeKeeper = Callable[[str], Keeper]


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """What works on one server, for as long as its row says the same of it."""

    host: SshHost
    attended: Attended


@dataclass(kw_only=True)
class Afar:
    """Gives the tools and the edge of a server; both raise HostUnreachable where there is no such server any more."""

    settings: Settings
    data_dir: DataDir
    fleet: Fleet
    _known: dict[str, There] = field(default_factory=dict)

    def edge(self, server_id: str) -> FarEdge:
        """The edge of a server."""
        return FarEdge(attended=self._there(server_id).attended)

    def edges(self, db: Database, here: Edge, host_of: HostOf) -> Edges:
        """The edges of all hosts."""
        return Edges(db=db, here=here, here_id=self.fleet.here.host_id, there=self.edge, host_of=host_of)

    def toolboxes(self, here: Tools) -> Toolboxes:
        """The tools of all hosts, for applications."""
        return Toolboxes(here=here, there=lambda server_id: self.tools(server_id, here))

    def compose_toolboxes(self, here: ComposeTools) -> ComposeToolboxes:
        """The same for compose services."""
        return ComposeToolboxes(here=here, there=lambda server_id: self.compose_tools(server_id, here))

    def keep(self, db: Database, engine: Engine, name: str, in_use: HostsInUse, keeper: MakeKeeper) -> None:
        """Has the engine look after the services of servers too; ``keeper`` makes what does on one of the hosts."""
        far = FarKeeping(db=db, hosts=self.fleet, in_use=in_use, keeper=keeper)
        engine.keep(Poller(name, far.keep_round))
        engine.release_also(far)

    def keep_edges(self, db: Database, engine: Engine, events: Events, shown: CertificatesOf) -> None:
        """Has the engine look after the edges of the servers that have services, and what certificates they show."""
        keepers: dict[str, EdgeKeeper] = {}

        def keeper(server_id: str) -> EdgeKeeper:
            edge, certificates = partial(self.edge, server_id), partial(shown, server_id)
            made = EdgeKeeper(host_id=server_id, edge=edge, certificates=certificates, events=events)
            return keepers.setdefault(server_id, made)

        def in_use(tx: Tx) -> list[str]:
            return [*{*servers_in_use(tx), *(each for each, kept in tuple(keepers.items()) if kept.shows)}]

        self.keep(db, engine, "far edges", in_use, keeper)

    def tools(self, server_id: str, here: Tools) -> Tools:
        """The tools of a server, beside those of this machine."""
        there = self._there(server_id)
        host, attended, api = there.host, there.attended, docker_of(there.host)
        machine, beginning = FarMachine(attended), FarBeginning(attended)
        folders = AppFolders(work=host.work, private=f"{host.work}/private")
        forms = {name: FarRuntime(attended=attended, name=name) for name in ("native", "container")}

        return Tools(
            db=here.db,
            host_id=server_id,
            folders=folders,
            runtimes=Runtimes(forms=forms),
            imaging=Imaging(
                api=api,
                host=f"{UNIX}{DOCKER_SOCKET}",
                panel_id=self._name(host),
                folders=folders,
                file_server=FarSiteServer(attended=attended, folder=f"{host.work}/server"),
                bases=here.imaging.bases,
            ),
            routing=here.routing,
            edge=FarEdge(attended=attended),
            room=Room(work=host.root, floor=self.settings.least_free_bytes, api=api),
            defaults=here.defaults,
            address=here.address,
            login=here.login,
            free=machine.free,
            close=beginning.close,
            beginning=beginning,
            reached=machine.reached,
            engine_group=partial(machine.group_of, DOCKER_SOCKET),
            visits=FarVisits(attended),
            toolchains=_of_server(here.toolchains, folders.toolchains),
        )

    def compose_tools(self, server_id: str, here: ComposeTools) -> ComposeTools:
        """The tools of a server, beside those of this machine."""
        there = self._there(server_id)
        host, api, name = there.host, docker_of(there.host), self._name(there.host)
        docker = Docker(address=f"{UNIX}{DOCKER_SOCKET}", config_folder=f"{host.work}/docker")
        machine, beginning = FarMachine(there.attended), FarBeginning(there.attended)
        engine = ContainerEngine(docker=docker, api=api, machine=machine, beginning=beginning)
        return replace(
            here,
            host_id=server_id,
            panel_id=name,
            folders=ComposeFolders(work=host.work, private=f"{host.work}/private"),
            engine=engine,
            stacks=Stacks(engine=engine, api=api, panel_id=name),
            room=Room(work=host.root, floor=self.settings.least_free_bytes, api=api),
        )

    def _there(self, server_id: str) -> There:
        host, known = self.fleet.server(server_id), self._known.get(server_id)
        if known is None or known.host is not host:
            known = There(host=host, attended=Attended(host, self._setting(host)))
            self._known[server_id] = known
        return known

    def _setting(self, host: SshHost) -> Setting:
        settings = self.settings
        return Setting(
            root=host.work,
            panel_id=self._name(host),
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
            edge_accounts=edge_accounts(self.data_dir),
            accounts=None
            if self.data_dir.accounts is None
            else (self.data_dir.accounts.start, self.data_dir.accounts.stop),
            runs=host.place,
        )

    def _name(self, host: SshHost) -> str:
        return name_on(self.data_dir.panel_id, host.host_id)


def _of_server(store: Store | None, folder: str) -> Store | None:
    """Where a server keeps its languages."""
    return None if store is None else replace(store, folder=folder, home="/root")
