"""How much the containers of a compose file may take."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.compose.bounds import Bounds, bounded, bytes_of, marked, objections, unbounded

BOUNDS = Bounds(
    read_memory_bytes=1 << 29,
    read_seconds=10,
    most_references=1000,
    most_replicas=20,
    processes=4096,
    log_bytes=10 << 20,
    log_files=3,
    shared_memory_bytes=1 << 30,
    memory_percent=80,
)


def of(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    return {"services": {"web": {"image": "debian:12", **keys}}}


def logs(driver: str = "json-file", **options: str) -> dict[str, Any]:
    return {"logging": {"driver": driver, "options": {name.replace("_", "-"): text for name, text in options.items()}}}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"pids_limit": -1}, "HEADWAY_CONTAINER_PROCESSES"),
        ({"pids_limit": 0}, "HEADWAY_CONTAINER_PROCESSES"),
        ({"pids_limit": 4097}, "HEADWAY_CONTAINER_PROCESSES"),
        ({"deploy": {"resources": {"limits": {"pids": -1}}}}, "HEADWAY_CONTAINER_PROCESSES"),
        ({"scale": 21}, "HEADWAY_COMPOSE_REPLICAS"),
        ({"deploy": {"replicas": 1000}}, "HEADWAY_COMPOSE_REPLICAS"),
        ({"shm_size": "1073741825"}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"shm_size": "2g"}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"shm_size": "-1"}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"build": {"shm_size": "2g"}}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"tmpfs": ["/run:size=2g"]}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"tmpfs": "/run:mode=700,size=1m,size=100g"}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        ({"tmpfs": ["/run:size=50%"]}, "HEADWAY_CONTAINER_SHARED_MEMORY"),
        (
            {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": "2147483648"}}]},
            "HEADWAY_CONTAINER_SHARED_MEMORY",
        ),
        (logs(max_size="100g"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs(max_size="-1"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs(max_size="11m"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs(max_file="1000000"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs(max_file="0"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs("local", max_size="1t"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs("", max_size="1t"), "HEADWAY_CONTAINER_LOG_SIZE"),
        (logs(mode="non-blocking", max_buffer_size="1g"), "max-buffer-size: 1g"),
        (logs(path="/etc/x"), "the log option path"),
        (logs(cache_disabled="false"), "the log option cache-disabled"),
        (logs("none", max_size="1m"), "the log option max-size"),
        (logs("syslog", syslog_address="tcp://10.0.0.1"), "the log driver syslog"),
        (logs("gelf"), "the log driver gelf"),
        ({"stop_grace_period": "24h0m0s"}, "stop_grace_period: 24h0m0s, and 3600 s are the most"),
        ({"stop_grace_period": "1h0m0.001s"}, "stop_grace_period"),
        ({"stop_grace_period": "-5s"}, "stop_grace_period: -5s"),
    ],
)
def test_what_goes_beyond_them_is_refused(keys: dict[str, Any], said: str) -> None:
    (found,) = objections(of(**keys), BOUNDS)
    assert found.startswith("gives the service web ")
    assert said in found


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"pids_limit": 4096, "scale": 20, "shm_size": "1073741824"},
        {"deploy": {"replicas": 0, "resources": {"limits": {"pids": 100}}}},
        logs(max_size="30m", max_file="1", compress="true", tag="{{.Name}}"),
        logs("local"),
        logs("none"),
        logs(mode="non-blocking", max_buffer_size="4m"),
        {"stop_grace_period": "1h0m0s"},
        {"stop_grace_period": "2m0.5s"},
        {"stop_grace_period": "100ms"},
        {"stop_grace_period": "0s"},
    ],
)
def test_what_keeps_within_them_is_taken_and_what_is_not_said_is_filled_in(keys: dict[str, Any]) -> None:
    assert objections(of(**keys), BOUNDS) == []
    service = bounded(of(**keys), BOUNDS)["services"]["web"]
    stack = bounded(of(**keys), BOUNDS, stack=True)["services"]["web"]
    said = ((keys.get("deploy") or {}).get("resources") or {}).get("limits", {}).get("pids") or keys.get("pids_limit")
    in_swarm = ((stack.get("deploy") or {}).get("resources") or {}).get("limits", {}).get("pids")
    assert (said or service["pids_limit"], said or in_swarm) == (said or 4096, said or 4096)
    driver = service["logging"]["driver"]
    assert driver == "none" or {"max-size", "max-file"} <= service["logging"]["options"].keys()
    assert unbounded({"services": {"web": service}}) == []


def test_a_file_system_in_memory_that_does_not_say_how_large_it_is_gets_a_size() -> None:
    mounts: list[dict[str, Any]] = [
        {"type": "tmpfs", "target": "/a"},
        {"type": "tmpfs", "target": "/b", "tmpfs": {"size": "1024"}},
    ]
    given = of(tmpfs=["/run", "/tmp:mode=1777", "/x:size=1m"], volumes=mounts)
    assert objections(given, BOUNDS) == []
    service = bounded(given, BOUNDS)["services"]["web"]
    assert service["tmpfs"] == ["/run:size=1073741824", "/tmp:mode=1777,size=1073741824", "/x:size=1m"]
    assert [each["tmpfs"]["size"] for each in service["volumes"]] == [1 << 30, "1024"]
    assert "tmpfs" not in mounts[0], "what is read stays as it is"


def test_what_was_deployed_before_there_were_any_is_named() -> None:
    assert unbounded({"services": {"web": {}, "db": {"pids_limit": 9, "logging": {"driver": "local"}}}}) == ["web"]


@pytest.mark.parametrize(
    ("text", "number"), [("10m", 10 << 20), ("1.5g", 2 << 30), ("7", 7), ("1KiB", 1024), ("x", None)]
)
def test_sizes_are_read_as_docker_reads_them(text: str, number: int | None) -> None:
    assert bytes_of(text) == number


@pytest.mark.parametrize("own", [{"net.a": 1}, ["net.a=1"], None])
def test_services_of_a_stack_carry_settings_beside_their_own(own: Any) -> None:  # noqa: ANN401 - of either form
    model = {"services": {"web": {"image": "i", "cgroup_parent": "x", **({} if own is None else {"sysctls": own})}}}
    found = marked(model, {"net.tag": "7"}, ruled=True)["services"]["web"]
    assert {name: str(value) for name, value in found["sysctls"].items()} == {
        **({} if own is None else {"net.a": "1"}),
        "net.tag": "7",
    }
    assert (found["cap_drop"], "cgroup_parent" in found) == (["NET_RAW"], False)
    assert "sysctls" not in marked({"services": {"web": {"image": "i"}}}, {}, ruled=False)["services"]["web"]


@pytest.mark.parametrize(
    "name", ["net.ipv4.conf.lo.tag", "net.ipv4/conf.lo.tag", "net/ipv4/conf/lo/tag", "net..ipv4.conf.lo.tag"]
)
@pytest.mark.parametrize("listed", [False, True])
def test_no_spelling_of_a_setting_is_written_beside_it(name: str, listed: bool) -> None:  # noqa: FBT001 - of pytest
    own = [f"{name}=1000000010"] if listed else {name: "1000000010"}
    settings = {"net.ipv4.conf.lo.tag": "1000000011"}
    found = marked(of(sysctls=own), settings, ruled=True)["services"]["web"]
    assert found["sysctls"] == settings
