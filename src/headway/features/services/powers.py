"""What of a service reaches a machine, as far as that is alike whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headway.core.access import allowances
from headway.core.access.allowances import NotAllowed
from headway.core.access.machine import Need, Power
from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.sources.remote import is_folder
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx


def server_of(host_id: str) -> str | None:
    """The server that a need is of, None for the panel's own machine."""
    return None if host_id == LOCAL_HOST else host_id


def of_source(git_url: str | None) -> set[Need]:
    """What fetching it needs: the panel's own machine fetches for all of them."""
    return {Need(power=Power.FOLDER, value=git_url)} if git_url and is_folder(git_url) else set()


def refusal(tx: Tx, service: Service[Any], needs: Iterable[Need], *, serving: bool = False) -> NotAllowed | None:
    """What keeps a service with these needs from being started, None where nothing does. What runs of a pull request
    has what its service was allowed, and nothing more. Of ``serving`` see ``allowances.refusal``.
    """
    whose = service.preview_of or service.service_id
    return allowances.refusal(tx, service.organization_id, whose, needs, serving=serving)


def require(tx: Tx, service: Service[Any], needs: Iterable[Need], *, serving: bool = False) -> None:
    """See ``refusal``. Raises NotAllowed."""
    refused = refusal(tx, service, needs, serving=serving)
    if refused is not None:
        raise refused


def may_fetch(tx: Tx, service: Service[Any], git_url: str | None) -> bool:
    """Whether a service may be fetched from a folder of the machine, where that is its source."""
    return refusal(tx, service, of_source(git_url)) is None
