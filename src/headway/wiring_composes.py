"""Makes the parts of a platform that are about compose services and containers, for ``wiring`` among the others."""

from __future__ import annotations

from collections.abc import Mapping, MutableSet, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from headway.core.access.model import Actor
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.service import LogFiles, Stopping
from headway.core.deployments.store import give_to_project
from headway.core.engine.engine import Engine as PanelEngine
from headway.core.engine.poller import Poller
from headway.domains.applications import powers as of_applications
from headway.domains.applications import store as applications
from headway.domains.applications.routing import Edge
from headway.domains.applications.share_store import demand_of_applications
from headway.domains.applications.store import any_in_containers
from headway.domains.backups import store as backups
from headway.domains.catalog.containers import ContainerService, EngineThere, SecretsOf
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.room import Room
from headway.domains.catalog.ssh_keys import OpenKey
from headway.domains.catalog.uploads import Archives, Intake
from headway.domains.composes import powers as of_composes
from headway.domains.composes import store
from headway.domains.composes.deploy import DeployKind
from headway.domains.composes.dropping import ComposeDropService, needed
from headway.domains.composes.folders import ComposeFolders
from headway.domains.composes.handback import Handback
from headway.domains.composes.keeper import Keeper
from headway.domains.composes.making import Making
from headway.domains.composes.moving import Moving
from headway.domains.composes.operate import Operating
from headway.domains.composes.outlook import bounds_of
from headway.domains.composes.plan import OpenRegistry, Planning
from headway.domains.composes.routing import Routing
from headway.domains.composes.service import ComposeService
from headway.domains.composes.tools import Defaults, Tools
from headway.domains.schedules.model import Target
from headway.domains.schedules.store import inside
from headway.domains.servers.hosting import host_for, require_seen_on
from headway.domains.volume_backups.subject import carry_along as carry_volume_backups
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import DockerApi, EngineAway, unix_socket
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import DeploymentEnded, Events
from headway.kernel.settings import Settings
from headway.seams.runtimes.beginning import Beginning
from headway.seams.runtimes.compose.commands import Docker
from headway.seams.runtimes.compose.engine import Engine
from headway.seams.runtimes.compose.observed import Container
from headway.seams.runtimes.compose.stacks import Stacks
from headway.seams.runtimes.machine import OwnMachine
from headway.wiring_afar import Afar
from headway.wiring_machine import kept_releases


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeWiring:
    """What compose services need of the others, and what they give to them."""

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase
    ledger: Ledger
    providers: GitProviderService
    afar: Afar
    operating: Operating

    @staticmethod
    def of(
        settings: Settings,
        data_dir: DataDir,
        db: SqlDatabase,
        beginning: Beginning | None,
        *,
        ledger: Ledger,
        providers: GitProviderService,
        afar: Afar,
        logs: LogFiles,
        edge: Edge,
        facts: EdgeFacts,
    ) -> ComposeWiring:
        """The wiring over this machine with its edge, and over all that are ``afar``."""

        async def containers(compose_id: str) -> Sequence[Container]:
            return await operating.containers(compose_id)

        edges = afar.edges(db, edge, store.host_of)
        routing = Routing(db=db, edge=edges, containers=containers, vault=data_dir.vault, facts=facts)
        here = _tools(settings, data_dir, db, routing=routing, providers=providers, beginning=beginning)
        toolboxes = afar.compose_toolboxes(here)
        operating = Operating(db=db, hosts=afar.fleet, toolboxes=toolboxes, logs_of_deployments=logs)
        return ComposeWiring(
            settings=settings,
            data_dir=data_dir,
            db=db,
            ledger=ledger,
            providers=providers,
            afar=afar,
            operating=operating,
        )

    @property
    def routing(self) -> Routing:
        """How domains lead to them."""
        return self.operating.tools.routing

    @property
    def making(self) -> Making:
        """What adds them."""
        return Making(vault=self.data_dir.vault, uid_base=self.data_dir.uid_base)

    def planning(self, open_key: OpenKey, open_registry: OpenRegistry) -> Planning:
        """How it is fixed what their deployments work from."""
        return Planning(
            vault=self.data_dir.vault,
            open_key=open_key,
            open_registry=open_registry,
            repository=self.providers.repository,
            uid_base=self.data_dir.uid_base,
        )

    def kind(self, planning: Planning, guests: MutableSet[str]) -> Kind:
        """How compose services are deployed."""
        operating = self.operating
        return DeployKind(planning=planning, toolboxes=operating.toolboxes, hosts=operating.hosts, guests=guests)

    def pollers(self) -> tuple[Poller, ...]:
        """What keeps those of this machine as they are wanted."""
        keeper = self._keeper(LOCAL_HOST)
        return (Poller("restore composes", keeper.restore), Poller("compose keeper", keeper.keep_round))

    def keep(self, engine: PanelEngine, events: Events) -> None:
        """Has the engine do the same for those of servers, and watch for a while, on all hosts, what a deployment has
        put beside the containers that served.
        """
        self.afar.keep(self.db, engine, "far compose keeper", store.hosts_in_use, self._keeper)
        handback = Handback(operating=self.operating, ledger=self.ledger, window=self.settings.handback_time)
        events.listen(DeploymentEnded, handback.ended)
        engine.release_also(handback)

    def _keeper(self, host_id: str) -> Keeper:
        return Keeper(
            host_id=host_id,
            operating=self.operating,
            ledger=self.ledger,
            vault=self.data_dir.vault,
            watch_time=self.settings.watch_time,
            drain_time=self.settings.drain_time,
        )

    def composes(self, stopping: Stopping) -> ComposeService:
        """What callers may ask of compose services."""
        return ComposeService(
            db=self.db,
            vault=self.data_dir.vault,
            ledger=self.ledger,
            stopping=stopping,
            operating=self.operating,
            making=self.making,
            moving=Moving(vault=self.data_dir.vault, carry_along=_carry_along),
        )

    def drops(self, composes: ComposeService) -> ComposeDropService:
        """What callers may do with archives."""
        archives = Archives(folders=self.operating.tools.folders, most_bytes=self.settings.unpacked_limit_bytes)
        vault = self.data_dir.vault
        intake = Intake(db=self.db, archives=archives, needed=lambda tx, id_: needed(tx, id_, vault))
        return ComposeDropService(composes=composes, intake=intake)

    def containers(
        self, subjects: Mapping[SubjectType, Subject], secrets_of_application: SecretsOf
    ) -> ContainerService:
        """What callers may ask of containers, those of applications too."""
        return ContainerService(
            db=self.db,
            engine_at=self._engine_at,
            subjects=subjects,
            secrets_of={
                SubjectType.COMPOSE: self.operating.secrets,
                SubjectType.APPLICATION: secrets_of_application,
            },
            was_asked_for=lambda tx: store.any_release(tx) or any_in_containers(tx),
            require_start={
                SubjectType.COMPOSE: self._require_compose,
                SubjectType.APPLICATION: self._require_application,
            },
            require_firm=self.operating.require_firm,
        )

    def _require_compose(self, tx: Tx, compose_id: str) -> None:
        vault = self.data_dir.vault
        of_composes.require_serving(tx, store.find(tx, compose_id, vault), vault)

    def _require_application(self, tx: Tx, application_id: str) -> None:
        vault, release = self.data_dir.vault, applications.serving(tx, application_id)
        of_applications.require_serving(tx, applications.find(tx, application_id, vault), release, vault)

    async def _engine_at(self, actor: Actor, server_id: str | None) -> EngineThere:
        def found(tx: Tx) -> str:
            require_seen_on(tx, actor, server_id)
            return host_for(tx, actor.organization_id, server_id)

        host_id = await self.db.read(found)
        tools = self.operating.toolboxes.at(host_id)
        return EngineThere(engine=tools.engine, panel_id=tools.panel_id)


