"""The services that the faces answer from, side by side, until each operation has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headway.core.access.audience import Audience
from headway.core.access.audit import Audit
from headway.core.access.keys import KeyService
from headway.core.access.members import MemberService
from headway.core.access.organizations import OrganizationService
from headway.core.access.service import AccessService
from headway.core.deployments.awaiting import Awaiting
from headway.core.deployments.reading import DeploymentReader
from headway.core.deployments.service import DeploymentService
from headway.core.engine.troubles import Troubles
from headway.domains.applications.arranging import Arranging
from headway.domains.applications.attachments import AttachmentService
from headway.domains.applications.consoles import ConsoleService
from headway.domains.applications.detecting import DetectService
from headway.domains.applications.dropping import DropService
from headway.domains.applications.own_routing import OwnRoutingService
from headway.domains.applications.releases import ReleaseService
from headway.domains.applications.runs import RunService
from headway.domains.applications.service import ApplicationService
from headway.domains.backups.service import BackupService
from headway.domains.catalog.barriers import BarrierService
from headway.domains.catalog.certificates import CertificateService
from headway.domains.catalog.containers import ContainerService
from headway.domains.catalog.destinations import DestinationService
from headway.domains.catalog.domains import DomainService
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.registries import RegistryService
from headway.domains.catalog.ssh_keys import SshKeyService
from headway.domains.catalog.uploads import UploadRoom
from headway.domains.composes.dropping import ComposeDropService
from headway.domains.composes.service import ComposeService
from headway.domains.databases.service import DatabaseService
from headway.domains.disk.service import DiskService
from headway.domains.previews.service import PreviewService
from headway.domains.projects.service import ProjectService
from headway.domains.rollbacks.service import RollbackService
from headway.domains.schedules.service import ScheduleService
from headway.domains.servers.service import ServerService
from headway.domains.volume_backups.service import VolumeBackupService
from headway.faces.http.wire.encoded import EncodedRows
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.logs.broadcast import Broadcast
from headway.kernel.events import Events
from headway.reactions.metrics.metrics import Metrics
from headway.reactions.notifications.service import NotificationService
from headway.reactions.webhooks.service import WebhookService
from headway.seams.runtimes.gates import Gates


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The services that calls are answered from."""

    db: SqlDatabase
    events: Events
    audience: Audience
    metrics: Metrics
    troubles: Troubles
    border: Gates | None
    broadcast: Broadcast
    watch_depths: int
    access: AccessService
    audit: Audit
    keys: KeyService
    members: MemberService
    organizations: OrganizationService
    deployments: DeploymentService
    deployment_reads: DeploymentReader
    rows: EncodedRows = field(default_factory=EncodedRows)
    awaiting: Awaiting
    applications: ApplicationService
    arranging: Arranging
    detects: DetectService
    drops: DropService
    runs: RunService
    consoles: ConsoleService
    compose_drops: ComposeDropService
    releases: ReleaseService
    rollbacks: RollbackService
    upload_room: UploadRoom
    disk: DiskService
    composes: ComposeService
    databases: DatabaseService
    containers: ContainerService
    projects: ProjectService
    servers: ServerService
    ssh_keys: SshKeyService
    domains: DomainService
    barriers: BarrierService
    own_routing: OwnRoutingService
    certificates: CertificateService
    previews: PreviewService
    git_providers: GitProviderService
    registries: RegistryService
    destinations: DestinationService
    backups: BackupService
    volume_backups: VolumeBackupService
    schedules: ScheduleService
    attachments: AttachmentService
    webhooks: WebhookService
    notifications: NotificationService

    def gates(self) -> Mapping[str, str]:
        """The gates of this machine that could not be set, with why."""
        return {} if self.border is None else dict(self.border.problems)

    async def health(self) -> str | None:
        """None when the database answers, else why it does not."""
        try:
            await self.db.read(lambda tx: tx.connection.exec_driver_sql("SELECT 1"))
        except DatabaseAway as away:
            return away.message
        return None
