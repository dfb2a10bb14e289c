"""The services of an open panel side by side, for tests that ask one of them directly."""

from __future__ import annotations

from dataclasses import dataclass

from headway.core.access.keys import KeyService
from headway.core.access.members import MemberService
from headway.core.access.organizations import OrganizationService
from headway.core.access.service import AccessService
from headway.core.deployments.service import DeploymentService
from headway.core.deployments.waiters import Waiters
from headway.core.engine.troubles import Troubles
from headway.features.backups.database.service import DatabaseBackupService
from headway.features.backups.volume.service import VolumeBackupService
from headway.features.containers.service import ContainerService
from headway.features.destinations.service import DestinationService
from headway.features.disk.service import DiskService
from headway.features.edge.domains import DomainService
from headway.features.git.providers import GitProviderService
from headway.features.git.ssh_keys import SshKeyService
from headway.features.notifications.media import Media
from headway.features.notifications.service import NotificationService
from headway.features.previews.service import PreviewService
from headway.features.projects.service import ProjectService
from headway.features.registries.service import RegistryService
from headway.features.rollbacks.service import RollbackService
from headway.features.schedules.service import ScheduleService
from headway.features.servers.service import ServerService
from headway.features.services.application.consoles import ConsoleService
from headway.features.services.application.model import AppSettings
from headway.features.services.application.service import ApplicationService
from headway.features.services.compose.service import ComposeService
from headway.features.services.database.service import DatabaseService
from headway.features.services.drops import DropService
from headway.features.webhooks.service import WebhookService
from headway.infra.db.engine import SqlDatabase
from headway.infra.logs.broadcast import Broadcast
from headway.kernel.events import Events
from headway.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Those that tests ask."""

    access: AccessService
    applications: ApplicationService
    awaiting: Waiters
    backups: DatabaseBackupService
    broadcast: Broadcast
    composes: ComposeService
    containers: ContainerService
    consoles: ConsoleService
    databases: DatabaseService
    db: SqlDatabase
    deployments: DeploymentService
    destinations: DestinationService
    disk: DiskService
    domains: DomainService
    drops: DropService[AppSettings]
    events: Events
    git_providers: GitProviderService
    keys: KeyService
    members: MemberService
    notifications: NotificationService
    organizations: OrganizationService
    previews: PreviewService
    projects: ProjectService
    registries: RegistryService
    rollbacks: RollbackService
    schedules: ScheduleService
    servers: ServerService
    ssh_keys: SshKeyService
    troubles: Troubles
    volume_backups: VolumeBackupService
    webhooks: WebhookService


def services_of(panel: Panel) -> Services:
    """The services of a panel."""
    return Services(
        access=panel.features.access.access,
        applications=panel.features.applications.service,
        awaiting=panel.features.deployments.awaiting,
        backups=panel.features.backups.databases,
        broadcast=panel.base.broadcast,
        composes=panel.features.composes.service,
        containers=panel.features.containers,
        consoles=panel.features.applications.consoles,
        databases=panel.features.databases.service,
        db=panel.base.db,
        deployments=panel.features.deployments.service,
        destinations=panel.features.destinations.service,
        disk=panel.features.disk.service,
        domains=panel.features.edge_services.domains,
        drops=panel.features.applications.drops,
        events=panel.base.events,
        git_providers=panel.features.git.providers,
        keys=panel.features.access.keys,
        members=panel.features.access.members,
        notifications=NotificationService(
            db=panel.base.db, vault=panel.base.vault, tell=Media.of(panel.base.data_dir, panel.base.machine.gated).tell
        ),
        organizations=panel.features.access.organizations,
        previews=panel.features.previews.service,
        projects=panel.features.projects,
        registries=panel.features.registries,
        rollbacks=panel.features.rollbacks.service,
        schedules=ScheduleService(
            db=panel.base.db,
            kinds=panel.features.kinds,
            ledger=panel.base.ledger,
            stopping=panel.base.engine.stopper,
            timers=panel.base.timers,
            logs=panel.base.logs,
            now=panel.base.clock.now,
        ),
        servers=panel.features.servers.service,
        ssh_keys=panel.features.git.ssh_keys,
        troubles=panel.base.engine.troubles,
        volume_backups=panel.features.backups.volumes,
        webhooks=panel.features.webhooks.service,
    )
