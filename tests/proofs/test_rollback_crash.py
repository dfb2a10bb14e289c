"""The panel dies at every point of a rollback, and of one that fails; each ends truly, with its domains where they
belong, and nothing half-made is left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proofs.test_crash import LEASE, Site, crash_at, made
from tests.support.panel.panel import until

FIRST = int(os.environ.get("CRASH_FROM", "1"))  # to go on where a run was broken off
OLD, NEW = "old.example", "new.example"


class Return:
    """A site with two versions: the first was led to by one domain, the second serves and is led to by another."""

    def __init__(self, site: Site) -> None:
        self.site = site
        panel, application_id = site.panel, site.application_id
        panel.start()
        self.first: str = panel.get("deployment.all", applicationId=application_id)[0]["rollbackId"]
        old = panel.post("domain.create", applicationId=application_id, host=OLD)["domainId"]
        self.second: str = panel.done(site.begin("second"))["rollbackId"]
        panel.post("domain.delete", domainId=old)
        panel.post("domain.create", applicationId=application_id, host=NEW)
        panel.stop()

    def back(self, release_id: str) -> str:
        """Queues a rollback; its id."""
        answer = self.site.panel.client.post("/rollback.rollback", json={"rollbackId": release_id})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def led(self) -> dict[str, bool]:
        """Which of the two domains are switched on."""
        rows = self.site.panel.get("domain.byApplicationId", applicationId=self.site.application_id)
        return {row["host"]: row["enabled"] for row in rows if row["host"] in {OLD, NEW}}

    def restart(self, name: str) -> None:
        """Once the panel has crashed."""
        until(lambda: self.site.panel.process.poll() is not None, 30, what=f"the crash at {name}")  # type: ignore[union-attr]
        self.site.panel.process = None
        self.site.panel.start()


@pytest.fixture
def returning() -> Iterator[Return]:
    with made(**LEASE) as site:
        yield Return(site)


def passed(returning: Return, release_id: str, version: str | None) -> list[str]:
    """The names of all crash points of a rollback, in order."""
    crash_at(returning.site, 0)
    row = returning.site.panel.ended(returning.back(release_id))
    assert row["status"] == ("error" if version is None else "done"), row
    returning.site.panel.stop()
    return (returning.site.folder / "points").read_text().splitlines()


def test_the_panel_is_killed_at_every_crash_point_of_a_rollback(returning: Return) -> None:
    site, targets = returning.site, {"old": returning.first, "second": returning.second}
    names = passed(returning, returning.first, "old")
    passed(returning, returning.second, "second")
    print(f"\n{len(names)} crash points in a rollback")
    before = site.counted()
    for at, name in list(enumerate(names, 1))[FIRST - 1 :]:
        version = "old" if at % 2 else "second"
        crash_at(site, at)
        deployment_id = returning.back(targets[version])
        returning.restart(name)
        row = site.panel.done(deployment_id, 60)
        assert (site.panel.visit("app").text, row["reason"]) == (version, None)
        assert returning.led() == {OLD: version == "old", NEW: version == "second"}, name
        assert site.counted() == before, "nothing is built, and no release command is run"
        site.check_nothing_left()
        print(f"  {at:3} {name}: done")
        site.panel.kill()


def test_the_panel_is_killed_at_every_crash_point_of_a_rollback_that_fails(returning: Return) -> None:
    site, panel = returning.site, returning.site.panel
    app = panel.work / "releases" / site.application_id / returning.first / "app.py"
    app.write_text("raise SystemExit(9)\n")
    names = passed(returning, returning.first, None)
    print(f"\n{len(names)} crash points in a rollback that fails")
    for at, name in list(enumerate(names, 1))[FIRST - 1 :]:
        crash_at(site, at)
        deployment_id = returning.back(returning.first)
        returning.restart(name)
        row = panel.ended(deployment_id, 60)
        assert (row["status"], row["reason"], row["rollback"]) == ("error", "failed", None), (name, row)
        assert panel.visit("app").text == "second"
        assert returning.led() == {NEW: True}, name
        site.check_nothing_left()
        assert not [each for each in _releases(returning) if each["releaseId"] == deployment_id]
        print(f"  {at:3} {name}: {row['reason']}")
        panel.kill()


def _releases(returning: Return) -> list[Any]:
    rows: list[Any] = returning.site.panel.get("release.all", applicationId=returning.site.application_id)
    return rows
