"""Networks of stacks, which a swarm lets go a moment after what was in them has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.compose import engine as of_engine
from headway.drivers.runtimes.compose import stacks as of_stacks
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.stacks import Stacks
from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.docker.labels import FORWARDER, WAY
from headway.kernel.errors import Unavailable
from tests.support.docker.told_engine import Refusal, told_engine

IN_USE = Refusal(400, "rpc error: code = FailedPrecondition desc = network n1 is in use by task t1")
LOST = Refusal(404, "network n1 not found")
IS_IN_IT = Refusal(403, "endpoint with name shop_web-8080-forwarder already exists in network shop_default")
RUNS_IN_IT = Refusal(500, "shop_web-8080-forwarder is already attached to network shop_default")
FORWARDERS = [{"Id": "f1", "Labels": {WAY: "web:8080", FORWARDER: ""}}]
WAYS = [("shop_default", "web", 8080)]
NOTHING: Any = None


class Told:
    """An engine with one forwarder of a stack, and its network; ``then`` are other answers by their paths, the last
    of which lasts.
    """

    def __init__(self, then: Mapping[str, Sequence[Any]]) -> None:
        self.asked = Counter[str]()
        self.then = then

    def __call__(self, path: str) -> Any:  # noqa: ANN401 - JSON
        self.asked[path] += 1
        if (answers := self.then.get(path)) is not None:
            return answers[min(self.asked[path], len(answers)) - 1]
        if path == "/info":
            return {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True, "NodeID": "node"}}
        if path in {"/services", "/tasks", "/nodes"}:
            return []
        if path == "/containers/json":
            return FORWARDERS
        return [{"Id": "n1", "Scope": "swarm"}] if path == "/networks" else {}


def stacks(api: DockerApi) -> Stacks:
    return Stacks(engine=engine(api), api=api, panel_id="p")


def engine(api: DockerApi) -> Engine:
    return Engine(docker=NOTHING, api=api, machine=NOTHING)


async def test_a_forwarder_whose_network_is_being_let_go_is_started_once_there_is_another(tmp_path: Path) -> None:
    told = Told({"/networks/shop_default/connect": [LOST, IS_IN_IT, RUNS_IN_IT], "/containers/f1/start": [LOST, {}]})
    async with told_engine(tmp_path, told) as api:
        await stacks(api).lead("c1", "shop", WAYS)
    assert (told.asked["/networks/shop_default/connect"], told.asked["/containers/f1/start"]) == (3, 2)


async def test_one_whose_network_stays_away_is_told_of_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_stacks, "_JOIN_SECONDS", 0.3)
    told = Told({"/containers/f1/start": [LOST]})
    async with told_engine(tmp_path, told) as api:
        with pytest.raises(Unavailable, match=r"cannot join it; try again in a moment. .*network n1 not found"):
            await stacks(api).lead("c1", "shop", WAYS)


async def test_what_else_keeps_a_forwarder_from_starting_is_told_at_once(tmp_path: Path) -> None:
    told = Told({"/containers/f1/start": [Refusal(404, "No such container: f1")]})
    async with told_engine(tmp_path, told) as api:
        with pytest.raises(EngineRefused, match="No such container"):
            await stacks(api).lead("c1", "shop", WAYS)
    assert told.asked["/containers/f1/start"] == 1


async def test_a_network_goes_once_the_swarm_has_forgotten_its_tasks(tmp_path: Path) -> None:
    told = Told({"/networks/n1": [IN_USE, IN_USE, {}]})
    async with told_engine(tmp_path, told) as api:
        await engine(api).remove_networks(compose="c1")
    assert told.asked["/networks/n1"] == 3


async def test_one_that_it_never_lets_go_is_told_of_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_engine, "_LET_GO_SECONDS", 0.3)
    told = Told({"/networks/n1": [IN_USE]})
    async with told_engine(tmp_path, told) as api:
        with pytest.raises(Unavailable, match=r"does not let go a network .* in use by task t1"):
            await engine(api).remove_networks(compose="c1")


async def test_one_in_which_somebody_else_is_is_not_waited_for(tmp_path: Path) -> None:
    told = Told({"/networks/n1": [Refusal(403, "error while removing network: network n1 has active endpoints")]})
    async with told_engine(tmp_path, told) as api:
        with pytest.raises(EngineRefused, match="active endpoints"):
            await engine(api).remove_networks(compose="c1")
    assert told.asked["/networks/n1"] == 1


async def test_a_stack_has_ended_when_its_networks_are_let_go_here(tmp_path: Path) -> None:
    empty: dict[str, Any] = {"Containers": {"lb-shop": {}}}
    ends: dict[str, Any] = {"gone": {}, "another's": {"Containers": {"lb-shop": {}, "a1": {}}}}
    for looks, last in ends.items():
        told = Told({"/networks/n1": [empty, empty, last], "/containers/json": [[], [], FORWARDERS]})
        (tmp_path / looks).mkdir()
        async with told_engine(tmp_path / looks, told) as api:
            await stacks(api).end("c1")
        assert (told.asked["/networks/n1"], told.asked["/containers/f1"]) == (3, 1)


async def test_a_copy_of_a_stack_has_the_time_to_end_that_its_file_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_stacks, "_GONE_SECONDS", 0.05)
    spec = {"ContainerSpec": {"StopGracePeriod": 30_000_000_000}}
    status = {"State": "running", "Timestamp": "2026-01-31T10:00:00Z"}
    task = {"ID": "t1", "NodeID": "node", "Spec": spec, "Status": status, "DesiredState": "remove", "CreatedAt": ""}
    nodes = [{"ID": "node", "Status": {"State": "ready"}}]
    told = Told({"/tasks": [[task]] * 5 + [[]], "/nodes": [nodes], "/containers/json": [[]]})
    async with told_engine(tmp_path, told) as api:
        await stacks(api).end("c1")
    assert told.asked["/tasks"] == 6
