"""What of a machine's memory one organisation's containers may take together."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.memory import beyond, shared, starved

SHARE = 800 << 20


def of(**services: dict[str, Any]) -> dict[str, Any]:
    return {"services": services}


def test_who_says_nothing_has_an_eighth() -> None:
    made = shared(of(web={}, db={"mem_limit": "50m"}, x={"mem_limit": "-1"}), SHARE)["services"]
    assert [each["mem_limit"] for each in made.values()] == [str(100 << 20), "50m", str(100 << 20)]
    limits = {"deploy": {"resources": {"limits": {"memory": "1g"}}}}
    assert shared(of(web=limits), SHARE)["services"]["web"] == limits
    in_swarm = shared(of(web={"deploy": {}}), SHARE, stack=True)["services"]["web"]
    assert in_swarm["deploy"]["resources"]["limits"]["memory"] == str(100 << 20)


@pytest.mark.parametrize(
    ("services", "left"),
    [
        ({"web": {"mem_limit": "801m"}}, None),
        ({"web": {"mem_limit": "100m", "scale": 9}}, None),
        ({"web": {"deploy": {"replicas": 2, "resources": {"limits": {"memory": "401m"}}}}}, None),
        ({"a": {"mem_limit": "300m"}, "b": {"mem_limit": "300m"}}, 500),
        ({"a": {"mem_limit": "300m"}, "b": {"mem_limit": "300m"}}, 800),
    ],
)
def test_together_they_have_no_more_than_the_share(services: dict[str, Any], left: int | None) -> None:
    beside = [] if left is None else [of(other={"mem_limit": f"{800 - left}m"})]
    found = beyond(of(**services), beside, SHARE)
    if left == 800:
        assert found == []
    else:
        (said,) = found
        assert f"{800 if left is None else left} MiB are left" in said


def test_what_applications_take_leaves_an_eighth_of_the_rest() -> None:
    made = shared(of(web={}), SHARE, taken=240 << 20)["services"]["web"]
    assert made["mem_limit"] == str(70 << 20)


@pytest.mark.parametrize(
    ("served", "kept"),
    [
        ({"mem_limit": str(100 << 20)}, 100),
        ({"mem_limit": str(80 << 20)}, 80),
        ({"mem_limit": "8g"}, 100),
        ({}, 100),
        ({"mem_limit": "0"}, 100),
    ],
)
@pytest.mark.parametrize("taken", [SHARE - 8, SHARE, 2 * SHARE])
def test_what_served_with_more_keeps_it(served: dict[str, Any], kept: int, taken: int) -> None:
    file, before = of(web={}), of(web=served)
    made = shared(file, SHARE, taken=taken, served=before)
    assert made["services"]["web"]["mem_limit"] == str(kept << 20)
    assert starved(file, SHARE, taken=taken, served=before) == []
    assert beyond(made, [], SHARE, taken=taken, served=before) == []


@pytest.mark.parametrize("taken", [SHARE - 8, SHARE, 2 * SHARE, SHARE - (500 << 20)])
def test_what_is_new_and_would_have_too_little_is_refused(taken: int) -> None:
    for before in (None, of(db={"mem_limit": "100m"}), of(web={"mem_limit": "10m"})):
        (said,) = starved(of(web={"mem_limit": "0"}, db={"mem_limit": "10m"}), SHARE, taken=taken, served=before)
        assert f"{max(0, SHARE - taken) >> 20} MiB are left" in said
        assert "HEADWAY_ORGANIZATION_MEMORY" in said


def test_no_limit_is_written_that_is_none() -> None:
    for share, taken in ((SHARE, SHARE), (SHARE, 2 * SHARE), (7, 0), (0, 1)):
        made = shared(of(web={"mem_limit": 0}, db={"mem_limit": "0"}), share, taken=taken)["services"]
        assert all(int(each["mem_limit"]) > 0 for each in made.values())
        assert len(starved(of(web={}), share, taken=taken)) == 1


def test_a_small_machine_is_shared_as_it_always_was() -> None:
    assert starved(of(web={}), 80 << 20, taken=0) == []
    assert shared(of(web={}), 80 << 20, taken=0)["services"]["web"]["mem_limit"] == str(10 << 20)


def test_a_file_that_asks_for_no_more_than_it_serves_with_goes_on_beside_applications() -> None:
    file = of(web={"mem_limit": "600m"})
    assert beyond(file, [], SHARE, taken=SHARE, served=file) == []
    assert len(beyond(of(web={"mem_limit": "601m"}), [], SHARE, taken=SHARE, served=file)) == 1
    assert len(beyond(file, [], SHARE, taken=SHARE)) == 1
    assert len(beyond(file, [of(db={"mem_limit": "201m"})], SHARE, served=file)) == 1, "as it was without applications"
