"""Where services have their files on a host, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headway.core.deployments.model import SubjectType
from headway.features.disk.model import Owners, ServiceUsage
from headway.features.services.folders import Part, ServiceFolders
from headway.features.services.kinds import ServiceKinds
from headway.infra.docker.api import DockerApi
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of services of each type; ``root`` is a folder that is there before any of them. ``caches`` is where
    what builds without an engine keep lies, a folder of each application that was built there, and ``toolchains`` where
    languages and package managers do, which are everybody's.
    """

    root: str
    caches: str
    toolchains: str
    folders: Mapping[SubjectType, ServiceFolders]

    def of(self, service: ServiceUsage) -> Mapping[str, Part]:
        """Every folder that goes with a service, and what it is for."""
        return self.folders[service.service_type].parts(service.service_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskHost:
    """What is asked of one host, the panel's machine or a server, that has services of these ``kinds``. ``panel_id`` is
    by what the panel is known there.
    """

    host: Host
    api: DockerApi
    panel_id: str
    places: Places
    kinds: ServiceKinds

    def repository(self, service: ServiceUsage) -> str:
        """What the engine there calls the images of a service."""
        return self.kinds.by_type[service.service_type].disk.repository(self.panel_id, service.app_name)

    def owners(self, services: Iterable[ServiceUsage]) -> Owners:
        """Who of these what its engine has belongs to."""
        return Owners(self.panel_id, {each.service_id: self.repository(each) for each in services})
