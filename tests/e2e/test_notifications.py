"""Must show 5: through a real SMTP server and a receiver that fails half of the time, each event is told at least once
under one id, in order per deployment; none is lost over a SIGKILL between the end of a deployment and the sending, and
repeats come only where the answer was lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.panel import Panel, free_port, git_repository, panel, until
from tests.receivers import Posted, mailbox, receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEPLOYMENTS = 6
CUT = 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Panel]:
    with panel(tmp_path / "data") as started:
        yield started


def answer(number: int) -> int:
    """Half of the requests fail, some of them without an answer."""
    return (200, 500, 200, CUT)[number % 4]


def test_nothing_is_lost_and_all_comes_in_order(running: Panel, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "app", {"Procfile": "web: true\n"})
    application_id = running.application(url, buildCommand="false")
    with receiver(answer) as heard, mailbox(free_port()) as box:
        every = {"name": "all", "endpoint": heard.url, "events": ["application.*"], "quietSeconds": 0}
        channel_id = running.post("notification.create", **every)["notificationId"]
        running.post("notification.create", name="mail", url=box.url, events=["*.error"], quietSeconds=0)
        ids = []
        for _ in range(DEPLOYMENTS):
            ids.append(running.deploy(application_id))
            assert running.ended(ids[-1])["status"] == "error"
            running.kill()  # before it can have told of the end
            running.start()
        expected = 2 * DEPLOYMENTS
        until(lambda: len({each.headers["webhook-id"] for each in heard.taken()}) == expected, 200, what="all is told")
        until(lambda: len({_id_in(text) for _, text in box.mails}) == DEPLOYMENTS, 60, what="all mails came")
        items = running.get("notification.deliveries", notificationId=channel_id)["items"]
    assert len(items) == expected
    assert_told(heard.posted, ids)
    for deployment_id in ids:
        assert any(deployment_id in text for _, text in box.mails)


def assert_told(posted: Sequence[Posted], ids: Sequence[str]) -> None:
    """Each event has one id, comes in its order, and again only where nobody could know that it had come."""
    of_event: dict[tuple[str, str], set[str]] = {}
    for each in posted:
        key = (each.told["data"]["deploymentId"], each.told["type"])
        of_event.setdefault(key, set()).add(each.headers["webhook-id"])
    assert of_event.keys() == {(id_, kind) for id_ in ids for kind in ("application.started", "application.error")}
    assert all(len(found) == 1 for found in of_event.values())
    for deployment_id in ids:
        mine = [each for each in posted if each.told["data"]["deploymentId"] == deployment_id]
        kinds = [each.told["type"] for each in mine]
        assert kinds == sorted(kinds, reverse=True), kinds  # "started" before "error"
    taken = Counter(each.headers["webhook-id"] for each in posted if each.status == 200)
    assert sum(count - 1 for count in taken.values()) <= DEPLOYMENTS, "at most one for each SIGKILL"


def _id_in(text: str) -> str:
    return text.strip().rpartition(" ")[2]
