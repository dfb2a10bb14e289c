"""What stands beside a commit once the service that was deployed from it is removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from headway.core.deployments import store as deployments
from headway.core.deployments.status import Reason, Status
from headway.features.services import store as services_store
from headway.features.services.model import Service, ServiceStatus
from headway.infra.db.tables.statuses import commit_statuses, told_statuses
from headway.infra.db.transaction import Tx
from tests.support.forges.forge_apis import Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services, tell_all


@dataclass(frozen=True)
class Told:
    """Services, and a forge that is told of them."""

    made: ProvidedServices
    api: Api

    async def tell(self) -> None:
        """Whatever is new, of whatever it is."""
        await tell_all(self.made.statuses())
        await tell_all(self.made.reports())
        await tell_all(self.made.left())

    async def deployed(self, status: Status) -> tuple[Service[Any], str]:
        """A service with a deployment that the forge was told of."""
        service = await self.made.add()
        deployment_id = await self.made.deployment(service, status=status)
        await self.tell()
        return service, deployment_id

    async def removed(self, service: Service[Any], *deployment_ids: str) -> None:
        """Nothing is left of the service and of these."""

        def write(tx: Tx) -> None:
            deployments.remove_all(tx, deployment_ids)
            services_store.remove(tx, service.service_id)

        await self.made.db.run(write)

    def said(self) -> list[tuple[str, str, str]]:
        """What the forge was told: contexts, states and words."""
        return [(each["context"], each["state"], each["description"]) for each in self.api.facts.statuses]

    async def rows(self) -> int:
        """How much is still to be changed at the forge."""
        return len(await self.made.db.read(lambda tx: tx.execute(select(told_statuses)).all()))


@pytest.fixture
def told(sqlite_database_url: str) -> Iterator[Told]:
    with forge_api("github") as api, provided_services(sqlite_database_url, api) as made:
        yield Told(made, api)


async def test_the_end_of_a_deployment_is_told_though_its_service_is_gone_for_everybody(told: Told) -> None:
    service, deployment_id = await told.deployed(Status.RUNNING)

    def end(tx: Tx) -> None:
        services_store.begin_deletion(tx, service.service_id)
        deployments.set_fields(tx, deployment_id, status=Status.ERROR, reason=Reason.CANCELLED)

    await told.made.db.run(end)
    await told.tell()
    assert told.said()[1:] == [("headway/web/deploy", "failure", "Not deployed: cancelled")]
    assert await told.rows() == 0


@pytest.mark.parametrize("status", [Status.PENDING, Status.RUNNING])
async def test_a_check_ends_of_whose_deployment_nothing_is_left(told: Told, status: Status) -> None:
    await told.removed(*await told.deployed(status))
    for _ in range(2):
        await told.tell()
    assert told.said()[1:] == [("headway/web/deploy", "error", "It was removed")]
    assert await told.rows() == 0


async def test_what_had_ended_stays_as_it_was_told(told: Told) -> None:
    await told.removed(*await told.deployed(Status.DONE))
    await told.tell()
    assert told.said() == [("headway/web/deploy", "success", "Deployed")]


async def test_of_a_service_that_went_before_anything_was_told_nobody_is_told(told: Told) -> None:
    service = await told.made.add()
    await told.made.deployment(service, status=Status.RUNNING)
    await told.made.db.run(lambda tx: services_store.begin_deletion(tx, service.service_id))
    await told.tell()
    assert told.said() == []
    row = await told.made.db.read(lambda tx: tx.execute(select(commit_statuses)).one())
    assert (row.told, row.error) == (Status.RUNNING, None), "nothing waits"


@pytest.mark.parametrize(("status", "state"), [(ServiceStatus.DONE, "success"), (ServiceStatus.RUNNING, "error")])
async def test_a_preview_that_goes_with_its_service_is_ready_no_more(
    told: Told, status: ServiceStatus, state: str
) -> None:
    service = await told.made.add()
    preview = await told.made.preview(service)
    await told.made.runs(preview, service, status)
    await told.tell()
    await told.made.db.run(lambda tx: services_store.remove(tx, preview.preview_id))
    await told.removed(service)
    await told.tell()
    assert told.said()[1:] == [("headway/web", state, "It was removed")]
    assert await told.rows() == 0


async def test_a_preview_whose_service_is_about_to_go_is_told_of_once(told: Told) -> None:
    service = await told.made.add()
    preview = await told.made.preview(service)
    await told.made.runs(preview, service, ServiceStatus.RUNNING)
    await told.tell()

    def begin(tx: Tx) -> None:
        services_store.begin_deletion(tx, service.service_id)
        services_store.set_fields(tx, preview.preview_id, status=ServiceStatus.ERROR)

    await told.made.db.run(begin)
    await told.tell()
    await told.made.db.run(lambda tx: services_store.remove(tx, preview.preview_id))
    await told.removed(service)
    await told.tell()
    assert told.said()[1:] == [("headway/web", "error", "The preview was removed")]
    assert "removed" not in "".join(told.api.facts.comments.values()), "there is nobody left to speak of the others"


async def test_a_forge_that_does_not_take_it_is_told_again_for_a_day(told: Told) -> None:
    await told.removed(*await told.deployed(Status.RUNNING))
    told.api.facts.failing = (500, {}, b"")
    await told.tell()
    row = await told.made.db.read(lambda tx: tx.execute(select(told_statuses)).one())
    assert (row.attempts, "an error of its own" in row.error) == (1, True)
    await told.tell()
    assert len(told.api.facts.asked) == 2, "it waits before it tries again"

    def a_day_later(tx: Tx) -> None:
        tx.execute(update(told_statuses).values(tell_at=tx.now, since=tx.now - timedelta(days=1)))

    await told.made.db.run(a_day_later)
    await told.tell()
    assert await told.rows() == 0
