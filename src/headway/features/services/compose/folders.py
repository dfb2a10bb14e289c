"""Where the files of compose services lie on a host."""

from __future__ import annotations

from collections.abc import Mapping

from headway.features.services.folders import Part, ServiceFolders
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ComposeFolders(ServiceFolders):
    """Those of compose services, beside what every service has."""

    def own(self, compose_id: str) -> str:
        """All files of a compose service; closed to every account but its own."""
        return f"{self.work}/composes/{compose_id}"

    def parts(self, service_id: str) -> Mapping[str, Part]:
        return {self.own(service_id): Part.FILES, **ServiceFolders.parts(self, service_id)}

    def release(self, compose_id: str, release_id: str) -> str:
        """The files that one deployment began with: the repository, or the file that was written by hand."""
        return f"{self.own(compose_id)}/{release_id}"

    def files(self, compose_id: str) -> str:
        """What stays from one deployment to the next: ``../files`` as a compose file sees it."""
        return f"{self.own(compose_id)}/files"

    def login(self, deployment_id: str) -> str:
        """Where the credentials of registries lie while a deployment fetches images."""
        return f"{self.work}/logins/{deployment_id}"

    def all_of(self, compose_id: str) -> tuple[str, ...]:
        """Every folder that goes with a compose service."""
        return (*self.git_of(compose_id).own, self.own(compose_id), self.archives(compose_id))
