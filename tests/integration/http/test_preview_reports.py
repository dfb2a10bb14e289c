"""Reports of previews: a status beside each commit, and one comment on each pull request."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from headway.features.edge.module import edge_facts
from headway.features.forge_outbox.outbox import ForgeOutbox
from headway.features.forge_outbox.preview_reports import ChangedPreview, PreviewReports
from headway.features.previews import store
from headway.features.previews.model import Preview
from headway.infra.db.transaction import Tx
from tests.integration.http.test_preview_sweep import previewed
from tests.integration.http.world import World
from tests.support.forges.forge_apis import forge_api
from tests.support.forges.provided_services import tell_all


def log_link(_deployment_id: str) -> str:
    return "https://panel.example/log"


def reports(world: World, log_link: Callable[[str], str] = log_link) -> ForgeOutbox[ChangedPreview]:
    """As the panel has it."""
    services = world.services
    kind = PreviewReports(
        providers=services.git_providers,
        services=services.previews.lifecycle.services,
        facts=edge_facts(world.platform.base.settings),
        log_link=log_link,
    )
    return ForgeOutbox(
        db=services.db,
        events=services.events,
        providers=services.git_providers,
        kind=kind,
        troubles=world.platform.engine.troubles,
    )


async def previews(world: World, application_id: str) -> dict[int, Preview]:
    """By the numbers of their pull requests."""
    found = await world.services.db.read(lambda tx: store.of_service(tx, application_id))
    return {each.number: each for each in found}


async def due_now(world: World) -> None:
    """What waits to be told again is due."""

    def write(tx: Tx) -> None:
        for each in store.every(tx):
            if each.report_at is not None:
                store.set_fields(tx, each.preview_id, report_at=tx.now)

    await world.services.db.run(write)


async def test_each_is_told_once_and_again_when_it_has_changed(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        for _ in range(2):
            await tell_all(reports(world))
        told = [(each["commit"][0], each["state"], each["description"]) for each in api.facts.statuses]
        assert sorted(told) == [
            ("a", "pending", "The preview is being deployed"),
            ("b", "pending", "The preview is being deployed"),
            ("c", "pending", "The preview is waiting for approval"),
        ]
        assert sorted(re.findall(r"previews of (\d)", "".join(api.facts.comments.values()))) == ["1", "2", "3"]
        known = await previews(world, application_id)
        await world.post("previewDeployment.delete", previewDeploymentId=known[1].preview_id)
        await tell_all(reports(world))
        (*_, last) = [(each["commit"][0], each["state"], each["description"]) for each in api.facts.statuses]
        assert (len(api.facts.statuses), last) == (4, ("a", "error", "The preview was removed"))
        assert "| removed |" in api.facts.comments[int(known[1].comment_id or 0)]
        assert len(api.facts.comments) == 3


@pytest.mark.parametrize("failing", [(401, {}, b"{}"), (403, {}, b"{}"), (404, {}, b"{}"), (500, {}, b"")])
async def test_what_a_forge_does_not_take_is_told_later_and_later(
    world: World, failing: tuple[int, dict[str, str], bytes]
) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        api.facts.failing = failing
        for _ in range(3):
            await due_now(world)
            await tell_all(reports(world))
        now = await world.services.db.read(lambda tx: tx.now)
        waiting = await previews(world, application_id)
        api.facts.failing = None
        await tell_all(reports(world))
        assert api.facts.statuses == [], "it waits before it tries again"
        await due_now(world)
        await tell_all(reports(world))
    assert all(each.report_error and str(failing[0]) in each.report_error for each in waiting.values())
    assert {round(((each.report_at or now) - now) / timedelta(minutes=1)) for each in waiting.values()} == {4}
    assert sorted(each["commit"][0] for each in api.facts.statuses) == ["a", "b", "c"]
    assert {each.report_error for each in (await previews(world, application_id)).values()} == {None}


async def test_what_is_new_waits_for_no_try_of_what_was_before(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        api.facts.failing = (500, {}, b"")
        await tell_all(reports(world))
        known = await previews(world, application_id)
        await world.services.db.run(lambda tx: store.set_fields(tx, known[1].preview_id, head="d" * 40))
        waiting = await world.services.db.read(store.changed_states)
        assert [(each.preview_id, each.attempts) for each in waiting] == [(known[1].preview_id, 0)]
        api.facts.failing = None
        await tell_all(reports(world))
        assert [each["commit"][0] for each in api.facts.statuses] == ["d"], "the others wait"


async def test_what_no_forge_takes_for_a_day_is_given_up_until_there_is_news(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        api.facts.failing = (500, {}, b"")
        await tell_all(reports(world))

        def a_day_later(tx: Tx) -> None:
            for each in store.every(tx):
                store.set_fields(tx, each.preview_id, report_since=tx.now - timedelta(days=1))

        await world.services.db.run(a_day_later)
        await due_now(world)
        await tell_all(reports(world))
        given_up = await previews(world, application_id)
        assert {(each.report_error or "")[:10] for each in given_up.values()} == {"Given up: "}
        assert await world.services.db.read(store.changed_states) == []
        (trouble,) = (await world.get("settings.health"))["troubles"]
        assert (trouble["loop"], trouble["item"], trouble["times"]) == ("preview reports", "given up", 3)

        api.facts.failing = None
        await world.post("previewDeployment.delete", previewDeploymentId=given_up[1].preview_id)
        await tell_all(reports(world))
        assert "| removed |" in "".join(api.facts.comments.values())
        assert "troubles" not in await world.get("settings.health")


async def test_what_previews_are_is_asked_once_for_all_of_them(world: World) -> None:
    asked: list[str] = []
    with forge_api("github") as api:
        await previewed(world, api)

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(world.services.db._reader, "before_cursor_execute", note)
    found = await world.services.db.read(store.changed_states)
    event.remove(world.services.db._reader, "before_cursor_execute", note)
    assert (len(found), len([each for each in asked if "deployments" in each])) == (3, 1)


async def test_one_that_breaks_keeps_no_other_from_being_told(world: World) -> None:
    def breaking(_deployment_id: str) -> str:
        raise ZeroDivisionError

    with forge_api("github") as api:
        application_id = await previewed(world, api)
        await reports(world, breaking).tell_round()
        assert [each["commit"][0] for each in api.facts.statuses] == ["c"], "the fork's has no deployment"
        waiting = await previews(world, application_id)
        assert [waiting[each].report_error for each in (1, 2, 3)] == 2 * [
            "Headway met an unforeseen ZeroDivisionError; the panel's own log has the details."
        ] + [None]


async def test_without_a_provider_nobody_is_told_and_nothing_waits(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        await world.post("application.saveGitProvider", applicationId=application_id, customGitUrl="https://x/y.git")
        await tell_all(reports(world))
        assert await world.services.db.read(store.changed_states) == []
        assert (api.facts.statuses, api.facts.comments) == ([], {})
