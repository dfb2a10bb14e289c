"""Must show 3: the panel dies at every write and every step boundary, inside every step, is stopped and paused, its
supervisor and edge die, its database refuses; each deployment ends truly, nothing runs twice, no byte of a log is
missing or doubled, and nothing half-made is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.proofs._crash_site import BUILD, LEASE, Site, environs, made, marked_processes
from tests.proofs._lanes import LANES, in_lanes, some, the_same
from tests.support.databases.postgres import running_cluster

# Of a build that is killed a panel may hear that it has ended before it hears that all of it is, or not: these are two
# answers, and after the second it asks nothing more of the first.
BY_CHANCE = "command build ended"
TRIES_BY_CHANCE = 5


@pytest.fixture
def site() -> Iterator[Site]:
    with made(**LEASE) as site:
        yield site


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    """What is to be shown at each of many points is shown at some of them at a time."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(made(**LEASE)) for _ in range(LANES)]


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy(sites: list[Site]) -> None:
    counted = {site: passed_points(site, "counted") for site in sites}
    names = the_same(names for names, _ in counted.values())
    print(f"\n{len(names)} crash points in a deploy")

    def prove(site: Site, point: tuple[int, str]) -> None:
        at, name = point
        site.hasten(at)
        for deployment_id in site.meets(names, at, lambda: site.begin(f"v{at}")):
            site.check_done(deployment_id, f"v{at}", site.before, counted[site][1])
        print(f"  {at:3} {name}: done")

    in_lanes(sites, some(names), prove)


@pytest.mark.parametrize(("ending", "marker"), [("failed", ""), ("killed", "line 3")])
def test_the_panel_is_killed_at_every_crash_point_of_a_failing_deploy_and_of_a_kill(
    sites: list[Site], ending: str, marker: str
) -> None:
    uncounted = BY_CHANCE if marker else ""
    for site in sites:
        site.panel.start()
        build = BUILD + ("; sleep 600" if marker else "; exit 9")
        site.panel.post("application.update", applicationId=site.application_id, buildCommand=build)
        site.panel.stop()
    names = the_same([failing_points(site, marker, uncounted) for site in sites])
    print(f"\n{len(names)} crash points in a deploy that is {ending}")

    def prove(site: Site, point: tuple[int, str]) -> None:
        at, name = point
        site.hasten(at)
        for deployment_id in site.meets(
            names, at, lambda: begin_and_kill(site, f"{ending}{at}", marker), uncounted=uncounted
        ):
            check_error(site, deployment_id, name, marker)
        print(f"  {at:3} {name}: {ending}")

    in_lanes(sites, some(names), prove)
    if uncounted:
        meet_by_chance(sites[0], marker)


def test_the_panel_is_killed_inside_every_step(sites: list[Site]) -> None:
    references = {site: passed_points(site, "reference")[1] for site in sites}

    def prove(site: Site, number: int) -> None:
        before = site.counted()
        site.hasten(number)
        site.panel.start()
        deployment_id = site.begin(f"i{number}")
        time.sleep(number * 0.045)
        step = [step["name"] for step in site.panel.one(deployment_id)["steps"]][-1:]
        site.panel.kill()
        site.panel.start()
        site.check_done(deployment_id, f"i{number}", before, references[site])
        print(f"  killed {number * 45} ms after the request, in {step}: done")
        site.panel.stop()

    in_lanes(sites, range(40), prove)


