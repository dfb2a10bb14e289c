"""Where the files of applications lie on a host."""

from __future__ import annotations

from collections.abc import Mapping

from headway.features.services.folders import Part, ServiceFolders
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class AppFolders(ServiceFolders):
    """Those of applications: caches, releases and what they keep, beside what every service has."""

    @property
    def caches(self) -> str:
        """The folder of what builds keep from one to the next: a folder for each application that is built here."""
        return f"{self.work}/caches"

    def cache(self, application_id: str) -> str:
        """What builds of an application keep from one to the next."""
        return f"{self.caches}/{application_id}"

    @property
    def toolchains(self) -> str:
        """Languages and package managers, by tool and version: every account reads them, none writes."""
        return f"{self.work}/toolchains"

    def releases(self, application_id: str) -> str:
        """The folder of all releases of an application."""
        return f"{self.work}/releases/{application_id}"

    def release(self, application_id: str, release_id: str) -> str:
        """A release: checked out, built and sealed at this place."""
        return f"{self.releases(application_id)}/{release_id}"

    def data(self, application_id: str) -> str:
        """What the application itself keeps, across releases."""
        return f"{self.work}/data/{application_id}"

    def parts(self, service_id: str) -> Mapping[str, Part]:
        return {
            **ServiceFolders.parts(self, service_id),
            self.releases(service_id): Part.RELEASES,
            self.cache(service_id): Part.CACHE,
            self.data(service_id): Part.FILES,
        }

    @property
    def native(self) -> str:
        """Where releases of processes are kept up from."""
        return f"{self.work}/native"

    def arriving(self, deployment_id: str) -> str:
        """Where a release that was built elsewhere lies until it is whole."""
        return f"{self.work}/arriving/{deployment_id}"

    def mover(self, deployment_id: str) -> str:
        """What opens both ends of a move, for as long as it lasts: only the panel reads it."""
        return f"{self.private}/moves/{deployment_id}"

    def of_look(self, look_id: str) -> tuple[str, ...]:
        """Every folder of a look at an application."""
        return (*self.git_of(look_id).own, self.releases(look_id))

    def all_of(self, application_id: str) -> tuple[str, ...]:
        """Every folder that goes with an application."""
        return (
            *self.git_of(application_id).own,
            self.cache(application_id),
            self.releases(application_id),
            self.data(application_id),
            self.archives(application_id),
        )
