"""Trying a route out: what Traefik says of it, and that nothing of the trial is left."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.trial import RouteRefused
from headway.kernel.artifacts import Redirect, Route, Upstream, Way
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, free_port, processes_of, until

ROUTE = Route(
    application_id="app-1",
    app_name="shop",
    release_id="r1",
    ways=(Way(host="shop.localhost"),),
    upstreams=(Upstream(port=9),),
)
ROUTER = {"rule": "PathPrefix(`/x`)", "service": "shop", "entryPoints": ["web"], "middlewares": ["shop.m"]}


@pytest.fixture
def resting(folder: Path) -> Edge:
    """An edge that does not run: a trial needs none."""
    return Edge(folder / "edge", host="127.0.0.1", port=free_port(), accounts=EDGE_ACCOUNTS)


async def test_what_traefik_takes_passes_and_leaves_nothing(resting: Edge, folder: Path) -> None:
    await asyncio.gather(*(resting.try_out(ROUTE) for _ in range(3)))
    assert list((folder / "edge/scratch").iterdir()) == []
    assert await resting.routes() == {}
    assert resting.pid() is None


@pytest.mark.parametrize(
    ("middleware", "why"),
    [
        ({"redirectRegex": {"regex": "(", "replacement": "x"}}, "missing closing"),
        ({"rateLimit": {"average": "abc"}}, 'parsing "abc"'),
        ({"compres": {}}, "field not found, node: compres"),
        ({"chain": {"middlewares": ["shop.m"]}}, "recursion"),
    ],
)
async def test_what_traefik_does_not_take_is_told_in_its_words(
    resting: Edge, folder: Path, middleware: dict[str, object], why: str
) -> None:
    own: dict[str, dict[str, object]] = {"routers": {"shop.r": ROUTER}, "middlewares": {"shop.m": middleware}}
    with pytest.raises(RouteRefused, match=why) as refused:
        await resting.try_out(dataclasses.replace(ROUTE, own=own))
    assert str(folder) not in refused.value.message


async def test_a_redirect_that_cannot_be_read_is_told_of(resting: Edge) -> None:
    redirect = Redirect(regex="[", replacement="x", permanent=False)
    with pytest.raises(RouteRefused, match="missing closing ]"):
        await resting.try_out(dataclasses.replace(ROUTE, redirects=(redirect,)))


async def test_a_trial_that_is_cut_off_leaves_no_process(resting: Edge, folder: Path) -> None:
    trial = asyncio.create_task(resting.try_out(ROUTE))
    await until(lambda: runs(folder))
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert not runs(folder)


def runs(folder: Path) -> bool:
    """Whether a process that names the folder lives."""
    return bool(processes_of(folder))
