"""When a service may be started or restarted, and what is wanted of it from then on."""

from __future__ import annotations

from typing import Any

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.features.services import store
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.features.services.requests import exclusive_key
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict


class NothingDeployed(Conflict):
    """There is nothing to start."""

    def __init__(self, noun: Noun) -> None:
        super().__init__(f"Nothing of this {noun.word} has been deployed yet; deploy it first.")


def require_deployed(service: Service[Any]) -> None:
    """Whether there is something to start, and nobody else starts it. Raises NothingDeployed, Conflict."""
    if service.serving_release_id is None:
        raise NothingDeployed(service.noun)
    if service.wanted is DesiredState.HELD:
        raise Conflict(
            f"A volume backup has stopped the {service.noun.word} and starts it again at its end; wait for that."
        )


def begin_start(tx: Tx, service: Service[Any]) -> None:
    """Wants it up, unless a deploy is under way, which alone may start anything then. Raises Conflict where that was
    not wanted before, and while something works on its data.
    """
    _require_data_free(tx, service)
    if store.is_at_rest(tx, service.service_id):
        want_up(tx, service.service_id)
    elif service.wanted is not DesiredState.UP:
        # Deployments of databases have no operation that cancels them.
        way_out = "" if service.kind is SubjectType.DATABASE else ", or cancel the deployment and start it then"
        raise Conflict(
            f"The {service.noun.word} is stopped and being deployed, which starts it; wait for the end{way_out}."
        )


def require_at_rest(tx: Tx, service: Service[Any]) -> None:
    """Whether it may be restarted now. Raises Conflict during a deploy, and while something works on its data."""
    _require_data_free(tx, service)
    if not store.is_at_rest(tx, service.service_id):
        raise Conflict(f"The {service.noun.word} is being deployed, which starts it anew; wait for the end.")


def _require_data_free(tx: Tx, service: Service[Any]) -> None:
    # Somebody may have stopped it meanwhile, or before: then it is not held, and its files are read all the same.
    if store.is_used_by_another(tx, service.service_id, exclusive_key(service)):
        raise Conflict(
            f"A volume backup or its restore works on the files of the {service.noun.word}, which is stopped; wait for "
            "its end, or kill it."
        )


def want_up(tx: Tx, service_id: str) -> None:
    """It is to run, and is ``running`` until somebody has seen it serve."""
    store.set_fields(tx, service_id, wanted=DesiredState.UP, status=ServiceStatus.RUNNING)


def want_down(tx: Tx, service_id: str) -> None:
    """It is not to run."""
    store.set_fields(tx, service_id, wanted=DesiredState.DOWN, status=ServiceStatus.IDLE)
