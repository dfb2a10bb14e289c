"""What there is: each feature is installed with what it needs of those before it, and hands over what it brings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from headway.core.access.service import AccessService
from headway.features.access.module import Access, install_access
from headway.features.backups.module import Backups, install_backups
from headway.features.backups.subject import carry_backups_along
from headway.features.containers.module import install_containers
from headway.features.containers.service import ContainerService
from headway.features.deployments.module import Deployments, install_deployments, install_retention
from headway.features.destinations.module import Destinations, install_destinations, install_kept
from headway.features.disk.module import Disk, install_disk
from headway.features.edge.module import EdgeServices, install_fronts
from headway.features.forge_outbox.module import install_forge_outbox
from headway.features.git.module import Git, install_git
from headway.features.metrics.metrics import Metrics
from headway.features.metrics.module import install_metrics
from headway.features.notifications.module import Notifications, install_notifications
from headway.features.previews.module import Previews, install_previews
from headway.features.projects.module import install_projects
from headway.features.projects.service import ProjectService
from headway.features.registries.module import install_registries
from headway.features.registries.service import RegistryService
from headway.features.rollbacks.module import Rollbacks, install_rollbacks
from headway.features.rollbacks.store import left_by
from headway.features.schedules.module import Schedules, install_schedules
from headway.features.schedules.subject import carry_schedules_along
from headway.features.servers.module import Servers, forget_key_of_servers, install_edge_keeping, install_servers
from headway.features.services.application.memory_share_store import demand_of_applications
from headway.features.services.application.module import (
    Applications,
    forget_key_of_applications,
    install_applications,
    install_arranging,
)
from headway.features.services.application.relocation import ApplicationRelocation
from headway.features.services.compose.memory_share_store import demand_of_composes
from headway.features.services.compose.module import Composes, forget_key_of_composes, install_composes
from headway.features.services.database.module import Databases, install_databases
from headway.features.services.module import materials_of
from headway.features.volume_backups.module import VolumeBackups, install_volume_backups
from headway.features.volume_backups.subject import carry_volume_backups_along
from headway.features.webhooks.module import Webhooks, install_webhooks
from headway.infra.db.transaction import Tx
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
    relocation: ApplicationRelocation
    edge_services: EdgeServices
    containers: ContainerService
    rollbacks: Rollbacks
    schedules: Schedules
    destinations: Destinations
    backups: Backups
    volume_backups: VolumeBackups
    disk: Disk
    previews: Previews
    webhooks: Webhooks
    notifications: Notifications
    deployments: Deployments


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
    git = install_git(base, (forget_key_of_applications, forget_key_of_composes, forget_key_of_servers))
    registries = install_registries(base)
    servers = install_servers(base, open_key=git.ssh_keys.open, open_keys=git.ssh_keys.open_all)
    materials = materials_of(base, servers, git, registries)
    of_composes = partial(demand_of_composes, vault=base.vault)
    applications = install_applications(base, servers, materials, of_composes=of_composes)
    of_applications = partial(demand_of_applications, vault=base.vault)
    composes = install_composes(base, servers, materials, beside=of_applications, carry_along=_carry_along)
    databases = install_databases(base, applications, composes, carry_along=_carry_along)
    destinations = install_destinations(base)
    previews = install_previews(base, materials.facts, git.providers, applications, composes)
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
        relocation=install_arranging(base, applications, copy_others=databases.copy, carry_along=_carry_along),
        edge_services=install_fronts(base, materials.facts, applications.routing, composes.routing),
        containers=install_containers(base, composes, (applications.containers, composes.containers)),
        rollbacks=install_rollbacks(base, applications, composes),
        schedules=install_schedules(base, applications, composes),
        destinations=destinations,
        backups=install_backups(base, destinations, applications, composes),
        volume_backups=install_volume_backups(base, destinations, applications, composes),
        disk=install_disk(base, servers, applications, composes),
        previews=previews,
        webhooks=install_webhooks(base, git.providers, previews.acting, applications, composes),
        notifications=install_notifications(base, servers.fleet.servers),
        deployments=install_deployments(base, left_by=left_by),
    )


def _modules(base: Base, features: Features) -> tuple[Module, ...]:
    """What they bring; a feature that nobody asks anything of is installed here."""
    return (
        features.access.module,
        features.servers.module,
        features.applications.module,
        features.composes.module,
        features.databases.module,
        features.edge_services.module,
        features.rollbacks.module,
        features.schedules.module,
        features.backups.module,
        features.volume_backups.module,
        features.disk.module,
        features.previews.module,
        features.webhooks.module,
        features.notifications.module,
        install_edge_keeping(base, features.servers, features.edge_services.certificates.of_server),
        install_kept(base, features.destinations.keeping, (features.backups.wanted, features.volume_backups.wanted)),
        install_forge_outbox(base, features.git.providers, features.previews.acting.forms),
    )


def _carry_along(tx: Tx, service_id: str, project_id: str) -> None:
    """What belongs to a service goes with it to another project: its backups, its schedules, and the runs of both."""
    carry_volume_backups_along(tx, service_id, project_id)
    carry_backups_along(tx, service_id, project_id)
    carry_schedules_along(tx, service_id, project_id)
