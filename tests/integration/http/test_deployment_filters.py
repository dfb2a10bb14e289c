"""The filters of the list of deployments, and what ending one says before and after."""

from __future__ import annotations

import html
from typing import Any

import pytest
from sqlalchemy import insert

from headway.features.deployments.kind_names import KINDS
from headway.features.deployments.pages import deployment_filters
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.deployments.pages.deployment_forms import ended_words
from headway.features.deployments.pages.deployment_list import PAGE as LIST
from headway.infra.db.tables.deployments import steps
from headway.infra.db.transaction import Tx
from tests.integration.http.page_visits import person
from tests.integration.http.world import World


async def test_a_service_is_chosen_by_its_name_and_its_filter_is_one(world: World) -> None:
    shop = await world.application("shop")
    mine = await world.ended(shop)
    await world.ended(await world.application("blog"))
    ann = await person(world)

    seen = await ann.see(LIST, service=f"application:{shop}", type="", branch="", triggeredBy="Owner")

    assert [row["deploymentId"] for row in seen.view.values["rows"]] == [mine]  # type: ignore[attr-defined]
    assert f'<option value="application:{shop}" selected>shop (bench)</option>' in seen.html
    assert [(each["label"], each["value"], each["href"]) for each in seen.view.values["chips"]] == [  # type: ignore[attr-defined]
        ("Application", "shop (bench)", "/deployments?triggeredBy=Owner"),
        ("Asked for by", "Owner", f"/deployments?type=application&id={shop}"),
    ]
    assert len((await ann.see(LIST, service="", type="application")).view.values["rows"]) == 2  # type: ignore[arg-type]
    elsewhere = await ann.see(LIST, service="schedule:abc")
    assert '<option value="schedule:abc" selected>' in elsewhere.html
    project = (await world.get("application.one", applicationId=shop))["environment"]["projectId"]
    named = (await ann.see(LIST, projectId=project)).view.values["chips"]
    assert [(each["label"], each["value"]) for each in named] == [("Project", "bench")]  # type: ignore[attr-defined]


async def test_more_than_can_be_chosen_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_filters, "MOST_CHOICES", 2)
    ids = {name: await world.application(name) for name in ("api", "apiary", "blog", "shop")}
    mine = await world.ended(ids["shop"])
    await world.ended(ids["api"])
    ann = await person(world)

    seen = await ann.see(LIST, service=f"application:{ids['shop']}")
    assert seen.html.count('<option value="application:') == 2
    assert f'<option value="application:{ids["shop"]}" selected>' in seen.html, "what is chosen is among them"
    assert 'name="serviceNamed"' in seen.html
    assert "Service by its name (2 more)" in seen.text
    assert 'name="serverNamed"' not in seen.html

    for typed in ("shop", "SHOP", "shop (bench)", "sho", "hop", ids["shop"]):
        named = (await ann.see(LIST, service="", serviceNamed=typed)).view.values
        assert [row["deploymentId"] for row in named["rows"]] == [mine], typed  # type: ignore[attr-defined]
        assert named["chips"][0]["value"] == "shop (bench)"  # type: ignore[index]
        assert f"id={ids['shop']}" in str(named["pull"])
    api = (await ann.see(LIST, serviceNamed="api")).view.values
    assert api["chips"][0]["value"] == "api (bench)", "what is called just so"  # type: ignore[index]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("ap", "“ap” fits 2 services: api (bench), apiary (bench)."),
        ("<b>", "No service is called “<b>”."),
    ],
)
async def test_a_name_that_is_nobodys_or_several_is_told_and_nothing_is_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, typed: str, why: str
) -> None:
    monkeypatch.setattr(deployment_filters, "MOST_CHOICES", 1)
    for name in ("api", "apiary"):
        await world.ended(await world.application(name))
    seen = await (await person(world)).see(LIST, serviceNamed=typed)
    assert seen.view.status == 400
    assert why in seen.text
    assert seen.view.values["rows"] == ()
    assert f'value="{html.escape(typed)}"' in seen.html, "it is kept, to be changed"
    assert 'data-pull="/deployments/-/rows' not in seen.html
    assert "The last 30 days" not in seen.text, "which would be of all"


async def test_every_kind_that_there_is_can_be_chosen(world: World) -> None:
    assert set(KINDS) == set(world.platform.base.engine._kinds)


async def test_what_runs_says_where_it_is_before_it_is_ended(world: World) -> None:
    runs = await world.deploy(await world.application("shop"))
    await world.claim()
    await world.services.db.run(lambda tx: _begin_step(tx, runs))
    ann = await person(world)
    for form in ("cancel", "kill"):
        question = await ann.asked(ONE, form, deploymentId=runs)
        assert "in step build since" in question.consequences[0]
        assert question.button
    removal = await ann.asked(ONE, "remove", deploymentId=runs)
    assert (removal.button, removal.consequences[0]) == ("", "It runs: it cannot be removed before it has ended.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Killed: nothing of it is left. It was in step build, 42 s after it began; what was half made of it is"),
        ({"steps": []}, "Killed: nothing of it is left. It was 42 s after it began"),
        ({"startedAt": None}, "Killed: nothing of it is left. It had not begun."),
        ({"reason": None, "status": "done"}, "It had ended by itself: done, 29 Nov 2026, 12:00:42 UTC."),
        ({"reason": "failed"}, "It had ended by itself: failed, "),
    ],
)
def test_what_ending_it_came_to_is_told_from_its_row(changes: dict[str, object], said: str) -> None:
    row: Any = {
        "status": "error",
        "reason": "killed",
        "startedAt": "2026-11-29T12:00:00Z",
        "finishedAt": "2026-11-29T12:00:42Z",
        "steps": [{"name": "build"}],
        **changes,
    }
    assert ended_words("Killed", row).startswith(said)


def _begin_step(tx: Tx, deployment_id: str) -> None:
    step = {"deployment_id": deployment_id, "name": "build", "epoch": 1, "started_at": tx.now, "log_offset": 0}
    tx.execute(insert(steps).values(**step))
