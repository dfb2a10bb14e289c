"""``deployment.compare``: what a deployment changed against what served before, and never what a secret is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.drivers.buildplan.settings import BuildSettings
from headway.features.deployments.pages.deployment import PAGE as ONE
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.model import AppSettings, VariableSettings
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.model import ReleaseState
from headway.features.services.settings import GitSettings
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import releases
from headway.kernel.artifacts import Bundle, Commit
from tests.integration.http.page_visits import person
from tests.integration.http.schemas import misfits
from tests.integration.http.world import World

Json = Any
SECRET = "hunter2-hunter2"
GITHUB = "https://github.com/team/shop.git"


async def left(
    world: World, application_id: str, deployment_id: str, commit: str, settings: AppSettings, **variables: str
) -> str:
    """The release that a deployment left, which came to serve when it was done."""
    snapshot = Snapshot(
        commit=Commit(hash=commit, subject="First", author="Ann", branch="main"),
        artifact=dump_artifact(Bundle(folder="/x")),
        settings=settings,
        variables=variables,
        mask=(SECRET,),
        hosts=(),
    )
    fields: Json = {"state": ReleaseState.RETIRED, "deployment_id": deployment_id, "commit_hash": commit}
    release_id = await world.release(application_id, snapshot, **fields)
    of_it, left_it = releases.c.release_id == release_id, deployments.c.deployment_id == deployment_id
    await world.services.db.run(lambda tx: tx.execute(update(releases).where(of_it).values(serving_since=tx.now)))
    named = {"commit_hash": commit, "commit_message": "First", "commit_branch": "main"}
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(left_it).values(**named)))
    return release_id


async def two(world: World) -> tuple[str, str, str]:
    """An application, and two deployments of it of which the second changed something."""
    shop = await world.application("shop", customGitUrl=GITHUB)
    first, second = await world.ended(shop), None
    opened = VariableSettings(open=("OPEN",))
    plain = AppSettings(git=GitSettings(url=GITHUB, branch="main"), variables=opened)
    await left(world, shop, first, "a" * 40, plain, OPEN="1", PASSWORD="before", GREETING=f"x {SECRET}")
    second = await world.ended(shop)
    changed = AppSettings(
        git=GitSettings(url="https://me:token@github.com/team/shop.git", branch="next"),
        build=BuildSettings(build=f"make {SECRET}"),
        variables=opened,
    )
    await left(world, shop, second, "b" * 40, changed, OPEN="2", PASSWORD="after", GREETING="x")
    return shop, first, second


@pytest.mark.slow
async def test_it_tells_what_changed_and_of_secrets_that_they_did(world: World) -> None:
    _, first, second = await two(world)

    told = await world.get("deployment.compare", deploymentId=second)

    assert (told["before"]["deploymentId"], told["after"]["deploymentId"]) == (first, second)
    assert (told["commitBefore"], told["commitAfter"]) == ("a" * 40, "b" * 40)
    assert told["link"] == f"https://github.com/team/shop/compare/{'a' * 40}...{'b' * 40}"
    changes = {
        (each["what"], each["name"]): (each["before"], each["after"], each["secret"]) for each in told["changes"]
    }
    assert changes[("variable", "OPEN")] == ("1", "2", False)
    assert changes[("variable", "PASSWORD")] == (None, None, True)
    assert changes[("variable", "GREETING")] == (None, None, True), "it holds what is masked"
    assert changes[("source", "customGitBranch")] == ("main", "next", False)
    assert changes[("source", "customGitUrl")][0] == GITHUB
    for hidden in ('before"', 'after"', SECRET, "token@"):
        assert hidden not in str(told), hidden
    assert changes[("build", "buildCommand")][0] is None
    document = await world.get("settings.getOpenApiDocument")
    assert misfits({"$ref": "#/components/schemas/ComparedRow"}, told, document) == []
    first_of_all = await world.get("deployment.compare", deploymentId=first)
    assert (first_of_all["before"], first_of_all["changes"]) == (None, None)


async def test_what_has_left_nothing_is_held_against_what_serves(world: World) -> None:
    shop, _, second = await two(world)
    broken = await world.ended(shop, Status.ERROR)
    told = await world.get("deployment.compare", deploymentId=broken)
    assert told["before"]["deploymentId"] == second
    assert (told["after"], told["changes"], told["commitAfter"], told["link"]) == (None, None, None, None)


async def test_what_served_between_the_two_by_number_is_the_one_before(world: World) -> None:
    """A rollback makes an earlier release serve again: what came after it is compared with that."""
    shop, first, second = await two(world)
    back = datetime.now(UTC) + timedelta(seconds=1)
    of_first = releases.c.deployment_id == first
    await world.services.db.run(lambda tx: tx.execute(update(releases).where(of_first).values(serving_since=back)))
    third = await world.ended(shop)
    await left(world, shop, third, "c" * 40, AppSettings(), OPEN="3")
    of_third = releases.c.deployment_id == third
    later = back + timedelta(seconds=1)
    await world.services.db.run(lambda tx: tx.execute(update(releases).where(of_third).values(serving_since=later)))
    assert (await world.get("deployment.compare", deploymentId=third))["before"]["deploymentId"] == first
    assert second != first


async def test_what_was_given_the_service_back_is_what_served_before_the_one_that_lost_it(world: World) -> None:
    """A release that serves again since then serves since later than the one that had taken over from it."""
    shop, first, second = await two(world)
    given_back = datetime.now(UTC) + timedelta(seconds=1)
    of_first = releases.c.deployment_id == first
    await world.services.db.run(
        lambda tx: tx.execute(update(releases).where(of_first).values(serving_since=given_back))
    )

    assert (await world.get("deployment.compare", deploymentId=second))["before"]["deploymentId"] == first

    third = await world.ended(shop)
    await left(world, shop, third, "c" * 40, AppSettings(), OPEN="3")
    of_third, later = releases.c.deployment_id == third, given_back + timedelta(seconds=1)
    await world.services.db.run(lambda tx: tx.execute(update(releases).where(of_third).values(serving_since=later)))
    told = await world.get("deployment.compare", deploymentId=second)
    assert told["before"]["deploymentId"] == first, "whatever came after it"
    assert (await world.get("deployment.compare", deploymentId=first))["before"] is None


async def test_of_what_goes_back_the_forge_is_asked_for_what_was_taken_back(world: World) -> None:
    """It leads from the newer commit to the older one, between which a forge shows nothing in that order."""
    shop, _, second = await two(world)
    back = await world.ended(shop)
    plain = AppSettings(git=GitSettings(url=GITHUB, branch="main"))
    await left(world, shop, back, "a" * 40, plain, OPEN="1")

    told = await world.get("deployment.compare", deploymentId=back)

    assert told["before"]["deploymentId"] == second
    assert (told["commitBefore"], told["commitAfter"]) == ("b" * 40, "a" * 40)
    assert told["link"] == f"https://github.com/team/shop/compare/{'a' * 40}...{'b' * 40}"
    seen = await (await person(world)).see(ONE, ids={"deploymentId": back})
    assert seen.links["See what lies between"] == told["link"]
    fourth = await world.ended(shop)
    await left(world, shop, fourth, "d" * 40, plain, OPEN="1")
    told = await world.get("deployment.compare", deploymentId=fourth)
    assert told["before"]["deploymentId"] == back, "and what comes next is held against what served, which is old"
    assert told["link"] == f"https://github.com/team/shop/compare/{'a' * 40}...{'d' * 40}"
    forward = await world.ended(shop)
    await left(world, shop, forward, "b" * 40, plain, OPEN="1")
    again = await world.ended(shop)
    await left(world, shop, again, "d" * 40, plain, OPEN="1")
    told = await world.get("deployment.compare", deploymentId=again)
    assert told["link"] == f"https://github.com/team/shop/compare/{'b' * 40}...{'d' * 40}", "a rollback may go forward"


async def test_the_page_shows_it_with_a_link_to_the_forge(world: World) -> None:
    _, first, second = await two(world)
    ann = await person(world)

    seen = await ann.see(ONE, ids={"deploymentId": second})

    assert seen.links["See what lies between"].startswith("https://github.com/team/shop/compare/")
    assert "differs" in seen.text
    assert SECRET not in seen.html
    assert f'href="/deployments/{first}"' in seen.html
    assert "Nothing served before it." in (await ann.see(ONE, ids={"deploymentId": first})).text