def test_sigterm_leaves_the_build_alone_and_the_next_start_adopts_it(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("term")
    site.panel.running(deployment_id, "line 2")
    began = time.monotonic()
    site.panel.stop(5)
    print(f"\nSIGTERM: ended in {time.monotonic() - began:.2f} s")
    assert marked_processes(site.panel.data_dir)
    site.panel.start()
    site.check_done(deployment_id, "term", before, reference)


def test_a_paused_panel_has_lost_its_run_and_takes_it_again_at_a_new_epoch(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("paused")
    site.panel.running(deployment_id, "line 2")
    site.panel.signal(signal.SIGSTOP)
    time.sleep(4)
    site.panel.signal(signal.SIGCONT)
    site.check_done(deployment_id, "paused", before, reference)
    assert site.rows(f"SELECT epoch FROM deployments WHERE deployment_id = '{deployment_id}'") == [(2,)]  # noqa: S608


def test_supervisor_and_edge_are_killed_and_come_back_while_a_deploy_runs(site: Site) -> None:
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("helpers")
    site.panel.running(deployment_id, "line 2")
    killed = [pid for pid, environ in environs() if b"HEADWAY_DAEMON=" + os.fsencode(site.panel.data_dir) in environ]
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    row = site.panel.done(deployment_id, 60)
    assert row["status"] == "done"
    assert site.panel.visit("app").text == "helpers"
    assert site.counted() - before == Counter(build=1, release=1)
    site.check_nothing_left()


def test_queued_deployments_run_in_order_after_a_crash(site: Site) -> None:
    site.panel.start()
    queued = [site.begin(f"q{number}") for number in range(4)]
    site.panel.running(queued[0], "line 1")
    site.panel.kill()
    site.panel.start()
    rows = [site.panel.done(deployment_id, 60) for deployment_id in queued]
    starts = [row["startedAt"] for row in rows]
    ends = [row["finishedAt"] for row in rows]
    assert starts == sorted(starts)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_sqlite_is_locked_by_another_process_for_ten_seconds_at_the_end_of_a_build(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("locked")
    site.panel.running(deployment_id, "line 4")
    holder = sqlite3.connect(site.panel.data_dir / "headway.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    time.sleep(10)
    holder.execute("ROLLBACK")
    holder.close()
    site.check_done(deployment_id, "locked", before, reference)


@pytest.mark.postgres
def test_postgresql_refuses_writes_for_ten_seconds_at_the_end_of_a_build(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_cluster() as cluster:
        cluster.administer("CREATE DATABASE panel")
        with made(HEADWAY_DATABASE_URL=cluster.url("panel")) as site:
            site.panel.start()
            deployment_id = site.begin("refused")
            site.panel.running(deployment_id, "line 4")
            cluster.administer("ALTER SYSTEM SET default_transaction_read_only = on")
            cluster.administer("SELECT pg_reload_conf()")
            time.sleep(10)
            cluster.administer("ALTER SYSTEM RESET default_transaction_read_only")
            cluster.administer("SELECT pg_reload_conf()")
            site.panel.done(deployment_id, 60)
            assert site.panel.visit("app").text == "refused"
            assert site.counted() == Counter(build=2, release=2)


def passed_points(site: Site, version: str) -> tuple[list[str], str]:
    """The names of the crash points that a whole deploy passes, and its log."""
    site.crash_at(0)
    deployment_id = site.begin(version)
    site.panel.done(deployment_id)
    log = site.panel.deployment_log(deployment_id)
    site.panel.stop()
    return site.passed(), log


def failing_points(site: Site, marker: str, uncounted: str) -> list[str]:
    """The names of the crash points that a deploy passes which fails, or is killed once its log shows ``marker``."""
    site.crash_at(0, uncounted=uncounted)
    site.panel.ended(begin_and_kill(site, "counted", marker))
    site.panel.stop()
    return site.passed()


def meet_by_chance(site: Site, marker: str) -> None:
    """The panel dies at the point that a kill does not always pass, if it passes it in some runs."""
    for number in range(TRIES_BY_CHANCE):
        site.before = site.counted()
        site.crash_at(0, named=BY_CHANCE)
        deployment_id = begin_and_kill(site, f"chance{number}", marker)
        has_died = site.died(deployment_id)
        if not has_died:
            site.panel.kill()
        site.panel.start()
        check_error(site, deployment_id, BY_CHANCE, marker)
        site.panel.kill()
        if has_died:
            print(f"      {BY_CHANCE}: killed")
            return
    print(f"      {BY_CHANCE}: was passed by none of {TRIES_BY_CHANCE} runs")


def begin_and_kill(site: Site, version: str, marker: str) -> str:
    """Queues a deploy, which is killed once its log shows ``marker``, if there is one; its id."""
    deployment_id = site.begin(version)
    if marker:
        wait_for_marker_and_kill(site, deployment_id, marker)
    return deployment_id


def wait_for_marker_and_kill(site: Site, deployment_id: str, marker: str) -> None:
    """Asks for the kill once the log shows ``marker``; the panel may die meanwhile."""
    with contextlib.suppress(httpx.TransportError):
        site.panel.running(deployment_id, marker)
        site.panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})


def check_error(site: Site, deployment_id: str, name: str, marker: str) -> None:
    """The deployment ended as an error, has built once, and the release that served before does still."""
    if marker and site.panel.one(deployment_id)["killRequestedAt"] is None:
        wait_for_marker_and_kill(site, deployment_id, marker)
    row = site.panel.ended(deployment_id, 60)
    assert (row["status"], row["reason"]) == ("error", "killed" if marker else "failed"), (name, row)
    assert (site.counted() - site.before)["build"] == 1, name
    assert site.panel.visit("app").text == "old"
    site.check_nothing_left()
