"""What a compose file may ask of the machine, held against the file as Compose itself has resolved it.

It is a list of what is allowed. What is not on it (a key of a later Compose, too) is refused until an owner allows this
compose service to use the host.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Model = Mapping[str, Any]

_TOP = frozenset(["name", "services", "networks", "volumes", "configs", "secrets"])
_SERVICE = frozenset(
    [
        *("annotations", "attach", "build", "cap_drop", "cgroup", "command", "configs", "container_name", "cpu_count"),
        *("cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset"),
        *("depends_on", "deploy", "develop", "dns", "dns_opt", "dns_search", "domainname", "entrypoint"),
        *("environment", "expose", "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init", "ipc"),
        *("labels", "links", "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness"),
        *("memswap_limit", "network_mode", "networks", "pid", "pids_limit", "platform", "ports", "profiles"),
        *("pull_policy", "read_only", "restart", "runtime", "scale", "secrets", "security_opt", "shm_size"),
        *("stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits", "user"),
        *("volumes", "volumes_from", "working_dir", "privileged"),
    ]
)
_BUILD = frozenset(
    [
        *("additional_contexts", "args", "cache_from", "context", "dockerfile", "dockerfile_inline", "extra_hosts"),
        *("labels", "network", "no_cache", "platforms", "pull", "secrets", "shm_size", "tags", "target", "ulimits"),
    ]
)
_NETWORK = frozenset(["name", "driver", "internal", "attachable", "labels", "enable_ipv6", "ipam"])
_VOLUME = frozenset(["name", "driver", "labels"])
_FILE = frozenset(["name", "file", "content", "environment"])
_DEPLOY = frozenset(["mode", "replicas", "labels", "restart_policy", "resources", "update_config", "rollback_config"])
_OWN_LABELS = ("headway.", "com.docker.")
_OWN_IMAGES = re.compile(r"headway-(compose|[0-9a-f]{12})/")
_IMAGE = re.compile(r"(?!(?:sha256:)?[0-9a-f]{12,64}\Z)[A-Za-z0-9][A-Za-z0-9_-]*(?:[.:/@][A-Za-z0-9_-]+)*\Z")
_LOGGING = frozenset(["json-file", "local", "none"])
_RUNTIMES = frozenset(["", "runc"])
_OWN_NAMESPACES = re.compile(r"(private|shareable|service:[^/]+)?\Z")
_NO_NEW_PRIVILEGES = re.compile(r"no-new-privileges([:=]true)?\Z")
_NAMES_OF_PROGRAMS = re.compile(r"(PATH|HOME|IFS|LD_.*|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|COMPOSE_.*)\Z")


class Use(StrEnum):
    """What a path of the file is used for."""

    MOUNT = "mount"
    FILE = "file"
    CONTEXT = "build context"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path of the host that the file names; ``writable`` is about mounts."""

    path: str
    use: Use
    where: str
    writable: bool = False


def objections(model: Model) -> list[str]:
    """What the file asks for that it may not have, each as the end of the sentence "The compose file …"."""
    found = [f"has {key}, which is not taken here" for key in model if key not in _TOP and not key.startswith("x-")]
    for name, service in _items(model, "services"):
        found += [f"gives the service {name} {what}" for what in _of_service(service)]
    for name, network in _items(model, "networks"):
        found += [f"gives the network {name} {what}" for what in _of_network(network)]
    for name, volume in _items(model, "volumes"):
        found += [f"gives the volume {name} {what}" for what in _of_volume(volume)]
    for kind in ("configs", "secrets"):
        for name, each in _items(model, kind):
            found += [f"gives the {kind[:-1]} {name} {what}" for what in _of_file(each)]
    return found


def paths_of(model: Model) -> list[Path]:
    """Every path of the host that the containers or builds would see."""
    found: list[Path] = []
    for name, service in _items(model, "services"):
        for mount in service.get("volumes") or ():
            if mount.get("type") == "bind":
                writable = not mount.get("read_only", False)
                where = f"a mount of {name}"
                found.append(Path(path=str(mount["source"]), use=Use.MOUNT, where=where, writable=writable))
        build = service.get("build")
        if build:
            found += _paths_of_build(name, build)
    for kind in ("configs", "secrets"):
        for name, each in _items(model, kind):
            if each.get("file") is not None:
                found.append(Path(path=str(each["file"]), use=Use.FILE, where=f"the {kind[:-1]} {name}"))
    return found


def is_remote(context: str) -> bool:
    """Whether a build context is not a folder of this machine."""
    return "://" in context or context.startswith(("git@", "github.com/")) or not context.startswith("/")


