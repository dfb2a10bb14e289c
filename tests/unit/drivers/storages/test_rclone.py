"""What is typed for rclone, and what its words mean."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headway.drivers.storages.rclone import Rclone, explained, read_list
from headway.drivers.storages.rclone_passwords import obscured
from headway.features.destinations.model import StorageConfig, storage_of
from headway.kernel.secret import Secret

RCLONE = Rclone(program="rclone")
FLAGS = ("rclone", "--config=", "--retries=1", "--low-level-retries=3")
S3 = StorageConfig(provider="Minio", access_key="AK", secret_access_key="SK", bucket="b", endpoint="https://s3.example")
HERE = Path("/data/backups/d")


def test_an_object_is_written_from_standard_input() -> None:
    told = ("--stats=30s", "--stats-one-line", "--stats-log-level=NOTICE")
    typed = RCLONE.upload(storage_of(S3, HERE), "a/b.partial")
    assert typed == (*FLAGS, "rcat", "--inplace", *told, "dest:b/a/b.partial")


def test_the_other_commands_name_objects_below_the_root() -> None:
    storage = storage_of(S3, HERE)
    assert RCLONE.download(storage, "x") == (*FLAGS, "cat", "dest:b/x")
    assert RCLONE.move(storage, "x", "y") == (*FLAGS, "moveto", "--no-traverse", "dest:b/x", "dest:b/y")
    assert RCLONE.remove(storage, "x") == (*FLAGS, "deletefile", "dest:b/x")
    assert RCLONE.drop_parts(storage, "x") == (*FLAGS, "backend", "cleanup", "-o", "max-age=0s", "dest:b/x")
    assert RCLONE.list(storage, "f") == (*FLAGS, "lsjson", "--no-mimetype", "dest:b/f")
    assert RCLONE.size(storage, "x") == (*FLAGS, "lsjson", "--stat", "--no-mimetype", "dest:b/x")


def test_flags_of_a_destination_come_before_the_verb() -> None:
    storage = storage_of(StorageConfig(bucket="b", additional_flags=("--bwlimit=10M",)), HERE)
    assert RCLONE.download(storage, "x") == (*FLAGS, "--bwlimit=10M", "cat", "dest:b/x")


def test_an_s3_storage_is_in_the_environment() -> None:
    assert storage_of(S3, HERE).env == {
        "RCLONE_CONFIG_DEST_TYPE": "s3",
        "RCLONE_CONFIG_DEST_PROVIDER": "Minio",
        "RCLONE_CONFIG_DEST_ACCESS_KEY_ID": "AK",
        "RCLONE_CONFIG_DEST_SECRET_ACCESS_KEY": "SK",
        "RCLONE_CONFIG_DEST_ENDPOINT": "https://s3.example",
        "RCLONE_CONFIG_DEST_ENV_AUTH": "false",
        "RCLONE_CONFIG_DEST_NO_CHECK_BUCKET": "true",
        "RCLONE_CONFIG_DEST_CHUNK_SIZE": "16M",
        "RCLONE_CONFIG_DEST_UPLOAD_CONCURRENCY": "4",
    }


def test_a_local_one_is_a_folder_that_nobody_names() -> None:
    storage = storage_of(StorageConfig(provider="local", bucket="/etc"), HERE)
    assert (storage.root, storage.env, storage.folder) == ("/data/backups/d", {}, "/data/backups/d")
    assert RCLONE.download(storage, "x")[-1] == "/data/backups/d/x"


def test_other_storages_are_as_rclone_knows_them() -> None:
    reach = StorageConfig(type="sftp", bucket="backups", options={"host": "h", "user": "u", "pass": "p"})
    storage = storage_of(reach, HERE)
    assert storage.root == "dest:backups"
    assert storage.env["RCLONE_CONFIG_DEST_HOST"] == "h"
    assert storage.env["RCLONE_CONFIG_DEST_PASS"] != "p"


def test_with_a_password_objects_go_through_encryption() -> None:
    storage = storage_of(S3, HERE, Secret("pass phrase"))
    assert RCLONE.download(storage, "x")[-1] == "sealed:x"
    assert storage.env["RCLONE_CONFIG_SEALED_REMOTE"] == "dest:b"
    assert storage.env["RCLONE_CONFIG_SEALED_SUFFIX"] == "none"
    assert "pass phrase" not in str(dict(storage.env))


@pytest.mark.skipif(not Path(Rclone.installed().program).exists(), reason="rclone is not installed")
def test_rclone_reads_what_was_obscured() -> None:
    for password in ("", "p", "pass phrase", "ключ" * 40):
        argv = [Rclone.installed().program, "--config=", "reveal", "--", obscured(password)]
        revealed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert revealed == f"{password}\n"


def test_a_listing_is_read_with_paths_below_the_root() -> None:
    text = b'[{"Path":"x","Name":"x","Size":6,"ModTime":"2026-01-01T00:00:00Z","IsDir":false}]'
    (found,) = read_list(text, "/a/b/")
    assert (found.path, found.name, found.bytes, found.is_folder) == ("a/b/x", "x", 6, False)
    assert list(read_list(b"[\n]\n", "")) == []


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("api error RequestTimeTooSkewed: The difference between…", "refuses this machine's clock"),
        ("NoSuchBucket: The specified bucket does not exist", "no such bucket"),
        ("InvalidAccessKeyId: …", "does not know the access key"),
        ("SignatureDoesNotMatch: …", "does not fit the access key"),
        ("write /x: no space left on device", "it is full"),
        ("dial tcp 127.0.0.1:1: connect: connection refused", "does not answer"),
        ("dial tcp: lookup nowhere: no such host", "no host of that name"),
        ("tls: failed to verify certificate: x509: certificate signed by", "not trusted here"),
        ("2026/01/01 00:00:00 ERROR : something else entirely.", "something else entirely"),
        ("", "did not say why"),
    ],
)
def test_what_a_storage_says_is_explained(said: str, meaning: str) -> None:
    assert meaning in explained(said)
