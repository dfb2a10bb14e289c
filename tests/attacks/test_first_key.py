"""No variable brings a key back that was taken away; whoever has the machine replaces a lost one, and that shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headway.cli.machine import settings_of
from headway.first_key import prepare, replace
from headway.kernel.errors import Forbidden
from tests.support.panel.panel import Panel

pytestmark = pytest.mark.slow

GONE, MINE = "taken-away-and-gone-for-good-0123456789", "another-key-of-the-owner-0123456789"
UNAUTHORIZED, NOBODY = 401, 65534


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    made = Panel(tmp_path / "data")
    made.env.pop("HEADWAY_API_KEY")
    try:
        yield made
    finally:
        made.clean_up()


def status(panel: Panel, key: str) -> int:
    """How the panel answers to a key."""
    return panel.client.get("/user.get", headers={"x-api-key": key}).status_code


def call(panel: Panel, key: str, procedure: str, **body: object) -> httpx.Response:
    """A mutation with a key."""
    answer = panel.client.post(f"/{procedure}", headers={"x-api-key": key}, json=body)
    assert answer.status_code == 200, answer.text
    return answer


def keys_reset(panel: Panel) -> subprocess.CompletedProcess[str]:
    """``headway keys reset`` on the machine."""
    return subprocess.run(
        [sys.executable, "-m", "headway.cli.main", "keys", "reset", "--yes", "--json"],
        env={"PATH": os.environ["PATH"], "HEADWAY_DATA_DIR": str(panel.data_dir), "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_key_that_was_taken_away_stays_so_over_every_start(panel: Panel) -> None:
    panel.start(HEADWAY_OWNER_KEY=GONE, HEADWAY_API_KEY="not-this-one")
    assert "will end" not in panel.log()
    assert status(panel, "not-this-one") == UNAUTHORIZED, "the owner's key wins"
    mine = call(panel, GONE, "user.createApiKey", name="mine").json()["key"]
    (first,) = [
        each["id"]
        for each in panel.client.get("/user.apiKeys", headers={"x-api-key": mine}).json()
        if each["name"] == "owner"
    ]
    call(panel, mine, "user.deleteApiKey", apiKeyId=first)
    panel.stop()
    (panel.data_dir / "owner.key").unlink()
    for variable in ("HEADWAY_OWNER_KEY", "HEADWAY_API_KEY"):
        panel.env |= {variable: GONE}
        panel.start()
        assert status(panel, GONE) == UNAUTHORIZED
        assert len(panel.client.get("/user.apiKeys", headers={"x-api-key": mine}).json()) == 1
        panel.stop()
        assert not (panel.data_dir / "owner.key").exists()
        assert GONE not in (panel.data_dir / "settings.env").read_text()
    assert "HEADWAY_OWNER_KEY is for the very first start, and changes nothing here" in panel.log()


def test_a_lost_key_is_replaced_on_the_machine_and_the_log_tells_of_it(panel: Panel) -> None:
    panel.start(HEADWAY_API_KEY=GONE)
    assert "HEADWAY_OWNER_KEY for it" in panel.log(), "the old way says what to do"
    other = call(panel, GONE, "user.createApiKey", name="ci").json()["key"]

    made = keys_reset(panel)
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)["key"]
    assert (status(panel, key), status(panel, other)) == (200, 200), "while it runs"
    assert (panel.data_dir / "owner.key").read_text().strip() == key
    log = panel.client.get("/auditLog.all", headers={"x-api-key": key}).json()["logs"]
    assert (log[0]["procedure"], log[0]["userName"]) == ("keys.reset", "headway keys reset")
    panel.stop()

    again = json.loads(keys_reset(panel).stdout)["key"]
    panel.start(HEADWAY_API_KEY=GONE)
    assert [status(panel, each) for each in (GONE, key, again, other)] == [UNAUTHORIZED, UNAUTHORIZED, 200, 200]


@pytest.mark.root
async def test_no_other_account_replaces_a_key(tmp_path: Path) -> None:
    env = {"HEADWAY_DATA_DIR": str(tmp_path / "data"), "HEADWAY_OWNER_KEY": GONE}
    settings = settings_of(None, env)
    await prepare(settings)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(Forbidden, match="by root, or by the account"):
            await replace(settings)
    finally:
        os.seteuid(0)
    assert (tmp_path / "data" / "owner.key").read_text().strip() == GONE


def test_no_unit_and_no_file_of_settings_gets_a_key(panel: Panel) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "headway.cli.main", "install", "--dry-run", "--name", "attacked"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nowhere",
            "HEADWAY_API_KEY": GONE,
            "HEADWAY_OWNER_KEY": MINE,
            "HEADWAY_DATA_DIR": str(panel.data_dir),
            "HEADWAY_PORT": "3999",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "HEADWAY_PORT" in shown
    assert not any(word in shown for word in ("API_KEY", "OWNER_KEY", GONE, MINE))
