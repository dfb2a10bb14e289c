"""How each service gets from the containers that run to those that are wanted: left, begun, beside, or in place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from headway.kernel.dataclass import dataclass

Model = Mapping[str, Any]


class Way(StrEnum):
    """What is done with a service's containers."""

    KEPT = "kept"
    BEGUN = "begun"
    BESIDE = "beside"
    IN_PLACE = "in place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A service as the deployment before left it; ``runs`` says whether a container of it is up."""

    fingerprint: str
    runs: bool


def way_of(
    model: Model, name: str, *, fingerprint: str, before: Before | None, image_checks: bool, is_new: bool
) -> Way:
    """``image_checks`` says whether the image brings a health check; ``is_new`` that no container of it is there."""
    if before is not None and before.fingerprint == fingerprint:
        return Way.KEPT
    if is_new:
        return Way.BEGUN
    runs = before is not None and before.runs
    return Way.BESIDE if runs and stands_beside(model, name, image_checks=image_checks) else Way.IN_PLACE


def stands_beside(model: Model, name: str, *, image_checks: bool) -> bool:
    """Whether two of a service can run at once, and the new one be seen to be healthy before the old one goes: two that
    write to one volume, or want one port, cannot.
    """
    service = model["services"][name]
    return (
        checks_health(service, image_checks=image_checks)
        and not any(_writes(mount) for mount in service.get("volumes") or ())
        and not any(port.get("published") for port in service.get("ports") or ())
        and not (service.get("network_mode") or service.get("mac_address") or service.get("volumes_from"))
        and not any(_has_address(given) for given in (service.get("networks") or {}).values())
        and not _is_leant_on(model, name)
    )


def checks_health(service: Model, *, image_checks: bool) -> bool:
    """Whether the engine asks the containers of a service after their health."""
    check = service.get("healthcheck")
    if not check:
        return image_checks
    if check.get("disable") or (check.get("test") or [""])[0] == "NONE":
        return False
    return bool(check.get("test")) or image_checks


def _writes(mount: Model) -> bool:
    return mount.get("type") != "tmpfs" and not mount.get("read_only")


def _has_address(given: Model | None) -> bool:
    return any((given or {}).get(key) for key in ("ipv4_address", "ipv6_address", "mac_address"))


def _is_leant_on(model: Model, name: str) -> bool:
    """Whether another service lives in this one's namespaces or volumes, which go with its container."""
    wanted = f"service:{name}"
    for service in model["services"].values():
        if wanted in {service.get(key) for key in ("network_mode", "pid", "ipc")}:
            return True
        if any(str(other).split(":")[0] == name for other in service.get("volumes_from") or ()):
            return True
    return False
