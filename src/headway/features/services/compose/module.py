"""Brings compose services: what they work with on each host, how they are deployed, and what keeps them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from headway.core.access.model import Actor
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.drivers.panel_machine import UNIX
from headway.drivers.runtimes.compose.commands import Docker
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.stacks import Stacks
from headway.drivers.runtimes.remote.machine import RemoteMachine
from headway.drivers.runtimes.remote.start_networks import RemoteStartNetworks
from headway.drivers.runtimes.swarm.cluster import Cluster
from headway.features.containers.module import ContainersOf
from headway.features.containers.service import MachineEngine
from headway.features.servers.examination import DOCKER_SOCKET
from headway.features.servers.host_assignment import host_for, require_seen_on
from headway.features.servers.links import ServerLink
from headway.features.servers.module import Servers
from headway.features.servers.service_reconciler import ServerReconciler
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.deploy import ComposeDeploy
from headway.features.services.compose.driver import ComposeDriver, ComposeLifecycle
from headway.features.services.compose.failback import ComposeFailback, ReplacedContainers
from headway.features.services.compose.folders import ComposeFolders
from headway.features.services.compose.kind import compose_kind
from headway.features.services.compose.model import ComposeSettings, from_archive
from headway.features.services.compose.plan import ComposePlanner
from headway.features.services.compose.reconciler import ComposeReconciler
from headway.features.services.compose.routing import ComposeRouting
from headway.features.services.compose.service import ComposeService
from headway.features.services.compose.survey import bounds_of
from headway.features.services.compose.tools import ComposeContext, ComposeContexts, ComposeDefaults
from headway.features.services.disk_space import Room
from headway.features.services.drops import DropService, needed
from headway.features.services.kinds import ServiceKind
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import COMPOSES
from headway.features.services.module import Materials
from headway.features.services.release_retention import KeptReleases
from headway.features.services.relocation import ServiceRelocation
from headway.features.services.subject import ServiceSubject
from headway.features.services.uploads import Archives, Intake
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.infra.docker.api import EngineAway
from headway.infra.docker.swarm_words import SwarmAway
from headway.kernel.dataclass import dataclass
from headway.kernel.events import DeploymentEnded, Events, SwarmLooked
from headway.kernel.vault import Vault
from headway.module import Base, Module

_SWARM_REST = 30.0
OfApplications = Callable[[Tx, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composes:
    """What the others need of them, and what callers may ask."""

    creation: ComposeCreation
    lifecycle: ComposeLifecycle
    routing: ComposeRouting
    service: ComposeService
    drops: DropService[ComposeSettings]
    containers: ContainersOf
    kind: ServiceKind
    module: Module

    async def engine_at(self, actor: Actor, server_id: str | None) -> MachineEngine:
        """The engine of the panel's machine, or of a server that the caller sees. Raises Missing, HostUnreachable."""

        def found(tx: Tx) -> str:
            require_seen_on(tx, actor, server_id)
            return host_for(tx, actor.organization_id, server_id)

        return self.engine_of(await self.lifecycle.db.read(found))

    def engine_of(self, host_id: str) -> MachineEngine:
        """The engine of a host. Raises HostUnreachable."""
        tools = self.lifecycle.contexts.at(host_id)
        return MachineEngine(engine=tools.engine, panel_id=tools.panel_id)


def install_composes(
    base: Base, servers: Servers, materials: Materials, *, beside: OfApplications, relocation: ServiceRelocation
) -> Composes:
    """Compose services on all hosts. ``beside`` tells what applications take of the memory."""

    async def containers(compose_id: str) -> Sequence[Container]:
        return await lifecycle.driver.containers(compose_id)

    vault, uid_base = base.vault, base.data_dir.uid_base
    routing = _routing(base, materials, containers)
    here = _tools(base, materials, routing, beside)
    contexts = ComposeContexts(here=here, there=servers.links.of_link(partial(_context_on_server, base, here)))
    lifecycle = _lifecycle(base, servers, contexts)
    creation = ComposeCreation(vault=vault, uid_base=uid_base)
    planner = ComposePlanner(
        vault=vault,
        open_key=materials.git.ssh_keys.open,
        open_registry=materials.registries.open,
        repository=materials.git.providers.repository,
        uid_base=uid_base,
    )
    service = ComposeService(
        db=base.db,
        vault=vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        lifecycle=lifecycle,
        creation=creation,
        relocation=relocation,
    )
    return Composes(
        creation=creation,
        lifecycle=lifecycle,
        routing=routing,
        service=service,
        drops=_drops(base, service, materials.archives(here.folders)),
        containers=ContainersOf(
            subject_type=SubjectType.COMPOSE,
            label=labels.COMPOSE,
            secrets_of=lifecycle.driver.secrets,
            were_asked_for=store.any_release,
            require_start=partial(_require_start, vault=vault),
            require_firm=lifecycle.driver.require_firm,
        ),
        kind=compose_kind(creation, planner, lifecycle),
        module=_module(base, planner, lifecycle),
    )


def _routing(
    base: Base, materials: Materials, containers: Callable[[str], Awaitable[Sequence[Container]]]
) -> ComposeRouting:
    return ComposeRouting(
        db=base.db,
        edge=materials.edges,
        containers=containers,
        vault=base.vault,
        facts=materials.facts,
        turns=materials.route_turns,
    )


