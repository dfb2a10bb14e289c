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


def require(tx: Tx, service: Service[Any], needs: Iterable[Need]) -> None:
    """Whether a service may be started with these needs. Raises NotAllowed."""
    allowances.require(tx, service.organization_id, _whose(service), needs)


def may_fetch(tx: Tx, service: Service[Any], git_url: str | None) -> bool:
    """Whether a service may be fetched from a folder of the machine, where that is its source."""
    return allowances.refusal(tx, service.organization_id, _whose(service), of_source(git_url)) is None


def refusal_of_serving(tx: Tx, service: Service[Any], needs: Iterable[Need]) -> NotAllowed | None:
    """What keeps what serves, with these needs, from being started again; None where nothing does."""
    return allowances.refusal(tx, service.organization_id, _whose(service), needs, serving=True)


def _whose(service: Service[Any]) -> str:
    """What runs of a pull request has what its service was allowed, and nothing more."""
    return service.preview_of or service.service_id
