"""With what the clients' commands about schedules are driven."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

Json = Any


class At(Protocol):
    """The stage, as far as schedules need it."""

    def name(self) -> str: ...

    def application(self) -> str: ...

    def post(self, procedure: str, **fields: Json) -> Json: ...


def _schedule(at: At) -> dict[str, Json]:
    """One that is not due before the new year."""
    given = {"name": at.name(), "cronExpression": "0 0 1 1 *", "command": "true"}
    return {"scheduleId": at.post("schedule.create", **given, applicationId=at.application())["scheduleId"]}


SCHEDULE_DRIVES: Mapping[str, Callable[[At], dict[str, Json]]] = MappingProxyType(
    {
        "schedule.create": lambda at: {
            "name": at.name(),
            "cronExpression": "0 4 * * *",
            "command": "true",
            "shellType": "bash",
            "scheduleType": "application",
            "applicationId": at.application(),
            "enabled": True,
            "timezone": "Europe/Berlin",
        },
        "schedule.delete": _schedule,
        "schedule.list": lambda at: {"id": at.application(), "scheduleType": "application"},
        "schedule.one": _schedule,
        "schedule.runManually": _schedule,
        "schedule.update": lambda at: {
            **_schedule(at),
            "name": at.name(),
            "cronExpression": "0 5 * * *",
            "command": "false",
        },
    }
)
