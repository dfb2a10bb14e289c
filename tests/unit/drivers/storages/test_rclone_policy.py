"""Which of all that rclone knows a destination may have."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.storages.rclone import Rclone
from headway.drivers.storages.rclone_policy import addresses_of, check_bucket, check_type, judged_options, verdicts
from headway.features.destinations.model import StorageConfig, judged_reach, storage_of
from headway.kernel.errors import InvalidInput

PROVIDERS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "cases" / "rclone-providers.json").read_text())
TYPES = PROVIDERS["types"]
HERE = Path("/data/backups/d")


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_and_option_of_rclone_is_judged(kind: str) -> None:
    said = verdicts()["types"][kind]
    if "refused" in said:
        assert said["refused"] in verdicts()["reasons_of_types"]
        with pytest.raises(InvalidInput):
            check_type(kind)
        return
    check_type(kind)
    check_type(TYPES[kind]["prefix"])
    refused = [name for names in said.get("refused_options", {}).values() for name in names]
    assert sorted([*said["allowed"], *refused]) == TYPES[kind]["options"], "each option has one verdict"
    for name in said["allowed"]:
        assert judged_options(kind, {name: "x"}) == {name: "x"}
    for name in refused:
        for spelled in (name, name.upper(), name.replace("_", "-"), name.title()):
            with pytest.raises(InvalidInput, match="is given to nobody"):
                judged_options(kind, {spelled: "x"})


def test_the_list_is_that_of_the_rclone_that_is_installed() -> None:
    assert verdicts()["types"].keys() == TYPES.keys()
    assert verdicts()["rclone"] == PROVIDERS["version"]
    program = Rclone.installed().program
    if not Path(program).exists():
        pytest.skip("rclone is not installed")
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == PROVIDERS["version"], "judge what the new version has, and write it down"
    listed = json.loads(subprocess.run([program, "config", "providers"], capture_output=True, check=True).stdout)
    assert {each["Name"]: sorted(option["Name"] for option in each["Options"]) for each in listed} == {
        name: each["options"] for name, each in TYPES.items()
    }


@pytest.mark.parametrize(
    "options",
    [
        {"type": "local"},
        {"TYPE": "local"},
        {"Type": "alias", "remote": "/"},
        {"remote": ":local:/etc"},
        {"upstreams": "/etc:"},
        {"a_new_option": "x"},
        {"host": "a", "HOST": "b"},
        {"ho\u017ft": "a"},
        {"host ": "a"},
        {"config_type": "local"},
        {"host": "a\nb"},
        {"": "x"},
    ],
    ids=str,
)
def test_what_is_not_listed_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        judged_options("sftp", options)


@pytest.mark.parametrize("kind", ["local", "alias", "Local", "S3", ":local", "sftp,ssh=id", "sftp:", "", "s3 ", "tar"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(InvalidInput):
        check_type(kind)


@pytest.mark.parametrize(
    "bucket", ["..", "a/../b", "a\\..\\b", ":local:/etc", "b,env_auth=true", "a:b", "a'b", "a\tb", "a\0b"]
)
def test_a_bucket_is_a_bucket(bucket: str) -> None:
    with pytest.raises(InvalidInput):
        check_bucket(bucket)


@pytest.mark.parametrize("bucket", ["backups", "backups/of/shop", "größe", "a b", "var/lib/headway"])
def test_a_folder_elsewhere_has_any_other_name(bucket: str) -> None:
    check_bucket(bucket)


def test_the_type_that_was_judged_is_the_one_that_counts() -> None:
    """Also of what was kept before there was a list."""
    kept = StorageConfig(type="sftp", bucket="var/lib/headway", options={"type": "local", "host": "h"})
    assert storage_of(kept, HERE).env["RCLONE_CONFIG_DEST_TYPE"] == "sftp"
    kept = StorageConfig(type="s3", bucket="b", options={"type": "local", "env_auth": "true"})
    env = storage_of(kept, HERE).env
    assert (env["RCLONE_CONFIG_DEST_TYPE"], env["RCLONE_CONFIG_DEST_ENV_AUTH"]) == ("s3", "false")


def test_options_have_the_names_that_rclone_gives_them() -> None:
    judged = judged_reach(StorageConfig(type="sftp", bucket="b", options={"Host": "h", "KEY-PEM": "k"}))
    assert judged.options == {"host": "h", "key_pem": "k"}
    assert judged.address == ("sftp", "", "", "h")
    assert addresses_of("swift") == ("auth", "storage_url")