def _lifecycle(base: Base, servers: Servers, contexts: ComposeContexts) -> ComposeLifecycle:
    return ServiceLifecycle(
        db=base.db,
        vault=base.vault,
        hosts=servers.fleet,
        driver=ComposeDriver(db=base.db, vault=base.vault, hosts=servers.fleet, contexts=contexts),
        kept_releases=KeptReleases.of(base.settings),
        logs_of_deployments=base.logs,
    )


def _module(base: Base, planner: ComposePlanner, lifecycle: ComposeLifecycle) -> Module:
    # Once they have drained, those before are asked to end.
    window = min(base.settings.handback_time, base.settings.drain_time)
    handback = ComposeFailback(lifecycle=lifecycle, ledger=base.ledger, window=window)
    keeper = _keeper(base, handback, LOCAL_HOST)
    far = ServerReconciler(
        db=base.db,
        hosts=lifecycle.hosts,
        in_use=partial(services_store.hosts_in_use, kinds=COMPOSES),
        keeper=partial(_keeper, base, handback),
    )
    base.events.listen(DeploymentEnded, handback.ended)
    return Module(
        kinds=(
            ComposeDeploy(
                planner=planner,
                contexts=lifecycle.driver.contexts,
                hosts=lifecycle.hosts,
                untracked_runs=base.untracked_runs,
            ),
        ),
        subjects={SubjectType.COMPOSE: ServiceSubject(noun="Compose", kind=SubjectType.COMPOSE)},
        loops=(
            Poller("restore composes", keeper.restore),
            Poller("compose handback", handback.resume),
            Poller("compose keeper", keeper.keep_round),
            Poller("swarm", partial(_look_at_swarm, lifecycle.tools.stacks.cluster, base.events)),
            Poller("far compose keeper", far.keep_round),
        ),
        released=(keeper, far, handback),
        needs=(releases_store.with_releases,),
    )


def _keeper(base: Base, handback: ComposeFailback, host_id: str) -> ComposeReconciler:
    watch_time = base.settings.watch_time
    return ComposeReconciler(
        host_id=host_id,
        lifecycle=handback.lifecycle,
        replaced=lambda compose_id: ReplacedContainers(failback=handback, compose_id=compose_id, watch_time=watch_time),
        ledger=base.ledger,
        watch_time=watch_time,
        troubles=base.engine.troubles,
        drain_time=base.settings.drain_time,
    )


def _tools(base: Base, materials: Materials, routing: ComposeRouting, beside: OfApplications) -> ComposeContext:
    """Those of the panel's own machine, whose folders are made."""
    settings, work, panel_id = base.settings, base.data_dir.work, base.data_dir.panel_id
    engine = base.machine.compose
    for name in ("composes", "docker"):
        (work / name).mkdir(mode=0o711, exist_ok=True)
    return ComposeContext(
        db=base.db,
        host_id=LOCAL_HOST,
        vault=base.vault,
        panel_id=panel_id,
        folders=ComposeFolders(work=str(work), private=str(base.data_dir.path)),
        engine=engine,
        stacks=Stacks(engine=engine, api=engine.api, panel_id=panel_id),
        routing=routing,
        room=Room(work=str(work), floor=settings.least_free_bytes, api=engine.api),
        beside=beside,
        defaults=ComposeDefaults(
            health_seconds=settings.health_deadline.total_seconds(),
            settle_seconds=settings.settle_time.total_seconds(),
            build_memory_bytes=settings.build_memory_bytes,
            process_limit=settings.process_limit,
            bounds=bounds_of(settings),
        ),
        login=materials.git.providers.login,
    )


def _context_on_server(base: Base, here: ComposeContext, there: ServerLink) -> ComposeContext:
    """Those of a server, beside those of the panel's own machine."""
    host, api = there.host, there.api
    docker = Docker(address=f"{UNIX}{DOCKER_SOCKET}", config_folder=f"{host.work}/docker")
    machine, beginning = RemoteMachine(there.agent), RemoteStartNetworks(there.agent)
    engine = Engine(docker=docker, api=api, machine=machine, beginning=beginning)
    return replace(
        here,
        host_id=host.host_id,
        panel_id=there.panel_id,
        folders=ComposeFolders(work=host.work, private=f"{host.work}/private"),
        engine=engine,
        stacks=Stacks(engine=engine, api=api, panel_id=there.panel_id),
        room=Room(work=host.root, floor=base.settings.least_free_bytes, api=api),
    )


def _drops(base: Base, service: ComposeService, archives: Archives) -> DropService[ComposeSettings]:
    mine = partial(needed, reader=store.COMPOSE_READER, vault=base.vault)
    intake = Intake(db=base.db, archives=archives, needed=mine)
    return DropService(services=service, intake=intake, from_archive=from_archive)


def _require_start(tx: Tx, compose_id: str, *, vault: Vault) -> None:
    powers.require_serving(tx, store.find(tx, compose_id, vault), vault)


async def _look_at_swarm(cluster: Cluster, events: Events) -> float:
    """Tells how the swarm is, where there is one that answers. Seconds to rest."""
    with suppress(EngineAway, SwarmAway):
        machines = Counter(str(each["Status"]["State"]) for each in (await cluster.nodes()).values())
        if machines:
            wanted, running = await cluster.copies()
            events.announce(SwarmLooked(machines=machines, wanted=wanted, running=running))
    return _SWARM_REST
