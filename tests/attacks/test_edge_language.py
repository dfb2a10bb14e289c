"""What a user writes for Traefik reads no file, names nothing of others, and bounds what it takes, however it is spelt.

Each attack goes through the API to the real Traefik. None may be taken, and no answer may hold what a file holds.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_file import render_route
from headway.drivers.edge.traefik import Https
from headway.features.edge.middlewares_store import own_routing, set_own_routing
from headway.features.services.application.custom_traefik import survey
from headway.kernel.artifacts import Route, Upstream, Way
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from tests.integration.http.world import World, open_world

ROUTER = {"rule": "PathPrefix(`/x`)", "service": "shop", "entryPoints": ["web"], "middlewares": ["shop.m"]}
LONG_S, KELVIN, WIDE = "\u017f", "\u212a", "\uff55"  # fold to s and k; u by NFKC


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


def said(middleware: object, **more: object) -> str:
    """A configuration with one middleware, which is used; JSON is YAML."""
    http = {"routers": {"shop.r": ROUTER}, "middlewares": {"shop.m": middleware, **more}}
    return json.dumps({"http": http}, ensure_ascii=False)


async def judged(world: World, texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """What an application's user tries one after the other: those that were taken, and what was said of the others."""
    shop = await world.application("shop")
    called = (await world.get("application.one", applicationId=shop))["appName"]
    taken, told = [], []
    for text in texts:
        body = {"applicationId": shop, "traefikConfig": text.replace("shop", called)}
        answer = await world.owner.post("/application.updateTraefikConfig", json=body, timeout=60)
        if answer.status_code != 400:
            taken.append(f"{answer.status_code} {text[:300]}")
        told.append(answer.text)
    assert [each for each in told if "the names of this application" in each] == [], "refused for another reason"
    return taken, told


SPELLINGS = (
    *("usersFile", "usersfile", "USERSFILE", "UsersFile", "usersfilE"),
    *(f"u{LONG_S}ersFile", f"user{LONG_S}file", f"{WIDE}sersFile", "users\u200bFile", " usersFile"),
)


@pytest.mark.parametrize("kind", ["basicAuth", "digestAuth", "basicauth", "DIGESTAUTH"])
async def test_no_file_is_read_by_any_spelling(world: World, kind: str) -> None:
    secret = world.platform.data_dir.vault_key
    files = (secret, Path("/etc/shadow"))
    taken, told = await judged(world, (said({kind: {key: str(file)}}) for key in SPELLINGS for file in files))
    assert taken == []
    assert [each for each in told if secret.read_text() in each or "root:" in each] == []


async def test_doubled_and_folded_keys_are_not_taken(world: World) -> None:
    texts = (
        '{"http": {"middlewares": {"shop.m": {"basicAuth": {"usersFile": "/etc/shadow", "usersFile": null}}}}}',
        '{"http": {"middlewares": {"shop.m": {"basicAuth": {"users": [], "Users": []}}}}}',
        '{"http": {"middlewares": {"shop.m": {"BasicAuth": {"usersfile": "/etc/shadow"}}}}}',
        '{"HTTP": {"middlewares": {}}, "http": {"middlewares": {}}}',
        '{"TLS": {"certificates": [{"certFile": "/etc/passwd", "keyFile": "/etc/shadow"}]}}',
        '{"http": {"serverstransports": {"shop": {"rootCAs": ["/etc/shadow"]}}}}',
        '{"http": {"middlewares": {"shop.m": {"rateLimit": {"average": 1, "Redis": {"tls": {"ca": "/etc/shadow"}}}}}}}',
        '{"http": {"middlewares": {"shop.m": {"Snippet": {"ServerSnippet": "x"}}}}}',
        '{"http": {"middlewares": {"shop.m": {"authTLSPassCertificateToUpstream": {"caFiles": ["/etc/shadow"]}}}}}',
    )
    assert (await judged(world, texts))[0] == []


async def test_no_service_of_others_is_named_by_a_key_that_folds(world: World) -> None:
    errors = {"status": ["500"], "query": "/", "service": "shop"}
    texts = [said({"errors": {**errors, key: "api@internal"}}) for key in (f"{LONG_S}ervice", "Service", "SERVICE")]
    servers = {f"{LONG_S}ervers": [{"url": "http://127.0.0.1:1"}], f"stic{KELVIN}y": {"cookie": {}}}
    balancers = ({"loadBalancer": {"servers": [], key: value}} for key, value in servers.items())
    texts += [json.dumps({"http": {"services": {"shop": each}}}, ensure_ascii=False) for each in balancers]
    assert (await judged(world, texts))[0] == []


async def test_nobody_else_is_asked(world: World) -> None:
    middlewares: tuple[object, ...] = (
        {"forwardAuth": {"address": "http://127.0.0.1:4310/api/health"}},
        {"forwardauth": {"address": "http://169.254.169.254/"}},
        {"plugin": {"x": {}}},
        {"rateLimit": {"average": 1, "redis": {"endpoints": ["127.0.0.1:6379"]}}},
        {"errors": {"service": "api@internal", "query": "/", "status": ["500"]}},
    )
    services: tuple[object, ...] = (
        {"mirroring": {"service": "shop", "mirrors": [{"name": "other", "percent": 100}]}},
        {"weighted": {"services": [{"name": "other", "weight": 1}]}},
        {"failover": {"service": "shop", "fallback": "other"}},
        {"loadBalancer": {"servers": [], "healthCheck": {"path": "/", "port": 22, "hostname": "127.0.0.1"}}},
        {"loadBalancer": {"servers": [], "serversTransport": "x"}},
        {"LoadBalancer": {"servers": []}, "loadBalancer": {"servers": []}},
    )
    led = (json.dumps({"http": {"services": {"shop": each}}}) for each in services)
    assert (await judged(world, [*map(said, middlewares), *led]))[0] == []


