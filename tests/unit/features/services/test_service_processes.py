"""What is shown of the containers of a service."""

from __future__ import annotations

from typing import Any

import pytest

from headway.features.services.pages.service_processes import _container


@pytest.mark.parametrize(
    ("server_id", "leads", "href"),
    [(None, True, "/containers/abc"), ("s1", True, "/containers/servers/s1/abc"), ("s1", False, None)],
)
def test_a_container_leads_to_its_page_for_who_may_see_that(
    server_id: str | None, href: str | None, *, leads: bool
) -> None:
    named = {"containerId": "abc", "name": "shop-web-1", "serviceName": "web", "serverId": server_id}
    row: Any = {**named, "state": "running", "status": "Up 3 seconds (healthy)"}
    assert _container(row, leads=leads)["href"] == href
