"""Makes what a platform has on its own machine: the host, what keeps applications alive, the edge, and their tools."""

from __future__ import annotations

import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509

from headway.core.deployments.run import Deadlines
from headway.core.engine.parts import EngineSettings
from headway.domains.applications.folders import AppFolders
from headway.domains.applications.imaging import UNIX, Imaging
from headway.domains.applications.looking import PREFIX
from headway.domains.applications.routing import Routing
from headway.domains.applications.share_store import Share
from headway.domains.applications.tools import Defaults, Tools
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.hosts import host_of
from headway.domains.catalog.kept import KeptReleases
from headway.domains.catalog.registries_model import Credentials
from headway.domains.catalog.room import Room
from headway.domains.catalog.uploads import UploadRoom
from headway.domains.composes.share_store import demand_of_composes
from headway.infra.db.engine import SqlDatabase
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.registries import log_in
from headway.infra.hosts.command import Account
from headway.infra.hosts.local import LocalHost
from headway.infra.panel.data_dir import DataDir, OwnProgram
from headway.infra.panel.memory import memory_bytes
from headway.kernel.errors import InvalidInput
from headway.kernel.settings import Part, Settings
from headway.kernel.vault import Vault
from headway.seams.builders.base_images import read_bases
from headway.seams.buildplan.toolchains.store import Sources, Store, Turns
from headway.seams.runtimes.base import Runtime
from headway.seams.runtimes.beginning import OwnBeginning
from headway.seams.runtimes.confinement import EdgeAccounts
from headway.seams.runtimes.container import ContainerRuntime
from headway.seams.runtimes.copies import Copies
from headway.seams.runtimes.disks import disks_of
from headway.seams.runtimes.edge import Edge
from headway.seams.runtimes.gate_content import Ports
from headway.seams.runtimes.gates import Gates, gates_of
from headway.seams.runtimes.machine import OwnMachine
from headway.seams.runtimes.native import NativeRuntime
from headway.seams.runtimes.programs import Layout
from headway.seams.runtimes.records import Records
from headway.seams.runtimes.several import Runtimes
from headway.seams.runtimes.site_server import SiteServer
from headway.seams.runtimes.swarm.runtime import SwarmRuntime
from headway.seams.runtimes.traefik import Https
from headway.seams.runtimes.visits import Visits

LOCAL = "local"


def local_host(settings: Settings, data_dir: DataDir, border: Gates | None = None) -> LocalHost:
    return LocalHost(
        data_dir.runs,
        data_dir.panel_id,
        LOCAL,
        use_cgroups=settings.cgroups.wish,
        gated=lambda ruled: None if border is None else _gated(border, ruled=ruled),
        use_pid_namespaces=settings.pid_namespaces.wish,
        spool_cap_bytes=settings.spool_cap_bytes,
    )


def _gated(border: Gates, *, ruled: bool) -> str | None:
    if ruled:
        groups = border.contain(slices=False)
        return None if groups is None else groups[1]
    border.stand()
    return None


def gates(settings: Settings, data_dir: DataDir) -> Gates | None:
    """The border of what runs on this machine, None where none is to be, or can be."""
    if settings.cgroups.wish is False:
        return None
    return gates_of(data_dir.panel_id, data_dir.accounts, _ports(settings), data_dir.outward_gid)


def _ports(settings: Settings) -> Ports:
    return Ports(
        closed=[each for each in (settings.port, settings.metrics_port) if each is not None],
        open=[each for each in (settings.edge_port, settings.https_port) if each is not None],
    )


def native_runtime(settings: Settings, data_dir: DataDir, border: Gates | None = None) -> NativeRuntime:
    return NativeRuntime(
        data_dir.work / "native",
        panel_id=data_dir.panel_id,
        vault=data_dir.vault,
        vault_key=data_dir.vault_key,
        use_cgroups=settings.cgroups.wish,
        unit=settings.unit(Part.SUPERVISOR),
        gates=border or gates(settings, data_dir),
        reserve_bytes=settings.disk_reserve,
    )


def disk_holders(settings: Settings, work: Path) -> str | None:
    """See ``Disks.holders``, for a panel that works there, now or before an upgrade."""
    layout = Layout(root=work / "native")
    return disks_of(layout, Records(layout), Copies(layout, None), settings.disk_reserve).holders()


def docker_api(settings: Settings) -> DockerApi:
    return DockerApi(unix_socket(settings.docker_host.removeprefix(UNIX)))


def container_runtime(settings: Settings, data_dir: DataDir, border: Gates | None = None) -> ContainerRuntime:
    api = docker_api(settings)
    beginning = OwnBeginning(api=api, gates=border or gates(settings, data_dir))
    return ContainerRuntime(data_dir.work / "containers", panel_id=data_dir.panel_id, api=api, beginning=beginning)


def swarm_runtime(settings: Settings, data_dir: DataDir, border: Gates | None = None) -> SwarmRuntime:
    api = docker_api(settings)
    beginning = OwnBeginning(api=api, gates=border or gates(settings, data_dir))
    return SwarmRuntime(data_dir.work / "services", panel_id=data_dir.panel_id, api=api, beginning=beginning)


def _imaging(settings: Settings, data_dir: DataDir, folders: AppFolders) -> Imaging:
    return Imaging(
        api=docker_api(settings),
        host=settings.docker_host,
        panel_id=data_dir.panel_id,
        folders=folders,
        file_server=SiteServer(data_dir.work / "server"),
        bases=read_bases(settings.build_images),
    )


