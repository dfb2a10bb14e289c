"""What is shown of the containers of a service."""

from __future__ import annotations

from typing import Any

import pytest

from headway.features.services.pages.service_processes import _container

NEVER = {"restarts": 0, "startedAt": "2026-11-29T12:00:00Z"}


@pytest.mark.parametrize(
    ("server_id", "leads", "href"),
    [(None, True, "/containers/abc"), ("s1", True, "/containers/servers/s1/abc"), ("s1", False, None)],
)
def test_a_container_leads_to_its_page_for_who_may_see_that(
    server_id: str | None, href: str | None, *, leads: bool
) -> None:
    named = {"containerId": "abc", "name": "shop-web-1", "serviceName": "web", "serverId": server_id}
    row: Any = {**named, "state": "running", "status": "Up 3 seconds (healthy)", **NEVER}
    assert _container(row, leads=leads)["href"] == href


@pytest.mark.parametrize(
    ("state", "status", "restarts", "since", "told"),
    [
        ("running", "Up 3 seconds", 0, NEVER["startedAt"], ""),
        ("running", "Up 3 seconds", 1, NEVER["startedAt"], "started again 1 time since it was made"),
        ("running", "Up 3 seconds", None, NEVER["startedAt"], ""),
        ("exited", "Exited (7) 2 minutes ago", 3, None, "exit status 7, started again 3 times since it was made"),
    ],
)
def test_a_container_tells_since_when_it_runs_and_how_often_it_was_started_again(
    state: str, status: str, restarts: int | None, since: str | None, told: str
) -> None:
    named = {"containerId": "abc", "name": "shop-web-1", "serviceName": "web", "serverId": None, **NEVER}
    row: Any = {**named, "state": state, "status": status, "restarts": restarts}
    shown = _container(row, leads=False)
    assert (shown["since"], shown["told"]) == (since, told)
