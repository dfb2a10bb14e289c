"""Pull requests in each forge's words, written after its documentation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.drivers.forges import github_style
from headway.drivers.forges.bitbucket.deliveries import pull_of as bitbucket_pull
from headway.drivers.forges.events import Other, Pull
from headway.drivers.forges.gitlab.deliveries import pull_of as gitlab_pull

Json = Any
HEAD = "a" * 40
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def github(*, fork: bool = False, state: str = "open", action: str = "opened") -> Json:
    theirs = "stranger/app" if fork else "team/app"
    return {
        "action": action,
        "pull_request": {
            "number": 7,
            "title": "T",
            "state": state,
            "html_url": "https://forge.example/7",
            "updated_at": "2026-01-02T03:04:05Z",
            "user": {"login": "ann"},
            "head": {"ref": "change", "sha": HEAD, "repo": {"full_name": theirs}},
            "base": {"ref": "main", "repo": {"full_name": "Team/app"}},
            "labels": [{"name": "preview"}],
        },
    }


def gitlab(*, fork: bool = False, state: str = "opened", action: str = "open") -> Json:
    return {
        "object_kind": "merge_request",
        "user": {"username": "ann"},
        "labels": [{"title": "preview"}],
        "object_attributes": {
            "iid": 7,
            "title": "T",
            "url": "https://forge.example/7",
            "action": action,
            "state": state,
            "updated_at": "2026-01-02 03:04:05 UTC",
            "source_branch": "change",
            "target_branch": "main",
            "source_project_id": 2 if fork else 1,
            "target_project_id": 1,
            "last_commit": {"id": HEAD, "author": {"name": "ann"}},
        },
    }


def bitbucket(*, fork: bool = False, state: str = "OPEN") -> Json:
    theirs = "stranger/app" if fork else "team/app"
    place = {"links": {"html": {"href": f"https://bitbucket.org/{theirs}"}}, "full_name": theirs}
    return {
        "pullrequest": {
            "id": 7,
            "title": "T",
            "state": state,
            "updated_on": "2026-01-02T03:04:05+00:00",
            "links": {"html": {"href": "https://forge.example/7"}},
            "author": {"nickname": "ann"},
            "source": {"branch": {"name": "change"}, "commit": {"hash": HEAD}, "repository": place},
            "destination": {"branch": {"name": "main"}, "repository": {"full_name": "team/app"}},
        }
    }


READ: dict[str, tuple[Callable[..., Json], Callable[[Json], object], str]] = {
    "github": (github, github_style.pull_of, "closed"),
    "gitlab": (gitlab, gitlab_pull, "merged"),
    "bitbucket": (bitbucket, lambda payload: bitbucket_pull(payload, "pullrequest:created"), "MERGED"),
}


def pull_of(event: object) -> Pull:
    assert isinstance(event, Pull)
    return event


@pytest.mark.parametrize("forge", READ)
def test_each_forge_tells_the_same(forge: str) -> None:
    payload, read, _ = READ[forge]
    pull = pull_of(read(payload()))
    assert (pull.number, pull.title, pull.url, pull.author) == (7, "T", "https://forge.example/7", "ann")
    assert (pull.branch, pull.head, pull.base, pull.told_at) == ("change", HEAD, "main", THEN)
    assert (pull.fork, pull.is_open, pull.is_new) == (False, True, True)
    assert pull.labels == (() if forge == "bitbucket" else ("preview",))


@pytest.mark.parametrize("forge", READ)
def test_forks_and_ends_are_known(forge: str) -> None:
    payload, read, closed = READ[forge]
    assert pull_of(read(payload(fork=True))).fork
    assert not pull_of(read(payload(state=closed))).is_open


def test_a_fork_that_is_gone_is_a_fork() -> None:
    payload = github()
    payload["pull_request"]["head"]["repo"] = None
    assert pull_of(github_style.pull_of(payload)).fork


@pytest.mark.parametrize("payload", [{}, {"pull_request": None}, {"pull_request": {"number": -1}}, {"number": True}])
def test_what_is_no_pull_request_is_none(payload: Json) -> None:
    assert isinstance(github_style.pull_of(payload), Other)
    assert isinstance(gitlab_pull(payload), Other)
    assert isinstance(bitbucket_pull(payload, "x"), Other)
