"""Where the files of services lie on a host, made from ids and never from names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from headway.drivers.sources.git_commands import GitFolders
from headway.features.servers.source_transfer import TransferFolders
from headway.kernel.dataclass import dataclass


class Part(StrEnum):
    """What something on the disk is for."""

    IMAGES = "images"
    CONTAINERS = "containers"
    VOLUMES = "volumes"
    RELEASES = "releases"
    CACHE = "cache"
    SOURCES = "sources"
    FILES = "files"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class ServiceFolders:
    """Folders below ``work``, which the unprivileged accounts can pass through, and below ``private``, which they
    cannot. Those here are of services of every kind; each kind has some of its own beside them.
    """

    work: str
    private: str

    def mirror(self, service_id: str) -> str:
        """The bare repository of what was fetched."""
        return f"{self.work}/mirrors/{service_id}"

    def archives(self, service_id: str) -> str:
        """What was uploaded for a service: only the panel reads it."""
        return f"{self.private}/archives/{service_id}"

    def parts(self, service_id: str) -> Mapping[str, Part]:
        """Every folder that goes with a service, and what it is for."""
        mirror = self.mirror(service_id)
        return dict.fromkeys((mirror, f"{mirror}.modules", self.archives(service_id)), Part.SOURCES)

    @property
    def bundles(self) -> TransferFolders:
        """Where sources lie on their way between machines."""
        return TransferFolders(self.work, self.private)

    @property
    def git(self) -> str:
        """Git's own configuration, and the host keys seen so far."""
        return f"{self.work}/git"

    def git_of(self, service_id: str) -> GitFolders:
        """Where git keeps things for it."""
        return GitFolders(
            mirror=self.mirror(service_id),
            known_hosts=f"{self.git}/hosts/{service_id}",
            known_before=f"{self.git}/known_hosts",
            gitconfig=f"{self.git}/config",
            key_folder=self.keys,
        )

    @property
    def keys(self) -> str:
        """Where an SSH key lies while git uses it."""
        return f"{self.work}/keys"
