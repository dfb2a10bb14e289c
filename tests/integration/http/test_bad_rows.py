"""A row that cannot be read, or whose turn breaks where nobody foresaw it, keeps loops from no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from sqlalchemy import select, text, update

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.features.notifications.disk import DiskWatch
from headway.features.rollbacks.readiness import Readiness
from headway.features.services.kinds import ServiceRollbacks
from headway.features.webhooks.catch_up import CatchingUp
from headway.infra.db.tables.deployments import outbox
from headway.infra.db.tables.edge import certificates
from headway.infra.db.tables.hooks import hook_deliveries
from headway.infra.db.tables.ssh_keys import ssh_keys
from tests.integration.http.test_bad_items import loop, rounds, shown
from tests.integration.http.test_notification import Roomy, channel, make_due
from tests.integration.http.test_preview_reports import due_now, previews, reports
from tests.integration.http.test_preview_sweep import previewed
from tests.integration.http.test_rollback import left
from tests.integration.http.world import World
from tests.support.certificates.certificates import certificate_for
from tests.support.forges.forge_apis import forge_api
from tests.support.notifications.receivers import receiver

Json = Any


async def test_what_cannot_be_handed_out_keeps_nothing_else_from_being_told(world: World) -> None:
    application_id = await world.application()
    with receiver() as heard:
        await channel(world, heard)
        damaged = await world.ended(application_id, Status.ERROR)
        seqs = await world.services.db.read(lambda tx: tx.execute(select(outbox.c.seq)).scalars().all())
        broken = update(outbox).values(payload=["no", "object"])
        await world.services.db.run(lambda tx: tx.execute(broken).rowcount)
        well = await world.ended(application_id, Status.ERROR)
        handing = loop(world, "outbox")
        await rounds(handing)
        await make_due(world)
        await rounds(loop(world, "notifications"))
    assert [each.told["data"]["deploymentId"] for each in heard.posted] == [well], f"{damaged} says nothing any more"
    assert sorted(await shown(world)) == sorted(f"outbox what was written as number {seq}" for seq in seqs)
    assert await handing._work() > 0, "what fails again and again holds up nobody's turn"


async def test_a_disk_that_cannot_be_looked_at_keeps_no_other_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(_path: object) -> object:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("shutil.disk_usage", unforeseen)

    class Broken(Roomy):
        async def free_bytes(self, path: str) -> int:
            raise KeyError(path)

    servers: Mapping[str, Roomy] = {"broken": Broken(link=1, free=0), "full": Roomy(link=1, free=1 << 20)}
    of_panel = cast("DiskWatch", loop(world, "disk watch")._work.__self__)  # type: ignore[attr-defined]
    watch = replace(of_panel, servers=servers, low=set(), rooms={"broken": 7})
    assert await watch.look() > 1
    assert watch.low == {"full"}
    assert watch.rooms == {"full": 1 << 20}
    assert sorted(await shown(world)) == ["disk watch broken", "disk watch this machine"]


@dataclass(frozen=True, slots=True)
class Damaged:
    """Fits ``ServiceRollbacks``, as far as it is asked what is missing; of one release it cannot say."""

    form: ServiceRollbacks
    release_id: str

    async def missing(self, release_id: str) -> str | None:
        if release_id == self.release_id:
            raise KeyError(release_id)
        return await self.form.missing(release_id)


async def test_a_release_that_cannot_be_looked_at_keeps_no_other_from_it(world: World) -> None:
    (_, broken), (application_id, release_id) = [await left(world) for _ in range(2)]
    looking = cast("Readiness", loop(world, "readiness")._work.__self__)  # type: ignore[attr-defined]
    forms = {kind: cast("ServiceRollbacks", Damaged(form, broken)) for kind, form in looking.forms.items()}
    folder = world.platform.data_dir.work / "releases" / application_id
    folder.rename(folder.with_name("elsewhere"))
    assert await replace(looking, forms=forms).look_round() > 1
    (row,) = await world.get("deployment.all", applicationId=application_id)
    assert "not on this machine" in row["rollback"]["whyNot"], release_id
    assert list(await shown(world)) == [f"readiness {broken}"]


async def pushed(world: World, commit: str) -> str:
    """An application that was told of a push."""
    application_id = await world.application(customGitBranch="main", autoDeploy=True)
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    answer = await world.nobody.post(f"/deploy/{token}", json={"ref": "refs/heads/main", "after": commit})
    assert answer.status_code == 200, answer.text
    return application_id


async def test_a_service_whose_branch_cannot_be_asked_after_keeps_no_other_from_it(world: World) -> None:
    broken, sealed, well = [await pushed(world, letter * 40) for letter in "abc"]
    await damage(world, sealed)
    heads: Mapping[str, str] = {sealed: "d" * 40, well: "e" * 40}

    async def head_of(_subject_type: SubjectType, subject_id: str) -> str | None:
        return heads[subject_id]

    catching_up = cast("CatchingUp", settled_by(loop(world, "missed pushes")._work))
    await replace(catching_up, head_of=head_of).settle()
    heads_of = select(hook_deliveries.c.head).where(hook_deliveries.c.subject_id == well)
    told = await world.services.db.read(lambda tx: tx.execute(heads_of.order_by(hook_deliveries.c.seq)).scalars().all())
    assert told == ["c" * 40, "e" * 40]
    assert list(await shown(world)) == [f"missed pushes {broken}"]


async def test_a_push_back_to_an_earlier_commit_that_was_missed_is_caught_up_too(world: World) -> None:
    application_id = await pushed(world, "a" * 40)
    catching_up = cast("CatchingUp", settled_by(loop(world, "missed pushes")._work))
    for letter in "babb":

        async def head_of(_subject_type: SubjectType, _subject_id: str, head: str = letter * 40) -> str | None:
            return head

        await replace(catching_up, head_of=head_of).settle()
    heads_of = select(hook_deliveries.c.head).where(hook_deliveries.c.subject_id == application_id)
    told = await world.services.db.read(lambda tx: tx.execute(heads_of.order_by(hook_deliveries.c.seq)).scalars().all())
    assert [each[0] for each in told] == ["a", "b", "a", "b"]


def settled_by(work: Callable[[], Awaitable[float]]) -> object:
    """Whose ``settle`` a daily loop calls."""
    (settle,) = [each.cell_contents for each in work.__closure__ or ()]
    return settle.__self__


async def damage(world: World, service_id: str) -> None:
    """The settings of a service cannot be opened any more."""
    written = text('UPDATE services SET settings = \'{"sealed": "with another key"}\' WHERE service_id = :id')
    await world.services.db.run(lambda tx: tx.execute(written, {"id": service_id}).rowcount)


async def test_a_message_whose_answer_cannot_be_written_down_is_not_told_each_second(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        broken = (await previews(world, application_id))[1].preview_id
        when = f"WHEN OLD.preview_id = '{broken}' AND NEW.comment_id IS NOT NULL"
        refused = f"CREATE TRIGGER refused BEFORE UPDATE ON previews {when} BEGIN SELECT RAISE(ABORT, 'broken'); END"
        await world.services.db.run(lambda tx: tx.execute(text(refused)).rowcount)
        for _ in range(3):
            await rounds(loop(world, "preview reports"), 1)
        assert sorted(each["commit"][0] for each in api.facts.statuses) == ["a", "b", "c"]
        assert "unforeseen" in ((await previews(world, application_id))[1].report_error or "")
        await world.services.db.run(lambda tx: tx.execute(text("DROP TRIGGER refused")).rowcount)
        await due_now(world)
        await reports(world).tell_round()
    assert (await previews(world, application_id))[1].report_error is None


async def test_a_certificate_whose_key_cannot_be_opened_keeps_no_other_from_being_shown(world: World) -> None:
    made = []
    for name in ("damaged.example", "well.example"):
        pem, key = certificate_for(name)
        given = {"name": name, "certificateData": pem, "privateKey": key}
        made.append((await world.post("certificates.create", **given))["certificateId"])
    first = update(certificates).where(certificates.c.certificate_id == made[0]).values(private_key="with another key")
    await world.services.db.run(lambda tx: tx.execute(first).rowcount)
    folder = world.platform.data_dir.path / "edge/certificates"
    for path in folder.iterdir():
        path.unlink()
    assert await loop(world, "certificates")._work() > 60
    assert {path.read_text().splitlines()[0] for path in folder.iterdir()} != set()
    assert not any(made[0] in path.name for path in folder.iterdir())
    assert list(await shown(world)) == [f"certificates {made[0]}"]
    await world.post("certificates.remove", certificateId=made[0])
    assert await shown(world) == {}


async def test_a_server_whose_key_cannot_be_opened_keeps_no_other_from_being_entered(world: World) -> None:
    made = []
    for name in ("damaged", "well"):
        key = await world.post("sshKey.create", name=name)
        given = {"name": name, "ipAddress": "192.0.2.1", "sshKeyId": key["sshKeyId"]}
        made.append((await world.post("server.create", **given))["serverId"])
        sealed = update(ssh_keys).where(ssh_keys.c.name == "damaged").values(private_key="with another key")
        await world.services.db.run(lambda tx, sealed=sealed: tx.execute(sealed).rowcount)  # type: ignore[misc]
    fleet = world.platform.fleet
    fleet._names = None  # a panel that has only begun
    fleet._servers.clear()
    await rounds(loop(world, "servers"))
    assert set(fleet.servers) == {made[1]}
    assert list(await shown(world)) == [f"servers {made[0]}"]
