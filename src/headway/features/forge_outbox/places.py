"""Where forges are told of services: through which provider, and in which repository."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from headway.drivers.forges.base import ForgeConnection
from headway.features.forge_outbox.outbox import ToldStatus
from headway.features.git.providers import GitProviderService
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

Place = tuple[ForgeConnection, str]


def place_of(
    tx: Tx, providers: GitProviderService, told: ToldStatus | None, service: Service[Any] | None
) -> Place | None:
    """Where it was ``told`` before, whatever the service has become since; else where the service comes from, None
    where that is not through a provider. Raises Missing, InvalidInput.
    """
    if told is not None:
        with suppress(HeadwayError):  # the provider may have been made anew
            return providers.open(tx, told.provider_id, told.organization_id), told.path
    if service is None:
        return None
    given = service.settings
    repository = providers.repository(tx, given.source_type, given.extra, service.organization_id)
    return None if repository is None else (repository.connection, repository.path)
