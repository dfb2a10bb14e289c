"""What every test may rely on: the marks that say what a test needs, and a clear word where it is not there."""

from __future__ import annotations

import gc
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.support.applications.left import daemons
from tests.support.databases.databases import (
    database,
    database_url,
    postgres_cluster,
    postgres_database_url,
    sqlite_database_url,
    sqlite_template,
)
from tests.support.databases.postgres import find_program
from tests.support.docker.docker_engine import Engine, lacks_docker, shared_engine
from tests.support.docker.swarm_nodes import Nodes, swarm_nodes
from tests.support.panel.panel import Panel
from tests.support.panel.today import VARIABLE, today, turn

ON_A_SWARM = {"test_runtime_contract.py", "test_stack.py", "test_swarm.py", "test_swarm_reach.py"}
# What takes longer than a minute beside three others, as the end of a run tells, the longest first.
LONGEST = (
    "e2e/test_stack.py",
    "attacks/test_swarm_reach.py",
    "attacks/test_short_disk.py",
    "e2e/test_compose.py",
    "e2e/test_answers.py",
    "e2e/test_applications_servers.py",
    "e2e/test_swarm.py",
    "e2e/test_plan_images.py",
    "integration/http/test_access_table.py",
    "e2e/test_containers.py",
    "simulation/test_crossings.py",
    "e2e/test_volume_backups.py",
    "e2e/test_build_servers.py",
    "e2e/test_bad_input.py",
    "integration/db/test_one_table_of_services.py",
    "e2e/test_bad_machine.py",
    "attacks/test_servers_reach.py",
    "e2e/test_backup.py",
    "unit/kernel/test_failures.py",
    "attacks/test_certificate_authority.py",
    "e2e/test_reasons.py",
    "e2e/test_backups.py",
    "e2e/test_edge.py",
    "e2e/test_rollback.py",
    "e2e/test_engine_away.py",
    "e2e/test_examples.py",
    "unit/infra/logs/test_mask.py",
    "integration/builders/test_install_cache.py",
    "e2e/test_client_commands.py",
    "integration/http/test_audit_table.py",
    "integration/http/test_bad_values.py",
    "e2e/test_rollback_containers.py",
    "e2e/test_previews.py",
    "e2e/test_cli.py",
    "attacks/test_secrets_scope.py",
    "attacks/test_compose_mounts.py",
    "e2e/test_known_clients.py",
    "e2e/test_document.py",
    "attacks/test_native_loopback.py",
    "attacks/test_machine_table.py",
    "integration/logs/test_pump.py",
    "e2e/test_databases.py",
)
LONG_SECONDS = 60
# How long an example takes is for the machine to say, on which three others run; what takes too long meets the timeout.
settings.register_profile("suite", deadline=None)
settings.register_profile("short", deadline=None, max_examples=30)  # each run draws others
settings.load_profile("suite")
DAEMONS_BEFORE = pytest.StashKey[frozenset[int]]()
# What is shown here is shown with programs that the tests start: panels, Traefik, SSH servers, installers.
WITH_PROGRAMS = tuple(
    Path(__file__).parent / each
    for each in ("e2e", *(f"integration/{part}" for part in ("builders", "hosts", "runtimes", "sources", "toolchains")))
)
A_FEW_OF_THEM = {"test_main_job.py"}  # the way from a repository to an address and back
# Whose files have turns where ``--turn`` is given, and in how many days all of them; but for those few.
ASKING = ("integration/http", "integration/web")  # a panel within the process
WITHIN = ("attacks", "contract", "integration/access", "integration/db", "integration/logs", *ASKING)
QUICK_TURNS = ((WITHIN, 4),)
WHOLE_TURNS = ((("attacks", "contract", "e2e"), 7), (ASKING, 2))

__all__ = [
    "database",
    "database_url",
    "postgres_cluster",
    "postgres_database_url",
    "sqlite_database_url",
    "sqlite_template",
]


@pytest.fixture(scope="session", autouse=True)
def loaded_panels(request: pytest.FixtureRequest) -> None:
    """Panels are begun without the time in which they would load themselves, but in proofs, which measure them."""
    Panel.loaded = not any("proofs" in item.path.parts for item in request.session.items)


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Engine]:
    """A Docker engine that all tests of this run share, on whichever worker they are."""
    own = tmp_path_factory.getbasetemp()
    with shared_engine((own if worker_id == "master" else own.parent) / "docker") as engine:
        yield engine


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A swarm of two machines, of this worker's own."""
    with swarm_nodes(tmp_path_factory.mktemp("swarm")) as started:
        yield started


