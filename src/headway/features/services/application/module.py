"""Brings applications: what they work with on each host, how they are deployed, and what keeps them up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.core.engine.parts import Places
from headway.core.engine.poller import Poller
from headway.drivers.builders.base_image_names import read_bases
from headway.drivers.buildplan.toolchains.store import Sources, Store, Turns
from headway.drivers.runtimes.container.exec_sessions import ExecSessions
from headway.drivers.runtimes.container.site_server import SiteServer
from headway.drivers.runtimes.contract.machine import OwnMachine
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.drivers.runtimes.remote.edge import RemoteEdge
from headway.drivers.runtimes.remote.exec_sessions import RemoteExecSessions
from headway.drivers.runtimes.remote.machine import RemoteMachine
from headway.drivers.runtimes.remote.runtime import RemoteRuntime
from headway.drivers.runtimes.remote.site_server import RemoteSiteServer
from headway.drivers.runtimes.remote.start_networks import RemoteStartNetworks
from headway.features.containers.module import ContainersOf
from headway.features.edge.domains import is_free
from headway.features.servers.examination import DOCKER_SOCKET
from headway.features.servers.links import ServerLink
from headway.features.servers.module import Servers
from headway.features.servers.service_reconciler import ServerReconciler
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.attachments import AttachmentService
from headway.features.services.application.consoles import ConsoleService
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.custom_traefik import CustomTraefikService
from headway.features.services.application.deploy import ApplicationDeploy
from headway.features.services.application.detection import DetectService
from headway.features.services.application.driver import ApplicationDriver, ApplicationLifecycle
from headway.features.services.application.duplication import ApplicationDuplication
from headway.features.services.application.failback import ApplicationFailback, ReplacedRelease
from headway.features.services.application.folders import AppFolders
from headway.features.services.application.image_specs import UNIX, ImageSpecs
from headway.features.services.application.inspection import PREFIX
from headway.features.services.application.kind import application_kind
from headway.features.services.application.memory_share_store import MemoryShare
from headway.features.services.application.model import AppSettings, from_archive
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.reconciler import ApplicationReconciler
from headway.features.services.application.redaction import Redaction
from headway.features.services.application.releases import ReleaseService
from headway.features.services.application.retention import ApplicationRetention
from headway.features.services.application.routing import ApplicationRouting
from headway.features.services.application.runs import RunService
from headway.features.services.application.service import ApplicationService
from headway.features.services.application.subject import RunSubject
from headway.features.services.application.tools import (
    ApplicationContext,
    ApplicationContexts,
    ApplicationDefaults,
    SharedContext,
)
from headway.features.services.disk_space import Room
from headway.features.services.drops import DropService, needed
from headway.features.services.duplication import CopyServices
from headway.features.services.kinds import ServiceKind
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import APPLICATIONS
from headway.features.services.module import Materials
from headway.features.services.release_retention import KeptReleases
from headway.features.services.relocation import ServiceRelocation
from headway.features.services.subject import ServiceSubject
from headway.features.services.uploads import Archives, Intake, UploadRoom
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.infra.docker import labels
from headway.infra.hosts.command import Account
from headway.infra.panel.data_dir import OwnProgram
from headway.infra.panel.memory import memory_bytes
from headway.kernel.dataclass import dataclass
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault
from headway.module import Base, Module

_FOLDERS = ("mirrors", "caches", "releases", "data", "git", "keys", "logins")
OfComposes = Callable[[Tx, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications:
    """What the others need of them, and what callers may ask."""

    creation: ApplicationCreation
    copy: CopyServices
    lifecycle: ApplicationLifecycle
    routing: ApplicationRouting
    service: ApplicationService
    attachments: AttachmentService
    consoles: ConsoleService
    detects: DetectService
    drops: DropService[AppSettings]
    custom_traefik: CustomTraefikService
    releases: ReleaseService
    runs: RunService
    upload_room: UploadRoom
    containers: ContainersOf
    kind: ServiceKind
    module: Module


def install_applications(
    base: Base, servers: Servers, materials: Materials, *, of_composes: OfComposes, relocation: ServiceRelocation
) -> Applications:
    """Applications on all hosts; ``of_composes`` tells what an organisation's compose services take of the memory."""
    db, vault = base.db, base.vault
    routing = ApplicationRouting(
        db=db, edge=materials.edges, vault=vault, facts=materials.facts, turns=materials.route_turns
    )
    here = _tools(base, materials, routing)
    contexts = ApplicationContexts(here=here, there=servers.links.of_link(partial(_context_on_server, base, here)))
    lifecycle: ApplicationLifecycle = ServiceLifecycle(
        db=db,
        vault=vault,
        hosts=servers.fleet,
        driver=ApplicationDriver(db=db, vault=vault, contexts=contexts),
        kept_releases=KeptReleases.of(base.settings),
        logs_of_deployments=base.logs,
    )
    planner = ApplicationPlanner(
        vault=vault,
        open_key=materials.git.ssh_keys.open,
        open_registry=materials.registries.open,
        repository=materials.git.providers.repository,
        uid_base=base.data_dir.uid_base,
        memory_share=share_of(base.settings, of_composes),
    )
    creation = ApplicationCreation(
        vault=vault, uid_base=base.data_dir.uid_base, name_is_free=partial(is_free, facts=materials.facts)
    )
    module = _module(base, planner, lifecycle)
    archives = materials.archives(here.folders)
    return _asked(base, creation, planner, lifecycle, module, relocation=relocation, archives=archives)


