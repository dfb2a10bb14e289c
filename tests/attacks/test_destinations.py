"""Destinations that are said to be elsewhere and are not: refused; and what reaches one has nothing of the machine."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.panel.panel import Panel, panel, until

Json = Any
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="programs are given accounts of their own: needs root"),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    # An account gets at folders of the machine where no folder above is closed, which those of tests are.
    with tempfile.TemporaryDirectory(prefix="headway-kept-") as kept:
        Path(kept).chmod(0o711)
        env = {"HEADWAY_DOCKER_HOST": "unix:///nowhere.sock", "HEADWAY_BACKUP_DIR": kept}
        with panel(tmp_path_factory.mktemp("panel") / "data", **env) as started:
            yield started


@pytest.fixture(scope="module")
def eve(running: Panel) -> Iterator[httpx.Client]:
    """An admin, who was not given the machine."""
    invited = running.post("organization.inviteMember", email="eve@example.org", role="admin")
    accepted = running.post("organization.acceptInvitation", token=invited["token"])
    with httpx.Client(base_url=running.client.base_url, headers={"x-api-key": accepted["key"]}, timeout=60) as client:
        yield client


def spelled(data_dir: Path) -> dict[str, Json]:
    """Ways to the panel's own disk, and to what it is by itself."""
    below = str(data_dir).lstrip("/")
    sftp = {"type": "sftp", "bucket": below}
    return {
        "type among the options": sftp | {"options": {"type": "local"}},
        "in capitals": sftp | {"options": {"TYPE": "local"}},
        "alias": sftp | {"options": {"type": "alias", "remote": "/"}},
        "a remote within": {"type": "webdav", "bucket": "x", "options": {"url": "http://h", "remote": ":local:/"}},
        "on the fly": {"type": "sftp", "bucket": ":local:/etc", "options": {"host": "h"}},
        "with options in the name": {"type": "sftp,ssh=id", "bucket": "b", "options": {"host": "h"}},
        "another name of a file": {"type": "sftp", "bucket": "b", "options": {"host": "h", "Key-File": "/etc/shadow"}},
        "the machine's identity": {"type": "azureblob", "bucket": "b", "options": {"account": "a", "use_msi": "true"}},
        "the machine's own az": {"type": "azureblob", "bucket": "b", "options": {"account": "a", "use_az": "true"}},
        "a ticket": {"type": "smb", "bucket": "b", "options": {"host": "h", "kerberos_ccache": "FILE:/tmp/x"}},
        "principals": {
            "type": "oracleobjectstorage",
            "bucket": "b",
            "options": {"provider": "instance_principal_auth"},
        },
        "a socket": {
            "type": "webdav",
            "bucket": "b",
            "options": {"url": "http://h", "unix_socket": "/run/docker.sock"},
        },
        "a program": {"type": "sftp", "bucket": "b", "options": {"host": "h", "ssh": "sh -c id"}},
        "variables": {"type": "swift", "bucket": "b", "options": {"env_auth": "true"}},
        "memory": {"type": "memory", "bucket": "b"},
        "upwards": {"type": "sftp", "bucket": "../../etc", "options": {"host": "h"}},
    }


@pytest.mark.parametrize("way", sorted(spelled(Path("/x"))))
def test_no_destination_is_the_panels_disk(running: Panel, eve: httpx.Client, way: str) -> None:
    given = {"name": "d", **spelled(running.data_dir)[way]}
    for client in (eve, running.client):
        for procedure in ("destination.create", "destination.testConnection"):
            answer = client.post(f"/{procedure}", json=given)
            assert answer.status_code == 400, (procedure, answer.text)
    assert not [each for each in running.get("destination.all") if each["name"] == "d"]


def test_a_folder_of_the_machine_is_not_for_everybody(running: Panel, eve: httpx.Client) -> None:
    for procedure in ("destination.create", "destination.testConnection"):
        answer = eve.post(f"/{procedure}", json={"name": "d", "provider": "local"})
        assert (answer.status_code, "reaches the machine itself" in answer.text) == (403, True), answer.text
    assert running.post("destination.testConnection", name="d", provider="local") is True


@contextmanager
def silent_server() -> Iterator[int]:
    """One that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def rclones(port: int) -> list[Path]:
    """The processes that speak to the server, by their environment."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            is_mine = f":{port}".encode() in (each / "environ").read_bytes()
            if is_mine and b"RCLONE_CONFIG_DEST_TYPE" in (each / "environ").read_bytes():
                found.append(each)
        except OSError:
            continue
    return [each for each in found if (each / "comm").read_text().strip() in {"rclone", "3"}]


def test_what_reaches_a_storage_is_nobody_in_an_empty_folder(running: Panel) -> None:
    with silent_server() as port, ThreadPoolExecutor() as pool:
        given = {
            "name": "silent", "provider": "Other", "bucket": "b", "accessKey": "a", "secretAccessKey": "s",
            "endpoint": f"http://127.0.0.1:{port}",
        }  # fmt: skip
        asked = pool.submit(lambda: running.client.post("/destination.testConnection", json=given, timeout=60))
        (trial,) = until(lambda: rclones(port), 30)
        _is_nobody(running, trial)
        destination_id = running.post("destination.create", **given)["destinationId"]
        listed = pool.submit(
            lambda: running.client.get(
                "/backup.listBackupFiles", params={"destinationId": destination_id, "search": ""}, timeout=60
            )
        )
        (own,) = until(lambda: [each for each in rclones(port) if each != trial], 30)
        assert _is_nobody(running, own) != _is_nobody(running, trial), "each destination has an account of its own"
        os.kill(int(trial.name), 9)
        os.kill(int(own.name), 9)
        assert {asked.result().status_code, listed.result().status_code} == {400}


def test_a_folder_that_root_has_filled_goes_on_as_the_accounts(running: Panel) -> None:
    backup_id = running.post("backup.create", databaseType="web-server", database="headway")["backupId"]
    where = running.get("backup.one", backupId=backup_id)["destinationId"]
    folder = Path(running.env["HEADWAY_BACKUP_DIR"]) / where
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "file").write_text("of before")
    folder.chmod(0o700)
    answer = running.client.post("/backup.manualBackupWebServer", json={"backupId": backup_id})
    running.done(answer.headers["x-deployment-id"], 60)
    owners = {each.lstat().st_uid for each in (folder, *folder.rglob("*"))}
    (uid,) = owners
    assert uid > 1_000_000_000
    (file,) = running.get("backup.files", backupId=backup_id)
    assert (folder / file["path"]).stat().st_size == file["bytes"]


def _is_nobody(running: Panel, process: Path) -> int:
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    uids = {int(each) for each in status["Uid"].split()}
    assert min(uids) > 1_000_000_000, status["Uid"]
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert (status["NoNewPrivs"].strip(), status["Groups"].strip()) == ("1", "")
    assert (process / "cwd").readlink() == running.work / "empty"
    assert list((running.work / "empty").iterdir()) == []
    (uid,) = uids
    return uid
