"""The panel dies at every point of a rollback, and of one that fails; each ends truly, with its domains where they
belong, and nothing half-made is left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proofs._crash_site import LEASE, Site, made
from tests.proofs._lanes import LANES, in_lanes, some, the_same

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
        self.serves = "second"

    def back(self, release_id: str) -> str:
        """Queues a rollback; its id."""
        answer = self.site.panel.client.post("/rollback.rollback", json={"rollbackId": release_id})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def exchange(self) -> str:
        """Queues a rollback to the version that does not serve; its id."""
        self.serves = "second" if self.serves == "old" else "old"
        return self.back(self.first if self.serves == "old" else self.second)

    def led(self) -> dict[str, bool]:
        """Which of the two domains are switched on."""
        rows = self.site.panel.get("domain.byApplicationId", applicationId=self.site.application_id)
        return {row["host"]: row["enabled"] for row in rows if row["host"] in {OLD, NEW}}

    def releases(self) -> list[Any]:
        """The releases that there are."""
        rows: list[Any] = self.site.panel.get("release.all", applicationId=self.site.application_id)
        return rows

    def passed(self, *, fails: bool) -> list[str]:
        """The names of all crash points of a rollback, in order."""
        self.site.crash_at(0)
        row = self.site.panel.ended(self.back(self.first) if fails else self.exchange())
        assert row["status"] == ("error" if fails else "done"), row
        self.site.panel.stop()
        return self.site.passed()


@pytest.fixture
def returning() -> Iterator[list[Return]]:
    """What is to be shown at each of many points is shown at some of them at a time."""
    with contextlib.ExitStack() as stack:
        yield [Return(stack.enter_context(made(**LEASE))) for _ in range(LANES)]


def test_the_panel_is_killed_at_every_crash_point_of_a_rollback(returning: list[Return]) -> None:
    names = the_same([each.passed(fails=False) for each in returning for _ in ("old", "second")])
    print(f"\n{len(names)} crash points in a rollback")

    def prove(each: Return, point: tuple[int, str]) -> None:
        (at, name), site = point, each.site
        site.hasten(at)
        for deployment_id in site.meets(names, at, each.exchange):
            row = site.panel.done(deployment_id, 60)
            assert (site.panel.visit("app").text, row["reason"]) == (each.serves, None)
            assert each.led() == {OLD: each.serves == "old", NEW: each.serves == "second"}, name
            assert site.counted() == site.before, "nothing is built, and no release command is run"
            site.check_nothing_left()
        print(f"  {at:3} {name}: done")

    in_lanes(returning, some(names), prove)


def test_the_panel_is_killed_at_every_crash_point_of_a_rollback_that_fails(returning: list[Return]) -> None:
    for each in returning:
        app = each.site.panel.work / "releases" / each.site.application_id / each.first / "app.py"
        app.write_text("raise SystemExit(9)\n")
    names = the_same([each.passed(fails=True) for each in returning])
    print(f"\n{len(names)} crash points in a rollback that fails")

    def prove(each: Return, point: tuple[int, str]) -> None:
        (at, name), site = point, each.site
        site.hasten(at)
        for deployment_id in site.meets(names, at, lambda: each.back(each.first)):
            row = site.panel.ended(deployment_id, 60)
            assert (row["status"], row["reason"], row["rollback"]) == ("error", "failed", None), (name, row)
            assert site.panel.visit("app").text == "second"
            assert each.led() == {NEW: True}, name
            site.check_nothing_left()
            assert not [release for release in each.releases() if release["releaseId"] == deployment_id]
        print(f"  {at:3} {name}: failed")

    in_lanes(returning, some(names), prove)
