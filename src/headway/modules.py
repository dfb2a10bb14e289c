"""What there is: each feature is installed with what it needs of those before it, and hands over what it brings."""

from __future__ import annotations

from functools import partial

from headway.core.access.service import AccessService
from headway.features.access.module import Access, install_access
from headway.features.backups.module import Backups, carry_backups_along, install_backups
from headway.features.containers.module import install_containers
from headway.features.containers.service import ContainerService
from headway.features.deployments.module import Deployments, install_deployments, install_retention
from headway.features.destinations.module import Destinations, install_destinations, install_stored_backups
from headway.features.disk.module import Disk, install_disk
from headway.features.edge.module import EdgeServices, install_edge
from headway.features.forge_outbox.module import install_forge_outbox
from headway.features.git.module import Git, install_git
from headway.features.metrics.metrics import Metrics
from headway.features.metrics.module import install_metrics
from headway.features.notifications.module import install_notifications
from headway.features.previews.module import Previews, install_previews
from headway.features.projects.module import install_projects
from headway.features.projects.service import ProjectService
from headway.features.registries.module import install_registries
from headway.features.registries.service import RegistryService
from headway.features.rollbacks.module import Rollbacks, install_rollbacks
from headway.features.rollbacks.store import left_by
from headway.features.schedules.module import install_schedules
from headway.features.schedules.subject import carry_schedules_along
from headway.features.servers.module import Servers, forget_key_of_servers, install_edge_reconciler, install_servers
from headway.features.services.application.memory_share_store import demand_of_applications
from headway.features.services.application.module import Applications, install_applications
from headway.features.services.compose.memory_share_store import demand_of_composes
from headway.features.services.compose.module import Composes, install_composes
from headway.features.services.database.module import Databases, install_databases
from headway.features.services.directory import forget_key
from headway.features.services.downtime import DowntimeReader
from headway.features.services.duplication import EnvironmentDuplication
from headway.features.services.kinds import ServiceKinds
from headway.features.services.module import install_downtime, materials_of
from headway.features.services.relocation import ServiceRelocation
from headway.features.usage.module import UsageOverTime, install_usage
from headway.features.webhooks.module import Webhooks, install_webhooks
from headway.features.webhooks.pull_files import PullFiles
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """All of them, each with what the others and those who call may ask of it."""

    metrics: Metrics
    access: Access
    projects: ProjectService
    git: Git
    registries: RegistryService
    servers: Servers
    applications: Applications
    composes: Composes
    databases: Databases
    duplication: EnvironmentDuplication
    kinds: ServiceKinds
    downtime: DowntimeReader
    edge_services: EdgeServices
    containers: ContainerService
    rollbacks: Rollbacks
    destinations: Destinations
    backups: Backups
    disk: Disk
    previews: Previews
    webhooks: Webhooks
    deployments: Deployments
    usage: UsageOverTime


def install(base: Base, access: AccessService) -> Features:
    """All features; the engine has what they bring. ``access`` was there at the panel's start."""
    features = _features(base, access)
    modules = _modules(base, features)
    for each in (*modules, install_retention(base, modules)):
        hand_over(base, each)
    return features


def hand_over(base: Base, module: Module) -> None:
    """Gives the engine what a feature brings. Raises EngineRuns, and RegisteredTwice."""
    base.engine.register(
        kinds=module.kinds,
        subjects=module.subjects,
        timers=module.timers,
        loops=module.loops,
        released=module.released,
        hosts=module.hosts,
        places=module.places,
    )


def _features(base: Base, access: AccessService) -> Features:
    git = install_git(base, (forget_key, forget_key_of_servers))
    registries = install_registries(base)
    servers = install_servers(base, open_key=git.ssh_keys.open, open_keys=git.ssh_keys.open_all)
    materials = materials_of(base, servers, git, registries)
    relocation = ServiceRelocation(events=base.events, carry_along=(carry_backups_along, carry_schedules_along))
    of_composes = partial(demand_of_composes, vault=base.vault)
    applications = install_applications(base, servers, materials, of_composes=of_composes, relocation=relocation)
    of_applications = partial(demand_of_applications, vault=base.vault)
    composes = install_composes(base, servers, materials, beside=of_applications, relocation=relocation)
    databases = install_databases(base, applications, composes, relocation)
    destinations = install_destinations(base)
    kinds = ServiceKinds.of(base.vault, applications.kind, composes.kind)
    files = PullFiles(db=base.db, providers=git.providers, kinds=kinds)
    previews = install_previews(base, materials.facts, git.providers, kinds, files.passes)
    return Features(
        metrics=install_metrics(base),
        access=install_access(base, access),
        projects=install_projects(base),
        git=git,
        registries=registries,
        servers=servers,
        applications=applications,
        composes=composes,
        databases=databases,
        duplication=EnvironmentDuplication(
            db=base.db, vault=base.vault, copies=(databases.copy, composes.creation.copy, applications.copy)
        ),
        kinds=kinds,
        downtime=install_downtime(base, kinds),
        edge_services=install_edge(base, materials.facts, kinds.routing, applications.routing),
        containers=install_containers(base, composes, (applications.containers, composes.containers)),
        rollbacks=install_rollbacks(base, kinds),
        destinations=destinations,
        backups=install_backups(base, servers.fleet, destinations, kinds, composes.engine_of),
        disk=install_disk(base, servers, kinds, applications),
        previews=previews,
        webhooks=install_webhooks(base, files, previews.lifecycle, kinds),
        deployments=install_deployments(base, left_by=left_by),
        usage=install_usage(base, servers),
    )


def _modules(base: Base, features: Features) -> tuple[Module, ...]:
    """What they bring; a feature that nobody asks anything of is installed here."""
    return (
        features.access.module,
        features.servers.module,
        features.applications.module,
        features.composes.module,
        features.databases.module,
        Module(released=(features.downtime,)),
        features.edge_services.module,
        features.rollbacks.module,
        install_schedules(base, features.kinds, features.applications),
        features.backups.module,
        features.disk.module,
        features.usage.module,
        features.previews.module,
        features.webhooks.module,
        install_notifications(base, features.servers.fleet.servers, features.disk.service.rooms),
        install_edge_reconciler(
            base, features.servers, features.edge_services.certificates.of_server, features.edge_services.hears_issued
        ),
        install_stored_backups(base, features.destinations.transfer, features.backups.wanted),
        install_forge_outbox(base, features.git.providers, features.previews.lifecycle.services),
    )
