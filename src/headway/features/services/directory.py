"""Finds services of any kind, each read as those of its own kind are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.features.services import store
from headway.features.services.application.store import APPLICATION_READER
from headway.features.services.compose.store import COMPOSE_READER
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.records import replaced
from headway.kernel.vault import Vault

# By what domains and webhooks call a service; in this order wherever all are listed.
READERS: Mapping[SubjectType, store.ServiceReader[Any]] = {
    each.kind: each for each in (APPLICATION_READER, COMPOSE_READER)
}
_DATABASES = replace(APPLICATION_READER, kind=SubjectType.DATABASE)


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Service[Any]]:
    """An organisation's services without databases and previews: of each kind the oldest first."""
    return [found for each in READERS.values() for found in each.of_organization(tx, organization_id, vault)]


def databases_of(tx: Tx, organization_id: str, vault: Vault) -> list[Service[Any]]:
    """An organisation's databases, the oldest first."""
    return list(_DATABASES.of_organization(tx, organization_id, vault))


def every(tx: Tx, vault: Vault) -> list[tuple[SubjectType, Service[Any]]]:
    """All services of all organisations without previews, of each kind by name, with what its kind is called: a
    database is an application.
    """
    return [(kind, found) for kind, each in READERS.items() for found in each.every(tx, vault)]


def forget_key(tx: Tx, organization_id: str, ssh_key_id: str, vault: Vault) -> None:
    """Takes an organisation's SSH key out of the services that name it, and out of their previews."""
    for service in of_organization(tx, organization_id, vault):
        reader = READERS[service.kind]
        for each in (service, *reader.previews_of(tx, service.service_id, vault)):
            if each.settings.git.ssh_key_id != ssh_key_id:
                continue
            store.lock_settings(tx, each.service_id)
            settings = reader.settings_of(tx, each.service_id, vault) or each.settings  # which stay, once it is deleted
            if settings.git.ssh_key_id == ssh_key_id:
                bare = replaced(settings, {"git.ssh_key_id": None})
                store.set_fields(tx, each.service_id, settings=store.kept(bare, vault))
