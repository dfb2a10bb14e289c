"""``application.dropDeployment``: an upload in the forms that clients send it in, and what is refused of it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.integration.http.world import Json, World, open_world
from tests.integration.sources.archives import FILES, entry, tar, zipped


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path / "data", HEADWAY_UPLOAD_LIMIT="1MiB", HEADWAY_UNPACKED_LIMIT="2MiB") as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path) -> bytes:
    return zipped(tmp_path / "shop.zip", FILES).read_bytes()


async def drop(world: World, data: bytes, **form: str) -> httpx.Response:
    """An upload as a form."""
    return await world.owner.post("/application.dropDeployment", data=form, files={"zip": ("a/shop.zip", data)})


async def test_a_form_is_taken_as_the_peer_s_clients_send_it(world: World, shop: bytes) -> None:
    application_id = await world.application()

    answer = await drop(world, shop, applicationId=application_id, dropBuildPath="web")

    assert (answer.status_code, answer.json()) == (200, True)
    one = await world.get("application.one", applicationId=application_id)
    assert one["deployments"][0]["deploymentId"] == answer.headers["x-deployment-id"]
    assert (one["sourceType"], one["dropBuildPath"], one["archive"]["name"]) == ("drop", "web", "shop.zip")
    digest = hashlib.sha256(shop).hexdigest()
    assert (one["archive"]["digest"], one["archive"]["entries"]) == (digest, 2)
    assert one["archive"]["author"] == (await world.get("user.get"))["user"]["name"]
    assert kept(world) == [f"{digest}.tar"]


async def test_the_file_itself_is_taken_as_the_body(world: World, shop: bytes) -> None:
    application_id = await world.application()
    answer = await world.owner.post(
        "/application.dropDeployment",
        params={"applicationId": application_id, "title": "mine", "fileName": "x.zip"},
        content=shop,
        headers={"content-type": "application/zip"},
    )
    assert answer.status_code == 200, answer.text
    row = await world.get("deployment.one", deploymentId=answer.headers["x-deployment-id"])
    assert row["title"] == "mine"


async def test_a_build_path_stays_until_another_is_sent(world: World, shop: bytes) -> None:
    application_id = await world.application()
    await drop(world, shop, applicationId=application_id, dropBuildPath="web")
    await drop(world, shop, applicationId=application_id)
    assert (await world.get("application.one", applicationId=application_id))["dropBuildPath"] == "web"


async def test_an_upload_sent_again_with_its_key_starts_nothing_twice(world: World, shop: bytes) -> None:
    application_id = await world.application()
    headers = {"idempotency-key": "k1", "content-type": "application/zip"}
    where = f"/application.dropDeployment?applicationId={application_id}"
    first = await world.owner.post(where, content=shop, headers=headers)
    again = await world.owner.post(where, content=shop, headers=headers)
    other = await world.owner.post(where, content=shop + b"\0", headers=headers)
    assert again.headers["x-deployment-id"] == first.headers["x-deployment-id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status_code == 422
    assert kept(world) == [f"{hashlib.sha256(shop).hexdigest()}.tar"], "what was refused is gone at once"


async def test_an_archive_whose_deploy_is_refused_is_gone_at_once_also_during_another(
    world: World, tmp_path: Path
) -> None:
    application_id = await world.application()
    where = f"/application.dropDeployment?applicationId={application_id}"
    headers = {"idempotency-key": "k1", "content-type": "application/zip"}
    first, second = (zipped(tmp_path / name, {"n": name}).read_bytes() for name in ("1.zip", "2.zip"))
    assert (await world.owner.post(where, content=first, headers=headers)).status_code == 200
    await world.claim()
    assert (await world.owner.post(where, content=second, headers=headers)).status_code == 422
    assert kept(world) == [f"{hashlib.sha256(first).hexdigest()}.tar"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"no archive at all", 400, "cannot be read"),
        (b"x" * (1 << 20) + b"x", 413, "larger than 1 MiB"),
        (b"x" * (9 << 20), 413, "larger than 1 MiB"),
    ],
)
async def test_what_is_no_archive_or_too_large_is_refused(world: World, body: bytes, status: int, message: str) -> None:
    application_id = await world.application()
    for answer in (
        await drop(world, body, applicationId=application_id),
        await world.owner.post(
            "/application.dropDeployment",
            params={"applicationId": application_id},
            content=body,
            headers={"content-type": "application/octet-stream"},
        ),
    ):
        assert answer.status_code == status, answer.text
        assert message in answer.json()["message"]
    await nothing_happened(world, application_id)


async def test_what_would_do_harm_is_refused_before_anything_is_queued(world: World, tmp_path: Path) -> None:
    application_id = await world.application()
    evil = tar(tmp_path / "evil", FILES, entry("run", mode=stat.S_ISUID | 0o755)).read_bytes()
    answer = await drop(world, evil, applicationId=application_id)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert "setuid" in answer.json()["message"]
    await nothing_happened(world, application_id)


async def test_a_form_that_is_cut_off_is_refused(world: World, shop: bytes) -> None:
    application_id = await world.application()
    head = b'--x\r\ncontent-disposition: form-data; name="zip"; filename="a.zip"\r\n\r\n'
    answer = await world.owner.post(
        "/application.dropDeployment",
        params={"applicationId": application_id},
        content=head + shop,
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "PARSE_ERROR")
    await nothing_happened(world, application_id)


@pytest.mark.parametrize("form", [{}, {"applicationId": ""}])
async def test_the_application_has_to_be_named(world: World, shop: bytes, form: dict[str, str]) -> None:
    answer = await drop(world, shop, **form)
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, ["applicationId"])


async def test_a_form_without_a_file_is_refused(world: World) -> None:
    application_id = await world.application()
    answer = await world.owner.post("/application.dropDeployment", files={"applicationId": (None, application_id)})
    assert (answer.status_code, answer.json()["issues"][0]["path"]) == (400, ["zip"])


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json", 400), ("", 415), ("multipart/form-data", 415), ("multipart/form-data; boundary=x", 400)],
)
async def test_other_bodies_are_refused(world: World, content_type: str, status: int) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await world.owner.post("/application.dropDeployment", content=b"{}", headers=headers)
    assert answer.status_code == status, answer.text


async def test_an_application_of_others_is_not_found_and_the_upload_gone(world: World, shop: bytes) -> None:
    application_id = await world.application()
    for caller in (world.stranger, world.member):
        answer = await caller.post(
            "/application.dropDeployment", data={"applicationId": application_id}, files={"zip": ("x.zip", shop)}
        )
        assert (answer.status_code, answer.json()["message"]) == (404, "Application not found")
    await nothing_happened(world, application_id)


async def test_trpc_says_which_wire_takes_files(world: World) -> None:
    answer = await world.owner.post("/trpc/application.dropDeployment", json={"json": {}})
    assert answer.status_code == 415
    assert "POST /api/application.dropDeployment" in answer.text


async def test_only_archives_that_may_be_deployed_again_are_kept(world: World, tmp_path: Path) -> None:
    application_id = await world.application()
    uploads = [zipped(tmp_path / f"{number}.zip", {"n": str(number)}).read_bytes() for number in range(3)]
    for data in uploads:
        assert (await drop(world, data, applicationId=application_id)).status_code == 200
    assert kept(world) == [f"{hashlib.sha256(uploads[-1]).hexdigest()}.tar"]
    await world.post("application.delete", applicationId=application_id)
    assert kept(world) == []


async def test_a_compose_service_takes_an_upload_as_its_source(world: World, tmp_path: Path) -> None:
    environment_id = await world.environment()
    compose_id = (await world.post("compose.create", name="stack", environmentId=environment_id))["composeId"]
    files = {"deploy/compose.yml": "services: {web: {image: debian}}"}
    data = zipped(tmp_path / "stack.zip", files).read_bytes()
    unsaid = await world.owner.post("/compose.update", json={"composeId": compose_id, "sourceType": "drop"})
    assert unsaid.json()["archive"] is None
    answer = await world.owner.post(
        "/compose.dropDeployment",
        data={"composeId": compose_id, "composePath": "deploy/compose.yml"},
        files={"zip": ("stack.zip", data)},
    )

    assert answer.json() == {"success": True, "message": "Deployment queued", "composeId": compose_id}
    one = await world.get("compose.one", composeId=compose_id)
    assert one["deployments"][0]["deploymentId"] == answer.headers["x-deployment-id"]
    digest = hashlib.sha256(data).hexdigest()
    assert (one["sourceType"], one["composePath"], one["archive"]["digest"]) == ("drop", "deploy/compose.yml", digest)
    assert kept(world) == [f"{digest}.tar"]
    empty = await world.owner.post("/compose.dropDeployment", files={"composeId": (None, compose_id)})
    assert (empty.status_code, empty.json()["issues"][0]["path"]) == (400, ["zip"])


async def nothing_happened(world: World, application_id: str) -> None:
    """No deployment, no archive, and nothing left of the upload."""
    assert await world.get("deployment.all", applicationId=application_id) == []
    assert kept(world) == []
    assert list(world.platform.data_dir.uploads.iterdir()) == []
    one: Json = await world.get("application.one", applicationId=application_id)
    assert one["archive"] is None


def kept(world: World) -> list[str]:
    """The names of all archives."""
    return [path.name for path in (world.platform.data_dir.path / "archives").rglob("*.tar")]