async def stop_containers(settings: Settings, data_dir: DataDir) -> None:
    """Stops every container of a data directory's compose services, where there is an engine."""
    engine = _engine(settings, data_dir)
    with suppress(EngineAway):
        found = await engine.containers(panel=data_dir.panel_id)
        await engine.stop([each.container_id for each in found if each.compose_id and each.status != "exited"])


def _engine(settings: Settings, data_dir: DataDir, beginning: Beginning | None = None) -> Engine:
    docker = Docker(address=settings.docker_host, config_folder=str(data_dir.work / "docker"))
    api = DockerApi(unix_socket(settings.docker_host.removeprefix("unix://")))
    return Engine(docker=docker, api=api, machine=OwnMachine(), beginning=beginning)


def _tools(
    settings: Settings,
    data_dir: DataDir,
    db: SqlDatabase,
    *,
    routing: Routing,
    providers: GitProviderService,
    beginning: Beginning | None,
) -> Tools:
    work, engine = data_dir.work, _engine(settings, data_dir, beginning)
    for name in ("composes", "docker"):
        (work / name).mkdir(mode=0o711, exist_ok=True)
    return Tools(
        db=db,
        host_id=LOCAL_HOST,
        vault=data_dir.vault,
        panel_id=data_dir.panel_id,
        folders=ComposeFolders(work=str(work), private=str(data_dir.path)),
        engine=engine,
        stacks=Stacks(engine=engine, api=engine.api, panel_id=data_dir.panel_id),
        routing=routing,
        room=Room(work=str(work), floor=settings.least_free_bytes, api=engine.api),
        beside=partial(demand_of_applications, vault=data_dir.vault),
        defaults=Defaults(
            health_seconds=settings.health_deadline.total_seconds(),
            settle_seconds=settings.settle_time.total_seconds(),
            build_memory_bytes=settings.build_memory_bytes,
            process_limit=settings.process_limit,
            kept_releases=kept_releases(settings),
            bounds=bounds_of(settings),
        ),
        login=providers.login,
    )


def _carry_along(tx: Tx, compose_id: str, project_id: str) -> None:
    """The backups of a compose service and of its volumes, its schedules, and their runs, go with it to another
    project.
    """
    carry_volume_backups(tx, compose_id, project_id)
    for backup_id in backups.of_service(tx, compose_id):
        backups.give_to_project(tx, backup_id, project_id)
        give_to_project(tx, SubjectType.BACKUP, backup_id, project_id)
    for schedule_id in inside(tx, Target.COMPOSE, compose_id):
        give_to_project(tx, SubjectType.SCHEDULE, schedule_id, project_id)
