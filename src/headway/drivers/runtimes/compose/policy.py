"""What a compose file may ask of the machine, held against the file as Compose itself has resolved it.

It is a list of what is allowed. What is not on it (a key of a later Compose, too) is refused until an owner allows this
compose service to use the host.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from headway.drivers.runtimes.compose import keys
from headway.infra.docker.image_names import is_kept
from headway.kernel.dataclass import dataclass

Model = Mapping[str, Any]

_IMAGE = re.compile(r"(?!(?:sha256:)?[0-9a-f]{12,64}\Z)[A-Za-z0-9][A-Za-z0-9_-]*(?:[.:/@][A-Za-z0-9_-]+)*\Z")
_IMAGE_CONTEXT = "docker-image://"
_OWN_ARGUMENTS = ("BUILDKIT_", "BUILDX_")
_OWN_LABELS = ("headway.", "com.docker.")
_RUNTIMES = frozenset(["", "runc"])
_MOUNTS = frozenset(["bind", "volume", "tmpfs"])
_PROPAGATIONS = frozenset(["", "private", "rprivate", "slave", "rslave"])
_POWERFUL_LIMITS = frozenset(["nice", "rtprio", "rttime"])
_OWN_NAMESPACES = re.compile(r"(private|shareable|service:[^/]+)?\Z")
_SYSCTL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
_NO_NEW_PRIVILEGES = re.compile(r"no-new-privileges([:=]true)?\Z")
_NAMES_OF_PROGRAMS = re.compile(r"(PATH|HOME|IFS|LD_.*|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|COMPOSE_.*)\Z")
_KINDS: Mapping[str, str] = {
    "services": "service",
    "networks": "network",
    "volumes": "volume",
    "configs": "config",
    "secrets": "secret",
}


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
    found = [_strange(names, why) for names, why in keys.strange(model)]
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


def _strange(names: tuple[str, ...], why: str) -> str:
    kind = _KINDS.get(names[0])
    if kind is None or len(names) < 3:
        return f"has the key {'.'.join(names)}, which {why}"
    return f"gives the {kind} {names[1]} the key {'.'.join(names[2:])}, which {why}"


def _of_service(service: Model) -> Iterator[str]:
    image = str(service.get("image") or "image")
    if not _IMAGE.match(image) or is_kept(image):
        yield f"the image {image}, which is not a name of a registry's image"
    yield from _of_namespaces(service)
    yield from _of_lists(service)
    yield from _of_mounts(service)
    yield from _of_labels(service.get("labels"), (service.get("deploy") or {}).get("labels"))
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
    for setting in service.get("sysctls") or ():
        name = str(setting).partition("=")[0]
        if not _SYSCTL.match(name):
            yield f"the sysctl {name}, which is not written with single dots between its words"
    for other in service.get("volumes_from") or ():
        if str(other).startswith("container:"):
            yield f"the volumes of a {other}"
    for where, holder in (("ulimits", service), ("build.ulimits", service.get("build") or {})):
        for name in holder.get("ulimits") or {}:
            if name in _POWERFUL_LIMITS:
                yield f"{where}.{name}, which takes processors from everybody else"


def _of_mounts(service: Model) -> Iterator[str]:
    for mount in service.get("volumes") or ():
        if mount.get("type") not in _MOUNTS:
            yield f"a mount of type {mount.get('type')}"
        propagation = str((mount.get("bind") or {}).get("propagation") or "")
        if propagation not in _PROPAGATIONS:
            yield f"a mount that the machine sees too (propagation: {propagation})"
        yield from _of_labels((mount.get("volume") or {}).get("labels"))


def _of_labels(*labels: Model | None) -> Iterator[str]:
    for label in (each for some in labels for each in some or {}):
        if str(label).lower().startswith(_OWN_LABELS):
            yield f"the label {label}, which is not its to give"


def _of_build(build: Model) -> Iterator[str]:
    if str(build.get("network") or "default") not in {"default", "none"}:
        yield f"build.network: {build['network']}"
    contexts = [build.get("context"), *(build.get("additional_contexts") or {}).values()]
    for context in contexts:
        text = str(context or "/")
        image = text.removeprefix(_IMAGE_CONTEXT)
        if image != text and (not _IMAGE.match(image) or is_kept(image)):
            yield f"the build context {text}, which is not a name of a registry's image"
        elif is_remote(text) and not text.startswith((_IMAGE_CONTEXT, "service:")):
            yield f"the build context {text}, which is no folder beside the file"
    for cache in build.get("cache_from") or ():
        words = dict(part.partition("=")[::2] for part in str(cache).split(","))
        if words.get("type", "registry") != "registry" or (not words.get("ref") and "=" in str(cache)):
            yield f"build.cache_from: {cache}"
    for name in build.get("args") or {}:
        if str(name).upper().startswith(_OWN_ARGUMENTS):
            yield f"build.args.{name}, which is an order to the builder"
    yield from _of_labels(build.get("labels"))


def _of_network(network: Model) -> Iterator[str]:
    if str(network.get("driver") or "bridge") not in {"bridge", "overlay"}:
        yield f"the driver {network['driver']}"
    driver = str((network.get("ipam") or {}).get("driver") or "default")
    if driver != "default":
        yield f"the ipam driver {driver}"
    yield from _of_labels(network.get("labels"))


def _of_volume(volume: Model) -> Iterator[str]:
    if str(volume.get("driver") or "local") != "local":
        yield f"the driver {volume['driver']}"
    yield from _of_labels(volume.get("labels"))


def _of_file(each: Model) -> Iterator[str]:
    name = str(each.get("environment") or "")
    if _NAMES_OF_PROGRAMS.match(name):
        yield f"the value of the variable {name}, which programs here read themselves"


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
