"""What has previews: an application or a compose service, and the contract of what runs of its pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from headway.core.access.policy import Noun
from headway.core.deployments.model import Request, SubjectType
from headway.core.deployments.run import Owner
from headway.features.edge.domains_model import Domain
from headway.features.previews.model import Preview, PreviewSettings, settings_of
from headway.features.services.model import ServiceStatus
from headway.infra.db.transaction import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A service of which there may be previews. ``extra`` are the settings in the words of clients."""

    service_type: SubjectType
    service_id: str
    organization_id: str
    project_id: str
    name: str
    app_name: str
    source_type: str
    extra: Mapping[str, Any]

    @property
    def settings(self) -> PreviewSettings:
        """What it says of its previews."""
        return settings_of(self.extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs of a preview, and where it is reached, the domains of its own first."""

    app_name: str
    status: ServiceStatus
    domains: tuple[Domain, ...]


class PreviewedServices(Protocol):
    """The services of one type, as far as their previews go. All of it happens within the caller's transaction."""

    @property
    def noun(self) -> Noun:
        """What one of them is called."""
        ...

    def owner(self, tx: Tx, service_id: str) -> Owner | None:
        """Whose a service is, None when there is none; a preview is none."""
        ...

    def base(self, tx: Tx, service_id: str) -> Base:
        """The service. Raises NotFound."""
        ...

    def of_organization(self, tx: Tx, organization_id: str) -> list[Base]:
        """Every service of an organisation."""
        ...

    def running(self, tx: Tx, preview_id: str) -> Running | None:
        """What runs of a preview, None where nothing may yet."""
        ...

    def prepare(self, tx: Tx, preview: Preview) -> None:
        """Sets what runs of a preview as its service is set now; makes it, with its domains, where there is none.
        Raises InvalidInput.
        """
        ...

    def request(self, tx: Tx, preview: Preview) -> Request:
        """What is queued to deploy it. Raises InvalidInput where there is nothing to deploy."""
        ...

    def rest(self, tx: Tx, preview_id: str) -> None:
        """Nothing of it runs from now on, until it is deployed again."""
        ...

    def begin_deletion(self, tx: Tx, preview_id: str) -> None:
        """From here on it is gone for everybody; the rest is cleared after the commit, or by the next panel."""
        ...

    def ending(self, tx: Tx) -> list[str]:
        """Previews whose deletion has begun, of which something waits or runs still."""
        ...


Forms = Mapping[SubjectType, PreviewedServices]
