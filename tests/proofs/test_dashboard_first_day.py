"""Must show 1 of the dashboard: a whole first day in a browser, by what pages show and by no address, against a real
panel with real deployments and a server; its main path without scripts, and by keyboard alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.proofs._hands import PASSWORD, Hands, Keys, Loads, answer_of, at_browser, places_of, sign_in_by_link
from tests.proofs._main_path import Shop, create_from_git, main_path
from tests.support.applications.kept import open_folder
from tests.support.machines.server_roots import MISSING, RootedServer, remove_groups, rooted_server
from tests.support.panel.browser import CHROMIUM, FLAGS
from tests.support.panel.panel import Panel, free_port, git_repository, panel, web
from tests.support.storages.archives import packed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]
NO_SERVER = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
VISITS = 'echo visited >>"$DATA_DIR/visits"; echo "visits: $(wc -l <"$DATA_DIR/visits")"'


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_folder() as signs:
        yield Shop(tmp_path / "shop", signs)


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def run_schedule(hands: Hands, visits: int) -> None:
    """Runs the schedule that is shown, which counts its visits in what stays."""
    hands.follow("Run now", hands.main)
    hands.press("Run it now")
    hands.sees_line(f"visits: {visits}")
    hands.sees_end("done")


def schedule(hands: Hands) -> None:
    hands.go_to("Schedules")
    hands.follow("Add a schedule", hands.main)
    hands.follow("shop", hands.main)
    hands.write("Name", "visits")
    hands.write("When", "0 3 * * *")
    hands.write("Script", VISITS)
    hands.press("Add it")
    hands.sees("Saved.")
    run_schedule(hands, 1)


def back_up_and_restore(hands: Hands, kept: Path) -> None:
    hands.go_to("Destinations")
    hands.follow("Add a folder", hands.main)
    hands.write("Name", "beside")
    hands.press("Add it")
    hands.follow("Test", hands.main)
    hands.press("Test it")
    hands.sees("It can be written to and read from.")

    hands.go_to("Backups")
    hands.follow("Add a backup", hands.main)
    hands.follow("shop", hands.main)
    hands.follow("Back up its data folder or a volume", hands.main)
    hands.write("Name", "of visits")
    hands.write("Volume", "data")
    hands.choose("Goes to", "beside")
    hands.press("Add it")
    hands.follow("Run now", hands.main)
    hands.press("Run it now")
    hands.sees_end("done")

    hands.go_to("Schedules")
    hands.follow("visits", hands.main)
    run_schedule(hands, 2)
    hands.go_to("Backups")
    hands.follow("of visits", hands.main)
    hands.follow(re.compile("."), hands.page.get_by_role("table", name="Files of this backup"))
    hands.follow("Restore", hands.main)
    hands.write("Type “data” to go on", "data")
    hands.press("Restore it", careful=True)
    hands.sees_end("done")
    assert kept.read_text() == "visited\n"
    hands.go_to("Schedules")
    hands.follow("visits", hands.main)
    run_schedule(hands, 2)


def add_server(hands: Hands, server: RootedServer) -> None:
    hands.go_to("SSH keys")
    hands.follow("New SSH key", hands.main)
    hands.write("Name", "to far")
    hands.unfold("More", hands.main)
    hands.write("Private key", server.key.reveal())
    hands.press("Make it")
    hands.go_to("Servers")
    hands.follow("Add a server", hands.main)
    hands.write("Name", "far")
    hands.write("Address", server.address)
    hands.write("Port", str(server.port))
    hands.choose("SSH key", "to far")
    hands.press("Add it")
    hands.follow("Test the connection", hands.main)
    hands.sees("it answers")


def deploy_there(hands: Hands, running: Panel, server: RootedServer, folder: Path) -> None:
    create_from_git(hands, git_repository(folder, web("far away")), server="far")
    hands.sees_end("done")
    assert len(server.living("app.py")) > 0
    hands.follow("away", hands.main)
    address = hands.page.locator("#part-standing").get_by_role("link", name=re.compile("^http:")).inner_text()
    host = {"host": urlsplit(address).hostname or ""}
    answer = httpx.get(f"http://{server.address}:{running.edge_port}/", headers=host, timeout=10, trust_env=False)
    assert answer.text == "far away"
    hands.go_to("Servers")
    hands.follow("far", hands.main)
    hands.sees("away")


def send_archive(hands: Hands, folder: Path) -> None:
    archive = folder / "folder.tar.gz"
    archive.write_bytes(packed(web("from an archive")))
    hands.follow("New")
    hands.follow(re.compile("^An archive"))
    hands.write("Name", "packed")
    hands.press("Go on")
    hands.page.get_by_label("Archive", exact=True).set_input_files(archive)
    hands.press("Send and deploy")
    hands.sees_end("done")
    hands.follow("packed", hands.main)
    assert answer_of(hands) == "from an archive"


def invite_and_remove(hands: Hands, member: Hands) -> None:
    hands.go_to("Members")
    hands.follow("Invite somebody", hands.main)
    hands.write("E-mail address", "member@example.org")
    hands.page.get_by_label("default", exact=True).check()
    hands.press("Make the link", careful=True)
    link = hands.page.get_by_label("Link", exact=True).input_value()
    hands.follow("I have kept it", hands.main)

    member.page.goto(link)
    member.write("Name to sign in with", "member")
    member.write("Password", PASSWORD)
    member.press("Join")
    member.page.wait_for_url("**/home")
    assert member.page.get_by_role("link", name="New", exact=True).count() == 0, "it is for admins"
    member.go_to("Services")
    member.follow("shop", member.main)
    assert member.page.get_by_role("link", name="Danger", exact=True).count() == 0, "so is this"
    member.follow("Stop", member.main)
    member.press("Stop it")
    member.follow("Start", member.main)
    member.press("Start it")
    member.sees("Brought up again")

    hands.go_to("Members")
    hands.follow(re.compile("member"), hands.page.get_by_role("table", name="Members"))
    hands.follow("Remove", hands.main)
    hands.press("Remove them", careful=True)
    hands.sees("Removed: their keys and sessions have ended.")
    member.sees("You are signed out.", member.page.locator("body"))
    member.follow("Sign in again")
    member.write("Name", "member")
    member.write("Password", PASSWORD)
    member.press("Sign in")
    assert member.page.get_by_label("Password").count() == 1, "who is no member is not let in"


def read_everything(hands: Hands) -> None:
    """Opens each place, and each topic of a service."""
    for place in places_of(hands):
        hands.go_to(place)
        assert hands.page.get_by_role("heading", level=1).count() == 1, place
    hands.go_to("Services")
    hands.follow("shop", hands.main)
    topics = hands.page.get_by_role("navigation", name="Topics of this service")
    named = topics.get_by_role("link").all_inner_texts()
    assert {"Overview", "Log", "Variables", "Domains", "Settings", "Releases", "Danger"} <= {*named}
    for each in named:
        hands.follow(each, topics)
        assert topics.locator("[aria-current]").inner_text() == each
        assert hands.page.get_by_role("heading", level=1).inner_text() == "shop"


@NO_SERVER
@pytest.mark.root
def test_a_whole_first_day_by_clicks(tmp_path: Path, shop: Shop) -> None:
    with rooted_server(tmp_path / "server") as server:
        edges = {"HEADWAY_SERVER_EDGE_HOST": server.address, "HEADWAY_HTTPS_PORT": str(free_port())}
        with (
            panel(tmp_path / "data", HEADWAY_CONCURRENCY="2", **edges) as running,
            chromium() as browser,
            at_browser(running, browser, Hands) as hands,
            at_browser(running, browser, Hands, quiet=False) as member,
        ):
            sign_in_by_link(hands, running)
            application_id = main_path(hands, running, shop)
            schedule(hands)
            back_up_and_restore(hands, running.work / "data" / application_id / "visits")
            add_server(hands, server)
            deploy_there(hands, running, server, tmp_path / "away")
            send_archive(hands, tmp_path)
            invite_and_remove(hands, member)
            read_everything(hands)
        server.stop()
        remove_groups(tmp_path / "data")


def test_the_main_path_and_all_reading_without_scripts(tmp_path: Path, shop: Shop) -> None:
    with (
        panel(tmp_path / "data", HEADWAY_CONCURRENCY="2") as running,
        chromium() as browser,
        at_browser(running, browser, Loads, scripts=False) as hands,
    ):
        sign_in_by_link(hands, running)
        main_path(hands, running, shop)
        schedule(hands)
        read_everything(hands)
        find_in_list_and_log(hands)
        hands.go_to("Services")
        hands.follow("shop", hands.main)
        hands.follow("Stop", hands.main)
        hands.press("Stop it")
        hands.sees("Stopped: nothing of it runs")
        assert running.visit("shop").status_code == 404
        hands.press("Sign out")
        hands.page.wait_for_url("**/sign-in?said=out")


def find_in_list_and_log(hands: Hands) -> None:
    hands.go_to("Deployments")
    hands.write("Title, commit or error", "GREETING")
    hands.press("Search")
    rows = hands.page.locator("tr.row-deployment")
    assert (rows.count(), rows.first.inner_text().split()[0]) == (1, "failed")
    hands.follow(re.compile("."), rows.locator(".cell-main"))
    hands.write("Find in the log", "keyerror")
    hands.press("Search")
    assert "KeyError: 'GREETING'" in hands.page.locator("#find").inner_text()
    hands.follow("Back to the log", hands.main)
    hands.sees_line(re.compile("KeyError: 'GREETING'"))


def test_the_main_path_by_keyboard_alone(tmp_path: Path, shop: Shop) -> None:
    with (
        panel(tmp_path / "data", HEADWAY_CONCURRENCY="2") as running,
        chromium() as browser,
        at_browser(running, browser, Keys) as hands,
    ):
        sign_in_by_link(hands, running)
        main_path(hands, running, shop)
        hands.page.keyboard.press("g")
        hands.page.keyboard.press("d")
        hands.page.wait_for_url("**/deployments")
        hands.page.keyboard.press("?")
        hands.page.get_by_role("dialog", name="Keys").wait_for()
        hands.page.keyboard.press("Escape")
        print(f"\n{hands.stops} stops by Tab, each of which shows that it has the focus")
        assert (list(hands.wrong), hands.stops > 100) == ([], True)
