"""What the doctor says about machines that have more or less."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headway.cli.diagnosis import Docker, Examined, Isolation, Level, can_work, judge
from headway.cli.repair import lacking, line

GIB = 1 << 30
TOOLS = {name: f"/usr/bin/{name}" for name in ("git", "perl", "tar", "unshare", "setpriv", "ssh", "gcc")}
PARTS = {name: f"/venv/bin/{name}" for name in ("supervisord", "traefik", "caddy")}
FULL = Isolation(
    cgroup="/sys/fs/cgroup/headway", memory_bound="cgroup v2", process_bound="cgroup v2", pid_namespaces=True
)
BARE = Isolation(cgroup=None, memory_bound="rlimit", process_bound="rlimit", pid_namespaces=False)
ENGINE = Docker(
    socket="/var/run/docker.sock",
    program="/usr/bin/docker",
    has_buildx=True,
    engine="26.1.5 for amd64",
    problem=None,
    builders=("nixpacks",),
)
GOOD = Examined(
    is_root=True,
    python="3.12.1 /venv/bin/python",
    system_python="3.13.5 /usr/bin/python3",
    system_python_has_venv=True,
    node="20.19.2 /usr/bin/node",
    npm="9.2.0 /usr/bin/npm",
    programs=TOOLS,
    parts=PARTS,
    isolation=FULL,
    docker=ENGINE,
    data_dir=Path("/var/lib/headway"),
    data_dir_problem=None,
    closed_parent=None,
    free_bytes=50 * GIB,
    memory_bytes=8 * GIB,
    concurrency=2,
    taken_ports={},
    settings_problem=None,
    complaints=(),
)


def test_a_language_that_the_machine_lacks_is_no_fault_for_it_is_fetched() -> None:
    bare = judge(replace(GOOD, node=None, npm=None, languages=("Python 3.12.1 (pyenv, /opt/pyenv/versions/3.12.1)",)))
    said = {found.name: found for found in bare}
    assert (said["node"].level, "fetched from npm" in said["node"].detail) == (Level.OK, True)
    assert "Python 3.12.1 (pyenv" in said["languages"].detail
    assert "npm is fetched" in {found.name: found for found in judge(replace(GOOD, npm=None))}["node"].detail


def test_what_keeps_applications_apart_is_said_where_there_are_accounts() -> None:
    unkept = replace(GOOD, isolation=replace(FULL, gates="Operation not permitted", hides=False))
    said = {found.name: found for found in judge(unkept)}
    assert said["gates"].level is Level.WARN
    assert said["gates"].detail.startswith("Operation not permitted: applications reach each other's ports")
    assert (said["processes"].level, bool(said["processes"].advice)) == (Level.WARN, True)
    assert not {"gates", "processes"} & {found.name for found in judge(replace(unkept, is_root=False))}


def test_a_good_machine_lacks_nothing() -> None:
    findings = judge(GOOD)
    assert {finding.level for finding in findings} == {Level.OK}
    assert can_work(findings)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("git", {"programs": TOOLS | {"git": None}}),
        ("perl", {"programs": TOOLS | {"perl": None}}),
        ("tar", {"programs": TOOLS | {"tar": None}}),
        ("supervisord", {"parts": PARTS | {"supervisord": None}}),
        ("traefik", {"parts": PARTS | {"traefik": None}}),
        ("data folder", {"data_dir_problem": "this account may not write there"}),
        ("disk", {"free_bytes": GIB // 8}),
        ("settings", {"settings_problem": "HEADWAY_PORT: …"}),
    ],
)
def test_without_it_headway_cannot_work(name: str, change: dict[str, Any]) -> None:
    findings = judge(replace(GOOD, **change))
    assert [finding.name for finding in findings if finding.level is Level.MISSING] == [name]
    assert not can_work(findings)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("unshare", {"programs": TOOLS | {"unshare": None}}, "util-linux"),
        ("ssh", {"programs": TOOLS | {"ssh": None}}, "openssh-client"),
        ("setpriv", {"programs": TOOLS | {"setpriv": None}}, "util-linux"),
        ("gcc", {"programs": TOOLS | {"gcc": None}}, "build-essential python3-dev pkg-config"),
        ("caddy", {"parts": PARTS | {"caddy": None}}, "static sites"),
        ("system python", {"system_python": None}, "apt-get install python3 python3-venv"),
        ("system python", {"system_python_has_venv": False}, "apt-get install python3-venv"),
        ("accounts", {"is_root": False}, "run as you"),
        ("cgroups", {"isolation": BARE}, "bounded by rlimit"),
        ("pid namespaces", {"isolation": BARE}, "may survive a kill"),
        ("isolation", {"isolation": None}, "perl"),
        ("data folder", {"closed_parent": Path("/root")}, "/var/lib/headway-work"),
        ("disk", {"free_bytes": GIB}, "1.0 GiB free"),
        ("memory", {"memory_bytes": GIB // 2}, "0.5 GiB"),
        ("ports", {"taken_ports": {"HEADWAY_EDGE_PORT": 8080}}, "HEADWAY_EDGE_PORT"),
        ("settings", {"complaints": ("HEADWAY_PROT is not a setting",)}, "HEADWAY_PROT"),
    ],
)
def test_without_it_headway_works_and_says_what_it_lacks(name: str, change: dict[str, Any], told: str) -> None:
    findings = judge(replace(GOOD, **change))
    assert can_work(findings)
    found = next(finding for finding in findings if finding.level is Level.WARN and finding.name == name)
    assert told in f"{found.detail} {found.advice}"


def test_cgroups_do_without_namespaces() -> None:
    findings = judge(replace(GOOD, isolation=replace(FULL, pid_namespaces=False)))
    assert {finding.level for finding in findings} == {Level.OK}


@pytest.mark.parametrize(
    ("change", "level", "told"),
    [
        ({}, Level.OK, "26.1.5 for amd64 at /var/run/docker.sock"),
        (
            {"program": None, "engine": None, "problem": "x"},
            Level.WARN,
            "Dockerfiles, images, compose services and databases need Docker",
        ),
        ({"engine": None, "problem": "Connection refused"}, Level.WARN, "does not answer at .* (Connection refused)"),
        ({"is_old": True}, Level.WARN, "the engine is older than 24"),
        ({"has_buildx": False}, Level.WARN, "no buildx; images can be run and not built"),
        ({"program": None, "has_buildx": False}, Level.WARN, "no docker program; images can be run and not built"),
    ],
)
def test_what_there_is_of_docker(change: dict[str, Any], level: Level, told: str) -> None:
    found = [each for each in judge(replace(GOOD, docker=replace(ENGINE, **change))) if each.name == "docker"]
    assert found[-1].level is level
    assert re.search(told.replace("(", r"\(").replace(")", r"\)"), found[-1].detail)
    assert bool(found[-1].advice) == (level is Level.WARN)


def test_all_packages_that_are_missing_are_one_command_and_what_is_a_choice_is_none_of_them() -> None:
    fewer = TOOLS | {"gcc": None, "unshare": None, "setpriv": None}
    away = replace(ENGINE, program=None, engine=None)
    found = lacking(judge(replace(GOOD, docker=away, programs=fewer, system_python=None)))
    assert line(found) == "apt-get install util-linux build-essential python3-dev pkg-config python3 python3-venv"
    assert lacking(judge(GOOD)) == []
