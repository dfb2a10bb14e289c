"""What a service refers to by an id: its organisation must have it when it is saved."""

from __future__ import annotations

from typing import Any

from headway.core.access.policy import Missing, Noun
from headway.domains.catalog import registries_store, ssh_keys_store
from headway.infra.db.transaction import Tx

_PASSIVE = ("buildRegistryId", "rollbackRegistryId")  # which clients keep with a service


def require_references(tx: Tx, organization_id: str, before: Any, after: Any) -> None:  # noqa: ANN401 - settings
    """Registries and SSH keys that a change of settings names first are the organisation's. Raises Missing."""
    for registry_id in _registries(after) - _registries(before):
        registries_store.sealed_password(tx, registry_id, organization_id)
    key = getattr(after, "ssh_key_id", None)
    if key and key != getattr(before, "ssh_key_id", None):
        ssh_keys_store.sealed_private_key(tx, key, organization_id)


def _registries(settings: Any) -> frozenset[str]:  # noqa: ANN401 - settings
    extra = getattr(settings, "extra", {})
    named = [*(extra.get(name) for name in _PASSIVE), getattr(settings, "registry_id", None)]
    named += getattr(settings, "registry_ids", ())
    if any(each and not isinstance(each, str) for each in named):
        raise Missing(Noun.REGISTRY)
    return frozenset(filter(None, named))