def _of_service(service: Model) -> Iterator[str]:
    for key, value in service.items():
        if key not in _SERVICE and not key.startswith("x-") and value not in (None, False, [], {}):
            yield f"the key {key}, which reaches the host"
    if service.get("privileged"):
        yield "privileged"
    image = str(service.get("image") or "image")
    if not _IMAGE.match(image) or _OWN_IMAGES.match(image):
        yield f"the image {image}, which is not a name of a registry's image"
    yield from _of_namespaces(service)
    yield from _of_lists(service)
    driver = str((service.get("logging") or {}).get("driver") or "json-file")
    if driver not in _LOGGING:
        yield f"the log driver {driver}"
    yield from _of_deploy(service.get("deploy") or {})
    yield from _of_build(service.get("build") or {})


def _of_namespaces(service: Model) -> Iterator[str]:
    for key in ("pid", "ipc", "cgroup"):
        value = str(service.get(key) or "")
        if not _OWN_NAMESPACES.match(value):
            yield f"{key}: {value}"
    mode = str(service.get("network_mode") or "")
    if mode and mode != "none" and not mode.startswith("service:"):
        yield f"network_mode: {mode}"
    if str(service.get("runtime") or "") not in _RUNTIMES:
        yield f"runtime: {service['runtime']}"


def _of_lists(service: Model) -> Iterator[str]:
    for option in service.get("security_opt") or ():
        if not _NO_NEW_PRIVILEGES.match(str(option)):
            yield f"security_opt: {option}"
    for other in service.get("volumes_from") or ():
        if str(other).startswith("container:"):
            yield f"the volumes of a {other}"
    for label in service.get("labels") or {}:
        if str(label).startswith(_OWN_LABELS):
            yield f"the label {label}, which is not its to give"
    for mount in service.get("volumes") or ():
        if mount.get("type") not in {"bind", "volume", "tmpfs"}:
            yield f"a mount of type {mount.get('type')}"


def _of_deploy(deploy: Model) -> Iterator[str]:
    for key, value in deploy.items():
        if key not in _DEPLOY and value not in (None, [], {}) and key not in {"placement", "endpoint_mode"}:
            yield f"deploy.{key}"
    resources = deploy.get("resources") or {}
    if any((resources.get(kind) or {}).get("devices") for kind in ("limits", "reservations")):
        yield "devices"


def _of_build(build: Model) -> Iterator[str]:
    for key, value in build.items():
        if key not in _BUILD and not key.startswith("x-") and value not in (None, False, [], {}):
            yield f"build.{key}, which reaches the host"
    if str(build.get("network") or "default") not in {"default", "none"}:
        yield f"build.network: {build['network']}"
    contexts = [build.get("context"), *(build.get("additional_contexts") or {}).values()]
    for context in contexts:
        text = str(context or "/")
        if is_remote(text) and not text.startswith(("docker-image://", "service:")):
            yield f"the build context {text}, which is no folder beside the file"
    for cache in build.get("cache_from") or ():
        if "type=" in str(cache) and "type=registry" not in str(cache):
            yield f"build.cache_from: {cache}"


def _of_network(network: Model) -> Iterator[str]:
    if network.get("external"):
        yield "external, so that it is somebody else's"
    if str(network.get("driver") or "bridge") not in {"bridge", "overlay"}:
        yield f"the driver {network['driver']}"
    if (network.get("ipam") or {}).get("config"):
        yield "addresses of its own choice (ipam), which the host may route elsewhere"
    yield from _unknown(network, _NETWORK)


def _of_volume(volume: Model) -> Iterator[str]:
    if volume.get("external"):
        yield "external, so that it is somebody else's"
    if str(volume.get("driver") or "local") != "local":
        yield f"the driver {volume['driver']}"
    yield from _unknown(volume, _VOLUME)


def _of_file(each: Model) -> Iterator[str]:
    if each.get("external"):
        yield "external, so that it is somebody else's"
    name = str(each.get("environment") or "")
    if _NAMES_OF_PROGRAMS.match(name):
        yield f"the value of the variable {name}, which programs here read themselves"
    yield from _unknown(each, _FILE)


def _unknown(each: Model, known: frozenset[str]) -> Iterator[str]:
    for key, value in each.items():
        if key not in known and key != "external" and not key.startswith("x-") and value not in (None, False, [], {}):
            yield f"the key {key}, which is not taken here"


def _paths_of_build(name: str, build: Model) -> Iterator[Path]:
    context = str(build.get("context") or "")
    where = f"the build of {name}"
    for folder in [context, *map(str, (build.get("additional_contexts") or {}).values())]:
        if not is_remote(folder):
            yield Path(path=folder, use=Use.CONTEXT, where=where)
    if not is_remote(context) and not build.get("dockerfile_inline"):
        dockerfile = posixpath.join(context, str(build.get("dockerfile") or "Dockerfile"))
        yield Path(path=posixpath.normpath(dockerfile), use=Use.FILE, where=where)


def _items(model: Model, kind: str) -> list[tuple[str, Model]]:
    return [(str(name), each or {}) for name, each in (model.get(kind) or {}).items()]
