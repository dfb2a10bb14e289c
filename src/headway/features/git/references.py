"""What a service refers to by an id: its organisation must have it when it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Missing, Noun
from headway.features.git import ssh_keys_store
from headway.features.registries import store
from headway.infra.db.transaction import Tx
from headway.kernel.addresses import registry_of
from headway.kernel.records import replaced

S = TypeVar("S")

_IMAGE = "docker.image"
_ADDRESSES: Mapping[str, str] = {
    "git.url": "The repository",
    "docker.registry_url": "The registry",
    _IMAGE: "The image",
}
# What says whose word something is, by what it is said of.
_WHOSE: Mapping[str, tuple[str, ...]] = {
    "git.guarded": ("git.url",),
    "docker.guarded": (_IMAGE,),
    "file_guarded": ("compose_file", "drop.archive"),
}
_PASSIVE = ("buildRegistryId", "rollbackRegistryId")  # which clients keep with a service


def require_references(tx: Tx, organization_id: str, before: Any, after: Any) -> None:  # noqa: ANN401 - settings
    """Registries and SSH keys that a change of settings names first are the organisation's. Raises Missing."""
    for registry_id in _registries(after) - _registries(before):
        store.sealed_password(tx, registry_id, organization_id)
    key = _value(after, "git.ssh_key_id")
    if key and key != _value(before, "git.ssh_key_id"):
        ssh_keys_store.sealed_private_key(tx, key, organization_id)


def judged(actor: Actor, before: Any, after: S) -> S:  # noqa: ANN401 - settings
    """The settings, which say whose word their address is; the addresses that a change of them names first lead where
    the caller may. Raises NearRefused.
    """
    for name, what in _ADDRESSES.items():
        address = _value(after, name)
        if address and address != _value(before, name):
            require_outward(actor, registry_of(address) if name == _IMAGE else address, what)
    marks = {
        mark: any(_value(after, name) for name in names) and not may_use_the_machine(actor)
        for mark, names in _WHOSE.items()
        if _value(after, mark) is not None and any(_value(after, name) != _value(before, name) for name in names)
    }
    return replaced(after, marks) if marks else after


def judged_copy(actor: Actor, settings: S) -> S:
    """The settings of one that is made again, which is a save by whoever does: what it names leads where they may, and
    no further than before. Raises NearRefused.
    """
    led = judged(actor, None, settings)
    kept = {mark: True for mark in _WHOSE if _value(settings, mark)}
    return replaced(led, kept) if kept else led


def _value(settings: Any, path: str) -> Any:  # noqa: ANN401 - settings, of which not all have everything
    """What is set there; None where there is no such setting."""
    for name in path.split("."):
        settings = getattr(settings, name, None)
    return settings


def _registries(settings: Any) -> frozenset[str]:  # noqa: ANN401 - settings
    extra = getattr(settings, "extra", {})
    named = [*(extra.get(name) for name in _PASSIVE), _value(settings, "docker.registry_id")]
    named += getattr(settings, "registry_ids", ())
    if any(each and not isinstance(each, str) for each in named):
        raise Missing(Noun.REGISTRY)
    return frozenset(filter(None, named))