def pytest_addoption(parser: pytest.Parser) -> None:
    """What only the tests here know."""
    told = "leave out the files that have their turn another day (QUICK_TURNS and WHOLE_TURNS in tests/conftest.py)"
    parser.addoption("--turn", action="store_true", help=told)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What would be left out as a whole is not even read."""
    is_quick = config.getoption("markexpr") == "not slow"
    if is_quick and _has_programs(collection_path):
        return True
    if not config.getoption("turn"):
        return None
    turns = QUICK_TURNS if is_quick else WHOLE_TURNS
    return True if any(collection_path in _another_days(*each) for each in turns) else None


@pytest.hookimpl(tryfirst=True)  # before what is slow is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # An engine or a server takes seconds to come up, on each process of the tests.
        if item.get_closest_marker("docker") or item.get_closest_marker("postgres") or _has_programs(item.path):
            item.add_marker(pytest.mark.slow)
    lacks = {"docker": lacks_docker(), "postgres": _lacks_postgres(), "root": _lacks_root()}
    for item in items:
        for mark, reason in lacks.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))
    _begin_with_what_is_slow(items)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through all of it for garbage, again and again, takes a tenth of the
    time of the tests.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - it has no types
    """A file of tests stays on one process; those that need a swarm stay on one together, for it is dear."""
    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = _file_or_swarm
    return scheduler


def pytest_configure(config: pytest.Config) -> None:
    """The processes of a run have one day, whatever of its head is shown. They end where they are interrupted: the way
    of asyncio has Python describe what each coroutine of a test gives, several times, and a whole panel is hundreds of
    thousands of objects.
    """
    today()
    if config.getoption("markexpr") == "not slow":
        settings.load_profile("short")
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def pytest_handlecrashitem(crashitem: str) -> None:
    """A process of the tests that is gone takes with it what it was yet to meet, or, where another one is begun, keeps
    the run from ending: it ends at once, and as no run whose failures may be tried again.
    """
    pytest.exit(f"{crashitem} ended the process that ran it", returncode=3)


def pytest_report_header() -> str:
    """Which day's part of what is too much for one run this one meets; its processes are told of it by this one."""
    return f"{VARIABLE}={today()}"


def pytest_sessionstart(session: pytest.Session) -> None:
    """What other runs have left is theirs."""
    session.config.stash[DAEMONS_BEFORE] = frozenset(daemons())


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401 - it has no public type
    """Tells of ``LONGEST``, where files are what processes are given, and of what a test has left alive: whoever starts
    a panel ends it with ``Panel.clean_up``.
    """
    before = terminalreporter.config.stash.get(DAEMONS_BEFORE, frozenset())
    for pid, argv in daemons().items():
        if pid not in before:
            terminalreporter.write_line(f"left alive by a test: {pid} {argv[:200]}")
    if terminalreporter.config.getoption("dist", "no") != "loadfile":
        return
    reports = [each for kind in ("passed", "failed", "error", "") for each in terminalreporter.stats.get(kind, ())]
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        if isinstance(report, pytest.TestReport):  # a file that cannot be loaded has told of no test
            seconds[report.nodeid.partition("::")[0]] += report.duration
    for file, took in sorted(seconds.items(), key=lambda each: -each[1]):
        if took > LONG_SECONDS:
            terminalreporter.write_line(f"{took:.0f} s: {file}")


@cache
def _another_days(folders: tuple[str, ...], days: int) -> frozenset[Path]:
    """The files that have no turn today. The long ones are dealt out one by one, so that each day takes as long."""
    here = Path(__file__).parent
    files = {path for folder in folders for path in (here / folder).glob("test_*.py") if path.name not in A_FEW_OF_THEM}
    known = [here / name for name in LONGEST]
    longest = sorted(files.intersection(known), key=known.index)
    dealt = {path for place, path in enumerate(longest) if (place + today().toordinal()) % days == 0}
    # By their names within the repository, or each folder that holds one would have other days.
    others = turn([path.relative_to(here).as_posix() for path in files.difference(known)], days)
    return frozenset(files - dealt - {here / name for name in others})


def _has_programs(path: Path) -> bool:
    is_test = path.name.startswith("test_") and path.name not in A_FEW_OF_THEM
    return is_test and any(folder in path.parents for folder in WITH_PROGRAMS)


def _file_or_swarm(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "swarm" if Path(file).name in ON_A_SWARM else file


def _begin_with_what_is_slow(items: list[pytest.Item]) -> None:
    """The files keep their random order, but those that take long come first, and the longest before all others, so
    that in the end no process is alone with them while the others have nothing to do.
    """
    here, longest = Path(__file__).parent, {name: rank - len(LONGEST) for rank, name in enumerate(LONGEST)}
    ranks: dict[Path, int] = {}
    for item in items:
        rank = 1 if item.get_closest_marker("slow") else 3 if "unit" in item.path.parts else 2
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    ranks |= {path: longest[name] for path in ranks if (name := path.relative_to(here).as_posix()) in longest}
    items.sort(key=lambda item: (item.path.name not in ON_A_SWARM, ranks[item.path]))


def _lacks_postgres() -> str | None:
    if find_program("initdb"):
        return None
    return "no PostgreSQL server programs on this machine (apt-get install postgresql)"


def _lacks_root() -> str | None:
    return None if os.geteuid() == 0 else "needs root: accounts, cgroups and namespaces are root's to make"
