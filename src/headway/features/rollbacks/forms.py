"""What differs between the kinds of services that one can take back: one form for each."""

from __future__ import annotations

from typing import Protocol

from headway.core.deployments.model import Request
from headway.core.deployments.run import Owner
from headway.features.rollbacks.differences import RollbackPreview
from headway.infra.db.transaction import Tx


class RollbackForm(Protocol):
    """Releases of one kind of service. Each is named by its id, and has served."""

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the service is, None where it is gone."""
        ...

    def request(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> Request:
        """The deployment that goes back to it. Raises InvalidInput where that cannot be made."""
        ...

    def preview(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> RollbackPreview:
        """What that would change. Raises InvalidInput."""
        ...

    def refused(self, tx: Tx, subject_id: str, release_id: str, *, keep_configuration: bool) -> str | None:
        """What of it reaches its machine and is not allowed now, as a sentence; None where nothing is."""
        ...

    async def missing(self, release_id: str) -> str | None:
        """What keeps anybody from going back to it, as the machine is now; None where nothing does."""
        ...

    def is_wanted(self, tx: Tx, subject_id: str, release_id: str) -> bool:
        """Whether it serves, drains, or is gone back to by what waits or runs."""
        ...

    async def remove(self, release_id: str) -> None:
        """Removes it with what nothing else needs of it; no error when it is gone. Its deployment stays."""
        ...

    def seen(self, tx: Tx, release_id: str, missing: str | None) -> None:
        """Writes down what ``missing`` told."""
        ...
