"""``notification.*``: who is told what, over real receivers, each thing under one id until it has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.features.notifications.disk import DiskWatch
from headway.features.notifications.media import signature
from headway.features.notifications.model import MOST_CHANNELS
from headway.infra.db.tables.notifications import notices
from headway.kernel.errors import Unavailable
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World
from tests.support.notifications.receivers import Receiver, mailbox, receiver
from tests.support.panel.panel import free_port

Json = Any


async def channel(world: World, heard: Receiver, **fields: Json) -> Json:
    """A channel that leads to a receiver."""
    given = {"name": "ops", "endpoint": heard.url, "secret": "the secret", "quietSeconds": 0, **fields}
    return await world.post("notification.create", **given)


async def turn(world: World) -> None:
    """Hands out and sends what is due, as the panel's loops do."""
    loops = {poller.name: poller._work for poller in world.platform.engine._pollers}
    await loops["outbox"]()
    while await loops["notifications"]() == 0:
        continue


async def make_due(world: World) -> None:
    """The waits are over."""
    await world.services.db.run(lambda tx: tx.execute(update(notices).values(due_at=tx.now)).rowcount)


async def test_a_failure_is_told_once_with_a_signature_that_holds(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        made = await channel(world, heard)
        deployment_id = await world.ended(application_id, Status.ERROR)
        await turn(world)
        await turn(world)
    (posted,) = heard.posted
    told = posted.told
    assert (told["type"], told["data"]["deploymentId"]) == ("application.error", deployment_id)
    assert (told["data"]["subjectName"], told["data"]["errorMessage"]) == ("trivial", "Step build: exit status 7")
    sent_id, timestamp = posted.headers["webhook-id"], posted.headers["webhook-timestamp"]
    assert posted.headers["webhook-signature"] == signature("the secret", sent_id, timestamp, posted.body)
    found = (await world.get("notification.deliveries", notificationId=made["notificationId"]))["items"]
    assert [(each["noticeId"], each["state"], each["attempts"]) for each in found] == [(sent_id, "sent", 1)]


async def test_an_organisation_has_so_many_channels(world: World) -> None:
    for each in range(MOST_CHANNELS):
        await world.post("notification.create", name=f"n{each}", endpoint="https://example.org/x")
    given = {"name": "more", "endpoint": "https://example.org/x"}
    refused = await world.owner.post("/notification.create", json=given)
    assert (refused.status_code, "100 channels" in refused.json()["message"]) == (409, True)
    assert (await world.stranger.post("/notification.create", json=given)).status_code == 200


async def test_what_nobody_wants_is_not_told(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        await channel(world, heard)
        another = (await world.post("project.create", name="another"))["project"]["projectId"]
        await channel(world, heard, events=["*.error"], projectIds=[another])
        await channel(world, heard, events=["*.*"], enabled=False)
        await world.ended(application_id, Status.DONE)
        waiting = await world.deploy(application_id)
        await world.post("deployment.cancel", deploymentId=waiting)
        await turn(world)
    assert heard.posted == []


async def test_news_of_one_deployment_come_in_their_order_and_again_until_they_are_taken(world: World) -> None:
    application_id = await world.application()
    with receiver(lambda number: 200 if number % 2 else 500) as heard:
        made = await channel(world, heard, events=["application.*"])
        for _ in range(3):
            await world.ended(application_id, Status.DONE)
        for _ in range(8):
            await turn(world)
            await make_due(world)
    kinds: dict[str, list[str]] = {}
    for each in heard.taken():
        kinds.setdefault(each.told["data"]["deploymentId"], []).append(each.told["type"])
    assert list(kinds.values()) == [["application.started", "application.done"]] * 3
    assert len({each.headers["webhook-id"] for each in heard.posted}) == 6
    one = await world.get("notification.one", notificationId=made["notificationId"])
    assert (one["failingSince"], one["lastError"]) == (None, None)


async def test_a_channel_that_fails_is_itself_reported_and_changes_no_deployment(world: World) -> None:
    application_id = await world.application()
    with receiver(lambda _number: 500) as broken, receiver() as heard:
        failing = await channel(world, broken, name="broken")
        await channel(world, heard, events=["channel.failed"])
        deployment_id = await world.ended(application_id, Status.ERROR)
        for _ in range(22):
            await turn(world)
            await make_due(world)
        await turn(world)
    row = await world.get("deployment.one", deploymentId=deployment_id)
    one = await world.get("notification.one", notificationId=failing["notificationId"])
    (told,) = heard.posted
    (lost,) = (await world.get("notification.deliveries", notificationId=failing["notificationId"]))["items"]
    assert row["status"] == "error"
    assert one["failingSince"] is not None
    assert one["lastError"] == "The receiver answered 500."
    assert (told.told["data"]["name"], told.told["data"]["errorMessage"]) == ("broken", "The receiver answered 500.")
    assert (lost["state"], lost["attempts"]) == ("failed", 20)
    with receiver() as mended:
        await world.post(
            "notification.update", notificationId=failing["notificationId"], endpoint=mended.url, events=["*.error"]
        )
        await world.post("notification.resend", noticeId=lost["noticeId"])
        await turn(world)
        assert [each.headers["webhook-id"] for each in mended.posted] == [lost["noticeId"]]


async def test_the_same_failure_is_told_once_in_a_while(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        made = await channel(world, heard, quietSeconds=600)
        for _ in range(4):
            await world.ended(application_id, Status.ERROR)
            await turn(world)
        found = (await world.get("notification.deliveries", notificationId=made["notificationId"]))["items"]
        assert [each["state"] for each in found] == ["quiet", "quiet", "quiet", "sent"]
        await world.post("notification.update", notificationId=made["notificationId"], quietSeconds=0)
        await world.ended(application_id, Status.ERROR)
        await turn(world)
    assert [each.told["data"].get("quiet") for each in heard.posted] == [None, 3]


async def test_a_disk_that_gets_full_is_told_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [1 << 20]
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=free[0], total=100 << 30))
    db, folder = world.services.db, world.platform.data_dir.path
    watch = DiskWatch(db=db, folder=folder, servers={}, rooms={}, troubles=world.services.troubles)
    with receiver() as heard:
        await channel(world, heard)
        for room in (1 << 20, 1 << 20, 5 << 30, 1 << 20):
            free[0] = room
            await watch.look()
        await turn(world)
    assert [(each.told["type"], each.told["title"]) for each in heard.posted] == [
        ("disk.low", "Headway: only 1 MiB are free on the disk")
    ] * 2
    for reserve, low in ((0, set()), (2 << 30, set()), (10 << 30, {""})):
        free[0], kept = (
            4 << 30,
            DiskWatch(db=db, folder=folder, servers={}, rooms={}, troubles=world.services.troubles, reserve=reserve),
        )
        await kept.look()
        assert kept.low == low


async def test_what_a_loop_cannot_do_is_told_once_and_names_nothing_of_anybody(world: World) -> None:
    troubles, now = world.platform.engine.troubles, [0.0]
    troubles._monotonic = lambda: now[0]
    (watch,) = [each._work for each in world.platform.engine._pollers if each.name == "trouble watch"]

    async def tried(item: str, times: int, *, fails: bool = True) -> None:
        async def work() -> None:
            if fails:
                raise Unavailable(f"{item} of somebody cannot be done")

        for _ in range(times):
            now[0] += 1000
            await troubles.attempt("undo", item, work)
            await watch()

    with receiver() as heard:
        await channel(world, heard)
        await tried("blip", 4)
        await tried("blip", 1, fails=False)
        await turn(world)
        assert heard.posted == []
        await tried("release", 12)
        await tried("release", 1, fails=False)
        await tried("release", 7)
        await turn(world)
    told = [each.told for each in heard.posted]
    title = "Headway: what takes back half-made releases cannot do its work"
    assert [(each["type"], each["title"]) for each in told] == [("panel.error", title)] * 2
    assert not any("somebody" in str(each) or "release'" in str(each) for each in told)


async def test_a_disk_of_a_server_that_gets_full_is_told_to_its_organisation(world: World) -> None:
    key = await world.post("sshKey.create", name="k")
    made = await world.post("server.create", sshKeyId=key["sshKeyId"], **A_SERVER)
    server_id = made["serverId"]
    free = {server_id: 1 << 20, "away": 0, "full": 1 << 20}
    roomy = {each: Roomy(link=None if each == "away" else 1, free=room) for each, room in free.items()}
    rooms, folder = {"away": 7, "removed": 7}, world.platform.data_dir.path
    watch = DiskWatch(db=world.services.db, folder=folder, servers=roomy, troubles=world.services.troubles, rooms=rooms)
    with receiver() as heard, receiver() as others:
        await channel(world, heard, quietSeconds=600)
        given = {"name": "theirs", "endpoint": others.url, "events": ["disk.low"]}
        whose = (await world.stranger.get("/user.get")).json()["organizationId"]
        await world.post("organization.grantMachine", organizationId=whose)  # for it listens on the loopback
        assert (await world.stranger.post("/notification.create", json=given)).status_code == 200
        await watch.look()
        await watch.look()
        await turn(world)
    assert [(each.told["data"]["serverId"], each.told["title"]) for each in heard.posted] == [
        (server_id, f"Headway: only 1 MiB are free on the disk of {made['name']}")
    ]
    assert others.posted == []
    assert watch.low == {server_id, "full"}, "one that was removed is no more than remembered"
    assert rooms == {server_id: 1 << 20, "full": 1 << 20}, "of what does not answer nothing is known"


@dataclass(frozen=True)
class Roomy:
    """A host as far as its room goes."""

    link: int | None
    free: int
    root: str = "/"

    async def free_bytes(self, path: str) -> int:
        assert path == self.root
        return self.free


async def test_a_test_message_says_at_once_what_the_channel_answers(world: World) -> None:
    with receiver(lambda number: 200 if number == 0 else 403) as heard:
        made = await channel(world, heard)
        good = await world.owner.post("/notification.test", json={"notificationId": made["notificationId"]})
        bad = await world.owner.post("/notification.test", json={"notificationId": made["notificationId"]})
    assert (good.status_code, good.json(), heard.posted[0].told["type"]) == (200, True, "channel.test")
    assert (bad.status_code, bad.json()["message"]) == (400, "The test was not taken. The receiver answered 403.")


async def test_secrets_and_addresses_are_not_shown_again(world: World) -> None:
    given = {
        "name": "n",
        "endpoint": "https://u:pw123456@example.org:8443/secret-path?token=t",
        "headers": {"X-Key": "k"},
    }
    made = await world.post("notification.create", **given)
    every = await world.get("notification.all")
    assert made["secret"]
    assert every[0]["address"] == "https://example.org:8443"
    for word in ("pw123456", "secret-path", "token", made["secret"], "X-Key"):
        assert word not in str(every)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "n"},
        {"name": "n", "url": "no address"},
        {"name": "n", "endpoint": "ftp://example.org"},
        {"name": "n", "endpoint": "http://a", "url": "mailto://b"},
        {"name": "n", "endpoint": "http://a", "events": ["no pattern!"]},
        {"name": "n", "endpoint": "http://a", "headers": {"x": "a\r\nb: c"}},
    ],
)
async def test_what_leads_nowhere_is_refused(world: World, given: Json) -> None:
    assert (await world.owner.post("/notification.create", json=given)).status_code == 400


