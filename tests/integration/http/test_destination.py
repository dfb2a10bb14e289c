"""``destination.*``: kept sealed, tried for real, their secrets never given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from headway.features.destinations.model import Destination
from headway.features.destinations.store import find
from headway.infra.db.tables.backups import destinations
from tests.integration.http.world import World
from tests.support.storages.s3 import S3, lacks_s3, s3_server

LOCAL = {"name": "here", "provider": "local"}
GIVEN: dict[str, Any] = {
    "name": "elsewhere",
    "provider": "AWS",
    "accessKey": "AKID",
    "secretAccessKey": "s3cret-of-the-bucket",
    "bucket": "backups",
    "region": "eu-central-1",
    "endpoint": "",
    "additionalFlags": ["--s3-storage-class=STANDARD_IA"],
}
needs_s3 = pytest.mark.skipif(lacks_s3() is not None, reason=str(lacks_s3()))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


async def test_a_destination_is_kept_and_shown_without_its_secret(world: World) -> None:
    made = await world.post("destination.create", **GIVEN)
    assert (made["accessKey"], made["secretAccessKey"], made["bucket"]) == ("AKID", "", "backups")
    assert made["additionalFlags"] == GIVEN["additionalFlags"]
    assert await world.get("destination.all") == [made]
    assert await world.get("destination.one", destinationId=made["destinationId"]) == made
    kept = await world.services.db.read(lambda tx: tx.execute(select(destinations)).one())
    assert GIVEN["secretAccessKey"] not in str(kept)
    assert GIVEN["accessKey"] not in str(kept)


async def test_a_secret_that_is_not_sent_stays(world: World) -> None:
    made = await world.post("destination.create", **GIVEN)
    changed = await world.post("destination.update", **made | {"name": "renamed", "region": "us-east-1"})
    assert (changed["name"], changed["region"]) == ("renamed", "us-east-1")
    kept = await kept_of(world, made["destinationId"])
    assert kept.reach.secret_access_key == GIVEN["secretAccessKey"]


async def test_credentials_travel_by_environment(world: World) -> None:
    made = await world.post("destination.create", **GIVEN)
    kept = await kept_of(world, made["destinationId"])
    service = world.services.destinations
    storage = service.storage(kept)
    argv = service.storages.rclone.upload(storage, "a/b")
    assert not any(GIVEN["secretAccessKey"] in word or "AKID" in word for word in argv)
    assert storage.env["RCLONE_CONFIG_DEST_SECRET_ACCESS_KEY"] == GIVEN["secretAccessKey"]
    assert GIVEN["secretAccessKey"] not in repr(kept)
    assert GIVEN["secretAccessKey"] not in repr(storage)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"bucket": ""}, "Name the bucket"),
        ({"bucket": "a/../b"}, "holds no '..'"),
        ({"endpoint": "file:///etc"}, "no address of an S3 storage"),
        ({"additionalFlags": ["--config=/etc/shadow"]}, "is not passed on to rclone"),
        ({"additionalFlags": ["--password-command=id"]}, "is not passed on to rclone"),
        ({"additionalFlags": ["--log-file=/etc/x"]}, "is not passed on to rclone"),
        ({"additionalFlags": ["--s3-env-auth"]}, "is not passed on to rclone"),
        ({"additionalFlags": ["--s3-acl=x y"]}, "is not passed on to rclone"),
        ({"additionalFlags": ["--dump=auth"]}, "is not passed on to rclone"),
        ({"type": "alias", "options": {"remote": "/"}}, "no storage that backups can lie in"),
        ({"type": "union", "options": {"upstreams": "/etc"}}, "no storage that backups can lie in"),
        ({"type": "sftp", "options": {"host": "h", "ssh": "sh -c id"}}, "is given to nobody"),
        ({"type": "sftp", "options": {"key_file": "/root/.ssh/id"}}, "is given to nobody"),
        ({"type": "webdav", "options": {"bearer_token_command": "id"}}, "is given to nobody"),
        ({"type": "s3", "options": {"env_auth": "true"}}, "is given to nobody"),
        ({"type": "drive", "options": {"service_account_file": "/x"}}, "is given to nobody"),
        ({"type": "sftp", "options": {"a-b": "x"}}, "is no option that a sftp storage"),
        ({"accessKey": "a\nb"}, "one line each"),
    ],
)
async def test_what_reaches_for_the_panels_machine_is_refused(
    world: World, changed: dict[str, Any], sentence: str
) -> None:
    for procedure in ("destination.create", "destination.testConnection"):
        answer = await world.owner.post(f"/{procedure}", json=GIVEN | changed)
        assert (answer.status_code, sentence in answer.json()["message"]) == (400, True), answer.text
    assert await world.get("destination.all") == []


async def test_a_folder_of_this_machine_works_and_nobody_names_it(world: World) -> None:
    assert await world.post("destination.testConnection", **LOCAL, bucket="/etc") is True
    made = await world.post("destination.create", **LOCAL)
    assert await world.post("destination.testConnection", **LOCAL, destinationId=made["destinationId"]) is True
    folder = world.platform.data_dir.path / "backups"
    assert list(folder.iterdir()) == [], "what was tried left nothing"


@needs_s3
@pytest.mark.slow
async def test_an_s3_storage_is_written_read_and_left_as_it_was(world: World, s3: S3) -> None:
    assert await world.post("destination.testConnection", **s3.destination()) is True
    assert s3.objects() == {}
    made = await world.post("destination.create", **s3.destination())
    assert made["secretAccessKey"] == ""
    assert await world.post("destination.testConnection", **made) is True


@needs_s3
@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"bucket": "nowhere"}, "has no such bucket"),
        ({"accessKey": "someone"}, "it does not know the access key"),
        ({"secretAccessKey": "wrong"}, "the secret key does not fit"),
        ({"endpoint": "http://127.0.0.1:1"}, "it does not answer"),
        ({"endpoint": "http://nowhere.invalid"}, "no host of that name"),
    ],
)
async def test_what_a_storage_refuses_is_said(world: World, s3: S3, changed: dict[str, Any], sentence: str) -> None:
    answer = await world.owner.post("/destination.testConnection", json=s3.destination() | changed)
    assert (answer.status_code, sentence in answer.json()["message"]) == (400, True), answer.text
    assert s3.destination()["secretAccessKey"] not in answer.text


async def test_a_forgotten_destination_is_gone(world: World) -> None:
    made = await world.post("destination.create", **LOCAL)
    assert (await world.post("destination.remove", destinationId=made["destinationId"]))["name"] == "here"
    assert await world.get("destination.all") == []


async def kept_of(world: World, destination_id: str) -> Destination:
    """What is kept of a destination, secrets and all."""
    vault = world.platform.data_dir.vault
    return await world.services.db.read(lambda tx: find(tx, destination_id, vault))
