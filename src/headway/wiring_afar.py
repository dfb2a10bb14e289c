"""Makes what a platform has for applications on servers: their tools there, their edges, and what keeps them up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.applications.edges import Edges
from headway.domains.applications.far_keeping import FarKeeping
from headway.domains.applications.folders import AppFolders
from headway.domains.applications.imaging import UNIX, Imaging
from headway.domains.applications.keeper import Keeper
from headway.domains.applications.routing import Edge
from headway.domains.applications.tools import Toolboxes, Tools
from headway.domains.catalog.room import Room
from headway.domains.servers.examining import DOCKER_SOCKET, docker_of
from headway.domains.servers.fleet import Fleet
from headway.infra.db.engine import Database
from headway.infra.hosts.ssh import SshHost
from headway.infra.panel.data_dir import DataDir
from headway.kernel.settings import Settings
from headway.seams.runtimes.afar.client import Attended
from headway.seams.runtimes.afar.contract import Setting
from headway.seams.runtimes.afar.edge import FarEdge
from headway.seams.runtimes.afar.runtime import FarRuntime
from headway.seams.runtimes.afar.visits import FarVisits
from headway.seams.runtimes.several import Runtimes


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

    def edges(self, db: Database, here: Edge) -> Edges:
        """The edges of all hosts."""
        return Edges(db=db, here=here, here_id=self.fleet.here.host_id, there=self.edge)

    def toolboxes(self, here: Tools) -> Toolboxes:
        """The tools of all hosts."""
        return Toolboxes(here=here, there=lambda server_id: self.tools(server_id, here))

    def keep(self, db: Database, engine: Engine, keeper: Callable[[str], Keeper]) -> None:
        """Has the engine look after the applications of servers too; ``keeper`` looks after one."""
        far = FarKeeping(db=db, hosts=self.fleet, keeper=keeper)
        engine.keep(Poller("far keeper", far.keep_round))
        engine.release_also(far)

    def tools(self, server_id: str, here: Tools) -> Tools:
        """The tools of a server, beside those of this machine."""
        there = self._there(server_id)
        host, attended, api = there.host, there.attended, docker_of(there.host)
        folders = AppFolders(work=host.work, private=f"{host.work}/private")
        forms = {name: FarRuntime(attended=attended, name=name) for name in ("native", "container")}

        async def free(ports: Sequence[int]) -> list[int]:
            found: list[int] = await attended.call("machine", "free", wanted=ports)
            return found

        async def engine_group() -> int | None:
            group: int | None = await attended.call("machine", "group_of", path=DOCKER_SOCKET)
            return group

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
                file_server=f"{host.work}/server",
            ),
            routing=here.routing,
            edge=FarEdge(attended=attended),
            room=Room(work=host.root, floor=self.settings.least_free_bytes, api=api),
            defaults=here.defaults,
            address=here.address,
            login=here.login,
            free=free,
            engine_group=engine_group,
            visits=FarVisits(attended),
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
            edge=f"{host.work}/bin/traefik",
            site=f"{host.work}/bin/caddy",
            engine=DOCKER_SOCKET,
        )

    def _name(self, host: SshHost) -> str:
        """By what the panel's groups, containers and images there are known: not by the same as on this machine, which
        may be that server. Names of images take no capitals.
        """
        return f"{self.data_dir.panel_id}-{hashlib.sha256(host.host_id.encode()).hexdigest()[:8]}"
