"""Every key of the Compose Specification, by its own schema: each is judged, and the judge holds to it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from headway.drivers.runtimes.compose.bounds import objections as beyond_bounds
from headway.drivers.runtimes.compose.keys import ALLOWED, CONDITIONS, FREE, READ, REASONS, UNKNOWN, reason
from headway.drivers.runtimes.compose.policy import objections
from script.compose_page import places, schema, verdict
from tests.unit.drivers.runtimes.compose.test_bounds import BOUNDS

Json = Any
EVERY = places(schema())
JUDGED = [place for place in EVERY if not any(place == key or place.startswith((f"{key}.", f"{key}[")) for key in READ)]
ONE_ONLY = {"services.*.image": "debian:12", "services.*.build.context": "/own"}

# What a key may say, where a plain word is not allowed.
SAMPLES: dict[str, Json] = {
    "services.*.build.cache_from": ["type=registry,ref=registry.example/shop"],
    "services.*.build.network": "none",
    "services.*.build.shm_size": "64m",
    "services.*.cgroup": "private",
    "services.*.deploy.replicas": 2,
    "services.*.deploy.resources.limits.pids": 10,
    "services.*.ipc": "shareable",
    "services.*.logging.driver": "local",
    "services.*.logging.options": {"max-size": "1m"},
    "services.*.network_mode": "service:db",
    "services.*.pid": "service:db",
    "services.*.pids_limit": 10,
    "services.*.runtime": "runc",
    "services.*.scale": 2,
    "services.*.security_opt": ["no-new-privileges:true"],
    "services.*.shm_size": "64m",
    "services.*.stop_grace_period": "2m0s",
    "services.*.tmpfs": ["/scratch:size=64m"],
    "services.*.volumes[].bind.propagation": "rslave",
    "services.*.volumes[].tmpfs.size": "64m",
    "services.*.volumes[].type": "tmpfs",
    "services.*.volumes_from": ["db"],
    "networks.*.driver": "bridge",
    "networks.*.ipam.driver": "default",
    "volumes.*.driver": "local",
    **ONE_ONLY,
}
# What a key that is allowed may not say.
REFUSED: dict[str, list[Json]] = {
    "services.*.build.additional_contexts": [
        {"x": "https://git.example/x.git"},
        {"x": "docker-image://docker.io/headway-compose/shop/web"},
        {"x": "docker-image://headway-0123456789ab/app:r-1"},
        {"x": "oci-layout:///etc"},
    ],
    "services.*.build.args": [{"BUILDKIT_SYNTAX": "x"}, {"buildkit_cache_mount_ns": "x"}, {"BUILDX_NO_DEFAULT": "1"}],
    "services.*.build.cache_from": [["type=local,src=/etc"], ["src=/etc,type=local"], ["src=/etc"], ["type=gha"]],
    "services.*.build.context": ["https://git.example/x.git", "git@git.example:x", "ssh://x/y"],
    "services.*.build.labels": [{"headway.panel": "x"}, {"com.docker.compose.project": "x"}],
    "services.*.build.network": ["host", "container:x", "other"],
    "services.*.build.shm_size": ["100g"],
    "services.*.build.ulimits": [{"rtprio": 99}],
    "services.*.cgroup": ["host"],
    "services.*.deploy.labels": [{"headway.compose": "x"}],
    "services.*.deploy.replicas": [21],
    "services.*.deploy.resources.limits.pids": [-1, 100_000],
    "services.*.image": [
        *("headway-compose/x/y", "docker.io/headway-compose/x/y", "index.docker.io/headway-0123456789ab/app:r-1"),
        *("docker.io/headway-0123456789ab/app@sha256:" + "0" * 64, "0123456789ab", "-v", "sha256:" + "0" * 64),
        *("headway-0123456789ab-01234567/app:r-1", "registry.example/team/shop:r-" + "a" * 21),
    ],
    "services.*.ipc": ["host", "container:x"],
    "services.*.labels": [{"headway.compose": "x"}, {"com.docker.compose.service": "x"}, {"Headway.panel": "x"}],
    "services.*.logging.driver": ["syslog", "gelf", "fluentd", "awslogs", "journald", "a-plugin"],
    "services.*.logging.options": [{"max-size": "100g"}, {"max-file": "1000"}, {"path": "/etc/x"}],
    "services.*.network_mode": ["host", "bridge", "container:x", "other"],
    "services.*.pid": ["host", "container:x"],
    "services.*.pids_limit": [0, -1, 100_000],
    "services.*.runtime": ["sysbox", "nvidia", "io.containerd.runc.v2"],
    "services.*.scale": [1000],
    "services.*.sysctls": [{"net.ipv4/conf.lo.tag": "1"}, {"net/ipv4/conf/lo/tag": "1"}, {"net..ipv4.x": "1"}],
    "services.*.security_opt": [["seccomp=unconfined"], ["apparmor:unconfined"], ["label:disable"], ["systempaths=x"]],
    "services.*.shm_size": ["100g"],
    "services.*.stop_grace_period": ["24h0m0s", "-5s"],
    "services.*.tmpfs": ["/scratch:size=100g", ["/scratch:mode=700,size=100g"]],
    "services.*.ulimits": [{"nice": 40}, {"rtprio": {"soft": 1, "hard": 1}}],
    "services.*.volumes[].bind.propagation": ["shared", "rshared"],
    "services.*.volumes[].tmpfs.size": ["100g", 1 << 60],
    "services.*.volumes[].type": ["npipe", "cluster", "image", "x"],
    "services.*.volumes[].volume.labels": [{"headway.panel": "x"}],
    "services.*.volumes_from": [["container:x"], ["container:x:ro"]],
    "networks.*.driver": ["host", "macvlan", "ipvlan", "a-plugin"],
    "networks.*.ipam.driver": ["a-plugin"],
    "networks.*.labels": [{"headway.panel": "x"}],
    "volumes.*.driver": ["nfs", "a-plugin"],
    "volumes.*.labels": [{"headway.panel": "x"}],
    "configs.*.environment": ["PATH", "LD_PRELOAD", "DOCKER_HOST"],
    "secrets.*.environment": ["HOME", "BUILDKIT_HOST", "COMPOSE_FILE"],
}
# Held where paths are looked at, or left out when the file is made the engine's.
ELSEWHERE = {
    *("name", "networks.*.name", "volumes.*.name", "configs.*.file", "secrets.*.file", "services.*.volumes[].source"),
    *("services.*.attach", "services.*.build.dockerfile", "services.*.build.tags", "services.*.container_name"),
    *("services.*.develop", "services.*.profiles", "services.*.pull_policy"),
}


def file_with(place: str, value: Json) -> Json:
    """A compose file, as Compose resolves it, that says this at one place."""
    *above, last = place.replace("[]", ".[]").split(".")
    made: Json = {last if last != "*" else "x": value} if last != "[]" else [value]
    for part in reversed(above):
        made = [made] if part == "[]" else {("x" if part == "*" else part): made}
    services = made.setdefault("services", {}) if isinstance(made, dict) else {}
    if isinstance(services, dict):
        for service in services.values():
            complete(service)
    return made


def complete(service: Json) -> None:
    """What a file needs beside the one key, so that nothing else is wrong with it."""
    if not isinstance(service, dict):
        return
    service.setdefault("image", "debian:12")
    if isinstance(service.get("build"), dict):
        service["build"].setdefault("context", "/own")
    for mount in service.get("volumes") or () if isinstance(service.get("volumes"), list) else ():
        if isinstance(mount, dict):
            mount.setdefault("type", "tmpfs")


def plain(place: str) -> Json:
    """A value of the shape that a place has."""
    if place in SAMPLES:
        return SAMPLES[place]
    if any(each.startswith((f"{place}.", f"{place}[")) for each in EVERY) or place in FREE or place in ALLOWED:
        below = [each for each in EVERY if each.startswith(f"{place}[")]
        return ([{"x-plain": 1}] if below else {"x-plain": 1}) if reason(place) else ([] if below else {})
    return "x"


def judged(model: Json) -> list[str]:
    return [*objections(model), *beyond_bounds(model, BOUNDS)]


def test_the_schema_is_whole() -> None:
    assert len(EVERY) >= 353
    assert {"services.*.volumes[].bind.propagation", "services.*.models", "services.*.provider.type"} <= set(EVERY)


def test_every_key_of_it_is_judged() -> None:
    assert [place for place in EVERY if reason(place) == UNKNOWN] == [], "judge these in keys.py"
    for table in (REASONS, CONDITIONS, READ):
        assert [place for place in table if place not in EVERY] == []
    known = {f"{parent}.{key}".lstrip(".") for parent, keys in ALLOWED.items() for key in keys - {"*", "single"}}
    assert known - set(EVERY) == set()


def test_a_file_with_a_key_is_judged_as_the_page_says() -> None:
    wrong = {}
    for place in JUDGED:
        model = file_with(place, plain(place))
        said, why = verdict(place)
        found = judged(model)
        if found if said == "allowed" else (said, why in " ".join(found)) != ("needs the machine", True):
            wrong[place] = model, said, found
    assert wrong == {}


@pytest.mark.parametrize("place", REFUSED)
def test_what_an_allowed_key_may_not_say_is_refused(place: str) -> None:
    assert reason(place) is None
    assert [value for value in REFUSED[place] if len(judged(file_with(place, value))) != 1] == []


def test_each_condition_is_tried() -> None:
    assert CONDITIONS.keys() - REFUSED.keys() == ELSEWHERE
    assert REFUSED.keys() - CONDITIONS.keys() == set()


@pytest.mark.parametrize(
    "parent",
    ["", "services.*", "services.*.build", "services.*.volumes[]", "services.*.deploy.resources", "networks.*"],
)
def test_a_key_of_tomorrow_is_refused_until_it_is_judged(parent: str) -> None:
    later = copy.deepcopy(schema())
    definitions = later.get("$defs") or later["definitions"]
    place = f"{parent}.tomorrow".lstrip(".")
    (definitions["service"] if parent == "services.*" else later)["properties"]["tomorrow"] = {"type": "string"}
    if parent in {"", "services.*"}:
        assert place in places(later)
    assert verdict(place) == ("refused", UNKNOWN)
    (found,) = judged(file_with(place, "x"))
    assert "tomorrow" in found
    assert UNKNOWN in found
