"""The one address at which a GitHub app is told of every repository that it is installed for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from headway.core.deployments.ledger import TooManyWait
from headway.core.deployments.model import SubjectType
from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.events import ChangedFiles
from headway.drivers.forges.payload import Json, at, text_at
from headway.features.git import providers_store
from headway.features.git.provider_repository import provided
from headway.features.git.providers_model import GitProvider
from headway.features.services import directory
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.model import DeliveryAnswer
from headway.features.webhooks.parser import Arrived, Signature, read
from headway.features.webhooks.policy import compared
from headway.features.webhooks.pull_files import PullFiles
from headway.features.webhooks.services import HookedService
from headway.features.webhooks.watch_paths import Compared
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault


class NotOfAnApp(NotFound):
    """No GitHub app that is connected here has sent this."""

    def __init__(self) -> None:
        super().__init__("Github Not Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppHooks:
    """Takes what apps are told, for each service that has the repository through the app's provider."""

    db: Database
    vault: Vault
    taking: Ingest
    files: PullFiles

    async def check(self) -> None:
        """Raises NotOfAnApp where no app is connected that could send anything."""
        found = await self.db.read(lambda tx: providers_store.of_forge(tx, ForgeName.GITHUB))
        if not any("webhook_secret" in each.has for each in found):
            raise NotOfAnApp

    async def receive(self, headers: Mapping[str, str], body: bytes) -> list[DeliveryAnswer] | None:
        """What was done for each service, in one transaction; None where the signature is not the app's. Raises
        NotOfAnApp.
        """
        arrived, payload = await asyncio.to_thread(lambda: (read(headers, body), _payload(body)))
        if arrived.told.sender is not ForgeName.GITHUB:
            raise NotOfAnApp
        installation = str(at(payload, "installation", "id"))
        found = await self.db.read(lambda tx: self._providers(tx, installation, arrived))
        if not found:
            return None
        path = text_at(payload, "repository", "full_name") or ""
        # All of them have the same repository by the same app: whoever asks hears the same.
        told = [each for each in await self.db.read(lambda tx: self._told(tx, found, path)) if each.tracked.watch_paths]
        changed = await self.files.of(told[0], arrived) if told else None
        known = await compared([each.tracked for each in told], arrived.told.events, changed)
        return await self.db.run(lambda tx: self._take(tx, found, path, arrived, changed, known=known))

    def _providers(self, tx: Tx, installation: str, arrived: Arrived) -> list[GitProvider]:
        """The providers whose app has signed this, none where no one of its installation has: several may have the same
        app. Raises NotOfAnApp.
        """
        installed = [
            each
            for each in providers_store.of_forge(tx, ForgeName.GITHUB)
            if each.facts.get("installation_id") == installation and "webhook_secret" in each.has
        ]
        if not installed:
            raise NotOfAnApp
        return [each for each in installed if self._has_signed(tx, each, arrived)]

    def _has_signed(self, tx: Tx, provider: GitProvider, arrived: Arrived) -> bool:
        secrets: dict[str, str] = self.vault.open(providers_store.sealed_secrets(tx, provider.provider_id))
        return arrived.signature(secrets["webhook_secret"]) is Signature.VALID

    def _take(
        self,
        tx: Tx,
        providers: Sequence[GitProvider],
        path: str,
        arrived: Arrived,
        changed: ChangedFiles | None,
        *,
        known: Compared,
    ) -> list[DeliveryAnswer]:
        told = self._told(tx, providers, path)
        taken: list[DeliveryAnswer] = []
        full: TooManyWait | None = None
        for each in told:
            try:
                with tx.connection.begin_nested():
                    given = (each, arrived, Signature.VALID)
                    taken.append(self.taking.take(tx, *given, changed=changed, compare=known))
            except TooManyWait as error:  # the others do not wait for it
                full = error
        if full is not None and not taken:
            raise full
        return taken

    def _told(self, tx: Tx, providers: Sequence[GitProvider], path: str) -> list[HookedService]:
        concerned = [service for each in providers for service in self._concerned(tx, each, path.lower())]
        found = [self.taking.services.find(tx, subject_type, subject_id) for subject_type, subject_id in concerned]
        return [each for each in found if each is not None]

    def _concerned(self, tx: Tx, provider: GitProvider, path: str) -> list[tuple[SubjectType, str]]:
        """The services of the provider's organisation that have this repository through it."""

        def has_it(source_type: str, extra: Mapping[str, Any]) -> bool:
            mine = provided(source_type, extra)
            return mine is not None and (mine.provider_id, mine.path.lower()) == (provider.provider_id, path)

        return [
            (each.kind, each.service_id)
            for each in directory.of_organization(tx, provider.organization_id, self.vault)
            if has_it(each.settings.source_type, each.settings.extra)
        ]


def _payload(body: bytes) -> Json:
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
