"""What the panel's own machine has: its border, its host, its runtimes and its edge, each made once by the settings."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.issuance import IssuanceFiles
from headway.drivers.edge.traefik import EdgeAccounts, Https
from headway.drivers.runtimes.compose.commands import Docker
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.container.runtime import ContainerRuntime
from headway.drivers.runtimes.container.start_networks import OwnBeginning
from headway.drivers.runtimes.contract.machine import OwnMachine
from headway.drivers.runtimes.gates.panel_gates import Gates, gates_of
from headway.drivers.runtimes.gates.table_content import Ports
from headway.drivers.runtimes.process.copies import Copies
from headway.drivers.runtimes.process.disks import disks_of
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.records import Records
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.drivers.runtimes.swarm.runtime import SwarmRuntime
from headway.infra.docker.api import DockerApi, EngineAway, unix_socket
from headway.infra.hosts.local import LocalHost
from headway.infra.panel.data_dir import DataDir, OwnProgram
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.settings import Part, Settings

LOCAL = "local"
UNIX = "unix://"
_SHUT_DOWN_SECONDS = 60  # who ends a panel waits for no container longer


@dataclass(frozen=True, kw_only=True)
class PanelMachine:
    """Nothing is made before somebody asks for it, and nothing twice: the border knows what it has told the kernel."""

    settings: Settings
    data_dir: DataDir

    @cached_property
    def border(self) -> Gates | None:
        """The border of what runs here, None where none is to be, or can be."""
        if self.settings.cgroups.wish is False:
            return None
        data_dir, settings = self.data_dir, self.settings
        ports = Ports(
            closed=[each for each in (settings.port, settings.metrics_port) if each is not None],
            open=[each for each in (settings.edge_port, settings.https_port) if each is not None],
        )
        return gates_of(data_dir.panel_id, data_dir.accounts, ports, data_dir.outward_gid)

    @cached_property
    def host(self) -> LocalHost:
        """Where deployments run."""
        return LocalHost(
            self.data_dir.runs,
            self.data_dir.panel_id,
            LOCAL,
            use_cgroups=self.settings.cgroups.wish,
            gated=lambda ruled: self._gated(ruled=ruled),
            use_pid_namespaces=self.settings.pid_namespaces.wish,
            spool_cap_bytes=self.settings.spool_cap_bytes,
        )

    @cached_property
    def docker(self) -> DockerApi:
        """Its engine, where there is one."""
        return DockerApi(unix_socket(self.docker_socket))

    @property
    def docker_socket(self) -> str:
        """Where that listens."""
        return self.settings.docker_host.removeprefix(UNIX)

    @cached_property
    def beginning(self) -> OwnBeginning:
        """Where containers begin."""
        return OwnBeginning(api=self.docker, gates=self.border)

    @cached_property
    def native(self) -> NativeRuntime:
        """What keeps processes up."""
        return NativeRuntime(
            self.data_dir.work / "native",
            panel_id=self.data_dir.panel_id,
            vault=self.data_dir.vault,
            vault_key=self.data_dir.vault_key,
            use_cgroups=self.settings.cgroups.wish,
            unit=self.settings.unit(Part.SUPERVISOR),
            gates=self.border,
            reserve_bytes=self.settings.disk_reserve,
        )

    @cached_property
    def container(self) -> ContainerRuntime:
        """What keeps containers up."""
        folder, panel_id = self.data_dir.work / "containers", self.data_dir.panel_id
        return ContainerRuntime(folder, panel_id=panel_id, api=self.docker, beginning=self.beginning)

    @cached_property
    def swarm(self) -> SwarmRuntime:
        """What keeps copies in a swarm up."""
        folder, panel_id = self.data_dir.work / "services", self.data_dir.panel_id
        return SwarmRuntime(folder, panel_id=panel_id, api=self.docker, beginning=self.beginning)

    @cached_property
    def compose(self) -> Engine:
        """What compose services are brought up with."""
        docker = Docker(address=self.settings.docker_host, config_folder=str(self.data_dir.work / "docker"))
        return Engine(docker=docker, api=self.docker, machine=OwnMachine(), beginning=self.beginning)

    @cached_property
    def edge(self) -> Edge:
        """What requests come in at."""
        return Edge(
            self.data_dir.path / "edge",
            host=self.settings.edge_host,
            port=self.settings.edge_port,
            https=https_of(self.settings),
            unit=self.settings.unit(Part.EDGE),
            accounts=None if self.data_dir.uid_base is None else edge_accounts(self.data_dir),
        )

    @cached_property
    def issuance(self) -> IssuanceFiles:
        """What authorities have issued to that."""
        return IssuanceFiles(self.data_dir.path / "edge")

    async def shut_down(self) -> None:
        """Ends all that is kept alive here: runs, processes, containers, copies and the edge."""
        for handle in await self.host.remaining():
            await self.host.forget(handle)
        await self.host.aclose()
        await self.native.shut_down()
        await self._stop_composes()
        await self.container.shut_down()
        await self.swarm.shut_down()
        await self.edge.shut_down()

    def prepare(self) -> dict[str, str]:
        """Sets the gates of what engines begin by themselves; those that could not be set, with why."""
        if self.border is None:
            return {}
        _ = self.native  # by whose records they go
        self.border.prepare()
        return dict(self.border.problems)

    async def _stop_composes(self) -> None:
        with suppress(EngineAway):
            found = await self.compose.containers(panel=self.data_dir.panel_id)
            running = [each for each in found if each.compose_id and each.status != "exited"]
            await self.compose.stop(running, most_seconds=_SHUT_DOWN_SECONDS)

    def gated(self) -> Path | None:
        """The control group below which the kernel judges where connections lead; None where it does not."""
        return None if self.border is None else self.border.stand()

    def _gated(self, *, ruled: bool) -> str | None:
        if self.border is None:
            return None
        if ruled:
            groups = self.border.contain(slices=False)
            return None if groups is None else groups[1]
        self.border.stand()
        return None


def disk_holders(settings: Settings, work: Path) -> str | None:
    """See ``Disks.holders``, for a panel that works there, now or before an upgrade."""
    layout = Layout(root=work / "native")
    return disks_of(layout, Records(layout), Copies(layout, None), settings.disk_reserve).holders()


def edge_accounts(data_dir: DataDir) -> EdgeAccounts:
    """Those of this panel's Traefiks, for machines where they can have any."""
    return EdgeAccounts(serving=data_dir.account_of(OwnProgram.EDGE), trying=data_dir.account_of(OwnProgram.TRIAL))


def https_of(settings: Settings) -> Https | None:
    """How the edges answer over HTTPS, None where they do not. Raises InvalidInput."""
    if settings.https_port is None:
        return None
    return Https(
        port=settings.https_port,
        mail=settings.certificate_mail,
        authority=settings.certificate_authority,
        roots=roots_of(settings),
    )


def roots_of(settings: Settings) -> str | None:
    """The certificates that vouch for the authority's address, as PEM text. Raises InvalidInput."""
    from cryptography import x509  # noqa: PLC0415 - an authority of one's own is rare

    if settings.certificate_roots is None:
        return None
    try:
        text = Path(settings.certificate_roots).read_text()
        x509.load_pem_x509_certificates(text.encode())
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"HEADWAY_CERTIFICATE_ROOTS: {settings.certificate_roots} cannot be read as certificates (PEM): {error}"
        ) from error
    return text
