"""Whom a release keeps nobody from, once its port is another's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.features.services.application.routing import ApplicationRouting
from headway.features.services.model import Release, ReleaseState
from headway.kernel.artifacts import Route, Upstream, Way

NOTHING: Any = None
OLD = Release(
    release_id="old",
    seq=1,
    service_id="a",
    host_id="local",
    deployment_id="d1",
    state=ReleaseState.RETIRING,
    folder="/x",
    runtime="native",
    port=4100,
    more_ports=(4101,),
    bytes=None,
    commit_hash=None,
    retire_at=None,
    created_at=datetime(2026, 1, 31, tzinfo=UTC),
)


def route(release_id: str, port: int, *before: int) -> Route:
    return Route(
        application_id="a",
        app_name="a",
        release_id=release_id,
        ways=(Way(host="a.localhost"),),
        upstreams=(Upstream(port=port),),
        before=tuple(Upstream(port=each) for each in before),
    )


@dataclass
class OneRoute:
    """An edge with one route at most."""

    kept: Route | None

    async def route(self, _application_id: str) -> Route | None:
        return self.kept

    async def set_route(self, given: Route) -> None:
        self.kept = given

    async def remove_route(self, _application_id: str) -> None:
        self.kept = None


@pytest.mark.parametrize(
    ("standing", "left", "is_away"),
    [
        (route("new", 4200, 4100, 4101), route("new", 4200), False),
        (route("new", 4200, 4101), route("new", 4200), False),
        (route("new", 4200, 4300), route("new", 4200, 4300), False),
        (route("old", 4100), None, True),
        (None, None, True),
    ],
)
async def test_nobody_is_led_to_a_release_whose_port_is_anothers_nor_is_it_asked_beside_the_one_that_serves(
    standing: Route | None,
    left: Route | None,
    is_away: bool,  # noqa: FBT001 - a table
) -> None:
    edge: Any = OneRoute(standing)
    routing = ApplicationRouting(db=NOTHING, edge=edge, vault=NOTHING, facts=NOTHING)
    assert await routing.lead_away(OLD) is is_away
    assert edge.kept == left