def share_of(settings: Settings, of_composes: OfComposes) -> MemoryShare:
    """What one organisation may take of the machine's memory."""
    return MemoryShare(
        bytes=memory_bytes() * settings.organization_memory_percent // 100,
        composes=of_composes,
        unsaid=settings.application_memory_bytes,
    )


def _asked(
    base: Base,
    creation: ApplicationCreation,
    planner: ApplicationPlanner,
    lifecycle: ApplicationLifecycle,
    module: Module,
    *,
    relocation: ServiceRelocation,
    archives: Archives,
) -> Applications:
    db, vault, tools = base.db, base.vault, lifecycle.tools
    service = ApplicationService(
        db=db,
        vault=vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        lifecycle=lifecycle,
        creation=creation,
        relocation=relocation,
        address=tools.shared.address,
    )
    here, untracked_runs = base.machine.host, base.untracked_runs
    return Applications(
        creation=creation,
        copy=ApplicationDuplication(creation=creation).copy,
        lifecycle=lifecycle,
        routing=tools.routing,
        service=service,
        attachments=AttachmentService(db=db, vault=vault, applications=service),
        consoles=_consoles(base, service, lifecycle),
        detects=DetectService(
            db=db, applications=service, planner=planner, tools=tools, host=here, untracked_runs=untracked_runs
        ),
        drops=_drops(base, service, archives),
        custom_traefik=CustomTraefikService(db, vault, tools.routing),
        releases=ReleaseService(db=db, vault=vault, lifecycle=lifecycle),
        runs=RunService(db=db, vault=vault, applications=service),
        upload_room=_upload_room(base),
        containers=ContainersOf(
            subject_type=SubjectType.APPLICATION,
            label=labels.APPLICATION,
            secrets_of=Redaction(db=db, vault=vault, lifecycle=lifecycle).of,
            were_asked_for=store.any_in_containers,
            require_start=partial(_require_start, vault=vault),
        ),
        kind=application_kind(creation, planner, lifecycle),
        module=module,
    )


def _module(base: Base, planner: ApplicationPlanner, lifecycle: ApplicationLifecycle) -> Module:
    handback = ApplicationFailback(
        lifecycle=lifecycle,
        ledger=base.ledger,
        unchanged=Unchanged(base.db.version),
        window=base.settings.handback_time,
    )
    keeper, retention = _keeper(base, handback, LOCAL_HOST), ApplicationRetention(base.vault)
    far = ServerReconciler(
        db=base.db,
        hosts=lifecycle.hosts,
        in_use=partial(services_store.hosts_in_use, kinds=APPLICATIONS),
        keeper=partial(_keeper, base, handback),
    )
    return Module(
        kinds=(
            ApplicationDeploy(
                planner=planner,
                contexts=lifecycle.driver.contexts,
                hosts=lifecycle.hosts,
                untracked_runs=base.untracked_runs,
            ),
        ),
        subjects={
            SubjectType.APPLICATION: ServiceSubject(noun="Application", kind=SubjectType.APPLICATION),
            SubjectType.RUN: RunSubject(),
        },
        loops=(
            Poller("restore", keeper.restore),
            Poller("keeper", keeper.keep_round),
            Poller("guard", keeper.guard.guard_round),
            Poller("handback", handback.round),
            Poller("far keeper", far.keep_round),
        ),
        released=(keeper, far, handback),
        keeps={SubjectType.APPLICATION: retention.own},
        needs=(retention.needed,),
        places=_places(lifecycle.driver.contexts),
    )


def _places(contexts: ApplicationContexts) -> Places:
    return lambda host_id: contexts.at(host_id).room.places()


