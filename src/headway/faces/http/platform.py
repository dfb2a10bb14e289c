"""What the HTTP face needs of the platform; the wiring hands over the real thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

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
from headway.infra.db.engine import Database
from headway.infra.logs.broadcast import Broadcast
from headway.kernel.events import Events
from headway.reactions.metrics.metrics import Metrics
from headway.reactions.notifications.service import NotificationService
from headway.reactions.webhooks.service import WebhookService


class Platform(Protocol):
    """The services that calls are answered from."""

    @property
    def db(self) -> Database: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def troubles(self) -> Troubles: ...

    def gates(self) -> Mapping[str, str]: ...

    @property
    def watch_depths(self) -> int: ...

    @property
    def access(self) -> AccessService: ...

    @property
    def audit(self) -> Audit: ...

    @property
    def keys(self) -> KeyService: ...

    @property
    def members(self) -> MemberService: ...

    @property
    def organizations(self) -> OrganizationService: ...

    @property
    def deployments(self) -> DeploymentService: ...

    @property
    def deployment_reads(self) -> DeploymentReader: ...

    @property
    def rows(self) -> EncodedRows: ...

    @property
    def awaiting(self) -> Awaiting: ...

    @property
    def applications(self) -> ApplicationService: ...

    @property
    def arranging(self) -> Arranging: ...

    @property
    def containers(self) -> ContainerService: ...

    @property
    def composes(self) -> ComposeService: ...

    @property
    def databases(self) -> DatabaseService: ...

    @property
    def projects(self) -> ProjectService: ...

    @property
    def servers(self) -> ServerService: ...

    @property
    def ssh_keys(self) -> SshKeyService: ...

    @property
    def domains(self) -> DomainService: ...

    @property
    def barriers(self) -> BarrierService: ...

    @property
    def own_routing(self) -> OwnRoutingService: ...

    @property
    def certificates(self) -> CertificateService: ...

    @property
    def previews(self) -> PreviewService: ...

    @property
    def git_providers(self) -> GitProviderService: ...

    @property
    def registries(self) -> RegistryService: ...

    @property
    def backups(self) -> BackupService: ...

    @property
    def volume_backups(self) -> VolumeBackupService: ...

    @property
    def destinations(self) -> DestinationService: ...

    @property
    def schedules(self) -> ScheduleService: ...

    @property
    def attachments(self) -> AttachmentService: ...

    @property
    def broadcast(self) -> Broadcast: ...

    @property
    def audience(self) -> Audience: ...

    @property
    def detects(self) -> DetectService: ...

    @property
    def drops(self) -> DropService: ...

    @property
    def runs(self) -> RunService: ...

    @property
    def consoles(self) -> ConsoleService: ...

    @property
    def disk(self) -> DiskService: ...

    @property
    def compose_drops(self) -> ComposeDropService: ...

    @property
    def releases(self) -> ReleaseService: ...

    @property
    def rollbacks(self) -> RollbackService: ...

    @property
    def upload_room(self) -> UploadRoom: ...

    @property
    def notifications(self) -> NotificationService: ...

    @property
    def webhooks(self) -> WebhookService: ...

    @property
    def events(self) -> Events: ...

    async def health(self) -> str | None:
        """None when all is well, else what is not."""
        ...
