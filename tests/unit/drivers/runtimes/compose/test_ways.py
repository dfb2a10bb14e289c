"""How each service gets from the containers that run to those that are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.ways import Before, Way, checks_health, stands_beside, way_of

CHECKED: dict[str, Any] = {"image": "a", "healthcheck": {"test": ["CMD", "true"]}}


def model(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"services": {"web": {**CHECKED, **keys}, "other": {"image": "b"}}}


@pytest.mark.parametrize(
    ("before", "is_new", "way"),
    [
        (Before(fingerprint="now", runs=True), False, Way.KEPT),
        (Before(fingerprint="now", runs=False), True, Way.KEPT),
        (Before(fingerprint="then", runs=True), False, Way.BESIDE),
        (Before(fingerprint="then", runs=False), False, Way.IN_PLACE),
        (Before(fingerprint="then", runs=False), True, Way.BEGUN),
        (None, True, Way.BEGUN),
        (None, False, Way.IN_PLACE),
    ],
)
def test_a_service_goes_one_of_four_ways(before: Before | None, is_new: bool, way: Way) -> None:  # noqa: FBT001
    assert way_of(model(), "web", fingerprint="now", before=before, image_checks=False, is_new=is_new) is way


@pytest.mark.parametrize(
    "keys",
    [
        {"healthcheck": None},
        {"healthcheck": {"disable": True}},
        {"healthcheck": {"test": ["NONE"]}},
        {"volumes": [{"type": "volume", "source": "v", "target": "/v"}]},
        {"volumes": [{"type": "bind", "source": "/x", "target": "/x"}]},
        {"ports": [{"target": 80, "published": "8080"}]},
        {"network_mode": "service:other"},
        {"networks": {"default": {"ipv4_address": "10.0.0.2"}}},
        {"mac_address": "02:42:ac:11:00:02"},
        {"volumes_from": ["other"]},
    ],
)
def test_two_cannot_stand_beside_each_other_where_they_share_or_nobody_asks_after_them(keys: dict[str, Any]) -> None:
    assert not stands_beside(model(**keys), "web", image_checks=False)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"healthcheck": {"interval": "1s", "test": ["CMD", "x"]}},
        {"volumes": [{"type": "bind", "source": "/x", "target": "/x", "read_only": True}]},
        {"volumes": [{"type": "tmpfs", "target": "/x"}]},
        {"ports": [{"target": 80}]},
    ],
)
def test_two_stand_beside_each_other_where_they_share_nothing_that_is_written(keys: dict[str, Any]) -> None:
    assert stands_beside(model(**keys), "web", image_checks=False)


@pytest.mark.parametrize("key", ["network_mode", "pid", "ipc"])
def test_a_service_in_whose_namespaces_another_lives_is_replaced_in_place(key: str) -> None:
    leaning = {"services": {"web": CHECKED, "side": {"image": "b", key: "service:web"}}}
    assert not stands_beside(leaning, "web", image_checks=False)


def test_a_health_check_of_the_image_counts_unless_the_file_takes_it_away() -> None:
    assert checks_health({}, image_checks=True)
    assert checks_health({"healthcheck": {"interval": "5s"}}, image_checks=True)
    assert not checks_health({"healthcheck": {"disable": True}}, image_checks=True)
