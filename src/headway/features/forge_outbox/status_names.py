"""What services are called beside commits, so that no two of one repository write over each other's statuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.features.git import providers_store
from headway.features.git.provider_repository import provided
from headway.features.projects.store import places_of_services
from headway.features.services import store
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

_LONGEST_PLACE = 40


def name_apart(tx: Tx, service: Service[Any], kinds: ServiceKinds, plain: Callable[[str], str]) -> str:
    """The name of a service, in ``plain`` words. Where another one of its organisation that comes from the same
    repository is called so too, project and environment stand before it, and behind it what it is called on its machine
    where that is not enough. Forges take upper and lower case for the same.
    """

    def called(*parts: str) -> str:
        return "/".join(plain(each) for each in parts)

    bare, repository = called(service.name), _repository(tx, service)
    namesakes = [
        service_id
        for service_id, kind, name in store.names_of(tx, service.organization_id)
        if service_id != service.service_id and kind in kinds.by_type and called(name).casefold() == bare.casefold()
        if (other := _found(tx, kinds, kind, service_id)) is not None and _repository(tx, other) == repository
    ]
    if not namesakes:
        return bare
    ids = [service.service_id, *namesakes]
    found = places_of_services(tx, ids)
    mine, *others = (
        called(place.project_name[:_LONGEST_PLACE], place.environment_name[:_LONGEST_PLACE], listed.name)
        for listed, place in map(found.__getitem__, ids)
    )
    is_apart = mine.casefold() not in {each.casefold() for each in others}
    return mine if is_apart else f"{mine}/{plain(service.app_name)}"


def _found(tx: Tx, kinds: ServiceKinds, kind: SubjectType, service_id: str) -> Service[Any] | None:
    """A service; None also where it cannot be read, which keeps no other from being told."""
    try:
        return kinds.find(tx, kind, service_id)
    except HeadwayError:
        return None


def _repository(tx: Tx, service: Service[Any]) -> tuple[str, str] | None:
    """Where a service comes from, as far as a provider opens it: the site, and the repository's path there."""
    found = provided(service.settings.source_type, service.settings.extra)
    if found is None:
        return None
    try:
        return providers_store.find(tx, found.provider_id).url.lower(), found.path.lower()
    except HeadwayError:
        return None
