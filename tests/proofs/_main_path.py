"""The main path of a first day: from a repository to an address, over a failure, its mend and a kill to a rollback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.e2e.test_schedules import living
from tests.proofs._hands import Hands, answer_of, left_on
from tests.support.panel.panel import Panel, commit, git_repository, until, web

BUILD = "sh build.sh"


@dataclass(frozen=True)
class Shop:
    """The repository of an application, and a folder in which its build is told to go on."""

    folder: Path
    signs: Path

    def begin(self) -> str:
        """A first version, whose build waits for a sign; its address."""
        wait = f"echo building one\nuntil [ -e {self.signs}/go ]; do sleep 0.05; done\necho it was built\n"
        return git_repository(self.folder, {**web("one"), "build.sh": wait})

    def break_(self) -> None:
        """A version that does not start without a variable."""
        app = web("")["app.py"].replace('b""', "GREETING.encode()")
        app = f'import os\n\nGREETING = os.environ["GREETING"]\n{app}'
        commit(self.folder, {"app.py": app, "build.sh": "echo it was built\n"}, "greet everybody")

    def hang(self, token: str) -> None:
        """A version whose build never ends, and hides some of its processes."""
        hiding = f"(setsid sleep {token} &)\nenv -i setsid sleep {token} &\necho begun\nexec sleep {token}\n"
        commit(self.folder, {"build.sh": hiding}, "build for ever")


def main_path(hands: Hands, running: Panel, shop: Shop) -> str:
    """From a repository over a failure, its mend and a killed build to a rollback; the id of the application."""
    create_from_git(hands, shop.begin(), build=BUILD)
    hands.sees_line("building one")
    (shop.signs / "go").touch()
    hands.sees_line("it was built")
    hands.sees_end("done")
    hands.follow("shop", hands.main)
    application_id = hands.page.url.rpartition("/")[2]
    assert answer_of(hands) == "one"

    shop.break_()
    deploy(hands)
    hands.sees_end("failed")
    why = hands.page.locator("#part-state .why").inner_text()
    assert "GREETING is read from the environment and not set" in why, why
    assert running.visit("shop").text == "one", "what served goes on"
    hands.follow(re.compile("^Line [0-9,]+ of the log"), hands.main)
    hands.sees_line(re.compile("KeyError: 'GREETING'"))
    follow_mend(hands)
    assert answer_of(hands) == "hello"

    kill_a_build(hands, running, shop)
    hands.follow("shop", hands.main)
    hands.follow("Releases", hands.main)
    hands.follow("See what would change", hands.main)
    assert "GREETING" in hands.main.inner_text(), "what it ran with then"
    hands.follow("Roll back", hands.main)
    hands.press("Roll back")
    hands.sees_end("done")
    hands.follow("shop", hands.main)
    assert answer_of(hands) == "one"
    return application_id


def deploy(hands: Hands) -> None:
    """From the page of a service to that of a deployment of it."""
    hands.follow("Deploy", hands.main)
    hands.press("Deploy it")


def create_from_git(hands: Hands, url: str, *, build: str = "", server: str = "") -> None:
    """From wherever to the page of a first deployment."""
    hands.follow("New")
    hands.follow(re.compile("^A git repository"))
    hands.write("Address of the repository", url)
    if server:
        hands.choose("Server", server)
    hands.press("Go on")
    see_detected(hands, "python3 app.py")
    if build:
        hands.write("Build command", build)
    hands.press("Deploy")


def see_detected(hands: Hands, text: str) -> None:
    """What was detected, which is looked for while the page is there; without scripts it is asked for anew."""
    again = "See what was found by now"
    while hands.main.get_by_role("link", name=again).is_visible():
        hands.follow(again, hands.main)
    hands.sees(text)


def follow_mend(hands: Hands) -> None:
    """From a deployment that lacks a variable to the page of a service that has it."""
    hands.follow("its variables", hands.main)
    hands.follow("Add a variable", hands.main)
    hands.write("Name", "GREETING")
    hands.write("Value", "hello")
    hands.press("Add it")
    hands.sees("Added.")
    hands.follow("Overview", hands.main)
    hands.sees("Saved, and not in effect")
    deploy(hands)
    hands.sees_end("done")
    hands.follow("shop", hands.main)


def kill_a_build(hands: Hands, running: Panel, shop: Shop) -> None:
    """Nothing of it is left, which is looked for on the machine."""
    token = f"{700 + uuid4().int % 100}.{uuid4().int % 10**9}"
    shop.hang(token)
    deploy(hands)
    hands.sees_line("begun")
    until(lambda: len(living(token)) >= 3, 20)
    hands.follow("Kill", hands.main)
    hands.press("Kill it")
    hands.sees("Killed: nothing of it is left.")
    deployment_id = hands.sees_end("killed")
    assert (living(token), left_on(running, deployment_id)) == ([], [])
    assert running.visit("shop").text == "hello", "what served goes on"
