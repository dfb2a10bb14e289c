"""The routers of people, of machines and of the panel itself, each over what it needs and imported by need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined
from headway.infra.db.probe import why_away
from headway.module import Base
from headway.modules import Features

if TYPE_CHECKING:
    from headway.api.operations.relations import Relations


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRouters:
    """Makes the other routers out of the features. ``describe`` gives the OpenAPI document of all, as JSON."""

    base: Base
    features: Features
    describe: Callable[[], bytes]
    relations: Callable[[], Relations]

    def audit_log(self) -> Routed:
        from headway.api.operations import audit_log

        return audit_log.router.over(self.features.access.audit)

    def backup(self) -> Routed:
        from headway.api.operations import backup

        features = self.features
        needs = backup.BackupNeeds(
            backups=features.backups.service,
            deployment_reads=features.deployments.reads,
            destinations=features.destinations.service,
            relations=self.relations(),
        )
        return backup.router.over(needs)

    def bitbucket(self) -> Routed:
        from headway.api.operations import bitbucket

        return bitbucket.router.over(self.features.catalog.providers)

    def certificates(self) -> Routed:
        from headway.api.operations import certificates

        return certificates.router.over(self.features.fronts.certificates)

    def destination(self) -> Routed:
        from headway.api.operations import destination

        needs = destination.DestinationNeeds(
            destinations=self.features.destinations.service, servers=self.features.servers.service
        )
        return destination.router.over(needs)

    def disk(self) -> Routed:
        from headway.api.operations import disk

        return disk.router.over(self.features.disk.service)

    def docker(self) -> Routed:
        from headway.api.operations import docker

        return docker.router.over(self.features.containers)

    def git_provider(self) -> Routed:
        from headway.api.operations import git_provider

        return git_provider.router.over(self.features.catalog.providers)

    def gitea(self) -> Routed:
        from headway.api.operations import gitea

        return gitea.router.over(self.features.catalog.providers)

    def github(self) -> Routed:
        from headway.api.operations import github

        return github.router.over(self.features.catalog.providers)

    def gitlab(self) -> Routed:
        from headway.api.operations import gitlab

        return gitlab.router.over(self.features.catalog.providers)

    def notification(self) -> Routed:
        from headway.api.operations import notification
        from headway.api.operations.dokploy import notification_forms

        service = self.features.notifications.service
        parts = (notification.router.over(service), notification_forms.router.over(service))
        return joined("notification", parts)

    def organization(self) -> Routed:
        from headway.api.operations import organization

        needs = organization.OrganizationNeeds(
            members=self.features.access.members, organizations=self.features.access.organizations
        )
        return organization.router.over(needs)

    def registry(self) -> Routed:
        from headway.api.operations import registry

        return registry.router.over(self.features.catalog.registries)

    def schedule(self) -> Routed:
        from headway.api.operations import schedule

        features = self.features
        needs = schedule.ScheduleNeeds(
            deployment_reads=features.deployments.reads,
            relations=self.relations(),
            schedules=features.schedules.service,
        )
        return schedule.router.over(needs)

    def server(self) -> Routed:
        from headway.api.operations import server
        from headway.api.operations.dokploy import monitoring

        features = self.features
        needs = server.ServerNeeds(
            deployment_reads=features.deployments.reads, relations=self.relations(), servers=features.servers.service
        )
        return joined("server", (server.router.over(needs), monitoring.server_router.over(None)))

    def settings(self) -> Routed:
        from headway.api.operations import settings
        from headway.api.operations.dokploy import settings as of_dokploy

        features = self.features
        needs = settings.SettingsNeeds(
            describe=self.describe,
            gates=self.gates,
            health=partial(why_away, self.base.db),
            servers=features.servers.service,
            troubles=self.base.engine.troubles,
        )
        return joined("settings", (settings.router.over(needs), of_dokploy.router.over(None)))

    def ssh_key(self) -> Routed:
        from headway.api.operations import ssh_key

        return ssh_key.router.over(self.features.catalog.ssh_keys)

    def user(self) -> Routed:
        from headway.api.operations import user

        features = self.features
        needs = user.UserNeeds(
            backups=features.backups.service,
            keys=features.access.keys,
            members=features.access.members,
            relations=self.relations(),
            servers=features.servers.service,
        )
        return user.router.over(needs)

    def volume_backups(self) -> Routed:
        from headway.api.operations import volume_backups

        features = self.features
        needs = volume_backups.VolumeBackupsNeeds(
            deployment_reads=features.deployments.reads,
            relations=self.relations(),
            volume_backups=features.volume_backups.service,
        )
        return volume_backups.router.over(needs)

    def webhook(self) -> Routed:
        from headway.api.operations import webhook

        return webhook.webhook_router.over(self.features.webhooks.service)

    def gates(self) -> Mapping[str, str]:
        """The gates of this machine that could not be set, with why."""
        border = self.base.machine.border
        return {} if border is None else dict(border.problems)
