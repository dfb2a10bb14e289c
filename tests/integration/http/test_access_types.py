"""Deployments of every type, as everybody who may call: the policy decides by the row's organisation, project and
service, also where nothing else is known of the subject.
"""

from __future__ import annotations

import pytest

from headway.core.access.model import Role
from headway.core.access.policy import Noun
from headway.core.access.store import first_owner
from headway.core.deployments.model import SubjectType
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.access_rows import QUERY, Place, Row
from tests.integration.http.access_table import TABLE
from tests.integration.http.callers import CALLERS, Caller, admit_callers, give, key_of
from tests.integration.http.test_access_table import LETS_IN, MISSES, expected
from tests.integration.http.world import World, client_with
from tests.support.panel.factories import request

OF_SERVICES = {SubjectType.APPLICATION, SubjectType.COMPOSE, SubjectType.DATABASE}
PROCEDURES = sorted(name for name, row in TABLE.items() if row.given.keys() & {"deploymentId"})
PROJECT, SERVICE = "the-project", "the-service"


def test_what_is_asked_of_single_deployments_is_asked_here() -> None:
    assert set(PROCEDURES) >= {f"deployment.{name}" for name in ("one", "readLogs", "log", "follow", "killProcess")}


@pytest.mark.slow
@pytest.mark.parametrize("subject_type", SubjectType)
async def test_a_caller_reaches_deployments_of_its_own_only(world: World, subject_type: SubjectType) -> None:
    members = await admit_callers(world)
    shared = await _deployment(world, subject_type)
    for name, caller in CALLERS.items():
        if caller in members:
            await give(world, members[caller], caller, PROJECT, SERVICE)
        async with client_with(world.app, key_of(caller)) as client:
            for procedure in PROCEDURES:
                status = _expected(caller, TABLE[procedure], subject_type)
                lets_in = status == LETS_IN
                if lets_in and procedure in {"deployment.follow", "deployment.followLines"}:
                    continue  # it is answered for ever
                asks = TABLE[procedure].method == QUERY
                deployment_id = shared if asks or not lets_in else await _deployment(world, subject_type)
                sent = {**TABLE[procedure].given, "deploymentId": deployment_id}
                if lets_in and "linkId" in sent:
                    link = await world.post("deployment.createLink", deploymentId=deployment_id)
                    sent |= {"linkId": link["linkId"]}
                answer = await (
                    client.get(f"/{procedure}", params=sent) if asks else client.post(f"/{procedure}", json=sent)
                )
                told = (name, procedure, answer.text)
                refuses = lets_in and procedure == "deployment.killProcess"  # it does not run
                assert answer.status_code == (400 if refuses else status), told
                if status == MISSES:
                    assert answer.json()["message"] == f"{Noun.DEPLOYMENT} not found", told


def _expected(caller: Caller, row: Row, subject_type: SubjectType) -> int:
    place = Place.SERVICE if subject_type in OF_SERVICES else Place.PROJECT
    status = expected(caller, Row(row.method, row.given, row.least, row.scope, place))
    in_no_project = subject_type is SubjectType.SERVER
    return MISSES if in_no_project and status == LETS_IN and caller.role is Role.MEMBER else status


async def _deployment(world: World, subject_type: SubjectType) -> str:
    """A waiting deployment of this type, of which nothing else exists."""

    def add(tx: Tx) -> str:
        owner = first_owner(tx)
        assert owner is not None
        wish = request(
            host_id="local",
            subject_type=subject_type,
            subject_id=SERVICE if subject_type in OF_SERVICES else new_id(),
            organization_id=owner[1],
            project_id=None if subject_type is SubjectType.SERVER else PROJECT,
            exclusive_key=None,
        )
        return world.services.deployments._ledger.enqueue(tx, wish).deployment_id

    return await world.services.db.run(add)
