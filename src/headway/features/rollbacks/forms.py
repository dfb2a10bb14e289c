"""What differs between the kinds of services that one can take back: one form for each."""

from __future__ import annotations

from typing import Any, Protocol

from headway.core.deployments.run import Kind
from headway.features.rollbacks.differences import RollbackPreview
from headway.features.services.model import Release, Service
from headway.features.services.routing import ServiceRouting
from headway.infra.db.transaction import Tx


class RollbackForm(Protocol):
    """Releases of one kind of service. Each is named by its id, and has served."""

    @property
    def kind(self) -> Kind:
        """What the deployment is that goes back to one."""
        ...

    @property
    def begins_anew(self) -> bool:
        """Whether what serves may be gone back to as well, with the configuration of now."""
        ...

    @property
    def routing(self) -> ServiceRouting:
        """What leads to services of the kind."""
        ...

    def required(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Service[Any]:
        """The service, which could be taken back to the release. Raises InvalidInput where it could not."""
        ...

    def compared(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        """What that would change, but for the domains. Raises InvalidInput."""
        ...

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """What of it reaches its machine and is not allowed now, as a sentence; None where nothing is."""
        ...

    async def missing(self, release_id: str) -> str | None:
        """What keeps anybody from going back to it, as the machine is now; None where nothing does."""
        ...

    async def remove(self, release: Release) -> None:
        """Removes it with what nothing else needs of it; no error when it is gone. Its deployment stays."""
        ...
