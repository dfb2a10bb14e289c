"""What is told at an upgrade of compose services that go on as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headway.features.services.compose.survey import bounds_of, lines
from headway.kernel.container_settings import ContainerSettings

MOST = bounds_of(ContainerSettings())
BOUND = {"pids_limit": 10, "logging": {"driver": "local"}}


def mount(source: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any value
    return {"type": "bind", "source": source, "target": "/f", **more}


def test_services_without_bounds_are_named_and_go_on() -> None:
    (line,) = lines("compose service shop", {"services": {"web": {}, "db": BOUND}}, MOST, machine=True)
    assert line.sentence.startswith("compose service shop: the containers of web have no bound of processes and output")
    assert not line.refused


def test_what_would_be_refused_now_is_named_with_why() -> None:
    services = {
        "w": {**BOUND, "volumes": [mount("/c/files")], "scale": 30},
        "v": {**BOUND, "volumes": [mount("/c/files/a", read_only=True)]},
    }
    found = [each.sentence for each in lines("shop", {"services": services}, MOST, machine=False)]
    assert len(found) == 2
    assert found[0].startswith("shop: a mount of v (/c/files/a) lies within /c/files, which a container writes to")
    assert found[1].startswith("shop: its file gives the service w scale: 30, and 20 are the most")
    assert list(lines("shop", {"services": services}, MOST, machine=True)) == []


def test_what_the_panel_is_set_to_take_is_not_told_of() -> None:
    services = {"w": {**BOUND, "scale": 30}}
    assert len(list(lines("shop", {"services": services}, MOST, machine=False))) == 1
    more = bounds_of(replace(ContainerSettings(), compose_replicas=30))
    assert list(lines("shop", {"services": services}, more, machine=False)) == []
