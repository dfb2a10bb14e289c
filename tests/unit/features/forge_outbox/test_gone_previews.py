"""What stands beside a commit once the preview of it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from headway.features.forge_outbox import told_store
from headway.features.previews import store
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.services import store as services_store
from headway.features.services.model import ServiceStatus
from headway.infra.db.transaction import Tx
from tests.support.forges.forge_apis import Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services, tell_all

COMMIT = "a" * 40


@dataclass(frozen=True)
class Told:
    """Previews, and a forge that is told of them."""

    made: ProvidedServices
    api: Api

    async def preview(self, status: ServiceStatus) -> Preview:
        """One that the forge was told of."""
        service = await self.made.add()
        preview = await self.made.preview(service)
        await self.made.runs(preview, service, status)
        await self.tell()
        return preview

    async def tell(self) -> None:
        """Whatever is new."""
        await tell_all(self.made.reports())

    async def close(self, preview: Preview, why: ClosedWhy = ClosedWhy.CLOSED) -> None:
        """The preview goes."""
        await self.made.db.run(
            lambda tx: store.set_fields(tx, preview.preview_id, closed_at=tx.now, closed_why=why, report_at=None)
        )

    def last(self) -> tuple[str, str, str, str]:
        """The status that was told last: commit, context, state and words."""
        told = self.api.facts.statuses[-1]
        return told["commit"], told["context"], told["state"], told["description"]


@pytest.fixture
def told(sqlite_database_url: str) -> Iterator[Told]:
    with forge_api("github") as api, provided_services(sqlite_database_url, api) as made:
        yield Told(made, api)


@pytest.mark.parametrize(
    ("status", "why", "state", "words"),
    [
        (ServiceStatus.DONE, ClosedWhy.CLOSED, "success", "The preview was removed"),
        (ServiceStatus.DONE, ClosedWhy.EVICTED, "success", "The preview was removed for a newer one"),
        (ServiceStatus.RUNNING, ClosedWhy.EXPIRED, "error", "The preview was removed, its time was over"),
        (ServiceStatus.IDLE, ClosedWhy.DELETED, "error", "The preview was removed"),
        (ServiceStatus.ERROR, ClosedWhy.CLOSED, "failure", "The preview is failed"),
    ],
)
async def test_it_is_ready_no_more_and_no_check_goes_on_for_ever(
    told: Told, status: ServiceStatus, why: ClosedWhy, state: str, words: str
) -> None:
    preview = await told.preview(status)
    await told.close(preview, why)
    for _ in range(2):
        await told.tell()
    assert told.last() == (COMMIT, "headway/web", state, words)
    assert len(told.api.facts.statuses) == (1 if status is ServiceStatus.ERROR else 2)
    assert await told.made.db.read(lambda tx: told_store.find(tx, preview.preview_id)) is None


async def test_nothing_is_taken_back_that_was_never_told(told: Told) -> None:
    preview = await told.made.preview(await told.made.add())
    await told.close(preview)
    await told.tell()
    assert told.api.facts.statuses == []


async def test_it_is_taken_back_where_it_was_told_though_commit_and_name_are_others_by_now(told: Told) -> None:
    preview = await told.preview(ServiceStatus.DONE)

    def change(tx: Tx) -> None:
        store.set_fields(tx, preview.preview_id, head="b" * 40)
        services_store.set_fields(tx, preview.service_id, name="shop")

    await told.made.db.run(change)
    await told.close(preview)
    await told.tell()
    assert told.last() == (COMMIT, "headway/web", "success", "The preview was removed")


async def test_another_preview_of_the_commit_is_left_alone(told: Told) -> None:
    preview = await told.preview(ServiceStatus.DONE)
    service = await told.made.db.read(lambda tx: told.made.previewed.of(tx, preview))
    told.api.facts.failing = (500, {}, b"")
    await told.close(preview)
    await told.tell()
    await told.made.preview(service)
    told.api.facts.failing = None
    await told.tell()
    await told.made.db.run(lambda tx: store.set_fields(tx, preview.preview_id, report_at=tx.now))
    await told.tell()
    assert told.last() == (COMMIT, "headway/web", "pending", "The preview is waiting")


async def test_it_is_tried_for_a_day_and_then_given_up(told: Told) -> None:
    preview = await told.preview(ServiceStatus.DONE)
    told.api.facts.failing = (500, {}, b"")
    await told.close(preview)
    await told.tell()

    def a_day_later(tx: Tx) -> None:
        store.set_fields(tx, preview.preview_id, report_at=tx.now, report_since=tx.now - timedelta(days=1))

    await told.made.db.run(a_day_later)
    await told.tell()
    assert await told.made.db.read(store.changed_states) == []
    assert await told.made.db.read(lambda tx: told_store.find(tx, preview.preview_id)) is None
