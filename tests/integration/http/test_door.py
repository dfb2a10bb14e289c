"""What happens before a procedure is called: keys, paths, methods, bodies, health, headers."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import make_url

from headway.http.bodies import MOST_BODY_BYTES
from tests.integration.http.world import KEYS, World, open_world
from tests.support.databases.postgres import Cluster

SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
}
UNAUTHORIZED = b'{"message":"Unauthorized"}'
JSON = {"content-type": "application/json"}


async def test_without_a_key_nobody_learns_what_exists(world: World) -> None:
    paths = ("/deployment.all?applicationId=x", "/deployment.nope", "/no/such/thing", "http://headway.test/api")
    for method, path in product(("GET", "POST", "PUT", "DELETE", "OPTIONS"), paths):
        answer = await world.nobody.request(method, path)
        assert (answer.status_code, answer.content) == (401, UNAUTHORIZED), (method, path)


async def test_a_key_that_is_unknown_is_as_good_as_none(world: World) -> None:
    answer = await world.nobody.get("/user.get", headers={"x-api-key": "nope"})
    assert (answer.status_code, answer.content) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "headers",
    [{"X-API-KEY": KEYS["owner"]}, {"Authorization": f"Bearer {KEYS['owner']}"}],
)
async def test_a_key_may_come_in_either_header(world: World, headers: dict[str, str]) -> None:
    assert (await world.nobody.get("/user.get", headers=headers)).json()["role"] == "owner"


async def test_an_unknown_path_or_method_is_not_found(world: World) -> None:
    for method, path in (
        ("GET", "/deployment.nope"),
        ("POST", "/deployment.all"),
        ("GET", "/deployment.killProcess?deploymentId=x"),
        ("PUT", "/deployment.all"),
        ("DELETE", "/project.remove"),
        ("GET", "/deployment.all/more"),
        ("GET", "http://headway.test/api"),
    ):
        answer = await world.owner.request(method, path)
        assert answer.status_code == 404
        assert answer.json() == {
            "message": "Not found",
            "code": "NOT_FOUND",
            "data": {"code": "NOT_FOUND", "httpStatus": 404, "zodError": None},
        }, (method, path)


async def test_the_panels_own_address_answers_anybody_and_names_the_way_in(world: World) -> None:
    answer = await world.nobody.get("http://headway.test/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text.startswith("Headway, a self-hosted deployment platform.\n")
    assert "/api/docs" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    asked = await world.nobody.head("http://headway.test/")
    assert (asked.status_code, asked.content) == (200, b"")


async def test_outside_of_the_api_there_is_nothing_yet(world: World) -> None:
    answer = await world.nobody.get("http://headway.test/elsewhere")
    assert (answer.status_code, answer.json()["message"]) == (404, "Not found")
    assert answer.headers["x-frame-options"] == "DENY"


async def test_repeated_and_trailing_slashes_lead_to_the_clean_path(world: World) -> None:
    for method, path, clean in (
        ("GET", "/api//deployment.all?applicationId=a%20b", "/api/deployment.all?applicationId=a%20b"),
        ("GET", "/api/deployment.all/?x=1", "/api/deployment.all?x=1"),
        ("POST", "/api///application.deploy//", "/api/application.deploy"),
        ("GET", "//api/health", "/api/health"),
        ("GET", "/api/", "/api"),
    ):
        answer = await world.nobody.request(method, f"http://headway.test{path}")
        assert (answer.status_code, answer.headers["location"]) == (308, clean)


async def test_no_path_leads_to_another_host(world: World) -> None:
    for path in ("//evil.example/", "//evil.example/api/", "/\\evil.example/", "//evil.example//api/x"):
        answer = await world.owner.get(f"http://headway.test{path}")
        assert (answer.status_code, answer.headers.get("location")) == (404, None), path


async def test_a_post_is_followed_with_its_body(world: World) -> None:
    answer = await world.owner.post(
        "http://headway.test/api//project.create", json={"name": "kept"}, follow_redirects=True
    )
    assert answer.json()["project"]["name"] == "kept"


async def test_every_answer_carries_the_headers_that_protect(world: World) -> None:
    for path in ("/health", "/user.get", "/deployment.nope", "/deployment.all"):
        headers = (await world.owner.get(path)).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS, path


async def test_health_is_for_everybody(world: World) -> None:
    answer = await world.nobody.get("/health")
    assert (answer.status_code, answer.content) == (200, b'{"ok":true}')


@pytest.mark.postgres
async def test_without_a_database_health_says_why_and_calls_say_when_to_ask_again(
    tmp_path: Path, postgres_cluster: Cluster, postgres_database_url: str
) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=postgres_database_url) as world:
        assert (await world.nobody.get("/health")).status_code == 200
        _turn_away(postgres_cluster, postgres_database_url)
        health = await world.nobody.get("/health")
        call = await world.owner.get("/user.get")
    assert health.status_code == 503
    assert health.json()["ok"] is False
    assert "database" in health.json()["reason"]
    assert "retry-after" in health.headers
    assert (call.status_code, call.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert "retry-after" in call.headers


async def test_another_content_type_is_refused(world: World) -> None:
    answer = await world.owner.post("/application.deploy", data={"applicationId": "x"})
    assert answer.status_code == 415
    assert answer.json()["message"] == 'Unsupported content-type "application/x-www-form-urlencoded'


async def test_a_body_without_a_content_type_is_refused(world: World) -> None:
    answer = await world.owner.post("/application.deploy", content=b"{}")
    assert (answer.status_code, answer.json()["message"]) == (415, "Missing content-type header")


async def test_no_body_at_all_is_an_empty_input(world: World) -> None:
    answer = await world.owner.post("/application.deploy")
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_announced_in_any_way(world: World, content_type: str) -> None:
    answer = await world.owner.post("/project.create", content=b'{"name":"x"}', headers={"content-type": content_type})
    assert answer.status_code == 200


async def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_refused(world: World) -> None:
    def body(size: int) -> bytes:
        return b'{"name":"x","pad":"' + b"y" * (size - 21) + b'"}'

    fits, exceeds = body(MOST_BODY_BYTES), body(MOST_BODY_BYTES + 1)
    assert (len(fits), len(exceeds)) == (MOST_BODY_BYTES, MOST_BODY_BYTES + 1)
    assert (await world.owner.post("/project.create", content=fits, headers=JSON)).status_code == 200
    refused = await world.owner.post("/project.create", content=exceeds, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_body_of_unannounced_length_is_counted(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (64 << 10)

    refused = await world.owner.post("/project.create", content=endless(), headers=JSON)
    assert refused.status_code == 413


async def test_long_answers_are_compressed_for_who_asks(world: World) -> None:
    for number in range(20):
        await world.post("project.create", name=f"project {number}")
    async with world.owner.stream("GET", "/project.all", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    plain = await world.owner.get("/project.all", headers={"accept-encoding": "identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "accept-encoding"


async def test_an_unknown_error_tells_no_internals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(world.services.projects, "all", broken)
    answer = await world.owner.get("/project.all")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "inside" not in answer.text


def _turn_away(cluster: Cluster, url: str) -> None:
    """The server lets nobody into this database any more."""
    name = make_url(url).database
    cluster.administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    cluster.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608


async def test_who_has_an_answer_already_is_not_sent_it_again(world: World) -> None:
    given = {"applicationId": await world.application()}
    first = await world.owner.get("/deployment.all", params=given)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await world.owner.get("/deployment.all", params=given, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
    await world.deploy(given["applicationId"])
    news = await world.owner.get("/deployment.all", params=given, headers={"if-none-match": tag})
    assert (news.status_code, len(news.json())) == (200, 1)
    assert news.headers["etag"] != tag


async def test_errors_and_changes_carry_no_entity_tag(world: World) -> None:
    refused = await world.owner.get("/deployment.one?deploymentId=nope", headers={"if-none-match": "*"})
    assert (refused.status_code, "etag" in refused.headers) == (404, False)
    made = await world.owner.post("/project.create", json={"name": "x"}, headers={"if-none-match": "*"})
    assert (made.status_code, "etag" in made.headers) == (200, False)
    assert made.headers["cache-control"] == "no-store"
