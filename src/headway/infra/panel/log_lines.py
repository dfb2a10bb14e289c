"""The panel's own log: one line for each thing said, as key=value or as JSON, with the ids of what it is about."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from headway.kernel import context
from headway.kernel.settings import LogFormat, LogLevel

_FIRST = ("timestamp", "level", "logger", "event")


def configure(level: LogLevel, form: LogFormat) -> None:
    """Lets everything that is logged go to standard error."""
    renderer: structlog.typing.Processor = structlog.processors.LogfmtRenderer(key_order=list(_FIRST))
    if form is LogFormat.JSON:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                _add_ids,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    for each in ("alembic", "asyncssh"):
        logging.getLogger(each).setLevel(logging.WARNING)


def _add_ids(_logger: object, _method: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in context.ids().items():
        said.setdefault(name, value)
    return said
