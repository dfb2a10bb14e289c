"""What the loop of a feature cannot do with one item keeps it from no other, is tried again more seldom, and shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, select, text, update

from headway.core.deployments import store
from headway.core.deployments.leases import Lease
from headway.core.deployments.model import Deployment
from headway.core.deployments.status import Intent, Status
from headway.core.engine.poller import Poller
from headway.core.engine.troubles import Troubles
from headway.drivers.forges.base import ForgeConnection
from headway.features.git.providers import GitProviderService, OpenedRepository
from headway.features.notifications.delivery import NoticeDelivery
from headway.features.notifications.media import Media
from headway.features.notifications.model import MOST_ATTEMPTS, Channel, Notice
from headway.features.previews import store as previews_store
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.schedules import store as schedules_store
from headway.features.schedules.cleanup import ScheduleCleanup
from headway.features.services import store as services_store
from headway.infra.db.tables.notifications import channels, notices
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Unavailable
from tests.integration.http.preview_rows import pull_request, told
from tests.integration.http.test_notification import channel, make_due
from tests.integration.http.test_preview_sweep import previewed
from tests.integration.http.world import World
from tests.support.forges.forge_apis import forge_api
from tests.support.notifications.receivers import receiver

Json = Any


def loop(world: World, name: str) -> Poller:
    """A loop of the panel."""
    (found,) = [each for each in world.platform.engine._pollers if each.name == name]
    return found


async def rounds(poller: Poller, number: int = 3) -> None:
    """Some rounds of a loop, which outlives whatever goes wrong in them."""
    for _ in range(number):
        await poller._round(poller._work)


async def shown(world: World) -> dict[str, str]:
    """What the panel says that it could not do, by loop and item."""
    health = await world.get("settings.health")
    return {f"{each['loop']} {each['item']}": each["message"] for each in health.get("troubles", ())}


@dataclass(frozen=True, slots=True)
class Runner:
    """Fits ``Stopping``: it has claimed some, and ends one that it is asked to; but the server of one is away."""

    world: World
    leases: Mapping[str, Lease]
    away: str

    async def kill(self, deployment_id: str) -> Deployment:
        return await self.cancel(deployment_id)

    async def cancel(self, deployment_id: str, intent: Intent = Intent.CANCEL) -> Deployment:
        if deployment_id == self.away:
            raise Unavailable("The deployment's server is out of reach.")
        await self.world.end(self.leases[deployment_id], Status.ERROR, f"{intent}")
        return await self.world.services.db.read(lambda tx: store.find(tx, deployment_id))

    async def cancel_waiting(self, deployment_ids: Sequence[str], intent: Intent) -> list[str]:
        assert not deployment_ids, intent
        return []

    def hasten(self, deployment_id: str, intent: Intent) -> None:
        """Nobody asks."""


async def claimed(world: World, number: int) -> dict[str, Lease]:
    """As many as wait are taken."""
    leases = [await world.claim() for _ in range(number)]
    return {lease.deployment_id: lease for lease in leases}


async def test_a_schedule_that_cannot_be_cleared_keeps_no_other_from_it(world: World) -> None:
    runs: dict[str, str] = {}
    for name in ("one", "another"):
        given = {"name": name, "cronExpression": "0 0 1 1 *", "scheduleType": "dokploy-server", "command": "true"}
        schedule_id = (await world.post("schedule.create", **given))["scheduleId"]
        runs[schedule_id] = (await world.post("schedule.runManually", scheduleId=schedule_id))["deploymentId"]
    leases = await claimed(world, 2)
    for schedule_id in runs:
        await world.services.db.run(lambda tx, id_=schedule_id: schedules_store.begin_deletion(tx, id_))  # type: ignore[misc]
    first, _ = await world.services.db.read(schedules_store.to_clear)
    clearing = cast("ScheduleCleanup", loop(world, "schedules")._work.__self__)  # type: ignore[attr-defined]
    away = replace(clearing, stopping=Runner(world, leases, runs[first]))
    await rounds(Poller("schedules", away.clear_round))
    assert await world.services.db.read(schedules_store.to_clear) == [first]
    assert await shown(world) == {f"schedules {first}": "The deployment's server is out of reach."}
    back = replace(away, stopping=Runner(world, leases, ""), troubles=Troubles())
    await rounds(Poller("schedules", back.clear_round))
    assert await world.services.db.read(schedules_store.to_clear) == []


async def test_a_preview_that_cannot_be_ended_keeps_no_other_from_it(world: World) -> None:
    application_id = await world.application()
    await world.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
    runs: dict[str, str] = {}
    for number in (1, 2):
        opened = await told(world, application_id, pull_request(number, "a" * 40))
        (preview, *_) = await world.get("previewDeployment.all", applicationId=application_id)
        runs[preview["previewDeploymentId"]] = str(opened["deploymentId"])
    leases = await claimed(world, 2)
    for number in (1, 2):
        await told(world, application_id, pull_request(number, "a" * 40, action="closed"))
    first, _ = await world.services.db.read(services_store.ending)
    clearing = cast("PreviewCleanup", loop(world, "previews")._work.__self__)  # type: ignore[attr-defined]
    away = replace(clearing, stopping=Runner(world, leases, runs[first]))
    await rounds(Poller("previews", away.clear_round))
    assert await world.services.db.read(services_store.ending) == [first]
    assert await shown(world) == {f"previews {first}": "The deployment's server is out of reach."}
    back = replace(away, stopping=Runner(world, leases, ""), troubles=Troubles())
    await rounds(Poller("previews", back.clear_round))
    assert await world.services.db.read(services_store.ending) == []


@dataclass(frozen=True, slots=True)
class Patient(Runner):
    """It ends none until it was asked to end so many."""

    together: asyncio.Barrier

    async def cancel(self, deployment_id: str, intent: Intent = Intent.CANCEL) -> Deployment:
        async with asyncio.timeout(5):
            await self.together.wait()
        return await Runner.cancel(self, deployment_id, intent)


async def test_a_preview_whose_end_takes_long_holds_up_no_other(world: World) -> None:
    application_id = await world.application()
    await world.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
    for number in (1, 2):
        await told(world, application_id, pull_request(number, "a" * 40))
    leases = await claimed(world, 2)
    for number in (1, 2):
        await told(world, application_id, pull_request(number, "a" * 40, action="closed"))
    clearing = cast("PreviewCleanup", loop(world, "previews")._work.__self__)  # type: ignore[attr-defined]
    patient = Patient(world, leases, "", asyncio.Barrier(2))
    await rounds(Poller("previews", replace(clearing, stopping=patient).clear_round), 1)
    assert await world.services.db.read(services_store.ending) == []
    assert await shown(world) == {}


@dataclass(slots=True)
class Providers:
    """Fits ``GitProviderService``, as far as it is asked for a list; one of ``broken`` answers what nobody foresaw."""

    world: World
    broken: set[str]
    asked: list[str] = field(default_factory=list)

    def repository(self, *given: Json) -> OpenedRepository | None:
        return self.world.services.git_providers.repository(*given)

    async def ask(self, connection: ForgeConnection, ask: Json) -> Json:
        self.asked.append(connection.provider_id)
        if connection.provider_id in self.broken:
            raise KeyError("nobody foresaw it")
        return await self.world.services.git_providers.ask(connection, ask)


async def test_a_service_whose_forge_breaks_the_sweep_keeps_no_other_from_it(world: World) -> None:
    with forge_api("github") as api:
        ones = [await previewed(world, api) for _ in range(2)]
        made = {each["githubId"]: each for each in await world.get("github.githubProviders")}
        (first, second) = [await world.get("application.one", applicationId=each) for each in ones]
        assert {first["githubId"], second["githubId"]} == made.keys()
        sweeping = cast("PreviewCleanup", loop(world, "open pull requests")._work.__self__)  # type: ignore[attr-defined]
        providers = Providers(world, {first["githubId"]})
        poller = Poller(
            "open pull requests", replace(sweeping, providers=cast("GitProviderService", providers)).sweep_round
        )
        await rounds(poller, 1)
    assert await live(world, first["applicationId"]) == 3
    assert await live(world, second["applicationId"]) == 0
    assert await poller._round(poller._work) > 60  # it is not asked again each second
    assert list(await shown(world)) == [f"open pull requests {first['applicationId']}"]


async def test_a_preview_that_cannot_be_closed_or_put_to_sleep_keeps_no_other_from_it(world: World) -> None:
    application_id = await world.application()
    on = {"isPreviewDeploymentsActive": True, "previewLimit": 4}
    await world.post("application.update", applicationId=application_id, **on)
    for number in range(1, 5):
        await told(world, application_id, pull_request(number, "a" * 40))
    for _ in range(4):
        await world.end(await world.claim())
    first, second, third, fourth = await world.services.db.read(previews_store.every)
    damaged = {first.preview_id, third.preview_id}

    def age(tx: Tx) -> None:
        for each in (first, second):
            previews_store.set_fields(tx, each.preview_id, expires_at=tx.now)
        for each in (third, fourth):
            previews_store.set_fields(tx, each.preview_id, sleeps_at=tx.now)

    await world.services.db.run(age)
    names = ", ".join(f"'{each}'" for each in damaged)
    refused = f"BEFORE UPDATE ON previews WHEN OLD.preview_id IN ({names}) BEGIN SELECT RAISE(ABORT, 'broken'); END"
    await world.services.db.run(lambda tx: tx.execute(text(f"CREATE TRIGGER refused {refused}")).rowcount)
    await rounds(loop(world, "previews"))
    assert {each.preview_id for each in await world.services.db.read(previews_store.every)} == {
        *damaged,
        fourth.preview_id,
    }
    (asleep,) = [each for each in await world.services.db.read(previews_store.every) if each.asleep_since]
    assert asleep.preview_id == fourth.preview_id
    assert sorted(await shown(world)) == sorted(
        [f"previews {first.preview_id} that has expired", f"previews {third.preview_id} that is to sleep"]
    )


async def live(world: World, application_id: str) -> int:
    """How many previews an application has."""
    return len(await world.get("previewDeployment.all", applicationId=application_id))


async def test_a_channel_that_cannot_be_opened_keeps_no_other_from_being_told(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        damaged = (await channel(world, heard, name="damaged"))["notificationId"]
        await channel(world, heard, name="well")
        sealed = update(channels).where(channels.c.channel_id == damaged).values(target="with another key")
        await world.services.db.run(lambda tx: tx.execute(sealed).rowcount)
        deployment_id = await world.ended(application_id, Status.ERROR)
        for name in ("outbox", "notifications"):
            await rounds(loop(world, name))
    assert [each.told["data"]["deploymentId"] for each in heard.posted] == [deployment_id]
    (waiting,) = await notices_of(world, damaged)
    assert (waiting.state, waiting.attempts, bool(waiting.last_error)) == ("waiting", 1, True)


async def test_a_notice_that_breaks_whoever_tells_it_is_given_up_in_the_end_and_others_are_told_once(
    world: World,
) -> None:
    application_id = await world.application()
    with receiver() as heard:
        breaks = (await channel(world, heard, name="breaks"))["notificationId"]
        await channel(world, heard, name="well")

        async def telling(given: Channel, notice: Notice, now: datetime) -> None:
            if given.channel_id == breaks:
                raise KeyError("nobody foresaw it")
            await Media().tell(given, notice, now)

        of_panel = loop(world, "notifications")
        sending = cast("NoticeDelivery", of_panel._work.__self__)  # type: ignore[attr-defined]
        poller = Poller("notifications", replace(sending, tell=telling).send_due)
        deployment_id = await world.ended(application_id, Status.ERROR)
        await rounds(loop(world, "outbox"))
        for _ in range(MOST_ATTEMPTS):
            await rounds(poller, 1)
            await make_due(world)
        await rounds(poller)
    assert [each.told["data"]["deploymentId"] for each in heard.posted] == [deployment_id]
    (given_up,) = await notices_of(world, breaks)
    assert (given_up.state, given_up.attempts) == ("failed", MOST_ATTEMPTS)
    row = await world.get("notification.one", notificationId=breaks)
    assert row["failingSince"] is not None, row


async def notices_of(world: World, channel_id: str) -> list[Row[Any]]:
    """What is told on a channel of deployments, whatever can be opened of that."""
    mine = select(notices).where(notices.c.channel_id == channel_id, notices.c.event != "channel.failed")
    return await world.services.db.read(lambda tx: list(tx.execute(mine)))
