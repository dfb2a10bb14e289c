"""What inputs say of images and containers, as a part of an application's settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from headway.api.inputs import Input, Keyed
from headway.api.problems import invalid
from headway.kernel.forms import size

_NANO = 1_000_000_000
_MOST_CPUS = 1024
_SMALLEST_NANO = 1_000_000  # nobody has so many processors: larger numbers are billionths of one

_LEAST_MEMORY_BYTES = 8 << 20
_MEMORY = size(_LEAST_MEMORY_BYTES)

_Text = Annotated[str, Field(max_length=4_096)]


class ContainerChanges(Input):
    """Fields of ``Changes`` that are about images and containers."""

    dockerfile: _Text | None = None
    docker_context_path: _Text | None = None
    docker_build_stage: _Text | None = None
    clean_cache: bool | None = None
    engine_fetch: bool | None = None
    heroku_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] | None = None
    railpack_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] | None = None
    docker_image: _Text | None = None
    registry_id: _Text | None = None
    registry_url: _Text | None = None
    username: _Text | None = None
    password: Annotated[str, Field(max_length=65_536)] | None = Field(default=None, repr=False)
    command: Annotated[str, Field(max_length=16_384)] | None = None
    args: Annotated[list[_Text], Field(max_length=1_000)] | None = None
    restart_policy: Literal["always", "on_failure", "never"] | None = None
    restart_attempts: Annotated[int, Field(ge=0, le=1_000)] | None = None
    cpu_limit: Annotated[str, Field(max_length=64)] | None = None
    cpu_reservation: Annotated[str, Field(max_length=64)] | None = None
    memory_limit: str | None = None
    memory_reservation: str | None = None
    runtime: Literal["auto", "container", "swarm"] | None = None
    replicas: Annotated[int, Field(ge=1, le=1_000)] | None = None
    placement_swarm: Keyed | None = None
    health_check_swarm: Keyed | None = None

    def special(self) -> dict[str, Any]:
        """Settings whose value is not simply the field's. A password that is not sent stays: it is never given back,
        so nobody could send it again; it goes with an empty one, and with the user.
        """
        changed: dict[str, Any] = {}
        if "cpu_limit" in self.model_fields_set:
            changed["limits.cpus"] = cpus("cpuLimit", self.cpu_limit)
        if "cpu_reservation" in self.model_fields_set:
            changed["limits.reserved_cpus"] = cpus("cpuReservation", self.cpu_reservation)
        if "memory_limit" in self.model_fields_set:
            changed["limits.memory_bytes"] = memory_bytes("memoryLimit", self.memory_limit)
        if "memory_reservation" in self.model_fields_set:
            changed["limits.reserved_memory_bytes"] = memory_bytes("memoryReservation", self.memory_reservation)
        if self.password is not None or ("username" in self.model_fields_set and not self.username):
            changed["docker.password"] = self.password or None
        return changed


def memory_bytes(field: str, text: str | None) -> int | None:
    if text is None or text.strip() in {"", "0"}:
        return None
    try:
        return int(str(_MEMORY.parse(text.strip())))
    except ValueError:
        message = f"Invalid input: a memory limit is {_MEMORY.accepts}"
        raise invalid([{"code": "custom", "path": [field], "message": message}]) from None


def cpus(field: str, limit: str | None) -> float | None:
    """A number of processors, or of billionths of one, as Docker counts them."""
    try:
        number = float(limit or 0)
    except ValueError:
        number = -1.0
    cpus = number / _NANO if number >= _SMALLEST_NANO else number
    if not 0 <= cpus <= _MOST_CPUS:
        message = "Invalid input: a CPU limit is a number of processors, such as 0.5, or of billionths of one"
        raise invalid([{"code": "custom", "path": [field], "message": message}])
    return cpus or None
