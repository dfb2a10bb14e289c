"""A forge that tells the beginning of a commit's hash alone is asked for the rest: by that nothing is approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic_core import to_json

from headway.core.access.model import Actor, Credential, Role
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import Stopping
from headway.drivers.forges.base import ForgeName
from headway.drivers.forges.events import Pull
from headway.features.previews import store
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.previews.lifecycle import Ask, PreviewStep
from headway.features.previews.model import Preview
from headway.features.previews.policy import Deed, Step
from headway.features.previews.service import PreviewService
from headway.features.services import hooks_store
from headway.features.services.hooks_model import SourceKind, TrackedSource
from headway.features.webhooks.app_hooks import AppHooks
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.parser import Arrived, read
from headway.features.webhooks.pull_files import PullFiles
from headway.features.webhooks.service import WebhookService
from headway.features.webhooks.services import HookedService, HookedServices
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput
from tests.support.forges.forge_apis import Api, forge_api
from tests.support.forges.provided_services import ProvidedServices, provided_services
from tests.support.panel.factories import ledger
from tests.support.panel.permissions import permission

WHOLE, NEXT = "a" * 40, "b" * 40
OWNER = Actor(user_id="u", organization_id="org", role=Role.OWNER, credential=Credential.of_key("k"), name="Ann")


@dataclass(frozen=True)
class Short:
    """Bitbucket, which lists twelve digits, and previews of an application from there."""

    made: ProvidedServices
    api: Api

    @property
    def files(self) -> PullFiles:
        return PullFiles(db=self.made.db, providers=self.made.providers, kinds=self.made.kinds)

    async def swept(self, head: str, now: str, **fields: Any) -> Preview:  # noqa: ANN401
        """A preview at this head once the forge was asked, where the pull request is at ``now``."""
        preview = await self.made.preview(await self.made.add(), head=head, **fields)
        self.api.facts.pulls[preview.number] = now
        await self.sweep()
        return await self.made.db.read(lambda tx: store.find(tx, preview.preview_id))

    async def sweep(self) -> None:
        """Asks the forge."""
        made = self.made
        cleanup = PreviewCleanup(
            db=made.db,
            stopping=cast("Stopping", None),
            events=made.events,
            lifecycle=made.lifecycle,
            providers=made.providers,
            troubles=made.troubles,
            passes=self.files.passes,
        )
        await cleanup.sweep_round()

    async def approve(self, preview: Preview, commit: str) -> None:
        """Somebody approves it."""
        service = PreviewService(db=self.made.db, ledger=ledger(), lifecycle=self.made.lifecycle)
        await service.approve(OWNER, permission("previewDeployment.approve"), preview.preview_id, commit)


@pytest.fixture
def short(sqlite_database_url: str) -> Iterator[Short]:
    with forge_api("bitbucket") as api:
        api.facts.digits = 12
        with provided_services(sqlite_database_url, api, ForgeName.BITBUCKET) as made:
            yield Short(made, api)


async def test_a_fork_that_has_moved_on_is_known_by_its_whole_hash_and_waits(short: Short) -> None:
    found = await short.swept(WHOLE, NEXT, fork=True, approved_head=WHOLE)
    assert (found.head, found.awaits_approval) == (NEXT, True)
    with pytest.raises(InvalidInput, match="Nothing runs here"):  # it would, if anything did
        await short.approve(found, NEXT)


async def test_one_of_which_the_beginning_alone_was_told_is_asked_after_until_it_is_whole(short: Short) -> None:
    short.api.facts.failing = (500, {}, b"")
    found = await short.swept(WHOLE[:12], WHOLE, fork=True)
    for commit in (WHOLE, WHOLE[:12]):
        with pytest.raises(Conflict, match="Only the first 12 digits of the commit are known"):
            await short.approve(found, commit)
    short.api.facts.failing = None
    await short.sweep()
    found = await short.made.db.read(lambda tx: store.find(tx, found.preview_id))
    assert (found.head, found.awaits_approval) == (WHOLE, True)


@pytest.mark.parametrize("head", [WHOLE, WHOLE[:12]])
async def test_what_is_where_it_was_is_not_deployed_again(short: Short, head: str) -> None:
    assert (await short.swept(head, WHOLE)).head == head
    assert not any("/commits" in each for each in short.api.facts.asked), "nobody has to know more"


async def test_what_was_approved_stays_so(short: Short) -> None:
    found = await short.swept(WHOLE, WHOLE, fork=True, approved_head=WHOLE)
    assert not found.awaits_approval


async def test_a_delivery_is_completed_before_it_is_judged(short: Short) -> None:
    short.api.facts.pulls[7] = WHOLE
    service = await hooked(short.made)
    for told, head in (("a" * 12, WHOLE), ("c" * 12, "c" * 12), (NEXT, NEXT)):
        (pull,) = (await short.files.whole(service, arrived(told))).told.events
        assert isinstance(pull, Pull)
        assert pull.head == head
    assert len([each for each in short.api.facts.asked if "/commits" in each]) == 2
    unpreviewed = await short.files.whole(replace(service, pulled=None), arrived("a" * 12))
    assert unpreviewed.told.events == arrived("a" * 12).told.events


async def test_who_takes_deliveries_and_takes_them_again_has_them_completed(short: Short) -> None:
    short.api.facts.pulls[7] = WHOLE
    heads: list[str] = []

    def pulled(tx: Tx, pull: Pull, ask: Ask, **_more: Any) -> PreviewStep:  # noqa: ANN401
        heads.append(pull.head)
        return PreviewStep(step=Step(deed=Deed.NOTHING, reason="already", message="As it was."))

    made, service = short.made, replace(await hooked(short.made), pulled=pulled)
    services = cast("HookedServices", SimpleNamespace(find=lambda *_given: service))
    taking = Ingest(ledger=ledger(), services=services, events=made.events, most_payload_bytes=1 << 20)
    webhooks = WebhookService(
        db=made.db,
        vault=made.vault,
        taking=taking,
        keep_for=timedelta(days=1),
        most_bytes=1 << 20,
        apps=AppHooks(db=made.db, vault=made.vault, taking=taking, files=short.files),
    )
    whose = (SubjectType.APPLICATION, service.subject_id)
    await made.db.run(lambda tx: hooks_store.add(tx, made.vault, *whose))
    token = await webhooks.address(*whose) or ""
    came = arrived("a" * 12)
    taken = await webhooks.receive(SubjectType.APPLICATION, token, came.headers, came.body)
    await webhooks.replay(OWNER, permission("webhook.replay"), taken.delivery.delivery_id)
    assert heads == [WHOLE, WHOLE]


async def hooked(made: ProvidedServices) -> HookedService:
    """A service that has previews, as far as a delivery has to know it."""
    service = await made.add()
    return HookedService(
        subject_type=SubjectType.APPLICATION,
        subject_id=service.service_id,
        organization_id="org",
        project_id="shop",
        name="web",
        tracked=TrackedSource(source=SourceKind.GIT),
        newest_wins=True,
        secret=None,
        request=lambda _tag: pytest.fail("nothing is deployed"),
        pulled=lambda *_given, **_more: pytest.fail("nothing is done"),
    )


def arrived(head: str) -> Arrived:
    """What Bitbucket tells of a pull request of a fork."""
    place = {"full_name": "stranger/app", "links": {"html": {"href": "https://bitbucket.org/stranger/app"}}}
    pull = {
        "id": 7,
        "state": "OPEN",
        "source": {"branch": {"name": "change"}, "commit": {"hash": head}, "repository": place},
        "destination": {"branch": {"name": "main"}, "repository": {"full_name": "team/app"}},
    }
    body = to_json({"pullrequest": pull})
    return read({"content-type": "application/json", "x-event-key": "pullrequest:created"}, body)
