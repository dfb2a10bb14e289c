"""What lists and histories tell, told the same by PostgreSQL: their statements are written for both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from headway.infra.db.tables.backups import kept_files
from headway.infra.db.tables.schedules import schedules
from headway.kernel.ids import new_id
from tests.integration.http import (
    test_deployment_compare as compare,
)
from tests.integration.http import (
    test_deployment_figures as figures,
)
from tests.integration.http import (
    test_deployment_history as history,
)
from tests.integration.http import (
    test_deployment_links as links,
)
from tests.integration.http import (
    test_deployment_strip as strip,
)
from tests.integration.http import (
    test_overviews as overviews,
)
from tests.integration.http import (
    test_usage as usage,
)
from tests.integration.http.backup_rows import A_DATABASE
from tests.integration.http.schedule_rows import A_SCHEDULE
from tests.integration.http.world import World, open_world
from tests.integration.web import test_webhook_pages as webhooks

pytestmark = pytest.mark.postgres

Scenario = Callable[[World], Awaitable[None]]
SCENARIOS: tuple[Scenario, ...] = (
    compare.test_it_tells_what_changed_and_of_secrets_that_they_did,
    compare.test_what_has_left_nothing_is_held_against_what_serves,
    figures.test_each_day_tells_how_deployments_ended_and_how_long_they_took,
    figures.test_nobody_counts_what_they_may_not_see,
    history.test_the_last_twenty_that_were_done_tell_what_is_usual,
    history.test_what_others_run_is_counted_and_not_named,
    history.test_what_runs_and_what_waits_is_told_when,
    history.test_the_same_failure_before_is_counted_with_what_it_went_away_after,
    links.test_a_link_ends_at_its_time_by_the_clock_and_is_listed_no_more,
    links.test_a_link_is_gone_with_its_deployment,
    links.test_a_link_that_is_revoked_opens_nothing_whoever_made_it,
    links.test_a_panel_that_was_restored_opens_by_no_link_of_before,
    links.test_who_was_removed_and_comes_back_brings_no_link_along,
    overviews.test_backups_of_both_kinds_are_listed_with_what_is_kept_of_each,
    overviews.test_previews_of_all_services_are_listed_newest_first,
    overviews.test_schedules_of_services_and_machines_are_listed_by_name_with_their_newest_run,
    overviews.test_who_was_given_nothing_sees_nothing,
    strip.test_bars_tell_how_each_ended_and_how_long_it_took,
    usage.test_a_year_is_told_by_the_day_and_what_is_older_is_not,
    usage.test_what_has_moved_is_told_of_the_hosts_that_it_was_on_and_of_no_others,
    webhooks.test_the_operation_finds_what_the_page_shows,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__.removeprefix("test_"))
async def test_it_is_told_the_same(tmp_path: Path, postgres_database_url: str, scenario: Scenario) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=postgres_database_url) as world:
        await scenario(world)


async def test_what_comes_between_two_statements_breaks_no_list(tmp_path: Path, postgres_database_url: str) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=postgres_database_url) as world:
        made = await world.post("compose.create", name="stack", environmentId=await world.environment())
        backup = await world.post("backup.create", **A_DATABASE, composeId=made["composeId"])
        await overviews._keep(world, backup, 1)
        schedule = await world.post("schedule.create", **A_SCHEDULE, scheduleType="dokploy-server")
        other = await world.post("backup.create", **A_DATABASE, composeId=made["composeId"], name="other")
        engine = world.services.db.writer

        def copied(table: Any, **changes: object) -> None:  # noqa: ANN401 - a table
            with engine.begin() as connection:
                row = connection.execute(select(table)).mappings().first()
                assert row is not None
                connection.execute(insert(table).values(**{**row, **changes}))

        comes = {
            "FROM timers": lambda: copied(schedules, schedule_id=new_id()),
            "FROM kept_files": lambda: copied(
                kept_files, kept_file_id=new_id(), subject_id=other["backupId"], path="shop/other"
            ),
        }

        def after(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            for words in [each for each in comes if each in " ".join(statement.split())]:
                comes.pop(words)()

        event.listen(engine, "after_cursor_execute", after)
        listed = await world.get("schedule.overview")
        kept = {each["backupId"]: each["files"] for each in await world.get("backup.overview")}
        event.remove(engine, "after_cursor_execute", after)
    assert comes == {}, "both have come"
    assert [each["scheduleId"] for each in listed] == [schedule["scheduleId"]]
    assert kept == {backup["backupId"]: 1, other["backupId"]: 0}
