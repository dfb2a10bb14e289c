"""What faces answer from, out of the features, until each operation closes over its own service."""

from __future__ import annotations

from functools import partial

from headway.faces.http.platform import Platform
from headway.module import Base
from headway.modules import Features


def platform_of(base: Base, features: Features) -> Platform:
    """The services side by side."""
    people, catalog = features.access, features.catalog
    return _of_services(features)(
        db=base.db,
        events=base.events,
        metrics=features.metrics,
        troubles=base.engine.troubles,
        border=base.machine.border,
        broadcast=base.broadcast,
        watch_depths=base.settings.watch_depths,
        access=people.access,
        audit=people.audit,
        keys=people.keys,
        members=people.members,
        organizations=people.organizations,
        audience=people.audience,
        deployments=features.deployments.service,
        deployment_reads=features.deployments.reads,
        awaiting=features.deployments.awaiting,
        projects=features.projects,
        servers=features.servers.service,
        ssh_keys=catalog.ssh_keys,
        git_providers=catalog.providers,
        registries=catalog.registries,
        domains=features.fronts.domains,
        barriers=features.fronts.barriers,
        certificates=features.fronts.certificates,
        destinations=features.destinations.service,
        disk=features.disk.service,
        webhooks=features.webhooks.service,
        notifications=features.notifications.service,
    )


def _of_services(features: Features) -> partial[Platform]:
    applications, composes = features.applications, features.composes
    return partial(
        Platform,
        arranging=features.arranging,
        applications=applications.service,
        attachments=applications.attachments,
        detects=applications.detects,
        drops=applications.drops,
        runs=applications.runs,
        consoles=applications.consoles,
        own_routing=applications.own_routing,
        releases=applications.releases,
        upload_room=applications.upload_room,
        composes=composes.service,
        compose_drops=composes.drops,
        containers=features.containers,
        rollbacks=features.rollbacks.service,
        databases=features.databases.service,
        previews=features.previews.service,
        backups=features.backups.service,
        volume_backups=features.volume_backups.service,
        schedules=features.schedules.service,
    )
