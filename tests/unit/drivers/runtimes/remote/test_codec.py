"""Records across the link: what is sent arrives as it was, and nothing else can be made of an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.drivers.runtimes.contract.inner_places import InContainer, Inside
from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus, ReleaseStatus
from headway.drivers.runtimes.remote.codec import NotUnderstood, decode, encode
from headway.drivers.runtimes.remote.contract import CONTRACTS, types_of
from headway.infra.hosts.consumption import GroupReading, MachineReading
from headway.kernel.artifacts import (
    Artifact,
    Bundle,
    HealthCheck,
    HealthKind,
    Image,
    Login,
    Process,
    ReleaseSpec,
    Route,
    Upstream,
    Way,
)
from headway.kernel.secret import Secret

SPEC = ReleaseSpec(
    release_id="r",
    deployment_id="r",
    application_id="a",
    app_name="app",
    artifact=Bundle(folder="/srv/x", processes=(Process(name="web", command="run", scale=2),), path=("bin",)),
    uid=1,
    gid=None,
    port=20_000,
    env={"TOKEN": Secret("hidden")},
    health=HealthCheck(kind=HealthKind.HTTP, path="/up", deadline_seconds=3),
)
ROUTE = Route(
    application_id="a",
    app_name="app",
    release_id="r",
    ways=(Way(host="a.example", upstreams=(Upstream(port=1),)),),
    upstreams=(Upstream(port=2, scheme="h2c"),),
    logins=(Login(username="u", hash="h"),),
    own={"routers": {"one": {"rule": "x", "priority": 3}}},
)
UP = ProcessStatus(
    name="web", state=ProcessState.RUNNING, pid=3, since=datetime(2026, 1, 1, tzinfo=UTC), exits=0, last_exit=None
)

READING = MachineReading(
    boot="b",
    at=1 << 40,
    cores=2,
    cpu=1 << 50,
    memory=3,
    memory_size=4,
    groups={"r": GroupReading(made=1, cpu=2, memory=3, roots=["10 5"])},
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (SPEC, ReleaseSpec),
        (ROUTE, Route),
        ({"a": ROUTE}, dict[str, Route]),
        (Image(reference="sha256:1", name="n", ports=(80,)), Artifact),
        (ReleaseStatus(release_id="r", processes=(UP,)), ReleaseStatus),
        (InContainer(container_id="c", pid=None), Inside),
        (READING, MachineReading),
        ({"x", "y"}, set[str]),
        (None, Route | None),
    ],
)
def test_what_is_sent_arrives_as_it_was(value: object, kind: Any) -> None:  # noqa: ANN401 - any type
    assert decode(json.loads(json.dumps(encode(value))), kind) == value


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("yes", bool),
        (1, str),
        ({"is": "Path", "folder": "/"}, Artifact),
        ({"is": "Bundle"}, Artifact),
        ({"release_id": "r", "processes": [], "more": 1}, ReleaseStatus),
        ({"release_id": "r", "processes": [{"name": "x", "state": "flying"}]}, ReleaseStatus),
        (["a", 3], set[str]),
        ("x", Route | None),
    ],
)
def test_nothing_else_is_made_of_an_answer(told: object, kind: Any) -> None:  # noqa: ANN401 - any type
    with pytest.raises(NotUnderstood):
        decode(told, kind)


def test_every_call_of_the_contracts_has_types() -> None:
    for part, contract in CONTRACTS.items():
        for method in (name for name in vars(contract) if not name.startswith("_")):
            assert types_of(part, method)
    with pytest.raises(KeyError):
        types_of("native", "shut_down")
