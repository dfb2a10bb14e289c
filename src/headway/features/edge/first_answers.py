"""What the address of a service answered once its new release served: on the row of the deployment, and in its log."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Protocol

from headway.core.deployments import store
from headway.core.deployments.run import Run, Success
from headway.core.engine.background import while_standing
from headway.drivers.edge.first_answer import Answered, Trouble
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route
from headway.kernel.errors import HeadwayError
from headway.kernel.phrase import phrase


class AnswerEdge(Protocol):
    """The proxy in front of the releases."""

    async def route(self, application_id: str) -> Route | None:
        """The route that stands."""
        ...

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now."""
        ...


async def added(run: Run, edge: AnswerEdge, service_id: str, success: Success) -> Success:
    """A success, with what a visitor is answered by now on its row."""
    found = await while_standing(look(run, edge, service_id), success.standing)

    def settle(tx: Tx) -> None:
        if success.settle is not None:
            success.settle(tx)
        keep(tx, run.deployment.deployment_id, found)

    return replace(success, settle=settle)


async def look(run: Run, edge: AnswerEdge, service_id: str) -> Answered | None:
    """Asks once; None where nothing leads to the service. What is not as it should be is said, and ends nothing: that
    the release answers was seen before.
    """
    try:
        route = await edge.route(service_id)
        found = None if route is None or not route.ways else await edge.answered(route)
    except HeadwayError:
        return None
    if found is not None and route is not None and found.warning is not None:
        serves = " The release serves all the same: what it writes tells why." if found.trouble is None else ""
        await run.say(phrase(f"Warning: {found.warning}{serves}{_mend(found, route.ways[0].host)}"))
    return found


def _mend(found: Answered, host: str) -> str:
    """How a program is told what it seems not to know of where it is."""
    match found.trouble:
        case Trouble.HOST:
            return (
                f" Programs do that which answer for certain hosts only: {host} has to be one of them then. If its "
                f"settings read them from a variable (Django's mostly from ALLOWED_HOSTS): headway env set APP "
                f"ALLOWED_HOSTS={host}."
            )
        case Trouble.HTTPS:
            return (
                f" It sends its visitors to https://{host}, which has no HTTPS here. Give it a domain with HTTPS "
                "(headway domains add APP HOST --letsencrypt), or have it stay with HTTP: headway env set APP "
                "SECURE_SSL_REDIRECT=False, where its settings read that variable as Django's often do; else by what "
                "it has for that (FORCE_SSL, FORCE_HTTPS, ...)."
            )
        case Trouble.LOOP:
            return (
                " Whoever comes by HTTPS is sent to the same address again: it does not heed X-Forwarded-Proto, which "
                "the edge sends. Django's settings say so by SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', "
                "'https'), Express by app.set('trust proxy', 1), Rails by config.assume_ssl = true."
            )
        case None:
            return ""


def keep(tx: Tx, deployment_id: str, answered: Answered | None) -> None:
    """Puts it on the row, in the transaction that writes the end."""
    if answered is not None:
        store.set_fields(tx, deployment_id, answers=json.dumps(asdict(answered)))
