"""Which ended deployments an application keeps, beside the panel's default."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from headway.core.deployments.retention import Keep
from headway.features.services import releases_store
from headway.features.services.application import store
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class ApplicationRetention:
    """What applications tell the retention."""

    vault: Vault

    def own(self, tx: Tx, application_id: str, default: Keep) -> Keep:
        """What an application keeps; the default for one that is being deleted, which loses all anyway."""
        settings = store.settings_of(tx, application_id, self.vault)
        if settings is None:
            return default
        age = default.age if settings.retention.days is None else timedelta(days=settings.retention.days)
        return Keep(number=settings.retention.deployments or default.number, age=age)

    def needed(self, tx: Tx, deployment_ids: Collection[str]) -> Collection[str]:
        """Those that left a release which is still there: it serves, or one can go back to it, and its record says what
        it was made of.
        """
        return releases_store.with_releases(tx, deployment_ids)