RETRY = {"retry": {"attempts": 10, "initialInterval": "1ms"}}
BUFFER = {"maxRequestBodyBytes": 1 << 20, "maxResponseBodyBytes": 1 << 20}


UNBOUNDED = (
    said({"retry": {"attempts": 10**9}}),
    said({"retry": {"attempts": "1000000000"}}),
    said({"retry": {"Attempts": 10**9}}),
    said({"retry": {"attempts": 5, "maxRequestBodyBytes": 1 << 40}}),
    said({"chain": {"middlewares": ["shop.a", "shop.b"]}}, **{"shop.a": RETRY, "shop.b": RETRY}),
    said(
        {"chain": {"middlewares": ["shop.a", "shop.b"]}},
        **{"shop.a": RETRY, "shop.b": {"buffering": {**BUFFER, "retryExpression": "IsNetworkError()"}}},
    ),
    said({"buffering": {}}),
    said({"buffering": {"memRequestBodyBytes": 1 << 40, **BUFFER}}),
    said({"buffering": {"maxRequestBodyBytes": 0, "maxResponseBodyBytes": 0}}),
    said({"buffering": {"maxRequestBodyBytes": -1, "maxResponseBodyBytes": 1}}),
    said({"compress": {"minResponseBodyBytes": 1 << 40}}),
    said({"basicAuth": {"users": ["me:$2y$31$" + "a" * 53]}}),
)


async def test_what_is_taken_has_a_bound(world: World) -> None:
    assert (await judged(world, UNBOUNDED))[0] == []


async def test_chains_of_chains_make_no_mountain(world: World) -> None:
    """Forty chains that each name the one before twice would be 2^40 middlewares, in 2 KiB."""
    chains = {f"shop.c{n}": {"chain": {"middlewares": [f"shop.c{n - 1}"] * 2}} for n in range(1, 41)}
    text = said({"chain": {"middlewares": ["shop.c40"]}}, **{"shop.c0": {"compress": {}}, **chains})
    begun = time.monotonic()
    taken, (told,) = await judged(world, [text])
    assert (taken, "at most" in told) == ([], True), told
    assert time.monotonic() - begun < 60


async def test_a_router_asks_for_no_certificate_of_another_name(tmp_path: Path) -> None:
    """Traefik asks an authority for every Host() that a rule with a resolver names, also where it never matches."""
    route = Route(
        application_id=new_id(),
        app_name="shop",
        release_id="r1",
        ways=(Way(host="mine.example"),),
        upstreams=(Upstream(port=9),),
        own={"routers": {"shop.r": {**ROUTER, "middlewares": [], "entryPoints": ["secure"],
                                     "rule": "Host(`bank.example`)", "tls": {"certResolver": "acme"}}}},
    )  # fmt: skip
    https = Https(port=443, mail="a@b.example")
    http = json.loads(render_route(route, secret="s", https=https).partition("\n")[2])["http"]
    assert http["routers"]["shop.r"]["tls"] == {"certResolver": "acme", "domains": [{"main": "mine.example"}]}


@pytest.mark.parametrize("options", [{"usersFile": "{file}"}, {"usersfile": "{file}"}])
async def test_what_the_trial_could_not_use_is_not_told(tmp_path: Path, options: dict[str, str]) -> None:
    """Also where such words should reach it: Traefik quotes the line that is no login."""
    file = tmp_path / "secret.txt"
    file.write_text("MOST-SECRET-LINE\n")
    tmp_path.chmod(0o755)
    file.chmod(0o644)
    edge = Edge(tmp_path / "edge", host="127.0.0.1", port=9)
    given = {key: value.format(file=file) for key, value in options.items()}
    route = Route(
        application_id=new_id(),
        app_name="shop",
        release_id="r1",
        ways=(Way(host="shop.localhost"),),
        upstreams=(Upstream(port=9),),
        own={"routers": {"shop.r": ROUTER}, "middlewares": {"shop.m": {"basicAuth": given}}},
    )
    with pytest.raises(InvalidInput) as found:
        await edge.try_out(route)
    assert "MOST-SECRET" not in found.value.message


async def test_who_may_not_use_the_machine_starts_no_trial(world: World) -> None:
    made = (await world.stranger.post("/project.create", json={"name": "theirs"})).json()
    body = {"name": "shop", "environmentId": made["environment"]["environmentId"]}
    shop = (await world.stranger.post("/application.create", json=body)).json()
    given = {"applicationId": shop["applicationId"]}
    given["traefikConfig"] = said({"compress": {}}).replace("shop", shop["appName"])
    answer = await world.stranger.post("/application.updateTraefikConfig", json=given)
    assert answer.status_code == 403, answer.text
    assert "Traefik configuration" in answer.json()["message"]
    assert not (world.platform.data_dir.path / "edge" / "scratch").exists()


async def test_what_an_earlier_version_took_is_listed_and_stays(world: World) -> None:
    shop = await world.application("shop")
    vault = world.platform.data_dir.vault
    kept = {"middlewares": {"shop.m": {"retry": {"attempts": 10**9}}}}
    await world.services.db.run(lambda tx: set_own_routing(tx, shop, kept, vault))
    found = await world.services.db.read(lambda tx: [each.sentence for each in survey(tx, vault)])
    assert [("from 1 to 10" in each, shop in each) for each in found] == [(True, True)]
    assert await world.services.db.read(lambda tx: own_routing(tx, shop, vault)) == kept
