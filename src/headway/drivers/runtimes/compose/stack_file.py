"""A compose file as ``docker stack deploy`` takes it: made of the one that Headway owns already, in a swarm's words.

All of it works on what ``docker compose config`` gives: every path is absolute, every variable is filled in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from headway.drivers.runtimes.compose.conversion import Identity
from headway.drivers.runtimes.compose.observation import PROJECT, SERVICE
from headway.infra.docker.labels import BLANK, BLANK_OF_COMPOSE, DEPLOYMENT, SWARM, is_blank
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Model = Mapping[str, Any]

KEPT_IMAGES = "x-headway-images"  # the names by which images stay on this machine, which are not those that run

_KEPT = (
    *("cap_add", "cap_drop", "command", "dns", "dns_search", "entrypoint", "extra_hosts", "hostname", "init"),
    *("logging", "read_only", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits"),
    *("user", "working_dir"),
)
_TRANSLATED = frozenset(
    [
        *("build", "configs", "cpus", "deploy", "depends_on", "environment", "expose", "healthcheck", "image"),
        *("labels", "mem_limit", "mem_reservation", "networks", "pids_limit", "ports", "restart", "scale", "secrets"),
        "volumes",
    ]
)
_CONDITIONS: Mapping[str, str] = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A config or a secret of the file, as the swarm keeps it: by a name that follows its content."""

    kind: str
    key: str
    name: str
    content: bytes


def held(identity: Identity, kind: str, key: str, content: bytes) -> Held:
    """One of them. A swarm never changes what it keeps, so other content has another name."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Held(kind=kind, key=key, name=f"{identity.project}_{key}_{digest}"[:64], content=content)


def without_effect(model: Model) -> dict[str, list[str]]:
    """What a swarm has no word for, by service."""
    found = {}
    for name, service in model["services"].items():
        known = {*_KEPT, *_TRANSLATED}
        keys = [key for key, value in service.items() if key not in known and value not in (None, False, "", [], {})]
        if keys:
            found[name] = sorted(keys)
    return found


def stack_file(model: Model, identity: Identity, kept: Mapping[tuple[str, str], str], here: str) -> dict[str, Any]:
    """The file for the swarm. The model has its labels and images; ``kept`` are the names under which the swarm has
    configs and secrets, by kind and key; what runs an image of this machine only has its id, and stays on ``here``.
    Raises InvalidInput for what cannot be said.
    """
    made: dict[str, Any] = {
        "version": "3.9",  # the first that bounds processes
        "services": {
            name: _service(name, service, identity, kept, here) for name, service in model["services"].items()
        },
        "networks": {name: _network(each or {}) for name, each in (model.get("networks") or {}).items()},
        "volumes": {
            name: _only(each or {}, "name", "driver", "labels", "external")
            for name, each in (model.get("volumes") or {}).items()
        },
    }
    for kind in ("configs", "secrets"):
        names = {key: name for (of, key), name in kept.items() if of == kind}
        if names:
            made[kind] = {key: {"external": True, "name": name} for key, name in names.items()}
    return made


def labelled(model: Model, deployments: Mapping[str, str]) -> dict[str, Any]:
    """The file in which each service, and each container of it, carries the deployment that made it what it is: the
    swarm leaves a service alone whose definition is the one of before.
    """
    services = {}
    for name, service in model["services"].items():
        mark = {DEPLOYMENT: deployments[name]}
        deploy = {**service["deploy"], "labels": {**service["deploy"]["labels"], **mark}}
        services[name] = {**service, "labels": {**service["labels"], **mark}, "deploy": deploy}
    return {**model, "services": services}


def fingerprint(model: Model, name: str) -> str:
    """A text that differs whenever a service's containers must be replaced."""
    return hashlib.sha256(repr(sorted(_flat(model["services"][name]))).encode()).hexdigest()


def replicas(service: Model) -> int | None:
    """How many copies a service is to have; None for one on every machine."""
    deploy = service["deploy"]
    if str(deploy.get("mode") or "replicated").startswith("global"):
        return None
    found = deploy.get("replicas")
    return 1 if found is None else int(found)


def runs_once(service: Model) -> bool:
    """Whether its containers do their work and end."""
    condition = ((service["deploy"].get("restart_policy") or {}).get("condition")) or "any"
    return condition in {"none", "on-failure"}


