"""What is restored on trial, beside what lives."""

from __future__ import annotations

from typing import Any, cast

from headway.drivers.dumps.base import Engine, Server
from headway.drivers.dumps.registry import DUMPERS
from headway.features.backups.database.servers import QueriedServer, ReachedDatabase

NEVER = cast("Any", None)


def test_what_fills_a_database_on_trial_is_known_by_that() -> None:
    reached = ReachedDatabase(server=Server(engine=Engine.MYSQL, host="db.example"))
    asked = QueriedServer(run=NEVER, reached=reached, dumper=DUMPERS[Engine.MYSQL], database="shop", transfer=NEVER)
    tried, restored = (asked.restore("copy", over=False, on_trial=each) for each in (True, False))
    assert (tried.on_trial, restored.on_trial) == (True, False)
    assert tried.programs == restored.programs
