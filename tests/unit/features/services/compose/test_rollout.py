"""Which services a deploy touches, and what of a release is there."""

from __future__ import annotations

from typing import Any

from headway.drivers.runtimes.compose.engine import Image
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.ways import Way
from headway.drivers.runtimes.contract.machine import Port
from headway.features.services.compose.model import Record, ReleasedService
from headway.features.services.compose.presence import outdated, to_make, to_start
from headway.features.services.compose.rollout import left_by_failure, orphaned, rollout, to_bring_up, wanted_ports

IMAGE = Image(image_id="sha256:0", checks_health=False)


def file(**services: dict[str, Any]) -> dict[str, Any]:
    return {"services": {name: {"image": "i", "labels": {}, **keys} for name, keys in services.items()}}


def container(service: str, deployment_id: str, status: str = "running", **state: Any) -> Container:  # noqa: ANN401
    plain: dict[str, Any] = {
        "container_id": f"{service} of {deployment_id}",
        "name": service,
        "image": "i",
        "labels": {"com.docker.compose.service": service, "headway.deployment": deployment_id},
        "status": status,
        "exit_code": 0,
        "out_of_memory": False,
        "restarts": 0,
        "restart_policy": "no",
        "started_at": "",
        "health": None,
        "health_said": "",
        "addresses": {},
        "ports": (),
        "published": frozenset(),
        "mounts": (),
        "has_terminal": False,
    }
    return Container(**(plain | state))


def planned(
    wanted: dict[str, Any], running: list[Container], before: Record | None = None, deployment_id: str = "new"
) -> Any:  # noqa: ANN401 - a Rollout
    return rollout(Record(file=wanted), dict.fromkeys(wanted["services"], IMAGE), before, running, deployment_id)


def test_at_first_every_service_is_begun_and_carries_its_deployment() -> None:
    made = planned(file(web={}, db={}), [])
    assert made.ways == {"web": Way.BEGUN, "db": Way.BEGUN}
    assert {each.deployment_id for each in made.record.services.values()} == {"new"}
    assert made.record.file["services"]["web"]["labels"] == {"headway.deployment": "new"}


def test_an_unchanged_service_is_left_with_the_deployment_that_made_it() -> None:
    first = planned(file(web={}, db={}), [], deployment_id="old").record
    running = [container("web", "old"), container("db", "old")]
    made = planned(file(web={"environment": {"A": "1"}}, db={}), running, first)
    assert made.ways == {"web": Way.IN_PLACE, "db": Way.KEPT}
    assert {name: each.deployment_id for name, each in made.record.services.items()} == {"web": "new", "db": "old"}
    assert to_bring_up(made, running) == ["web"]


def test_an_unchanged_service_that_has_gone_down_is_brought_up_and_one_that_has_done_its_work_is_not() -> None:
    first = planned(file(web={}, once={}), [], deployment_id="old").record
    services = dict(first.services)
    services["once"] = ReleasedService(
        fingerprint=services["once"].fingerprint, deployment_id="old", replicas=1, stays=False
    )
    before = Record(file=first.file, services=services)
    running = [container("web", "old", "exited"), container("once", "old", "exited")]
    assert to_bring_up(planned(file(web={}, once={}), running, before), running) == ["web"]


def test_what_the_file_has_no_more_is_an_orphan() -> None:
    running = [container("web", "old"), container("db", "old")]
    assert [each.service for each in orphaned(planned(file(web={}), running), running)] == ["db"]


def test_a_failure_tells_what_it_leaves() -> None:
    first = planned(file(web={}), [], deployment_id="old").record
    in_place = planned(file(web={"command": ["x"]}), [container("web", "old")], first)
    kept = planned(file(web={}), [container("web", "old")], first)
    assert left_by_failure(in_place, served=True).startswith("web could only be replaced in place")
    assert left_by_failure(kept, served=True) == "The containers of before go on."
    assert left_by_failure(planned(file(web={}), []), served=False).startswith("Nothing of it runs")


def test_the_ports_that_a_service_wants_and_does_not_have_are_asked_for() -> None:
    wanted = file(web={"ports": [{"published": "81", "host_ip": "127.0.0.1"}, {"published": "53", "protocol": "udp"}]})
    named, open_to_all = Port(number=81, address="127.0.0.1"), Port(number=53, datagrams=True)
    assert wanted_ports(wanted, ["web"], []) == [(named, "web"), (open_to_all, "web")]
    assert wanted_ports(wanted, ["web"], [container("web", "old", published=frozenset({81}))]) == [(open_to_all, "web")]
    assert wanted_ports(wanted, [], []) == []


def test_of_a_release_that_lost_containers_the_rest_is_started_and_the_lost_are_made() -> None:
    record = planned(file(web={"scale": 2}, db={}), [], deployment_id="old").record
    there = [container("web", "old", "exited"), container("web", "newer"), container("db", "old")]
    assert to_start(record, there) == ["web of old"]
    assert to_make(record, there) == {"web": 3}
    assert [each.container_id for each in outdated(record, there)] == ["web of newer"]