def _service(
    name: str, service: Model, identity: Identity, kept: Mapping[tuple[str, str], str], here: str
) -> dict[str, Any]:
    made = {key: service[key] for key in _KEPT if service.get(key) is not None}
    marks = {**identity.labels, SWARM: "", PROJECT: identity.project, SERVICE: name}
    made["image"] = service["image"]
    made["labels"] = {**BLANK, **BLANK_OF_COMPOSE, **(service.get("labels") or {}), **marks}
    made["environment"] = {
        key: str(value) for key, value in (service.get("environment") or {}).items() if value is not None
    }
    made["networks"] = {
        network: _only(each or {}, "aliases") for network, each in (service.get("networks") or {"default": {}}).items()
    }
    if check := _only(
        service.get("healthcheck") or {}, "test", "interval", "timeout", "retries", "start_period", "disable"
    ):
        made["healthcheck"] = check
    if ports := [_port(name, each) for each in service.get("ports") or () if each.get("published")]:
        made["ports"] = ports
    if mounts := [_mount(each) for each in service.get("volumes") or ()]:
        made["volumes"] = mounts
    for kind in ("configs", "secrets"):
        if used := [_used(each) for each in service.get(kind) or () if (kind, each["source"]) in kept]:
            made[kind] = used
    made["deploy"] = _deploy(service, marks, here)
    return made


def _deploy(service: Model, marks: Mapping[str, str], here: str) -> dict[str, Any]:
    deploy = service.get("deploy") or {}
    made = _only(deploy, "mode", "replicas", "rollback_config")
    if deploy.get("replicas") is None and service.get("scale") is not None:
        made["replicas"] = service["scale"]
    made["labels"] = {**(deploy.get("labels") or {}), **marks}
    made["endpoint_mode"] = "dnsrr"  # without IPVS, which virtual addresses need
    mounts = service.get("volumes") or ()
    writes = any(each.get("type") != "tmpfs" and not each.get("read_only") for each in mounts)
    is_alone = writes or any(each.get("published") for each in service.get("ports") or ())
    order = {"order": "stop-first" if is_alone else "start-first", "failure_action": "rollback", "monitor": "10s"}
    made["update_config"] = {**order, **_said(deploy.get("update_config") or {})}
    made["restart_policy"] = _restart(service, deploy)
    made["resources"] = _resources(service, deploy.get("resources") or {})
    placement = _only(deploy.get("placement") or {}, "constraints", "preferences", "max_replicas_per_node")
    if str(service["image"]).startswith("sha256:") or any(each.get("type") in {"bind", "volume"} for each in mounts):
        placement["constraints"] = [*(placement.get("constraints") or ()), f"node.id=={here}"]
    if placement:
        made["placement"] = placement
    return made


def _restart(service: Model, deploy: Model) -> dict[str, Any]:
    if said := _said(deploy.get("restart_policy") or {}):
        return said
    word, _, most = str(service.get("restart") or "always").partition(":")
    made: dict[str, Any] = {"condition": _CONDITIONS.get(word, "any"), "delay": "2s"}
    return {**made, "max_attempts": int(most)} if most.isdecimal() else made


def _resources(service: Model, resources: Model) -> dict[str, Any]:
    limits = _said(resources.get("limits") or {})
    reserved = _said(resources.get("reservations") or {})
    for into, key, value in (
        (limits, "cpus", service.get("cpus")),
        (limits, "memory", service.get("mem_limit")),
        (limits, "pids", service.get("pids_limit")),
        (reserved, "memory", service.get("mem_reservation")),
    ):
        if value and key not in into:
            into[key] = value
    for each in (limits, reserved):
        if "cpus" in each:
            each["cpus"] = str(each["cpus"])
        if "memory" in each:
            each["memory"] = str(each["memory"])
    return {name: each for name, each in (("limits", limits), ("reservations", reserved)) if each}


def _port(name: str, port: Model) -> dict[str, Any]:
    published = str(port["published"])
    if not published.isdecimal():
        raise InvalidInput(
            f"The service {name} publishes the ports {published}, and a stack takes one number for each: write them "
            "out."
        )
    return {
        "target": int(port["target"]),
        "published": int(published),
        "protocol": str(port.get("protocol") or "tcp"),
        "mode": "host",  # the mesh of a swarm needs IPVS
    }


def _mount(mount: Model) -> dict[str, Any]:
    made = _only(mount, "type", "source", "target", "read_only")
    size = (mount.get("tmpfs") or {}).get("size")
    return {**made, "tmpfs": {"size": int(size)}} if size else made


def _used(each: Model) -> dict[str, Any]:
    made = _only(each, "source", "target", "uid", "gid")
    mode = each.get("mode")
    return made if mode is None else {**made, "mode": int(mode, 8) if isinstance(mode, str) else int(mode)}


def _network(network: Model) -> dict[str, Any]:
    if network.get("external"):
        return {"external": True, "name": network.get("name")}
    made = _only(network, "name", "internal", "labels")
    return {**made, "driver": "overlay", "attachable": True}


def _only(values: Model, *keys: str) -> dict[str, Any]:
    return {key: values[key] for key in keys if values.get(key) is not None}


def _said(values: Model) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _flat(value: Any, path: str = "") -> list[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        told = {
            key: each for key, each in value.items() if key != DEPLOYMENT and (key == SWARM or not is_blank(key, each))
        }
        return [line for key, each in told.items() for line in _flat(each, f"{path}.{key}")]
    if isinstance(value, list | tuple):
        return [line for number, each in enumerate(value) for line in _flat(each, f"{path}[{number}]")]
    return [f"{path}={value!r}"]
