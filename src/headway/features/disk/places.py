"""Where services have their files on a host, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.model import SubjectType
from headway.features.disk.model import Part, ServiceUsage
from headway.features.services.application.folders import AppFolders
from headway.features.services.compose.folders import ComposeFolders
from headway.infra.docker.api import DockerApi
from headway.infra.hosts.base import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of both kinds of services; ``root`` is a folder that is there before any of them."""

    root: str
    applications: AppFolders
    composes: ComposeFolders

    @property
    def caches(self) -> str:
        """Where what builds without an engine keep lies: a folder of each application that was built there."""
        return self.applications.caches

    @property
    def toolchains(self) -> str:
        """Where languages and package managers lie, which are everybody's."""
        return self.applications.toolchains

    def of(self, service: ServiceUsage) -> Mapping[str, Part]:
        """Every folder that goes with a service, and what it is for."""
        service_id = service.service_id
        mirror = self.applications.mirror(service_id)
        sources = (mirror, f"{mirror}.modules", self.applications.archives(service_id))
        if service.service_type is SubjectType.COMPOSE:
            return {self.composes.own(service_id): Part.FILES, **dict.fromkeys(sources, Part.SOURCES)}
        return {
            **dict.fromkeys(sources, Part.SOURCES),
            self.applications.releases(service_id): Part.RELEASES,
            self.applications.cache(service_id): Part.CACHE,
            self.applications.data(service_id): Part.FILES,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskHost:
    """What is asked of one host, the panel's machine or a server. ``panel_id`` is by what the panel is known there."""

    host: Host
    api: DockerApi
    panel_id: str
    places: Places
