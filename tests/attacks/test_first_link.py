"""A link to a password is printed once, to whoever has the machine; nobody else comes to one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway import upkeep
from headway.cli.machine import settings_of
from headway.core.access import people_store, sessions_store, tokens
from headway.core.access.passwords import Passwords
from headway.core.access.second_factor import SecondFactors
from headway.core.access.service import AccessService
from headway.core.access.sign_in import LinkGone, SignIn, SignInParts, Visitor
from headway.core.access.throttle import Throttle
from headway.first_key import first_link, prepare, reset_link
from headway.infra.db.engine import SqlDatabase
from headway.kernel.errors import Forbidden
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault
from tests.support.panel.panel import Panel

KEY, NOBODY = "the-owners-key-0123456789-0123456789", 65534
PRINTED = re.compile(r"^To sign in, open within an hour, once: (\S+)/link/(\S+)$", re.MULTILINE)
WAITS = "Nobody signs in with a password yet. A link that sets the first one: headway members link"
SOMEWHERE = Visitor(address="192.0.2.7", agent="A browser")
PASSWORD = "a stone in the brook"


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    made = Panel(tmp_path / "data")
    try:
        yield made
    finally:
        made.clean_up()


def headway(panel: Panel, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line on the panel's machine."""
    return subprocess.run(
        [sys.executable, "-m", "headway.cli.main", *arguments, "--json"],
        env={"PATH": os.environ["PATH"], "HEADWAY_DATA_DIR": str(panel.data_dir), "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def token_of(address: str) -> str:
    return address.rpartition("/link/")[2]


def signing_in(settings: Settings) -> tuple[SqlDatabase, SignIn]:
    """Signing in as the panel of these settings has it, beside it."""
    db, vault = SqlDatabase(settings.database.reveal()), Vault((settings.data_dir / "vault.key").read_bytes())
    throttle = Throttle(vault.derived("sign-in"))
    parts = SignInParts(passwords=Passwords(), throttle=throttle, second_factors=SecondFactors(vault))
    return db, SignIn(db, AccessService(db), parts)


@pytest.mark.slow
async def test_a_link_is_printed_by_the_first_start_alone_and_made_anew_on_the_machine_alone(panel: Panel) -> None:
    panel.start()
    ((address, first),) = PRINTED.findall(panel.log())
    assert address == panel.client.base_url.copy_with(path="").__str__().rstrip("/")
    db, sign_in = signing_in(settings_of(None, {"HEADWAY_DATA_DIR": str(panel.data_dir)}))
    try:
        assert (await sign_in.link(first)).user_name == "Owner"
        made = headway(panel, "members", "link")
        assert made.returncode == 0, made.stderr
        another = token_of(json.loads(made.stdout)["link"])
        with pytest.raises(LinkGone):
            await sign_in.link(first)
        panel.stop()
        panel.start()
        assert (len(PRINTED.findall(panel.log())), panel.log().count(WAITS)) == (1, 1)

        await sign_in.take_link(another, "ona", PASSWORD, SOMEWHERE)
        panel.stop()
        panel.start()
        assert (len(PRINTED.findall(panel.log())), panel.log().count(WAITS)) == (1, 1), "it says nothing any more"
        refused = headway(panel, "members", "link")
        assert (refused.returncode != 0, "headway members reset-password ona" in refused.stderr) == (True, True)
        made = headway(panel, "members", "reset-password", "Ona")
        assert json.loads(made.stdout)["name"] == "Owner", made.stderr
        await sign_in.take_link(token_of(json.loads(made.stdout)["link"]), "ona", PASSWORD[::-1], SOMEWHERE)
        unknown = headway(panel, "members", "reset-password", "nobody")
        assert (unknown.returncode != 0, "Nobody signs in as nobody" in unknown.stderr) == (True, True)
    finally:
        db.close()
    log = panel.client.get("/auditLog.all").json()["logs"]
    told = [(each["procedure"], each["userName"], each["credential"], each["apiKeyId"]) for each in log]
    assert told[1] == ("link.used", "Owner", "session", None)
    assert told[2] == ("link.made", "headway members reset-password", "machine", None)


@pytest.mark.root
async def test_no_other_account_makes_a_link(tmp_path: Path) -> None:
    settings = settings_of(None, {"HEADWAY_DATA_DIR": str(tmp_path / "data"), "HEADWAY_OWNER_KEY": KEY})
    await prepare(settings)
    os.seteuid(NOBODY)
    try:
        for refused in (first_link(settings), reset_link(settings, "Owner", second_factor=True)):
            with pytest.raises(Forbidden, match="by root, or by the account"):
                await refused
    finally:
        os.seteuid(0)
    db = SqlDatabase(settings.database.reveal())
    assert not await db.read(people_store.had_links)
    db.close()


async def test_a_link_leads_to_the_panels_own_name_or_to_its_machine(tmp_path: Path) -> None:
    given = {"HEADWAY_DATA_DIR": str(tmp_path / "data"), "HEADWAY_OWNER_KEY": KEY, "HEADWAY_PORT": "3999"}
    await prepare(settings_of(None, given))
    for more, start in (
        ({}, "http://127.0.0.1:3999/link/"),
        ({"HEADWAY_HOST": "0.0.0.0"}, "http://127.0.0.1:3999/link/"),  # noqa: S104 - it is given, not listened on
        ({"HEADWAY_HOST": "192.0.2.1"}, "http://192.0.2.1:3999/link/"),
        ({"HEADWAY_PUBLIC_URL": "https://panel.example.org/"}, "https://panel.example.org/link/"),
    ):
        assert (await first_link(settings_of(None, given | more))).startswith(start)


def test_a_panel_that_is_restored_lets_nobody_in_by_what_was_good_before(tmp_path: Path) -> None:
    import asyncio

    settings = settings_of(None, {"HEADWAY_DATA_DIR": str(tmp_path / "data"), "HEADWAY_OWNER_KEY": KEY})
    elsewhere = settings_of(None, {"HEADWAY_DATA_DIR": str(tmp_path / "restored")})

    async def come_in() -> tuple[str, str]:
        await prepare(settings)
        db, sign_in = signing_in(settings)
        link = token_of(await first_link(settings))
        opened = await sign_in.take_link(link, "ona", PASSWORD, SOMEWHERE)
        link = token_of((await reset_link(settings, "ona", second_factor=False))[0])
        db.close()
        return opened.token, link

    async def look() -> tuple[bool, bool, bool]:
        db, sign_in = signing_in(elsewhere)
        by_session = await db.read(lambda tx: sessions_store.actor_of(tx, tokens.digest(session)))
        by_link = await db.read(lambda tx: people_store.link_of(tx, tokens.digest(link)))
        opened = await sign_in.sign_in("ona", PASSWORD, SOMEWHERE)
        db.close()
        return by_session is None, by_link is None, bool(opened.token)

    session, link = asyncio.run(come_in())
    upkeep.back_up(settings, tmp_path / "backup", with_logs=False)
    upkeep.put_back(elsewhere, tmp_path / "backup")
    assert asyncio.run(look()) == (True, True, True)
