"""What of a machine's memory one organisation's containers may take together."""

from __future__ import annotations

from typing import Any

import pytest

from headway.seams.runtimes.compose.memory import beyond, shared

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
