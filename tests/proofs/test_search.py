"""Search with filters and reaches by chance: the pages together are all that matches, in order."""

from __future__ import annotations

import pytest

from headway.infra.db.engine import SqlDatabase
from tests.contract.test_search_contract import compare_searches


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_pages_of_any_search_are_all_that_matches(database: SqlDatabase, seed: int) -> None:
    compare_searches(database, seed, number=60)
