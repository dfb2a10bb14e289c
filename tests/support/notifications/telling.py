"""Deployments that end while their panel is killed, told to a receiver that fails half of the time and by mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.support.notifications.receivers import Posted, mailbox, receiver
from tests.support.panel.panel import Panel, free_port, git_repository, until

_CUT = 0
_LONGEST_SECONDS = 30


def answer(number: int) -> int:
    """Half of the requests fail, some of them without an answer."""
    return (_CUT, 200, 500, 200)[number % 4]


def assert_all_is_told(running: Panel, folder: Path, deployments: int) -> None:
    """Each of so many deployments fails, and the panel is killed before it can have told of that: all is told, in
    order, each under one id, and again only where nobody could know that it had come.
    """
    url = git_repository(folder / "app", {"Procfile": "web: true\n"})
    application_id = running.application(url, buildCommand="false")
    with receiver(answer) as heard, mailbox(free_port()) as box:
        every = {"name": "all", "endpoint": heard.url, "events": ["application.*"], "quietSeconds": 0}
        channel_id = running.post("notification.create", **every)["notificationId"]
        running.post("notification.create", name="mail", url=box.url, events=["*.error"], quietSeconds=0)
        ids = []
        for _ in range(deployments):
            ids.append(running.deploy(application_id))
            assert running.ended(ids[-1])["status"] == "error"
            running.kill()
            running.start()
        expected, patience = 2 * deployments, _LONGEST_SECONDS * deployments
        until(lambda: len({_id_of(each) for each in heard.taken()}) == expected, patience, what="all is told")
        until(lambda: len({_id_in(text) for _, text in box.mails}) == deployments, patience, what="all mails came")
        items = running.get("notification.deliveries", notificationId=channel_id)["items"]
    assert len(items) == expected
    assert heard.posted != heard.taken(), "none failed, so nothing was shown"
    _assert_told(heard.posted, ids)
    for deployment_id in ids:
        assert any(deployment_id in text for _, text in box.mails)


def _assert_told(posted: Sequence[Posted], ids: Sequence[str]) -> None:
    of_event: dict[tuple[str, str], set[str]] = {}
    for each in posted:
        of_event.setdefault((each.told["data"]["deploymentId"], each.told["type"]), set()).add(_id_of(each))
    assert of_event.keys() == {(id_, kind) for id_ in ids for kind in ("application.started", "application.error")}
    assert all(len(found) == 1 for found in of_event.values())
    for deployment_id in ids:
        kinds = [each.told["type"] for each in posted if each.told["data"]["deploymentId"] == deployment_id]
        assert kinds == sorted(kinds, reverse=True), kinds  # "started" before "error"
    taken = Counter(_id_of(each) for each in posted if each.status == 200)
    assert sum(count - 1 for count in taken.values()) <= len(ids), "at most one for each SIGKILL"


def _id_of(posted: Posted) -> str:
    return posted.headers["webhook-id"]


def _id_in(text: str) -> str:
    return text.strip().rpartition(" ")[2]