def _keeper(base: Base, handback: ApplicationFailback, host_id: str) -> ApplicationReconciler:
    watch_time = base.settings.watch_time
    return ApplicationReconciler(
        host_id=host_id,
        lifecycle=handback.lifecycle,
        replaced=lambda release_id: ReplacedRelease(failback=handback, release_id=release_id, watch_time=watch_time),
        ledger=base.ledger,
        watch_time=watch_time,
        troubles=base.engine.troubles,
    )


def _tools(base: Base, materials: Materials, routing: ApplicationRouting) -> ApplicationContext:
    """Those of the panel's own machine, whose folders are made."""
    machine, settings, work = base.machine, base.settings, base.data_dir.work
    folders = AppFolders(work=str(work), private=str(base.data_dir.path))
    for name in _FOLDERS:
        (work / name).mkdir(mode=0o711, exist_ok=True)
        for left in (work / name).glob(f"{PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
    _close(base.data_dir.path / "archives")
    forms: dict[str, Runtime] = {"native": machine.native, "container": machine.container, "swarm": machine.swarm}
    port = "" if settings.edge_port == 80 else f":{settings.edge_port}"  # browsers leave it out
    return ApplicationContext(
        shared=SharedContext(
            db=base.db,
            routing=routing,
            defaults=_defaults(settings),
            address=lambda app_name: f"http://{app_name}.{settings.base_domain}{port}",
            login=materials.git.providers.login,
        ),
        host_id=LOCAL_HOST,
        folders=folders,
        runtimes=Runtimes(forms=forms),
        imaging=ImageSpecs(
            api=machine.docker,
            host=settings.docker_host,
            panel_id=base.data_dir.panel_id,
            folders=folders,
            file_server=SiteServer(work / "server"),
            bases=read_bases(settings.build_images),
        ),
        edge=machine.edge,
        room=Room(work=str(work), floor=settings.least_free_bytes, api=machine.docker),
        machine=OwnMachine(),
        close=machine.native.close_ports,
        beginning=machine.beginning,
        visits=ExecSessions(machine.docker),
        toolchains=_toolchains(base, folders),
    )


def _context_on_server(base: Base, here: ApplicationContext, there: ServerLink) -> ApplicationContext:
    """Those of a server, beside those of the panel's own machine."""
    host, agent, api = there.host, there.agent, there.api
    beginning = RemoteStartNetworks(agent)
    folders, store_here = AppFolders(work=host.work, private=f"{host.work}/private"), here.toolchains
    return ApplicationContext(
        shared=here.shared,
        host_id=host.host_id,
        folders=folders,
        runtimes=Runtimes(forms={name: RemoteRuntime(agent=agent, name=name) for name in ("native", "container")}),
        imaging=ImageSpecs(
            api=api,
            host=f"{UNIX}{DOCKER_SOCKET}",
            panel_id=there.panel_id,
            folders=folders,
            file_server=RemoteSiteServer(agent=agent, folder=f"{host.work}/server"),
            bases=here.imaging.bases,
        ),
        edge=RemoteEdge(agent=agent),
        room=Room(work=host.root, floor=base.settings.least_free_bytes, api=api),
        machine=RemoteMachine(agent),
        close=beginning.close,
        beginning=beginning,
        visits=RemoteExecSessions(agent),
        toolchains=None if store_here is None else replace(store_here, folder=folders.toolchains, home="/root"),
    )


def _toolchains(base: Base, folders: AppFolders) -> Store:
    data_dir, settings = base.data_dir, base.settings
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


def _defaults(settings: Settings) -> ApplicationDefaults:
    return ApplicationDefaults(
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


def _upload_room(base: Base) -> UploadRoom:
    """Where uploads lie while they come in, empty now."""
    room = UploadRoom(
        folder=base.data_dir.uploads,
        most_bytes=base.settings.upload_limit_bytes,
        least_free_bytes=base.settings.least_free_bytes,
    )
    room.clear()
    return room


def _consoles(base: Base, service: ApplicationService, lifecycle: ApplicationLifecycle) -> ConsoleService:
    return ConsoleService(
        db=base.db,
        vault=base.vault,
        applications=service,
        lifecycle=lifecycle,
        idle_seconds=base.settings.console_idle.total_seconds(),
        use_groups=base.settings.cgroups.wish is not False,
    )


def _drops(base: Base, service: ApplicationService, archives: Archives) -> DropService[AppSettings]:
    mine = partial(needed, reader=store.APPLICATION_READER, vault=base.vault)
    intake = Intake(db=base.db, archives=archives, needed=mine)
    return DropService(services=service, intake=intake, from_archive=from_archive)


def _require_start(tx: Tx, application_id: str, *, vault: Vault) -> None:
    release = store.serving(tx, application_id)
    powers.require_serving(tx, store.find(tx, application_id, vault), release, vault)
