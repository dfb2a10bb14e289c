"""What the contract suites share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.contract.queue_model import wrong_marks
from tests.contract.queue_steps import Write
from tests.factories import add_host

T = TypeVar("T")


@pytest.fixture
def write(database: SqlDatabase) -> Write:
    """A host ``here`` with two slots is there."""

    def perform(work: Callable[[Tx], T]) -> T:
        with database.writer.begin() as connection:
            tx = Tx(connection, SystemClock())
            result = work(tx)
            assert wrong_marks(tx) == []
        tx.committed()
        return result

    perform(add_host)
    return perform