def tools_of(
    settings: Settings,
    data_dir: DataDir,
    db: SqlDatabase,
    routing: Routing,
    providers: GitProviderService,
    *,
    edge: Edge,
    border: Gates | None,
) -> Tools:
    folders = AppFolders(work=str(data_dir.work), private=str(data_dir.path))
    native = native_runtime(settings, data_dir, border)
    forms: dict[str, Runtime] = {
        "native": native,
        "container": container_runtime(settings, data_dir, border),
        "swarm": swarm_runtime(settings, data_dir, border),
    }
    for name in ("mirrors", "caches", "releases", "data", "git", "keys", "logins"):
        (data_dir.work / name).mkdir(mode=0o711, exist_ok=True)
        for left in (data_dir.work / name).glob(f"{PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
    _close(data_dir.path / "archives")
    port = "" if settings.edge_port == 80 else f":{settings.edge_port}"  # browsers leave it out
    return Tools(
        db=db,
        host_id=LOCAL,
        folders=folders,
        runtimes=Runtimes(forms=forms),
        imaging=_imaging(settings, data_dir, folders),
        routing=routing,
        edge=edge,
        room=Room(work=str(data_dir.work), floor=settings.least_free_bytes, api=docker_api(settings)),
        defaults=_defaults(settings),
        address=lambda app_name: f"http://{app_name}.{settings.base_domain}{port}",
        login=providers.login,
        free=OwnMachine().free,
        close=native.close_ports,
        reached=OwnMachine().reached,
        beginning=OwnBeginning(api=docker_api(settings), gates=border),
        engine_group=partial(OwnMachine().group_of, settings.docker_host.removeprefix(UNIX)),
        visits=Visits(docker_api(settings)),
        toolchains=_toolchains(settings, data_dir, folders),
    )


def _toolchains(settings: Settings, data_dir: DataDir, folders: AppFolders) -> Store:
    uid = None if data_dir.uid_base is None else data_dir.account_of(OwnProgram.TOOLCHAINS)
    return Store(
        folder=folders.toolchains,
        attempt="",
        account=None if uid is None else Account(uid=uid, gid=uid),
        turns=Turns(),
        sources=Sources(npm=settings.npm_registry, pypi=settings.pypi_index, pythons=settings.python_builds),
        home=str(Path.home()),
        least_free_bytes=settings.least_free_bytes,
    )


def _defaults(settings: Settings) -> Defaults:
    return Defaults(
        health_seconds=settings.health_deadline.total_seconds(),
        settle_seconds=settings.settle_time.total_seconds(),
        drain_seconds=settings.drain_time.total_seconds(),
        build_memory_bytes=settings.build_memory_bytes,
        application_memory_bytes=settings.application_memory_bytes,
        application_disk_bytes=settings.application_disk,
        layer_bytes=settings.application_layer,
        process_limit=settings.process_limit,
    )


def _close(folder: Path) -> None:
    """Accounts may pass through and not look around, which they could where an earlier version made it."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)


def edge(settings: Settings, data_dir: DataDir) -> Edge:
    return Edge(
        data_dir.path / "edge",
        host=settings.edge_host,
        port=settings.edge_port,
        https=https_of(settings),
        unit=settings.unit(Part.EDGE),
        accounts=None if data_dir.uid_base is None else edge_accounts(data_dir),
    )


def edge_accounts(data_dir: DataDir) -> EdgeAccounts:
    """Those of this panel's Traefiks, for machines where they can have any."""
    return EdgeAccounts(serving=data_dir.account_of(OwnProgram.EDGE), trying=data_dir.account_of(OwnProgram.TRIAL))


def memory_share(settings: Settings, vault: Vault) -> Share:
    """What one organisation may take of the machine's memory."""
    return Share(
        bytes=memory_bytes() * settings.organization_memory_percent // 100,
        composes=partial(demand_of_composes, host_id=LOCAL, vault=vault),
        unsaid=settings.application_memory_bytes,
    )


def edge_facts(settings: Settings) -> EdgeFacts:
    """What the settings say of the edge, and of names that are not for services."""
    return EdgeFacts(
        base_domain=settings.base_domain,
        port=settings.edge_port,
        https=https_of(settings),
        panel_host=host_of(settings.public_url or ""),
    )


def https_of(settings: Settings) -> Https | None:
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


def kept_releases(settings: Settings) -> KeptReleases:
    """What services keep of their releases, where they say nothing of their own."""
    return KeptReleases(
        number=settings.keep_releases, age=settings.keep_releases_for, bytes=settings.keep_releases_bytes
    )


def engine_settings(settings: Settings) -> EngineSettings:
    """What the engine goes by."""
    return EngineSettings(
        lease=settings.lease_time,
        renew_every=settings.lease_renewal,
        cancel_grace=settings.cancel_grace,
        stop_deadline=settings.cancel_grace + timedelta(seconds=35),
        reach_deadline=settings.reach_deadline,
        missed_after=settings.missed_after,
        deadlines=Deadlines(
            step=settings.step_deadline, inactivity=settings.inactivity_deadline, total=settings.total_deadline
        ),
    )


async def try_registry(api: DockerApi, credentials: Credentials) -> None:
    """Returns when a registry knows the credentials."""
    if credentials.guarded:
        from headway.infra.docker.registries_outward import log_in_outward  # noqa: PLC0415 - a start does without it

        await log_in_outward(credentials.url, credentials.username, credentials.password)
        return
    await log_in(api, credentials.url, credentials.username, credentials.password)


def upload_room(settings: Settings, data_dir: DataDir) -> UploadRoom:
    """Where uploads lie while they come in, empty now."""
    room = UploadRoom(folder=data_dir.uploads, most_bytes=settings.upload_limit_bytes)
    room.clear()
    return room
