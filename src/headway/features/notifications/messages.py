"""What people read of what happened: a line and a few more, made of a notice's payload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SAYS: Mapping[str, str] = {
    "started": "has begun",
    "done": "is done",
    "error": "has failed",
    "cancelled": "was cancelled",
    "superseded": "was superseded",
    "unstable": "is unstable: what it released has crashed or does not answer",
    "down": "does not serve although it is to",
    "out_of_reach": "is out of reach: its host does not answer",
    "missed": "was missed",
}
_LOOPS: Mapping[str, str] = {
    "timer": "what starts schedules and backups",
    "janitor": "what clears a machine",
    "undo": "what takes back half-made releases",
    "leftover": "what ends the processes of lost deployments",
    "retention": "what removes old deployments and their logs",
}
_LONGEST = 2_000
# Between these chats see somebody called, or an address hidden behind words.
_CALLS = re.compile(r"(?<=@)(?=everyone|here|channel|all)|(?<=<)(?=[@!#])|(?<=\])(?=\()", re.IGNORECASE)
_NOTHING = "\N{ZERO WIDTH SPACE}"


def message_title(event: str, payload: Mapping[str, Any]) -> str:
    """One line."""
    match event.rpartition("."):
        case "channel", _, "test":
            return "Headway: this is a test"
        case "channel", _, "failed":
            return f"Headway: the channel {payload.get('name', '')} does not take notifications"
        case "disk", _, "low":
            of = f" of {payload['serverName']}" if payload.get("serverName") else ""
            return f"Headway: only {payload.get('freeBytes', 0) >> 20} MiB are free on the disk{of}"
        case "panel", _, "error":
            return f"Headway: {_LOOPS.get(payload.get('loop', ''), 'a loop')} cannot do its work"
        case kind, _, state:
            what = payload.get("subjectName") or payload.get("subjectId") or ""
            return f"{what}: {payload.get('title') or kind} {_SAYS.get(state, state)}".strip()
    raise AssertionError(event)


def body_of(event: str, notice_id: str, payload: Mapping[str, Any]) -> str:
    """Some lines; the last is the id under which this is told, also when it is told again."""
    named = (
        ("Project", payload.get("projectName")),
        ("Reason", payload.get("reason")),
        ("Error", payload.get("errorMessage")),
        ("Commit", payload.get("commitHash")),
        ("Deployment", payload.get("deploymentId")),
        ("Time", payload.get("time")),
    )
    lines = [f"{name}: {value}" for name, value in named if value]
    if items := payload.get("items"):
        lines.append(f"{items} of its items failed again and again. settings.health says which, and why.")
    if left := payload.get("quiet"):
        lines.append(f"The same has happened {left} more times since this was told last.")
    return "\n".join((message_title(event, payload), *lines, f"Notification {notice_id}"))[:_LONGEST]


def calling_nobody(text: str) -> str:
    """A text as chats may show it: a commit's message or a pull request's title may hold what calls everybody."""
    return _CALLS.sub(_NOTHING, text)
