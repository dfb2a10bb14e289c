"""Secrets to redact from what an application writes."""

from __future__ import annotations

from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.variables import known_secrets
from headway.infra.db.engine import Database
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """Asked for somebody who was already let through to the application."""

    db: Database
    vault: Vault
    lifecycle: ApplicationLifecycle

    async def of(self, application_id: str) -> set[str]:
        """The secrets of now, and those that the release that serves was started with."""
        application = await self.db.read(lambda tx: store.find(tx, application_id, self.vault))
        known = await self.db.read(lambda tx: known_secrets(tx, application, self.vault))
        return known | await self.lifecycle.driver.secrets(application)
