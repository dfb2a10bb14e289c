"""The step from a table for each kind of service to one for all changes nothing that anybody sees: a panel of the
version before, which has some of everything, is asked all that can be asked; so is this version on the same data, also
where it was killed in the middle of the step, and the version before on what the step has kept. All answers are the
same.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.proofs._upgrade_answers import Answers, Inquiry, Question, differences, told
from tests.proofs._upgrade_around import BEFORE, Around, Upgraded, panel_of, surroundings
from tests.proofs._upgrade_seed import SECONDS, Seed
from tests.proofs.test_upgrade import checkout
from tests.support.applications.kept import carrying, open_folder
from tests.support.databases.postgres import running_cluster
from tests.support.panel.panel import KEY, Panel, commit, panel, until, web

COMMIT = "8c70af0d"  # the last one with a table for each kind of service
KILLS = 3
STEP_SECONDS = 0.3
FEWEST = 600  # answers to what was let in
QUIET_SECONDS = 180.0
ASK_AGAIN_SECONDS = 60.0


@pytest.fixture(scope="module")
def python() -> Iterator[str]:
    """The interpreter of the version before."""
    with checkout(COMMIT) as found:
        yield found


@pytest.mark.root
@pytest.mark.parametrize("form", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_an_upgrade_changes_nothing_that_anybody_sees(form: str, python: str) -> None:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        cluster = stack.enter_context(running_cluster()) if form == "postgres" else None
        around = stack.enter_context(surroundings(folder))
        upgraded = stack.enter_context(panel_of(around, python, cluster))
        seed = Seed(panel=upgraded.panel, around=around)
        with timed(f"{form}: planting"):
            seed.plant()
        inquiry = Inquiry(str(upgraded.panel.client.base_url), seed.callers)
        with timed(f"{form}: exploring"):
            asked = inquiry.explore()
            before = quiet(inquiry, asked)
        print(f"{form}: {told(before)}")
        assert sum(each.status == httpx.codes.OK for each in before.values()) > FEWEST
        upgraded.stop()
        upgraded.copy()

        same_as(before, upgraded, inquiry, f"{form}: the version before, started again", old=True)
        upgraded.stop()
        took = same_as(before, upgraded, inquiry, f"{form}: this version")
        upgraded.stop()
        if form == "sqlite":
            goes_back(before, upgraded, inquiry)
        of_owner = {asked: each for asked, each in before.items() if asked[0] == "owner"}
        for number in range(KILLS):
            upgraded.put_back()
            killed_in_the_middle(upgraded, took, amid_the_step=number % 2 == 0)
            same_as(of_owner, upgraded, inquiry, f"{form}: after kill {number + 1}")
            if number < KILLS - 1:
                upgraded.stop()
        goes_on(seed, around)


def quiet(inquiry: Inquiry, asked: list[tuple[str, Question]]) -> Answers:
    """What is answered once nothing changes by itself any more: the same twice."""
    deadline = time.monotonic() + QUIET_SECONDS
    before = inquiry.ask(asked)
    while found := differences(before, now := inquiry.ask(asked)):
        assert time.monotonic() < deadline, "\n".join(found)
        before = now
    return before


def same_as(before: Answers, upgraded: Upgraded, inquiry: Inquiry, what: str, *, old: bool = False) -> float:
    """Starts a version and asks everything again: all is answered as before, at the latest when what a start looks
    after has been looked after. The seconds that the start took.
    """
    began = time.monotonic()
    upgraded.start(old=old)
    started = time.monotonic() - began
    count = 1
    while found := differences(before, now := inquiry.ask(before)):
        shown = "\n".join(found[:40])
        assert time.monotonic() - began < ASK_AGAIN_SECONDS, f"{what}: {len(found)} of {len(now)} differ:\n{shown}"
        count += 1
    print(f"{what}: up in {started:.1f} s, {len(now)} answers are the same, asked {count} times")
    return started


def goes_back(before: Answers, upgraded: Upgraded, inquiry: Inquiry) -> None:
    """The way back that the page on operations tells of loses nothing."""
    upgraded.put_back(upgraded.kept)
    assert upgraded.schema() == BEFORE
    same_as(before, upgraded, inquiry, "sqlite: the version before, on what was kept", old=True)
    upgraded.stop()


def killed_in_the_middle(upgraded: Upgraded, took: float, *, amid_the_step: bool) -> None:
    """Begins this version on the database of the version before, and kills it at a random moment of a start that
    ``took`` so long, or of the step itself.
    """
    assert upgraded.schema() == BEFORE
    began = time.monotonic()
    upgraded.start(old=False, wait=False)
    if amid_the_step:
        while not upgraded.migrates():
            assert time.monotonic() - began < SECONDS, "the step does not begin"
            time.sleep(0.005)
    time.sleep(random.uniform(0, STEP_SECONDS if amid_the_step else took))
    upgraded.panel.kill()
    print(f"killed after {time.monotonic() - began:.2f} s, at schema {upgraded.schema()}")


def goes_on(seed: Seed, around: Around) -> None:
    """What was made before the upgrade is gone back to, deployed and removed after it."""
    running, shop = seed.panel, seed.ids["shop"]
    assert running.visit("shop").text == "shop four"
    answer = running.client.post("/rollback.rollback", json={"rollbackId": seed.releases[1]})
    running.done(answer.headers["x-deployment-id"], SECONDS)
    assert running.visit("shop").text == "shop two"
    commit(around.folder / "shop", web("shop five"), "version five")
    running.done(running.deploy(shop), SECONDS)
    assert running.visit("shop").text == "shop five"
    releases = [each["releaseId"] for each in running.get("release.all", applicationId=shop)]
    running.post("application.delete", applicationId=shop)
    until(lambda: not left(running, releases), 20, what=f"nothing is left of the shop but {left(running, releases)}")


def left(running: Panel, releases: list[str]) -> list[object]:
    """What there still is of releases outside of the database."""
    return [
        *(path for each in releases for path in running.work.glob(f"releases/*/{each}")),
        *(path for each in releases for path in running.work.glob(f"native/**/*{each}*")),
        *carrying([f"HEADWAY_RELEASE_ID={each}\0".encode() for each in releases]),
    ]


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what} took {time.monotonic() - began:.0f} s")


def test_the_comparison_sees_a_single_value_that_was_changed(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as running:
        made = running.application("https://git.example/x.git", "shop")
        other = running.application("https://git.example/x.git", "other")
        running.post("mounts.create", serviceId=other, type="volume", volumeName="files", mountPath="/files")
        inquiry = Inquiry(str(running.client.base_url), {"owner": KEY})
        asked = inquiry.explore()
        before = inquiry.ask(asked)
        running.stop()
        running.start()
        found = differences(before, inquiry.ask(asked))
        assert found == [], "\n".join(found)
        running.stop()
        with contextlib.closing(sqlite3.connect(running.data_dir / "headway.db")) as connection, connection:
            changed = connection.execute(
                "UPDATE services SET created_at = created_at + 1000000 WHERE service_id = ?", [made]
            )
            assert changed.rowcount == 1
        running.start()
        found = differences(before, inquiry.ask(asked))
        print("\n".join(found))
        assert any(f"application.one applicationId={made}" in each for each in found)
        assert not any(f"applicationId={other}" in each for each in found)