@pytest.mark.slow
async def test_mail_goes_through_a_real_server(world: World) -> None:
    application_id = await world.application()
    with mailbox(free_port()) as box:
        made = await world.post("notification.create", name="mail", url=box.url)
        await world.post("notification.test", notificationId=made["notificationId"])
        await world.ended(application_id, Status.ERROR)
        await turn(world)
        (notice,) = (await world.get("notification.deliveries", notificationId=made["notificationId"]))["items"]
    (_, test), (subject, text) = box.mails
    assert "this is a test" in test
    assert subject == "trivial: Manual deployment has failed"
    assert "Step build: exit status 7" in text
    assert f"Notification {notice['noticeId']}" in text
    refused = await world.owner.post("/notification.test", json={"notificationId": made["notificationId"]})
    assert refused.status_code == 400


@pytest.mark.slow
async def test_markup_in_a_title_is_shown_as_it_was_written(world: World) -> None:
    application_id = await world.application()
    with mailbox(free_port()) as box:
        url = box.url.replace("format=text", "format=html")
        await world.post("notification.create", name="mail", url=url, events=["*.error"], quietSeconds=0)
        await world.deploy(application_id, title="<b>bold</b> & <a href='http://evil.example'>here</a>")
        await world.end(await world.claim(), Status.ERROR, "exit status 7")
        await turn(world)
    ((_, text),) = box.mails
    assert "&lt;b&gt;bold&lt;/b&gt;" in text
    assert text.count("<a href") == 1, "in the part that is plain text, and not in the one that is HTML"
    assert "7<br" in text
