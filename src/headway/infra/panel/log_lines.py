"""The panel's own log: one line for each thing said, as key=value or as JSON, with the ids of what it is about."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from headway.kernel import context
from headway.kernel.forms import LogFormat, LogLevel

# What every record has: all else of one was said of it.
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_QUOTED = frozenset(' ="')


def configure(level: LogLevel, form: LogFormat) -> None:
    """Lets everything that is logged go to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(_as_json if form is LogFormat.JSON else _as_pairs))
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    for each in ("alembic", "asyncssh", "fido2"):
        logging.getLogger(each).setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    """A record as a line, with what was said of it, and by whom."""

    def __init__(self, write: Callable[[Mapping[str, Any]], str]) -> None:
        super().__init__()
        self._write = write

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        for name, value in context.ids().items():
            told.setdefault(name, value)
        if record.stack_info:
            told["stack_info"] = self.formatStack(record.stack_info)
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return self._write(told)


def _as_json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, default=repr)


def _as_pairs(told: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in told.items())


def _value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
    text = str(value)
    quoted = not _QUOTED.isdisjoint(text)
    if quoted:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = text.replace("\n", "\\n").replace("\r", "\\r")
    return f'"{text}"' if quoted else text
