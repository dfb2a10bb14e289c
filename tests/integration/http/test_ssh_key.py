"""``sshKey.*``: made, kept sealed, never given back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from headway.core.access import store
from headway.infra.db.tables.ssh_keys import ssh_keys
from tests.integration.http.world import World

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (openssh-client)")


def keygen(folder: Path, *options: str, passphrase: str = "") -> tuple[str, str]:
    path = folder / "key"
    argv = ["ssh-keygen", "-q", "-N", passphrase, "-C", "me@here", "-f", str(path), *options]
    subprocess.run(argv, check=True, timeout=60)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


async def test_without_a_private_key_a_pair_is_made(world: World) -> None:
    made = await world.post("sshKey.create", name="deploy key", description="For the forge")
    assert made["publicKey"].startswith("ssh-ed25519 ")
    assert (made["name"], made["description"]) == ("deploy key", "For the forge")
    assert await world.get("sshKey.all") == [made]
    assert await world.get("sshKey.one", sshKeyId=made["sshKeyId"]) == made


@needs_ssh_keygen
@pytest.mark.parametrize(
    "options",
    [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048", "-m", "PEM")],
)
async def test_a_key_of_ones_own_is_kept_and_opened_for_its_use(
    world: World, tmp_path: Path, options: tuple[str, ...]
) -> None:
    private, public = keygen(tmp_path, *options)
    made = await world.post("sshKey.create", name="mine", privateKey=private, publicKey=public)
    assert made["publicKey"] == public
    owner = await world.services.db.read(store.first_owner)
    assert owner is not None
    opened = await world.services.db.read(
        lambda tx: world.services.ssh_keys.open(tx, made["sshKeyId"], owner[1]).reveal()
    )
    path = tmp_path / "opened"
    path.write_text(opened)
    path.chmod(0o600)
    derived = subprocess.run(["ssh-keygen", "-y", "-f", str(path)], capture_output=True, check=True, timeout=60)
    assert derived.stdout.decode().split()[:2] == public.split()[:2]


@needs_ssh_keygen
async def test_the_private_part_is_sealed_and_in_no_answer(world: World, tmp_path: Path) -> None:
    private, public = keygen(tmp_path, "-t", "ed25519")
    made = await world.owner.post("/sshKey.create", json={"name": "k", "privateKey": private, "publicKey": public})
    listed = await world.owner.get("/sshKey.all")
    one = await world.owner.get("/sshKey.one", params={"sshKeyId": made.json()["sshKeyId"]})
    removed = await world.owner.post("/sshKey.remove", json={"sshKeyId": made.json()["sshKeyId"]})
    rows = await world.services.db.read(lambda tx: tx.execute(select(ssh_keys)).all())
    secret = private.splitlines()[3]
    for text in (made.text, listed.text, one.text, removed.text, repr(rows)):
        assert secret not in text
        assert "PRIVATE" not in text
    assert [each.json()["privateKey"] for each in (made, one, removed)] == ["", "", ""]


@needs_ssh_keygen
async def test_halves_that_do_not_belong_together_are_refused(world: World, tmp_path: Path) -> None:
    private, _ = keygen(tmp_path, "-t", "ed25519")
    other = (await world.post("sshKey.create", name="other"))["publicKey"]
    refused = await world.owner.post("/sshKey.create", json={"name": "k", "privateKey": private, "publicKey": other})
    assert (refused.status_code, "other half" in refused.json()["message"]) == (400, True)


@needs_ssh_keygen
async def test_a_key_with_a_passphrase_is_refused(world: World, tmp_path: Path) -> None:
    private, _ = keygen(tmp_path, "-t", "ed25519", passphrase="open sesame")
    refused = await world.owner.post("/sshKey.create", json={"name": "k", "privateKey": private})
    assert (refused.status_code, "passphrase" in refused.json()["message"]) == (400, True)


@pytest.mark.parametrize("private", ["nonsense", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
async def test_what_is_no_key_is_refused_without_repeating_it(world: World, private: str) -> None:
    refused = await world.owner.post("/sshKey.create", json={"name": "k", "privateKey": private})
    assert refused.status_code == 400
    assert "nonsense" not in refused.text
    assert "AAAA" not in refused.text


@pytest.mark.parametrize(("type", "begins"), [("ed25519", "ssh-ed25519 "), ("rsa", "ssh-rsa ")])
async def test_generate_gives_a_pair_and_keeps_nothing(world: World, type: str, begins: str) -> None:
    pair = await world.post("sshKey.generate", type=type)
    assert pair["publicKey"].startswith(begins)
    assert pair["privateKey"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert await world.get("sshKey.all") == []
    kept = await world.post("sshKey.create", name="k", **pair)
    assert kept["publicKey"] == pair["publicKey"]


async def test_a_stranger_can_neither_see_nor_remove_it(world: World) -> None:
    ssh_key_id = (await world.post("sshKey.create", name="k"))["sshKeyId"]
    assert (await world.stranger.get("/sshKey.all")).json() == []
    looked = await world.stranger.get("/sshKey.one", params={"sshKeyId": ssh_key_id})
    removed = await world.stranger.post("/sshKey.remove", json={"sshKeyId": ssh_key_id})
    assert (looked.status_code, removed.status_code) == (404, 404)
    assert looked.json()["message"] == "SSH key not found"
    assert len(await world.get("sshKey.all")) == 1


async def test_a_key_is_renamed_and_named(world: World) -> None:
    key = await world.post("sshKey.create", name="old", description="d")
    changed = await world.post("sshKey.update", sshKeyId=key["sshKeyId"], name="new")
    assert changed == {**key, "name": "new"}
    assert await world.get("sshKey.allForApps") == [{"sshKeyId": key["sshKeyId"], "name": "new"}]
