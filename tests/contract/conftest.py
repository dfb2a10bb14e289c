"""What the contract suites share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.clock import SystemClock
from tests.contract.host_forms import FORMS, Form
from tests.contract.queue_model import wrong_marks
from tests.contract.queue_steps import Write
from tests.support.panel.factories import add_host

T = TypeVar("T")


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) if name == "ssh" else name for name in FORMS])
async def form(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Form]:
    async with FORMS[request.param](tmp_path) as form:
        yield form


@pytest.fixture
def host(form: Form) -> Host:
    return form.host


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
