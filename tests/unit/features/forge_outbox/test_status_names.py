"""What services are called beside commits: by their names, and apart where two of one repository are called so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from headway.core.deployments import store as deployments
from headway.core.deployments.status import Status
from headway.drivers.forges.base import CommitState, CommitStatus, ForgeConnection, ForgeName
from headway.drivers.forges.registry import forge_apis
from headway.features.services import store as services_store
from headway.features.services.model import ServiceStatus
from headway.kernel.secret import Secret
from tests.support.forges.forge_apis import TOKEN, Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services, tell_all


@dataclass(frozen=True)
class Told:
    """Services of one organisation, and a forge that is told of them."""

    made: ProvidedServices
    api: Api

    async def statuses(self) -> dict[str, str]:
        """What stands beside the commit once all was told, by its contexts."""
        await tell_all(self.made.statuses())
        await tell_all(self.made.reports())
        return {each["context"]: each["state"] for each in self.api.facts.statuses}


@pytest.fixture
def told(sqlite_database_url: str) -> Iterator[Told]:
    with forge_api("github") as api, provided_services(sqlite_database_url, api) as made:
        yield Told(made, api)


async def test_two_of_one_name_from_one_repository_are_told_apart_by_where_they_lie(told: Told) -> None:
    for number, environment, status in ((1, "production", Status.ERROR), (2, "staging", Status.DONE)):
        service = await told.made.add("Web", environment=environment)
        await told.made.deployment(service, number, status=status)
    other = await told.made.add("web", project="labs")
    await told.made.deployment(other, 3, status=Status.DONE)
    assert await told.statuses() == {
        "headway/shop/production/Web/deploy": "failure",
        "headway/shop/staging/Web/deploy": "success",
        "headway/labs/production/web/deploy": "success",
    }


async def test_two_of_one_name_in_one_place_are_told_apart_by_what_they_are_called_on_their_machine(told: Told) -> None:
    names = set()
    for number in (1, 2):
        service = await told.made.add("web")
        names.add(f"headway/shop/production/web/{service.app_name.replace(' ', '-')}/deploy")
        await told.made.deployment(service, number, status=Status.DONE)
    assert {*await told.statuses()} == names


async def test_a_name_is_enough_where_no_other_of_its_repository_is_called_so(told: Told) -> None:
    service = await told.made.add("my web")
    await told.made.add("my web", repository="other", environment="staging")
    await told.made.add("web", environment="staging")
    await told.made.deployment(service, status=Status.DONE)
    await told.made.preview(service)
    assert {*await told.statuses()} == {"headway/my-web/deploy", "headway/my web"}


async def test_one_of_the_name_that_cannot_be_read_keeps_no_other_from_being_told(told: Told) -> None:
    service, damaged = [await told.made.add("web", environment=each) for each in ("production", "staging")]
    sealed = {"sealed": "with another key"}
    await told.made.db.run(lambda tx: services_store.set_fields(tx, damaged.service_id, settings=sealed))
    await told.made.deployment(service, status=Status.DONE)
    assert await told.statuses() == {"headway/web/deploy": "success"}


async def test_a_deployment_is_called_the_same_from_its_beginning_to_its_end(told: Told) -> None:
    service = await told.made.add("web")
    first = await told.made.deployment(service, 1, status=Status.RUNNING)
    await told.statuses()
    await told.made.add("web", environment="staging")
    await told.made.db.run(lambda tx: services_store.set_fields(tx, service.service_id, name="shop"))
    await told.made.db.run(lambda tx: deployments.set_fields(tx, first, status=Status.DONE))
    assert await told.statuses() == {"headway/web/deploy": "success"}
    assert len(told.api.facts.statuses) == 2


async def test_the_next_deployment_of_a_commit_ends_what_the_one_before_has_begun(told: Told) -> None:
    service = await told.made.add("web")
    await told.made.deployment(service, 1, status=Status.RUNNING)
    await told.statuses()
    await told.made.add("web", environment="staging")
    await told.made.deployment(service, 2, status=Status.DONE)
    assert await told.statuses() == {"headway/web/deploy": "success"}


async def test_previews_are_told_apart_in_statuses_and_in_the_comment_and_keep_their_names(told: Told) -> None:
    alone = await told.made.add("web")
    first = await told.made.preview(alone)
    await told.made.runs(first, alone, ServiceStatus.RUNNING)
    assert await told.statuses() == {"headway/web": "pending"}
    other = await told.made.add("web", environment="staging")
    await told.made.preview(other)
    await told.made.db.run(lambda tx: services_store.set_fields(tx, first.preview_id, status=ServiceStatus.DONE))
    assert await told.statuses() == {"headway/web": "success", "headway/shop/staging/web": "pending"}
    (comment,) = told.api.facts.comments.values()
    assert "| shop/production/web | " in comment
    assert "| shop/staging/web | " in comment


async def test_bitbucket_tells_long_names_apart() -> None:
    with forge_api("bitbucket") as api:
        bitbucket = forge_apis()[ForgeName.BITBUCKET]
        connection = ForgeConnection(
            forge=ForgeName.BITBUCKET,
            provider_id="p",
            url="https://git.example",
            api_url=api.url,
            token=Secret(TOKEN),
        )
        long = "the/application/for/everybody/in/the/house/deploy"
        for context in (f"headway/one/{long}", f"headway/two/{long}", "headway/web/deploy"):
            status = CommitStatus(commit_hash="a" * 40, state=CommitState.SUCCESS, context=context, description="d")
            await bitbucket.set_status(connection, "team/app", status)
    keys = [each["key"] for each in api.facts.statuses]
    assert (len(set(keys)), keys[2]) == (3, "headway/web/deploy")
    assert max(map(len, keys)) == 40
