"""The queue with many at once, which meet in ever other ways."""

from __future__ import annotations

import pytest

from headway.infra.db.engine import SqlDatabase
from tests.contract.conftest import write
from tests.contract.queue_steps import Write
from tests.contract.test_queue_at_once import claim_all_at_once

__all__ = ["write"]


@pytest.mark.parametrize("seed", range(2, 12))
def test_many_claimers_claim_each_job_once_and_keep_every_bound(write: Write, database: SqlDatabase, seed: int) -> None:
    claim_all_at_once(write, database, seed)
