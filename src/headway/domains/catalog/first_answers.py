"""What the address of a service answered once its new release served: on the row of the deployment, and in its log."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Protocol

from headway.core.deployments import store
from headway.core.deployments.run import Run, Success
from headway.core.engine.beside import while_standing
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route
from headway.kernel.errors import HeadwayError
from headway.kernel.phrase import phrase
from headway.seams.runtimes.first_answer import REFUSES_HOST, Answered


class Edge(Protocol):
    """The proxy in front of the releases."""

    async def route(self, application_id: str) -> Route | None:
        """The route that stands."""
        ...

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now."""
        ...


async def added(run: Run, edge: Edge, service_id: str, success: Success) -> Success:
    """A success, with what a visitor is answered by now on its row."""
    found = await while_standing(look(run, edge, service_id), success.standing)

    def settle(tx: Tx) -> None:
        if success.settle is not None:
            success.settle(tx)
        keep(tx, run.deployment.deployment_id, found)

    return replace(success, settle=settle)


async def look(run: Run, edge: Edge, service_id: str) -> Answered | None:
    """Asks once; None where nothing leads to the service. What is not as it should be is said, and ends nothing: that
    the release answers was seen before.
    """
    try:
        route = await edge.route(service_id)
        found = None if route is None or not route.ways else await edge.answered(route)
    except HeadwayError:
        return None
    if found is not None and route is not None and found.warning is not None:
        more = _hosts(found, route.ways[0].host)
        await run.say(
            phrase(f"Warning: {found.warning} The release serves all the same: what it writes tells why.{more}")
        )
    return found


def _hosts(found: Answered, host: str) -> str:
    """How a program is told its host, that seems not to know it."""
    if found.status not in REFUSES_HOST:
        return ""
    return (
        f" Where it answers for certain hosts only, {host} has to be one of them. If its settings read them from a "
        f"variable (Django's mostly from ALLOWED_HOSTS): headway env set APP ALLOWED_HOSTS={host}."
    )


def keep(tx: Tx, deployment_id: str, answered: Answered | None) -> None:
    """Puts it on the row, in the transaction that writes the end."""
    if answered is not None:
        store.set_fields(tx, deployment_id, answers=json.dumps(asdict(answered)))
