"""The attacks on what is kept of whose it is, once more with PostgreSQL as the panel's database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.test_foreign_ids import test_no_foreign_id_is_taken_in_any_field
from tests.attacks.test_machine_table import (
    stage,
    test_it_starts_for_whoever_may_start_it_as_long_as_it_is_allowed,
    test_it_starts_no_more_once_the_machine_is_taken_back,
    test_only_who_may_use_the_machine_saves_it,
)
from tests.attacks.test_memory_share import (
    test_a_limit_that_is_set_beyond_the_share_is_refused_at_the_deploy,
    test_what_served_with_as_much_goes_on,
    test_who_had_more_before_the_upgrade_is_named,
)
from tests.attacks.test_pending import (
    test_a_service_has_a_hundred_waiting_and_no_more,
    test_what_a_caller_calls_a_deployment_is_short,
    test_what_is_said_of_services_and_where_they_lie_is_short,
)
from tests.attacks.test_secrets_scope import (
    planted,
    test_no_answer_to_a_read_key_holds_a_secret,
    test_what_was_read_with_marks_is_saved_without_loss,
)
from tests.integration.http.world import World, open_world

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.root]
__all__ = (
    "planted",
    "stage",
    "test_a_limit_that_is_set_beyond_the_share_is_refused_at_the_deploy",
    "test_a_service_has_a_hundred_waiting_and_no_more",
    "test_it_starts_for_whoever_may_start_it_as_long_as_it_is_allowed",
    "test_it_starts_no_more_once_the_machine_is_taken_back",
    "test_no_answer_to_a_read_key_holds_a_secret",
    "test_no_foreign_id_is_taken_in_any_field",
    "test_only_who_may_use_the_machine_saves_it",
    "test_what_a_caller_calls_a_deployment_is_short",
    "test_what_is_said_of_services_and_where_they_lie_is_short",
    "test_what_served_with_as_much_goes_on",
    "test_what_was_read_with_marks_is_saved_without_loss",
    "test_who_had_more_before_the_upgrade_is_named",
)


@pytest.fixture
async def world(tmp_path: Path, postgres_database_url: str) -> AsyncIterator[World]:
    """As those attacks have one, with the other database."""
    folder = tmp_path / "data"
    folder.mkdir()
    async with open_world(folder, HEADWAY_DATABASE_URL=postgres_database_url) as opened:
        yield opened
