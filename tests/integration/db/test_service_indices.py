"""Services of a kind and their releases are found by an index, whichever others there are beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import event

from headway.core.deployments.model import SubjectType
from headway.features.projects import store as projects
from headway.features.rollbacks import store as rollbacks
from headway.features.services import overview_store, store
from headway.features.services.application import store as applications
from headway.features.services.compose import store as composes
from headway.features.services.model import APPLICATIONS, Release, ReleaseState
from headway.features.services.release_retention import KeptReleases, beyond, is_shared
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from headway.kernel.vault import Vault

RELEASE = Release(
    release_id="shop-1",
    seq=1,
    service_id="shop",
    host_id="local",
    deployment_id="shop-1",
    state=ReleaseState.RETIRED,
    folder="/work/shop-1",
    port=None,
    commit_hash=None,
    retire_at=None,
    created_at=datetime(2026, 6, 1, tzinfo=UTC),
)


def test_lists_of_a_kind_look_at_no_service_of_another(sqlite_database_url: str) -> None:
    vault = Vault(Vault.new_key())
    wanted: dict[str, Callable[[Tx], object]] = {
        "ix_services_environment (environment_id=? AND kind=?)": lambda tx: composes.of_environment(tx, "e", vault),
        "ix_services_organization (organization_id=? AND kind=?)": lambda tx: applications.of_organization(
            tx, "o", vault
        ),
        "ix_services_project (project_id=? AND kind=?)": lambda tx: projects.databases_in(tx, ["p", "q"]),
        "ix_services_kind (kind=? AND host_id=?)": lambda tx: store.live(tx, "local", APPLICATIONS),
        "ix_services_kind (kind=?)": lambda tx: composes.being_deleted(tx, vault),
    }
    found = {index: plan(sqlite_database_url, work) for index, work in wanted.items()}
    assert {index: steps for index, steps in found.items() if not any(index in step for step in steps)} == {}


def test_releases_of_compose_services_are_found_without_a_look_at_every_release(sqlite_database_url: str) -> None:
    for work in (
        composes.any_release,
        lambda tx: is_shared(tx, RELEASE),
        lambda tx: beyond(tx, SubjectType.COMPOSE, "shop", KeptReleases(number=1)),
    ):
        steps = plan(sqlite_database_url, work)
        assert any("ix_releases_service (service_id=?)" in step for step in steps), steps
        assert not any(step.startswith("SCAN") for step in steps), steps


def test_what_one_goes_back_to_is_told_by_the_release_alone(sqlite_database_url: str) -> None:
    steps = plan(sqlite_database_url, lambda tx: rollbacks.left_by(tx, ["d"]))
    assert steps == ["SEARCH releases USING INDEX ix_releases_deployment_id (deployment_id=?)"]


def test_how_the_last_one_ended_is_found_without_a_look_at_every_deployment(sqlite_database_url: str) -> None:
    steps = plan(sqlite_database_url, lambda tx: overview_store.find(tx, "shop"))
    assert any("ix_deployments_ended (subject_type=? AND subject_id=? AND finished_at>?)" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps), steps


def plan(url: str, work: Callable[[Tx], object]) -> list[str]:
    """How SQLite finds what a function of a store asks for."""
    database, asked = SqlDatabase(url), list[tuple[str, tuple[object, ...]]]()
    event.listen(database.writer, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    with database.writer.begin() as connection:
        work(Tx(connection, SystemClock()))
        steps = [
            str(row.detail)
            for statement, parameters in tuple(asked)
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    database.close()
    return steps
