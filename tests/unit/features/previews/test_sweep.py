"""What the sweep of open pull requests does about one that has moved on where its service watches some files only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from headway.core.deployments.service import Stopping
from headway.drivers.forges.events import Pull
from headway.features.previews import store
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.previews.model import Preview
from headway.features.services.application.model import AppSettings
from headway.features.services.model import Service
from headway.features.services.settings import HookSettings
from headway.features.webhooks.pull_files import PullFiles
from tests.support.forges.forge_apis import Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services

WATCHING = AppSettings(hooks=HookSettings(watch_paths=["src/**"]), extra={"isPreviewDeploymentsActive": True})
HEAD, NEXT = "a" * 40, "b" * 40


@dataclass(frozen=True)
class Swept:
    """A preview of a pull request at a forge, and what asks that after it."""

    made: ProvidedServices
    api: Api

    async def sweep(self, settings: AppSettings = WATCHING) -> Preview:
        """What a preview is like after its pull request has moved on and the forge was asked."""
        service = await self.made.add(settings=settings)
        preview = await self.made.preview(service, head=HEAD)
        self.api.facts.pulls[preview.number] = NEXT
        return await self.again(preview)

    async def again(self, preview: Preview) -> Preview:
        """The preview after another sweep."""
        made = self.made
        files = PullFiles(db=made.db, providers=made.providers, kinds=made.kinds)
        cleanup = PreviewCleanup(
            db=made.db,
            stopping=cast("Stopping", None),
            events=made.events,
            lifecycle=made.lifecycle,
            providers=made.providers,
            troubles=made.troubles,
            passes=files.passes,
        )
        await cleanup.sweep_round()
        return await made.db.read(lambda tx: store.find(tx, preview.preview_id))

    def asked_for_files(self) -> int:
        """How often the forge was."""
        return len([each for each in self.api.facts.asked if "/files" in each])


@pytest.fixture
def swept(sqlite_database_url: str) -> Iterator[Swept]:
    with forge_api("github") as api, provided_services(sqlite_database_url, api) as made:
        yield Swept(made, api)


async def test_a_head_none_of_whose_files_is_watched_is_passed_by_and_asked_after_once(swept: Swept) -> None:
    swept.api.facts.files += ["docs/a.md"]
    found = await swept.sweep()
    assert (found.head, found.passed_head) == (HEAD, NEXT)
    await swept.again(found)
    assert swept.asked_for_files() == 1


async def test_one_that_the_service_watches_is_deployed(swept: Swept) -> None:
    swept.api.facts.files += ["docs/a.md", "src/app.py"]
    found = await swept.sweep()
    assert (found.head, found.passed_head) == (NEXT, None)


async def test_where_the_forge_does_not_tell_the_files_it_is_deployed(swept: Swept) -> None:
    swept.api.facts.files += cast("list[str]", [{"what": "no name of a file is"}])
    assert (await swept.sweep()).head == NEXT


async def test_where_everything_is_watched_nobody_is_asked_after_files(swept: Swept) -> None:
    assert (await swept.sweep(replace(WATCHING, hooks=HookSettings()))).head == NEXT
    assert swept.asked_for_files() == 0


async def test_what_a_delivery_passed_by_the_sweep_leaves_alone(swept: Swept) -> None:
    service = await swept.made.add(settings=WATCHING)
    preview = await swept.made.preview(service, head=HEAD)
    swept.api.facts.pulls[preview.number] = NEXT
    assert await told(swept.made, service, preview) == "watch_paths"
    found = await swept.again(preview)
    assert (found.head, found.passed_head) == (HEAD, NEXT)
    assert swept.asked_for_files() == 0, "the delivery has asked"


async def told(made: ProvidedServices, service: Service[Any], preview: Preview) -> str:
    """Tells that the pull request has moved on, and that none of its files is watched; what was done."""
    pull = Pull(
        number=preview.number,
        title="A change",
        url="",
        author="ann",
        branch="change",
        head=NEXT,
        base="main",
        fork=False,
        labels=(),
        is_open=True,
        told_at=None,
    )

    def take(tx: Any) -> str:  # noqa: ANN401
        taken = made.lifecycle.take(tx, service, pull, lambda each: each, branch="main", unwatched="Nothing watched.")
        return taken.step.reason

    return await made.db.run(take)
