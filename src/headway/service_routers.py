"""The routers of services and of what belongs to them, each over what it needs and imported by need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.api.operation import File, Stream
from headway.api.router import Routed, joined
from headway.api.rows.encoded import EncodedRows
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.model import Deployment
from headway.domains.databases.model import DatabaseKind
from headway.infra.logs.opened import OpenedLog
from headway.module import Base
from headway.modules import Features

if TYPE_CHECKING:
    from headway.api.operations.application_details import ApplicationView
    from headway.api.operations.compose_details import ComposeView
    from headway.api.operations.preview_deployment import PreviewView
    from headway.api.operations.relations import Relations


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """How a transport sends what comes bit by bit."""

    follow: Callable[[Actor, Permission, str, int], Awaitable[Stream]]
    download: Callable[[Deployment, OpenedLog, Mapping[bytes, bytes]], File]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRouters:
    """Makes the routers of services out of the features."""

    base: Base
    features: Features
    streams: Streams
    rows: EncodedRows

    def application(self) -> Routed:
        from headway.api.operations import (
            application,
            application_output,
            application_routing,
            application_runs,
            webhook,
        )
        from headway.api.operations.dokploy import application_providers, monitoring

        features = self.features
        needs = application.ApplicationNeeds(
            access=features.access.access,
            applications=features.applications.service,
            arranging=features.arranging,
            deployments=features.deployments.service,
            detects=features.applications.detects,
            drops=features.applications.drops,
            view=self._application_view(),
        )
        runs = application_runs.ApplicationRunsNeeds(
            consoles=features.applications.consoles,
            deployment_reads=features.deployments.reads,
            runs=features.applications.runs,
        )
        parts = (
            application.router.over(needs),
            application_output.router.over(features.applications.service),
            application_providers.router.over(features.applications.service),
            application_routing.router.over(features.applications.own_routing),
            application_runs.router.over(runs),
            monitoring.application_router.over(None),
            webhook.application_router.over(features.webhooks.service),
        )
        return joined("application", parts)

    def compose(self) -> Routed:
        from headway.api.operations import compose, webhook

        features = self.features
        needs = compose.ComposeNeeds(
            access=features.access.access,
            compose_drops=features.composes.drops,
            composes=features.composes.service,
            deployments=features.deployments.service,
            view=self._compose_view(),
        )
        return joined("compose", (compose.router.over(needs), webhook.compose_router.over(features.webhooks.service)))

    def database(self, kind: DatabaseKind) -> Routed:
        from headway.api.operations import databases

        features = self.features
        needs = databases.DatabaseNeeds(
            backups=features.backups.service,
            databases=features.databases.service,
            deployment_reads=features.deployments.reads,
            forget=features.access.access.forget,
            projects=features.projects,
            relations=self.relations(),
        )
        return databases.router_of(kind).over(needs)

    def deployment(self) -> Routed:
        from headway.api.operations import deployment, deployment_lists, deployment_search

        features, reads = self.features, self.features.deployments.reads
        needs = deployment.DeploymentNeeds(
            awaiting=features.deployments.awaiting,
            deployment_reads=reads,
            deployments=features.deployments.service,
            download=self.streams.download,
            follow=self.streams.follow,
        )
        lists = deployment_lists.DeploymentListsNeeds(
            deployment_reads=reads, projects=features.projects, rows=self.rows
        )
        search = deployment_search.DeploymentSearchNeeds(
            deployment_reads=reads, projects=features.projects, rows=self.rows
        )
        parts = (
            deployment.router.over(needs),
            deployment_lists.router.over(lists),
            deployment_search.router.over(search),
        )
        return joined("deployment", parts)

    def environment(self) -> Routed:
        from headway.api.operations import environment

        return environment.router.over(self.features.projects)

    def mounts(self) -> Routed:
        from headway.api.operations import mounts

        return mounts.router.over(self.features.applications.attachments)

    def port(self) -> Routed:
        from headway.api.operations import port

        return port.router.over(self.features.applications.attachments)

    def preview_deployment(self) -> Routed:
        from headway.api.operations import preview_deployment

        needs = preview_deployment.PreviewDeploymentNeeds(
            previews=self.features.previews.service, view=self._preview_view()
        )
        return preview_deployment.router.over(needs)

    def project(self) -> Routed:
        from headway.api.operations import project

        needs = project.ProjectNeeds(arranging=self.features.arranging, projects=self.features.projects)
        return project.router.over(needs)

    def redirects(self) -> Routed:
        from headway.api.operations import barriers

        return barriers.redirects_router.over(self.features.fronts.barriers)

    def release(self) -> Routed:
        from headway.api.operations import release

        return release.router.over(self.features.applications.releases)

    def rollback(self) -> Routed:
        from headway.api.operations import rollback

        return rollback.router.over(self.features.rollbacks.service)

    def domain(self) -> Routed:
        from headway.api.operations import domain

        return domain.router.over(self.features.fronts.domains)

    def security(self) -> Routed:
        from headway.api.operations import barriers

        return barriers.security_router.over(self.features.fronts.barriers)

    def _application_view(self) -> ApplicationView:
        from headway.api.operations.application_details import ApplicationView

        features = self.features
        return ApplicationView(
            applications=features.applications.service,
            barriers=features.fronts.barriers,
            deployment_reads=features.deployments.reads,
            domains=features.fronts.domains,
            preview=self._preview_view(),
            previews=features.previews.service,
            projects=features.projects,
            relations=self.relations(),
            webhooks=features.webhooks.service,
        )

    def _compose_view(self) -> ComposeView:
        from headway.api.operations.compose_details import ComposeView

        features = self.features
        return ComposeView(
            backups=features.backups.service,
            deployment_reads=features.deployments.reads,
            domains=features.fronts.domains,
            projects=features.projects,
            relations=self.relations(),
            webhooks=features.webhooks.service,
        )

    def _preview_view(self) -> PreviewView:
        from headway.api.operations.preview_deployment import PreviewView

        return PreviewView(deployment_reads=self.features.deployments.reads, domains=self.features.fronts.domains)

    def relations(self) -> Relations:
        """What rows show of the things that they name."""
        from headway.api.operations.relations import Relations

        features = self.features
        return Relations(
            db=self.base.db,
            projects=features.projects,
            servers=features.servers.service,
            registries=features.catalog.registries,
            destinations=features.destinations.service,
            ssh_keys=features.catalog.ssh_keys,
        )
