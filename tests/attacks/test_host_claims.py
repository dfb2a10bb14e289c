"""A host that one project answers at is not taken in parts by another, and the panel's and the machine's by nobody."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.core.deployments.model import SubjectType
from headway.drivers.edge.custom_traefik import read_own
from headway.drivers.edge.route_file import render_route
from headway.features.edge.domain_snapshots import Restoring, changes
from headway.features.edge.domains_model import DomainRequest
from headway.features.edge.module import edge_facts
from headway.features.previews.services import open_door
from headway.kernel.artifacts import Route, Upstream, Way
from headway.kernel.errors import InvalidInput
from tests.integration.http.world import World, client_with, open_world

HOST = "victim.example.test"
# The same name, as others write it.
SPELLINGS = (
    "victim.example.test",
    "VICTIM.Example.TEST",
    "victim.example.test.",
    "\uff56ictim.example.test",
    " victim.example.test ",
)
PANEL = "panel.example.test"
RESERVED = (
    "localhost",
    "LOCALHOST",
    "localhost.",
    "\uff4cocalhost",
    PANEL,
    "PANEL.example.test.",
    "panel\u3002example.test",
)


@dataclass(frozen=True, kw_only=True)
class Two:
    """A victim's application in one project, and an attacker's application and compose service in another, with a key
    of the owner that is for that project only.
    """

    world: World
    victim: str
    mine: str
    compose: str
    key: httpx.AsyncClient

    async def tried(self, procedure: str, bodies: Sequence[dict[str, Any]]) -> list[str]:
        """Those that were taken, of what the key tries."""
        taken = []
        for body in bodies:
            answer = await self.key.post(f"/{procedure}", json=body)
            if answer.status_code < 400:
                taken.append(f"{procedure} {body}")
        return taken


@pytest.fixture
async def two(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Two]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    public = f"https://{PANEL.upper()}.:8443/x"
    async with open_world(
        folder, HEADWAY_PUBLIC_URL=public, HEADWAY_HTTPS_PORT="4443", HEADWAY_BASE_DOMAIN="example.test"
    ) as world:
        victim, mine = await world.application("shop"), await world.application("mine")
        found = await world.get("application.one", applicationId=mine)
        environment = found["environment"]["environmentId"]
        project = found["environment"]["project"]["projectId"]
        compose = await world.post(
            "compose.create", name="stack", environmentId=environment, composeFile="services: {web: {image: x}}"
        )
        await world.post("domain.create", applicationId=victim, host=HOST)
        made = await world.post("user.createApiKey", name="k_proj", scopes=["admin"], projects=[project])
        async with client_with(world.app, made["key"] if isinstance(made, dict) else made) as key:
            yield Two(world=world, victim=victim, mine=mine, compose=compose["composeId"], key=key)


async def test_no_path_of_another_projects_host_is_taken(two: Two) -> None:
    paths = ("/login", "/", "/.well-known/acme-challenge")
    bodies: list[dict[str, Any]] = [
        {"host": host, "path": path, "applicationId": two.mine} for host in SPELLINGS for path in paths
    ]
    bodies += [{"host": HOST, "path": "/s", "https": True, "applicationId": two.mine}]
    bodies += [
        {
            "host": HOST,
            "path": "/c",
            "composeId": two.compose,
            "serviceName": "web",
            "port": 80,
            "domainType": "compose",
        }
    ]
    assert await two.tried("domain.create", bodies) == []
    own = await two.key.post("/domain.create", json={"host": "mine.test", "applicationId": two.mine})
    assert own.status_code == 200, own.text
    moved = [{"domainId": own.json()["domainId"], "host": host, "path": "/login"} for host in SPELLINGS]
    assert await two.tried("domain.update", moved) == []


async def test_what_is_said_does_not_tell_whose_it_is(two: Two) -> None:
    told = [
        (await two.key.post("/domain.create", json={"host": HOST, "path": path, "applicationId": two.mine})).json()
        for path in ("/login", "/")
    ]
    assert [each["message"].replace("/login", "") for each in told] == [
        f"{HOST} is taken already; choose another name or path."
    ] * 2


async def test_the_panels_name_and_the_machines_are_nobodys(two: Two) -> None:
    assert await two.tried("domain.create", [{"host": host, "applicationId": two.mine} for host in RESERVED]) == []
    own = (await two.key.post("/domain.create", json={"host": "mine.test", "applicationId": two.mine})).json()
    assert await two.tried("domain.update", [{"domainId": own["domainId"], "host": host} for host in RESERVED]) == []
    assert (
        await two.key.post("/domain.create", json={"host": "x.localhost", "applicationId": two.mine})
    ).status_code == 200
    refused = await two.key.post("/domain.create", json={"host": PANEL, "applicationId": two.mine})
    assert "the panel's own name" in refused.json()["message"]
    assert (
        await two.world.owner.post("/domain.create", json={"host": PANEL, "applicationId": two.mine})
    ).status_code == 200


async def test_no_application_is_named_so_that_it_has_the_panels_name(two: Two) -> None:
    environment = (await two.world.get("application.one", applicationId=two.mine))["environment"]["environmentId"]
    made = await two.key.post(
        "/application.create", json={"name": "panel", "appName": "panel", "environmentId": environment}
    )
    (given,) = (
        await two.key.get("/domain.byApplicationId", params={"applicationId": made.json()["applicationId"]})
    ).json()
    assert given["host"] != PANEL


async def test_neither_a_preview_nor_a_rollback_takes_part_of_it(two: Two) -> None:
    facts = edge_facts(two.world.platform.base.settings)
    organization = (await two.world.get("organization.all"))[0]["id"]
    restoring = Restoring(
        subject_type=SubjectType.APPLICATION,
        subject_id=two.mine,
        organization_id=organization,
        facts=facts,
        named=lambda _tx, _name: None,
    )
    for host in (HOST, "localhost", PANEL):
        wish = DomainRequest(host=host, path="/pr")
        with pytest.raises(InvalidInput, match="is taken"):
            await two.world.services.db.run(
                lambda tx, wish=wish: open_door(tx, facts, (SubjectType.APPLICATION, two.mine), organization, wish)  # type: ignore[misc]
            )
        then = json.loads(json.dumps({"host": host, "path": "/old", "certificate_type": "none"}))
        wanted = changes([], [then])
        left = await two.world.services.db.run(lambda tx, wanted=wanted: restoring.apply(tx, wanted))  # type: ignore[misc]
        assert [each.host for each in left] == [host]


async def test_whoever_may_set_both_shares_a_host_and_what_was_shared_stays(two: Two) -> None:
    """The owner has both projects; a key that is for one of them may switch its part off and on again."""
    owned = {"host": HOST, "path": "/shared", "applicationId": two.mine}
    made = await two.world.post("domain.create", **owned)
    for _ in range(2):
        answer = await two.key.post("/domain.toggleEnable", json={"domainId": made["domainId"]})
        assert answer.status_code == 200, answer.text
    moved = [{"domainId": made["domainId"], "host": HOST, "path": path} for path in ("/", "/login")]
    assert await two.tried("domain.update", moved) == []


async def test_no_rule_and_no_redirect_reaches_another_host(two: Two) -> None:
    def text(rule: str) -> str:
        router = {"rule": rule, "service": "mine", "entryPoints": ["web"], "priority": 999_999}
        return json.dumps({"http": {"routers": {"mine.r": router}}})

    route = Route(
        application_id="a",
        app_name="mine",
        release_id="r",
        ways=(Way(host="mine.test"),),
        upstreams=(Upstream(port=9),),
    )
    for rule in (f"Host(`{HOST}`)", "HostRegexp(`.*`)", f"PathPrefix(`/`) || Host(`{HOST}`)", "!Host(`mine.test`)"):
        own = read_own(text(rule), route, None)
        held = replace(route, own=own)
        http = json.loads(render_route(held, secret="s", https=None).partition("\n")[2])["http"]
        assert http["routers"]["mine.r"]["rule"].startswith("((Host(`mine.test`))) && (")
