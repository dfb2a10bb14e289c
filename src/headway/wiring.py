"""Makes the parts of a platform in the order in which they need each other, and hands each what it needs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from headway import __version__
from headway import wiring_rounds as rounds
from headway.core.access.audience import Audience
from headway.core.access.audit import Audit
from headway.core.access.keys import KeyService
from headway.core.access.members import MemberService
from headway.core.access.organizations import OrganizationService
from headway.core.access.service import AccessService
from headway.core.deployments.awaiting import Awaiting
from headway.core.deployments.model import SubjectType
from headway.core.deployments.reading import DeploymentReader
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.service import DeploymentService
from headway.core.engine.engine import Engine
from headway.core.engine.parts import Parts
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFilesOnDisk, LogFolder
from headway.core.engine.scheduler.timers import Timers
from headway.domains.applications.arranging import Arranging
from headway.domains.applications.attachments import AttachmentService
from headway.domains.applications.deploy import DeployKind
from headway.domains.applications.detecting import DetectService
from headway.domains.applications.dropping import DropService, needed
from headway.domains.applications.hidden import Hidden
from headway.domains.applications.keeper import Keeper
from headway.domains.applications.making import Making
from headway.domains.applications.operate import Operating
from headway.domains.applications.own_routing import OwnRoutingService
from headway.domains.applications.planning import Planning
from headway.domains.applications.releases import ReleaseService
from headway.domains.applications.routing import Routing
from headway.domains.applications.runs import RunService
from headway.domains.applications.service import ApplicationService
from headway.domains.applications.sources import check_settings
from headway.domains.applications.store import host_of, hosts_in_use
from headway.domains.catalog.barriers import BarrierService
from headway.domains.catalog.certificates import CertificateService
from headway.domains.catalog.domains import DomainService
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.fronted import Fronted
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.registries import RegistryService
from headway.domains.catalog.ssh_keys import SshKeyService
from headway.domains.catalog.uploads import Archives, Intake
from headway.domains.disk.service import DiskService
from headway.domains.projects.service import ProjectService
from headway.domains.projects.store import services_of_environment
from headway.domains.rollbacks.store import left_by
from headway.domains.servers.fleet import Fleet
from headway.domains.volume_backups.services import Services as VolumeServices
from headway.infra.db.engine import SqlDatabase
from headway.infra.hosts.local import LocalHost
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.paths import LogPaths
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import AccessChanged, Events
from headway.kernel.ids import new_id
from headway.kernel.settings import Settings
from headway.reactions.journal import Journal
from headway.reactions.metrics.metrics import Metrics
from headway.seams.forges.registry import forges
from headway.wiring_afar import Afar
from headway.wiring_backups import BackupWiring
from headway.wiring_composes import ComposeWiring
from headway.wiring_databases import DatabaseWiring
from headway.wiring_disk import disk_service, keep_disks
from headway.wiring_machine import (
    LOCAL,
    docker_api,
    edge,
    edge_facts,
    engine_settings,
    kept_releases,
    memory_share,
    tools_of,
    try_registry,
    upload_room,
)
from headway.wiring_previews import PreviewPlaces, PreviewWiring
from headway.wiring_reactions import Looking, ReactionWiring
from headway.wiring_rollbacks import RollbackWiring
from headway.wiring_schedules import ScheduleWiring, carry_along
from headway.wiring_servers import ServerWiring
from headway.wiring_services import Services, console_service
from headway.wiring_subjects import SUBJECTS, key_forgetting, ledger_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """What a platform consists of."""

    services: Services
    engine: Engine
    fleet: Fleet


class Wiring:
    """Makes the parts in the order in which they need each other."""

    def __init__(
        self, settings: Settings, data_dir: DataDir, db: SqlDatabase, crash_point: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._db = db
        self._crash_point = crash_point
        self._events = Events()
        self._metrics = Metrics(self._events, __version__)
        Journal(self._events)
        self._log_paths = LogPaths(data_dir.logs)
        self._broadcast = Broadcast(self._log_paths)
        self._log_files = LogFilesOnDisk(self._log_paths)
        self._timers = Timers(self._events)
        self._backups = BackupWiring(settings=settings, data_dir=data_dir, db=db, timers=self._timers)
        self._schedules = ScheduleWiring(
            settings=settings, data_dir=data_dir, db=db, timers=self._timers, logs=self._log_files
        )
        self._subjects: dict[SubjectType, Subject] = {
            **SUBJECTS,
            **self._backups.subjects(),
            **self._schedules.subjects(),
        }
        self._ssh_keys = SshKeyService(db, data_dir.vault, key_forgetting(data_dir.vault))
        trial, border = partial(try_registry, docker_api(settings)), self._backups.border
        self._registries = RegistryService(db=db, vault=data_dir.vault, trial=trial)
        self._providers = GitProviderService(db=db, vault=data_dir.vault, forges=forges())
        self._planning = self._plans()
        self._guests: set[str] = set()
        self._servers = ServerWiring.of(settings, data_dir, db, self._ssh_keys, border)
        self._edge = edge(settings, data_dir)
        facts = edge_facts(settings)
        self._afar = Afar(settings=settings, data_dir=data_dir, fleet=self._servers.fleet)
        edges = self._afar.edges(db, self._edge, host_of)
        self._routing = Routing(db=db, edge=edges, vault=data_dir.vault, facts=facts)
        self._certificates = CertificateService(db, data_dir.vault, self._edge, facts)
        fronted: dict[SubjectType, Fronted] = {SubjectType.APPLICATION: self._routing}
        self._domains = DomainService(db, fronted, facts, self._certificates.settle_quietly)
        self._tools = tools_of(settings, data_dir, db, self._routing, self._providers, edge=self._edge, border=border)
        self._toolboxes = self._afar.toolboxes(self._tools)
        self._making = Making(vault=data_dir.vault, uid_base=data_dir.uid_base, name_is_free=self._domains.is_free)
        self._ledger = ledger_of(settings, self._events, self._subjects, self._log_paths)
        self._composes = self._new_composes(facts)
        self._databases = DatabaseWiring(composes=self._composes, making=self._making)
        fronted[SubjectType.COMPOSE] = self._composes.routing
        places = PreviewPlaces(db, data_dir.vault, facts, self._providers, settings.public_url, self._events)
        self._previews = PreviewWiring(places, self._ledger, self._making, self._composes.making)
        self._reactions = self._react()

    @property
    def _host(self) -> LocalHost:
        return self._servers.fleet.here

    def _new_composes(self, facts: EdgeFacts) -> ComposeWiring:
        return ComposeWiring.of(
            *(self._settings, self._data_dir, self._db, self._tools.beginning),
            ledger=self._ledger,
            providers=self._providers,
            afar=self._afar,
            logs=self._log_files,
            edge=self._edge,
            facts=facts,
        )

    def _react(self) -> ReactionWiring:
        looking = Looking(
            host=self._host,
            servers=self._servers.fleet.servers,
            guests=self._guests,
            plans=self._planning,
            tools=self._tools,
            composes=self._composes,
        )
        return ReactionWiring.of(
            self._settings,
            self._data_dir,
            self._db,
            ledger=self._ledger,
            events=self._events,
            looking=looking,
            acting=self._previews.acting,
        )

    def _plans(self) -> Planning:
        return Planning(
            vault=self._data_dir.vault,
            open_key=self._ssh_keys.open,
            open_registry=self._registries.open,
            repository=self._providers.repository,
            uid_base=self._data_dir.uid_base,
            memory_share=memory_share(self._settings, self._data_dir.vault),
        )

    def wired(self, access: AccessService) -> Wired:
        """The parts, each with what it needs."""
        access.tell(lambda user_id: self._events.announce(AccessChanged(user_id=user_id)))
        operating = Operating(
            db=self._db,
            hosts=self._servers.fleet,
            toolboxes=self._toolboxes,
            vault=self._data_dir.vault,
            kept_releases=kept_releases(self._settings),
            logs_of_deployments=self._log_files,
        )
        back = RollbackWiring(
            db=self._db,
            ledger=self._ledger,
            planning=self._planning,
            applications=operating,
            compose_planning=self._composes.planning(self._ssh_keys.open, self._registries.open),
            composes=self._composes.operating,
            events=self._events,
        )
        engine = Engine(self._parts(back, operating), extra=(*self._pollers(access, operating), back.poller()))
        kept = rounds.Own(vault=self._data_dir.vault, schedules=self._schedules.subject.own)
        rounds.keep_retention(engine, self._db, self._log_files, self._settings, kept)
        rounds.keep_handback(engine, operating, self._ledger, self._db, self._settings.handback_time)
        self._afar.keep(self._db, engine, "far keeper", hosts_in_use, partial(self._keeper, operating))
        self._afar.keep_edges(self._db, engine, self._events, self._certificates.of_server)
        self._composes.keep(engine, self._events)
        engine.keep(self._schedules.clearing(engine.stopper), *self._previews.pollers(engine.stopper))
        engine.keep(self._reactions.watching(engine.troubles), *self._backups.pollers(engine.troubles))
        services = self._services(access, engine, operating, back)
        keep_disks(engine, services.disk)
        return Wired(services=services, engine=engine, fleet=self._servers.fleet)

    def _services(self, access: AccessService, engine: Engine, operating: Operating, back: RollbackWiring) -> Services:
        return Services(
            db=self._db,
            events=self._events,
            metrics=self._metrics,
            troubles=engine.troubles,
            border=self._backups.border,
            broadcast=self._broadcast,
            watch_depths=self._settings.watch_depths,
            access=access,
            audit=Audit(self._db),
            keys=KeyService(self._db, access, self._settings.keys_per_person),
            members=MemberService(self._db, access),
            organizations=OrganizationService(self._db, access),
            deployments=self._deployments(engine),
            deployment_reads=(reads := self._reads()),
            awaiting=Awaiting(reads, self._events),
            audience=Audience(self._events, self._settings.streams_per_person),
            arranging=self._arranging(),
            applications=(applications := self._applications(engine, operating)),
            detects=self._detects(applications),
            drops=self._drops(applications),
            runs=RunService(db=self._db, vault=self._data_dir.vault, applications=applications),
            consoles=console_service(self._settings, self._db, self._data_dir.vault, applications, operating),
            composes=(composes := self._composes.composes(engine.stopper)),
            compose_drops=self._composes.drops(composes),
            rollbacks=back.service(engine.stopper),
            releases=ReleaseService(db=self._db, vault=self._data_dir.vault, operating=operating),
            upload_room=upload_room(self._settings, self._data_dir),
            disk=self._disk(operating),
            databases=self._databases.service(engine.stopper, operating),
            containers=self._composes.containers(self._subjects, self._hidden(operating).of),
            projects=ProjectService(self._db, self._data_dir.vault),
            servers=self._servers.service(self._ledger, engine),
            ssh_keys=self._ssh_keys,
            domains=self._domains,
            barriers=BarrierService(self._db, self._data_dir.vault, self._routing, self._routing.try_redirect),
            own_routing=OwnRoutingService(self._db, self._data_dir.vault, self._routing),
            certificates=self._certificates,
            previews=self._previews.service(),
            git_providers=self._providers,
            registries=self._registries,
            destinations=self._backups.destinations,
            backups=self._backups.backups(self._ledger, engine.stopper),
            schedules=self._schedules.service(self._ledger, engine.stopper),
            volume_backups=self._backups.volume_backups(self._ledger, engine.stopper, self._kept_services(operating)),
            attachments=AttachmentService(db=self._db, vault=self._data_dir.vault, applications=applications),
            webhooks=self._reactions.webhooks,
            notifications=self._reactions.notifications,
        )

    def _disk(self, operating: Operating) -> DiskService:
        own = (self._settings, self._data_dir, self._db, self._events)
        return disk_service(*own, applications=operating, composes=self._composes.operating, fleet=self._servers.fleet)

    def _hidden(self, operating: Operating) -> Hidden:
        return Hidden(db=self._db, vault=self._data_dir.vault, operating=operating)

    def _deployments(self, engine: Engine) -> DeploymentService:
        return DeploymentService(db=self._db, ledger=self._ledger, stopping=engine.stopper, logs=self._log_files)

    def _kept_services(self, operating: Operating) -> VolumeServices:
        vault = self._data_dir.vault
        return VolumeServices(vault=vault, applications=operating, composes=self._composes.operating)

    def _reads(self) -> DeploymentReader:
        db, subjects = self._db, self._subjects
        return DeploymentReader(
            db=db, version=db.version, subjects=subjects, services_in=services_of_environment, left_by=left_by
        )

    def _parts(self, back: RollbackWiring, operating: Operating) -> Parts:
        data_dir, kept, fleet = self._data_dir, self._kept_services(operating), self._servers.fleet
        kinds: tuple[Kind, ...] = (
            DeployKind(planning=self._planning, toolboxes=self._toolboxes, hosts=fleet, guests=self._guests),
            *self._backups.kinds(self._ledger, kept),
            self._composes.kind(back.compose_planning, self._guests),
            *back.kinds(),
            self._servers.kind(),
            self._databases.kind(),
            *self._schedules.kinds(self._toolboxes, self._composes.operating.toolboxes),
        )
        return Parts(
            db=self._db,
            ledger=self._ledger,
            events=self._events,
            hosts=fleet,
            kinds={kind.name: kind for kind in kinds},
            vault=data_dir.vault,
            logs=LogFolder(self._log_paths, self._broadcast, self._events),
            owner=f"{data_dir.panel_id}.{new_id()}",
            settings=engine_settings(self._settings),
            guests=self._guests,
            sources={**self._backups.sources(kept), SubjectType.SCHEDULE: self._schedules.subject},
            places=lambda host_id: self._toolboxes.at(host_id).room.places(),
            crash_point=self._crash_point,
        )

    def _keeper(self, operating: Operating, host_id: str) -> Keeper:
        return Keeper(
            host_id=host_id,
            operating=operating,
            ledger=self._ledger,
            vault=self._data_dir.vault,
            watch_time=self._settings.watch_time,
        )

    def _pollers(self, access: AccessService, operating: Operating) -> tuple[Poller, ...]:
        keeper = self._keeper(operating, LOCAL)
        return (
            *rounds.of_keeper(keeper),
            *self._composes.pollers(),
            *self._reactions.pollers(),
            self._servers.poller(),
            Poller("edge", partial(rounds.ensured, self._edge.ensure)),
            Poller("certificates", partial(rounds.once, self._certificates.settle)),
            Poller("ballast", rounds.of_ballast(self._data_dir.ballast, self._settings.ballast_bytes)),
            Poller("access", partial(rounds.tend_access, self._db, access, self._settings.keep_audit)),
        )

    def _applications(self, engine: Engine, operating: Operating) -> ApplicationService:
        return ApplicationService(
            db=self._db,
            vault=self._data_dir.vault,
            ledger=self._ledger,
            stopping=engine.stopper,
            operating=operating,
            check=check_settings,
            making=self._making,
            address=self._tools.address,
        )

    def _arranging(self) -> Arranging:
        return Arranging(
            db=self._db,
            vault=self._data_dir.vault,
            making=self._making,
            check=check_settings,
            copy_others=self._databases.copy_with(self._composes.making.copy),
            carry_along=carry_along,
        )

    def _detects(self, applications: ApplicationService) -> DetectService:
        return DetectService(
            db=self._db,
            applications=applications,
            planning=self._planning,
            tools=self._tools,
            host=self._host,
            guests=self._guests,
        )

    def _drops(self, applications: ApplicationService) -> DropService:
        archives = Archives(folders=self._tools.folders, most_bytes=self._settings.unpacked_limit_bytes)
        vault = self._data_dir.vault
        intake = Intake(db=self._db, archives=archives, needed=lambda tx, id_: needed(tx, id_, vault))
        return DropService(applications=applications, intake=intake)
